"""What the last blocks changed of accounts, so that a reorg can undo it."""

from __future__ import annotations

import pickle
from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

from txpipe.detect.account import NEW, Account
from txpipe.detect.accounts import Accounts

BLOCKS_KEPT = 64
"""Blocks that can be undone: two epochs of Ethereum's proof of stake, after which a block is final."""

_Before = tuple[Account, tuple[Any, ...], bytes | None]
"""An account, its values before a block, its notes then, pickled. Peers are not copied: those that came since
are the last, and the values tell how many; who loses its oldest gets a dict of its own first."""


class _Block(NamedTuple):
    height: int
    before: list[_Before]
    new: list[Account]


class Journal:
    """The changes of one chain's last blocks.

    Attributes:
        stamp: number of the open block, which accounts bear that are kept already; NEW while nothing is kept.
        height: of the open block; None before the first.
    """

    def __init__(self, accounts: Accounts, *, kept: bool) -> None:
        """Take whose changes these are, and whether to keep any: it costs a fifth of the time."""
        self._accounts = accounts
        self._blocks: deque[_Block] = deque(maxlen=BLOCKS_KEPT + 1)
        self._let_go = -1
        self._kept = kept
        self.stamp = NEW
        self.height: int | None = None

    def open(self, height: int) -> None:
        """Begin a block."""
        self.height = height
        if self._kept:
            self.stamp += 1
            self._block = _Block(height, [], [])
            if len(self._blocks) > BLOCKS_KEPT:
                self._let_go = self._blocks[0].height
            self._blocks.append(self._block)

    def keep(self, account: Account) -> None:
        """Keep an account as it is, before the open block changes it for the first time."""
        if account.stamp == NEW:
            self._block.new.append(account)
        else:
            notes = account.notes
            kept = None if notes is None else pickle.dumps(notes, 5)
            self._block.before.append((account, account.saved(), kept))
        account.stamp = self.stamp

    def undo(self, height: int) -> bool:
        """Undo every block from a height on.

        Returns:
            Whether the journal reached back so far; what blocks did that it let go of stays done.
        """
        while self._blocks and self._blocks[-1].height >= height:
            block = self._blocks.pop()
            for account in block.new:
                self._accounts.drop(account.address)
            for account, values, notes in block.before:
                account.become(values)
                account.notes = None if notes is None else pickle.loads(notes)  # noqa: S301 - our own bytes
        self.height = None
        return self._let_go < height

    def saved(self) -> Iterator[Any]:
        """Yield the journal as plain data."""
        yield self._let_go, None, None
        for block in self._blocks:
            before = [(account.address, values, notes) for account, values, notes in block.before]
            yield block.height, before, [account.address for account in block.new]

    def restore(self, blocks: list[Any]) -> None:
        """Take back what ``saved`` yielded; the accounts must be back already."""
        find = self._accounts.find
        for height, before, new in blocks:
            if before is None:
                self._let_go = height
                continue
            kept = [(account, *rest) for name, *rest in before if (account := find(name)) is not None]
            fresh = [account for address in new if (account := find(address)) is not None]
            self._blocks.append(_Block(height, kept, fresh))
