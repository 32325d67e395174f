"""The last blocks of a chain that were taken: who goes on from there can tell by them what was dropped."""

from __future__ import annotations

from collections import deque
from typing import Any

BLOCKS_HELD = 129
"""As many as txtail remembers: a reorg 128 deep can be followed, with the block below it as its foot."""

TXS_HELD = 50_000
"""Transactions of them that are named; of more, those of the oldest blocks are not."""


class Held:
    """Hashes and transactions of one chain's last blocks."""

    __slots__ = ("_blocks", "_named", "_open")

    def __init__(self, said: list[Any] | None = None, is_open: list[str] | None = None) -> None:
        """Begin with nothing, or with what ``to_say`` and ``txs`` said."""
        self._blocks: deque[tuple[int, str, list[str]]] = deque(maxlen=BLOCKS_HELD)
        self._open: list[str] = []
        self._named = 0
        for height, named, txs in said or ():
            self._open = txs
            self.close(height, named)
        self._open = is_open or []

    @property
    def txs(self) -> list[str]:
        """Transactions of the open block."""
        return self._open

    def begin(self, tx: str) -> None:
        """Begin a block with its first transaction."""
        self._open = [tx]

    def add(self, tx: str) -> None:
        """Take a record's transaction, whose records follow one another."""
        txs = self._open
        if (not txs or txs[-1] != tx) and len(txs) < TXS_HELD:
            txs.append(tx)

    def close(self, height: int, named: str) -> None:
        """End the open block, whose hash is known now."""
        self.drop(height)
        if len(self._blocks) == BLOCKS_HELD:
            self._named -= len(self._blocks[0][2])
        self._blocks.append((height, named, self._open))
        self._named += len(self._open)
        self._open = []
        for _, _, txs in self._blocks:
            if self._named <= TXS_HELD:
                break
            self._named -= len(txs)
            txs.clear()

    def drop(self, height: int) -> None:
        """Forget the blocks from a height on."""
        while self._blocks and self._blocks[-1][0] >= height:
            self._named -= len(self._blocks.pop()[2])

    def named(self, height: int) -> str | None:
        """Return a block's hash; None if it is not among them."""
        if not self._blocks or not self._blocks[0][0] <= height <= self._blocks[-1][0]:
            return None
        return next((named for at, named, _ in self._blocks if at == height), None)

    def has(self, hashes: Any) -> bool:
        """Whether any of these hashes is one of them; anything that is no list names none."""
        if not isinstance(hashes, list):
            return False
        gone = {one for one in hashes if isinstance(one, str) and one}
        return any(named in gone for _, named, _ in self._blocks)

    def to_say(self) -> list[Any]:
        """Return them as JSON data: height, hash, transactions; the lowest first."""
        return list(self._blocks)
