"""Alerts and heartbeats into the store, a batch a transaction; the same batch twice changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
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
            database: the store's; nobody else writes alerts to it.
            now: Unix seconds.
        """
        self._database = database
        self._now = now
        self.stored = 0
        self.repeated = 0
        with database.reading() as connection:
            held = {each.key: each.value for each in connection.execute(sa.select(tables.meta))}
            self.beats = Beats(connection, now)
        self._counted = bool(held)
        self.seq: int = held.get("seq", 0)
        self._num: int = held.get("num", 0)

    def store(self, batch: Sequence[tuple[bytes, dict[str, Any]]]) -> list[Event]:
        """Put checked alerts and heartbeats into the store, in their order, all or none.

        Args:
            batch: line without its newline, and the record it holds; other types are passed over.

        Returns:
            What is new, in order. A revision that the store had is not.

        Raises:
            StoreFailed: nothing of it was stored.
        """
        alerts = [(line, record) for line, record in batch if record["type"] == "alert"]
        beats = {
            (record["chain"], rows.name(record["source"])): (line, record)
            for line, record in batch
            if record["type"] == "heartbeat"
        }
        seq, num, sources = self.seq, self._num, self.beats.saved()
        try:
            with self._database.writing() as connection:
                filing = _Filing(connection, alerts, self.seq, self._num, self._now())
                filing.write()
                kept = self.beats.keep(connection, {key: record for key, (_, record) in beats.items()})
                events = filing.events + [Event(0, HEALTH, self.beats.told(*beats[key])) for key in kept]
                self.seq, self._num = filing.seq, filing.num
                if filing.events:
                    self._count(connection)
        except BaseException:
            self.seq, self._num = seq, num
            self.beats.undo(sources)
            raise
        self.stored += len(filing.events)
        self.repeated += len(alerts) - len(filing.events)
        return events

    def _count(self, connection: sa.Connection) -> None:
        """Keep the numbers: retention must not let them be given twice."""
        values = [{"key": "seq", "value": self.seq}, {"key": "num", "value": self._num}]
        if self._counted:
            changed = sa.update(tables.meta).where(tables.meta.c.key == sa.bindparam("of"))
            connection.execute(
                changed.values(value=sa.bindparam("value")),
                [{"of": each["key"], "value": each["value"]} for each in values],
            )
        else:
            connection.execute(sa.insert(tables.meta), values)
            self._counted = True


_COLUMNS = tuple(column.name for column in tables.alerts.c)
_REVISION = ("seq", "num", "rev", "received", "line")
_OLD = ("id", "num", "rev", *tables.COUNTED)


class _Filing:
    """One batch of alerts on its way in."""

    def __init__(
        self,
        connection: sa.Connection,
        alerts: Sequence[tuple[bytes, dict[str, Any]]],
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
        ids = sorted({record["id"] for _, record in self._alerts})
        old = {
            each[0]: dict(zip(_OLD, each, strict=True)) for each in bulk.alerts(self._connection, _OLD, ids)
        }
        self._sort(old)
        first = self.num - len(self._new) + 1
        rows = [tuple(map(each.__getitem__, _COLUMNS)) for each in self._new.values()]
        bulk.insert(self._connection, tables.alerts, _COLUMNS, rows)
        bulk.learn(self._connection, first, self.num)
        bulk.insert(self._connection, tables.revisions, _REVISION, self._revisions)
        self._update()
        self._tally({each["num"]: each for each in old.values()})

    def _sort(self, old: dict[str, dict[str, Any]]) -> None:
        """Give numbers, and find out what is new, what changes, and what was here before."""
        known = {each["id"]: (each["num"], each["rev"]) for each in old.values()}
        kept = self._kept(known)
        for line, record in self._alerts:
            alert_id, said = record["id"], rows.whole(record["rev"])
            num, rev = known.get(alert_id, (0, -1))
            if not num:
                num = self.num = self.num + 1
            if (num, said) in kept:
                continue
            kept.add((num, said))
            self.seq += 1
            self._revisions.append((self.seq, num, said, self._now, line))
            kind = RETRACTION if record["status"] == "retracted" else ALERT
            self.events.append(Event(self.seq, kind, line))
            if said > rev:
                known[alert_id] = num, said
                self._place(num, rev, rows.row(record))

    def _place(self, num: int, rev: int, found: dict[str, Any]) -> None:
        found |= {"num": num, "seq": self.seq, "changed": self._now}
        if rev < 0:
            first = {"received": self._now, "triage": OPEN, "triaged_by": "", "triaged_at": None}
            self._new[num] = found | first
        elif num in self._new:
            self._new[num] |= found
        else:
            self._changed[num] = found

    def _kept(self, known: dict[str, tuple[int, int]]) -> set[tuple[int, int]]:
        """Return which of the revisions that come the store has."""
        if not known:
            return set()
        asked = [
            (known[record["id"]][0], rows.whole(record["rev"]))
            for _, record in self._alerts
            if record["id"] in known
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
            found = Counter(each[kind] for each in self._new.values())
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
