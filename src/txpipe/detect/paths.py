"""From an input's bytes to alerts, by parsing every line or by screening raw bytes first."""

from __future__ import annotations

import functools
import os
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from txpipe import stream
from txpipe.detect.engine import Engine
from txpipe.detect.keeper import Keeper
from txpipe.detect.shadow import Shadowed
from txpipe.errors import BadLine, InputFailed, RecordFault
from txpipe.lists.index import Index
from txpipe.stream import BadLines, Source, TooLong
from txpipe.window import WINDOW, windows

if TYPE_CHECKING:
    from txpipe.detect.screen import Scanner

_SEARCHED_BYTES = 4 << 30
"""A file of this size is searched in about a second once it is in memory."""

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
        lines: lines read so far, blank ones included.
        started: monotonic seconds at which it began; only the summary looks at it.
    """

    engine: Engine | Shadowed
    source: Source
    bad: BadLines
    idle: Callable[[], None]
    keeper: Keeper | None = None
    lines: int = 0
    started: float = field(default_factory=time.monotonic)
    _numbered: tuple[int, int] = (0, 0)

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
        if self.engine.conduct is not None:
            self.engine.conduct.reorgs = may_hold(self.source.fd, b'"reorg"')
        try:
            if strict or (index is not None and not index.scannable):
                yield from self._parsed()
            elif self.engine.conduct is not None:
                yield from self._watched(index)
            elif index is None or self.keeper is not None:
                yield from self._parsed()
            else:
                yield from self._screened(index)
        except (BadLine, InputFailed, KeyboardInterrupt):
            yield from self._end()  # what waited for more is not lost with it
            raise
        yield from self._end()

    def _end(self) -> Iterator[bytes]:
        yield from self.engine.end()
        self._say_lacks()
        if self.keeper is not None:
            self.keeper.save()

    def _say_lacks(self) -> None:
        conduct = self.engine.conduct
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
            said.append(f"{conduct.forgotten:,} accounts forgotten to stay within --max-memory")
        if self.engine.undone_in_part:
            said.append(f"{self.engine.undone_in_part:,} reorgs undone in part: deeper than blocks are kept")
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
        for number, line in stream.numbered_lines(self.source, self.idle, self.bad):
            self.lines = number
            yield from self._feed(line, lambda: self.lines)
            if self.keeper is not None and self.engine.block_ended:
                self.keeper.offer()

    def _screened(self, index: Index) -> Iterator[bytes]:
        scanner: Scanner | None = None
        for buffer, size in self._windows():
            if scanner is None:
                scanner = _scanner(index, buffer)
            yield from self._screen(scanner, size)

    def _watched(self, index: Index | None) -> Iterator[bytes]:
        """Parse every line; screen those that may hit."""
        scanner: Scanner | None = None
        for buffer, size in self._windows():
            if index is not None and scanner is None:
                scanner = _scanner(index, buffer)
            lines = bytes(memoryview(buffer)[: size - 1]).split(b"\n")
            hits: set[int] = set()
            if scanner is not None:
                hits = {buffer.rfind(b"\n", 0, place) + 1 for place in scanner.candidates(size)}
                hits |= lines_with(b"\\", buffer, size)
            yield from self._watch(lines, hits)
            self._say_lacks()

    def _watch(self, lines: list[bytes], hits: set[int]) -> Iterator[bytes]:
        engine = self.engine
        watch, keeper = engine.watch, self.keeper
        before = self.lines
        at = 0
        for number, line in enumerate(lines, before + 1):
            self.lines = number
            try:
                found = watch(line) if not hits or at not in hits else engine.feed(line)
                if found:
                    yield from found
            except RecordFault as fault:
                if line and not line.isspace():
                    self.bad.report(self.source.name, number, str(fault))
            if hits:
                at += len(line) + 1
            if keeper is not None and engine.block_ended:
                keeper.offer()

    def _windows(self) -> Iterator[tuple[bytearray, int]]:
        for window in windows(self.source, self.idle):
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


def may_hold(fd: int, text: bytes) -> bool:
    """Say whether an input may hold a text; only a file that is there as a whole, not huge, can say no."""
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode) or status.st_size > _SEARCHED_BYTES:
        return True
    at = os.lseek(fd, 0, os.SEEK_CUR)
    while len(chunk := os.pread(fd, WINDOW + len(text), at)) >= len(text):
        if text in chunk:
            return True
        at += WINDOW
    return False


def _scanner(index: Index, buffer: bytearray) -> Scanner:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # no linear algebra here: start no threads for it
    from txpipe.detect.screen import Scanner  # noqa: PLC0415 - numpy costs 80 ms

    return Scanner(index, buffer)


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
