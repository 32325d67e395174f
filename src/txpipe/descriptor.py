"""What pipes and terminals need of the operating system."""

from __future__ import annotations

import os
import select
import stat
import sys

_PIPE_SIZE = 1 << 20

LONGEST_WAIT_S = 3600.0
"""Seconds that one call waits at most: poll has no room for many more."""


def wait(fd: int, event: int) -> None:
    """Wait until a non-blocking descriptor is ready for ``select.POLLIN`` or ``POLLOUT``."""
    poll = select.poll()
    poll.register(fd, event)
    poll.poll()


def widen_pipe(fd: int) -> None:
    """Ask Linux for a pipe of 1 MiB: fewer switches between two busy commands. A refusal costs nothing."""
    if sys.platform == "linux":
        import fcntl  # noqa: PLC0415 - not on every platform

        try:
            if stat.S_ISFIFO(os.fstat(fd).st_mode):
                fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)
        except OSError:
            pass


def ready(fd: int, seconds: float = 0.0) -> bool:
    """Whether a read of a descriptor would not wait, at the latest after so many seconds; its end counts."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(min(seconds, LONGEST_WAIT_S) * 1000))
