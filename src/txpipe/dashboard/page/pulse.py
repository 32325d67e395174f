"""How it is, once a second, for all pages together: sources, counts, and the last minute."""

from __future__ import annotations

import asyncio
from typing import Any

from txpipe.alerts.facts import chain
from txpipe.dashboard.beats import SILENT, SILENT_S
from txpipe.dashboard.board import Board
from txpipe.dashboard.store import SourceHealth, Stall
from txpipe.errors import SinkFailed
from txpipe.visible import clipped

_FRESH_S = 0.9
_MOST_STALLS = 20
_MOST_SOURCES = 12
_MOST_CHOICES = 100
_GRADES = {"blind": 0, "stalled": 1, "silent": 2, "ok": 3}


class Pulse:
    """What every page's head shows, read once a second however many look."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._at = float("-inf")
        self._found: dict[str, Any] = {}
        self._reading = asyncio.Lock()

    async def now(self) -> dict[str, Any]:
        """Return it, a second old at most."""
        async with self._reading:
            if not 0 <= self._board.now() - self._at < _FRESH_S:
                self._found = await asyncio.to_thread(self._read)
                self._at = self._board.now()
            return self._found

    def _read(self) -> dict[str, Any]:
        store = self._board.store
        seconds = store.rates.seconds(120)
        found: dict[str, Any] = {
            "traffic": [each.records for each in seconds],
            "alerts": [sum(each.alerts.values()) for each in seconds],
            "trouble": "",
        }
        try:
            counts, health, stalls = store.counts(), store.health(), store.stalls()
        except SinkFailed as exc:
            return found | {"trouble": clipped(f"{exc}; what is shown may be old", 300)}
        now = self._board.now()
        sources = sorted((_source(each, now) for each in health), key=lambda each: _GRADES[each["status"]])
        return found | {
            "severity": counts["severity"],
            "choices": {
                "rule": {each: clipped(each, 80) for each in [*counts["rule"]][:_MOST_CHOICES]},
                "chain": {each: clipped(chain(each), 80) for each in [*counts["chain"]][:_MOST_CHOICES]},
            },
            "open": counts["triage"].get("open", 0),
            "total": sum(counts["severity"].values()),
            "sources": sources[:_MOST_SOURCES],
            "more": max(len(sources) - _MOST_SOURCES, 0),
            "stalls": [_stall(each) for each in stalls[:_MOST_STALLS]],
        }


def _stall(each: Stall) -> dict[str, Any]:
    return {
        "name": clipped(f"{chain(each.chain)} · {each.source}", 80),
        "status": each.status,
        "since": int(each.since),
        "until": None if each.until is None else int(each.until),
    }


def _source(each: SourceHealth, now: float) -> dict[str, Any]:
    silent_s = now - each.seen
    status = SILENT if each.status == "ok" and silent_s > SILENT_S else each.status
    return {
        "name": clipped(f"{chain(each.chain)} · {each.source}", 80),
        "status": status if status in _GRADES else "blind",
        "block": each.block,
        "lag": int(each.lag_s) if each.clock == "live" else None,
        "clock": each.block_time,
        "bad": each.bad,
        "since": int(each.since if status == each.status else each.seen),
        "seen": int(each.seen),
    }
