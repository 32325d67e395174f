"""What is said: each thing once, again when graver or mined, with its part in a risk and an incident."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any, NamedTuple

import orjson

from txpipe.detect.conduct import CHAINS_KEPT
from txpipe.detect.finding import SCORES, Finding, alert
from txpipe.detect.journal import BLOCKS_KEPT
from txpipe.detect.unsure import Unsure, is_open, line_of, revision
from txpipe.record import SEVERITIES, Severity, alert_id, dumps, loads

REMEMBERED = 100_000
"""Alert ids kept to say each thing once; a movement that repeats an older one is said again."""

INCIDENT_S = 7 * 86400
"""Seconds of silence about an account after which a new alert begins a new incident."""

LATELY_BYTES = 64 << 20
"""Bytes of alerts of the last blocks, of all chains together, that can be taken back; beyond, the oldest of
the chain at hand are let go."""

RISK_S = 30 * 86400
"""Seconds for which a rule's finding counts in an account's combined score."""

MOST_NESTED = 500
"""Brackets a record may have to go into its alert as it is; orjson reads 1,024 levels."""

MENTION = "mention"
"""Rule that rests on the same list entry as ``listed``: no sign of its own in a combined score."""

_LISTS = frozenset({"inputs", "mentions"})


@dataclass(frozen=True, slots=True)
class Case:
    """A finding and the record that gave it."""

    finding: Finding
    record: dict[str, Any]
    line: bytes

    def tells_more_than(self, other: Case) -> bool:
        """Prefer the graver finding, and at equal gravity a movement over the call it belongs to."""
        mine, its = (SEVERITIES.index(case.finding.severity) for case in (self, other))
        return mine > its or (mine == its and other.record["type"] == "call" != self.record["type"])


@dataclass(frozen=True, slots=True)
class _Said:
    """The last revision of an alert: its number, its severity's rank, whether its record was pending."""

    rev: int
    gravity: int
    pending: bool


_Account = tuple[str, str]
"""Chain and address."""

_Risk = dict[str, tuple[int, int]]
"""By rule: its score about an account, and when it was given."""


class _Lately(NamedTuple):
    """An alert of a block that may be dropped, and its account's risk before it."""

    height: int
    line: bytes
    subject: str
    risk: _Risk | None


