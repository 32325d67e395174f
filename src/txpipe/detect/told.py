"""What was said since the state was saved: a kill leaves it said, though the saved state knows nothing of it.

The next run says most of it again, with the same ids. What it does not say again, because its block is no
part of the chain any more, has to be taken back; this file tells it what that is.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from txpipe.errors import RecordFault, StateFault
from txpipe.record import loads

SUFFIX = ".said"
"""Of the file, beside the state."""


class Told:
    """Alerts, as lines, in a file that is written before they are written out."""

    def __init__(self, state: Path) -> None:
        """Take the state file beside which it is kept."""
        self._path = state.with_name(state.name + SUFFIX)
        self._fd: int | None = None
        self._is_empty = False

    def load(self) -> list[dict[str, Any]]:
        """Return the alerts in it, in order; the last line is none if a kill cut it.

        Raises:
            StateFault: it cannot be read.
        """
        try:
            lines = self._path.read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:
            return []
        except OSError as exc:
            raise StateFault(self._path, f"cannot be read: {exc.strerror}") from exc
        try:
            return [loads(line) for line in lines]
        except RecordFault as exc:
            raise StateFault(self._path, f"is damaged ({exc}); delete it") from exc

    def add(self, line: bytes) -> None:
        """Note an alert that is about to be written out; a kill of this process leaves it noted.

        Raises:
            StateFault: it cannot be written.
        """
        try:
            if self._fd is None:
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
                self._fd = os.open(self._path, flags, 0o644)
            is_cut = os.write(self._fd, line) < len(line)
        except OSError as exc:
            raise StateFault(self._path, f"cannot be written: {exc.strerror}") from exc
        if is_cut:
            raise StateFault(self._path, f"cannot be written: {os.strerror(errno.ENOSPC)}")
        self._is_empty = False

    def keep(self, lines: Iterable[bytes]) -> None:
        """Forget what the state knows by now, all but these lines.

        Raises:
            StateFault: it cannot be written.
        """
        left = b"".join(lines)
        if self._is_empty and not left:
            return
        new = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            new.write_bytes(left)
            new.replace(self._path)
        except OSError as exc:
            raise StateFault(self._path, f"cannot be written: {exc.strerror}") from exc
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
        self._is_empty = not left
