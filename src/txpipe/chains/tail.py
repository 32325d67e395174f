"""A followed chain written out: records in order, and reorgs right before what takes a block's place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from txpipe import record
from txpipe.chains.follow import RING, Block, Dropped, Follower
from txpipe.chains.nodes import Blind
from txpipe.chains.signs import Counts, Signs

if TYPE_CHECKING:
    from txpipe.chains.cursor import Cursor

LIVE_POLL_S = 10.0
"""Seconds after which a node that says by itself when there is a new block is asked all the same."""

LOOK_S = 0.25
"""Seconds between two looks at the reader while nothing comes."""


class Tail:
    """Writes what a follower finds.

    Attributes:
        counts: what was written so far.
        progress: called with the follower after every step that found blocks; None to show nothing.
    """

    def __init__(  # noqa: PLR0913 - what it follows, where to, and how patiently
        self,
        follower: Follower,
        chain: str,
        signs: Signs,
        *,
        cursor: Cursor | None = None,
        poll_s: float = 1.0,
        pending: bool = False,
    ) -> None:
        """Take what to follow.

        Args:
            follower: gives blocks.
            chain: CAIP-2.
            signs: takes lines, and hears whether any come.
            cursor: notes how far it came; None if nobody asked.
            poll_s: seconds between two looks for a new block.
            pending: write pending transactions, too.
        """
        self._follower = follower
        self._chain = chain
        self._signs = signs
        self._clock = signs.clock
        self._cursor = cursor
        self._poll_s = poll_s
        self._pending = pending
        self._dropped: Dropped | None = None
        signs.chain, signs.follower = chain, follower
        self.counts: Counts = signs.counts
        self.progress: Callable[[Follower], None] | None = None

    def run(self, *, to_the_end: bool) -> None:
        """Follow until the follower is done, or for ever.

        Args:
            to_the_end: stop at the newest block there is now; what comes later is left.
        """
        is_first = True
        while not self._follower.is_done:
            try:
                found = self._follower.step()
            except Blind as exc:
                self._wait(self._signs.blind(exc))
                continue
            self._signs.answered()
            if is_first:
                self._signs.begins()
                is_first = False
            if to_the_end:
                self._follower.stop_here()
                to_the_end = False
            if found:
                self._written(found)
            elif not self._follower.is_done:
                self._quiet()
        self._signs.flush()

    @property
    def is_taken(self) -> bool:
        """Whether the reader has taken all that was written, as far as a cursor asks."""
        return self._cursor is None or self._cursor.is_current

    def note(self) -> None:
        """Note in the cursor how far the reader came."""
        if self._cursor is not None and self._follower.ring:
            self._cursor.save(self._follower.places)

    def _written(self, found: list[Block | Dropped]) -> None:
        """Write blocks; what was dropped goes right before the block that takes its place.

        So a reorg's time is that block's, and a later run says the same of it.
        """
        if self._cursor is not None:
            drops = [one for one in found if isinstance(one, Dropped)]
            for drop in drops:
                self._cursor.drop(drop.places)
            if drops or self._is_near():
                self._cursor.save(self._follower.places)
        for one in found:
            if isinstance(one, Dropped):
                before = () if self._dropped is None else self._dropped.places
                self._dropped = Dropped((*one.places, *before))
            else:
                self._block(one)
        self._signs.flush()
        self._signs.flows()
        if self._cursor is not None:
            self._cursor.offer(self._follower.places)
        if self.progress is not None:
            self.progress(self._follower)

    def _block(self, block: Block) -> None:
        """Write a block, after what was dropped for it."""
        if self._dropped is not None:
            self._reorg(self._dropped, block.time)
            self._dropped = None
        self._signs.write(block.lines)
        self.counts.blocks += 1
        self.counts.records += block.records
        if self._cursor is not None:
            self._cursor.mark(self.counts.bytes, block.height + 1)
        self._signs.came()

    def _is_near(self) -> bool:
        """Whether the blocks at hand may still be dropped."""
        head, at = self._follower.head, self._follower.at
        return head is not None and at is not None and head.height - at < RING

    def _reorg(self, dropped: Dropped, time: int) -> None:
        self.counts.reorgs += 1
        self.counts.dropped += dropped.depth
        said = {
            "type": "reorg",
            "chain": self._chain,
            "time": time,
            "block": dropped.height,
            "depth": dropped.depth,
            "dropped": list(dropped.txs),
            "hashes": list(dropped.hashes),
        }
        self._signs.write(record.dumps(said))
        if self._cursor is not None:
            self._cursor.told(self.counts.bytes)

    def _quiet(self) -> None:
        """Wait for the next block; say when it takes too long."""
        self._signs.quiet()
        self._pend()
        if self._follower.source.is_live:
            self._await_news()
        else:
            self._wait(self._poll_s)

    def _await_news(self) -> None:
        """Wait until there may be a new block, in steps as ``_wait``; write what is pending meanwhile."""
        now = self._clock.now()
        patience_s = min(LIVE_POLL_S, self._signs.stall_s or LIVE_POLL_S)
        while (left := now + patience_s - self._clock.now()) > 0:
            if self._follower.source.wait(min(left, LOOK_S)):
                return
            self._clock.sleep(0.0)
            self._pend()
            if self._cursor is not None:
                self._cursor.offer(self._follower.places)

    def _pend(self) -> None:
        """Write pending transactions that are new."""
        if not self._pending:
            return
        try:
            lines = self._follower.source.pending()
        except Blind:
            return  # the next block is asked for soon, and says so
        for line in lines:
            self._signs.write(line)
        self.counts.pending += len(lines)
        if lines:
            self._signs.flush()

    def _wait(self, seconds: float) -> None:
        """Wait, in steps short enough to see that the reader is gone, or has taken more."""
        end = self._clock.now() + seconds
        while (left := end - self._clock.now()) > 0:
            self._clock.sleep(min(left, LOOK_S))
            if self._cursor is not None:
                self._cursor.offer(self._follower.places)
