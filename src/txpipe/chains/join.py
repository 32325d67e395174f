"""Joins the parts of blocks that come apart, within a window of blocks; finished blocks leave in order."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from txpipe.chains.evm import EvmBlock
from txpipe.chains.model import CoinTransaction, Header, Item, Transaction
from txpipe.chains.utxo import CoinBlock

WINDOW = 100
"""Blocks held while their parts come in: ethereum-etl's default batch, and well under a GB of mainnet."""

_REMEMBERED = 10_000
_WITH_THE_BLOCK = (Header, Transaction, CoinTransaction)

_B = TypeVar("_B", EvmBlock, CoinBlock)


@dataclass(slots=True)
class Held(Generic[_B]):
    """A block that is being put together.

    Attributes:
        height: its number.
        block_hash: None until a part names it.
        place: where its first part came from: input, line, item.
    """

    height: int
    block_hash: str | None
    place: tuple[str, int, int]
    parts: _B


class Joiner(Generic[_B]):
    """Puts the blocks of one family of chains together.

    A block leaves when nothing of it can be missing and no lower one is held; or, the lowest first, when more
    than ``window`` blocks are held; or at the end.

    Args:
        make: makes an empty block.
        window: blocks to hold; with 0, a block whose transactions are all there does not wait for receipts.
    """

    def __init__(self, make: Callable[[], _B], window: int) -> None:
        self._make: Callable[[], _B] = make
        self._window = window
        self._held: dict[tuple[int, int], Held[_B]] = {}  # by height and order of arrival
        self._at: dict[int, list[tuple[int, int]]] = {}
        self._gone: OrderedDict[int, list[tuple[str | None, bool, bool]]] = OrderedDict()
        self._hashes: OrderedDict[int, str] = OrderedDict()
        self._arrived = 0

    def add(self, item: Item, place: tuple[str, int, int]) -> bool:
        """Take one part; False if its block has left already and may have needed it."""
        height = item.block
        if height is None:
            raise AssertionError("a pending part is joined to no block")
        held = self._find(height, item.block_hash)
        if held is None:
            for block_hash, whole, complete in self._gone.get(height, ()):
                if item.block_hash is None or block_hash in (None, item.block_hash):
                    return complete or (whole and isinstance(item, _WITH_THE_BLOCK))
            held = self._begin(height, item.block_hash, place)
        held.block_hash = held.block_hash or item.block_hash
        held.parts.add(item, place[0])
        if isinstance(item, Header) and item.block_hash is not None:
            self._hashes[height] = item.block_hash
            _forget(self._hashes)
        return True

    def ready(self) -> Iterator[Held[_B]]:
        """Yield the blocks that can leave by now."""
        while self._held:
            key = min(self._held)
            parts = self._held[key].parts
            complete = parts.complete() or (self._window == 0 and parts.whole())
            if not complete and len(self._held) <= max(self._window, 1):
                return
            yield self._leave(key)

    def rest(self) -> Iterator[Held[_B]]:
        """Yield the blocks that are still held at the end."""
        for key in sorted(self._held):
            yield self._leave(key)

    def parent_of(self, height: int) -> str | None:
        """Return the hash of the block below, if its header came by."""
        return self._hashes.get(height - 1)

    def _find(self, height: int, block_hash: str | None) -> Held[_B] | None:
        for key in self._at.get(height, ()):
            held = self._held[key]
            if block_hash is None or held.block_hash in (None, block_hash):
                return held
        return None

    def _begin(self, height: int, block_hash: str | None, place: tuple[str, int, int]) -> Held[_B]:
        self._arrived += 1
        key = (height, self._arrived)
        held = Held(height, block_hash, place, self._make())
        self._held[key] = held
        self._at.setdefault(height, []).append(key)
        return held

    def _leave(self, key: tuple[int, int]) -> Held[_B]:
        held = self._held.pop(key)
        self._at[key[0]].remove(key)
        if not self._at[key[0]]:
            del self._at[key[0]]
        self._gone.setdefault(held.height, []).append(
            (held.block_hash, held.parts.whole(), held.parts.complete())
        )
        _forget(self._gone)
        return held


def _forget(remembered: OrderedDict[int, Any]) -> None:
    if len(remembered) > _REMEMBERED:
        remembered.popitem(last=False)
