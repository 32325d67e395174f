"""Alerts on disk until every receiver has them: one SQLite file, or one in memory that ends with the run.

An alert has one row; that it is to go to a receiver is a row of its own, so that every receiver has its own
place in the queue. What was delivered stays for a while, so that an alert that comes again is known.
"""

from __future__ import annotations

import itertools
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from txpipe.alerts.receiver import Parcel
from txpipe.errors import SinkFailed, UsageFault

FILE = "spool.db"
DEAD = "dead.ndjson"

_APPLICATION = 0x74787370
"""``txsp``: SQLite's application_id, which says whose file it is."""

_VERSION = 1
_BUSY_S = 60
_PURGED = 2000
_WAITS, _DELIVERED, _DEAD = range(3)

_TABLES = """
CREATE TABLE alerts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, taken REAL NOT NULL, line BLOB NOT NULL);
CREATE TABLE receivers (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE deliveries (
    receiver INTEGER NOT NULL, seq INTEGER NOT NULL, since REAL NOT NULL, due REAL NOT NULL DEFAULT 0,
    tries INTEGER NOT NULL DEFAULT 0, state INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (receiver, seq)) WITHOUT ROWID;
CREATE INDEX waiting ON deliveries (receiver, seq) WHERE state = 0;
CREATE INDEX of_alert ON deliveries (seq);
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """An alert on its way into the spool.

    Attributes:
        key: ``ID:REV``.
        line: as it came in, without its newline.
        receivers: names of those that are to get it.
        follows: it updates or takes back what was said under the same id.
    """

    key: str
    line: bytes
    receivers: Sequence[str]
    follows: bool = False


class SpoolFault(UsageFault):
    """A spool that cannot be believed, opened or had for oneself."""


class SpoolFailed(SinkFailed):
    """A spool that takes no more: the disk is full or broken."""


class Spool:
    """A queue of alerts for several receivers; it may be called from several threads.

    Attributes:
        folder: where it is; None in memory.
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
        self._place = str(folder) if folder else "the spool in memory"
        self._lock = threading.RLock()
        self._numbers: dict[str, int] = {}
        if not make and folder is not None and not (folder / FILE).exists():
            raise SpoolFault(f"{folder}: holds no spool; name the folder that txalert --spool names")
        try:
            if folder is not None:
                folder.mkdir(mode=0o700, exist_ok=True)
            self._db = sqlite3.connect(
                folder / FILE if folder else ":memory:",
                timeout=_BUSY_S,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                self._prepare()
            except BaseException:
                self._db.close()
                raise
        except OSError as exc:
            raise SpoolFault(f"{self._place}: cannot be opened: {exc.strerror}") from exc
        except sqlite3.Error as exc:
            raise _refused(self._place, exc) from exc

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close it; a later call of another thread fails with SpoolFailed."""
        with self._lock:
            self._db.close()

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
        with self._writing(durable=True):
            new = 0
            for receivers, same in itertools.groupby(alerts, key=self._receivers):
                last = self._db.execute("SELECT coalesce(max(seq), 0) FROM alerts").fetchone()[0]
                new += self._db.executemany(_TAKE, ((one.key, now, one.line) for one in same)).rowcount
                self._db.executemany(_QUEUE, [(self._number(name), now, last) for name in receivers])
        return new

    def due(self, receiver: str, now: float, limit: int) -> list[Parcel]:
        """Return the first alerts that a receiver is to get now, in the order in which they came."""
        with self._reading():
            rows = self._db.execute(_DUE, (self._number(receiver), now, limit)).fetchall()
        return [Parcel(*row) for row in rows]

    def delivered(self, receiver: str, parcels: Sequence[Parcel]) -> None:
        """Note that a receiver has alerts."""
        self._set(_DELIVERED, receiver, parcels)

    def dead(self, receiver: str, parcels: Sequence[Parcel]) -> None:
        """Note that alerts were given up."""
        self._set(_DEAD, receiver, parcels)

    def put_off(self, receiver: str, parcels: Sequence[Parcel], due: float) -> None:
        """Let single alerts wait until a time while others go on."""
        with self._writing():
            self._db.executemany(
                "UPDATE deliveries SET due = ?, tries = tries + 1 WHERE receiver = ? AND seq = ?",
                [(due, self._number(receiver), parcel.seq) for parcel in parcels],
            )

    def overdue(self, receiver: str, since: float, limit: int) -> list[Parcel]:
        """Return the first alerts that have waited for a receiver from before a time on."""
        with self._reading():
            rows = self._db.execute(_OVERDUE, (self._number(receiver), since, limit)).fetchall()
        return [Parcel(*row) for row in rows]

    def waiting(self) -> dict[str, int]:
        """Return how many alerts wait, by receiver; receivers for which none does are left out."""
        with self._reading():
            return dict(self._db.execute(_WAITING).fetchall())

    def resend(self, receiver: str, key: str, line: bytes, now: float) -> bool:
        """Let an alert that was given up, or is not known (any more), wait for a receiver again.

        Returns:
            False if it waits already, or was delivered.
        """
        with self._writing(durable=True):
            self._db.execute(_TAKE, (key, now, line))
            return self._db.execute(_RESEND, (self._number(receiver), now, key)).rowcount > 0

    def purge(self, before: float) -> None:
        """Forget some of the alerts that were taken before a time and wait for no receiver."""
        with self._writing():
            rows = self._db.execute(_OLDEST, (_PURGED,)).fetchall()
            old = [(seq,) for seq, taken in rows if taken < before]
            for seq in old:
                if self._db.execute(_FORGET, seq).rowcount:
                    self._db.execute("DELETE FROM deliveries WHERE seq = ?", seq)

    def _prepare(self) -> None:
        db = self._db
        found = db.execute("PRAGMA application_id").fetchone()[0]
        is_new = not found and not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if not is_new and found != _APPLICATION:
            raise SpoolFault(f"{self._place}: {FILE} in it is no spool of txalert; name another folder")
        if db.execute("PRAGMA user_version").fetchone()[0] > _VERSION:
            raise SpoolFault(f"{self._place}: was written by a newer txpipe; use that one, or another folder")
        if not is_new and db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise SpoolFault(f"{self._place}: {_DAMAGED}")
        db.execute("PRAGMA journal_mode = WAL")
        if is_new:
            db.executescript(
                f"BEGIN IMMEDIATE; {_TABLES} PRAGMA application_id = {_APPLICATION};"
                f"PRAGMA user_version = {_VERSION}; COMMIT;"
            )

    def _receivers(self, alert: Taken) -> Sequence[str]:
        """Return an alert's receivers; one that follows another goes to whom that went, as well."""
        if not alert.follows:
            return alert.receivers
        stem = alert.key.partition(":")[0]
        rows = self._db.execute(_HAD, (f"{stem}:", f"{stem};"))
        return tuple(dict.fromkeys([*alert.receivers, *(name for (name,) in rows)]))

    def _number(self, receiver: str) -> int:
        """Return a receiver's number in the file; a new one if it has none."""
        number = self._numbers.get(receiver)
        if number is None:
            self._db.execute("INSERT OR IGNORE INTO receivers (name) VALUES (?)", (receiver,))
            row = self._db.execute("SELECT number FROM receivers WHERE name = ?", (receiver,)).fetchone()
            number = self._numbers[receiver] = int(row[0])
        return number

    def _set(self, state: int, receiver: str, parcels: Sequence[Parcel]) -> None:
        with self._writing():
            self._db.executemany(
                "UPDATE deliveries SET state = ? WHERE receiver = ? AND seq = ?",
                [(state, self._number(receiver), parcel.seq) for parcel in parcels],
            )

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self._lock:
            try:
                yield
            except sqlite3.Error as exc:
                raise SpoolFailed(f"{self._place}: {_remedy(exc)}") from exc

    @contextmanager
    def _writing(self, *, durable: bool = False) -> Iterator[None]:
        """Do several writes at once, or none; a durable one is on the disk itself when it is done.

        What was delivered need not be durable: that is told twice if the machine loses its power.
        """
        with self._reading():
            self._db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                self._numbers.clear()
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise


def _refused(place: str, error: sqlite3.Error) -> SpoolFault | SpoolFailed:
    """Return the error of a spool that cannot be opened: a full disk is no fault of whoever named it."""
    full = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL
    return (SpoolFailed if full else SpoolFault)(f"{place}: {_remedy(error)}")


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
_RESEND = (
    "INSERT INTO deliveries (receiver, seq, since) SELECT ?, seq, ? FROM alerts WHERE key = ?"
    " ON CONFLICT DO UPDATE SET state = 0, since = excluded.since, due = 0, tries = 0 WHERE state = 2"
)
_HAD = (
    "SELECT DISTINCT r.name FROM alerts a JOIN deliveries d ON d.seq = a.seq"
    " JOIN receivers r ON r.number = d.receiver WHERE a.key >= ? AND a.key < ? ORDER BY r.number"
)
_OLDEST = "SELECT seq, taken FROM alerts ORDER BY seq LIMIT ?"
_FORGET = (
    "DELETE FROM alerts WHERE seq = ?1"
    " AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.seq = ?1 AND d.state = 0)"
)
_DAMAGED = (
    "is damaged; move it away and begin with a new one (what can be had of it: sqlite3 spool.db .recover)"
)


def _remedy(error: sqlite3.Error) -> str:
    """Say what is wrong with a spool and what to do."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:  # closed
        return str(error)
    primary = code & 0xFF
    if primary == sqlite3.SQLITE_FULL:
        return "the disk is full; what was written to stdout before is safe; free some space and go on"
    if primary in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return _DAMAGED
    if primary == sqlite3.SQLITE_BUSY:
        return "is kept busy by another process"
    return f"cannot be used: {error}"
