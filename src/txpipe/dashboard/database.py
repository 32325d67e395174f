"""The store's database: one SQLite file, or PostgreSQL by URL; opened with care, one writer at a time."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from txpipe.dashboard.tables import HEAD
from txpipe.dashboard.where import is_url, without_secrets
from txpipe.errors import SinkFailed, UsageFault

_APPLICATION = 0x74786462
"""``txdb``: SQLite's application_id, which says whose file it is."""
_LOCK = 0x7478_6461_7368
"""``txdash``: the advisory lock of the one process that writes to a PostgreSQL store."""
_HEAD_BYTES = 100
"""Bytes of an SQLite file's head."""
_BUSY_S = 60
_READERS = 8
_AT_ONCE = 40
"""Readers beyond those; as many as there are threads that serve."""
_POSTGRESQL = ("postgresql://", "postgres://", "postgresql+psycopg://")


class StoreFault(UsageFault):
    """A store that cannot be believed, opened or had for oneself."""


class StoreFailed(SinkFailed):
    """A store that does not take or give any more: the disk is full, the server is away."""


class StoreGone(SinkFailed):
    """A store whose file was taken away, or is another one now: it is to be opened again."""


class Database:
    """An open store's database. Any thread may read; those that write do it one after the other.

    Attributes:
        place: how messages call it; never with a password.
        is_sqlite: SQLite, else PostgreSQL.
        turns: how often it was taken for writing: in between, another process may have written.
    """

    def __init__(self, where: str) -> None:
        """Open or make a store and bring its tables up to date.

        Args:
            where: a file's path, or ``postgresql://USER:PASSWORD@HOST/DATABASE``.

        Raises:
            StoreFault: it is another program's, a newer version's, damaged, in use, or cannot be opened.
        """
        self.is_sqlite = not is_url(where)
        url = None if self.is_sqlite else _driver_url(where)
        self.place = where if self.is_sqlite else without_secrets(where)
        self._writes = threading.RLock()
        self._lock_fd: int | None = None
        self._file: tuple[Path, tuple[int, int]] | None = None
        if self.is_sqlite:
            where = str(_resolved(where))
            self._lock_fd = _locked(Path(where))
            _look_at(Path(where))
            self._file = Path(where), _identity(Path(where))
        self.engine = self._sqlite(where) if url is None else _postgresql(url)
        of_one_moment = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        self._reads = self.engine.execution_options(**of_one_moment)
        self._writer: sa.Connection | None = None
        self.turns = 0
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close it and let another process have it."""
        with self._writes:
            if self._writer is not None:
                self._writer.close()
                self._writer = None
            self.engine.dispose()
            if self._lock_fd is not None:
                os.close(self._lock_fd)
                self._lock_fd = None

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Read, all of one moment.

        Raises:
            StoreFailed: the database does not answer as it should.
        """
        try:
            with self._reads.begin() as connection:
                yield connection
        except SQLAlchemyError as exc:
            raise StoreFailed(f"{self.place}: {_reason(exc)}") from exc

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Do several writes at once, or none; waits for whoever writes already.

        Raises:
            StoreFailed: they could not be done.
            StoreGone: its file is not there any more, and what was written would go with it.
        """
        with self._writes:
            if self._file is not None and _identity(self._file[0]) != self._file[1]:
                raise StoreGone(f"{self.place}: was removed or replaced; it is opened again")
            try:
                connection = self._writer or self._connected()
                with connection.begin():
                    yield connection
            except SQLAlchemyError as exc:
                self._drop_if_broken(exc)
                raise StoreFailed(f"{self.place}: {_reason(exc)}") from exc

    def _connected(self) -> sa.Connection:
        self._writer = self.engine.connect().execution_options(txpipe_writes=True)
        if not self.is_sqlite:
            free = self._writer.execute(sa.select(sa.func.pg_try_advisory_lock(_LOCK))).scalar_one()
            self._writer.commit()
            if not free:
                self._writer.close()
                self._writer = None
                raise StoreFault(f"{self.place}: is used by another txdash; end that one, or name another")
        self.turns += 1
        return self._writer

    def _drop_if_broken(self, error: SQLAlchemyError) -> None:
        """Let go of a connection that is lost, so that the next write opens another."""
        if isinstance(error, DBAPIError) and error.connection_invalidated and self._writer is not None:
            self._writer.close()
            self._writer = None

    @staticmethod
    def _sqlite(where: str) -> sa.Engine:
        url = sa.URL.create("sqlite", database=where)
        options: dict[str, Any] = {"check_same_thread": False, "timeout": _BUSY_S}
        engine = sa.create_engine(url, connect_args=options, pool_size=_READERS, max_overflow=_AT_ONCE)
        sa.event.listen(engine, "connect", _set_up)
        sa.event.listen(engine, "begin", _begin)
        return engine

    def _prepare(self) -> None:
        try:
            connection = self._connected()
            if not self.is_sqlite:
                self._refuse_other_encodings(connection)
            if sa.inspect(connection).has_table("alembic_version"):
                found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
                connection.commit()
                if found == HEAD:
                    return
            connection.rollback()
            _migrate(connection, self.place)
        except SQLAlchemyError as exc:
            raise StoreFault(f"{self.place}: {_reason(exc)}") from exc

    def _refuse_other_encodings(self, connection: sa.Connection) -> None:
        """Refuse a database that has no room for every character: one such would hold up all that follow."""
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
        connection.commit()
        if encoding != "UTF8":
            made = "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
            raise StoreFault(f"{self.place}: its encoding is {encoding}; {made} makes one that will do")


def _migrate(connection: sa.Connection, place: str) -> None:
    """Run the steps that a store lacks, all or none."""
    from alembic import command  # noqa: PLC0415 - only a new or old store needs it
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        with connection.begin():
            command.upgrade(config, "head")
    except CommandError as exc:
        raise StoreFault(f"{place}: was written by a newer txpipe; use that one, or another store") from exc


def _resolved(where: str) -> Path:
    """Return the file's own path: whoever comes by another name meets the same lock."""
    try:
        path = Path(where).resolve()
    except (OSError, RuntimeError) as exc:  # links in a circle
        raise StoreFault(f"{where}: cannot be opened: its links lead nowhere") from exc
    if path.is_dir():
        raise StoreFault(f"{where}: is a directory; name a file in it")
    return path


