"""Alerts and heartbeats into the store, a batch a transaction; the same batch twice changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

import sqlalchemy as sa

from txpipe.dashboard import bulk, rows, tables, tally
from txpipe.dashboard.beats import Beats
from txpipe.dashboard.database import Database

ALERT = "alert"
RETRACTION = "retraction"
HEALTH = "health"


OPEN = "open"
"""Triage of an alert that nobody has looked at."""


class Event(NamedTuple):
    """Something that the store has taken and a live reader wants to know.

    Attributes:
        seq: place in the order of arrival; 0 for what is not kept in it.
        kind: ``alert``, ``retraction``, ``triage`` or ``health``.
        line: one JSON object, without a newline.
    """

    seq: int
    kind: str
    line: bytes


class Arrival(NamedTuple):
    """An alert or a heartbeat, ready to be stored.

    Attributes:
        kind: what event it is: ``alert``, ``retraction`` or ``health``.
        line: one JSON object, without a newline.
        found: an alert's columns, see ``rows.row``; a heartbeat itself.
    """

    kind: str
    line: bytes
    found: dict[str, Any]


def arrival(line: bytes, record: dict[str, Any]) -> Arrival | None:
    """Make a checked record ready to be stored; None if it is of a type that is not.

    Args:
        line: without its newline.
        record: what the line holds.
    """
    if record["type"] == "alert":
        return Arrival(RETRACTION if record["status"] == "retracted" else ALERT, line, rows.row(record))
    return Arrival(HEALTH, line, record) if record["type"] == "heartbeat" else None


class Writer:
    """Puts batches into the store. One thread at a time.

    Attributes:
        seq: the last number given to a revision.
        stored: revisions stored by this process.
        repeated: revisions that the store had already.
        beats: keeps the heartbeats.
    """

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        """Find out where the numbers go on.

        Args:
            database: the store's; nobody else writes alerts to it while it is held.
            now: Unix seconds.
        """
        self._database = database
        self._now = now
        self.stored = 0
        self.repeated = 0
        self.beats = Beats(now)
        with database.reading() as connection:
            self._go_on(connection)

    def _go_on(self, connection: sa.Connection) -> None:
        """Find out which numbers the store has given."""
        held = {each.key: each.value for each in connection.execute(sa.select(tables.meta))}
        last_seq = connection.execute(sa.select(sa.func.max(tables.revisions.c.seq))).scalar() or 0
        last_num = connection.execute(sa.select(sa.func.max(tables.alerts.c.num))).scalar() or 0
        # A store in PostgreSQL may lack the numbers: where an empty one was pruned first, they were not kept.
        self.seq: int = max(held.get("seq", 0), last_seq)
        self._num: int = max(held.get("num", 0), last_num)
        self.beats.learn(connection)
        self._turn = self._database.turns

    def store(self, batch: Sequence[Arrival]) -> list[Event]:
        """Put alerts and heartbeats into the store, in their order, all or none.

        Returns:
            What is new, in order. A revision that the store had is not.

        Raises:
            StoreFailed: nothing of it was stored.
        """
        alerts = [each for each in batch if each.kind != HEALTH]
        beats = {
            (each.found["chain"], rows.name(each.found["source"])): each
            for each in batch
            if each.kind == HEALTH
        }
        before = self.seq, self._num, self._turn
        sources = self.beats.saved()
        try:
            with self._database.writing() as connection:
                if self._turn != self._database.turns:  # the server was away, another txdash may have come
                    self._go_on(connection)
                filing = _Filing(connection, alerts, self.seq, self._num, self._now())
                filing.write()
                kept = self.beats.keep(connection, {key: each.found for key, each in beats.items()})
                told = [self.beats.told(beats[key].line, beats[key].found) for key in kept]
                events = filing.events + [Event(0, HEALTH, line) for line in told]
                self.seq, self._num = filing.seq, filing.num
                if filing.events:
                    self._count(connection)
        except BaseException:
            self.seq, self._num, self._turn = before
            self.beats.undo(sources)
            raise
        self.stored += len(filing.events)
        self.repeated += len(alerts) - len(filing.events)
        return events

    def _count(self, connection: sa.Connection) -> None:
        """Keep the numbers: retention must not let them be given twice."""
        connection.execute(_NUMBER, [{"key": "seq", "value": self.seq}, {"key": "num", "value": self._num}])


_NUMBER = sa.text(
    "INSERT INTO meta (key, value) VALUES (:key, :value)"
    " ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)
_COLUMNS = tuple(column.name for column in tables.alerts.c)
_values = itemgetter(*_COLUMNS)
_REVISION = ("seq", "num", "rev", "received", "line")
_OLD = ("id", "num", "rev", *tables.COUNTED)


class _Filing:
    """One batch of alerts on its way in."""

    def __init__(
        self,
        connection: sa.Connection,
        alerts: Sequence[Arrival],
        seq: int,
        num: int,
        now: float,
    ) -> None:
        self._connection = connection
        self._alerts = alerts
        self.seq = seq
        self.num = num
        self._now = now
        self._new: dict[int, dict[str, Any]] = {}
        self._changed: dict[int, dict[str, Any]] = {}
        self._revisions: list[bulk.Row] = []
        self.events: list[Event] = []

    def write(self) -> None:
        if not self._alerts:
            return
        ids = sorted({each.found["id"] for each in self._alerts})
        old = {
            each[0]: dict(zip(_OLD, each, strict=True)) for each in bulk.alerts(self._connection, _OLD, ids)
        }
        self._sort(old)
        first = self.num - len(self._new) + 1
        rows = [_values(each) for each in self._new.values()]
        bulk.insert(self._connection, tables.alerts, _COLUMNS, rows)
        bulk.learn(self._connection, first, self.num)
        bulk.insert(self._connection, tables.revisions, _REVISION, self._revisions)
        self._update()
        self._tally({each["num"]: each for each in old.values()})

    def _sort(self, old: dict[str, dict[str, Any]]) -> None:
        """Give numbers, and find out what is new, what changes, and what was here before."""
        known = {each["id"]: (each["num"], each["rev"]) for each in old.values()}
        kept = self._kept(known)
        for said in self._alerts:
            alert_id, of = said.found["id"], said.found["rev"]
            num, rev = known.get(alert_id, (0, -1))
            if not num:
                num = self.num = self.num + 1
            if (num, of) in kept:
                continue
            kept.add((num, of))
            self.seq += 1
            self._revisions.append((self.seq, num, of, self._now, said.line))
            self.events.append(Event(self.seq, said.kind, said.line))
            if of > rev:
                known[alert_id] = num, of
                self._place(num, rev, said.found)

    def _place(self, num: int, rev: int, found: dict[str, Any]) -> None:
        found = found | {"num": num, "seq": self.seq, "changed": self._now}
        if rev < 0:
            found |= {"received": self._now, "triage": OPEN, "triaged_by": "", "triaged_at": None}
            self._new[num] = found
        elif num in self._new:
            self._new[num] |= found
        else:
            self._changed[num] = found

    def _kept(self, known: dict[str, tuple[int, int]]) -> set[tuple[int, int]]:
        """Return which of the revisions that come the store has."""
        if not known:
            return set()
        asked = [
            (known[each.found["id"]][0], each.found["rev"])
            for each in self._alerts
            if each.found["id"] in known
        ]
        return bulk.kept(self._connection, asked)

    def _update(self) -> None:
        values = list(self._changed.values())
        if values:
            bulk.forget(self._connection, list(self._changed))
            table = tables.alerts
            columns: dict[str, Any] = {
                key: sa.bindparam(key) for key in values[0] if key not in {"num", "id"}
            }
            change = sa.update(table).where(table.c.num == sa.bindparam("of")).values(columns)
            self._connection.execute(change, [_renamed(each) for each in values])
            bulk.learn_again(self._connection, list(self._changed))

    def _tally(self, old: dict[int, dict[str, Any]]) -> None:
        """Count what is new and what has become another."""
        changes: tally.Changes = Counter()
        for kind in tables.COUNTED:
            found = Counter(map(itemgetter(kind), self._new.values()))
            changes.update({(kind, value): more for value, more in found.items()})
        for num, each in self._changed.items():
            for kind in tables.COUNTED:
                if kind in each and each[kind] != old[num][kind]:
                    changes[kind, each[kind]] += 1
                    changes[kind, old[num][kind]] -= 1
        tally.change(self._connection, changes)
        placed = (*self._new.values(), *self._changed.values())
        tally.widen(self._connection, ((each["num"], each["time"]) for each in placed))


def _renamed(value: dict[str, Any]) -> dict[str, Any]:
    """Give the number that selects another name: a column's own belongs to what is set."""
    return {"of": value["num"]} | {key: each for key, each in value.items() if key not in {"num", "id"}}
