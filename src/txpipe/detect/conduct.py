"""Follows the accounts of all chains and lets the rules about conduct look at their movements."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from txpipe.chains.tokens import Tokens
from txpipe.detect.account import Account
from txpipe.detect.bounds import Bounds
from txpipe.detect.finding import Finding
from txpipe.detect.move import Move
from txpipe.detect.position import Position
from txpipe.detect.tracker import Tracker
from txpipe.detect.watch import NOBODY, ConductRule, Listing, Share, Watch
from txpipe.prices import Prices
from txpipe.record import dumps

_LACKING = 0.3
"""Share of lines from which on a lack is said."""

CHAINS_KEPT = 64
"""Chains whose accounts are kept; a stream that names more loses the one it named first."""


class Conduct:
    """Follows the accounts of all chains and lets the rules look at their movements.

    Attributes:
        chains: by CAIP-2 name.
        rules_on: gives a chain's rules and bounds.
        reorgs: whether the last blocks of chains met from now on are kept, so that they can be undone.
        share: which accounts the rules say something about; None is all. Every account is followed.
        taken: where ``run`` stopped: the number of the first line that it did not take.
        limit: what accounts are forgotten for.
    """

    def __init__(
        self,
        rules_on: Callable[[str], tuple[Sequence[ConductRule], Bounds]],
        is_allowed: Callable[[str, int], bool] | None,
        budget: int | None = None,
        prices: Prices | None = None,
    ) -> None:
        """Take what gives a chain's rules and bounds, and what says that an allow-list names an account.

        Args:
            rules_on: by CAIP-2 name.
            is_allowed: by address and Unix seconds; None if there are no lists.
            budget: most accounts to keep on a chain; None is no limit.
            prices: for assets whose records show none.
        """
        self.rules_on = rules_on
        self._is_allowed = is_allowed
        self._budget = budget
        self.limit = f"{CHAINS_KEPT} chains" if budget is None else "--max-memory"
        self._tokens = Tokens.shipped()
        self._prices = prices or Prices()
        self._forgotten = 0
        self.reorgs = True
        self.share: Share | None = None
        self.taken = 0
        self._watch: Watch | None = None
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
        rules, bounds = self.rules_on(chain)
        tracker = Tracker(
            chain, bounds, self._tokens, self._prices, self._is_allowed, self._budget, reorgs=self.reorgs
        )
        found = self.chains[chain] = Watch(tracker, rules, self.share)
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

    def find(self, chain: str, address: str) -> Account | None:
        """Return an account, if it is kept."""
        watch = self.chains.get(chain)
        return watch.tracker.accounts.find(address) if watch else None

    def take(
        self, record: dict[str, Any], listed: Listing = NOBODY, line: bytes | None = None
    ) -> Sequence[Finding]:
        """Take a record of any chain, as ``Watch.take``; its line is made anew if it is not given."""
        watch = self._watch = self.chains.get(record["chain"]) or self.watch(record["chain"])
        return watch.take(dumps(record) if line is None else line, listed)

    def run(
        self, lines: Sequence[bytes], start: int, stop: int, position: Position | None = None
    ) -> Iterator[tuple[Move, list[Finding]]]:
        """Take lines in which no list names anyone, of any chain met; as ``Watch.run``.

        It stops early at a line that is no plain record of such a chain, or when ``halt`` is called.
        """
        self.taken = start
        while self.taken < stop and self._watch is not None:
            tracker = self._watch.tracker
            for found in self._watch.run(lines, self.taken, stop, position):
                yield tracker.move, found
            self.taken = tracker.taken
            watch = None if tracker.elsewhere is None else self.chains.get(tracker.elsewhere)
            if watch is None or watch is self._watch:
                return
            self._watch = watch

    @property
    def move(self) -> Move:
        """The movement that was last looked at; there was one."""
        if self._watch is None:
            raise LookupError
        return self._watch.tracker.move

    def halt(self) -> None:
        """Let ``run`` stop behind the movement at hand."""
        if self._watch is not None:
            self._watch.tracker.halt = True

    def is_known(self, record: dict[str, Any]) -> bool:
        """Whether a transfer's asset is one that nobody can make up: the coin, or in the shipped table."""
        watch = self.chains.get(record["chain"]) or self.watch(record["chain"])
        return watch.tracker.assets.of(record["asset"], record.get("symbol")).known
