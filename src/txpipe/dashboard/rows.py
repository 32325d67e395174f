"""An alert as a row: what is filtered by, in columns; the words that find it, in one."""

from __future__ import annotations

import re
from itertools import islice
from typing import Any

from txpipe.dashboard.tables import NAME_CHARS, TITLE_CHARS

_MOST_WORDS = 120
_MOST_HANDLES = 8
_MOST_STRINGS = 200
_MOST_CHARS = 8_000
_WORD_CHARS = 128
_DEEPEST = 6
_LEAST = -(2**63)
_MOST = 2**63 - 1
_WORD = re.compile(r"[^\W_]{2,}")
_ASCII_WORDS = bytes(ord(chr(code).lower()) if chr(code).isalnum() else ord(" ") for code in range(128))
_ASCII_WORDS += bytes(128)
"""What each byte becomes before words are split; a third of the time of the expression."""
_HEX_HEAD = re.compile(r"0x[0-9a-f]?")
"""Beginnings of hex addresses that say nothing: nearly every alert has such words."""


def row(alert: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of a checked alert, without its numbers, times and triage.

    Text is cut and integers are held within 64 bits where a column has no room; the line keeps the truth.
    """
    return {
        "id": alert["id"],
        "rev": whole(alert["rev"]),
        "status": alert["status"],
        "rule": name(alert["rule"]),
        "category": name(alert["category"]),
        "severity": alert["severity"],
        "score": alert["score"],
        "chain": alert["chain"],
        "block": None if alert["block"] is None else whole(alert["block"]),
        "time": whole(alert["time"]),
        "tx": name(alert["tx"]),
        "subject": name(alert["subject"]),
        "role": alert["role"],
        "title": _clean(alert["title"])[:TITLE_CHARS],
        "incident": name(alert.get("incident") or ""),
        "shadow": alert.get("shadow") is True,
        "search": _search(alert),
    }


def beat(heartbeat: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of a checked heartbeat."""
    return {
        "chain": heartbeat["chain"],
        "source": name(heartbeat["source"]),
        "status": heartbeat["status"],
        "block": None if heartbeat["block"] is None else whole(heartbeat["block"]),
        "time": whole(heartbeat["time"]),
        "lag_s": float(heartbeat["lag_s"]),
        "records": whole(heartbeat["records"]),
        "bad": whole(heartbeat["bad"]),
    }


def words(text: str) -> list[str]:
    """Return the different words of a text in lower case, in order: two or more letters and digits."""
    split = (
        text.encode().translate(_ASCII_WORDS).decode().split()
        if text.isascii()
        else _WORD.findall(text.lower())
    )
    found = [word for word in dict.fromkeys(split) if len(word) > 1]
    if found and max(map(len, found)) > _WORD_CHARS:
        found = list(dict.fromkeys(word[:_WORD_CHARS] for word in found))
    return found


def handles(text: str) -> list[str]:
    """Return the words by which a subject, transaction or incident is found; every alert of it has them."""
    if text.isascii() and text.isalnum() and len(text) > 1:
        return [text[:_WORD_CHARS].lower()]
    return words(name(text))[:_MOST_HANDLES]


def sought(text: str) -> list[str]:
    """Return the words of a search that narrow it down; hex of less than two digits does not."""
    return [word for word in words(text) if not _HEX_HEAD.fullmatch(word)]


def name(text: str) -> str:
    """Return text as an indexed column keeps it."""
    return _clean(text)[:NAME_CHARS]


def _clean(text: str) -> str:
    return text.replace("\x00", "\ufffd") if "\x00" in text else text  # PostgreSQL has no room for it


def whole(value: int) -> int:
    """Return an integer as a column of 64 bits keeps it."""
    return min(max(value, _LEAST), _MOST)


_SHORT = ("rule", "category")
_OF_RECORD = ("from", "to", "symbol", "asset", "created", "method")


def _search(alert: dict[str, Any]) -> str:
    """Return the words by which an alert may be looked for, the most telling ones first."""
    held = handles(alert["subject"]) + handles(alert["tx"]) + handles(alert.get("incident") or "")
    record = alert["record"]
    texts = [alert["title"][:TITLE_CHARS]] + [alert[key][:NAME_CHARS] for key in _SHORT]
    texts += [value for key in _OF_RECORD if isinstance(value := record.get(key), str)]
    most = len(texts) + _MOST_STRINGS
    _gather(record.get("inputs"), 1, texts, most)
    _gather(_seen(alert["evidence"]), 0, texts, most)
    found = dict.fromkeys([*held, *words(" ".join(texts)[:_MOST_CHARS])])
    return " ".join(found if len(found) <= _MOST_WORDS else list(found)[:_MOST_WORDS])


def _gather(value: Any, depth: int, texts: list[str], most: int) -> None:
    """Add the texts in a value, not deeper than some way down, until there are so many."""
    if isinstance(value, str):
        if len(texts) < most:
            texts.append(value)
    elif isinstance(value, (dict, list)) and depth < _DEEPEST:
        for each in islice(value.values() if isinstance(value, dict) else value, _MOST_STRINGS):
            if len(texts) >= most:
                return
            _gather(each, depth + 1, texts, most)


def _seen(evidence: dict[str, Any]) -> dict[str, Any]:
    """Return the evidence without the thresholds: settings, the same in every alert of a rule."""
    return {key: value for key, value in evidence.items() if key != "thresholds"}
