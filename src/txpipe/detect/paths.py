"""From an input's bytes to alerts, by parsing every line or by screening raw bytes first."""

from __future__ import annotations

import functools
import io
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from txpipe import stream
from txpipe.descriptor import ready
from txpipe.detect.engine import Engine
from txpipe.detect.keeper import Keeper
from txpipe.detect.places import first_lines, is_blank, last_lines, lines_with, may_hold, scanner_of, suspects
from txpipe.detect.pulse import LOOKED_AT, Pulse
from txpipe.detect.shadow import Shadowed
from txpipe.errors import BadLine, InputFailed, RecordFault
from txpipe.lists.index import Index
from txpipe.stream import BadLines, Source, TooLong
from txpipe.window import PARSED_WINDOW, WINDOW, windows

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
        keeper: saves the state where blocks end and at the end; None if none is kept.
        pulse: writes heartbeats; None if nobody asked (``listen``).
        begun: called once it has begun, when no further process is made.
        lines: lines read so far, blank ones included.
        started: monotonic seconds at which it began; only the summary looks at it.
    """

    engine: Engine | Shadowed
    source: Source
    bad: BadLines
    idle: Callable[[], object]
    keeper: Keeper | None = None
    pulse: Pulse | None = None
    begun: Callable[[], None] = lambda: None
    lines: int = 0
    started: float = field(default_factory=time.monotonic)
    _numbered: tuple[int, int] = (0, 0)

    def listen(self, pulse: Pulse) -> None:
        """Let something hear of signs of life, and write heartbeats before reads."""
        self.pulse = self.engine.pulse = pulse
        self.idle = self._await

    def _before_read(self) -> None:
        """Save what is to be saved, and flush what was found."""
        self._say_lacks()
        if self.keeper is not None:
            self.keeper.rest(self._await)
        self.idle()

    def _await(self, seconds: float = math.inf) -> bool:
        """Flush what was found, and wait for input; whether there is some."""
        if self.pulse is not None:
            return self.pulse.idle(self.lines - self.bad.count, self.bad.count, seconds)
        self.idle()
        return ready(self.source.fd, seconds)

    def alerts(self, index: Index | None, *, strict: bool = False) -> Iterator[bytes]:
        """Yield the input's alerts as lines, as soon as each is certain.

        Without rules about conduct, lines that hold no listed address are checked for their framing only; the
        first PARSED_FIRST lines are always parsed, so that input of another kind does not pass for records in
        which nothing is listed. With them every line is parsed, and checked for what they read of it.

        Args:
            index: the blocklists; where raw bytes can be searched for it, only lines that hit are screened,
                which finds the same.
            strict: check every key of every line.

        Raises:
            BadLine: under --strict.
            InputFailed: the input broke off.
        """
        keeper = self.keeper
        self._begin()
        for alert in self._alerts(index, strict=strict):
            if keeper is not None and alert.startswith(b'{"type":"alert"'):
                keeper.note(alert)
            yield alert

    def _begin(self) -> None:
        self.begun()

    def _alerts(self, index: Index | None, *, strict: bool) -> Iterator[bytes]:
        if self.engine.conduct is not None:
            kept = self.keeper is not None  # the next run may bring the reorg
            self.engine.conduct.reorgs = kept or may_hold(self.source.fd, b'"reorg"')
        try:
            if strict or (index is not None and not index.scannable):
                yield from self._parsed()
            elif self.engine.conduct is not None:
                yield from self._watched(index)
            elif index is None or self.keeper is not None:
                yield from self._parsed()
            else:
                yield from self._screened(index)
        except KeyboardInterrupt:  # perhaps in the middle of a record: the last saved state stands
            self.keeper = None
            yield from self._end()
            raise
        except (BadLine, InputFailed):
            yield from self._end()  # what waited for more is not lost with it
            raise
        yield from self._end()

    def _end(self) -> Iterator[bytes]:
        yield from self.engine.end()
        self._say_lacks()
        if self.keeper is not None:
            self.keeper.save()

    def _say_lacks(self) -> None:
        conduct, position = self.engine.conduct, self.engine.position
        if position is not None and position.doubts:
            for doubt in position.doubts:
                self.bad.say(doubt)
            position.doubts.clear()
        for lack in conduct.blind_to(self.lines) if conduct else ():
            self.bad.say(lack)

    def remarks(self) -> str:
        """Say what a user should know at the end, whether or not a summary is wanted; nothing mostly."""
        if isinstance(self.engine, Shadowed):
            return self.engine.difference()
        said = []
        position, conduct = self.engine.position, self.engine.conduct
        if position is not None and position.skipped:
            said.append(f"{position.skipped:,} records passed over: the saved state holds them already")
        if conduct is not None and conduct.forgotten:
            said.append(f"{conduct.forgotten:,} accounts forgotten to stay within {conduct.limit}")
        if self.engine.undone_in_part:
            undone = f"{self.engine.undone_in_part:,} reorgs undone in part"
            said.append(f"{undone}: deeper than blocks and their alerts are kept")
        return "\n".join(said)

    def summary(self) -> str:
        """Say in one line what was read and found so far."""
        seconds = time.monotonic() - self.started
        rate = f", {self.lines / seconds:,.0f} lines/s" if seconds > 0 else ""
        conduct = self.engine.conduct
        kept = f", {conduct.accounts:,} accounts kept" if conduct else ""
        return (
            f"{self.lines:,} lines read, {self.engine.alerts:,} alerts, {self.engine.silenced:,} silenced by"
            f" allow-lists, {self.bad.count:,} bad lines{kept} in {seconds:,.1f} s{rate}"
        )

    def _parsed(self) -> Iterator[bytes]:
        for number, line in stream.numbered_lines(self.source, self._before_read, self.bad):
            self.lines = number
            yield from self._feed(line, lambda: self.lines)
            if self.keeper is not None and self.engine.block_ended:
                self.keeper.offer()

    def _screened(self, index: Index) -> Iterator[bytes]:
        scanner: Scanner | None = None
        for buffer, size in self._windows(WINDOW):
            if scanner is None:
                scanner = scanner_of(index, buffer)
            yield from self._screen(scanner, size)
            if self.pulse is not None:
                self.pulse.look(last_lines(buffer, size, LOOKED_AT))

    def _watched(self, index: Index | None) -> Iterator[bytes]:
        """Parse every line; screen those that may hit."""
        scanner: Scanner | None = None
        for buffer, size in self._windows(PARSED_WINDOW):
            if index is not None and scanner is None:
                scanner = scanner_of(index, buffer)
            text = bytes(memoryview(buffer)[:size])
            lines = list(io.BytesIO(text))  # in a third of the time that split() takes
            yield from self._watch(lines, suspects(text, scanner, buffer, size))
            self._say_lacks()
            if self.pulse is not None:
                self.pulse.look([line[:-1] for line in lines[-LOOKED_AT:]])

    def _watch(self, lines: list[bytes], fed: list[int]) -> Iterator[bytes]:
        """Take the lines of one window.

        Args:
            lines: all of it, each with its newline.
            fed: the numbers of those that must be parsed as a whole, in order.
        """
        engine, before = self.engine, self.lines
        at = 0
        for stop in (*fed, len(lines)):
            while at < stop:
                yield from engine.run(lines, at, stop)
                at = engine.taken
                while at < stop and is_blank(lines[at]):
                    at += 1
                if at < stop:
                    yield from self._fed(lines[at][:-1], before + at + 1)
                    at += 1
            if at < len(lines):
                yield from self._fed(lines[at][:-1], before + at + 1)
                at += 1
        self.lines = before + len(lines)

    def _fed(self, line: bytes, number: int) -> Iterator[bytes]:
        self.lines = number
        if not is_blank(line):
            yield from self._feed(line, lambda: number)
        if self.keeper is not None and self.engine.block_ended:
            self.keeper.offer()

    def _windows(self, bytes_each: int) -> Iterator[tuple[bytearray, int]]:
        for window in windows(self.source, self._before_read, size=bytes_each):
            if isinstance(window, TooLong):
                self.lines += 1
                self.bad.report(self.source.name, self.lines, stream.too_long(window, stream.MAX_LINE))
            else:
                yield window

    def _screen(self, scanner: Scanner, size: int) -> Iterator[bytes]:
        """Parse the lines of one window that need it, in order, and those that the engine waits for."""
        buffer = scanner.buffer
        count, starts = scanner.misframed(size)
        starts.update(buffer.rfind(b"\n", 0, place) + 1 for place in scanner.candidates(size))
        starts |= lines_with(b"\\", buffer, size) | lines_with(b'"reorg"', buffer, size)
        starts |= first_lines(buffer, size, PARSED_FIRST - self.lines)
        if self.pulse is not None and buffer.find(b"_", 0, size) >= 0:  # as in "lag_s"; other keys have none
            starts |= lines_with(b'"heartbeat"', buffer, size)
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
