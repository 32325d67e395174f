"""Alerts on disk until every receiver has them: one SQLite file, or one in memory that ends with the run.

An alert has one row; that it is to go to a receiver is a row of its own, so that every receiver has its own
place in the queue. What was delivered stays for a while, so that an alert that comes again is known.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from txpipe.alerts.database import Database
from txpipe.alerts.receiver import Parcel

DEAD = "dead.ndjson"

PURGED = 2000
"""Alerts that are looked at in one purge."""

_WAITS, _DELIVERED, _DEAD = range(3)


@dataclass(frozen=True, slots=True)
class Taken:
    """An alert on its way into the spool.

    Attributes:
        key: ``ID:REV``.
        line: as it came in, without its newline.
        receivers: names of those that are to get it.
        follows: it updates or takes back what was said under the same id, and goes to whom that went, too.
        takes_back: of an id that is known, nobody else needs it.
    """

    key: str
    line: bytes
    receivers: Sequence[str]
    follows: bool = False
    takes_back: bool = False


class Spool:
    """A queue of alerts for several receivers; it may be called from several threads.

    Attributes:
        database: where it is kept.
        folder: where that is; None in memory.
    """

    def __init__(self, folder: Path | None, *, make: bool = True) -> None:
        """Open a spool.

        Args:
            folder: where it is; None is one in memory.
            make: make one where there is none.

        Raises:
            SpoolFault: there is none, or it is corrupt, foreign, of a newer version, or cannot be opened.
        """
        self.folder = folder
        self.database = Database(folder, make=make)
        self._waiting_bytes: Counter[str] = Counter()
        self._looked_at = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close it; a later call of another thread fails with SpoolFailed."""
        self.database.close()

    def take(self, alerts: Iterable[Taken], now: float) -> int:
        """Write alerts to disk, all of them or, where that fails, none; those it knows are not taken again.

        Args:
            alerts: in the order in which they came.
            now: Unix seconds.

        Returns:
            How many were new.

        Raises:
            SpoolFailed: the disk is full, or another refusal.
        """
        with self.database.writing(durable=True) as db:
            return self._enter(db, alerts, now)

    def _enter(self, db: sqlite3.Connection, alerts: Iterable[Taken], now: float) -> int:
        new = 0
        alike: list[Taken] = []  # they go to the same receivers
        to: Sequence[str] = ()
        for alert in alerts:
            if alert.follows:  # what it follows must be in, with whom it goes to
                new += self._enter_alike(db, alike, to, now)
                alike = []
            receivers = self._receivers(db, alert)
            if receivers != to:
                new += self._enter_alike(db, alike, to, now)
                alike, to = [], receivers
            alike.append(alert)
        return new + self._enter_alike(db, alike, to, now)

    def _enter_alike(
        self, db: sqlite3.Connection, alerts: Sequence[Taken], receivers: Sequence[str], now: float
    ) -> int:
        """Write alerts that go to the same receivers; return how many were new."""
        if not alerts:
            return 0
        last = db.execute("SELECT coalesce(max(seq), 0) FROM alerts").fetchone()[0]
        lean = self.folder is None and not receivers  # memory holds no line that nobody waits for
        new = db.executemany(_TAKE, ((one.key, now, b"" if lean else one.line) for one in alerts)).rowcount
        db.executemany(_QUEUE, [(self._number(db, name), now, last) for name in receivers])
        if new and self.folder is None:
            size = sum(len(one.line) for one in alerts)
            if new < len(alerts):
                size = db.execute("SELECT sum(length(line)) FROM alerts WHERE seq > ?", (last,)).fetchone()[0]
            self._waiting_bytes.update(dict.fromkeys(receivers, size))
        return new

    def shed(self, receiver: str) -> int:
        """Give up an eighth of the alerts that wait for a receiver, the first to come; return how many."""
        with self.database.writing() as db:
            number = self._number(db, receiver)
            count = db.execute(_COUNT, (number,)).fetchone()[0]
            given_up = db.execute(_SHED, (number, number, (count + 7) // 8)).rowcount
            self._waiting_bytes[receiver] = db.execute(_BYTES, (number,)).fetchone()[0]
            db.execute(_EMPTY_BEFORE, (db.execute(_NEXT, (number,)).fetchone()[0],))
        return given_up

    def waiting_bytes(self, receiver: str) -> int:
        """Return how many bytes of alerts wait for a receiver; of a spool in memory only."""
        return self._waiting_bytes[receiver]

    def due(self, receiver: str, now: float, limit: int) -> list[Parcel]:
        """Return the first alerts that a receiver is to get now, in the order in which they came."""
        with self.database.reading() as db:
            rows = db.execute(_DUE, (self._number(db, receiver), now, limit)).fetchall()
        return [Parcel(*row) for row in rows]

    def delivered(self, receiver: str, parcels: Sequence[Parcel]) -> None:
        """Note that a receiver has alerts."""
        self._set(_DELIVERED, receiver, parcels)

    def dead(self, receiver: str, parcels: Sequence[Parcel]) -> None:
        """Note that alerts were given up."""
        self._set(_DEAD, receiver, parcels)

    def put_off(self, receiver: str, parcels: Sequence[Parcel], due: float) -> None:
        """Let single alerts wait until a time while others go on."""
        with self.database.writing() as db:
            db.executemany(
                "UPDATE deliveries SET due = ?, tries = tries + 1 WHERE receiver = ? AND seq = ?",
                [(due, self._number(db, receiver), parcel.seq) for parcel in parcels],
            )

    def overdue(self, receiver: str, since: float, limit: int) -> list[Parcel]:
        """Return the first alerts that have waited for a receiver from before a time on."""
        with self.database.reading() as db:
            rows = db.execute(_OVERDUE, (self._number(db, receiver), since, limit)).fetchall()
        return [Parcel(*row) for row in rows]

    def waiting(self) -> dict[str, int]:
        """Return how many alerts wait, by receiver; receivers for which none does are left out."""
        with self.database.reading() as db:
            return dict(db.execute(_WAITING).fetchall())

    def depths(self) -> dict[str, tuple[int, float]]:
        """Return how many alerts wait, and from when on the first has (Unix seconds), by receiver."""
        found = {}
        for name, number in self.waiting().items():
            with self.database.reading() as db:
                first = db.execute(_FIRST, (self._number(db, name),)).fetchone()
            if first is not None:
                found[name] = (number, float(first[0]))
        return found

    def is_waited_for(self, receivers: Iterable[str]) -> bool:
        """Say whether an alert waits for any of some receivers."""
        with self.database.reading() as db:
            return any(db.execute(_ANY, (self._number(db, name),)).fetchone() for name in receivers)

    def resend(self, receiver: str, key: str, line: bytes, now: float) -> bool:
        """Let an alert that was given up, or is not known (any more), wait for a receiver again.

        Returns:
            False if it waits already, or was delivered.
        """
        with self.database.writing(durable=True) as db:
            db.execute(_TAKE, (key, now, line))
            return db.execute(_RESEND, (self._number(db, receiver), now, key)).rowcount > 0

    def purge(self, before: float, most: int | None = None) -> bool:
        """Forget some of the alerts that wait for no receiver; each call goes on where the last one ended.

        Args:
            before: Unix seconds; what was taken earlier is forgotten.
            most: alerts; of more, the first to come are forgotten, old or not. None is any number.

        Returns:
            Whether there may be more of them.
        """
        with self.database.writing() as db:
            last = db.execute("SELECT coalesce(max(seq), 0) FROM alerts").fetchone()[0]
            first = 0 if most is None else last - most
            rows = db.execute(_OLDEST, (self._looked_at, PURGED)).fetchall()
            old = [seq for seq, taken in rows if taken < before or seq <= first]
            if old:
                db.execute(_FORGET, (old[0], old[-1], before, first))
                db.execute(_FORGET_DELIVERIES, (old[0], old[-1]))
        is_all = len(old) == PURGED
        self._looked_at = old[-1] if is_all else 0
        return is_all

    def _receivers(self, db: sqlite3.Connection, alert: Taken) -> Sequence[str]:
        """Return an alert's receivers; one that follows another goes to whom that went."""
        if not alert.follows:
            return alert.receivers
        stem = alert.key.partition(":")[0]
        stems = (f"{stem}:", f"{stem};")
        had = [name for (name,) in db.execute(_HAD, stems)]
        if alert.takes_back and db.execute(_KNOWN, stems).fetchone():
            return tuple(had)
        return tuple(dict.fromkeys([*alert.receivers, *had]))

    def _number(self, db: sqlite3.Connection, receiver: str) -> int:
        """Return a receiver's number in the file; a new one if it has none."""
        found = db.execute(_NUMBER, (receiver,)).fetchone()
        if found is None:
            db.execute("INSERT INTO receivers (name) VALUES (?)", (receiver,))
            found = db.execute(_NUMBER, (receiver,)).fetchone()
        return int(found[0])

    def _set(self, state: int, receiver: str, parcels: Sequence[Parcel]) -> None:
        with self.database.writing() as db:
            number = self._number(db, receiver)
            changed = db.executemany(_SET, [(state, number, parcel.seq) for parcel in parcels]).rowcount
            if self.folder is None:
                self._waiting_bytes[receiver] -= sum(len(parcel.line) for parcel in parcels)
                if changed < len(parcels):  # some had been given up meanwhile
                    self._waiting_bytes[receiver] = db.execute(_BYTES, (number,)).fetchone()[0]
                db.executemany(_EMPTY, [(parcel.seq,) for parcel in parcels])


_NUMBER = "SELECT number FROM receivers WHERE name = ?"
_TAKE = "INSERT OR IGNORE INTO alerts (key, taken, line) VALUES (?, ?, ?)"
_QUEUE = "INSERT INTO deliveries (receiver, seq, since) SELECT ?, seq, ? FROM alerts WHERE seq > ?"
_SELECT = (
    "SELECT a.key, a.line, d.since, d.tries, d.seq"
    " FROM deliveries d INDEXED BY waiting JOIN alerts a ON a.seq = d.seq"
)
_DUE = f"{_SELECT} WHERE d.receiver = ? AND d.state = 0 AND d.due <= ? ORDER BY d.seq LIMIT ?"
_OVERDUE = f"{_SELECT} WHERE d.receiver = ? AND d.state = 0 AND d.since < ? ORDER BY d.seq LIMIT ?"
_WAITING = (
    "SELECT r.name, count(*) FROM deliveries d INDEXED BY waiting JOIN receivers r ON r.number = d.receiver"
    " WHERE d.state = 0 GROUP BY r.name"
)
_ANY = "SELECT 1 FROM deliveries INDEXED BY waiting WHERE receiver = ? AND state = 0 LIMIT 1"
_FIRST = (
    "SELECT since FROM deliveries INDEXED BY waiting WHERE receiver = ? AND state = 0 ORDER BY seq LIMIT 1"
)
_RESEND = (
    "INSERT INTO deliveries (receiver, seq, since) SELECT ?, seq, ? FROM alerts WHERE key = ?"
    " ON CONFLICT DO UPDATE SET state = 0, since = excluded.since, due = 0, tries = 0 WHERE state = 2"
)
_KNOWN = "SELECT 1 FROM alerts WHERE key >= ? AND key < ? LIMIT 1"
_HAD = (
    "SELECT DISTINCT r.name FROM alerts a JOIN deliveries d ON d.seq = a.seq"
    " JOIN receivers r ON r.number = d.receiver WHERE a.key >= ? AND a.key < ? ORDER BY r.number"
)
_SET = "UPDATE deliveries SET state = ? WHERE receiver = ? AND seq = ? AND state = 0"
_COUNT = "SELECT count(*) FROM deliveries INDEXED BY waiting WHERE receiver = ? AND state = 0"
_SHED = (
    "UPDATE deliveries SET state = 2 WHERE receiver = ? AND seq IN (SELECT seq FROM deliveries"
    " INDEXED BY waiting WHERE receiver = ? AND state = 0 ORDER BY seq LIMIT ?)"
)
_BYTES = (
    "SELECT coalesce(sum(length(a.line)), 0) FROM deliveries d INDEXED BY waiting"
    " JOIN alerts a ON a.seq = d.seq WHERE d.receiver = ? AND d.state = 0"
)
_EMPTY = (
    "UPDATE alerts SET line = x'' WHERE seq = ?"
    " AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.seq = alerts.seq AND d.state = 0)"
)
_EMPTY_BEFORE = (
    "UPDATE alerts SET line = x'' WHERE seq < ? AND length(line) > 0"
    " AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.seq = alerts.seq AND d.state = 0)"
)
_NEXT = (
    "SELECT coalesce((SELECT seq FROM deliveries INDEXED BY waiting WHERE receiver = ? AND state = 0"
    " ORDER BY seq LIMIT 1), 9223372036854775807)"
)
_OLDEST = "SELECT seq, taken FROM alerts WHERE seq > ? ORDER BY seq LIMIT ?"
_FORGET = (
    "DELETE FROM alerts WHERE seq BETWEEN ? AND ? AND (taken < ? OR seq <= ?)"
    " AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.seq = alerts.seq AND d.state = 0)"
)
_FORGET_DELIVERIES = (
    "DELETE FROM deliveries WHERE seq BETWEEN ? AND ?"
    " AND NOT EXISTS (SELECT 1 FROM alerts a WHERE a.seq = deliveries.seq)"
)
