"""A followed chain written out: records in order, reorgs, and a word when nothing comes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from txpipe import record
from txpipe.chains.follow import RING, Block, Dropped, Follower
from txpipe.chains.nodes import Blind

if TYPE_CHECKING:
    from txpipe.chains.cursor import Cursor

LONGEST_WAIT_S = 1.0
"""Seconds after which a node is tried again at the latest, or said to be silent still."""

LIVE_POLL_S = 10.0
"""Seconds after which a node that says by itself when there is a new block is asked all the same."""

LOOK_S = 0.25
"""Seconds between two looks at the reader while nothing comes."""


class Out(Protocol):
    """Where lines go."""

    def write(self, data: bytes) -> None:
        """Take whole lines."""

    def flush(self) -> None:
        """Hand them on."""


@dataclass(slots=True)
class Clock:
    """Time as the tail needs it.

    Attributes:
        now: monotonic seconds.
        unix: Unix seconds.
        sleep: waits so many seconds, and may raise where the reader is gone.
    """

    now: Callable[[], float]
    unix: Callable[[], float]
    sleep: Callable[[float], None]


@dataclass(slots=True)
class Counts:
    """What was written."""

    blocks: int = 0
    records: int = 0
    reorgs: int = 0
    dropped: int = 0
    blind: int = 0
    pending: int = 0
    bytes: int = 0

    def __str__(self) -> str:
        pending = f" and {self.pending:,} of pending transactions" if self.pending else ""
        return (
            f"{self.blocks:,} blocks, {self.records:,} records{pending}, {self.reorgs:,} reorgs "
            f"({self.dropped:,} blocks dropped), {self.blind:,} times without an answer"
        )


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
        out: Out,
        clock: Clock,
        say: Callable[[str], None],
        *,
        cursor: Cursor | None = None,
        poll_s: float = 1.0,
        stall_s: float = 60.0,
        pending: bool = False,
    ) -> None:
        """Take what to follow.

        Args:
            follower: gives blocks.
            chain: CAIP-2.
            out: takes lines.
            clock: tells time.
            say: takes a message for people.
            cursor: notes how far it came; None if nobody asked.
            poll_s: seconds between two looks for a new block.
            stall_s: seconds without a new block after which that is said; 0 is never.
            pending: write pending transactions, too.
        """
        self._follower = follower
        self._chain = chain
        self._out = out
        self._clock = clock
        self._say = say
        self._cursor = cursor
        self._poll_s = poll_s
        self._stall_s = stall_s
        self._pending = pending
        self._dropped: Dropped | None = None
        self._came = self._said = clock.now()
        self._is_blind = False
        self._is_stalled = False
        self.counts = Counts()
        self.progress: Callable[[Follower], None] | None = None

    def run(self, *, to_the_end: bool) -> None:
        """Follow until the follower is done, or for ever.

        Args:
            to_the_end: stop at the newest block there is now; what comes later is left.
        """
        while not self._follower.is_done:
            try:
                found = self._follower.step()
            except Blind as exc:
                self._blind(exc)
                continue
            self._seen()
            if to_the_end:
                self._follower.stop_here()
                to_the_end = False
            if found:
                self._written(found)
            elif not self._follower.is_done:
                self._quiet()
        self._out.flush()

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
        self._out.flush()
        if self._is_stalled:
            self._is_stalled = False
            self._beat("ok")
        if self._cursor is not None:
            self._cursor.offer(self._follower.places)
        if self.progress is not None:
            self.progress(self._follower)

    def _block(self, block: Block) -> None:
        """Write a block, after what was dropped for it."""
        if self._dropped is not None:
            self._reorg(self._dropped, block.time)
            self._dropped = None
        self._write(b"".join(block.lines))
        self.counts.blocks += 1
        self.counts.records += len(block.lines)
        if self._cursor is not None:
            self._cursor.mark(self.counts.bytes, block.height + 1)
        self._came = self._said = self._clock.now()

    def _is_near(self) -> bool:
        """Whether the blocks at hand may still be dropped."""
        head, at = self._follower.head, self._follower.at
        return head is not None and at is not None and head.height - at < RING

    def _reorg(self, dropped: Dropped, time: int) -> None:
        self.counts.reorgs += 1
        self.counts.dropped += dropped.depth
        self._record(
            {
                "type": "reorg",
                "chain": self._chain,
                "time": time,
                "block": dropped.height,
                "depth": dropped.depth,
                "dropped": list(dropped.txs),
            }
        )
        if self._cursor is not None:
            self._cursor.told(self.counts.bytes)

    def _seen(self) -> None:
        """Note that a node answered."""
        if self._is_blind:
            self._is_blind = False
            self._say("a node answers again")
            if not self._is_stalled:
                self._beat("ok")

    def _blind(self, exc: Blind) -> None:
        """Say that no node answers, and wait until one may be asked again."""
        if not self._is_blind:
            self._is_blind = True
            self.counts.blind += 1
            self._say(f"no node answers ({exc}); trying on")
            self._beat("blind")
            self._said = self._clock.now()
        self._repeat("blind", "still no answer from any node")
        self._wait(min(max(exc.wait_s, 0.05), LONGEST_WAIT_S))

    def _quiet(self) -> None:
        """Wait for the next block; say when it takes too long."""
        if self._repeat("stalled", "no new block"):
            self._is_stalled = True
        self._pend()
        if self._follower.source.is_live:
            self._await_news()
        else:
            self._wait(self._poll_s)

    def _repeat(self, status: str, what: str) -> bool:
        """Say every ``stall_s`` that nothing comes; whether it did just now."""
        now = self._clock.now()
        if not self._stall_s or now - self._said < self._stall_s:
            return False
        self._said = now
        self._say(f"{what} for {now - self._came:,.0f} s{self._last()}")
        self._beat(status)
        return True

    def _last(self) -> str:
        ring = self._follower.ring
        return f"; the last was {ring[-1].height:,}" if ring else ""

    def _beat(self, status: str) -> None:
        """Write a heartbeat."""
        ring, head, now = self._follower.ring, self._follower.head, self._clock.unix()
        self._record(
            {
                "type": "heartbeat",
                "chain": self._chain,
                "time": int(now),
                "status": status,
                "block": ring[-1].height if ring else None,
                "lag_s": 0 if head is None else max(0, int(now) - head.time),
                "records": self.counts.records,
                "bad": 0,
                "source": "txtail",
            }
        )
        self._out.flush()

    def _await_news(self) -> None:
        """Wait until there may be a new block, in steps as ``_wait``; write what is pending meanwhile."""
        now = self._clock.now()
        patience_s = min(LIVE_POLL_S, self._stall_s or LIVE_POLL_S)
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
            self._write(line)
        self.counts.pending += len(lines)
        if lines:
            self._out.flush()

    def _wait(self, seconds: float) -> None:
        """Wait, in steps short enough to see that the reader is gone, or has taken more."""
        end = self._clock.now() + seconds
        while (left := end - self._clock.now()) > 0:
            self._clock.sleep(min(left, LOOK_S))
            if self._cursor is not None:
                self._cursor.offer(self._follower.places)

    def _record(self, one: dict[str, Any]) -> None:
        self._write(record.dumps(one))

    def _write(self, line: bytes) -> None:
        self.counts.bytes += len(line)
        self._out.write(line)
