"""Ctrl-Z and fg: the whole pipeline stops, and the terminal is the shell's until it goes on."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

from textual.app import App

from txpipe.dashboard.tui.screen import TERMINAL


def heed(app: App[Any]) -> None:
    """Draw anew whenever this process goes on after a stop, by whom ever.

    Textual's own signal handlers stop this process alone, and where the shell has taken the terminal back
    meanwhile they are stopped in the middle, and stop once more when it goes on.
    """
    signal.signal(signal.SIGTSTP, signal.SIG_DFL)
    asyncio.get_running_loop().add_signal_handler(signal.SIGCONT, _again, app)


def _again(app: App[Any]) -> None:
    """Take the terminal again: a shell has set it for itself meanwhile."""
    with app.suspend():
        pass


def stop(app: App[Any]) -> None:
    """Give the terminal back and stop the whole pipeline, as Ctrl-Z does; return when it goes on."""
    asyncio.get_running_loop().remove_signal_handler(signal.SIGCONT)
    with app.suspend():
        to_foreground(signal.SIGTSTP)
    heed(app)


def to_foreground(number: signal.Signals) -> None:
    """Send the whole pipeline a signal, as a key at the terminal does, where it has the terminal.

    Raises:
        OSError: the terminal is gone.
    """
    terminal = os.open(TERMINAL, os.O_RDWR)
    try:
        if os.tcgetpgrp(terminal) == os.getpgrp():
            os.killpg(os.getpgrp(), number)
    finally:
        os.close(terminal)
