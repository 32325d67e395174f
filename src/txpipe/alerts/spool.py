"""Alerts on disk until every receiver has them: one SQLite file.

An alert has one row; that it is to go to a receiver is a row of its own, so that every receiver has its own
place in the queue.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import orjson

from txpipe.alerts import spoolsql as sql
from txpipe.alerts.database import Database
from txpipe.alerts.intake import reread
from txpipe.alerts.kin import kin_of
from txpipe.alerts.queueing import PURGED, Queue, Taken
from txpipe.alerts.receiver import Parcel, at_once

_WAITS, _DELIVERED, _DEAD = range(3)

_REGROUPED = 1000
"""Alerts that are put together anew in one write."""


class Spool(Queue):
    """The queue on disk."""

    def __init__(self, folder: Path, *, make: bool = True) -> None:
        """Open a spool.

        Args:
            folder: where it is.
            make: make one where there is none.

        Raises:
            SpoolFault: there is none, or it is corrupt, foreign, of a newer version, or cannot be opened.
        """
        super().__init__(Database(folder, make=make))
        self._looked_at = 0

    def writing(self) -> AbstractContextManager[sqlite3.Connection]:
        """Take alerts and write what belongs to them, both or, where the body fails, neither."""
        return self.database.writing(durable=True)

    def enter(self, db: sqlite3.Connection, alerts: Iterable[Taken], now: float) -> int:
        """Do what ``take`` does within ``writing``."""
        new = 0
        for _, same in itertools.groupby(alerts, key=_run):
            run = list(same)
            receivers = self._receivers(db, run[0])  # once those before it are in the queue
            last = db.execute("SELECT coalesce(max(seq), 0) FROM alerts").fetchone()[0]
            new += db.executemany(sql.TAKE, [(one.key, now, one.line) for one in run]).rowcount
            for name in receivers:
                number, keys = _entry(db, name)
                if keys is None:
                    db.execute(sql.QUEUE, (number, now, last))
                else:
                    kins = [(number, now, one.kin(keys), one.key, last) for one in run]
                    db.executemany(sql.QUEUE_KIN, kins)
            _note(db, run, last)
        return new

    def group(self, receiver: str, keys: Sequence[str] | None) -> None:
        """Put a receiver's alerts together that agree in these keys, waiting ones, too; None is no more."""
        with self.database.writing() as db:
            number, had = _entry(db, receiver)
            if had == (None if keys is None else list(keys)):
                return
            db.execute(sql.KEYS, (None if keys is None else orjson.dumps(list(keys)).decode(), number))
            last: int | None = 0
            while last is not None:
                last = _regrouped(db, number, last, keys)

    def waiting_bytes(self, receiver: str) -> int:  # noqa: ARG002 - of nobody
        """Return 0: on the disk there is room."""
        return 0

    def shed(self, receiver: str) -> int:  # noqa: ARG002 - of nobody
        """Give up nothing."""
        return 0

    def known(self, keys: Iterable[str]) -> set[str]:
        """Return those of the keys under which it knows an alert."""
        with self.database.reading() as db:
            return {key for key in keys if db.execute(sql.HAS, (key,)).fetchone()}

    def had(self, alert_id: str) -> list[str]:
        """Return the receivers that any revision of an alert went to."""
        with self.database.reading() as db:
            return [name for (name,) in db.execute(sql.HAD, _stems(alert_id))]

    def due(self, receiver: str, now: float, limit: int, kin: str | None = None) -> list[Parcel]:
        """Return the first alerts that a receiver is to get now, in the order in which they came."""
        with self.database.reading() as db:
            number = _entry(db, receiver)[0]
            if kin is None:
                return _parcels(db.execute(sql.DUE, (number, now, limit)))
            return _parcels(db.execute(sql.DUE_OF, (number, now, limit, kin)))

    def first(self, receiver: str, now: float, but: Collection[str]) -> tuple[str, float] | None:
        """Return the group that has waited the longest, and since when; None if none waits."""
        with self.database.reading() as db:
            _set_apart(db, but)
            number = _entry(db, receiver)[0]
            found = (
                db.execute(sql.AHEAD, (number, now)).fetchone()
                or db.execute(sql.FIRST_OF, (number, now)).fetchone()
            )
            return found and (found[0], found[1])

    def heads(self, receiver: str, now: float, kins: Iterable[str]) -> dict[str, float]:
        """Return since when the first alert waits, of those of the groups of which any is due."""
        with self.database.reading() as db:
            _set_apart(db, kins)
            rows = db.execute(sql.HEADS, (_entry(db, receiver)[0], now))
            return {kin: since for kin, since in rows if since is not None}

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
                [(due, _entry(db, receiver)[0], parcel.seq) for parcel in parcels],
            )

    def overdue(self, receiver: str, since: float, limit: int) -> list[Parcel]:
        """Return the first alerts that have waited for a receiver from before a time on; see ``due``."""
        with self.database.reading() as db:
            return _parcels(db.execute(sql.OVERDUE, (_entry(db, receiver)[0], since, limit)))

    def waiting(self) -> dict[str, int]:
        """Return how many alerts wait, by receiver; receivers for which none does are left out."""
        with self.database.reading() as db:
            return dict(db.execute(sql.WAITING).fetchall())

    def depths(self) -> dict[str, tuple[int, float]]:
        """Return how many alerts wait, and from when on the first has (Unix seconds), by receiver."""
        found = {}
        for name, number in self.waiting().items():
            with self.database.reading() as db:
                first = db.execute(sql.FIRST, (_entry(db, name)[0],)).fetchone()
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
            return any(db.execute(sql.ANY, (_entry(db, name)[0],)).fetchone() for name in receivers)

    def resend(self, letters: Sequence[tuple[str, str, bytes]], now: float) -> int:
        """Let alerts that were given up, or are not known (any more), wait for a receiver again."""
        with self.writing() as db:
            return sum(_resent(db, *letter, now) for letter in letters)

    def purge(self, before: float, most: int | None = None) -> bool:
        """Forget some of the alerts that wait for no receiver; each call goes on where the last one ended."""
        with self.database.writing() as db:
            last = db.execute("SELECT coalesce(max(seq), 0) FROM alerts").fetchone()[0]
            first = 0 if most is None else last - most
            rows = db.execute(sql.OLDEST, (self._looked_at, PURGED)).fetchall()
            old = [seq for seq, taken in rows if taken < before or seq <= first]
            if old:
                db.execute(sql.FORGET, (old[0], old[-1], before, first))
                for statement in (sql.FORGET_DELIVERIES, sql.FORGET_NOTES):
                    db.execute(statement, (old[0], old[-1]))
        is_all = len(old) == PURGED
        self._looked_at = old[-1] if is_all else 0
        return is_all

    def _receivers(self, db: sqlite3.Connection, alert: Taken) -> Sequence[str]:
        """Return an alert's receivers; one that follows another goes to whom that went."""
        if not alert.follows:
            return alert.receivers
        stems = _stems(alert.key.partition(":")[0])
        had = [name for (name,) in db.execute(sql.HAD, stems)]
        if alert.takes_back and db.execute(sql.KNOWN, stems).fetchone():
            return tuple(had)
        return tuple(dict.fromkeys([*alert.receivers, *had]))

    def _set(self, state: int, receiver: str, parcels: Sequence[Parcel]) -> None:
        with self.database.writing() as db:
            number = _entry(db, receiver)[0]
            db.executemany(sql.SET, [(state, number, parcel.seq) for parcel in parcels])


