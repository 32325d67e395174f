"""The store: everything that a page or an API asks of alerts, and the one door through which they come in."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import orjson
import sqlalchemy as sa

from txpipe.dashboard import query, retention, rows, tables, tally
from txpipe.dashboard.beats import Stall, block_time, stalls
from txpipe.dashboard.database import Database
from txpipe.dashboard.live import Live
from txpipe.dashboard.query import Filter, Page, Stored
from txpipe.dashboard.rates import Rates
from txpipe.dashboard.triage import Entry, Triage
from txpipe.dashboard.writer import ALERT, RETRACTION, Arrival, Event, Writer, arrival

TRIAGE = "triage"
_COUNTED = ("severity", "rule", "chain", "status", "triage")
_COUNTS_FRESH_S = 2.0
_MOST_REVISIONS = 1_000
"""Revisions of one alert that are shown, the last ones."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision of an alert: its number in the order of arrivals, when it came, and its bytes."""

    seq: int
    rev: int
    received: float
    line: bytes


@dataclass(frozen=True, slots=True)
class Detail:
    """All that is known of an alert: its last revision, the last thousand by age, and the log."""

    stored: Stored
    revisions: list[Revision]
    log: list[Entry]


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """The last heartbeat of a source.

    Attributes:
        chain: CAIP-2 name.
        source: the command that says it.
        status: ok, stalled or blind.
        since: Unix seconds since which it has this status.
        seen: Unix seconds of the last heartbeat.
        block: last height; None before the first.
        time: Unix seconds, as the source has it.
        lag_s: seconds behind.
        records: of the last span.
        bad: bad lines of the last span.
        clock: ``live``, the world's, or ``replay``: recorded or simulated blocks, with a clock of their own.
    """

    chain: str
    source: str
    status: str
    since: float
    seen: float
    block: int | None
    time: int
    lag_s: float
    records: int
    bad: int
    clock: str = "live"

    @property
    def block_time(self) -> int | None:
        """Unix seconds of the last block; None before the first, or if no calendar has them."""
        return block_time(self.block, self.time, self.lag_s)


