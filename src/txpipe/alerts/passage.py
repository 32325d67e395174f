"""One pass of alerts: from an input, past filters and to receivers, out to stdout."""

from __future__ import annotations

import functools
import time
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
        if deadman_s is not None:
            self._watch(running, deadman_s)
        batches = stream.numbered_batches(self._source, self._before_read, self._bad, MAX_LINE)
        in_full = not self._writer.is_plain or (running is not None and running.in_full)
        read = intake.in_full if in_full else intake.outlines()
        if self._writer.head:
            self._sink.write(self._writer.head)
        for items in intake.taken(batches, self._source.name, self._bad, read):
            if self.deadman is not None:
                self.deadman.hear(items)
            self.tally.incoming(items)
            wanted = select.selected(items, self._wanted)
            self._let_out(wanted if self._recent is None else once(wanted, self._recent), running)

    def _let_out(self, items: list[Item], running: Delivery | None) -> None:
        """Count what is let through, note it for delivery, and write it."""
        data = self._writer.written(items)  # first, for a signal may come: what is noted is what leaves
        self.tally.outgoing(items)
        if running is not None:
            running.courier.note(items)
        if data:
            self._sink.write(data)

    def _before_read(self) -> None:
        """Let go what is finished; with a dead man's switch, wait for input as it does."""
        self._sink.flush()
        if self.deadman is not None:
            self.deadman.idle()

    def _watch(self, running: Delivery | None, after_s: float) -> None:
        """Tell of silence from now on."""
        from txpipe.alerts.deadman import DeadMan  # noqa: PLC0415 - only where asked for
        from txpipe.alerts.episodes import Episodes  # noqa: PLC0415

        def tell(item: Item) -> None:
            self._let_out([item], running)
            self._sink.flush()

        clock = Clock(time.monotonic, time.time, functools.partial(ready, self._source.fd))
        episodes = Episodes(None if running is None else running.spool.database)
        self.deadman = DeadMan(after_s, self._source.name, episodes, clock, tell)