def _entry(db: sqlite3.Connection, receiver: str) -> tuple[int, list[str] | None]:
    """Return a receiver's number in the file, new if it has none, and the keys of its groups."""
    found = db.execute(sql.ENTRY, (receiver,)).fetchone()
    if found is None:
        db.execute("INSERT INTO receivers (name) VALUES (?)", (receiver,))
        found = db.execute(sql.ENTRY, (receiver,)).fetchone()
    return int(found[0]), None if found[1] is None else orjson.loads(found[1])


def _regrouped(db: sqlite3.Connection, number: int, last: int, keys: Sequence[str] | None) -> int | None:
    """Put some of the alerts together anew that wait behind a place; return the last of them."""
    kins = [
        (None if keys is None else kin_of(reread(line), keys), number, seq)
        for seq, line in db.execute(sql.LINES, (number, last, _REGROUPED))
    ]
    db.executemany(sql.REGROUP, kins)
    return kins[-1][2] if kins else None


def _note(db: sqlite3.Connection, run: Sequence[Taken], last: int) -> None:
    """Keep why alerts come that were written behind a place; one that came again in the run says nothing."""
    firsts = {one.key: one for one in reversed(run)}
    for one in firsts.values():
        for name, note in (one.notes or {}).items():
            db.execute(sql.NOTE, (_entry(db, name)[0], note, one.key, last))


def _parcels(rows: Iterable[tuple[Any, ...]]) -> list[Parcel]:
    return at_once(itertools.starmap(Parcel, rows))


def _resent(db: sqlite3.Connection, receiver: str, key: str, line: bytes, now: float) -> bool:
    """Let an alert wait for a receiver again; say whether it did not, and was not delivered."""
    number, keys = _entry(db, receiver)
    db.execute(sql.TAKE, (key, now, line))
    kin = None if keys is None else kin_of(reread(line), keys)
    return db.execute(sql.RESEND, (number, now, kin, key)).rowcount > 0


def _set_apart(db: sqlite3.Connection, kins: Iterable[str]) -> None:
    """Name groups to the statements that follow."""
    db.execute("DELETE FROM apart")
    db.executemany("INSERT INTO apart (kin) VALUES (?)", [(kin,) for kin in kins])


def _stems(alert_id: str) -> tuple[str, str]:
    """Return the bounds of an alert's keys: from the first on, before the second."""
    return f"{alert_id}:", f"{alert_id};"


def _run(alert: Taken) -> object:
    """Return what alerts share that are written together; one that follows another is written alone."""
    return alert if alert.follows else tuple(alert.receivers)
