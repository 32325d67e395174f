"""Old alerts out of the store: by age and by size, some at a time, the newest one never."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from itertools import takewhile

import sqlalchemy as sa

from txpipe.dashboard import bulk, tables, tally
from txpipe.dashboard.database import Database

_AT_ONCE = 2_000
"""Alerts taken out in one transaction: what comes in waits for no longer than that takes."""
_FREE = 10
"""One part in so many of an SQLite file stays free: what comes in takes it, and moving pages costs."""
_PAGES_AT_ONCE = 2_000
_ROOM = 0.05
"""Share of the size that is made free, so that not every alert that comes takes one out."""


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
    with database.writing() as connection:
        nums = _to_go(connection, database, limits, now)
        if nums:
            _take_out(connection, nums)
    return len(nums)


def _take_out(connection: sa.Connection, nums: list[int]) -> None:
    table = tables.alerts
    within = table.c.num.between(nums[0], nums[-1])
    gone: tally.Changes = Counter()
    for kind in tables.COUNTED:
        query = sa.select(table.c[kind], sa.func.count()).where(within).group_by(table.c[kind])
        gone.subtract({(kind, value): count for value, count in connection.execute(query)})
    tally.change(connection, gone)
    bulk.forget(connection, nums)
    for each in (tables.revisions, tables.triage, table):
        connection.execute(sa.delete(each).where(each.c.num.between(nums[0], nums[-1])))
    spans = tables.spans
    connection.execute(sa.delete(spans).where(spans.c.span < nums[-1] // tables.SPAN))


def shrink(database: Database) -> int:
    """Give a share of an SQLite file's room back to the disk, as far as more is free than soon fills.

    PostgreSQL's vacuum sees to its own files: their room is used again, and hardly ever given back.

    Returns:
        How many pages went.

    Raises:
        StoreFailed: it could not be done.
    """
    if not database.is_sqlite:
        return 0
    with database.writing() as connection:
        pages, free = (
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("page_count", "freelist_count")
        )
        much = max(min(free - pages // _FREE, _PAGES_AT_ONCE), 0)
        for _ in range(much):  # Python's driver takes one step of it, which is one page
            connection.exec_driver_sql("PRAGMA incremental_vacuum(1)")
    return int(much)


def size(connection: sa.Connection, database: Database) -> int:
    """Return the bytes of what a store holds, free pages left out.

    PostgreSQL does not tell what is free in its files: the share of those alerts that are left among the most
    that they ever held is what is not.
    """
    if not database.is_sqlite:
        names = [table.name for table in tables.metadata.sorted_tables]
        totals = [sa.func.pg_total_relation_size(name) for name in names]
        whole = int(connection.execute(sa.select(sum(totals[1:], totals[0]))).scalar_one())
        held, most = tally.total(connection), _most(connection)
        return whole * held // max(held, most, 1)
    pages, free, page = (
        connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * page)


_MOST = "most"


def _most(connection: sa.Connection) -> int:
    """Return how many alerts the files have held at most, as far as anything was taken out since."""
    meta = tables.meta
    return int(connection.execute(sa.select(meta.c.value).where(meta.c.key == _MOST)).scalar() or 0)


def _remember_most(connection: sa.Connection) -> None:
    """Keep how many there are, if there never were more."""
    connection.execute(_MORE, {"key": _MOST, "value": tally.total(connection)})


_MORE = sa.text(
    "INSERT INTO meta (key, value) VALUES (:key, :value)"
    " ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE excluded.value > meta.value"
)


def _to_go(connection: sa.Connection, database: Database, limits: Limits, now: float) -> list[int]:
    """Return the numbers of the next alerts to go; the newest is never among them."""
    table = tables.alerts
    oldest = sa.select(table.c.num, table.c.received).order_by(table.c.num).limit(_AT_ONCE + 1)
    found = connection.execute(oldest).all()[:-1]
    if not database.is_sqlite:
        _remember_most(connection)
    if limits.size is not None and found and (held := size(connection, database)) > limits.size:
        surplus = 1 - limits.size * (1 - _ROOM) / held
        return [each.num for each in found[: math.ceil(tally.total(connection) * surplus)]]
    if limits.age_s is None:
        return []
    first = now - limits.age_s
    return [each.num for each in takewhile(lambda each: each.received < first, found)]
