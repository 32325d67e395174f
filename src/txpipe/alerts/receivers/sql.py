"""PostgreSQL and SQLite, by SQLAlchemy: one row a revision of an alert."""

from __future__ import annotations

import logging
import os
import re
import socket
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    SQLAlchemyError,
)

from txpipe.alerts.receiver import SEND_S, NotTaken, Parcel, ReceiverFault, named
from txpipe.alerts.receivers.sqltable import AS_IT_CAME, FORMS, insertion, prepare, row, table
from txpipe.errors import RecordFault
from txpipe.visible import clipped, printable

_QUIET_S = 30
_OF_A_ROW = (DataError, IntegrityError, NotSupportedError)
"""What a database finds wrong with a row rather than with all."""

_TABLE = re.compile(r"[a-z_][a-z0-9_]{0,39}")
_LOGS = ("psycopg", "sqlalchemy")
"""Names of logs in which drivers tell of connections that broke: user, host and traces."""

_CONNECTION = {
    "client_encoding": "utf8",  # whatever the database's is: what does not fit there is its to refuse
    "connect_timeout": "10",
    "tcp_user_timeout": str(_QUIET_S * 1000),
    "fallback_application_name": "txalert",
}
_FORM = "write postgresql://USER@HOST/DATABASE or sqlite:///PATH, then ?table=NAME"


class SqlReceiver:
    """Writes a batch in one transaction; that it is committed says that it was taken.

    Attributes:
        name: the kind, host and port or path, and a digest that a new password does not change.
        batch: alerts that share a transaction.
        to_people: no.
    """

    batch = 500
    to_people = False

    def __init__(self, url: str, send_s: float = SEND_S) -> None:
        """Take a URL as SQLAlchemy has it; nothing is opened yet.

        Args:
            url: of a database.
            send_s: seconds for all of a batch.

        Raises:
            ReceiverFault: it is none.
        """
        kind = url.partition(":")[0].lower()
        try:
            found = make_url(url)
            query = dict(found.query)
        except (ArgumentError, ValueError):
            raise ReceiverFault(f"{kind}: no URL: {_FORM}") from None
        name = query.pop("table", "alerts")
        if not isinstance(name, str) or not _TABLE.fullmatch(name):
            raise ReceiverFault(f"{kind}: table is no name of small letters, digits and _")
        found = found.set(query=query)
        if kind == "sqlite":
            self._url = _sqlite(found)
            self.name = f"sqlite:{found.database}"
        else:
            self._url = _postgresql(found)
            self.name = _named(found)
        self._kind = self._url.get_backend_name()
        self._table = table(name)
        self._send_s = send_s
        self._engine: Engine | None = None
        self._raw: Any = None
        self._is_ready = False

    def send(self, parcels: Sequence[Parcel]) -> None:
        """Write alerts; those that are there already stay as they are.

        Raises:
            NotTaken: the transaction was not committed.
        """
        try:
            self._write(parcels)
        except NotTaken as fault:
            if not fault.only_this:
                raise
            for taken, parcel in enumerate(parcels):
                self._write_one(parcel, taken)

    def close(self) -> None:
        """Break off what is under way; from any thread."""
        raw = self._raw
        if isinstance(raw, sqlite3.Connection):
            with suppress(sqlite3.Error):
                raw.interrupt()
        elif raw is not None:
            with suppress(Exception), socket.socket(fileno=os.dup(raw.fileno())) as opened:
                opened.shutdown(socket.SHUT_RDWR)

    def _write_one(self, parcel: Parcel, taken: int) -> None:
        """Write one in the first form that the database can hold: it may have another encoding than UTF-8."""
        for form in FORMS:
            try:
                self._write([parcel], form)
            except NotTaken as fault:
                fault.taken = taken
                if not fault.only_this or form == FORMS[-1]:
                    raise
            else:
                return

    def _write(self, parcels: Sequence[Parcel], form: str = AS_IT_CAME) -> None:
        # A server that is stopped keeps its connections, and never comes to its own time limit.
        watch = threading.Timer(self._send_s, self.close)
        watch.daemon = True
        watch.start()
        try:
            self._transact([row(one.line, self._kind, form) for one in parcels])
        except SQLAlchemyError as exc:
            self._is_ready = False  # what made it fail may be that the table has gone
            raise NotTaken(_told(exc), only_this=isinstance(exc, _OF_A_ROW)) from None  # it may show secrets
        except RecordFault as exc:
            raise NotTaken(str(exc), only_this=True) from exc
        except UnicodeError:
            raise NotTaken("it has characters that client_encoding has not", only_this=True) from None
        finally:
            watch.cancel()

    def _transact(self, rows: Sequence[dict[str, Any]]) -> None:
        if self._engine is None:
            self._engine = _engine(self._url)
            event.listen(self._engine, "connect", self._connected)
        with self._engine.begin() as connection:
            if self._kind == "postgresql":
                connection.execute(text(f"SET LOCAL statement_timeout = '{_QUIET_S}s'"))
            if not self._is_ready:
                prepare(connection, self._table)
            connection.execute(insertion(self._table, self._kind), rows)
        self._is_ready = True

    def _connected(self, raw: Any, _record: object) -> None:
        """Keep the driver's connection, which ``close`` breaks off, whatever it is waited for."""
        self._raw = raw


