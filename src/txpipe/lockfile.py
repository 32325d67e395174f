"""Files that one process at a time may use."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path


class Unlocked(Exception):
    """A file could not be locked; the message says why.

    Attributes:
        is_used: whether another process uses it.
    """

    def __init__(self, reason: str, *, is_used: bool) -> None:
        super().__init__(reason)
        self.is_used = is_used


def lock(path: Path) -> Callable[[], None]:
    """Keep others from using a file, until the process ends, however it does.

    What is locked is a file beside it, which stays: the file itself is replaced again and again.

    Returns:
        What lets others use it before that.

    Raises:
        Unlocked: another process uses it, or there is no place for a file beside it.
    """
    real = path.resolve()
    beside = real.with_name(f".{real.name}.lock")
    try:
        fd = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as exc:
        raise Unlocked(f"cannot be written: {beside.parent}: {exc.strerror}", is_used=False) from exc
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        os.close(fd)
        is_used = isinstance(exc, BlockingIOError)
        raise Unlocked(f"cannot be locked: {exc.strerror}", is_used=is_used) from exc
    return lambda: os.close(fd)
