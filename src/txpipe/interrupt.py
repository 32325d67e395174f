"""Ctrl-C that never cuts a record in two: while a write is under way it waits for the write to return.

``os.write`` may return a part of a batch because the signal came; an exception raised before that number is
stored would leave nobody who knows what has been written.
"""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType, TracebackType

STATUS = 130
"""Exit status of a command that Ctrl-C ended: 128 and the number of SIGINT, as shells have it."""


class Held:
    """Holds the first Ctrl-C back inside ``with``; a second one ends at once, for a reader that is stuck.

    Attributes:
        active: inside ``with``.
        pending: a Ctrl-C came and waits for the end of ``with``.
    """

    def __init__(self) -> None:
        self.active = False
        self.pending = False
        self._seen = 0

    def handle(self, _signum: int, _frame: FrameType | None) -> None:
        """Raise KeyboardInterrupt, or remember to."""
        self._seen += 1
        if self.active and self._seen == 1:
            self.pending = True
            return
        raise KeyboardInterrupt

    def __enter__(self) -> None:
        self.active = True

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.active = False
        if self.pending:
            self.pending = False
            raise KeyboardInterrupt


held = Held()
"""The process's one guard, as there is one SIGINT."""


def leave_at_once() -> None:
    """Make SIGINT end the process silently, until ``install``: nothing was read or written yet."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)


def _leave(_signum: int, _frame: FrameType | None) -> None:
    os._exit(STATUS)


def install() -> None:
    """Make SIGINT go through ``held``, unless it is ignored (``nohup``, a shell's background job)."""
    if signal.getsignal(signal.SIGINT) in {signal.default_int_handler, _leave}:
        signal.signal(signal.SIGINT, held.handle)


def ignore() -> None:
    """Let the end that a Ctrl-C has begun go on undisturbed."""
    if signal.getsignal(signal.SIGINT) == held.handle:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def caused(error: BaseException | None) -> bool:
    """Say whether a Ctrl-C is behind an error: what it breaks into may turn it into one of its own.

    Python 3.11 makes a RuntimeError of it where a class is being made, as in an import.
    """
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None
