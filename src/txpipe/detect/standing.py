"""How accounts stand in a state file: taint, score, incident; for readers that are not txdetect.

The file is only read, without its lock: txdetect replaces it whole, and what was opened stays as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, NamedTuple

from txpipe.detect.account import LAYOUT, picked
from txpipe.detect.memory import ACCOUNTS, VOICE
from txpipe.detect.rules.exposure import Exposure
from txpipe.detect.state import REMEDY, Part, StateFile
from txpipe.detect.voice import RISK_S, combined
from txpipe.errors import StateFault

ORIGIN = ("address", "category", "list", "list_date", "label", "listed")
"""What begins a taint's path: the listed wallet, and its entry."""

_UNFIT = (ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError, UnpicklingError)
_NAMED = ("address", "taint", "taint_path", "held", "first", "last", "notes")
_values = picked(*_NAMED)

_Key = tuple[str, str]
"""Chain and address."""


class Standing(NamedTuple):
    """One account of a state file.

    Attributes:
        chain: CAIP-2 name.
        address: canonical spelling.
        facts: what there is against it, JSON data; None if nothing is.
    """

    chain: str
    address: str
    facts: dict[str, Any] | None


def standings(path: Path) -> tuple[dict[str, int], Iterator[Standing]] | None:
    """Read a state file, a few thousand accounts at a time.

    Facts are ``tainted_usd``, ``held_usd``, ``share``, ``hops``, ``by_hop_usd``, ``time`` (Unix seconds of
    the last tainted payment), ``origin`` and ``path`` where an account holds tainted funds; ``score`` and
    ``parts`` where rules spoke of it, each within 30 days of the last; ``incident``; ``first`` and ``last``
    (Unix seconds) where its movements are known.

    Returns:
        The last block by chain, and every account that txdetect has not forgotten; None if there is no file.

    Raises:
        StateFault: it is damaged, foreign or of another version; also while the accounts are read.
    """
    loaded = StateFile(path).load()
    if loaded is None:
        return None
    header, parts = loaded
    if not isinstance(header, dict) or header.get("layout") != LAYOUT:
        raise StateFault(path, f"is of another version of txdetect; {REMEDY}")
    try:
        blocks = {str(chain): int(at["block"]) for chain, at in header["position"].items()}
    except _UNFIT as exc:
        raise StateFault(path, f"is of another version of txdetect; {REMEDY}") from exc
    return blocks, _fitting(path, parts)


def _fitting(path: Path, parts: Iterator[Part]) -> Iterator[Standing]:
    try:
        yield from _read(parts)
    except _UNFIT as exc:
        raise StateFault(path, f"is of another version of txdetect; {REMEDY}") from exc


def _read(parts: Iterator[Part]) -> Iterator[Standing]:
    said: dict[_Key, dict[str, Any]] = {}
    for kind, items in parts:
        if kind == VOICE:
            for name, *values in items:
                if name in {"risk", "incident"}:
                    said.setdefault((values[0], values[1]), {}).update(_said(name, values[2:]))
        elif kind.startswith(ACCOUNTS + " "):
            chain = kind.split(" ", 2)[2]
            for saved in items:
                address, *values = _values(saved)
                facts = said.pop((chain, address), {}) | _tainted(*values)
                seen = {"first": values[3], "last": values[4]}
                yield Standing(chain, address, facts | seen if facts else None)
    for (chain, address), facts in said.items():  # whose movements are forgotten, or are no account's
        yield Standing(chain, address, facts)


def _said(kind: str, values: list[Any]) -> dict[str, Any]:
    if kind == "incident":
        return {"incident": values[0]}
    newest = max(at for _, at in values[0].values())
    parts = {rule: score for rule, (score, at) in sorted(values[0].items()) if newest - at <= RISK_S}
    score = next(iter(parts.values())) if len(parts) == 1 else combined(list(parts.values()))
    return {"score": max(score, *parts.values()), "parts": parts}


def _tainted(
    taint: tuple[float, ...] | None,
    way: tuple[tuple[str, ...], ...],
    held: float,
    _first: int,
    _last: int,
    notes: dict[str, Any] | None,
) -> dict[str, Any]:
    total = sum(taint or ())
    if not taint or total <= 0:
        return {}
    held = max(held, total)
    facts: dict[str, Any] = {
        "tainted_usd": round(total, 2),
        "held_usd": round(held, 2),
        "share": round(total / held, 4),
        "hops": next(hop for hop, usd in enumerate(taint, 1) if usd > 0),
        "by_hop_usd": [round(usd, 2) for usd in taint],
    }
    if time := ((notes or {}).get(Exposure.ID) or {}).get("time"):
        facts["time"] = time
    if way:
        facts["origin"] = {name: text for name, text in zip(ORIGIN, way[0], strict=False) if text}
        facts["path"] = [{"address": one[0], "tx": one[1]} for one in way[1:]]
    return facts
