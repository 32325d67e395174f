"""The table that alerts have in an SQL database, and an alert as one of its rows."""

from __future__ import annotations

import json
import re
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Double,
    Index,
    Insert,
    MetaData,
    SmallInteger,
    Table,
    Text,
    inspect,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import TypeEngine

from txpipe.alerts.facts import text as words_of
from txpipe.alerts.intake import reread
from txpipe.alerts.receiver import NotTaken
from txpipe.record import dumps
from txpipe.visible import clipped

AS_IT_CAME, RETOLD, IN_ASCII = FORMS = ("as it came", "retold", "in ASCII")
"""How a row may be written; each is for databases that cannot hold the one before."""

_LARGEST = 2**63 - 1
_SHORT = 256
"""Characters of a text: an index of PostgreSQL takes 2,700 bytes, and the column ``json`` has all of it."""

_LONG = 1000
_NOT_ASCII = re.compile(r"[^\0-\x7f]")
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
"""An escaped NUL in JSON, which jsonb refuses: a backslash before it that is no escaped one."""


def table(name: str) -> Table:
    """Return the table; ``id`` and ``rev`` are its key, so that what comes again changes nothing."""
    return Table(
        name,
        MetaData(),
        Column("id", Text, primary_key=True),
        Column("rev", BigInteger, primary_key=True, autoincrement=False),
        *(Column(key, Text, nullable=False) for key in _TEXTS),
        Column("score", SmallInteger, nullable=False),
        Column("block", BigInteger),
        Column("time", BigInteger),
        Column("n", BigInteger),
        Column("incident", Text),
        Column("usd", Double),
        Column("shadow", Boolean, nullable=False),
        Column("json", Text().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        Index(f"{name}_time", "time"),
        Index(f"{name}_subject", "subject"),
    )


_TEXTS = ("status", "rule", "category", "severity", "chain", "tx", "subject", "role", "title")
_LATEST = (
    "CREATE VIEW {name}_latest AS SELECT * FROM {name} AS one WHERE NOT EXISTS "
    "(SELECT 1 FROM {name} AS other WHERE other.id = one.id AND other.rev > one.rev)"
)


def insertion(into: Table, dialect: str) -> Insert:
    """Return the statement that adds rows, and leaves what is there as it is."""
    if dialect == "sqlite":
        return sqlite.insert(into).on_conflict_do_nothing(index_elements=["id", "rev"])
    return postgresql.insert(into).on_conflict_do_nothing(index_elements=["id", "rev"])


def row(line: bytes, dialect: str, form: str = AS_IT_CAME) -> dict[str, Any]:
    r"""Return an alert as a row.

    Texts are cut and control characters written out, numbers beyond 64 bits are null (of ``rev`` the largest
    there is). ``json`` has the alert as it came, but in PostgreSQL for NUL, which is U+FFFD there.

    Args:
        line: the alert.
        dialect: ``postgresql`` or ``sqlite``.
        form: of FORMS; what is retold is JSON written anew, its numbers as the nearest of 64 bits; in ASCII,
            other characters are written out, too, as ``\u0142``.

    Raises:
        RecordFault: it is nested too deep to be written anew.
    """
    alert = reread(line)
    usd = alert["record"].get("usd")
    document = (line if form == AS_IT_CAME else dumps(alert)).decode()
    if dialect == "postgresql":
        document = _NUL.sub("\\1\ufffd", document)
    if form == IN_ASCII:
        document = _NOT_ASCII.sub(lambda char: json.dumps(_written_out(char[0]))[1:-1], document)
    found = {
        "id": alert["id"],
        "rev": min(alert["rev"], _LARGEST),
        **{key: clipped(alert[key], _LONG if key == "title" else _SHORT) for key in _TEXTS},
        "score": alert["score"],
        **{key: _whole(alert[key]) for key in ("block", "time", "n")},
        "incident": clipped(words_of(alert["incident"]), _SHORT) if "incident" in alert else None,
        "usd": float(usd) if type(usd) in (int, float) else None,
        "shadow": alert.get("shadow") is True,
        "json": document,
    }
    if form == IN_ASCII:
        return {key: _written_out(value) if isinstance(value, str) else value for key, value in found.items()}
    return found


def _written_out(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode()


def prepare(connection: Connection, wanted: Table) -> None:
    """Make the table, and a view of every alert's latest revision, where there is none.

    Raises:
        NotTaken: there is one of another shape.
    """
    found = inspect(connection)
    if not found.has_table(wanted.name):
        wanted.create(connection)
        connection.execute(text(_LATEST.format(name=wanted.name)))
        return
    there = {column["name"]: column["type"] for column in found.get_columns(wanted.name)}
    for column in wanted.columns:
        if column.name not in there:
            raise NotTaken(f"its table {wanted.name} has no column {column.name}{_REMEDY}")
        kind = column.type.dialect_impl(connection.dialect)
        if _kind(there[column.name]) != _kind(kind):
            said = column.type.compile(dialect=connection.dialect)
            raise NotTaken(f"column {column.name} of its table {wanted.name} is no {said}{_REMEDY}")
    keys = [found.get_pk_constraint(wanted.name)["constrained_columns"]]
    keys += [one["column_names"] for one in found.get_unique_constraints(wanted.name)]
    if not any(set(key) == {"id", "rev"} for key in keys):
        raise NotTaken(f"(id, rev) is no key of its table {wanted.name}{_REMEDY}")


_REMEDY = "; name another by ?table=NAME, which is made, or move that one away"


def _kind(found: TypeEngine[Any]) -> str:
    """Return what a column holds, whatever it is called."""
    try:
        name = found.python_type.__name__
    except NotImplementedError:
        return str(found)
    return {"Decimal": "float"}.get(name, name)


def _whole(value: int | None) -> int | None:
    return value if value is not None and abs(value) <= _LARGEST else None
