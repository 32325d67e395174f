"""One txalert a spool: a file that is locked while it runs, and free again however it ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from txpipe.alerts import spoolfolder
from txpipe.alerts.database import SpoolFault, refused


def lock(folder: Path) -> int:
    """Take a spool for this process until it ends; return the descriptor that holds it.

    Raises:
        SpoolFault: another txalert has it, or it cannot be opened; SpoolFailed: the disk is full.
    """
    try:
        spoolfolder.made(folder)
        fd = os.open(folder / spoolfolder.LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        raise refused(folder, exc) from exc
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        holder = os.read(fd, 20).decode(errors="replace").strip()
        os.close(fd)
        raise SpoolFault(
            f"{folder}: is used by another txalert (process {holder}); end that one, or name another folder"
        ) from exc
    except OSError as exc:
        os.close(fd)
        raise refused(folder, exc) from exc
    try:
        os.truncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
    except OSError as exc:
        os.close(fd)
        raise refused(folder, exc) from exc
    return fd


def unlock(fd: int) -> None:
    """Give a spool free again."""
    os.close(fd)
