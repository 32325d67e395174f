"""Runs the rules over records: one alert for one rule, transaction and subject."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from txpipe.address import canonical
from txpipe.detect.conduct import Conduct
from txpipe.detect.finding import Finding, Rule
from txpipe.detect.memory import parts_of, restore
from txpipe.detect.position import Position
from txpipe.detect.pulse import Pulse
from txpipe.detect.rules.listed import Listed
from txpipe.detect.rules.mention import Mention
from txpipe.detect.screener import Screener
from txpipe.detect.state import Part
from txpipe.detect.voice import REMEMBERED, Case, Voice
from txpipe.errors import RecordFault
from txpipe.record import Severity, check, loads

MOST_WAITED = 10_000
"""Lines of any kind for which a transaction's further records are waited for, whatever it announces."""

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


@dataclass(slots=True)
class _Transaction:
    """A transaction whose further records are announced: its findings wait for the one that says it best.

    Attributes:
        tx: its hash.
        left: records that are still to come.
        until: the line behind which nobody waits any more.
        cases: by rule and subject.
    """

    tx: str
    left: int
    until: int
    cases: dict[tuple[str, str], Case] = field(default_factory=dict)

    def add(self, case: Case) -> None:
        name = (case.finding.rule, case.finding.subject)
        if name not in self.cases or case.tells_more_than(self.cases[name]):
            self.cases[name] = case

    def verdict(self) -> Iterator[Case]:
        """Yield one case for each rule and subject; a mention only if no movement names its subject."""
        for (rule, subject), case in self.cases.items():
            if rule != Mention.ID or (Listed.ID, subject) not in self.cases:
                yield case


@dataclass(slots=True)
class _Doubt:
    """Findings of a chain's last transaction that its rest may make void; until a line, as above."""

    until: int
    cases: list[Case] = field(default_factory=list)