class Store:
    """Alerts at rest. Any thread may ask; what changes alerts is for the one that takes them in.

    Attributes:
        database: where they are.
        live: what comes in, as it comes.
        rates: how much comes in.
    """

    def __init__(self, where: str, now: Callable[[], float] = time.time) -> None:
        """Open or make a store.

        Args:
            where: a file's path or a PostgreSQL URL.
            now: Unix seconds.

        Raises:
            StoreFault: it cannot be opened, believed or had for oneself.
        """
        self.database = Database(where)
        self._now = now
        self._writer = Writer(self.database, now)
        self._triage = Triage(self.database, now)
        self.live = Live(self.after, self._writer.seq)
        self.rates = Rates(now)
        self._counts: tuple[float, dict[str, dict[str, int]]] = (0.0, {})
        self._counting = threading.Lock()

    def close(self) -> None:
        """Close it and let another process have it."""
        self.database.close()

    @property
    def stored(self) -> int:
        """Revisions stored since the start."""
        return self._writer.stored

    @property
    def repeated(self) -> int:
        """Revisions since the start that were there already."""
        return self._writer.repeated

    def add(self, batch: Sequence[tuple[bytes, dict[str, Any]]]) -> int:
        """Store checked records and tell the live feed; return how many alerts were new.

        Args:
            batch: line without its newline, and the record it holds; other types are passed over.

        Raises:
            StoreFailed: nothing of it was stored.
        """
        return self.take([found for each in batch if (found := arrival(*each))])

    def take(self, batch: Sequence[Arrival]) -> int:
        """Do the same with what was made ready before.

        Raises:
            StoreFailed: nothing of it was stored.
        """
        events = self._writer.store(batch)
        self.live.publish(events, self._writer.seq)
        return sum(event.seq > 0 for event in events)

    def prune(self, limits: retention.Limits) -> int:
        """Take a share of what is too old or too much out; see ``retention.prune``."""
        return retention.prune(self.database, limits, self._now())

    def shrink(self) -> int:
        """Give a share of the room that is free back to the disk; see ``retention.shrink``."""
        return retention.shrink(self.database)

    def page(
        self,
        wanted: Filter | None = None,
        before: int | None = None,
        limit: int = 50,
        look_s: float = query.LOOK_S,
    ) -> Page:
        """Return the newest alerts that pass a filter; see ``query.page``."""
        with self.database.reading() as connection:
            return query.page(connection, wanted or Filter(), before, limit, look_s)

    def alert(self, alert_id: str) -> Detail | None:
        """Return all that is known of an alert; None if there is none of this id."""
        table = tables.revisions
        with self.database.reading() as connection:
            stored = query.one(connection, rows.name(alert_id))
            if stored is None:
                return None
            columns = (table.c.seq, table.c.rev, table.c.received, table.c.line)
            found = sa.select(*columns).where(table.c.num == stored.num).order_by(table.c.rev.desc())
            last = connection.execute(found.limit(_MOST_REVISIONS)).all()
            revisions = [Revision(*each) for each in reversed(last)]
        return Detail(stored, revisions, self._triage.log(stored.num))

    def incident(self, incident: str, before: int | None = None, limit: int = 50) -> Page:
        """Return the alerts of an incident, newest arrival first."""
        return self.page(Filter(incident=incident), before, limit)

    def address(self, address: str, before: int | None = None, limit: int = 50) -> Page:
        """Return the alerts that an address occurs in, newest arrival first."""
        return self.page(Filter(address=address), before, limit)

    def triage(
        self, alert_id: str, action: str, who: str, note: str = "", undoes: int | None = None
    ) -> Entry | None:
        """Say something of an alert and tell the live feed; see ``triage.Triage.add``."""
        entry = self._triage.add(alert_id, action, who, note, undoes)
        if entry is not None:
            line = orjson.dumps({"type": TRIAGE, "id": alert_id} | asdict(entry))
            self.live.publish([Event(0, TRIAGE, line)])
        return entry

    def health(self) -> list[SourceHealth]:
        """Return the last heartbeat of every source, by chain."""
        names = [table.name for table in tables.sources.c]
        query_ = sa.select(tables.sources).order_by(tables.sources.c.chain, tables.sources.c.source)
        clock = self._writer.beats.clock
        with self.database.reading() as connection:
            found = [
                SourceHealth(**dict(zip(names, each, strict=True))) for each in connection.execute(query_)
            ]
        return [replace(each, clock=clock(each.chain, each.source, each.block, each.lag_s)) for each in found]

    def stalls(self) -> list[Stall]:
        """Return when sources were not ok, the last ones first."""
        with self.database.reading() as connection:
            return stalls(connection)

    def counts(self) -> dict[str, dict[str, int]]:
        """Return how many alerts there are by severity, rule, chain, status and triage; 2 s old at most."""
        with self._counting:
            at, found = self._counts
            if not found or not 0 <= self._now() - at < _COUNTS_FRESH_S:
                with self.database.reading() as connection:
                    found = {column: tally.counts(connection, column) for column in _COUNTED}
                self._counts = self._now(), found
            return found

    def after(self, seq: int, limit: int) -> list[Event]:
        """Return the revisions that came after a number, in order, as events."""
        table = tables.revisions
        found = (
            sa.select(table.c.seq, table.c.line).where(table.c.seq > seq).order_by(table.c.seq).limit(limit)
        )
        with self.database.reading() as connection:
            return [Event(each.seq, kind(each.line), each.line) for each in connection.execute(found)]

    def forgotten(self, seq: int) -> dict[str, int] | None:
        """Say what retention has taken of the revisions after a number; None if nothing.

        Returns:
            ``after``, that number, and ``first``, that of the oldest revision that is still here.
        """
        with self.database.reading() as connection:
            first = connection.execute(sa.select(sa.func.min(tables.revisions.c.seq))).scalar()
        return {"after": seq, "first": first} if first is not None and first > seq + 1 else None

    def size(self) -> int:
        """Return the bytes of what the store holds."""
        with self.database.reading() as connection:
            return retention.size(connection, self.database)


def kind(line: bytes) -> str:
    """Return what event a stored revision is."""
    return RETRACTION if orjson.loads(line)["status"] == "retracted" else ALERT


__all__ = [
    "ALERT",
    "RETRACTION",
    "TRIAGE",
    "Detail",
    "Event",
    "Filter",
    "Page",
    "Revision",
    "SourceHealth",
    "Stall",
    "Store",
    "Stored",
]
