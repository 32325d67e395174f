"""The screen in the dashboard's process: the input has a thread of its own, the terminal the main one."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from txpipe.dashboard import frames
from txpipe.dashboard.store import Store
from txpipe.dashboard.tui.app import DashApp
from txpipe.dashboard.tui.outside import Outside, Place
from txpipe.dashboard.tui.screen import TERMINAL
from txpipe.dashboard.tui.stopping import to_foreground

Tell = Callable[[dict[str, Any]], None]

_LEAVE_S = 5.0
"""Seconds that the screen has to go once nothing is left to do: Textual waits for ever to write to a terminal
that is gone, and reads it without a pause meanwhile."""

_HANGUP_S = 1.0
"""Seconds after a screen's death in which the input's end shows that the terminal went, and all with it."""


def attend(  # noqa: PLR0913, PLR0917 - what a screen needs
    config: dict[str, Any],
    store: Store,
    take: Callable[[frames.Frames, Tell], bool],
    source: frames.Frames,
    tell: Tell,
    clear: Callable[[], None],
) -> bool:
    """Show the store until the person leaves; take the input until it ends.

    Args:
        config: the dashboard's.
        store: what is shown.
        take: takes the input in, given it and who is told; returns whether it ended properly.
        source: where it comes from.
        tell: takes what the command is to know.
        clear: removes what is to end with the process, before it is ended the hard way.

    Returns:
        What ``take`` returned.
    """
    outside = Outside()
    taking = _Taking(take, source, outside, tell, clear)
    taking.start()
    try:
        with _on_terminal():
            end = _shown(store, outside, config["screen"])
            taking.left.set()
    except BaseException:
        taking.left.set()
        taking.join(_HANGUP_S)
        if not outside.done:
            raise
    else:
        _leave(end, tell)
    return taking.taken()


class _Taking(threading.Thread):
    """Takes the input in.

    Attributes:
        left: the screen has gone; until then the process ends the hard way once nothing is left to do.
    """

    def __init__(
        self,
        take: Callable[[frames.Frames, Tell], bool],
        source: frames.Frames,
        outside: Outside,
        tell: Tell,
        clear: Callable[[], None],
    ) -> None:
        super().__init__(name="txdash-intake", daemon=True)
        self._take = take
        self._source = source
        self._outside = outside
        self._tell = tell
        self._clear = clear
        self._ended = False
        self._failed: BaseException | None = None
        self.left = threading.Event()

    def run(self) -> None:
        try:
            self._ended = self._take(self._source, self._told)
        except BaseException as exc:  # noqa: BLE001 - raised by taken(), in the main thread
            self._failed = exc
        finally:
            self._outside.done = True
        if not self.left.wait(_LEAVE_S):
            self._clear()
            os._exit(1)

    def _told(self, what: dict[str, Any]) -> None:
        self._outside.over = self._source.over
        if "say" in what:  # two threads tell
            self._outside.said = what["say"]
        self._tell(what)

    def taken(self) -> bool:
        """Wait until all is taken; return what ``take`` returned, or raise what it raised."""
        self.join()
        if self._failed is not None:
            raise self._failed
        return self._ended


def _shown(store: Store, outside: Outside, shown: dict[str, Any]) -> str:
    """Run the application; return how the person left."""
    app = DashApp(store, outside, time.time, Place(**shown))
    end = app.run(mouse=False)  # the mouse marks text, as it does everywhere in a terminal
    if app._exception is not None:  # noqa: SLF001 - run() swallows it
        raise app._exception  # noqa: SLF001
    return end or "quit"


def _leave(end: str, tell: Tell) -> None:
    """Tell the pipe if the person has left; Ctrl-C is for the whole pipeline, as a terminal has it."""
    if end == "over":
        return
    with suppress(OSError):
        tell({"quit": True})
    if end != "interrupt":
        return
    with suppress(OSError):
        to_foreground(signal.SIGINT)


@contextmanager
def _on_terminal() -> Iterator[None]:
    """Have the terminal as stdin, stdout and stderr: Textual reads keys, asks for the size and draws there.

    Textual takes its keys from descriptor 0 whatever is there (Textualize/textual#5531).
    """
    for name in ("COLUMNS", "LINES"):  # of a shell's start, not of now
        os.environ.pop(name, None)
    kept = [os.dup(fd) for fd in range(3)]
    terminal = os.open(TERMINAL, os.O_RDWR)
    for fd in range(3):
        os.dup2(terminal, fd)
    os.close(terminal)
    try:
        yield
    finally:
        for fd, old in enumerate(kept):
            os.dup2(old, fd)
            os.close(old)