class Voice:
    """Turns cases into alerts.

    Attributes:
        alerts: alerts said so far.
        counts: the same by rule and severity.
        unsure: what a run that was killed had said, and the saved state does not know.
    """

    def __init__(self, severities: Mapping[str, Severity] | None = None, *, combines: bool = True) -> None:
        """Take the severity of rules whose own somebody overrode, and whether findings are combined."""
        self._severities = severities or {}
        self._combines = combines
        self._recent: OrderedDict[str, _Said] = OrderedDict()
        self._lately: dict[str, deque[_Lately]] = {}
        self._lately_bytes = 0
        self._let_go: dict[str, int] = {}
        self._risks: OrderedDict[_Account, _Risk] = OrderedDict()
        self._incidents: OrderedDict[tuple[str, str], tuple[str, int]] = OrderedDict()
        self.alerts = 0
        self.counts: Counter[tuple[str, str]] = Counter()
        self.unsure = Unsure()

    def say(self, case: Case) -> Iterator[bytes]:
        """Yield the alert unless it was said; said again, as an update, when it is mined or graver now."""
        finding, record = case.finding, case.record
        if finding.rule in self._severities:
            severity = self._severities[finding.rule]
            finding = replace(finding, severity=severity, score=SCORES[severity])
        name = alert_id(finding.rule, record["chain"], record["tx"], finding.subject)
        gravity = SEVERITIES.index(finding.severity)
        pending = record["block"] is None
        known = self._recent.get(name)
        if known is not None and gravity <= known.gravity and (pending or not known.pending):
            return
        told = self.unsure.heard(record["chain"], name) if self.unsure else []
        rev = revision(told, 0 if known is None else known.rev + 1, opens=True)
        self._recent[name] = _Said(rev, gravity, pending)
        if len(self._recent) > REMEMBERED:
            self._recent.popitem(last=False)
        self.alerts += 1
        again = (known is not None and known.gravity < 0) or not all(map(is_open, told))
        account = (record["chain"], finding.subject)
        before = self._risks.get(account)
        finding, parts = self._combined(finding, account, record["time"])
        self.counts[finding.rule, finding.severity] += 1
        said = alert(name, finding, record, _embeddable(case), rev)
        if again:
            said["status"] = "open"
        said["incident"] = self._incident(finding, record, name)
        if len(parts) > 1:
            said["parts"] = parts
        line = dumps(said)
        if not pending:
            self._keep(record["chain"], _Lately(record["block"], line, finding.subject, before))
        yield line

    def is_open(self, name: str) -> bool:
        """Whether an alert was said and not taken back."""
        return name in self._recent and self._recent[name].gravity >= 0

    def settle(self, record: dict[str, Any]) -> Iterator[bytes]:
        """Say how it stands with alerts of blocks that are over, of which a killed run said otherwise."""
        height = -1 if record["block"] is None else record["block"] + (record["type"] == "block")
        for told in self.unsure.passed(record["chain"], height):
            last, name = told[-1], told[-1]["id"]
            opens = self.is_open(name)
            if all(is_open(one) == opens for one in told):
                continue
            said = last
            if is_open(last) != opens:
                rev = max(last["rev"], self._recent[name].rev if name in self._recent else 0) + 1
                said = last | {"status": "open" if opens else "retracted", "rev": rev}
            gravity = SEVERITIES.index(last["severity"]) if opens else -1
            self._recent[name] = _Said(said["rev"], gravity, pending=False)
            yield line_of(said)

    def has_let_go(self, chain: str, height: int) -> bool:
        """Whether there were too many alerts of a chain's blocks from a height on to take all back."""
        return self._let_go.get(chain, -1) >= height

    def retract(self, chain: str, height: int) -> Iterator[bytes]:
        """Take back what was said of a chain's blocks from a height on, each alert in its last revision."""
        kept = self._drop(chain)
        if self.has_let_go(chain, height):
            self._let_go[chain] = height - 1
        gone = {loads(one.line)["id"]: one.line for one in kept if one.height >= height}
        for one in reversed(kept):
            if one.height >= height:
                self._put((chain, one.subject), one.risk)
        if stays := [one for one in kept if one.height < height]:
            self._lately[chain] = deque(stays)
            self._lately_bytes += sum(len(one.line) for one in stays)
        for name, line in gone.items():
            said = loads(line)
            told = self.unsure.heard(chain, name) if self.unsure else []
            known = self._recent.get(name)
            rev = revision(told, (said["rev"] if known is None else known.rev) + 1, opens=False)
            self._recent[name] = _Said(rev, -1, pending=False)
            record = orjson.Fragment(dumps(said["record"]).strip())
            yield dumps(said | {"status": "retracted", "rev": rev, "record": record})

    def _drop(self, chain: str) -> deque[_Lately]:
        """Forget a chain's last alerts; returns them."""
        kept = self._lately.pop(chain, deque())
        self._lately_bytes -= sum(len(one.line) for one in kept)
        return kept

    def _keep(self, chain: str, one: _Lately) -> None:
        """Remember an alert as long as its block may be dropped."""
        kept = self._lately.get(chain)
        if kept is None:
            if len(self._lately) >= CHAINS_KEPT:
                self._drop(next(iter(self._lately)))
            kept = self._lately[chain] = deque()
        kept.append(one)
        self._lately_bytes += len(one.line)
        oldest = one.height - BLOCKS_KEPT
        while kept[0].height < oldest or (self._lately_bytes > LATELY_BYTES and len(kept) > 1):
            gone = kept.popleft()
            self._lately_bytes -= len(gone.line)
            self._let_go[chain] = max(gone.height, self._let_go.pop(chain, -1))
            if len(self._let_go) > CHAINS_KEPT:
                del self._let_go[next(iter(self._let_go))]

    def saved(self) -> list[tuple[Any, ...]]:
        """Return what was said and which incidents there are, as plain data."""
        said = [("said", name, one.rev, one.gravity, one.pending) for name, one in self._recent.items()]
        lately = [("lately", chain, [tuple(one) for one in kept]) for chain, kept in self._lately.items()]
        risks = [("risk", *account, risk) for account, risk in self._risks.items()]
        incidents = [("incident", *key, *known) for key, known in self._incidents.items()]
        let_go = [("let_go", chain, height) for chain, height in self._let_go.items()]
        return [*said, *lately, *let_go, *risks, *incidents]

    def restore(self, saved: list[tuple[Any, ...]]) -> None:
        """Take back what ``saved`` returned."""
        for kind, *values in saved:
            if kind == "said":
                self._recent[values[0]] = _Said(*values[1:])
            elif kind == "lately":
                kept = self._lately[values[0]] = deque(_Lately(*one) for one in values[1])
                self._lately_bytes += sum(len(one.line) for one in kept)
            elif kind == "let_go":
                self._let_go[values[0]] = values[1]
            elif kind == "risk":
                self._risks[values[0], values[1]] = values[2]
            else:
                self._incidents[values[0], values[1]] = (values[2], values[3])

    def _combined(self, finding: Finding, account: _Account, time: int) -> tuple[Finding, dict[str, int]]:
        """Return the finding with its account's combined score, and the score of each rule in it."""
        if not self._combines or finding.role == "victim" or finding.rule == MENTION:
            return finding, {}
        risk = {
            rule: known
            for rule, known in self._risks.get(account, {}).items()
            if abs(time - known[1]) <= RISK_S
        }
        risk[finding.rule] = (max(finding.score, risk.get(finding.rule, (0, 0))[0]), time)
        self._put(account, risk)
        parts = {rule: score for rule, (score, _) in sorted(risk.items())}
        if len(parts) == 1:
            return finding, parts
        score = max(finding.score, combined(list(parts.values())))
        severity = max(finding.severity, severity_of(score), key=SEVERITIES.index)
        return replace(finding, score=score, severity=severity), parts

    def _put(self, account: _Account, risk: _Risk | None) -> None:
        """Set what an account's combined score is made of."""
        self._risks.pop(account, None)
        if risk is not None:
            self._risks[account] = risk
            if len(self._risks) > REMEMBERED:
                self._risks.popitem(last=False)

    def _incident(self, finding: Finding, record: dict[str, Any], name: str) -> str:
        """Return the id of the incident: alerts about one suspect without a week's pause share one."""
        key = (record["chain"], finding.about or finding.subject)
        known = self._incidents.pop(key, None)
        time = record["time"]
        if known is None or abs(time - known[1]) > INCIDENT_S:
            known = (alert_id("incident", *key, name), time)
        self._incidents[key] = (known[0], time)
        if len(self._incidents) > REMEMBERED:
            self._incidents.popitem(last=False)
        return known[0]


def combined(scores: list[int]) -> int:
    """Return one risk score for several rules' scores, 0 to 99: independent signs add up, none alone grows.

    Each score counts as the square of its share of 100, as a chance; the chances are united (noisy or).

    >>> combined([55]), combined([30, 30]), combined([55, 55]), combined([80, 55])
    (55, 41, 72, 87)
    """
    clean = 1.0
    for score in scores:
        clean *= 1.0 - (score / 100) ** 2
    return min(99, round(100 * sqrt(1.0 - clean)))


def severity_of(score: int) -> Severity:
    """Return the severity in whose band a score lies."""
    return max(
        (severity for severity in SCORES if SCORES[severity] <= score), key=SEVERITIES.index, default="info"
    )


def _embeddable(case: Case) -> bytes:
    """Return the record as it came in, unless its nesting would make the alert unreadable."""
    if case.line.count(b"[") + case.line.count(b"{") <= MOST_NESTED:
        return case.line
    flat = {
        key: value
        for key, value in case.record.items()
        if key in _LISTS or not isinstance(value, (dict, list))
    }
    return dumps(flat).strip()
