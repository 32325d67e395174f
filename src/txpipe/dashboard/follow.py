"""Files that change while the dashboard runs, looked at from a thread of their own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

LOOK_S = 1.0
"""Seconds between looks; a file that changed must be the same in two of them, for it may be half written."""

Mark = tuple[int, int, int, int] | None
"""What a file is known by: device, inode, size, time; None if there is none."""


def marks(paths: Sequence[str]) -> list[Mark]:
    """Return what files are known by."""
    found: list[Mark] = []
    for path in paths:
        try:
            status = Path(path).stat()
        except OSError:
            found.append(None)
        else:
            found.append((status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns))
    return found


class Follower:
    """Does something whenever files have changed, in a thread of its own.

    Attributes:
        taken: what the files were when they were last taken.
    """

    def __init__(
        self, paths: Sequence[str], taken: Sequence[Mark], renew: Callable[[], None], rest: float = 0.0
    ) -> None:
        """Prepare.

        Args:
            paths: the files.
            taken: what they were when they were read.
            renew: reads them; raises nothing.
            rest: after a ``renew`` that took a second nothing is read for so many.
        """
        self._paths = list(paths)
        self.taken = list(taken)
        self._last = list(taken)
        self._renew = renew
        self._rest = rest
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="txdash-files", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End, whether it was started or not."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join(5)

    def look(self) -> bool:
        """Look once; return whether the files were taken anew."""
        found = marks(self._paths)
        settled = found == self._last
        self._last = found
        if found == self.taken or not settled:
            return False
        self.taken = found
        self._renew()
        return True

    def _run(self) -> None:
        pause = LOOK_S
        while not self._over.wait(pause):
            began = time.monotonic()
            pause = LOOK_S
            if self.look():
                pause = max(LOOK_S, self._rest * (time.monotonic() - began))
