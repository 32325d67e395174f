"""One txalert a spool: a file that is locked while it runs, and free again however it ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from txpipe.alerts.database import SpoolFault


def lock(folder: Path) -> int:
    """Take a spool for this process until it ends; return the descriptor that holds it.

    Raises:
        SpoolFault: another txalert has it, or it cannot be opened.
    """
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        fd = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        raise SpoolFault(f"{folder}: cannot be opened: {exc.strerror}") from exc
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        holder = os.read(fd, 20).decode(errors="replace").strip()
        os.close(fd)
        raise SpoolFault(
            f"{folder}: is used by another txalert (process {holder}); end that one, or name another folder"
        ) from exc
    os.truncate(fd, 0)
    os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
    return fd


def unlock(fd: int) -> None:
    """Give a spool free again."""
    os.close(fd)