class Engine:
    """Feeds lines of records to rules and yields alerts as lines.

    What it yields depends on the lines and settings only, never on how the input was cut into chunks.

    Attributes:
        conduct: the rules about conduct; None if none run.
        position: how far the input was taken; None if nobody asked.
        pulse: hears of signs of life, and passes reorgs and heartbeats on; None if nobody asked.
        taken: where ``run`` stopped: the number of the first line that it did not take.
        undone_in_part: reorgs that went back further than blocks, or alerts, are remembered.
        block_ended: whether the last record taken closed a block; kept only with a position.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        screener: Screener,
        conduct: Conduct | None = None,
        severities: Mapping[str, Severity] | None = None,
    ) -> None:
        self._rules = tuple(rules)
        self._screener = screener
        self.conduct = conduct
        self._voice = Voice(severities, combines=conduct is not None)
        self._open: dict[str, _Transaction] = {}
        self._doubted: dict[str, _Doubt] = {}
        self._fed = 0
        self.position: Position | None = None
        self.pulse: Pulse | None = None
        self.taken = 0
        self.block_ended = False
        self.undone_in_part = 0

    @property
    def alerts(self) -> int:
        """How many alerts were yielded so far."""
        return self._voice.alerts

    @property
    def said(self) -> dict[tuple[str, str], int]:
        """The same by rule and severity."""
        return self._voice.counts.copy()

    @property
    def silenced(self) -> int:
        """How often an allow-list won over a blocklist."""
        return self._screener.silenced

    @property
    def waiting(self) -> bool:
        """Whether the next record matters even if no list names anyone in it."""
        return bool(self._open or self._doubted)

    def feed(self, line: bytes) -> Iterator[bytes]:
        """Take one line; yield its alerts, and those of earlier records that waited for it.

        Raises:
            RecordFault: the line is no valid record; it had no effect.
        """
        self._fed += 1
        if self._open or self._doubted:
            yield from self._lose_patience()
        record = check(loads(line))
        kind = record["type"]
        if kind in _ELSEWHERE:
            raise RecordFault(_ELSEWHERE[kind])
        if self.pulse is not None:
            self.pulse.hear(record, line)
        if kind not in _ENDS or (self.position is not None and self._taken(record, self.position)):
            return
        if record["chain"] in self._doubted:
            yield from self._settle(record)
        transaction = self._open.get(record["chain"])
        if transaction and (kind not in _LOOKED_AT or record["tx"] != transaction.tx):
            yield from self._close(record["chain"])
            transaction = None
        if kind in _LOOKED_AT:
            yield from self._judge(record, line.strip(), transaction)
        elif kind == "reorg":
            yield from self._undo(record, line)
        if self._voice.unsure:
            yield from self._voice.settle(record)

    def resume(self, told: Iterable[dict[str, Any]], *, is_new: bool) -> None:
        """Take what a run that was killed had said since the state was saved; ``Unsure.begin`` says how."""
        self._voice.unsure.begin(told, is_new=is_new)

    def unsure(self) -> Iterator[bytes]:
        """Yield what of that is neither said again nor taken back so far."""
        return self._voice.unsure.lines()

    def run(self, lines: Sequence[bytes], start: int, stop: int) -> Iterator[bytes]:
        """Take lines in which no list names anyone, as ``feed``, but only the rules about conduct look.

        It stops where ``feed`` must take a line: ``taken`` says which. Of plain movements only the keys that
        the rules read are checked.

        Args:
            lines: of any records, and other lines.
            start: the first to take.
            stop: the first not to take.
        """
        self.taken = start
        conduct = self.conduct
        if conduct is None or self.waiting or self._voice.unsure:
            return
        unreadable = False
        for move, found in conduct.run(lines, start, stop, self.position):
            try:
                record = move.record
            except RecordFault:  # in what the rules do not read; feed says what
                unreadable = True
                conduct.halt()
                continue
            yield from self._heard(found, record, move.line)
            if self._open or self._doubted:
                conduct.halt()
        self.taken = conduct.taken - unreadable

    def hear(self, line: bytes, found: Iterable[Finding]) -> Iterator[bytes]:
        """Say what the rules about conduct found in a plain movement, if nothing waits.

        Raises:
            RecordFault: the line is no valid record.
        """
        yield from self._heard(found, loads(line), line)

    def end(self) -> Iterator[bytes]:
        """Yield what still waits: the input has no more records."""
        for chain in list(self._open):
            yield from self._close(chain)
        for chain in list(self._doubted):
            yield from self._believe(chain)

    def parts(self) -> Iterator[tuple[str, Iterable[Any]]]:
        """Yield what must survive a restart, but for what waits (ask ``waiting`` first)."""
        return parts_of(self.conduct, self._voice)

    def restore(self, parts: Iterable[Part]) -> None:
        """Take back what ``parts`` gave."""
        restore(parts, self.conduct, self._voice)

    def _taken(self, record: dict[str, Any], position: Position) -> bool:
        """Note a record's place; whether an earlier run had taken it already."""
        if position.covers(record):
            return True
        position.take(record)
        self.block_ended = record["type"] == "block"
        return False

    def _judge(
        self, record: dict[str, Any], line: bytes, transaction: _Transaction | None
    ) -> Iterator[bytes]:
        """Say a record's findings, or keep them while further records of its transaction are announced."""
        cases = list(self._cases(record, line))
        if transaction:
            transaction.left -= 1
        elif cases and record["type"] != "approval" and record.get("follows", 0) > 0:
            transaction = _Transaction(record["tx"], record["follows"], self._fed + MOST_WAITED)
            self._open[record["chain"]] = transaction
        for case in cases:
            if transaction:
                transaction.add(case)
            else:
                yield from self._voice.say(case)
        if self.conduct is not None and record["block"] is not None and not record.get("failed"):
            found = self.conduct.take(record, self._screener.listing(record), line)
            yield from self._heard(found, record, line)
        if transaction and transaction.left <= 0:
            yield from self._close(record["chain"])

    def _undo(self, record: dict[str, Any], line: bytes) -> Iterator[bytes]:
        """Undo what the dropped blocks did and take back what was said of them."""
        if self.pulse is not None:
            self.pulse.pass_on(line)
        chain, height = record["chain"], record["block"]
        undone = self.conduct is None or self.conduct.undo(chain, height)
        if not undone or self._voice.has_let_go(chain, height):
            self.undone_in_part += 1
        yield from self._voice.retract(chain, height)

    def _lose_patience(self) -> Iterator[bytes]:
        """Say what waited too long: of both kinds the first to wait stands first."""
        while self._open and self._open[chain := next(iter(self._open))].until < self._fed:
            yield from self._close(chain)
        while self._doubted and self._doubted[chain := next(iter(self._doubted))].until < self._fed:
            yield from self._believe(chain)

    def _believe(self, chain: str) -> Iterator[bytes]:
        """Say what was doubted of a chain's last transaction."""
        for case in self._doubted.pop(chain).cases:
            yield from self._voice.say(case)

    def _close(self, chain: str) -> Iterator[bytes]:
        for case in self._open.pop(chain).verdict():
            yield from self._voice.say(case)

    def _cases(self, record: dict[str, Any], line: bytes) -> Iterator[Case]:
        for rule in self._rules:
            for finding in rule.find(record, self._screener):
                yield Case(finding, record, line)

    def _heard(self, found: Iterable[Any], record: dict[str, Any], line: bytes) -> Iterator[bytes]:
        """Say what the rules about conduct found, but for what the transaction's rest may make void."""
        for finding in found:
            case = Case(finding, record, line.strip())
            if finding.unless_paid is None:
                yield from self._voice.say(case)
            else:
                doubt = self._doubted.setdefault(record["chain"], _Doubt(self._fed + MOST_WAITED))
                doubt.cases.append(case)

    def _settle(self, record: dict[str, Any]) -> Iterator[bytes]:
        """Drop what is doubted if this record of its transaction pays; say it if the transaction is over."""
        chain = record["chain"]
        doubt = self._doubted[chain]
        if record.get("tx") != doubt.cases[0].record["tx"]:
            yield from self._believe(chain)
        elif record["type"] == "transfer":
            doubt.cases = [case for case in doubt.cases if not self._pays(record, case.finding.unless_paid)]
            if not doubt.cases:
                del self._doubted[chain]

    def _pays(self, record: dict[str, Any], address: str | None) -> bool:
        """Say whether a transfer gives an address something of worth: anyone can make up a token."""
        to = record["to"]
        if to is None or canonical(to) != address or not record["value"].strip("0") or self.conduct is None:
            return False
        return bool(record.get("usd")) or self.conduct.is_known(record)


__all__ = ["MOST_WAITED", "REMEMBERED", "Engine"]
