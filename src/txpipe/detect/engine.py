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
from txpipe.errors import RecordFault
from txpipe.record import SEVERITIES, alert_id, check, dumps, loads

REMEMBERED = 100_000
"""Alert ids kept to say each thing once; a movement that repeats an older one is said again."""

MOST_WAITED = 10_000
"""Lines of any kind for which a transaction's further records are waited for, whatever it announces."""

MOST_NESTED = 500
"""Brackets a record may have to go into its alert as it is; orjson reads 1,024 levels."""

_LISTS = frozenset({"inputs", "mentions"})
_LOOKED_AT = frozenset({"transfer", "call", "approval"})
_ENDS = _LOOKED_AT | {"block", "reorg"}
"""Types after which a transaction of the same chain has no more records, unless they belong to it."""

_RAW = "raw chain data, not a record; pipe it through txnorm first"
_ELSEWHERE = {
    "alert": "an alert, not a record; txalert reads alerts",
    "label": "a label, not a record",
    "transaction": _RAW,
    "log": _RAW,
    "token_transfer": _RAW,
    "receipt": _RAW,
    "trace": _RAW,
}
"""Types that end up here by mistake. Passing over them would look like "nothing found"."""


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


@dataclass(frozen=True, slots=True)
class _Said:
    """The last revision of an alert: its number, its severity's rank, whether its record was pending."""

    rev: int
    gravity: int
    pending: bool


@dataclass(slots=True)
class _Transaction:
    """A transaction whose further records are announced: its findings wait for the one that says it best."""

    tx: str
    left: int
    patience: int
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
        self._recent: OrderedDict[str, _Said] = OrderedDict()
        self._open: dict[str, _Transaction] = {}
        self.alerts = 0

    @property
    def silenced(self) -> int:
        """How often an allow-list won over a blocklist."""
        return self._screener.silenced

    @property
    def waiting(self) -> bool:
        """Whether the next record matters even if no list names anyone in it."""
        return bool(self._open)

    def feed(self, line: bytes) -> Iterator[bytes]:
        """Take one line; yield its alerts, and those of earlier records that waited for it.

        Raises:
            RecordFault: the line is no valid record; it had no effect.
        """
        yield from self._lose_patience()
        record = check(loads(line))
        kind = record["type"]
        if kind in _ELSEWHERE:
            raise RecordFault(_ELSEWHERE[kind])
        if kind not in _ENDS:
            return
        transaction = self._open.get(record["chain"])
        if transaction and (kind not in _LOOKED_AT or record["tx"] != transaction.tx):
            yield from self._close(record["chain"])
            transaction = None
        if kind in _LOOKED_AT:
            yield from self._judge(record, line.strip(), transaction)

    def end(self) -> Iterator[bytes]:
        """Yield what still waits: the input has no more records."""
        for chain in list(self._open):
            yield from self._close(chain)

    def _judge(
        self, record: dict[str, Any], line: bytes, transaction: _Transaction | None
    ) -> Iterator[bytes]:
        """Say a record's findings, or keep them while further records of its transaction are announced."""
        cases = list(self._cases(record, line))
        if transaction:
            transaction.left -= 1
        elif cases and record.get("follows", 0) > 0:
            transaction = _Transaction(record["tx"], record["follows"], MOST_WAITED)
            self._open[record["chain"]] = transaction
        for case in cases:
            if transaction:
                transaction.add(case)
            else:
                yield from self._say(case)
        if transaction and transaction.left <= 0:
            yield from self._close(record["chain"])

    def _lose_patience(self) -> Iterator[bytes]:
        for chain, transaction in list(self._open.items()):
            transaction.patience -= 1
            if transaction.patience < 0:
                yield from self._close(chain)

    def _close(self, chain: str) -> Iterator[bytes]:
        for case in self._open.pop(chain).verdict():
            yield from self._say(case)

    def _cases(self, record: dict[str, Any], line: bytes) -> Iterator[_Case]:
        for rule in self._rules:
            for finding in rule.find(record, self._screener):
                yield _Case(finding, record, line)

    def _say(self, case: _Case) -> Iterator[bytes]:
        """Yield the alert unless it was said; said again, as an update, when it is mined or graver now."""
        finding, record = case.finding, case.record
        name = alert_id(finding.rule, record["chain"], record["tx"], finding.subject)
        gravity = SEVERITIES.index(finding.severity)
        pending = record["block"] is None
        known = self._recent.get(name)
        if known is not None and gravity <= known.gravity and (pending or not known.pending):
            return
        rev = 0 if known is None else known.rev + 1
        self._recent[name] = _Said(rev, gravity, pending)
        if len(self._recent) > REMEMBERED:
            self._recent.popitem(last=False)
        self.alerts += 1
        yield dumps(alert(name, finding, record, _embeddable(case), rev))


def _embeddable(case: _Case) -> bytes:
    """Return the record as it came in, unless its nesting would make the alert unreadable."""
    if case.line.count(b"[") + case.line.count(b"{") <= MOST_NESTED:
        return case.line
    flat = {
        key: value
        for key, value in case.record.items()
        if key in _LISTS or not isinstance(value, (dict, list))
    }
    return dumps(flat).strip()
