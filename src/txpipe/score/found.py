"""What alerts say in the end: of every id the last revision, without what was taken back."""

from __future__ import annotations

from typing import Any, NamedTuple

from txpipe.record import SEVERITIES
from txpipe.score.truth import Key

RANKS: dict[str, int] = {word: rank for rank, word in enumerate(SEVERITIES)}
"""Severities as numbers that compare."""


class Alert(NamedTuple):
    """One revision; the greatest is the last, and of two that claim to be it always the same one."""

    rev: int
    retracted: bool
    severity: int
    score: int
    shadow: bool
    rule: str
    key: Key


class Hit:
    """What alerts say of one transaction.

    Attributes:
        since: event seconds of the first of them.
        rules: whose alerts they are.
    """

    __slots__ = ("rules", "since")

    def __init__(self, since: int) -> None:
        self.since = since
        self.rules: set[str] = set()


class Found:
    """Every alert of a stream, whatever their order and however often each came.

    Attributes:
        lines: alerts that came in, all revisions.
    """

    def __init__(self, min_severity: str, *, shadow: bool = False) -> None:
        """Take the severity from which on an alert is a detection, and whether rules on trial count."""
        self.lines = 0
        self._enough = RANKS[min_severity]
        self._with_shadow = shadow
        self._last: dict[str, Alert] = {}
        self._since: dict[str, int] = {}

    def add(self, record: dict[str, Any]) -> None:
        """Take a checked alert."""
        self.lines += 1
        name = record["id"]
        alert = Alert(
            record["rev"],
            record["status"] == "retracted",
            RANKS[record["severity"]],
            record["score"],
            record.get("shadow", False),
            record["rule"],
            (record["chain"], record["tx"]),
        )
        self._last[name] = max(alert, self._last.get(name, alert))
        # An alert that grows was there before it grew: it is as old as its first revision that would count.
        if alert.severity >= self._enough and not alert.retracted:
            self._since[name] = min(record["time"], self._since.get(name, record["time"]))

    def counted(self) -> list[Alert]:
        """Return the alerts that stand."""
        return [alert for alert in self._last.values() if self._counts(alert)]

    def left_out(self) -> dict[str, int]:
        """Return how many ids do not count, by reason."""
        retracted = sum(alert.retracted for alert in self._last.values())
        return {"retracted": retracted, "shadow": len(self._last) - retracted - len(self.counted())}

    def hits(self) -> dict[Key, Hit]:
        """Return, of every transaction that an alert of enough severity names, who said so and when."""
        hits: dict[Key, Hit] = {}
        for name, alert in self._last.items():
            if self._counts(alert) and alert.severity >= self._enough:
                since = self._since[name]
                hit = hits.setdefault(alert.key, Hit(since))
                hit.since = min(hit.since, since)
                hit.rules.add(alert.rule)
        return hits

    def _counts(self, alert: Alert) -> bool:
        return not alert.retracted and (self._with_shadow or not alert.shadow)
