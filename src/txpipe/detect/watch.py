"""One chain's accounts, and the rules about conduct: each movement goes to those that its traits concern."""

from __future__ import annotations

import functools
import operator
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from txpipe.detect.account import Account, Facts
from txpipe.detect.finding import Finding
from txpipe.detect.move import UNASKED, Asked, Move
from txpipe.detect.position import Position
from txpipe.detect.tracker import ANY, Tracker
from txpipe.detect.traits import BURST, EMPTIED, EVERY, LISTED, TAINTED
from txpipe.errors import RecordFault
from txpipe.lists.entry import Entry
from txpipe.record import Severity

Listing = Mapping[str, tuple[Entry, ...]]
"""What the lists say of a movement's parties, by canonical address; only who is listed is in it."""

NOBODY: Listing = {}

TABLES_KEPT = 1 << 14
"""Sets of traits that are remembered with the rules that look at them; honest traffic has hundreds."""


class ConductRule(Protocol):
    """A rule about an account's conduct.

    A rule keeps what it knows in ``me.note(ID, …)``, as plain data, bounded and aged by event time; it never
    writes anything else of an account (``exposure`` alone keeps ``taint``), and of ``other`` it reads what
    ``Facts`` names. It has no clock, files, randomness or state of its own; ``asset.uses`` alone is kept of
    assets, by counterfeit-token.

    Attributes:
        ID: stable name, never reused.
        VERSION: rises when the rule's decisions change.
        SEVERITY: the highest severity it gives.
        SENT: ``sent`` is called for a movement with any of these traits; of a tuple, with all traits of any
            of its members.
        RECEIVED: the same for ``received``.
        UNLESS: neither is called for a movement with any of these.
        RECEIVED_UNLESS: the same for ``received`` alone. May be missing.
        BANDS: pairs of USD: a movement worth the first and less than the second is BANDED. May be missing.
        CALM_N: a BURST of a contract, or of an account that once sent more in a row, is none. May be missing.
        FEW_PAID: a movement to an account that paid more is not EMPTIED. May be missing.
        WIDE: True if what it keeps of one account, or of an asset, decides what it says about another: where
            several processes share the accounts, each looks at all of them. May be missing.
    """

    ID: str
    VERSION: int
    SEVERITY: Severity
    UNLESS: int

    def __init__(self, settings: Any = None) -> None:
        """Take the settings; None is the defaults."""

    @property
    def SENT(self) -> int | tuple[int, ...]:  # noqa: N802 - a constant of the class
        """Traits, as above."""

    @property
    def RECEIVED(self) -> int | tuple[int, ...]:  # noqa: N802 - a constant of the class
        """Traits, as above."""

    def sent(self, move: Move, me: Account, other: Facts) -> Iterable[Finding]:
        """Look at a movement from its sender's side (an approval from its owner's)."""

    def received(self, move: Move, me: Account, other: Facts) -> Iterable[Finding]:
        """Look at a movement from its receiver's side (an approval from its spender's)."""


Share = Callable[[str], bool]
"""Whether an account, by its address, is one that this process says something about."""