def _engine(url: URL) -> Engine:
    """Return an engine with one connection, asked whether it still lives before it is used."""
    for name in _LOGS:  # off stderr, where nothing but txalert speaks
        logging.getLogger(name).addHandler(logging.NullHandler())
        logging.getLogger(name).propagate = False
    arguments: dict[str, Any] = {"timeout": _QUIET_S}
    if url.get_backend_name() == "postgresql":
        # A pooler that gives every transaction another connection knows no prepared statements.
        arguments = {"prepare_threshold": None}
        arguments |= {key: value for key, value in _CONNECTION.items() if key not in url.query}
    return create_engine(
        url,
        pool_size=1,
        max_overflow=0,
        pool_pre_ping=True,
        connect_args=arguments,
        json_serializer=str,  # it is JSON already
        hide_parameters=True,
    )


def _sqlite(url: URL) -> URL:
    if url.host or url.query or url.database in (None, "", ":memory:"):
        raise ReceiverFault(f"sqlite: {_FORM}")
    return url.set(drivername="sqlite+pysqlite")


def _postgresql(url: URL) -> URL:
    from psycopg import ProgrammingError  # noqa: PLC0415 - SQLite needs none
    from psycopg.conninfo import make_conninfo  # noqa: PLC0415

    for key in url.query:
        try:
            make_conninfo("", **{key: "1"})
        except ProgrammingError:
            raise ReceiverFault(f"postgresql: libpq knows no {key}; {_FORM}") from None
    return url.set(drivername="postgresql+psycopg")


def _named(url: URL) -> str:
    host = f"[{url.host}]" if ":" in (url.host or "") else url.host or ""
    port = f":{url.port}" if url.port else ""
    return named(f"postgresql://{host}{port}", url.render_as_string())


def _told(exc: SQLAlchemyError) -> str:
    """Return why it did not work in a few words, none of them of the URL or of a statement."""
    if not isinstance(exc, DBAPIError):
        return f"cannot be used ({type(exc).__name__})"
    if isinstance(exc.orig, sqlite3.Error):
        return f"cannot be written: {clipped(str(exc.orig), 120)}"
    state = getattr(exc.orig, "sqlstate", None)
    if state is not None:
        primary = getattr(getattr(exc.orig, "diag", None), "message_primary", None) or "refused"
        return f"{printable(primary[:160])} (SQLSTATE {state})"
    said = str(exc.orig)
    return next((words for mark, words in _CONNECTING if mark in said), "no connection")


_CONNECTING = (
    ("password", "it refuses the user or password"),
    ("does not exist", "it has no such database or user"),
    ("pg_hba.conf", "it lets nobody in from here so (pg_hba.conf)"),
    ("certificate", "its certificate cannot be verified"),
    ("SSL", "it does not speak TLS as it should"),
    ("resolve", "no such host"),
    ("translate host", "no such host"),
    ("not known", "no such host"),
    ("timeout expired", "no connection in time"),
    ("invalid", "its URL has an option that makes no sense"),
    ("bad value", "its URL has an option that makes no sense"),
)
