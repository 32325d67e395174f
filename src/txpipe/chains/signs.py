"""Signs of life of txtail: what it writes is counted, and when nothing comes, that is said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from txpipe import record
from txpipe.chains.follow import Follower
from txpipe.chains.nodes import Blind

LONGEST_WAIT_S = 1.0
"""Seconds after which a node is tried again at the latest, or said to be silent still."""


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


class Signs:
    """Writes lines out, and says on stderr and as heartbeats when none come.

    Attributes:
        chain: CAIP-2; None while no node said, and nobody else: then there is no heartbeat.
        follower: who tells how far it is; None before it begins.
        clock: tells time.
        counts: what was written so far.
        is_blind: no node answers now.
    """

    def __init__(
        self, chain: str | None, out: Out, clock: Clock, say: Callable[[str], None], stall_s: float = 60.0
    ) -> None:
        """Take where to write.

        Args:
            chain: CAIP-2, if known.
            out: takes lines.
            clock: tells time.
            say: takes a message for people.
            stall_s: seconds without a new block after which that is said; 0 is never.
        """
        self.chain = chain
        self.follower: Follower | None = None
        self.clock = clock
        self.counts = Counts()
        self.stall_s = stall_s
        self._out = out
        self._say = say
        self._came = self._said = clock.now()
        self.is_blind = False
        self._is_stalled = False

    def write(self, line: bytes) -> None:
        """Write a line."""
        self.counts.bytes += len(line)
        self._out.write(line)

    def flush(self) -> None:
        """Hand on what was written."""
        self._out.flush()

    def came(self) -> None:
        """Note that a block came."""
        self._came = self._said = self.clock.now()

    def flows(self) -> None:
        """Say that blocks come again, if it was said that none do."""
        if self._is_stalled:
            self._is_stalled = False
            self._beat("ok")

    def answered(self) -> None:
        """Say that a node answers again, if it was said that none does."""
        if self.is_blind:
            self.is_blind = False
            self._say("a node answers again")
            if not self._is_stalled:
                self._beat("ok")

    def begins(self) -> None:
        """Say that the first block is not there yet, unless it is the one that comes next."""
        head, at = (None, None) if self.follower is None else (self.follower.head, self.follower.at)
        if head is not None and at is not None and at > head.height + 1:
            self._say(f"block {at:,} is not there yet: the newest is {head.height:,}")

    def blind(self, exc: Blind) -> float:
        """Say that no node answers; returns seconds until one should be asked again."""
        if not self.is_blind:
            self.is_blind = True
            self.counts.blind += 1
            self._say(f"no node answers ({exc}); trying on")
            self._beat("blind")
            self._said = self.clock.now()
        self._repeat("blind", "still no answer from any node")
        return min(max(exc.wait_s, 0.05), LONGEST_WAIT_S)

    def await_node(self, exc: Blind) -> None:
        """Say that no node answers, and wait until one may be asked again; there is no follower yet."""
        self.clock.sleep(self.blind(exc))

    def quiet(self) -> None:
        """Say that no new block comes, if it takes too long."""
        if self._repeat("stalled", "no new block"):
            self._is_stalled = True

    def _repeat(self, status: str, what: str) -> bool:
        """Say every ``stall_s`` that nothing comes; whether it did just now."""
        now = self.clock.now()
        if not self.stall_s or now - self._said < self.stall_s:
            return False
        self._said = now
        last = self.last()
        self._say(
            f"{what} for {now - self._came:,.0f} s" + ("" if last is None else f"; the last was {last:,}")
        )
        self._beat(status)
        return True

    def last(self) -> int | None:
        """Return the height of the last block written."""
        try:
            return None if self.follower is None else self.follower.ring[-1].height
        except IndexError:
            return None

    def _beat(self, status: str) -> None:
        """Write a heartbeat."""
        if self.chain is None:
            return
        head = self.follower.head if self.follower is not None else None
        now = int(self.clock.unix())
        said: dict[str, Any] = {
            "type": "heartbeat",
            "chain": self.chain,
            "time": now,
            "status": status,
            "block": self.last(),
            "lag_s": 0 if head is None else max(0, now - head.time),
            "records": self.counts.records,
            "bad": 0,
            "source": "txtail",
        }
        self.write(record.dumps(said))
        self.flush()
