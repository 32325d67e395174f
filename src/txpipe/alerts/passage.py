"""One pass of alerts: from an input, past filters and to receivers, out to stdout."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from txpipe import stream
from txpipe.alerts import intake, select
from txpipe.alerts.dedupe import Recent, once
from txpipe.alerts.forms import Writer
from txpipe.alerts.intake import Item
from txpipe.alerts.tally import Tally
from txpipe.clock import Clock
from txpipe.descriptor import ready
from txpipe.sink import Sink

if TYPE_CHECKING:
    from txpipe.alerts.deadman import DeadMan
    from txpipe.alerts.deliver import Delivery

MAX_LINE = stream.MAX_LINE + (64 << 10)
"""Bytes of an alert: it holds a record, which may be as long as a line, and what was found in it."""


class Passage:
    """Takes alerts from an input to stdout.

    Attributes:
        tally: counts them.
        deadman: tells of silence; None if nobody asked.
    """

    def __init__(  # noqa: PLR0913 - from where, to where, and what is done on the way
        self,
        source: stream.Source,
        sink: Sink,
        bad: stream.BadLines,
        writer: Writer,
        wanted: select.Selection,
        *,
        dedupe: bool = False,
    ) -> None:
        """Take where from and where to.

        Args:
            source: the input.
            sink: stdout.
            bad: reports lines that are no records.
            writer: writes records in their form.
            wanted: which alerts are let through.
            dedupe: let each through once.
        """
        self.tally = Tally(bad)
        self.deadman: DeadMan | None = None
        self._source = source
        self._sink = sink
        self._bad = bad
        self._writer = writer
        self._wanted = wanted
        self._recent = Recent() if dedupe else None

    def run(self, running: Delivery | None = None, deadman_s: float | None = None) -> None:
        """Take everything through.

        Args:
            running: delivers what is let through, too.
            deadman_s: seconds of silence that are an alert; None is never.

        Raises:
            InputFailed: the input broke off; SinkFailed: stdout or the spool takes no more.
        """
        before_block: Callable[[], None] = self._sink.flush
        heard: Callable[[Iterable[Item]], Iterable[Item]] = iter
        if deadman_s is not None:
            before_block, heard = self._watched(running, deadman_s)
        lines = stream.numbered_lines(self._source, before_block, self._bad, MAX_LINE)
        in_full = not self._writer.is_plain or (running is not None and running.in_full)
        read = intake.in_full if in_full else intake.outlines()
        items = heard(intake.taken(lines, self._source.name, self._bad, read))
        items = select.selected(self.tally.incoming(items), self._wanted)
        if self._recent is not None:
            items = once(items, self._recent)
        if self._writer.head:
            self._sink.write(self._writer.head)
        for data in self._out(items, running):
            self._sink.write(data)

    def _out(self, items: Iterable[Item], running: Delivery | None) -> Iterator[bytes]:
        """Count what is let through, note it for delivery, and yield it as it is written."""
        items = self.tally.outgoing(items)
        if running is not None:
            items = running.courier.carried(items)
        return filter(None, map(self._writer.write, items))

    def _watched(
        self, running: Delivery | None, after_s: float
    ) -> tuple[Callable[[], None], Callable[[Iterable[Item]], Iterator[Item]]]:
        """Return what waits for input in place of a read, and what hears of records."""
        from txpipe.alerts.deadman import DeadMan  # noqa: PLC0415 - only where asked for
        from txpipe.alerts.episodes import Episodes  # noqa: PLC0415

        def tell(item: Item) -> None:
            for data in self._out([item], running):
                self._sink.write(data)
            self._sink.flush()

        def idle() -> None:
            self._sink.flush()
            deadman.idle()

        clock = Clock(time.monotonic, time.time, functools.partial(ready, self._source.fd))
        episodes = Episodes(None if running is None else running.spool.database)
        deadman = self.deadman = DeadMan(after_s, self._source.name, episodes, clock, tell)
        return idle, deadman.heard
