"""Questions to the store: alerts by what they are, newest arrival first, a page at a time."""

from __future__ import annotations

import functools
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import sqlalchemy as sa

from txpipe.address import canonical
from txpipe.dashboard import rows, tables
from txpipe.dashboard.walk import Asked, Walk

MOST = 500
"""Alerts of a page at most."""


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
        alerts: in that order; few or none where alerts that pass are rare among those that were looked at.
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


LOOK_S = 0.1
"""Seconds after which a page ends, full or not; what follows goes on from there."""


def page(
    connection: sa.Connection,
    wanted: Filter,
    before: int | None = None,
    limit: int = 50,
    look_s: float = LOOK_S,
) -> Page:
    """Return the newest alerts that pass a filter.

    Args:
        connection: reads the store.
        wanted: the filter.
        before: only those that arrived before the one of this number.
        limit: 1 to MOST.
        look_s: seconds to look for them.
    """
    limit = min(max(limit, 1), MOST)
    walk = Walk(connection, _asked(wanted))
    found: list[Stored] = []
    began = time.monotonic()
    while True:
        numbers, before = walk.stretch(before, limit + 1 - len(found))
        found += _read(connection, numbers, limit + 1 - len(found))
        if len(found) > limit:
            return Page(found[:limit], found[limit - 1].num)
        if before is None or time.monotonic() - began >= look_s:
            return Page(found, before)


def _read(
    connection: sa.Connection, numbers: sa.Select[Any] | sa.CompoundSelect[Any], limit: int
) -> list[Stored]:
    table = tables.alerts
    query = sa.select(*_STORED).select_from(_WITH_LINES).where(table.c.num.in_(numbers))
    return [Stored(*each) for each in connection.execute(query.order_by(table.c.num.desc()).limit(limit))]


def one(connection: sa.Connection, alert_id: str) -> Stored | None:
    """Return an alert by its id."""
    query = sa.select(*_STORED).select_from(_WITH_LINES).where(tables.alerts.c.id == alert_id)
    found = connection.execute(query).first()
    return None if found is None else Stored(*found)


def _asked(wanted: Filter) -> Asked:
    columns = tables.alerts.c
    named = (
        (columns.subject, canonical(wanted.subject)),
        (columns.tx, wanted.tx),
        (columns.incident, wanted.incident),
    )
    given = [
        (columns.severity, wanted.severities),
        (columns.rule, wanted.rules),
        (columns.chain, wanted.chains),
        (columns.status, wanted.statuses),
        (columns.triage, wanted.triage),
        (columns.category, wanted.categories),
        *((column, [value]) for column, value in named if value),
    ]
    words = dict.fromkeys(rows.sought(wanted.text), True) | dict.fromkeys(
        rows.words(canonical(wanted.address)), False
    )
    return Asked(
        choices=[(column, [*dict.fromkeys(map(rows.name, values))]) for column, values in given if values],
        words=list((words | dict.fromkeys(rows.handles(wanted.tx), False)).items()),
        handles=[(word, False) for _, value in named for word in rows.handles(value)],
        since=wanted.since,
        until=wanted.until,
        shadow=wanted.shadow,
    )