def _identity(path: Path) -> tuple[int, int]:
    """Return what tells a file from another one under its name; zeros where there is none."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_dev, found.st_ino


def _look_at(path: Path) -> None:
    """Refuse a file that is no store, before anything is written to it."""
    try:
        if not path.exists():
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        if 0 < path.stat().st_size < _HEAD_BYTES:  # which SQLite would write over
            raise StoreFault(f"{path}: is damaged or no store; name another file")
        with sqlite3.connect(path) as probe:
            found = probe.execute("PRAGMA application_id").fetchone()[0]
            is_new = not found and not probe.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if not is_new and found != _APPLICATION:
                raise StoreFault(f"{path}: is no store of txdash; name another file")
            if is_new:
                probe.execute("PRAGMA auto_vacuum = INCREMENTAL")
                probe.execute("PRAGMA journal_mode = WAL")
                probe.execute(f"PRAGMA application_id = {_APPLICATION}")
        probe.close()
    except OSError as exc:
        raise StoreFault(f"{path}: cannot be made: {exc.strerror}") from exc
    except sqlite3.Error as exc:
        raise StoreFault(f"{path}: {_sqlite_reason(exc)}") from exc


def _locked(path: Path) -> int:
    """Take a store's file for this process until it ends; return the descriptor that holds it."""
    lock = path.with_name(f".{path.name}.lock")
    try:
        fd = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        raise StoreFault(f"{path}: cannot be opened: {lock}: {exc.strerror}") from exc
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        os.close(fd)
        raise StoreFault(f"{path}: is used by another txdash; end that one, or name another file") from exc
    return fd


def _set_up(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy begins; the driver's own way leaves DDL outside
    for setting in (
        "journal_mode = WAL",
        "synchronous = NORMAL",
        "cache_size = -65536",
        "temp_store = MEMORY",
    ):
        connection.execute(f"PRAGMA {setting}")


def _begin(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("txpipe_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgresql(url: sa.URL) -> sa.Engine:
    pool = {"pool_size": _READERS, "max_overflow": _AT_ONCE, "pool_pre_ping": True}
    return sa.create_engine(url, connect_args={"client_encoding": "utf8"}, **pool)


def _driver_url(where: str) -> sa.URL:
    if not where.startswith(_POSTGRESQL):
        scheme = where.partition("://")[0]
        raise StoreFault(f'"{scheme}://" is no store; give a file, or postgresql://USER@HOST/DATABASE')
    try:
        return sa.make_url(where).set(drivername="postgresql+psycopg")
    except (SQLAlchemyError, ValueError) as exc:
        raise StoreFault("the store's URL does not read; write postgresql://USER@HOST/DATABASE") from exc


def _reason(error: SQLAlchemyError) -> str:
    """Say what is wrong with a store and what to do; the driver's words, without SQL and without values."""
    cause = getattr(error, "orig", None)
    if isinstance(cause, sqlite3.Error):
        return _sqlite_reason(cause)
    return " ".join(str(cause or type(error).__name__).split())[:300]


def _sqlite_reason(error: sqlite3.Error) -> str:
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return "the disk is full; free some space"
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return "is damaged or no store; name another file (what can be had of it: sqlite3 FILE .recover)"
    if code == sqlite3.SQLITE_BUSY:
        return "is kept busy by another process"
    return f"cannot be used: {error}"
