"""From an input's bytes to alerts, by parsing every line or by screening raw bytes first."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from txpipe import stream
from txpipe.detect.engine import Engine
from txpipe.errors import BadLine, InputFailed, RecordFault
from txpipe.lists.index import Index
from txpipe.stream import BadLines, Source, TooLong
from txpipe.window import windows

if TYPE_CHECKING:
    from txpipe.detect.screen import Scanner

PARSED_FIRST = 100
"""Lines at the start of an input that are parsed whatever they hold."""


@dataclass(slots=True)
class Reading:
    """One pass over one input.

    Attributes:
        engine: takes the lines.
        source: the input.
        bad: reports lines that are no records.
        idle: called before every read, to flush what was found.
        lines: lines read so far, blank ones included.
        started: monotonic seconds at which it began; only the summary looks at it.
    """

    engine: Engine
    source: Source
    bad: BadLines
    idle: Callable[[], None]
    lines: int = 0
    started: float = field(default_factory=time.monotonic)
    _numbered: tuple[int, int] = (0, 0)

    def alerts(self, screen_with: Index | None) -> Iterator[bytes]:
        """Yield the input's alerts as lines, as soon as each is certain.

        Args:
            screen_with: look for its addresses in raw bytes and parse only the lines that hit; None parses
                every line. Both ways find the same; a line that is not parsed is checked for its framing. The
                first PARSED_FIRST lines are always parsed, so that input of another kind does not pass for
                records in which nothing is listed.

        Raises:
            BadLine: under --strict.
            InputFailed: the input broke off.
        """
        try:
            yield from self._parsed() if screen_with is None else self._screened(screen_with)
        except (BadLine, InputFailed, KeyboardInterrupt):
            yield from self.engine.end()  # what waited for more is not lost with it
            raise
        yield from self.engine.end()

    def summary(self) -> str:
        """Say in one line what was read and found so far."""
        seconds = time.monotonic() - self.started
        rate = f", {self.lines / seconds:,.0f} lines/s" if seconds > 0 else ""
        return (
            f"{self.lines:,} lines read, {self.engine.alerts:,} alerts, {self.engine.silenced:,} silenced by"
            f" allow-lists, {self.bad.count:,} bad lines in {seconds:,.1f} s{rate}"
        )

    def _parsed(self) -> Iterator[bytes]:
        for number, line in stream.numbered_lines(self.source, self.idle, self.bad):
            self.lines = number
            yield from self._feed(line, lambda: self.lines)

    def _screened(self, index: Index) -> Iterator[bytes]:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # no linear algebra here: start no threads for it
        from txpipe.detect.screen import Scanner  # noqa: PLC0415 - numpy costs 80 ms

        scanner: Scanner | None = None
        for window in windows(self.source, self.idle):
            if isinstance(window, TooLong):
                self.lines += 1
                self.bad.report(self.source.name, self.lines, stream.too_long(window, stream.MAX_LINE))
                continue
            buffer, size = window
            if scanner is None:
                scanner = Scanner(index, buffer)
            yield from self._screen(scanner, size)

    def _screen(self, scanner: Scanner, size: int) -> Iterator[bytes]:
        """Parse the lines of one window that need it, in order, and those that the engine waits for."""
        buffer = scanner.buffer
        count, starts = scanner.misframed(size)
        starts.update(buffer.rfind(b"\n", 0, place) + 1 for place in scanner.candidates(size))
        starts |= lines_with(b"\\", buffer, size)
        starts |= first_lines(buffer, size, PARSED_FIRST - self.lines)
        todo = iter(sorted(starts))
        at = 0
        while True:
            start = at if self.engine.waiting else next((start for start in todo if start >= at), size)
            if start >= size:
                break
            at = buffer.find(b"\n", start, size) + 1
            line = bytes(buffer[start : at - 1])
            if line and not line.isspace():
                yield from self._feed(line, functools.partial(self._number, buffer, start))
        self.lines += count

    def _number(self, buffer: bytearray, start: int) -> int:
        """Return the number of the line that starts at a place; places come in order within a window."""
        before, place = self._numbered if self._numbered[0] >= self.lines else (self.lines, 0)
        self._numbered = (before + buffer.count(b"\n", place, start), start)
        return self._numbered[0] + 1

    def _feed(self, line: bytes, number: Callable[[], int]) -> Iterator[bytes]:
        try:
            yield from self.engine.feed(line)
        except RecordFault as fault:
            self.bad.report(self.source.name, number(), str(fault))


def first_lines(buffer: bytearray, size: int, count: int) -> set[int]:
    """Return where the first lines start, as many as asked for."""
    starts: set[int] = set()
    at = 0
    while at < size and len(starts) < count:
        starts.add(at)
        at = buffer.find(b"\n", at, size) + 1
    return starts


def lines_with(text: bytes, buffer: bytearray, size: int) -> set[int]:
    """Return where the lines start that hold a text."""
    starts = set()
    at = buffer.find(text, 0, size)
    while at >= 0:
        starts.add(buffer.rfind(b"\n", 0, at) + 1)
        at = buffer.find(text, buffer.find(b"\n", at, size), size)
    return starts
