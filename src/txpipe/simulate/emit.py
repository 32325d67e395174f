"""From blocks to sinks: cut to length, keep pace, count."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from txpipe.simulate.simulator import Block
from txpipe.sink import Sink, open_sink

_SHORTEST_NAP_S = 0.001
_LONGEST_NAP_S = 3600.0  # time.sleep refuses what a tiny rate asks for
_MOST_DUE = 1e18
_ROUNDING = 1e-6


def write_file(path: str, data: bytes) -> None:
    """Write a whole file, or to stdout for ``-``."""
    sink = open_sink(path)
    sink.write(data)
    sink.close()


def bounded(
    blocks: Iterable[Block], records: int | None, duration: float | None, start: int | None = None
) -> Iterator[Block]:
    """Yield blocks up to a number of records and a span of event time, whichever ends first.

    Args:
        blocks: the stream from its start.
        records: lines of any type; the last block is cut to fit. None is no limit.
        duration: seconds of event time from ``start`` on. None is no limit.
        start: event time of the main part's first block. None is the time of the first block there is.
    """
    left = math.inf if records is None else records
    span = math.inf if duration is None else duration
    end = None if start is None else start + span
    for block in blocks:
        if end is None:
            end = block.time + span
        if left <= 0 or block.time >= end:
            return
        fits = block.records <= left
        yield block if fits else _part(block, block.data.splitlines(keepends=True), 0, int(left))
        left -= block.records


def _part(block: Block, lines: Sequence[bytes], start: int, end: int) -> Block:
    """Take some of a block's lines, and the labels of records among them."""
    taken = lines[start:end]
    return replace(
        block,
        data=b"".join(taken),
        records=len(taken),
        transactions=sum(b',"n":0,' in line for line in taken),
        labels=[label for label in block.labels if start <= label.place < end],
    )


@dataclass(slots=True)
class Totals:
    """What went out.

    Attributes:
        clock: monotonic seconds.
        records: lines of records.
        transactions: transactions begun.
        labelled: labels, of fraud and of look-alikes.
    """

    clock: Callable[[], float]
    records: int = 0
    transactions: int = 0
    labelled: int = 0
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        """Start the clock."""
        self._began = self.clock()

    def add(self, block: Block) -> None:
        """Count a block."""
        self.records += block.records
        self.transactions += block.transactions
        self.labelled += len(block.labels)

    def summary(self) -> str:
        """Return one line for people."""
        elapsed_s = max(self.clock() - self._began, 1e-9)
        return (
            f"{self.records:,} records, {self.transactions:,} transactions, {self.labelled:,} labelled; "
            f"{self.records / elapsed_s:,.0f} records/s"
        )


@dataclass(slots=True)
class Sinks:
    """Where records go, and labels if anyone wants them."""

    records: Sink
    labels: Sink | None = None

    def write(self, block: Block) -> None:
        """Take a block or a part of one."""
        self.records.write(block.data)
        if self.labels is not None:
            for label in block.labels:
                self.labels.write(label.line)

    def flush(self) -> None:
        """Flush both."""
        self.records.flush()
        if self.labels is not None:
            self.labels.flush()


class Pace:
    """A schedule by the clock; who falls behind catches up, so that it never drifts."""

    def __init__(
        self, rate: float, clock: Callable[[], float], sleep: Callable[[float], None], since: int = 0
    ) -> None:
        """Take records per second, monotonic seconds and what waits for some; and the main part's start.

        Blocks from before the start, which are the past, come at once.
        """
        self._since = since
        self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._began = clock()
        self._written = 0

    def parts(self, block: Block, before_sleep: Callable[[], None]) -> Iterator[Block]:
        """Yield a block in the parts that are due, each when its time has come."""
        if block.time < self._since:
            yield block
            return
        lines = block.data.splitlines(keepends=True)
        done = 0
        while done < len(lines):
            elapsed_s = self._clock() - self._began
            due = int(min(elapsed_s * self._rate, _MOST_DUE) + _ROUNDING) + 1 - self._written
            if due <= 0:
                before_sleep()
                nap_s = self._written / self._rate - elapsed_s
                self._sleep(min(max(nap_s, _SHORTEST_NAP_S), _LONGEST_NAP_S))
                continue
            upto = min(done + due, len(lines))
            self._written += upto - done
            yield _part(block, lines, done, upto)
            done = upto


def emit(blocks: Iterable[Block], sinks: Sinks, pace: Pace | None, totals: Totals) -> None:
    """Write blocks and their labels; flush before every sleep.

    Args:
        blocks: what to write.
        sinks: the one for labels is closed at the end, however it comes.
        pace: the schedule; None is as fast as possible.
        totals: counts along.
    """
    try:
        for block in blocks:
            for part in (block,) if pace is None else pace.parts(block, sinks.flush):
                sinks.write(part)
                totals.add(part)
    finally:
        if sinks.labels is not None:
            sinks.labels.close()