class Watch:
    """One chain's accounts, and the rules that look at its movements.

    Attributes:
        tracker: keeps the accounts.
    """

    __slots__ = ("_share", "tracker")

    def __init__(self, tracker: Tracker, rules: Sequence[ConductRule], share: Share | None = None) -> None:
        asked = 0
        for rule in rules:
            asked |= _traits(rule.SENT) | _traits(rule.RECEIVED)
        tracker.start = asked & EVERY
        tracker.bands = _joined([pair for rule in rules for pair in getattr(rule, "BANDS", ())])
        tracker.calm_n, tracker.few_paid = _most(rules, BURST, "CALM_N"), _most(rules, EMPTIED, "FEW_PAID")
        self.tracker = tracker
        # Not a method: a tracker that knew its watch would never be freed.
        tracker.ask = functools.partial(_table, tuple(rules), tracker.asked)
        self._share = share

    def run(
        self, lines: Sequence[bytes], start: int, stop: int, position: Position | None = None
    ) -> Iterator[list[Finding]]:
        """Take lines of records in which no list names anyone; yield what the rules say of one, if anything.

        The tracker's ``move`` is what it is said of; its ``taken`` says where it stopped.

        Args:
            lines: of any records.
            start: the first to take.
            stop: the first not to take.
            position: takes note of every record, and says which an earlier run had taken.
        """
        moves = self.tracker.moves(lines, start, stop, position)
        self.tracker.move.listed = NOBODY
        if self._share is not None:
            yield from filter(None, map(self._asked, moves))
            return
        for move in moves:
            senders, receivers = move.asked
            payer, payee = move.sender, move.receiver
            found: list[Finding] | None = None
            for rule in senders:
                if said := rule.sent(move, payer, payee):
                    found = [*(found or ()), *said]
            for rule in receivers:
                if said := rule.received(move, payee, payer):
                    found = [*(found or ()), *said]
            if found:
                yield found

    def take(self, line: bytes, listed: Listing = NOBODY) -> Sequence[Finding]:
        """Take a checked transfer, call or approval; returns what the rules say of it.

        Args:
            line: of a mined record, and not a failed one: others moved nothing yet.
            listed: what the lists say of its parties.
        """
        tracker = self.tracker
        if listed:
            tracker.start |= LISTED
        found: list[Finding] = []
        for move in tracker.moves((line,), 0, 1, checked=True):
            move.listed = listed
            if move.sender.address in listed:
                move.traits |= TAINTED
            found = self._asked(move)
        tracker.start &= ~LISTED
        if not tracker.taken:
            raise RecordFault("too odd for the rules about conduct: a key twice, or a number beyond 2^62")
        return found

    def _asked(self, move: Move) -> list[Finding]:
        """Ask the rules that a movement concerns; about the accounts of this process's share only."""
        senders, receivers = self.tracker.ask(move.traits)  # listed parties have more than the tracker gave
        payer, payee, share = move.sender, move.receiver, self._share
        mine, its = (True, True) if share is None else (share(payer.address), share(payee.address))
        found: list[Finding] = []
        for rule in senders:
            if mine:
                found += rule.sent(move, payer, payee)
            elif is_wide(rule):
                deque(rule.sent(move, payer, payee), 0)
        for rule in receivers:
            if its:
                found += rule.received(move, payee, payer)
            elif is_wide(rule):
                deque(rule.received(move, payee, payer), 0)
        return found


def _table(rules: Sequence[ConductRule], tables: dict[int, Asked], traits: int) -> Asked:
    """Return the rules that look at a movement with these traits; kept in ``tables`` from now on."""
    found = tables.get(traits)
    if found is None:
        those = [rule for rule in rules if not traits & rule.UNLESS]
        senders = tuple(rule for rule in those if _asks(rule.SENT, traits))
        receivers = tuple(
            rule
            for rule in those
            if _asks(rule.RECEIVED, traits) and not traits & getattr(rule, "RECEIVED_UNLESS", 0)
        )
        if len(tables) >= TABLES_KEPT:
            tables.clear()
        found = tables[traits] = (senders, receivers) if senders or receivers else UNASKED
    return found


def _joined(pairs: Iterable[tuple[float, float]]) -> tuple[float, ...]:
    """Return the edges of ranges, ascending, with those that overlap made one."""
    edges: list[float] = []
    for low, high in sorted(pairs):
        if edges and low <= edges[-1]:
            edges[-1] = max(edges[-1], high)
        else:
            edges += (low, high)
    return tuple(edges)


def _most(rules: Sequence[ConductRule], trait: int, name: str) -> int:
    """Return the largest of a number that the rules that ask for a trait have; ANY if one has none."""
    asking = [rule for rule in rules if (_traits(rule.SENT) | _traits(rule.RECEIVED)) & trait]
    return max((getattr(rule, name, ANY) for rule in asking), default=ANY)


def is_wide(rule: ConductRule) -> bool:
    """Whether a rule looks at every account in every process; it need not say that it does not."""
    return getattr(rule, "WIDE", False)


def _asks(wanted: int | tuple[int, ...], traits: int) -> bool:
    """Say whether a rule looks at a movement with these traits."""
    if isinstance(wanted, int):
        return traits & wanted != 0
    return any(traits & all_of == all_of for all_of in wanted)


def _traits(wanted: int | tuple[int, ...]) -> int:
    """Return all traits that a rule asks for."""
    return wanted if isinstance(wanted, int) else functools.reduce(operator.or_, wanted, 0)
