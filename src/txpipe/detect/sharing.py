"""From an input's bytes to alerts with several processes (``--jobs``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from txpipe import stream
from txpipe.descriptor import ready
from txpipe.detect.crew import AHEAD, Batch, Crew
from txpipe.detect.engine import Engine
from txpipe.detect.paths import Reading
from txpipe.detect.places import is_blank, scanner_of, suspects
from txpipe.errors import InputFailed, RecordFault
from txpipe.lists.index import Index
from txpipe.stream import BadLines, Source, TooLong
from txpipe.window import windows

if TYPE_CHECKING:
    from txpipe.detect.screen import Scanner


class SharedReading(Reading):
    """One pass over one input, whose lines several processes take."""

    def __init__(
        self, engine: Engine, crew: Crew, source: Source, bad: BadLines, idle: Callable[[], None]
    ) -> None:
        """Take the engine, and who works for it; the rest as for one process."""
        super().__init__(engine, source, bad, idle)
        self._engine = engine
        self._crew = crew

    def _begin(self) -> None:
        """Wait with that: processes are still to be made."""

    def _parsed(self) -> Iterator[bytes]:
        yield from self._shared(None, whole=True)

    def _watched(self, index: Index | None) -> Iterator[bytes]:
        yield from self._shared(index, whole=False)

    def _shared(self, index: Index | None, *, whole: bool) -> Iterator[bytes]:
        """Hand the lines out, and say what was found in their order.

        Args:
            index: the blocklists, if raw bytes can be searched for them.
            whole: parse every line as a whole.
        """
        crew = self._crew
        crew.start()
        self.begun()
        scanner: Scanner | None = None
        try:
            for window in windows(self.source, self._before_read):
                if isinstance(window, TooLong):
                    yield from self._gathered(0)
                    self.lines += 1
                    self.bad.report(self.source.name, self.lines, stream.too_long(window, stream.MAX_LINE))
                    continue
                buffer, size = window
                if index is not None and scanner is None:
                    scanner = scanner_of(index, buffer)
                text = bytes(memoryview(buffer)[: size - 1])
                count = text.count(b"\n") + 1
                fed = list(range(count)) if whole else suspects(text, scanner, buffer, size)
                yield from self._gathered(AHEAD - 1)
                crew.hand_out(text, fed, self.lines + 1)
                self.lines += count
                if not ready(self.source.fd):
                    yield from self._gathered(0)
        except InputFailed:
            yield from self._gathered(0)
            raise  # after a Ctrl-C some processes may be a window ahead of others: what is out stands
        yield from self._gathered(0)

    def _gathered(self, left: int) -> Iterator[bytes]:
        """Take what was found in windows that were handed out, until so many are left."""
        engine, crew = self._engine, self._crew
        while len(crew.waiting) > left:
            batch = crew.collect()
            at = 0
            for stop in (*sorted(batch.todo | batch.found.keys()), len(batch.lines)):
                while at < stop and engine.waiting:
                    yield from self._whole(batch, at)
                    at += 1
                at = stop + 1
                if stop < len(batch.lines):
                    yield from self._whole(batch, stop)
            for lack in batch.lacks:
                self.bad.say(lack)
            if self.pulse is not None:
                self.pulse.look(batch.lines)

    def _whole(self, batch: Batch, at: int) -> Iterator[bytes]:
        """Take a line of a window whose findings are back."""
        engine, crew = self._engine, self._crew
        line, crew.at_hand = batch.lines[at], batch.found.get(at, ())
        crew.refused = batch.refused.get(at)
        if not is_blank(line):
            if at in batch.todo or engine.waiting:
                yield from self._feed(line, lambda: batch.first + at)
            else:
                try:
                    yield from engine.hear(line, crew.at_hand)
                except RecordFault as fault:
                    self.bad.report(self.source.name, batch.first + at, str(fault))
