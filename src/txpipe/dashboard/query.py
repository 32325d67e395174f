"""Questions to the store: alerts by what they are, newest arrival first, a page at a time."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSQUERY

from txpipe.address import canonical
from txpipe.dashboard import rows, tables

MOST = 500
"""Alerts of a page at most."""

_WORDS = sa.table("alerts_words", sa.column("rowid"), sa.column("alerts_words"))
"""SQLite's index of words."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which alerts are wanted; what is empty does not matter, several values of one kind mean any of them.

    Attributes:
        severities: of these.
        rules: of these.
        chains: CAIP-2 names.
        statuses: open, updated, retracted.
        triage: open, acknowledged, false_positive, resolved.
        categories: of these.
        subject: the address that the alert is about.
        tx: a transaction's hash.
        address: an address anywhere in it: subject, parties, inputs, evidence.
        incident: an incident's id.
        text: words, all of which it holds, each at least as a beginning.
        since: Unix seconds; blocks of then or later.
        until: Unix seconds; blocks before then.
        shadow: alerts of rules on trial; None for those and others.
    """

    severities: Sequence[str] = ()
    rules: Sequence[str] = ()
    chains: Sequence[str] = ()
    statuses: Sequence[str] = ()
    triage: Sequence[str] = ()
    categories: Sequence[str] = ()
    subject: str = ""
    tx: str = ""
    address: str = ""
    incident: str = ""
    text: str = ""
    since: int | None = None
    until: int | None = None
    shadow: bool | None = None


@dataclass(frozen=True)
class Stored:
    """An alert as the store has it.

    Attributes:
        num: place in the order of first arrival; newer ones have larger numbers.
        seq: place of its last revision in the order of all arrivals.
        received: Unix seconds of its first arrival.
        changed: Unix seconds of its last revision.
        triage: open, acknowledged, false_positive or resolved.
        triaged_by: who said so; empty while it is open.
        triaged_at: Unix seconds of that; None while it is open.
        line: the last revision, byte for byte as it came.
    """

    num: int
    seq: int
    received: float
    changed: float
    triage: str
    triaged_by: str
    triaged_at: float | None
    line: bytes = field(repr=False)

    @functools.cached_property
    def alert(self) -> dict[str, Any]:
        """The alert itself, parsed."""
        found: dict[str, Any] = orjson.loads(self.line)
        return found


@dataclass(frozen=True, slots=True)
class Page:
    """Some alerts, newest arrival first.

    Attributes:
        alerts: in that order.
        next: what to give as ``before`` for the page that follows; None on the last one.
    """

    alerts: list[Stored]
    next: int | None


_STORED = (
    tables.alerts.c.num,
    tables.alerts.c.seq,
    tables.alerts.c.received,
    tables.alerts.c.changed,
    tables.alerts.c.triage,
    tables.alerts.c.triaged_by,
    tables.alerts.c.triaged_at,
    tables.revisions.c.line,
)
_WITH_LINES = tables.alerts.join(tables.revisions, tables.revisions.c.seq == tables.alerts.c.seq)


def page(connection: sa.Connection, wanted: Filter, before: int | None = None, limit: int = 50) -> Page:
    """Return the newest alerts that pass a filter.

    Args:
        connection: reads the store.
        wanted: the filter.
        before: only those that arrived before the one of this number.
        limit: 1 to MOST.
    """
    limit = min(max(limit, 1), MOST)
    if connection.dialect.name == "sqlite" or not _words(wanted):
        found = _read(connection, _numbers(connection, wanted, before, limit + 1), limit + 1)
    else:
        found = _found_by_words(connection, wanted, before, limit + 1)
    more = len(found) > limit
    return Page(found[:limit], found[limit - 1].num if more else None)


_RECENT = 20_000


def _found_by_words(
    connection: sa.Connection, wanted: Filter, before: int | None, limit: int
) -> list[Stored]:
    """Ask PostgreSQL for words, among the last alerts first.

    Its index of words has no order. A frequent word fills the page out of the last alerts; only a rare one,
    of which there is little to sort, goes through the index. Left to itself the planner reads whole tables.
    """
    table = tables.alerts
    last = before or (connection.execute(sa.select(sa.func.max(table.c.num))).scalar() or 0) + 1
    recent = _numbers(connection, wanted, before, limit, table.c.num >= last - _RECENT)
    found = _read(connection, recent, limit)
    if len(found) >= limit:
        return found
    having = sa.select(table.c.num).where(_matching(_words(wanted)))
    words = having.cte("having").prefix_with("MATERIALIZED")
    plain = replace(wanted, text="", address="")
    among = table.c.num.in_(sa.select(words.c.num))
    return _read(connection, _numbers(connection, plain, before, limit, among), limit)


def _matching(words: list[tuple[str, bool]]) -> sa.ColumnElement[bool]:
    sought = sa.cast(" & ".join(f"'{word}'{':*' * begins}" for word, begins in words), TSQUERY)
    return sa.literal_column("alerts.words").op("@@", is_comparison=True)(sought)


def _read(connection: sa.Connection, numbers: _Numbers, limit: int) -> list[Stored]:
    table = tables.alerts
    query = sa.select(*_STORED).select_from(_WITH_LINES).where(table.c.num.in_(numbers))
    return [Stored(*each) for each in connection.execute(query.order_by(table.c.num.desc()).limit(limit))]


def one(connection: sa.Connection, alert_id: str) -> Stored | None:
    """Return an alert by its id."""
    query = sa.select(*_STORED).select_from(_WITH_LINES).where(tables.alerts.c.id == alert_id)
    found = connection.execute(query).first()
    return None if found is None else Stored(*found)


def counts(connection: sa.Connection, column: str) -> dict[str, int]:
    """Return how many alerts have which severity, rule, chain, status or triage."""
    by = tables.alerts.c[column]
    query = sa.select(by, sa.func.count()).group_by(by).order_by(sa.func.count().desc(), by)
    return {row[0]: row[1] for row in connection.execute(query)}


_Numbers = sa.Select[Any] | sa.CompoundSelect[Any]


def _numbers(
    connection: sa.Connection, wanted: Filter, before: int | None, limit: int, *more: sa.ColumnElement[bool]
) -> _Numbers:
    """Return the query for the numbers of a page.

    An index of (column, number) yields one value's numbers in order, and reading stops at the page's end. For
    several values it would yield, and sort, all that there are; so each value is read by itself.
    """
    choices = _choices(wanted)
    apart = min((each for each in choices if len(each[1]) > 1), key=lambda each: len(each[1]), default=None)
    shared = [each for each in choices if each is not apart]
    ways = [(apart[0], [value]) for value in apart[1]] if apart else [None]
    queries = [_one_way(connection, wanted, [*shared, *([way] if way else [])]) for way in ways]
    found = []
    for query, number in queries:
        cut = query.where(*more) if before is None else query.where(*more, number < before)
        found.append(cut.order_by(number.desc()).limit(limit))
    if len(found) == 1:
        return sa.select(found[0].subquery().c.num)
    return sa.union_all(*(sa.select(each.subquery().c.num) for each in found))


_Choice = tuple[sa.Column[str], list[str]]


def _one_way(
    connection: sa.Connection, wanted: Filter, choices: list[_Choice]
) -> tuple[sa.Select[Any], sa.ColumnElement[int]]:
    """Return the query for numbers without order and limit, and the number that it is to be ordered by."""
    table = tables.alerts
    is_sqlite = connection.dialect.name == "sqlite"
    words = _words(wanted)
    number: sa.ColumnElement[int] = table.c.num
    query = sa.select(table.c.num)
    if words and is_sqlite:  # whose index of words yields its own numbers in order
        number = _WORDS.c.rowid
        matched = _WORDS.c.alerts_words.op("MATCH")(" AND ".join(_sqlite_word(*word) for word in words))
        query = query.select_from(_WORDS.join(table, table.c.num == number)).where(matched)
    elif words:
        query = query.where(_matching(words))
    for column, values in choices:
        if len(values) == 1:
            query = query.where(column == values[0])
        else:
            tested = column.op("||")("") if is_sqlite else column  # no index: it would not be in order
            query = query.where(tested.in_(values))
    if wanted.shadow is not None:
        query = query.where(table.c.shadow == wanted.shadow)
    return _in_time(query, wanted), number


def _choices(wanted: Filter) -> list[_Choice]:
    columns = tables.alerts.c
    given = [
        (columns.severity, wanted.severities),
        (columns.rule, wanted.rules),
        (columns.chain, wanted.chains),
        (columns.status, wanted.statuses),
        (columns.triage, wanted.triage),
        (columns.category, wanted.categories),
        (columns.subject, [canonical(wanted.subject)] if wanted.subject else ()),
        (columns.tx, [wanted.tx] if wanted.tx else ()),
        (columns.incident, [wanted.incident] if wanted.incident else ()),
    ]
    return [(column, [rows.name(value) for value in values]) for column, values in given if values]


def _in_time(query: sa.Select[Any], wanted: Filter) -> sa.Select[Any]:
    """Narrow down to blocks of a time, and first to the numbers that these have.

    Numbers follow time closely; without the bounds a day long ago would be found by reading all since.
    """
    if wanted.since is None and wanted.until is None:
        return query
    table = tables.alerts
    other = table.alias("in_time")
    within = sa.select(other.c.num)
    for limit, test in ((wanted.since, operator.ge), (wanted.until, operator.lt)):
        if limit is not None:
            query = query.where(test(table.c.time, limit))
            within = within.where(test(other.c.time, limit))
    found = within.offset(0).subquery()  # a fence: PostgreSQL would walk along the numbers instead
    return query.where(
        table.c.num >= sa.select(sa.func.min(found.c.num)).scalar_subquery(),
        table.c.num <= sa.select(sa.func.max(found.c.num)).scalar_subquery(),
    )


def _words(wanted: Filter) -> list[tuple[str, bool]]:
    """Return the words that must be found, and of each whether a beginning is enough."""
    found = dict.fromkeys(rows.sought(wanted.text), True)
    for whole in (canonical(wanted.address), wanted.tx):
        found |= dict.fromkeys(rows.words(whole), False)
    return list(found.items())


def _sqlite_word(word: str, begins: bool) -> str:  # noqa: FBT001 - of a pair
    return f'"{word}"{"*" * begins}'
