"""A spool's folder: made where there is none, refused where it can be none, each with what to do."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

FILE, LOCK, DEAD = "spool.db", "lock", "dead.ndjson"

_FILES = (FILE, f"{FILE}-wal", f"{FILE}-shm", f"{FILE}-journal", LOCK, DEAD)

_REMEDIES = {
    errno.EEXIST: "is no folder; name one, or one that does not exist yet",
    errno.ENOTDIR: "a part of the path is no folder; name another",
    errno.ENOENT: "it, or a file in it, cannot be made; make the folder above it (mkdir -p), or name another",
    errno.EACCES: "may not be written by this user; change its permissions, or name another folder",
    errno.EPERM: "may not be written by this user; change its permissions, or name another folder",
    errno.EROFS: "is on a file system that is read-only; name a folder elsewhere",
    errno.ENAMETOOLONG: "is too long a name",
    errno.ELOOP: "is a link that leads to itself; name another folder",
    errno.ENOLCK: "is on a file system that knows no locks; name a folder elsewhere",
}


def remedy(error: OSError) -> str:
    """Return what is wrong with a folder and what to do."""
    if isinstance(error, IrregularFile):
        return str(error.strerror)
    return _REMEDIES.get(error.errno or 0, f"cannot be opened: {error.strerror}")


def made(folder: Path) -> None:
    """Make a spool's folder if there is none, and its file, which nobody else may read in any folder.

    Raises:
        OSError: it cannot be made, or is no folder; ``remedy`` says what to do.
        IrregularFile: something in it would make a program wait, or lose what it writes.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    for name in _FILES:
        try:
            mode = (folder / name).stat().st_mode
        except FileNotFoundError:
            continue
        if not stat.S_ISREG(mode):
            raise IrregularFile(f"{name} in it is no regular file; move it away, or name another folder")
    if not (folder / FILE).exists():
        (folder / FILE).touch(mode=0o600)


def is_own(folder: Path, path: Path) -> bool:
    """Say whether a path, links followed, is one of the files that a spool keeps in its folder."""
    own, found = (Path(os.path.realpath(one)) for one in (folder, path))  # which takes links to themselves
    return found.parent == own and found.name in _FILES


class IrregularFile(OSError):
    """A pipe, a device or a folder where a spool keeps a file; its strerror says which."""

    def __init__(self, message: str) -> None:
        super().__init__(0, message)
