"""NDJSON in and out of binary streams: whole lines in, buffered lines out, flush before anything blocks."""

from __future__ import annotations

import errno
import functools
import os
import select
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from txpipe import interrupt
from txpipe.errors import BadLine, InputFailed, ReaderGone, SinkFailed

CHUNK = 1 << 18
"""Bytes asked of a read at once; fits the second-level cache."""

MAX_LINE = 1 << 20
"""Bytes a line may have; a longer one is refused without being held in memory."""

_PIPE_SIZE = 1 << 20
_BUFFER = 1 << 16
_Got = TypeVar("_Got", bytes, int)
_BOM = b"\xef\xbb\xbf"


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
        _widen_pipe(self.fd)

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
            try:
                return read()
            except BlockingIOError:  # whoever shares our stdin made it non-blocking
                _wait(self.fd, select.POLLIN)
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
        if len(head) >= len(_BOM) or not _BOM.startswith(head):
            yield head.removeprefix(_BOM)
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
    """

    say: Callable[[str], None]
    strict: bool = False
    count: int = 0

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
            self.say(f"{place}: {reason}; line skipped")
        elif self.count == self.SHOWN + 1:
            self.say("further bad lines are counted, not shown; --strict stops at the first")


def numbered_lines(
    source: Source, before_block: Callable[[], None], bad: BadLines, max_line: int = MAX_LINE
) -> Iterator[tuple[int, bytes]]:
    """Yield (number from 1, line without its newline) for every line that is not blank, as it arrives."""
    number = 0
    for batch in batches(source, before_block, max_line):
        if isinstance(batch, TooLong):
            number += 1
            bad.report(source.name, number, too_long(batch, max_line))
            continue
        lines = batch.split(b"\n")
        lines.pop()
        for line in lines:
            number += 1
            if line and not line.isspace():
                yield number, line


def too_long(line: TooLong, max_line: int) -> str:
    """Say that a line is over the limit."""
    return f"line of {line.size:,} bytes is over the limit of {max_line:,}"


class Sink:
    """Buffered lines out to a file descriptor; nothing is held back across a flush."""

    def __init__(self, fd: int, name: str) -> None:
        self.fd = fd
        self.name = name
        self._parts: list[bytes] = []
        self._size = 0
        _widen_pipe(fd)

    def write(self, data: bytes) -> None:
        """Take bytes of whole lines; they leave at the latest with the next flush."""
        self._parts.append(data)
        self._size += len(data)
        if self._size >= _BUFFER:
            self.flush()

    def flush(self) -> None:
        """Hand everything to the operating system.

        Raises:
            ReaderGone: stdout's reader closed the pipe.
            SinkFailed: the disk is full, or any other refusal.
        """
        if not self._parts:
            return
        with interrupt.held:
            data = memoryview(b"".join(self._parts))
            self._parts.clear()
            self._size = 0
            while data:
                data = data[self._written(data) :]

    def _written(self, data: memoryview) -> int:
        try:
            return os.write(self.fd, data)
        except BlockingIOError:  # whoever shares our stdout made it non-blocking
            _wait(self.fd, select.POLLOUT)
            return 0
        except OSError as exc:
            if exc.errno == errno.EPIPE and self.fd == 1:
                raise ReaderGone from exc
            raise SinkFailed(f"{self.name}: cannot be written: {exc.strerror}") from exc

    def close(self) -> None:
        """Flush and close; stdout stays open."""
        self.flush()
        if self.fd > 2:
            os.close(self.fd)


@functools.cache
def stdout() -> Sink:
    """Return the process's one sink on stdout.

    Raises:
        SinkFailed: stdout is closed.
    """
    if sys.stdout is None:
        raise closed_stdout()
    return Sink(1, "<stdout>")


def closed_stdout() -> SinkFailed:
    """Return the error of a command that was started without a stdout."""
    return SinkFailed("stdout is closed; redirect it to a file or /dev/null")


def open_sink(path: str) -> Sink:
    """Create or truncate FILE for writing, or take stdout for ``-``.

    Raises:
        SinkFailed: the file cannot be created.
    """
    if path == "-":
        return stdout()
    try:
        return Sink(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644), path)
    except OSError as exc:
        raise SinkFailed(f"{path}: cannot be created: {exc.strerror}") from exc


def _wait(fd: int, event: int) -> None:
    poll = select.poll()
    poll.register(fd, event)
    poll.poll()


def _widen_pipe(fd: int) -> None:
    """Ask Linux for a pipe of 1 MiB: fewer switches between two busy commands. A refusal costs nothing."""
    if sys.platform == "linux":
        import fcntl  # noqa: PLC0415 - not on every platform

        try:
            if stat.S_ISFIFO(os.fstat(fd).st_mode):
                fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)
        except OSError:
            pass


WINDOW = 1 << 20
"""Bytes asked of a read by ``windows``: large enough that array operations pay."""

PADDING = 64
"""Readable bytes that a window's buffer has behind its last line."""


def windows(
    source: Source, before_block: Callable[[], None], max_line: int = MAX_LINE
) -> Iterator[tuple[bytearray, int] | TooLong]:
    """Cut an input into batches of whole lines in one buffer that is used again and again.

    As ``batches``, without a copy for each: the buffer is valid until the next item is asked for.

    Args:
        source: the input; it is read to its end and closed.
        before_block: called just before a read would wait.
        max_line: bytes a line may have.

    Yields:
        (buffer, size): whole lines, each ended by a newline, and PADDING bytes of anything behind; or a
        TooLong in place of a line over the limit.

    Raises:
        InputFailed: the input broke off.
    """
    try:
        yield from _refilled(source, before_block, max_line)
    finally:
        if source.fd > 2:
            os.close(source.fd)


def _refilled(
    source: Source, before_block: Callable[[], None], max_line: int
) -> Iterator[tuple[bytearray, int] | TooLong]:
    buffer = bytearray(max_line + WINDOW + PADDING)
    view = memoryview(buffer)
    held = 0  # bytes of a line that has not ended yet, at the front
    lost = 0  # bytes of it that were thrown away, once it is over the limit
    fresh = True
    while got := source.read_into(view[held : held + WINDOW], before_block):
        end = held + got
        if fresh and end >= len(_BOM):
            fresh = False
            end -= _drop(buffer, len(_BOM), end) if buffer.startswith(_BOM) else 0
        first = buffer.find(b"\n", 0, end)
        if first >= 0 and lost + first > max_line:
            yield TooLong(lost + first)
            end -= _drop(buffer, first + 1, end)
            lost = 0
        cut = buffer.rfind(b"\n", 0, end) + 1
        if cut:
            yield buffer, cut
            _drop(buffer, cut, end)
        held = end - cut
        if lost or held > max_line:
            held, lost = 0, lost + held
    if lost:
        yield TooLong(lost)
    elif held:
        buffer[held] = ord("\n")
        yield buffer, held + 1


def _drop(buffer: bytearray, size: int, end: int) -> int:
    """Move what lies behind the first bytes to the front; return their number."""
    buffer[: end - size] = buffer[size:end]
    return size
