"""NDJSON in and out of binary streams: whole lines in, buffered lines out, flush before anything blocks."""

from __future__ import annotations

import errno
import functools
import os
import select
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from txpipe.errors import BadLine, InputFailed, ReaderGone, SinkFailed

CHUNK = 1 << 18
"""Bytes asked of a read at once; fits the second-level cache."""

MAX_LINE = 1 << 20
"""Bytes a line may have; a longer one is refused without being held in memory."""

_PIPE_SIZE = 1 << 20
_BUFFER = 1 << 16
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
    _poll: select.poll | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Prepare to ask whether a read would block; a regular file never does."""
        if not stat.S_ISREG(os.fstat(self.fd).st_mode):
            self._poll = select.poll()
            self._poll.register(self.fd, select.POLLIN)
            _widen_pipe(self.fd)

    def read(self, before_block: Callable[[], None]) -> bytes:
        """Return what is there, up to CHUNK bytes; b"" at the end.

        Args:
            before_block: called just before the read would wait for its writer.

        Raises:
            InputFailed: the operating system refused the read.
        """
        if self._poll is not None and not self._poll.poll(0):
            before_block()
        try:
            return os.read(self.fd, CHUNK)
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
        before_block: called just before a read would wait.
        max_line: bytes a line may have.

    Yields:
        Non-empty bytes that end in a newline (one is added to a last line without), in input order, or
        a TooLong in place of a line over the limit. A byte order mark at the start is dropped.

    Raises:
        InputFailed: the input broke off.
    """
    try:
        yield from _cut(iter(functools.partial(source.read, before_block), b""), max_line)
    finally:
        if source.fd > 2:
            os.close(source.fd)


def _cut(chunks: Iterable[bytes], max_line: int) -> Iterator[bytes | TooLong]:
    carry: list[bytes] = []
    held = 0
    for chunk in _without_bom(chunks):
        cut = chunk.rfind(b"\n") + 1
        if not cut:
            held += len(chunk)
            carry = [] if held > max_line else [*carry, chunk]
            continue
        first = chunk.find(b"\n")
        if held + first > max_line:
            yield TooLong(held + first)
            whole = chunk[first + 1 : cut]
        else:
            whole = b"".join((*carry, chunk[:cut])) if carry else chunk[:cut]
        if whole:
            yield whole
        carry, held = ([chunk[cut:]], len(chunk) - cut) if cut < len(chunk) else ([], 0)
    if held > max_line:
        yield TooLong(held)
    elif held:
        yield b"".join((*carry, b"\n"))


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
        if self.count == self.SHOWN:
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
        for line in batch[:-1].split(b"\n"):
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
        if not stat.S_ISREG(os.fstat(fd).st_mode):
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
        data = memoryview(b"".join(self._parts))
        self._parts.clear()
        self._size = 0
        while data:
            try:
                data = data[os.write(self.fd, data) :]
            except BlockingIOError:
                select.select([], [self.fd], [])
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
        raise SinkFailed("stdout is closed; redirect it to a file or /dev/null")
    return Sink(1, "<stdout>")


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


def _widen_pipe(fd: int) -> None:
    """Ask Linux for a pipe of 1 MiB: fewer switches between two busy commands. A refusal costs nothing."""
    if sys.platform == "linux":
        import fcntl  # noqa: PLC0415 - not on every platform

        try:
            if stat.S_ISFIFO(os.fstat(fd).st_mode):
                fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)
        except OSError:
            pass
