"""The way to a page: along one index, newest first, a stretch at a time, however many alerts there are.

One thing that is asked for leads: the rarest value, by ``tallies``, or the words. Its index yields numbers in
order, and what else is asked for is held against each alert on the way. A stretch is so many numbers of the
leader's, so that no query reads more than that, and the time that was asked for is found by ``spans``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSQUERY

from txpipe.dashboard import bulk, tables, tally

STRETCH = 20_000
"""Alerts that one query looks at."""
_SAMPLE = 1_000
"""Alerts that tell whether a word is frequent."""

_WORDS = sa.table("alerts_words", sa.column("rowid"), sa.column("alerts_words"))
"""SQLite's index of words."""
_WORDS_OF_ALERTS = _WORDS.join(tables.alerts, tables.alerts.c.num == _WORDS.c.rowid)

_HELD = tables.alerts.c.search
_LEXEMES: sa.ColumnElement[Any] = sa.literal_column("alerts.words").label("words")
"""What PostgreSQL has of them, and its index."""

Choice = tuple[sa.Column[str], list[str]]
"""A column, and the values that are asked for, any of which will do."""
Words = list[tuple[str, bool]]
"""Words, all of which are asked for, and whether a beginning is enough."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for.

    Attributes:
        choices: values of columns.
        words: words.
        handles: of subject, transaction and incident: words that lead to them, too, where words lead.
        since: Unix seconds, or None.
        until: Unix seconds, or None; before then.
        shadow: of rules on trial, or not; None for both.
    """

    choices: list[Choice] = field(default_factory=list)
    words: Words = field(default_factory=list)
    handles: Words = field(default_factory=list)
    since: int | None = None
    until: int | None = None
    shadow: bool | None = None


