"""How many alerts have which value, and when they were, kept beside them: no page counts millions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import sqlalchemy as sa

from txpipe.dashboard import tables

MOST = 1_000
"""Values of a kind that are told, the most frequent first."""

Changes = Counter[tuple[str, str]]
"""(kind, value): how many more have it, or fewer."""

_MORE = sa.text(
    "INSERT INTO tallies (kind, value, held) VALUES (:kind, :value, :held)"
    " ON CONFLICT (kind, value) DO UPDATE SET held = tallies.held + excluded.held"
)
_SPAN = sa.text(
    "INSERT INTO spans (span, oldest, newest) VALUES (:span, :oldest, :newest)"
    " ON CONFLICT (span) DO UPDATE SET"
    " oldest = CASE WHEN excluded.oldest < spans.oldest THEN excluded.oldest ELSE spans.oldest END,"
    " newest = CASE WHEN excluded.newest > spans.newest THEN excluded.newest ELSE spans.newest END"
)


def change(connection: sa.Connection, changes: Changes) -> None:
    """Count what has come, changed or gone."""
    table = tables.tallies
    told = [(kind, value, more) for (kind, value), more in changes.items() if more]
    if told:
        connection.execute(_MORE, [{"kind": k, "value": value, "held": more} for k, value, more in told])
    if any(more < 0 for *_, more in told):
        connection.execute(sa.delete(table).where(table.c.held <= 0))


def counts(connection: sa.Connection, kind: str) -> dict[str, int]:
    """Return how many alerts have which value, the most frequent first, at most MOST."""
    table = tables.tallies
    query = sa.select(table.c.value, table.c.held).where(table.c.kind == kind)
    found = connection.execute(query.order_by(table.c.held.desc(), table.c.value).limit(MOST))
    return {each.value: each.held for each in found}


def held(connection: sa.Connection, kind: str, values: Iterable[str]) -> int:
    """Return how many alerts have one of some values."""
    table = tables.tallies
    query = sa.select(sa.func.sum(table.c.held)).where(table.c.kind == kind, table.c.value.in_(list(values)))
    return int(connection.execute(query).scalar() or 0)


def total(connection: sa.Connection) -> int:
    """Return how many alerts there are."""
    query = sa.select(sa.func.sum(tables.tallies.c.held)).where(tables.tallies.c.kind == "severity")
    return int(connection.execute(query).scalar() or 0)


def widen(connection: sa.Connection, times: Iterable[tuple[int, int]]) -> None:
    """Note when alerts were: (number, Unix seconds)."""
    spans: dict[int, tuple[int, int]] = {}
    for num, time in times:
        span = num // tables.SPAN
        oldest, newest = spans.get(span, (time, time))
        spans[span] = min(oldest, time), max(newest, time)
    if spans:
        connection.execute(
            _SPAN, [{"span": each, "oldest": old, "newest": new} for each, (old, new) in spans.items()]
        )
