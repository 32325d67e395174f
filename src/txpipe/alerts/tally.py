"""Counts of what came in and what was let through."""

from __future__ import annotations

from collections import Counter

from txpipe.alerts.intake import Item
from txpipe.record import SEVERITIES
from txpipe.stream import BadLines
from txpipe.visible import clipped

_KEPT = 1000 - len(SEVERITIES)
"""Pairs of severity and rule that are told apart: made-up rules must not fill the memory. With the others,
one a severity, they are as many as metrics show."""
_RULES_SHOWN = 20
_RECORDS = frozenset(("transfer", "call", "approval", "block"))
_OTHER = "other rules"


class Tally:
    """Counts alerts on their way in and out.

    Attributes:
        seen: alerts that came in.
        records: transfers, calls, approvals and blocks that came in; the first is told.
        passed: alerts that were let through.
        retracted: those of them that take one back.
        bad: reports bad lines, and counts them.
    """

    def __init__(self, bad: BadLines) -> None:
        self.seen = 0
        self.records = 0
        self.bad = bad
        self.retracted = 0
        self._passed: dict[tuple[str, str], int] = {}

    @property
    def passed(self) -> int:
        """Alerts let through so far."""
        return sum(self._passed.values())

    @property
    def by_rule(self) -> dict[tuple[str, str], int]:
        """The same by severity and rule."""
        return self._passed.copy()

    def incoming(self, items: list[Item]) -> None:
        """Count alerts before selection."""
        for kind, count in Counter([record["type"] for _, record in items]).items():
            if kind == "alert":
                self.seen += count
            elif kind in _RECORDS:
                if not self.records:
                    self.bad.say("these are records, not alerts; txdetect makes alerts of them")
                self.records += count

    def outgoing(self, items: list[Item]) -> None:
        """Count alerts after selection."""
        alerts = [record for _, record in items if record["type"] == "alert"]
        found = Counter([(alert["severity"], alert["rule"], alert["status"]) for alert in alerts])
        for (severity, rule, status), count in found.items():
            key = (severity, rule)
            if key not in self._passed and len(self._passed) >= _KEPT:
                key = (severity, _OTHER)
            self._passed[key] = self._passed.get(key, 0) + count
            if status == "retracted":
                self.retracted += count

    def summary(self) -> str:
        """Return one line for people: how many, by severity and by rule, and how many bad lines."""
        by_severity: Counter[str] = Counter()
        by_rule: Counter[str] = Counter()
        for (severity, rule), count in self._passed.items():
            by_severity[severity] += count
            by_rule[rule] += count
        parts = [f"{self.passed:,} of {self.seen:,} alert{'s' * (self.seen != 1)} let through"]
        if by_severity:
            words = (f"{by_severity[word]:,} {word}" for word in reversed(SEVERITIES) if by_severity[word])
            parts = [f"{parts[0]}: {', '.join(words)}", f"by rule: {_ranked(by_rule)}"]
        if self.retracted:
            parts.append(f"{self.retracted:,} retracted")
        if self.records:
            parts.append(f"{self.records:,} record{'s' * (self.records > 1)} instead of alerts")
        if self.bad.count:
            parts.append(f"{self.bad.count:,} bad line{'s' * (self.bad.count > 1)}")
        return "; ".join(parts)


def _ranked(by_rule: Counter[str]) -> str:
    ranked = sorted(by_rule.items(), key=lambda pair: (-pair[1], pair[0]))
    words = [f"{clipped(rule, 40)} {count:,}" for rule, count in ranked[:_RULES_SHOWN]]
    rest = len(ranked) - _RULES_SHOWN
    return ", ".join([*words, f"and {rest:,} more"] if rest > 0 else words)
