"""Who gets an alert: routes are asked in order, and the first that it meets takes it, unless that goes on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from txpipe.address import canonical
from txpipe.alerts.facts import text
from txpipe.record import SEVERITIES, Severity
from txpipe.visible import clipped

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_MINUTES = 24 * 60
_ANSWERS = 1000
"""Sets of routes of which the receivers are remembered."""


@dataclass(frozen=True, slots=True)
class Window:
    """Hours of days, by the clock on a wall.

    Attributes:
        days: 0 is Monday; a window over midnight belongs to the day on which it begins.
        begin: minutes since midnight.
        end: minutes since midnight, not included; before ``begin`` it is over midnight.
        zone: whose wall.
    """

    days: frozenset[int] = frozenset(range(7))
    begin: int = 0
    end: int = _DAY_MINUTES
    zone: dt.tzinfo = dt.UTC

    def holds(self, now: float) -> bool:
        """Say whether a time, in Unix seconds, is within."""
        local = dt.datetime.fromtimestamp(now, self.zone)
        minute, day = local.hour * 60 + local.minute, local.weekday()
        if self.begin < self.end:
            return self.begin <= minute < self.end and day in self.days
        if minute >= self.begin:
            return day in self.days
        return minute < self.end and (day - 1) % 7 in self.days


@dataclass(frozen=True, slots=True)
class Route:
    """Conditions, all of which an alert must meet, and whom it goes to then; an empty set is no condition.

    Attributes:
        name: for people.
        to: names of receivers.
        severity: the lowest; "" is any.
        rules: ids.
        chains: CAIP-2 names.
        subjects: addresses, in any spelling.
        categories: as in the alert.
        usd: the least worth of the alert's record; one whose worth is not known does not meet it.
        window: when it holds; None is always.
        goes_on: ask the routes that follow, too.
    """

    name: str
    to: tuple[str, ...]
    severity: Severity | Literal[""] = ""
    rules: frozenset[str] = frozenset()
    chains: frozenset[str] = frozenset()
    subjects: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    usd: float | None = None
    window: Window | None = None
    goes_on: bool = False
    _wanted: tuple[tuple[str, frozenset[str]], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Spell subjects as alerts do: people paste addresses with the capitals of a checksum (EIP-55)."""
        object.__setattr__(self, "subjects", frozenset(map(canonical, self.subjects)))
        severities = SEVERITIES[SEVERITIES.index(self.severity) :] if self.severity else ()
        wanted = (("severity", frozenset(severities)), *self._named())
        object.__setattr__(self, "_wanted", tuple((key, values) for key, values in wanted if values))

    def meets(self, alert: dict[str, Any], now: float) -> bool:
        """Say whether an alert meets all conditions, as ``why_not`` does in words, but fast."""
        for key, values in self._wanted:
            if alert[key] not in values:
                return False
        if self.usd is not None:
            worth = alert["record"].get("usd")
            if not (type(worth) in (int, float) and worth >= self.usd):
                return False
        return self.window is None or self.window.holds(now)

    @property
    def has_conditions(self) -> bool:
        """Whether there is anything that an alert must meet."""
        return bool(self._wanted) or self.usd is not None or self.window is not None

    def _named(self) -> tuple[tuple[str, frozenset[str]], ...]:
        """Return the conditions on texts, by key of the alert."""
        return (
            ("rule", self.rules),
            ("chain", self.chains),
            ("subject", self.subjects),
            ("category", self.categories),
        )

    def why_not(self, alert: dict[str, Any], now: float) -> str:
        """Return the first condition that an alert does not meet, in words; "" if it meets all.

        Args:
            alert: checked.
            now: wall time, Unix seconds.
        """
        if self.severity and SEVERITIES.index(alert["severity"]) < SEVERITIES.index(self.severity):
            return f"severity {alert['severity']} is below {self.severity}"
        for key, wanted in self._named():
            if wanted and alert[key] not in wanted:
                return f"{key} {clipped(text(alert[key]), 128)} is not among its"
        worth = alert["record"].get("usd")
        if self.usd is not None and not (type(worth) in (int, float) and worth >= self.usd):
            known = (
                f"{worth:,.2f} USD is less than" if type(worth) in (int, float) else "no worth is known, for"
            )
            return f"{known} {self.usd:,.2f} USD"
        if self.window is not None and not self.window.holds(now):
            return "it is outside its hours"
        return ""


class Routes:
    """Routes in their order.

    Attributes:
        routes: in the order in which they are asked.
        unmet: alerts that no route has taken.
    """

    def __init__(self, routes: Sequence[Route], always: Sequence[str], now: Callable[[], float]) -> None:
        """Take routes.

        Args:
            routes: in the order in which they are asked.
            always: receivers that get every alert.
            now: wall time, Unix seconds.
        """
        self.routes = routes
        self.unmet = 0
        self._always = tuple(always)
        self._now = now
        self._answers: dict[int, tuple[str, ...]] = {}
        self._asked = [(1 << number, route.has_conditions, route) for number, route in enumerate(routes)]

    def receivers(self, alert: dict[str, Any]) -> tuple[str, ...]:
        """Return who gets an alert, each once; alerts that no route takes are counted."""
        now = self._now()
        met = 0  # a bit a route
        for bit, has_conditions, route in self._asked:
            if not has_conditions or route.meets(alert, now):
                met |= bit
                if not route.goes_on:
                    break
        if not met and alert["status"] == "open" and alert["rev"] == 0:  # others follow one
            self.unmet += 1
        found = self._answers.get(met)
        return self._answer(met) if found is None else found

    def _answer(self, met: int) -> tuple[str, ...]:
        """Return the receivers of some routes, and remember them."""
        to = [name for number, route in enumerate(self.routes) if met >> number & 1 for name in route.to]
        if len(self._answers) >= _ANSWERS:
            self._answers.clear()
        return self._answers.setdefault(met, tuple(dict.fromkeys([*self._always, *to])))

    def asked(self, alert: dict[str, Any], now: float) -> Iterator[tuple[Route, str]]:
        """Yield every route that is asked, and why it does not take the alert, "" where it does."""
        for route in self.routes:
            why_not = route.why_not(alert, now)
            yield route, why_not
            if not why_not and not route.goes_on:
                return
