"""Alerts on disk until every receiver has them: one SQLite file, or one in memory that ends with the run.

An alert has one row; that it is to go to a receiver is a row of its own, so that every receiver has its own
place in the queue. What was delivered stays for a while, so that an alert that comes again is known.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from txpipe.alerts import spoolfolder
from txpipe.alerts.database import Database
from txpipe.alerts.receiver import Parcel, at_once
from txpipe.alerts.rest import LONGEST_ASKED_S
from txpipe.alerts.volatile import Volatile

DEAD = spoolfolder.DEAD

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
        notes: why it comes, for some of the receivers.
    """

    key: str
    line: bytes
    receivers: Sequence[str]
    follows: bool = False
    takes_back: bool = False
    notes: Mapping[str, str] = field(default_factory=dict)


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
        self._looked_at = 0
        self._volatile = Volatile() if folder is None else None

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
            return self.enter(db, alerts, now)

    def enter(self, db: sqlite3.Connection, alerts: Iterable[Taken], now: float) -> int:
        """Do what ``take`` does as part of a transaction."""
        new = 0
        for _, same in itertools.groupby(alerts, key=_run):
            run = list(same)
            receivers = self._receivers(db, run[0])  # once those before it are in the queue
            last = db.execute("SELECT coalesce(max(seq), 0) FROM alerts").fetchone()[0]
            new += db.executemany(_TAKE, [(one.key, now, one.line) for one in run]).rowcount
            db.executemany(_QUEUE, [(self._number(db, name), now, last) for name in receivers])
            if self._volatile is not None:
                self._volatile.entered(db, receivers, last)
            notes = [(name, note, one.key) for one in run for name, note in one.notes.items()]
            db.executemany(_NOTE, [(self._number(db, name), note, key, last) for name, note, key in notes])
        return new

    def waiting_bytes(self, receiver: str) -> int:
        """Return how many bytes of alerts wait for a receiver; 0 on disk, where there is room."""
        return 0 if self._volatile is None else self._volatile.waiting[receiver]

    def shed(self, receiver: str) -> int:
        """Give up the first to come of what waits in memory, an eighth of it; return how many alerts."""
        if self._volatile is None:
            return 0
        with self.database.writing() as db:
            self._looked_at = 0  # they can be forgotten
            return self._volatile.shed(db, receiver)

    def known(self, keys: Iterable[str]) -> set[str]:
        """Return those of the keys under which it knows an alert."""
        with self.database.reading() as db:
            return {key for key in keys if db.execute(_HAS, (key,)).fetchone()}

    def had(self, alert_id: str) -> list[str]:
        """Return the receivers that any revision of an alert went to."""
        with self.database.reading() as db:
            return [name for (name,) in db.execute(_HAD, _stems(alert_id))]

    def due(self, receiver: str, now: float, limit: int) -> list[Parcel]:
        """Return the first alerts that a receiver is to get now, in the order in which they came.

        Of large ones they are fewer than ``limit``: see ``at_once``.
        """
        with self.database.reading() as db:
            return at_once(db.execute(_DUE, (self._number(db, receiver), now, limit)))

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
        """Return the first alerts that have waited for a receiver from before a time on; see ``due``."""
        with self.database.reading() as db:
            return at_once(db.execute(_OVERDUE, (self._number(db, receiver), since, limit)))

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

    def receivers(self) -> list[str]:
        """Return the names of all receivers that there have been."""
        with self.database.reading() as db:
            return [name for (name,) in db.execute("SELECT name FROM receivers ORDER BY number")]

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
                for statement in (_FORGET_DELIVERIES, _FORGET_NOTES):
                    db.execute(statement, (old[0], old[-1]))
        is_all = len(old) == PURGED
        self._looked_at = old[-1] if is_all else 0
        return is_all

    def _receivers(self, db: sqlite3.Connection, alert: Taken) -> Sequence[str]:
        """Return an alert's receivers; one that follows another goes to whom that went."""
        if not alert.follows:
            return alert.receivers
        stems = _stems(alert.key.partition(":")[0])
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
            if self._volatile is not None:
                self._volatile.left(db, receiver, parcels, changed)


def _stems(alert_id: str) -> tuple[str, str]:
    """Return the bounds of an alert's keys: from the first on, before the second."""
    return f"{alert_id}:", f"{alert_id};"


def _run(alert: Taken) -> object:
    """Return what alerts share that are written together; one that follows another is written alone."""
    return alert if alert.follows else tuple(alert.receivers)


_NUMBER = "SELECT number FROM receivers WHERE name = ?"
_TAKE = "INSERT OR IGNORE INTO alerts (key, taken, line) VALUES (?, ?, ?)"
_QUEUE = "INSERT INTO deliveries (receiver, seq, since) SELECT ?, seq, ? FROM alerts WHERE seq > ?"
_NOTE = "INSERT INTO notes (receiver, note, seq) SELECT ?, ?, seq FROM alerts WHERE key = ? AND seq > ?"
_SELECT = (
    "SELECT a.key, a.line, d.since, d.tries, d.seq, coalesce(n.note, '')"
    " FROM deliveries d INDEXED BY waiting JOIN alerts a ON a.seq = d.seq"
    " LEFT JOIN notes n ON n.seq = d.seq AND n.receiver = d.receiver"
)
_DUE = (  # no rest is so long: what is due still later was put off before the clock was set back
    f"{_SELECT} WHERE d.receiver = ?1 AND d.state = 0"
    f" AND (d.due <= ?2 OR d.due > ?2 + {LONGEST_ASKED_S}) ORDER BY d.seq LIMIT ?3"
)
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
_HAS = "SELECT 1 FROM alerts WHERE key = ?"
_KNOWN = "SELECT 1 FROM alerts WHERE key >= ? AND key < ? LIMIT 1"
_HAD = (  # the first revision is enough: of an alert that has thousands, not all are looked at
    "SELECT r.name FROM receivers r WHERE EXISTS (SELECT 1 FROM alerts a CROSS JOIN deliveries d"
    " WHERE a.key >= ? AND a.key < ? AND d.receiver = r.number AND d.seq = a.seq) ORDER BY r.number"
)
_SET = "UPDATE deliveries SET state = ? WHERE receiver = ? AND seq = ? AND state = 0"
_OLDEST = "SELECT seq, taken FROM alerts WHERE seq > ? ORDER BY seq LIMIT ?"
_FORGET = (
    "DELETE FROM alerts WHERE seq BETWEEN ? AND ? AND (taken < ? OR seq <= ?)"
    " AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.seq = alerts.seq AND d.state = 0)"
)
_FORGET_DELIVERIES = (
    "DELETE FROM deliveries WHERE seq BETWEEN ? AND ?"
    " AND NOT EXISTS (SELECT 1 FROM alerts a WHERE a.seq = deliveries.seq)"
)
_FORGET_NOTES = (
    "DELETE FROM notes WHERE seq BETWEEN ? AND ?"
    " AND NOT EXISTS (SELECT 1 FROM alerts a WHERE a.seq = notes.seq)"
)
