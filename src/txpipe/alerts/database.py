"""A spool's file: one SQLite database, or one in memory; opened with care, written whole or not at all."""

from __future__ import annotations

import errno
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from txpipe.alerts import spoolfolder
from txpipe.errors import SinkFailed, UsageFault

FILE = spoolfolder.FILE

_APPLICATION = 0x74787370
"""``txsp``: SQLite's application_id, which says whose file it is."""

_VERSION = 3
_BUSY_S = 60

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
CREATE TABLE messages (receiver TEXT NOT NULL, kin TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX messages_at ON messages (receiver, at);
CREATE TABLE silences (
    number INTEGER PRIMARY KEY AUTOINCREMENT, reason TEXT NOT NULL, begins REAL NOT NULL, ends REAL NOT NULL,
    conditions TEXT NOT NULL, muted INTEGER NOT NULL DEFAULT 0);
"""

_SINCE_2 = """
CREATE TABLE IF NOT EXISTS standing (
    receiver TEXT NOT NULL, id TEXT NOT NULL, kin TEXT NOT NULL, key TEXT NOT NULL, line BLOB NOT NULL,
    PRIMARY KEY (receiver, id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS standing_kin ON standing (receiver, kin);
CREATE TABLE IF NOT EXISTS groups (
    receiver TEXT NOT NULL, kin TEXT NOT NULL, began REAL NOT NULL, told REAL NOT NULL,
    reminders INTEGER NOT NULL, PRIMARY KEY (receiver, kin)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS groups_told ON groups (receiver, told);
CREATE TABLE IF NOT EXISTS graves (kin TEXT NOT NULL UNIQUE, time REAL NOT NULL, id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS handles (
    receiver TEXT NOT NULL, id TEXT NOT NULL, message TEXT NOT NULL, rev INTEGER NOT NULL,
    severity INTEGER NOT NULL, is_alone INTEGER NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (receiver, id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS handles_at ON handles (receiver, at);
CREATE TABLE IF NOT EXISTS growth (
    kin TEXT PRIMARY KEY, count INTEGER NOT NULL, usd REAL NOT NULL, began INTEGER NOT NULL,
    reached BLOB NOT NULL, at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS members (
    kin TEXT NOT NULL, id TEXT NOT NULL, place TEXT NOT NULL, usd REAL NOT NULL,
    PRIMARY KEY (kin, id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS members_place ON members (kin, place);
CREATE TABLE IF NOT EXISTS notes (
    seq INTEGER NOT NULL, receiver INTEGER NOT NULL, note TEXT NOT NULL,
    PRIMARY KEY (seq, receiver)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS windows (name TEXT NOT NULL UNIQUE, begins REAL NOT NULL, number INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS held (
    limit_name TEXT NOT NULL, receiver TEXT NOT NULL, chain TEXT NOT NULL, first REAL NOT NULL,
    for_s REAL NOT NULL, since REAL NOT NULL, counts BLOB NOT NULL, gravest BLOB NOT NULL,
    PRIMARY KEY (limit_name, receiver)) WITHOUT ROWID;
"""
"""What a spool of version 1 lacks."""

_SINCE_3 = """
ALTER TABLE receivers ADD COLUMN keys TEXT;
ALTER TABLE deliveries ADD COLUMN kin TEXT;
CREATE INDEX kin_waits ON deliveries (receiver, kin, seq) WHERE state = 0 AND kin IS NOT NULL;
CREATE INDEX since_waits ON deliveries (receiver, since, seq, kin, due) WHERE state = 0 AND kin IS NOT NULL;
CREATE TABLE labels (
    receiver TEXT NOT NULL, id TEXT NOT NULL, labels BLOB NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (receiver, id)) WITHOUT ROWID;
CREATE INDEX labels_at ON labels (receiver, at);
"""
"""What one of version 2 lacks."""


class SpoolFault(UsageFault):
    """A spool that cannot be believed, opened or had for oneself."""


class SpoolFailed(SinkFailed):
    """A spool that takes no more: the disk is full or broken."""


class Database:
    """An open spool's database; it may be used from several threads, one after the other.

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
        if not make and folder is not None and not (folder / FILE).exists():
            raise SpoolFault(f"{folder}: holds no spool; name the folder that txalert --spool names")
        try:
            if folder is not None:
                spoolfolder.made(folder)
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
            raise refused(self._place, exc) from exc
        except sqlite3.Error as exc:
            raise refused(self._place, exc) from exc

    def close(self) -> None:
        """Close it; a later use by another thread fails with SpoolFailed."""
        with self._lock:
            self._db.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Read, and turn SQLite's errors into SpoolFailed."""
        with self._lock:
            try:
                yield self._db
            except sqlite3.Error as exc:
                raise SpoolFailed(f"{self._place}: {_remedy(exc)}") from exc

    @contextmanager
    def writing(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """Do several writes at once, or none; a durable one is on the disk itself when it is done.

        What was delivered need not be durable: that is told twice if the machine loses its power.
        """
        with self.reading():
            self._db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def _prepare(self) -> None:
        db = self._db
        found = db.execute("PRAGMA application_id").fetchone()[0]
        is_new = not found and not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if not is_new and found != _APPLICATION:
            raise SpoolFault(f"{self._place}: {FILE} in it is no spool of txalert; name another folder")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version > _VERSION:
            raise SpoolFault(f"{self._place}: was written by a newer txpipe; use that one, or another folder")
        if not is_new and db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise SpoolFault(f"{self._place}: {_DAMAGED}")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA temp_store = MEMORY")
        db.execute("CREATE TEMP TABLE apart (kin TEXT PRIMARY KEY) WITHOUT ROWID")
        if version < _VERSION:
            with self.writing():
                self._make()

    def _make(self) -> None:
        """Make the tables that are missing; another process may have made them meanwhile."""
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        for since, script in enumerate((_TABLES, _SINCE_2, _SINCE_3)):
            for statement in script.split(";") if version <= since else ():
                self._db.execute(statement)
        self._db.execute(f"PRAGMA application_id = {_APPLICATION}")
        self._db.execute(f"PRAGMA user_version = {_VERSION}")


def refused(place: object, error: sqlite3.Error | OSError) -> SpoolFault | SpoolFailed:
    """Return the error of a spool that cannot be opened: a full disk is no fault of whoever named it."""
    if isinstance(error, OSError):
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        said = _FULL if full else spoolfolder.remedy(error)
        return (SpoolFailed if full else SpoolFault)(f"{place}: {said}")
    full = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL
    return (SpoolFailed if full else SpoolFault)(f"{place}: {_remedy(error)}")


_FULL = "the disk is full; what was written to stdout before is safe; free some space and go on"
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
        return _FULL
    if primary in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return _DAMAGED
    if primary == sqlite3.SQLITE_BUSY:
        return "is kept busy by another process"
    if primary in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}:
        return f"may not be written ({error}); change permissions, or name another folder"
    return f"cannot be used: {error}"
