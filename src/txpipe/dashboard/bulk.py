"""Many rows at once, by each database's own shortest way; SQLAlchemy's takes as long again for each row."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from txpipe.dashboard import tables

Row = tuple[Any, ...]

_AT_ONCE = 256
"""Rows of one statement; times columns, below SQLite's 32,766 values."""

_REVISION = struct.Struct(">hiqiqiqidi")
"""Columns of a revision before its line: how many there are, then each behind its bytes."""
_NULL = "\\N"
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})

_OLD = {
    True: "SELECT {columns} FROM alerts WHERE id IN (SELECT value FROM json_each(?))",
    False: "SELECT {columns} FROM alerts WHERE id = ANY(%s)",
}
_KEPT = {
    True: "SELECT revisions.num, revisions.rev FROM json_each(?) AS asked CROSS JOIN revisions"
    " ON revisions.num = asked.value ->> 0 AND revisions.rev = asked.value ->> 1",
    False: "SELECT num, rev FROM unnest(%s::bigint[], %s::bigint[]) AS asked (num, rev)"
    " JOIN revisions USING (num, rev)",
}
_WORDS_OF = "SELECT {command}num, search FROM alerts WHERE num IN (SELECT value FROM json_each(?))"


def insert(connection: sa.Connection, table: sa.Table, columns: Sequence[str], rows: list[Row]) -> None:
    """Put new rows into a table.

    Raises:
        SQLAlchemyError: nothing of it is there.
    """
    if not rows:
        return
    named = ", ".join(columns)
    if is_sqlite(connection):
        marks = f"({', '.join('?' * len(columns))})"
        for some in _shares(rows):
            values = ", ".join([marks] * len(some))
            statement = f"INSERT INTO {table.name} ({named}) VALUES {values}"  # noqa: S608 - names are ours
            connection.exec_driver_sql(statement, tuple(chain.from_iterable(some)))
    elif table is tables.revisions:
        _copy(connection, f"COPY {table.name} ({named}) FROM STDIN (FORMAT binary)", _as_binary(rows))
    else:
        _copy(connection, f"COPY {table.name} ({named}) FROM STDIN", _as_text(rows))


def _shares(rows: list[Row]) -> Iterator[list[Row]]:
    """Yield rows in shares of few sizes, powers of two: their statements stay compiled.

    Row by row, Python's driver gives the interpreter away and waits for it as often: for milliseconds each
    time while the server's thread has work to do.
    """
    whole = len(rows) - len(rows) % _AT_ONCE
    yield from (rows[at : at + _AT_ONCE] for at in range(0, whole, _AT_ONCE))
    rest, size = rows[whole:], _AT_ONCE
    while rest:
        size //= 2
        if len(rest) >= size:
            yield rest[:size]
            rest = rest[size:]


def _as_binary(rows: list[Row]) -> bytes:
    """Return revisions as COPY takes them: the bytes of a line as they are, not as twice as many digits.

    https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format": each value behind its length.
    """
    parts = [b"PGCOPY\n\xff\r\n\0" + bytes(8)]
    for seq, num, rev, received, line in rows:
        parts += _REVISION.pack(5, 8, seq, 8, num, 8, rev, 8, received, len(line)), line
    parts.append(b"\xff\xff")
    return b"".join(parts)


def _as_text(rows: list[Row]) -> str:
    """Return rows as COPY takes them: whole rows at once, where psycopg looks at each value."""
    lines = ["\t".join([_NULL if each is None else str(each) for each in row]) for row in rows]
    text = "\n".join(lines) + "\n"
    tabs, nulls = len(rows) * (len(rows[0]) - 1), sum(row.count(None) for row in rows)
    seen = [text.count(each) for each in "\t\n\\\r"]
    if seen == [tabs, len(rows), nulls, 0]:  # no value has any that has to be told from these
        return text
    return "".join("\t".join(map(_escaped, row)) + "\n" for row in rows)


def _escaped(value: Any) -> str:
    return _NULL if value is None else str(value).translate(_ESCAPES)


def _copy(connection: sa.Connection, statement: str, data: str | bytes) -> None:
    """Do what ``connection.execute`` cannot, and fail as it would."""
    import psycopg  # noqa: PLC0415 - only this kind of store needs it

    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            copy.write(data)
    except psycopg.Error as exc:
        lost = bool(driver.closed)
        if lost:
            connection.invalidate(exc)
        raise DBAPIError.instance(statement, None, exc, psycopg.Error, connection_invalidated=lost) from exc


def alerts(connection: sa.Connection, columns: Sequence[str], ids: list[str]) -> Iterable[Sequence[Any]]:
    """Return the rows of the alerts that the store has of some ids."""
    given = orjson.dumps(ids).decode() if is_sqlite(connection) else ids
    query = _OLD[is_sqlite(connection)].format(columns=", ".join(columns))
    return connection.exec_driver_sql(query, (given,)).all()


def kept(connection: sa.Connection, asked: list[tuple[int, int]]) -> set[tuple[int, int]]:
    """Return which revisions, by an alert's number and their own, the store has."""
    if not asked:
        return set()
    given: Row
    if is_sqlite(connection):
        given = (orjson.dumps(asked).decode(),)
    else:
        given = ([num for num, _ in asked], [rev for _, rev in asked])
    return {(each[0], each[1]) for each in connection.exec_driver_sql(_KEPT[is_sqlite(connection)], given)}


def learn(connection: sa.Connection, first: int, last: int) -> None:
    """Put the words of new alerts, by their numbers, into SQLite's index; PostgreSQL's has them already."""
    if is_sqlite(connection) and first <= last:
        found = "SELECT num, search FROM alerts WHERE num BETWEEN ? AND ?"
        connection.exec_driver_sql(f"INSERT INTO alerts_words (rowid, search) {found}", (first, last))


def learn_again(connection: sa.Connection, nums: list[int]) -> None:
    """Put the words of changed alerts into SQLite's index."""
    _words(connection, "rowid, search", "", nums)


def forget(connection: sa.Connection, nums: list[int]) -> None:
    """Take the words of alerts out of SQLite's index, before they change or go."""
    _words(connection, "alerts_words, rowid, search", "'delete', ", nums)


def _words(connection: sa.Connection, columns: str, command: str, nums: list[int]) -> None:
    # https://sqlite.org/fts5.html#external_content_tables
    if is_sqlite(connection) and nums:
        found = _WORDS_OF.format(command=command)
        connection.exec_driver_sql(
            f"INSERT INTO alerts_words ({columns}) {found}",
            (orjson.dumps(nums).decode(),),
        )


def is_sqlite(connection: sa.Connection) -> bool:
    """Say whether a connection leads to SQLite; else it is PostgreSQL."""
    return connection.dialect.name == "sqlite"
