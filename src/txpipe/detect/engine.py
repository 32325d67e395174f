"""Runs the rules over records: one alert for one rule, transaction and subject."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from txpipe.detect.finding import Finding, Rule, alert
from txpipe.detect.rules.listed import Listed
from txpipe.detect.rules.mention import Mention
from txpipe.detect.screener import Screener
from txpipe.record import SEVERITIES, alert_id, check, dumps, loads

REMEMBERED = 100_000
"""Alert ids kept to say each thing once; a movement that repeats an older one is said again."""

MOST_FOLLOWING = 10_000
"""Records that a transaction is waited for, whatever its first one announces."""

_LOOKED_AT = frozenset({"transfer", "call", "approval"})


@dataclass(frozen=True, slots=True)
class _Case:
    """A finding and the record that gave it."""

    finding: Finding
    record: dict[str, Any]
    line: bytes

    def tells_more_than(self, other: _Case) -> bool:
        """Prefer the graver finding, and at equal gravity a movement over the call it belongs to."""
        mine, its = (SEVERITIES.index(case.finding.severity) for case in (self, other))
        return mine > its or (mine == its and other.record["type"] == "call" != self.record["type"])


@dataclass(slots=True)
class _Transaction:
    """A transaction whose further records are announced: its findings wait for the one that says it best."""

    chain: str
    tx: str
    left: int
    cases: dict[tuple[str, str], _Case] = field(default_factory=dict)

    def add(self, case: _Case) -> None:
        name = (case.finding.rule, case.finding.subject)
        if name not in self.cases or case.tells_more_than(self.cases[name]):
            self.cases[name] = case

    def verdict(self) -> Iterator[_Case]:
        """Yield one case for each rule and subject; a mention only if no movement names its subject."""
        for (rule, subject), case in self.cases.items():
            if rule != Mention.ID or (Listed.ID, subject) not in self.cases:
                yield case


class Engine:
    """Feeds lines of records to rules and yields alerts as lines.

    What it yields depends on the lines and settings only, never on how the input was cut into chunks.

    Attributes:
        alerts: alerts yielded so far.
    """

    def __init__(self, rules: Sequence[Rule], screener: Screener) -> None:
        self._rules = tuple(rules)
        self._screener = screener
        self._recent: OrderedDict[str, tuple[int, bool]] = OrderedDict()
        self._open: _Transaction | None = None
        self.alerts = 0

    @property
    def waiting(self) -> bool:
        """Whether the next record matters even if no list names anyone in it."""
        return self._open is not None

    def feed(self, line: bytes) -> Iterator[bytes]:
        """Take one line; yield its alerts, and those of earlier records that waited for it.

        Raises:
            RecordFault: the line is no valid record; it had no effect.
        """
        record = check(loads(line))
        if self._open is not None and not self._continues(record):
            yield from self.end()
        if record["type"] in _LOOKED_AT:
            for case in self._cases(record, line.strip()):
                if self._open is None and record.get("follows", 0) > 0:
                    left = min(record["follows"], MOST_FOLLOWING)
                    self._open = _Transaction(record["chain"], record["tx"], left)
                if self._open is None:
                    yield from self._say(case)
                else:
                    self._open.add(case)
        if self._open is not None and self._open.left <= 0:
            yield from self.end()

    def end(self) -> Iterator[bytes]:
        """Yield what still waits: the transaction has no more records, or the input has none."""
        transaction, self._open = self._open, None
        if transaction is not None:
            for case in transaction.verdict():
                yield from self._say(case)

    def _continues(self, record: dict[str, Any]) -> bool:
        if self._open is None or (record.get("chain"), record.get("tx")) != (self._open.chain, self._open.tx):
            return False
        self._open.left -= 1
        return True

    def _cases(self, record: dict[str, Any], line: bytes) -> Iterator[_Case]:
        for rule in self._rules:
            for finding in rule.find(record, self._screener):
                yield _Case(finding, record, line)

    def _say(self, case: _Case) -> Iterator[bytes]:
        """Yield the alert unless it was said; a pending one that is mined is said again as an update."""
        finding, record = case.finding, case.record
        name = alert_id(finding.rule, record["chain"], record["tx"], finding.subject)
        pending = record["block"] is None
        known = self._recent.get(name)
        if known is not None and (pending or not known[1]):
            return
        rev = 0 if known is None else known[0] + 1
        self._recent[name] = (rev, pending)
        if len(self._recent) > REMEMBERED:
            self._recent.popitem(last=False)
        self.alerts += 1
        yield dumps(alert(name, finding, record, case.line, rev))
