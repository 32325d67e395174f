"""Ctrl-C, SIGTERM and SIGHUP never cut a record in two: while a write is under way they wait for its return.

``os.write`` may return a part of a batch because the signal came; an exception raised before that number is
stored would leave nobody who knows what has been written.
"""

from __future__ import annotations

import os
import select
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType, TracebackType

STATUS = 130
"""Exit status of a command that Ctrl-C ended: 128 and the number of SIGINT, as shells have it."""


_ENDS = (signal.SIGTERM, signal.SIGHUP)

STATUSES = frozenset((STATUS, *(128 + number for number in _ENDS)))
"""Exit statuses of commands that a signal ended in good order."""


class Ended(KeyboardInterrupt):
    """The process was asked to end, by a supervisor or a terminal that closes: it may finish what it has.

    Attributes:
        status: 128 and the number of the signal, as shells have it.
    """

    def __init__(self, signum: int) -> None:
        super().__init__()
        self.status = 128 + signum


class Held:
    """Holds the first Ctrl-C back inside ``with``; a second one ends at once, for a reader that is stuck.

    Attributes:
        active: inside ``with``.
        pending: what came and waits for the end of ``with``.
    """

    def __init__(self) -> None:
        self.active = False
        self.pending: KeyboardInterrupt | None = None
        self._most_s = 0.0
        self._seen = 0

    def handle(self, signum: int, _frame: FrameType | None) -> None:
        """Raise KeyboardInterrupt, or remember to."""
        self._seen += 1
        came = KeyboardInterrupt() if signum == signal.SIGINT else Ended(signum)
        if self.active and self._seen == 1:
            self.pending = came
            if self._most_s:
                signal.setitimer(signal.ITIMER_REAL, self._most_s)
            return
        raise came

    def hurry(self, most_s: float) -> None:
        """Hold nothing back for longer than so many seconds: a reader who is stuck holds up no end."""
        self._most_s = most_s
        signal.signal(signal.SIGALRM, self._waited)

    def _waited(self, _signum: int, _frame: FrameType | None) -> None:
        """Raise what has waited for long enough."""
        if self.active and self.pending is not None:
            came, self.pending = self.pending, None
            raise came

    def __enter__(self) -> None:
        self.active = True

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.active = False
        if self.pending is not None:
            came, self.pending = self.pending, None
            raise came


held = Held()
"""The process's one guard, as there is one SIGINT."""

_WOKEN: list[int] = []
"""The end of a pipe to which signals write, once there is one."""


def leave_at_once() -> None:
    """Make SIGINT end the process silently, until ``install``: nothing was read or written yet."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)


def _leave(_signum: int, _frame: FrameType | None) -> None:
    os._exit(STATUS)


def install() -> None:
    """Make SIGINT raise KeyboardInterrupt by way of ``held``, and SIGTERM and SIGHUP Ended.

    What is ignored (``nohup``, a shell's background job) stays so.
    """
    if not _WOKEN:
        woken, waker = os.pipe()
        os.set_blocking(waker, False)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        _WOKEN.append(woken)
    if signal.getsignal(signal.SIGINT) in {signal.default_int_handler, _leave}:
        signal.signal(signal.SIGINT, held.handle)
    for number in _ENDS:
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, held.handle)


def wait(fd: int) -> None:
    """Wait until a descriptor has something to read or has ended; a signal raises what it is to raise.

    A signal that comes right before a read breaks nothing off, and nobody sees it until the read returns:
    not so rare where another thread runs before it. What a signal writes is still there for poll.
    """
    poll = select.poll()
    for one in (fd, *_WOKEN):
        poll.register(one, select.POLLIN)
    while all(found in _WOKEN for found, _ in poll.poll()):
        os.read(_WOKEN[0], select.PIPE_BUF)


def end_soon() -> None:
    """Let the main thread, which may wait for input for hours, end as by SIGTERM; from any thread."""
    import threading  # noqa: PLC0415 - who calls this has it; others do without

    if signal.getsignal(signal.SIGTERM) == held.handle:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)


def ignore() -> None:
    """Let the end that a Ctrl-C, or another signal, has begun go on undisturbed."""
    for number in (signal.SIGINT, *_ENDS):
        if signal.getsignal(number) == held.handle:
            signal.signal(number, signal.SIG_IGN)


def status_of(came: KeyboardInterrupt) -> int:
    """Return the exit status of a command that a signal ended."""
    return came.status if isinstance(came, Ended) else STATUS


def caused(error: BaseException | None) -> bool:
    """Say whether a Ctrl-C is behind an error: what it breaks into may turn it into one of its own.

    Python 3.11 makes a RuntimeError of it where a class is being made, as in an import.
    """
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return error is not None
