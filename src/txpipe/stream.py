"""NDJSON in: whole lines out of binary streams as they arrive, bad ones reported; ``sink`` is the way out."""

from __future__ import annotations

import functools
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from txpipe import interrupt
from txpipe.descriptor import widen_pipe
from txpipe.errors import BadLine, InputFailed

CHUNK = 1 << 18
"""Bytes asked of a read at once; fits the second-level cache."""

MAX_LINE = 1 << 21
"""Bytes a line may have; a longer one is refused without being held in memory."""

_Got = TypeVar("_Got", bytes, int)
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class TooLong:
    """Stands in a batch stream for one line over the limit.

    Attributes:
        size: its length in bytes, without its newline.
    """

    size: int


@dataclass(slots=True)
class Source:
    """One byte input: an open file descriptor and the name messages use for it."""

    fd: int
    name: str

    def __post_init__(self) -> None:
        """Ask for a wide pipe."""
        widen_pipe(self.fd)

    def read(self, before_block: Callable[[], None]) -> bytes:
        """Return what is there, up to CHUNK bytes; b"" at the end.

        Args:
            before_block: called before every read. Asking first whether the read would wait (poll) saved no
                time, and on a stream that never pauses it held finished records back.

        Raises:
            InputFailed: the operating system refused the read.
        """
        return self._retried(functools.partial(os.read, self.fd, CHUNK), before_block)

    def read_into(self, room: memoryview, before_block: Callable[[], None]) -> int:
        """Read what is there into a buffer and return how much; 0 at the end. Otherwise as ``read``."""
        return self._retried(functools.partial(os.readv, self.fd, [room]), before_block)

    def _retried(self, read: Callable[[], _Got], before_block: Callable[[], None]) -> _Got:
        before_block()
        while True:
            interrupt.wait(self.fd)
            try:
                return read()
            except BlockingIOError:  # whoever shares our stdin made it non-blocking, and has read it
                continue
            except OSError as exc:
                raise InputFailed(f"{self.name}: cannot be read: {exc.strerror}") from exc


def open_source(path: str) -> Source:
    """Open FILE, or stdin for ``-``.

    Raises:
        InputFailed: no such file, a directory, no permission, or stdin is closed.
    """
    if path == "-":
        if sys.stdin is None:
            raise InputFailed("stdin is closed; name a FILE or redirect one")
        return Source(0, "<stdin>")
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            os.close(fd)
            raise InputFailed(f"{path}: is a directory; name the files in it")
    except OSError as exc:
        raise InputFailed(f"{path}: cannot be opened: {exc.strerror}") from exc
    return Source(fd, path)


def batches(
    source: Source, before_block: Callable[[], None], max_line: int = MAX_LINE
) -> Iterator[bytes | TooLong]:
    """Cut an input into batches of whole lines, as they arrive.

    Args:
        source: the input; it is read to its end and closed.
        before_block: called before every read.
        max_line: bytes a line may have.

    Yields:
        Non-empty bytes that end in a newline (one is added to a last line without), in input order, or
        a TooLong in place of a line over the limit. A byte order mark at the start is dropped.

    Raises:
        InputFailed: the input broke off.
    """
    try:
        yield from cut_lines(iter(functools.partial(source.read, before_block), b""), max_line)
    finally:
        if source.fd > 2:
            os.close(source.fd)


def cut_lines(chunks: Iterable[bytes], max_line: int = MAX_LINE) -> Iterator[bytes | TooLong]:
    """Cut bytes into batches of whole lines, as ``batches`` does; how they were chunked changes no line.

    Args:
        chunks: consecutive bytes of any sizes; what is held is one chunk and at most a line.
        max_line: bytes a line may have.
    """
    carry: list[bytes] = []
    held = 0
    for chunk in _without_bom(chunks):
        cut = chunk.rfind(b"\n") + 1
        if not cut:
            held += len(chunk)
            carry.append(chunk)
            if held > max_line:
                carry.clear()
            continue
        first = chunk.find(b"\n")
        if held + first > max_line:
            yield TooLong(held + first)
            whole = chunk[first + 1 : cut]
        else:
            whole = b"".join((*carry, memoryview(chunk)[:cut])) if carry else chunk[:cut]
        if cut > max_line:
            yield from _checked(whole, max_line)
        elif whole:
            yield whole
        carry, held = ([chunk[cut:]], len(chunk) - cut) if cut < len(chunk) else ([], 0)
    if held > max_line:
        yield TooLong(held)
    elif held:
        yield b"".join((*carry, b"\n"))


def _checked(whole: bytes, max_line: int) -> Iterator[bytes | TooLong]:
    """Look at every line of a batch; only chunks larger than the limit need it."""
    lines = whole.split(b"\n")
    lines.pop()
    if whole and max(map(len, lines)) <= max_line:
        yield whole
        return
    for line in lines:
        yield TooLong(len(line)) if len(line) > max_line else line + b"\n"


def _without_bom(chunks: Iterable[bytes]) -> Iterator[bytes]:
    head: bytes | None = b""
    for chunk in chunks:
        if head is None:
            yield chunk
            continue
        head += chunk
        if len(head) >= len(BOM) or not BOM.startswith(head):
            yield head.removeprefix(BOM)
            head = None
    if head:
        yield head


@dataclass(slots=True)
class BadLines:
    """Reports lines that are no records: one line on stderr each, skipped and counted.

    Attributes:
        say: takes one message for people.
        strict: stop at the first bad line instead.
        count: bad lines so far.
        fate: what becomes of them, for the message.
    """

    say: Callable[[str], None]
    strict: bool = False
    count: int = 0
    fate: str = "line skipped"

    SHOWN = 100
    """Messages before the rest is only counted: a terabyte of junk must not fill a log."""

    def report(self, name: str, line: int, reason: str) -> None:
        """Count one bad line and say so.

        Raises:
            BadLine: under strict.
        """
        self.count += 1
        place = f"{name}:{line}"
        if self.strict:
            raise BadLine(place, reason)
        if self.count <= self.SHOWN:
            self.say(f"{place}: {reason}; {self.fate}")
        elif self.count == self.SHOWN + 1:
            self.say("further bad lines are counted, not shown; --strict stops at the first")


def numbered_batches(
    source: Source, before_block: Callable[[], None], bad: BadLines, max_line: int = MAX_LINE
) -> Iterator[tuple[int, list[bytes]]]:
    """Yield (number of the first from 1, lines without their newlines, blank ones too), as they arrive."""
    number = 1
    for batch in batches(source, before_block, max_line):
        if isinstance(batch, TooLong):
            bad.report(source.name, number, too_long(batch, max_line))
            number += 1
            continue
        lines = batch.split(b"\n")
        lines.pop()
        yield number, lines
        number += len(lines)


def numbered_lines(
    source: Source, before_block: Callable[[], None], bad: BadLines, max_line: int = MAX_LINE
) -> Iterator[tuple[int, bytes]]:
    """Yield (number from 1, line without its newline) for every line that is not blank, as it arrives."""
    for first, lines in numbered_batches(source, before_block, bad, max_line):
        for number, line in enumerate(lines, first):
            if line and not line.isspace():
                yield number, line


def too_long(line: TooLong, max_line: int) -> str:
    """Say that a line is over the limit."""
    return f"line of {line.size:,} bytes is over the limit of {max_line:,}"
