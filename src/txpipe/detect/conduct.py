"""Runs the rules about conduct: each movement goes to the rules that its traits concern."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from txpipe.chains.tokens import Tokens
from txpipe.detect.account import Account, Facts
from txpipe.detect.bounds import Bounds
from txpipe.detect.finding import Finding
from txpipe.detect.move import Move
from txpipe.detect.prices import Prices
from txpipe.detect.tracker import Tracker
from txpipe.detect.traits import EVERY, LISTED, TAINTED
from txpipe.lists.entry import Entry
from txpipe.record import Severity

Listing = Mapping[str, tuple[Entry, ...]]
"""What the lists say of a movement's parties, by canonical address; only who is listed is in it."""

NOBODY: Listing = {}

_LACKING = 0.3
"""Share of lines from which on a lack is said."""

CHAINS_KEPT = 64
"""Chains whose accounts are kept; a stream that names more loses the one it named first."""


class ConductRule(Protocol):
    """A rule about an account's conduct.

    A rule keeps what it knows in ``me.note(ID, …)``, as plain data, bounded and aged by event time; it never
    writes anything else of an account (``exposure`` alone keeps ``taint``), and of ``other`` it reads what
    ``Facts`` names. It has no clock, files, randomness or state of its own.

    Attributes:
        ID: stable name, never reused.
        VERSION: rises when the rule's decisions change.
        SEVERITY: the highest severity it gives.
        SENT: ``sent`` is called for a movement with any of these traits; of a tuple, with all traits of any
            of its members.
        RECEIVED: the same for ``received``.
        UNLESS: neither is called for a movement with any of these.
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


_Table = tuple[tuple[ConductRule, ...], tuple[ConductRule, ...]]
"""The rules that look at a movement, for its sender and for its receiver."""


class Watch:
    """One chain's accounts, and the rules that look at its movements.

    Attributes:
        tracker: keeps the accounts.
    """

    __slots__ = ("_concern", "_rules", "_tables", "tracker")

    def __init__(self, tracker: Tracker, rules: Sequence[ConductRule]) -> None:
        asked, unless = 0, 0
        for rule in rules:
            asked |= _traits(rule.SENT) | _traits(rule.RECEIVED)
            unless |= rule.UNLESS
        tracker.concern = asked
        tracker.start = asked & EVERY
        self.tracker = tracker
        self._rules = tuple(rules)
        self._concern = asked | unless
        self._tables: dict[int, _Table] = {}

    def take(self, record: dict[str, Any], listed: Listing = NOBODY) -> Sequence[Finding]:
        """Take a checked transfer, call or approval; returns what the rules say of it.

        Args:
            record: mined, and not failed: others moved nothing yet.
            listed: what the lists say of its parties.
        """
        kind = record["type"]
        tracker = self.tracker
        height = record["block"]
        if height != tracker.journal.height:
            tracker.journal.open(height)
        if kind == "call":
            tracker.call(record)
            return ()
        if listed:
            return self._take_listed(record, listed)
        move = tracker.transfer(record) if kind == "transfer" else tracker.approval(record)
        if move is None:
            return ()
        move.listed = NOBODY
        return self._asked(move)

    def _take_listed(self, record: dict[str, Any], listed: Listing) -> Sequence[Finding]:
        tracker = self.tracker
        tracker.start |= LISTED
        move = tracker.transfer(record) if record["type"] == "transfer" else tracker.approval(record)
        tracker.start &= ~LISTED
        if move is None:
            return ()
        move.listed = listed
        if move.sender.address in listed:
            move.traits |= TAINTED
        return self._asked(move)

    def _asked(self, move: Move) -> Sequence[Finding]:
        """Ask the rules that the movement concerns."""
        traits = move.traits & self._concern
        senders, receivers = self._tables.get(traits) or self._table(traits)
        payer, payee = move.sender, move.receiver
        found: list[Finding] = []
        for rule in senders:
            found += rule.sent(move, payer, payee)
        for rule in receivers:
            found += rule.received(move, payee, payer)
        return found

    def _table(self, traits: int) -> _Table:
        rules = [rule for rule in self._rules if not traits & rule.UNLESS]
        found = self._tables[traits] = (
            tuple(rule for rule in rules if _asks(rule.SENT, traits)),
            tuple(rule for rule in rules if _asks(rule.RECEIVED, traits)),
        )
        return found


class Conduct:
    """Follows the accounts of all chains and lets the rules look at their movements.

    Attributes:
        chains: by CAIP-2 name.
        reorgs: whether the last blocks of chains met from now on are kept, so that they can be undone.
    """

    def __init__(
        self,
        rules_on: Callable[[str], tuple[Sequence[ConductRule], Bounds]],
        is_allowed: Callable[[str, int], bool],
        budget: int | None = None,
        prices: Prices | None = None,
    ) -> None:
        """Take what gives a chain's rules and bounds, and what says that an allow-list names an account.

        Args:
            rules_on: by CAIP-2 name.
            is_allowed: by address and Unix seconds.
            budget: most accounts to keep on a chain; None is no limit.
            prices: for assets whose records show none.
        """
        self._rules_on = rules_on
        self._is_allowed = is_allowed
        self._budget = budget
        self._tokens = Tokens.shipped()
        self._prices = prices or Prices()
        self._forgotten = 0
        self.reorgs = True
        self._told: set[tuple[str, str]] = set()
        self.chains: dict[str, Watch] = {}

    @property
    def accounts(self) -> int:
        """How many accounts are kept."""
        return sum(len(watch.tracker.accounts) for watch in self.chains.values())

    @property
    def forgotten(self) -> int:
        """How many accounts were forgotten to stay within the budget."""
        return self._forgotten + sum(watch.tracker.accounts.forgotten for watch in self.chains.values())

    def watch(self, chain: str) -> Watch:
        """Begin to follow a chain."""
        if len(self.chains) >= CHAINS_KEPT:
            accounts = self.chains.pop(next(iter(self.chains))).tracker.accounts
            self._forgotten += len(accounts) + accounts.forgotten
        rules, bounds = self._rules_on(chain)
        tracker = Tracker(
            chain, bounds, self._tokens, self._prices, self._is_allowed, self._budget, reorgs=self.reorgs
        )
        found = self.chains[chain] = Watch(tracker, rules)
        return found

    def blind_to(self, lines: int) -> Iterator[str]:
        """Yield what rules lack on this input, each once, as soon as it is plain.

        Args:
            lines: read so far; what is missing in few of them is not worth a word.
        """
        for chain, watch in self.chains.items():
            tracker = watch.tracker
            if tracker.unpriced > _LACKING * lines and (chain, "usd") not in self._told:
                self._told.add((chain, "usd"))
                yield (
                    f"most movements on {chain} have no USD price: rules that compare dollars pass over them;"
                    " --prices FILE supplies prices"
                )
            if tracker.unsigned > _LACKING * lines and (chain, "tx") not in self._told:
                self._told.add((chain, "tx"))
                yield (
                    f"{chain} comes without records of the transactions themselves (n = 0): who sent them is"
                    " unknown, so approval-phishing cannot tell and poisoning sees less"
                )

    def undo(self, chain: str, height: int) -> bool:
        """Undo what a chain's blocks from a height on did; whether all of it could be undone."""
        watch = self.chains.get(chain)
        return watch is None or watch.tracker.journal.undo(height)

    def keep(self, chain: str, account: Account) -> None:
        """Keep an account as it is before something besides its movements changes it."""
        watch = self.chains.get(chain)
        if watch is not None and account.stamp != watch.tracker.journal.stamp:
            watch.tracker.journal.keep(account)

    def find(self, chain: str, address: str) -> Account | None:
        """Return an account, if it is kept."""
        watch = self.chains.get(chain)
        return watch.tracker.accounts.find(address) if watch else None

    def take(self, record: dict[str, Any], listed: Listing = NOBODY) -> Sequence[Finding]:
        """Take a record of any chain, as ``Watch.take``."""
        return (self.chains.get(record["chain"]) or self.watch(record["chain"])).take(record, listed)


def _asks(wanted: int | tuple[int, ...], traits: int) -> bool:
    """Say whether a rule looks at a movement with these traits."""
    if isinstance(wanted, int):
        return traits & wanted != 0
    return any(traits & all_of == all_of for all_of in wanted)


def _traits(wanted: int | tuple[int, ...]) -> int:
    """Return all traits that a rule asks for."""
    return wanted if isinstance(wanted, int) else functools.reduce(operator.or_, wanted, 0)
