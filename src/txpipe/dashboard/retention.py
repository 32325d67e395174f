"""Old alerts out of the store: by age and by size, some at a time, the newest one never."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from txpipe.dashboard import tables
from txpipe.dashboard.database import Database

_AT_ONCE = 2_000
"""Alerts taken out in one transaction: what comes in waits for no longer than that takes."""
_ROOM = 0.05
"""Share of the size that is made free, so that not every alert that comes takes one out."""
_SAMPLE = 1_000
_INDEXED = 4
"""Bytes in PostgreSQL for each byte of a packed line; 3.4 to 5 were measured, indexes and words included."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a store may hold.

    Attributes:
        age_s: seconds since an alert's first arrival; None for ever.
        size: bytes of the database; None for any.
    """

    age_s: float | None = None
    size: int | None = None


def prune(database: Database, limits: Limits, now: float) -> int:
    """Take a share of what is too old or too much out of the store.

    Args:
        database: the store's.
        limits: what it may hold.
        now: Unix seconds.

    Returns:
        How many alerts went; 0 once all is within the limits.

    Raises:
        StoreFailed: it could not be done.
    """
    table = tables.alerts
    with database.writing() as connection:
        last = _last_gone(connection, database, limits, now)
        if last is None:
            return 0
        gone = sa.select(table.c.num).where(table.c.num <= last).order_by(table.c.num).limit(_AT_ONCE)
        nums = list(connection.execute(gone).scalars())
        if not nums:
            return 0
        for each in (tables.revisions, tables.triage, table):
            column = each.c.num
            connection.execute(sa.delete(each).where(column <= nums[-1], column >= nums[0]))
        if database.is_sqlite:
            connection.exec_driver_sql("PRAGMA incremental_vacuum")
    return len(nums)


def size(connection: sa.Connection, database: Database) -> int:
    """Return the bytes of what a store holds, free pages left out."""
    if not database.is_sqlite:
        names = [table.name for table in tables.metadata.sorted_tables]
        totals = [sa.func.pg_total_relation_size(name) for name in names]
        return int(connection.execute(sa.select(sum(totals[1:], totals[0]))).scalar_one())
    pages, free, page = (
        connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * page)


def _held(connection: sa.Connection, database: Database, limit: int) -> int:
    """Return the bytes that count against a limit.

    PostgreSQL's files do not get smaller by what is taken out of them: what comes uses that room again. There
    the rows that are left are what counts once the files are over the limit, by the size of the newest ones.
    """
    files = size(connection, database)
    if database.is_sqlite or files <= limit:
        return files
    table = tables.revisions
    count = connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
    packed = sa.func.pg_column_size(table.c.line).label("packed")
    newest = sa.select(packed).order_by(table.c.seq.desc()).limit(_SAMPLE).subquery()
    line = connection.execute(sa.select(sa.func.avg(newest.c.packed))).scalar_one() or 0
    return min(files, int(count * line * _INDEXED))


def _last_gone(connection: sa.Connection, database: Database, limits: Limits, now: float) -> int | None:
    """Return the number of the last alert to go; arrivals are in the order of numbers."""
    table = tables.alerts
    newest = connection.execute(sa.select(sa.func.max(table.c.num))).scalar()
    if newest is None:
        return None
    found = 0
    oldest = connection.execute(sa.select(table.c.num, table.c.received).order_by(table.c.num).limit(1)).one()
    if limits.age_s is not None and oldest.received < now - limits.age_s:
        first_kept = (
            sa.select(table.c.num)
            .where(table.c.received >= now - limits.age_s)
            .order_by(table.c.num)
            .limit(1)
        )
        found = connection.execute(first_kept).scalar() or newest
        found -= 1
    if limits.size is not None and (held := _held(connection, database, limits.size)) > limits.size:
        surplus = 1 - limits.size * (1 - _ROOM) / held
        found = max(found, oldest.num + int((newest - oldest.num) * surplus))
    found = min(found, newest - 1)
    return found if found >= oldest.num else None
