"""Whole lines at the end of a file, on the disk itself, whatever a kill or a full disk left there before."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def append(path: Path, lines: bytes, mode: int) -> None:
    """Add lines to a file, made if there is none; when this returns, they are on the disk itself.

    A line that a killed run left without an end is ended first, so that nothing is glued to it. Where the
    disk fills up, the part that was written is taken back.

    Args:
        path: the file; a device or a named pipe that somebody reads will do.
        lines: each with its newline.
        mode: permissions of a file that is made.

    Raises:
        OSError: they cannot be written; of a named pipe that nobody reads it is ENXIO.
    """
    fd = _opened(path, mode)
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):  # there is nothing to sync
            _write(fd, lines)
            return
        if found.st_size and os.pread(fd, 1, found.st_size - 1) != b"\n":
            lines = b"\n" + lines
        try:
            _write(fd, lines)
        except OSError:
            _take_back(fd, found.st_size, lines)
            raise
        os.fsync(fd)
    finally:
        os.close(fd)


def _opened(path: Path, mode: int) -> int:
    """Open for reading, too, but for a named pipe: there, what nobody else reads would be thrown away."""
    try:
        is_pipe = stat.S_ISFIFO(path.stat().st_mode)
    except FileNotFoundError:
        is_pipe = False
    how = os.O_WRONLY | os.O_NONBLOCK if is_pipe else os.O_RDWR | os.O_CREAT | os.O_APPEND
    fd = os.open(path, how | os.O_CLOEXEC, mode)
    os.set_blocking(fd, True)
    return fd


def _write(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


def _take_back(fd: int, size: int, lines: bytes) -> None:
    """Cut a file to its size before, if nothing but the beginning of these lines was added since."""
    added = os.fstat(fd).st_size - size
    if 0 < added <= len(lines) and os.pread(fd, added, size) == lines[:added]:
        os.ftruncate(fd, size)
