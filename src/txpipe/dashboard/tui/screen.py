"""The terminal as the pipe's process has it: found, left, and put right after a death behind it."""

from __future__ import annotations

import contextlib
import os
import pwd
import select
import sys
import termios
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from txpipe.errors import UsageFault
from txpipe.sink import Sink, stdout
from txpipe.stream import Source, open_source

TERMINAL = "/dev/tty"
"""The terminal that controls this process, wherever the standard streams go (POSIX, 10.1)."""

_MOST_HELD = 200
_LEFT = (
    b"\x1b[<u"  # the keyboard protocol of kitty
    b"\x1b[?2004l\x1b[?1004l\x1b[?2048l"  # marks of pasted text, of the focus, of resizing
    b"\x1b[?1049l\x1b[?25h\x1b[?7h\x1b[0m"  # the other screen, the hidden cursor, lines that do not wrap
)
"""What undoes Textual's changes to a terminal, where Textual cannot any more."""


class Screen:
    """A terminal that another process draws on.

    Attributes:
        says: that process's configuration of it, JSON data.
    """

    def __init__(self, fd: int, says: dict[str, Any], say: Callable[[str], None], *, holds: bool) -> None:
        """Take a terminal.

        Args:
            fd: the terminal.
            says: for the process that draws.
            say: takes messages for people.
            holds: messages would land on the screen, and wait until it is left.
        """
        self._fd = fd
        self._say = say
        self._would_hold = holds
        self._holds = False
        self._held: deque[str] = deque(maxlen=_MOST_HELD)
        self._saved = termios.tcgetattr(fd)
        self._left, self._leave = os.pipe()
        self.says = says

    def say(self, message: str) -> None:
        """Say something, now or when the screen is left. Any thread."""
        if self._holds:
            self._held.append(message)
        else:
            self._say(message)

    def leave(self) -> None:
        """Hear that the person has left. Any thread."""
        with contextlib.suppress(OSError):  # twice, or too late
            os.write(self._leave, b"q")

    def begins(self) -> None:
        """Hear that a process begins to draw."""
        self._holds = self._would_hold

    def ended(self, status: int) -> None:
        """Hear that a process that drew has ended; one that was killed has put nothing right."""
        if status < 0:
            with contextlib.suppress(OSError, termios.error):  # the terminal is gone
                os.write(self._fd, _LEFT)
                termios.tcsetattr(self._fd, termios.TCSANOW, self._saved)
        self._release()

    def wait(self, fd: int | None, seconds: float | None = None) -> bool:
        """Wait until a descriptor can be read or the person has left; return whether that is so."""
        poll = select.poll()
        poll.register(self._left, select.POLLIN)
        if fd is not None:
            poll.register(fd, select.POLLIN)
        ready = poll.poll(None if seconds is None else seconds * 1000)
        return self._left in [each for each, _ in ready]

    def close(self) -> None:
        """Say what has waited."""
        self._release()
        for fd in (self._fd, self._left, self._leave):
            os.close(fd)

    def _release(self) -> None:
        self._holds = False
        while self._held:
            self._say(self._held.popleft())


class Left(Source):
    """An input that ends where the person leaves the screen."""

    def __init__(self, source: Source, screen: Screen) -> None:
        super().__init__(source.fd, source.name)
        self._screen = screen

    def read(self, before_block: Callable[[], None]) -> bytes:
        """Return what is there; b"" at the end, or once the person has left."""
        before_block()
        return b"" if self._screen.wait(self.fd) else super().read(_nothing)


def _nothing() -> None:
    pass


@contextmanager
def screen(says: dict[str, Any], say: Callable[[str], None]) -> Iterator[Screen]:
    """Yield this process's terminal; at the end say what has waited.

    Args:
        says: for the process that draws; it gets ``who`` sits here and whether the pipe goes on (``pipes``).
        say: takes messages for people.

    Raises:
        UsageFault: there is none, or it can only type.
    """
    try:
        fd = os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as exc:
        raise UsageFault(
            f"--tui: {TERMINAL}: {exc.strerror}; it needs a terminal (ssh -t gives one); "
            "without one leave --tui out"
        ) from exc
    if os.environ.get("TERM", "") in {"", "dumb"}:
        os.close(fd)
        raise UsageFault("--tui: TERM is unset or dumb; set it to what the terminal is, as in xterm-256color")
    more = {"who": _who(), "pipes": not os.isatty(1)}
    held = Screen(fd, says | more, say, holds=sys.stderr is not None and sys.stderr.isatty())
    try:
        yield held
    finally:
        held.close()


def _who() -> str:
    """Return the name under which this person triages."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container whose user has no name
        return "local"


def source(file: str) -> Source:
    """Open the input. At a terminal keys are no records: there is none then, and the store is shown.

    Raises:
        InputFailed: it cannot be opened.
    """
    typed = file == "-" and sys.stdin is not None and sys.stdin.isatty()
    return open_source(os.devnull if typed else file)


def sink() -> Sink:
    """Return the output: stdout, but nothing where that is a terminal, which is the screen's.

    Raises:
        SinkFailed: stdout is closed.
    """
    if sys.stdout is not None and os.isatty(1):
        return Sink(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC), os.devnull)
    return stdout()
