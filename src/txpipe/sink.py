"""Lines out: buffered, flushed before anything blocks, with the failures of stdout told apart."""

from __future__ import annotations

import errno
import functools
import os
import select
import sys
from collections.abc import Callable

from txpipe import interrupt
from txpipe.descriptor import wait, widen_pipe
from txpipe.errors import ReaderGone, SinkFailed

_BUFFER = 1 << 16


class Sink:
    """Buffered lines out to a file descriptor; nothing is held back across a flush.

    Attributes:
        fd: where to.
        name: how messages call it.
        handed: bytes that the operating system has taken so far.
        before: called before anything leaves; where it fails, what was to leave is dropped.
        room: bytes from which on it flushes by itself.
    """

    def __init__(self, fd: int, name: str) -> None:
        self.fd = fd
        self.name = name
        self._parts: list[bytes] = []
        self._size = 0
        self.handed = 0
        self.before: Callable[[], None] | None = None
        self.room = _BUFFER
        widen_pipe(fd)

    def write(self, data: bytes) -> None:
        """Take bytes of whole lines; they leave at the latest with the next flush."""
        self._parts.append(data)
        self._size += len(data)
        if self._size >= self.room:
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
            parts, self._parts, self._size = self._parts, [], 0
            if self.before is not None:
                self.before()
            data = memoryview(b"".join(parts))
            while data:
                size = self._written(data)
                self.handed += size
                data = data[size:]

    def _written(self, data: memoryview) -> int:
        try:
            return os.write(self.fd, data)
        except BlockingIOError:  # whoever shares our stdout made it non-blocking
            wait(self.fd, select.POLLOUT)
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
