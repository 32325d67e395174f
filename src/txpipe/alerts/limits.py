"""Limits by key: so many alerts about one thing in a while, in the senses of Suricata's ``threshold``.

https://docs.suricata.io/en/latest/rules/thresholding.html. What is held back is counted and told as a digest.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from txpipe.alerts.database import Database
from txpipe.alerts.facts import text
from txpipe.alerts.kin import brief
from txpipe.alerts.routes import Route
from txpipe.record import SEVERITIES, Severity

Kind = Literal["limit", "threshold", "both"]
KINDS: tuple[Kind, ...] = ("limit", "threshold", "both")

UP_TO: Severity = "high"
"""The gravest alerts that are held back, unless a limit says otherwise."""

_KEPT = 100_000
"""Windows that are remembered; of more, those used the longest ago are forgotten, and more is told."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How many alerts of one key a receiver gets in a window.

    Attributes:
        about: conditions that an alert must meet, and the limit's name.
        kind: ``limit`` lets the first ``count`` of a window through, ``threshold`` every ``count``-th,
            ``both`` the ``count``-th only.
        count: see there; at least 1.
        for_s: seconds of a window, which begins with its first alert, as the alerts tell time.
        track: keys of an alert, counted apart by their values; chains are always counted apart, for time is
            in order within a chain only.
        up_to: the highest severity that is held back.
        to: names of receivers that it holds for; empty is all.
    """

    about: Route
    kind: Kind
    count: int
    for_s: float
    track: tuple[str, ...] = ()
    up_to: Severity = UP_TO
    to: frozenset[str] = frozenset()

    def concerns(self, alert: dict[str, Any], now: float) -> bool:
        """Say whether an alert is counted; ``now`` is wall time, for conditions on hours."""
        is_graver = SEVERITIES.index(alert["severity"]) > SEVERITIES.index(self.up_to)
        return not is_graver and self.about.meets(alert, now)

    def lets_through(self, number: int) -> bool:
        """Say whether the alert of this number in its window, from 1 on, goes through."""
        if self.kind == "limit":
            return number <= self.count
        return number % self.count == 0 if self.kind == "threshold" else number == self.count


class Limiter:
    """Counts alerts; its windows are in memory, and written to the spool by ``save``."""

    def __init__(self, limits: Sequence[Limit], database: Database, kept: int = _KEPT) -> None:
        """Take limits and what is known of their windows.

        Args:
            limits: asked in this order; what one holds back the next ones do not count.
            database: of the spool.
            kept: windows that are remembered at most.
        """
        self._limits = limits
        self._kept = kept
        self._changed: set[str] = set()
        self._gone: set[str] = set()
        with database.reading() as db:
            rows = db.execute(_LOAD).fetchall()
        self._windows: OrderedDict[str, tuple[float, int]] = OrderedDict(
            (name, (begins, number)) for name, begins, number in rows
        )

    def holding(self, alert: dict[str, Any], receiver: str, now: float) -> Limit | None:
        """Count an alert on its way to a receiver; return the limit that holds it back, None if none does.

        Args:
            alert: checked.
            receiver: its name.
            now: wall time, Unix seconds.
        """
        for limit in self._limits:
            if (limit.to and receiver not in limit.to) or not limit.concerns(alert, now):
                continue
            if not limit.lets_through(self._number(limit, alert, receiver)):
                return limit
        return None

    def save(self, db: sqlite3.Connection) -> None:
        """Write the windows that have changed since the last call."""
        db.executemany("DELETE FROM windows WHERE name = ?", [(name,) for name in self._gone])
        db.executemany(_SAVE, [(name, *self._windows[name]) for name in self._changed])
        self._changed, self._gone = set(), set()

    def _number(self, limit: Limit, alert: dict[str, Any], receiver: str) -> int:
        """Count an alert into its window; return its number there.

        A clock that runs back a little changes nothing; one that was set back by more than a window begins
        a new one, for else a single alert from the future would hold back all that follow.
        """
        parts = (limit.about.name, receiver, alert["chain"], *(text(alert.get(key)) for key in limit.track))
        name, time = brief("\x1f".join(parts)), float(alert["time"])
        begins, number = self._windows.pop(name, (time, 0))
        if abs(time - begins) >= limit.for_s:
            begins, number = time, 0
        self._windows[name] = (begins, number + 1)
        self._changed.add(name)
        self._gone.discard(name)
        if len(self._windows) > self._kept:
            oldest, _ = self._windows.popitem(last=False)
            self._changed.discard(oldest)
            self._gone.add(oldest)
        return number + 1


_LOAD = "SELECT name, begins, number FROM windows ORDER BY rowid"
_SAVE = "INSERT OR REPLACE INTO windows (name, begins, number) VALUES (?, ?, ?)"
