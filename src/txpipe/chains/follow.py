"""Following a chain block by block: in order, without a gap, and back again where it was reorganised."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Protocol

from msgspec import Struct

from txpipe.errors import TxpipeError

RING = 129
"""Blocks whose hashes are remembered: a reorg 128 deep is followed, with the block below it as its foot.
txdetect undoes the last 64."""

IN_FLIGHT = 8
"""Blocks asked for at once."""

LOOK_AHEAD = 8
"""Steps on the way to a newest block that is far ahead before it is asked for again."""


class Head(Struct, frozen=True):
    """The newest block that a node knows."""

    height: int
    hash: str
    time: int


class Block(Struct, frozen=True):
    """A block and its records.

    Attributes:
        height: of it.
        hash: of it.
        parent: hash of the block before.
        time: Unix seconds.
        txs: hashes of its transactions.
        lines: its records, a line each, the one that closes it last.
        records: how many they are.
    """

    height: int
    hash: str
    parent: str
    time: int
    txs: tuple[str, ...]
    lines: bytes
    records: int


class Place(Struct, frozen=True):
    """What is remembered of a block that was given out."""

    height: int
    hash: str
    txs: tuple[str, ...]


class Dropped(Struct, frozen=True):
    """Blocks that are no part of the chain any more.

    Attributes:
        places: what was remembered of them, one or more, the lowest first.
    """

    places: tuple[Place, ...]

    @property
    def height(self) -> int:
        """The first of them."""
        return self.places[0].height

    @property
    def depth(self) -> int:
        """How many heights are void."""
        return max(place.height for place in self.places) - self.height + 1

    @property
    def txs(self) -> tuple[str, ...]:
        """Hashes of their transactions."""
        return tuple(dict.fromkeys(tx for place in self.places for tx in place.txs))

    @property
    def hashes(self) -> tuple[str, ...]:
        """Hashes of these blocks, but for those of which it is not known."""
        return tuple(dict.fromkeys(place.hash for place in self.places if place.hash))


class TooDeep(TxpipeError):
    """The chain was reorganised deeper than it is remembered."""


class Source(Protocol):
    """A chain as its nodes tell it. Each method may raise Blind, but for ``wait``."""

    @property
    def is_live(self) -> bool:
        """Whether ``wait`` hears of new blocks; else one has to look."""

    def head(self) -> Head:
        """Return the newest block."""

    def hash_at(self, height: int) -> str:
        """Return the hash of the block at a height that is not above the newest."""

    def blocks(self, first: int, last: int) -> list[Block]:
        """Return blocks in order; fewer, from the first one on, if the rest is not there yet."""

    def wait(self, seconds: float) -> bool:
        """Wait at most so long for word of something new; True if there may be a new block."""

    def pending(self) -> list[bytes]:
        """Return the records of pending transactions that are new."""


class Follower:
    """Goes from block to block.

    Attributes:
        source: the chain.
        at: the next height; None before the first where it is to begin at the newest.
        last: the last height to give out; None to go on for ever.
        ring: the last blocks given out.
        head: the newest block seen.
    """

    def __init__(  # noqa: PLR0913 - where to begin and how to go on
        self,
        source: Source,
        at: int | None,
        *,
        last: int | None = None,
        confirmations: int = 0,
        in_flight: int = IN_FLIGHT,
        recent: Iterable[Place] = (),
        given: Iterable[Place] = (),
        void: Iterable[Place] = (),
    ) -> None:
        """Take where to begin.

        Args:
            source: the chain.
            at: the first height; None is the newest.
            last: the last one; None to go on for ever.
            confirmations: blocks that must follow one before it is given out.
            in_flight: blocks asked for at once.
            recent: blocks given out by an earlier run, right before ``at``.
            given: blocks from ``at`` on that it gave out, too: they come again, or are dropped.
            void: blocks from ``at`` on that it gave out and was about to drop: the reader may hold them.
        """
        self.source = source
        self.at = at
        self.last = last
        self._confirmations = confirmations
        self._in_flight = in_flight
        self.ring: deque[Place] = deque(recent, RING)
        self._given = {place.height: place for place in given}
        self._void = sorted(void, key=lambda place: place.height)
        self._is_whole = not self.places and not self._void
        self.head: Head | None = None
        self._looked = 0

    @property
    def is_done(self) -> bool:
        """Whether the last block that was asked for has been given out."""
        return self.last is not None and self.at is not None and self.at > self.last

    @property
    def places(self) -> list[Place]:
        """The last blocks given out, and after them those that only an earlier run gave out."""
        return [*self.ring, *(self._given[height] for height in sorted(self._given))]

    def stop_here(self) -> None:
        """Make the newest block that can be given out by now the last one."""
        if self.head is not None:
            reach = self.head.height - self._confirmations
            self.last = reach if self.last is None else min(self.last, reach)

    def step(self) -> list[Block | Dropped]:
        """Return the next blocks, or what was dropped of the last ones; nothing if there is nothing new.

        Raises:
            Blind: no node answers; nothing was lost, call again.
            TooDeep: the chain was reorganised deeper than the ring goes back.
        """
        head = self._newest()
        if self.at is not None:
            found = self._next(head, self.at)
            if not found:
                self._looked = LOOK_AHEAD  # it was not as far as thought
            return found
        newest = max(0, head.height - self._confirmations)
        self.at = newest if self.last is None else min(newest, self.last)
        given: list[Block | Dropped] = []
        try:
            given = self._next(head, self.at)
        finally:
            if not given:
                self.at = None  # nobody had it: who named the newest block may be wrong
        return given

    def _newest(self) -> Head:
        """Return the newest block; one that is far ahead is asked for now and then only."""
        self._looked += 1
        head, at = self.head, self.at
        is_far = head is not None and at is not None and self._is_within(at + self._in_flight, head)
        if head is None or not is_far or self._looked >= LOOK_AHEAD:
            head, self._looked = self.source.head(), 0
        self.head = head
        return head

    def _is_within(self, height: int, head: Head) -> bool:
        return height <= head.height - self._confirmations

    def _next(self, head: Head, at: int) -> list[Block | Dropped]:
        if self._is_replaced(head):
            return self._rewound()
        reach = head.height - self._confirmations
        reach = reach if self.last is None else min(reach, self.last)
        if at > reach:
            return []
        given: list[Block | Dropped] = []
        for block in self.source.blocks(at, min(reach, at + self._in_flight - 1)):
            if self.ring and block.parent != self.ring[-1].hash:
                if not given:
                    return self._rewound()
                break  # it changed while we asked; the next step sees
            given += self._void_at(block)
            self._is_whole &= len(self.ring) < RING
            self.ring.append(Place(block.height, block.hash, block.txs))
            self.at = block.height + 1
            given.append(block)
        return given

    def _void_at(self, block: Block) -> list[Block | Dropped]:
        """Return what must be dropped before a block is given out that an earlier run may have given."""
        before = self._given.pop(block.height, None)
        is_other = before is not None and before.hash != block.hash
        if not is_other and not (self._void and self._void[0].height <= block.height):
            return []
        return [_dropped([*([before] if before is not None else ()), *self._rest()])]

    def _rest(self) -> list[Place]:
        """Return what an earlier run gave out and this one has not; nothing from now on."""
        rest = [*self._given.values(), *self._void]
        self._given.clear()
        self._void.clear()
        return rest

    def _is_replaced(self, head: Head) -> bool:
        """Whether the newest block stands in the place of one that was given out.

        A node whose newest block is below ours lags, whatever it is: what replaces ours will outgrow it.
        """
        return bool(self.ring) and self.ring[-1].height == head.height and self.ring[-1].hash != head.hash

    def _rewound(self) -> list[Block | Dropped]:
        """Go back to the last block that is still part of the chain; nothing if the node changed its mind."""
        kept = len(self.ring)
        while kept and self.source.hash_at(self.ring[kept - 1].height) != self.ring[kept - 1].hash:
            kept -= 1
        if kept == 0 and not self._is_whole:  # else nobody was given anything below
            first = self.ring[0].height
            raise TooDeep(
                f"the chain was reorganised below block {first:,}, deeper than the {len(self.ring)} blocks "
                f"remembered: what was written since is void. Begin again with --from {first} or before, "
                "a new --cursor file and, for txdetect, a new --state"
            )
        gone = [self.ring.pop() for _ in range(len(self.ring) - kept)][::-1]
        if not gone:
            return []
        self.at = gone[0].height
        return [_dropped([*gone, *self._rest()])]


def _dropped(places: list[Place]) -> Dropped:
    return Dropped(tuple(sorted(places, key=lambda place: place.height)))