class Walk:
    """The way through the alerts that are asked for."""

    def __init__(self, connection: sa.Connection, asked: Asked) -> None:
        """Find out what leads."""
        self._connection = connection
        self._asked = asked
        self._is_sqlite = bulk.is_sqlite(connection)
        self._number: sa.ColumnElement[int] = tables.alerts.c.num
        self._leader: Choice | None = None
        self._stretch = STRETCH
        self._is_short = False  # what leads are a few numbers: one stretch
        self._match = ""
        self._begun: Words = []
        self._instead = ""
        self._is_begun = False
        self._tests = self._narrowed()
        if self._is_sqlite:
            self._look_for_sqlite()
        else:
            self._leader = self._rarest()
            self._look_for_postgresql()
        leader = None if self._leader is None else self._leader[0]
        self._chosen = [self._test(*each) for each in asked.choices if each[0] is not leader]

    def stretch(
        self, before: int | None, limit: int
    ) -> tuple[sa.Select[Any] | sa.CompoundSelect[Any], int | None]:
        """Return the query for numbers of the next stretch, and where the one behind it begins.

        Args:
            before: only numbers below this one.
            limit: as many at most.

        Returns:
            None in its place: this is the last stretch.
        """
        if self._instead and self._is_begun:
            return self._by_words(before, limit)
        if self._begun and self._is_begun:
            self._begun = self._rare(self._begun)
            self._instead = _sqlite_match(self._begun)
            return self.stretch(before, limit)
        self._is_begun = True
        low = None
        if self._asked.since is not None or self._asked.until is not None:
            high, low = self._span(before)
            before = high if before is None else min(before, high)
        tests = self._tests + self._chosen
        if tests and not self._is_short:
            reached = self._reach(before)
            low = reached if low is None else max(low, reached or 0)
        ways = []
        for way in self._ways():
            query = way.where(*tests)
            ways.append(_cut(query, self._number, before, low).order_by(self._number.desc()).limit(limit))
        if len(ways) == 1:
            return sa.select(ways[0].subquery().c.num), low
        return sa.union_all(*(sa.select(each.subquery().c.num) for each in ways)), low

    def _ways(self) -> Iterator[sa.Select[Any]]:
        """Yield the leader's queries: an index has the numbers of one value in order, not of several."""
        query = sa.select(self._number.label("num"))
        if self._number is not tables.alerts.c.num:
            yield query.select_from(_WORDS_OF_ALERTS).where(_matching(self._match))
        elif self._leader is None:
            yield query
        else:
            column, values = self._leader
            for value in values:
                yield query.where(column == value, *_not_open(column))

    def _reach(self, before: int | None) -> int | None:
        """Return the number to which one stretch reaches; None if all that there is is less."""
        number = self._number
        if number is not tables.alerts.c.num:
            ways = [sa.select(number).select_from(_WORDS).where(_matching(self._match))]
        elif self._leader is not None:
            ways = list(self._ways())
        else:  # there are no gaps between the oldest and the newest
            oldest, newest = (
                self._connection.execute(sa.select(end(number))).scalar() or 0
                for end in (sa.func.min, sa.func.max)
            )
            low = (newest + 1 if before is None else before) - self._stretch
            return int(low) if low > oldest else None
        ways = [_cut(way, number, before, None).order_by(number.desc()) for way in ways]
        last = max(self._stretch // len(ways), 1) - 1
        found = [self._connection.execute(way.offset(last).limit(1)).scalar() for way in ways]
        return max((each for each in found if each is not None), default=None)

    def _by_words(self, before: int | None, limit: int) -> tuple[sa.Select[Any], int | None]:
        """Return the next stretch of what SQLite's index of words has, as ``stretch`` does."""
        number, num = _WORDS.c.rowid, tables.alerts.c.num
        query = sa.select(number).select_from(_WORDS).where(_matching(self._instead))
        query = _cut(query, number, before, None).order_by(number.desc()).limit(STRETCH)
        found = list(self._connection.execute(query).scalars())
        given = sa.func.json_each(orjson.dumps(found).decode()).table_valued("value")
        tests = [*self._tests, *(self._test(*each) for each in self._asked.choices)]
        numbers = sa.select(num).where(num.in_(sa.select(given.c.value)), *tests)
        low = found[-1] if len(found) == STRETCH else None
        return sa.select(numbers.order_by(num.desc()).limit(limit).subquery().c.num), low

    def _span(self, before: int | None) -> tuple[int, int | None]:
        """Return the numbers, from the second up to the first, among which the time that is asked for is.

        Numbers follow time, if loosely: a chain may be behind another, or be read once more.
        """
        asked, table = self._asked, tables.spans
        limits = [] if asked.since is None else [table.c.newest >= asked.since]
        limits += [] if asked.until is None else [table.c.oldest < asked.until]
        within = sa.and_(*limits)
        highest = sa.select(sa.func.max(table.c.span))
        below = sa.true() if before is None else table.c.span <= (before - 1) // tables.SPAN
        top = self._connection.execute(highest.where(below, within)).scalar()
        if top is None:
            return 0, None
        other = self._connection.execute(highest.where(table.c.span < top, sa.not_(within))).scalar()
        return (top + 1) * tables.SPAN, None if other is None else (other + 1) * tables.SPAN

    def _rarest(self) -> Choice | None:
        """Return the choice that the fewest alerts are of; None where that is most of them."""
        leader: Choice | None = None
        best = tally.total(self._connection) // 2
        for column, values in self._asked.choices:
            if (column.name in tables.NOT_OPEN and "open" in values) or column.name == "tx":
                continue
            if column.name in tables.COUNTED:
                held = tally.held(self._connection, column.name, values)
            elif self._is_sqlite:  # which has no other index of subjects and incidents than the words
                continue
            else:
                held = 0
            if held <= best:
                best, leader = held, (column, values)
        return leader

    def _look_for_sqlite(self) -> None:
        """Let whole words lead: SQLite's index has the numbers of each in order.

        Of a beginning it puts them into order anew each time, as many as there are. A frequent one is found
        among the next alerts without it; only one that is not is looked for there.
        """
        begun = [each for each in self._asked.words if each[1]]
        whole = [each for each in self._asked.words if not each[1]] + self._asked.handles
        if not all(word.isascii() for word, _ in begun):  # the index may cut other scripts at other places
            begun, whole = [], begun + whole
        if whole:
            self._number, self._match = _WORDS.c.rowid, _sqlite_match(whole)
        else:
            self._leader = self._rarest()
            self._begun = begun
        self._tests += [_begins(word) for word, _ in begun]

    def _look_for_postgresql(self) -> None:
        """Look for words in PostgreSQL, whose index of them has no order; it is asked where one is rare."""
        words = self._asked.words
        if not words:
            return
        matching = _has(_sought(words))
        if self._leader is None and self._rare(words):
            rare = sa.select(tables.alerts.c.num).where(matching).cte("having").prefix_with("MATERIALIZED")
            self._tests.append(tables.alerts.c.num.in_(sa.select(rare.c.num)))
            self._is_short = True
        else:  # the planner would take the index all the same
            self._tests.append(_has(_sought(words), sa.func.coalesce(_LEXEMES, sa.text("''"))))
            self._stretch = STRETCH // 4

    def _rare(self, words: Words) -> Words:
        """Return those that few of the last alerts have: all that an index of words is worth asking for."""
        last = sa.select(_HELD if self._is_sqlite else _LEXEMES).select_from(tables.alerts)
        sample = last.order_by(tables.alerts.c.num.desc()).limit(_SAMPLE).subquery()
        held = sample.c[0]
        tests = (
            _begins(word, held) if self._is_sqlite else _has(_sought([(word, begins)]), held)
            for word, begins in words
        )
        counts = [sa.func.sum(sa.cast(test, sa.Integer)) for test in tests]
        found = self._connection.execute(sa.select(*counts)).one()
        return [word for word, count in zip(words, found, strict=True) if (count or 0) < _SAMPLE // 50]

    def _test(self, column: sa.Column[str], values: list[str]) -> sa.ColumnElement[bool]:
        # No index of this column: the leader's is in order.
        tested = column.op("||")("") if self._is_sqlite else column
        return tested == values[0] if len(values) == 1 else tested.in_(values)

    def _narrowed(self) -> list[sa.ColumnElement[bool]]:
        columns, asked = tables.alerts.c, self._asked
        tests = [] if asked.shadow is None else [columns.shadow == asked.shadow]
        tests += [] if asked.since is None else [columns.time >= asked.since]
        return tests + ([] if asked.until is None else [columns.time < asked.until])


def _cut(
    query: sa.Select[Any], number: sa.ColumnElement[int], before: int | None, low: int | None
) -> sa.Select[Any]:
    if before is not None:
        query = query.where(number < before)
    return query if low is None else query.where(number >= low)


def _not_open(column: sa.Column[str]) -> list[sa.ColumnElement[bool]]:
    """Return what says, word for word, that a partial index has what is asked for."""
    return [column != sa.literal_column("'open'")] if column.name in tables.NOT_OPEN else []


def _begins(word: str, held: sa.ColumnElement[Any] = _HELD) -> sa.ColumnElement[bool]:
    """Return what holds for an alert that has a word with this beginning."""
    return sa.func.instr(sa.literal(" ").concat(held), f" {word}") > 0


def _sought(words: Words) -> str:
    return " & ".join(f"'{word}'{':*' * begins}" for word, begins in words)


def _has(sought: str, held: sa.ColumnElement[Any] = _LEXEMES) -> sa.ColumnElement[bool]:
    """Return what holds in PostgreSQL for an alert that has words."""
    return held.op("@@", is_comparison=True)(sa.cast(sought, TSQUERY))


def _sqlite_match(words: Words) -> str:
    return " AND ".join(f'"{word}"{"*" * begins}' for word, begins in words)


def _matching(match: str) -> sa.ColumnElement[bool]:
    return _WORDS.c.alerts_words.op("MATCH", is_comparison=True)(match)
