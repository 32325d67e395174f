"""Alerts and heartbeats into the store, a batch a transaction; the same batch twice changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from txpipe.dashboard import rows, tables
from txpipe.dashboard.beats import Beats
from txpipe.dashboard.database import Database

ALERT = "alert"
RETRACTION = "retraction"
HEALTH = "health"

_ASKED_AT_ONCE = 500
"""Values of one ``IN``; SQLite takes 32,766, and plans long before."""

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
                events = filing.events + [Event(0, HEALTH, beats[key][0]) for key in kept]
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
        self.events: list[Event] = []

    def write(self) -> None:
        if not self._alerts:
            return
        known = self._known(sorted({record["id"] for _, record in self._alerts}))
        kept = self._kept(known)
        new: dict[int, dict[str, Any]] = {}
        changed: dict[int, dict[str, Any]] = {}
        revisions = []
        for line, record in self._alerts:
            found = rows.row(record)
            num, rev = known.get(found["id"], (0, -1))
            if not num:
                num = self.num = self.num + 1
            if (num, found["rev"]) in kept:
                continue
            kept.add((num, found["rev"]))
            self.seq += 1
            revisions.append(
                {"seq": self.seq, "num": num, "rev": found["rev"], "received": self._now, "line": line}
            )
            kind = RETRACTION if found["status"] == "retracted" else ALERT
            self.events.append(Event(self.seq, kind, line))
            if found["rev"] > rev:
                known[found["id"]] = num, found["rev"]
                found |= {"num": num, "seq": self.seq, "changed": self._now}
                if rev < 0:
                    first = {"received": self._now, "triage": OPEN, "triaged_by": "", "triaged_at": None}
                    new[num] = found | first
                elif num in new:
                    new[num] |= found
                else:
                    changed[num] = found
        self._insert(tables.alerts, list(new.values()))
        self._insert(tables.revisions, revisions)
        self._update(list(changed.values()))

    def _known(self, ids: list[str]) -> dict[str, tuple[int, int]]:
        """Return number and last revision of those that the store has."""
        table = tables.alerts
        query = sa.select(table.c.id, table.c.num, table.c.rev)
        found = {}
        for some in _shares(ids):
            for each in self._connection.execute(query.where(table.c.id.in_(some))):
                found[each.id] = each.num, each.rev
        return found

    def _kept(self, known: dict[str, tuple[int, int]]) -> set[tuple[int, int]]:
        """Return the revisions that the store has of alerts that come again."""
        table = tables.revisions
        query = sa.select(table.c.num, table.c.rev)
        found = set()
        for some in _shares([num for num, _ in known.values()]):
            for each in self._connection.execute(query.where(table.c.num.in_(some))):
                found.add((each.num, each.rev))
        return found

    def _insert(self, table: sa.Table, values: list[dict[str, Any]]) -> None:
        if values:
            self._connection.execute(sa.insert(table), values)

    def _update(self, values: list[dict[str, Any]]) -> None:
        if values:
            table = tables.alerts
            columns: dict[str, Any] = {
                key: sa.bindparam(key) for key in values[0] if key not in {"num", "id"}
            }
            change = sa.update(table).where(table.c.num == sa.bindparam("of")).values(columns)
            self._connection.execute(change, [_renamed(each) for each in values])


def _renamed(value: dict[str, Any]) -> dict[str, Any]:
    """Give the number that selects another name: a column's own belongs to what is set."""
    return {"of": value["num"]} | {key: each for key, each in value.items() if key not in {"num", "id"}}


def _shares(values: list[Any]) -> Iterable[list[Any]]:
    return (values[at : at + _ASKED_AT_ONCE] for at in range(0, len(values), _ASKED_AT_ONCE))
