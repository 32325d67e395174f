"""An alert as a row: what is filtered by, in columns; the words that find it, in one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from txpipe.dashboard.tables import NAME_CHARS, TITLE_CHARS

_MOST_WORDS = 120
_MOST_STRINGS = 200
_MOST_CHARS = 8_000
_WORD_CHARS = 128
_DEEPEST = 6
_LEAST = -(2**63)
_MOST = 2**63 - 1
_WORD = re.compile(r"[^\W_]{2,}")
_HEX_HEAD = re.compile(r"0x[0-9a-f]?")
"""Beginnings of hex addresses that say nothing: nearly every alert has such words."""


def row(alert: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of a checked alert, without its numbers, times and triage.

    Text is cut and integers are held within 64 bits where a column has no room; the line keeps the truth.
    """
    return {
        "id": alert["id"],
        "rev": _whole(alert["rev"]),
        "status": alert["status"],
        "rule": name(alert["rule"]),
        "category": name(alert["category"]),
        "severity": alert["severity"],
        "score": alert["score"],
        "chain": alert["chain"],
        "block": None if alert["block"] is None else _whole(alert["block"]),
        "time": _whole(alert["time"]),
        "tx": name(alert["tx"]),
        "subject": name(alert["subject"]),
        "role": alert["role"],
        "title": _clean(alert["title"])[:TITLE_CHARS],
        "incident": name(alert.get("incident") or ""),
        "shadow": alert.get("shadow") is True,
        "search": " ".join(words(" ".join(_strings(alert))[:_MOST_CHARS])[:_MOST_WORDS]),
    }


def beat(heartbeat: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of a checked heartbeat."""
    return {
        "chain": heartbeat["chain"],
        "source": name(heartbeat["source"]),
        "status": heartbeat["status"],
        "block": None if heartbeat["block"] is None else _whole(heartbeat["block"]),
        "time": _whole(heartbeat["time"]),
        "lag_s": float(heartbeat["lag_s"]),
        "records": _whole(heartbeat["records"]),
        "bad": _whole(heartbeat["bad"]),
    }


def words(text: str) -> list[str]:
    """Return the different words of a text in lower case, in order: two or more letters and digits."""
    return list(dict.fromkeys(word[:_WORD_CHARS] for word in _WORD.findall(text.lower())))


def sought(text: str) -> list[str]:
    """Return the words of a search that narrow it down; hex of less than two digits does not."""
    return [word for word in words(text) if not _HEX_HEAD.fullmatch(word)]


def name(text: str) -> str:
    """Return text as an indexed column keeps it."""
    return _clean(text)[:NAME_CHARS]


def _clean(text: str) -> str:
    return text.replace("\x00", "\ufffd") if "\x00" in text else text  # PostgreSQL has no room for it


def _whole(value: int) -> int:
    return min(max(value, _LEAST), _MOST)


_OWN = ("title", "subject", "tx", "incident", "rule", "category")
_OF_RECORD = ("from", "to", "symbol", "asset", "created", "method")


def _strings(alert: dict[str, Any]) -> Iterator[str]:
    """Yield the texts by which an alert may be looked for, the most telling ones first."""
    record = alert["record"]
    for holder, keys in ((alert, _OWN), (record, _OF_RECORD)):
        for key in keys:
            if isinstance(value := holder.get(key), str):
                yield value
    left = _MOST_STRINGS
    stack: list[tuple[Any, int]] = [(record.get("inputs"), 1), (_seen(alert["evidence"]), 0)]
    while stack and left:
        value, depth = stack.pop()
        if isinstance(value, str):
            left -= 1
            yield value
        elif isinstance(value, (dict, list)) and depth < _DEEPEST:
            inner = list(value.values()) if isinstance(value, dict) else value
            texts = [each for each in inner[:_MOST_STRINGS] if isinstance(each, (str, dict, list))]
            stack.extend((each, depth + 1) for each in reversed(texts))


def _seen(evidence: dict[str, Any]) -> dict[str, Any]:
    """Return the evidence without the thresholds: settings, the same in every alert of a rule."""
    return {key: value for key, value in evidence.items() if key != "thresholds"}
