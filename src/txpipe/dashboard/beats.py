"""Heartbeats into the store: how each source is, and when it was not; and whose clock is the world's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from txpipe.dashboard import rows, tables

SILENT_S = 60.0
"""Seconds without a heartbeat after which a source is called silent: heartbeats come every second or few."""
SILENT = "silent"
LIVE_S = 7200.0
"""Seconds behind up to which a source is taken for one that follows a chain, and from then on stays one:
Bitcoin lets a block's time be two hours off; what was recorded or simulated is mostly older."""
_FOLLOWERS = frozenset({"txtail"})
"""Sources that follow a node: however far behind, their blocks are the chain's."""
_MOST_SOURCES = 1000
MOST_STALLS = 20
"""Stalls that are remembered of a source."""
MOST_SHOWN = 200

Key = tuple[str, str]
"""Chain and name of a source."""


@dataclass(frozen=True, slots=True)
class Stall:
    """A time in which a source was not ok.

    Attributes:
        chain: CAIP-2 name.
        source: the command that said it, or was silent.
        status: stalled, blind or silent.
        since: Unix seconds.
        until: Unix seconds; None while it lasts.
    """

    chain: str
    source: str
    status: str
    since: float
    until: float | None


@dataclass(frozen=True, slots=True)
class _Known:
    status: str
    since: float
    seen: float | None  # by this process


class Beats:
    """Keeps the last heartbeat of each source. One thread writes."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._sources: dict[Key, _Known] = {}
        self._followed: set[str] = set()

    def learn(self, connection: sa.Connection) -> None:
        """Take in the sources that another process has stored, and what it has said of ours."""
        for each in connection.execute(sa.select(tables.sources)):
            mine = self._sources.get((each.chain, each.source))
            known = _Known(each.status, each.since, None if mine is None else mine.seen)
            self._sources[each.chain, each.source] = known

    def saved(self) -> dict[Key, _Known]:
        """Return what is known, for ``undo``."""
        return dict(self._sources)

    def undo(self, saved: dict[Key, _Known]) -> None:
        """Take back what a transaction that failed has changed."""
        self._sources = saved

    def keep(self, connection: sa.Connection, beats: dict[Key, dict[str, Any]]) -> list[Key]:
        """Keep heartbeats, one a source; return of which there was room for."""
        now = self._now()
        kept = []
        for key, record in beats.items():
            known = self._sources.get(key)
            if known is None and len(self._sources) >= _MOST_SOURCES:
                continue
            status = record["status"]
            since = known.since if known and known.status == status else now
            self._sources[key] = _Known(status, since, now)
            found = rows.beat(record) | {"since": since, "seen": now}
            if record["block"] is not None and _is_live(record["source"], 0, record["lag_s"]):
                self._followed.add(key[0])
            if known is None:
                connection.execute(sa.insert(tables.sources), found)
            else:
                connection.execute(sa.update(tables.sources).where(_of(tables.sources, key)).values(found))
            self._note(connection, key, known, status, now)
            kept.append(key)
        return kept

    def clock(self, chain: str, source: str, block: int | None, lag_s: float) -> str:
        """Say whose clock a source's blocks have: ``live``, the world's, or ``replay``, their own."""
        return "live" if chain in self._followed or _is_live(source, block, lag_s) else "replay"

    def told(self, line: bytes, heartbeat: dict[str, Any]) -> bytes:
        """Return a heartbeat as live readers get it: with ``clock`` and ``block_time``, as in ``health``.

        Args:
            line: one JSON object; all that is in it stays as it came.
            heartbeat: the same, checked.
        """
        beat = rows.beat(heartbeat)
        more = {
            "clock": self.clock(beat["chain"], beat["source"], beat["block"], beat["lag_s"]),
            "block_time": block_time(beat["block"], beat["time"], beat["lag_s"]),
        }
        return b"%b,%b" % (line.rstrip()[:-1], orjson.dumps(more)[1:])

    @staticmethod
    def _note(connection: sa.Connection, key: Key, known: _Known | None, status: str, now: float) -> None:
        """Remember stalls that begin, end, or were."""
        table = tables.stalls
        told: list[tuple[str, float, float | None]] = []
        if known and known.seen is not None and now - known.seen > SILENT_S:
            told.append((SILENT, known.seen, now))
        if known and known.status not in {"ok", status}:
            over = sa.and_(_of(table, key), table.c.until.is_(None))
            connection.execute(sa.update(table).where(over).values(until=now))
        if status != "ok" and (known is None or known.status != status):
            told.append((status, now, None))
        for kind, since, until in told:
            row = {"chain": key[0], "source": key[1], "status": kind, "since": since, "until": until}
            same = sa.and_(_of(table, key), table.c.status == kind, table.c.since == since)
            connection.execute(sa.delete(table).where(same))
            connection.execute(sa.insert(table), row)
        if told:
            times = sa.select(table.c.since).where(_of(table, key)).order_by(table.c.since.desc())
            oldest = connection.execute(times.offset(MOST_STALLS).limit(1)).scalar()
            if oldest is not None:
                connection.execute(sa.delete(table).where(_of(table, key), table.c.since <= oldest))


def block_time(block: int | None, time: int, lag_s: float) -> int | None:
    """Return the Unix seconds of a source's last block; None before the first, or if no calendar has them."""
    at = time - lag_s
    return int(at) if block is not None and abs(at) < 2.0**53 else None


def stalls(connection: sa.Connection, limit: int = MOST_SHOWN) -> list[Stall]:
    """Return when sources were not ok, the last ones first."""
    table = tables.stalls
    columns = (table.c.chain, table.c.source, table.c.status, table.c.since, table.c.until)
    found = sa.select(*columns).order_by(table.c.since.desc(), table.c.chain, table.c.source).limit(limit)
    return [Stall(*each) for each in connection.execute(found)]


def _of(table: sa.Table, key: Key) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.chain == key[0], table.c.source == key[1])


def _is_live(source: str, block: int | None, lag_s: float) -> bool:
    return source in _FOLLOWERS or block is None or lag_s <= LIVE_S
