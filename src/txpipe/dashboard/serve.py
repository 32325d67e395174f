"""The dashboard's process: ``python -m txpipe.dashboard.serve``, started by txdash, spoken to by pipes."""

from __future__ import annotations

import functools
import gc
import logging
import os
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from txpipe.dashboard import frames
from txpipe.errors import TxpipeError

if TYPE_CHECKING:
    from txpipe.dashboard.board import Board

_TURN_S = 0.0005
"""Seconds after which a thread that computes lets another go on: who takes alerts in waits so long after each
read of the pipe and each step of the database, while the server's thread is busy with those who look."""

_YOUNG = 50_000
"""Objects made since the last look for cycles, from which on there is another; there are hardly any cycles in
what comes in, but with Python's 700 a tenth of the time goes there, a tenth of a second at once at worst.
Pages that were left are some: all is looked at every twentieth time."""

Tell = Callable[[dict[str, Any]], None]
"""Takes what the command is to know."""


def main() -> int:
    """Take the configuration, then the input, until it ends."""
    for number in (
        signal.SIGINT,
        signal.SIGTERM,
        signal.SIGHUP,
    ):  # they end the command, and by that this one
        signal.signal(number, signal.SIG_IGN)
    command = os.getppid()
    out = os.dup(1)
    os.dup2(2, 1)  # whatever prints must not print into what we tell
    tell = functools.partial(_tell, out, threading.Lock())
    source = frames.Frames(os.dup(0))  # 0 itself is the terminal's where there is a screen
    kind, payload = next(iter(source), (b"", b""))
    if kind != frames.CONFIG:
        return 2
    config = orjson.loads(payload)
    clear = functools.partial(_clear, config, command)
    try:
        _run(config, source, tell, clear)
    except TxpipeError as exc:
        tell({"fault": str(exc), "status": exc.status})
        return exc.status
    except BrokenPipeError:  # the command is gone, and has taken its reasons along
        return 1
    finally:
        clear()
    return 0


def _clear(config: dict[str, Any], command: int) -> None:
    """Remove what was to end with the command, if that is gone and cannot."""
    if os.getppid() != command:
        shutil.rmtree(config["folder"], ignore_errors=True)


def _run(config: dict[str, Any], source: frames.Frames, tell: Tell, clear: Callable[[], None]) -> None:
    from txpipe.dashboard.intake import Intake  # noqa: PLC0415 - the imports take a second; faults first
    from txpipe.dashboard.retention import Limits  # noqa: PLC0415
    from txpipe.dashboard.store import Store  # noqa: PLC0415

    sys.setswitchinterval(_TURN_S)
    store = Store(config["db"])
    try:
        tell({"ready": True})
        with _served(config, store, tell) if config["listening"] is not None else nullcontext():
            limits = Limits(config["age_s"], config["size"])
            gc.freeze()
            gc.set_threshold(_YOUNG, 10, 2)

            def take(source: frames.Frames, tell: Tell) -> bool:
                return Intake(store, limits, tell, config["at"], config["line"]).run(source)

            if _taken(config, store, take, source, tell, clear):
                tell({"done": True})
    finally:
        store.close()


def _taken(  # noqa: PLR0913, PLR0917 - what a screen needs
    config: dict[str, Any],
    store: Any,
    take: Callable[[frames.Frames, Tell], bool],
    source: frames.Frames,
    tell: Tell,
    clear: Callable[[], None],
) -> bool:
    """Take the input, with or without a screen; return whether it ended, or the pipe broke off."""
    if config["screen"] is None:
        return take(source, tell)
    from txpipe.dashboard.tui.attend import attend  # noqa: PLC0415 - an extra of its own

    return attend(config, store, take, source, tell, clear)


@contextmanager
def _served(config: dict[str, Any], store: Any, tell: Tell) -> Iterator[None]:
    """Serve API and page, and follow what they look addresses up in."""
    from txpipe.dashboard.web import Web  # noqa: PLC0415 - see above

    def say(message: str) -> None:
        tell({"say": message})

    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    board = _board(config, store, say)
    web = Web(board, socket.socket(fileno=config["listening"]), say)
    followed = (board.block, board.allow, board.state)
    for each in (*followed, web):
        each.start()
    try:
        yield
    finally:
        for each in (web, *followed):
            each.stop()


def _board(config: dict[str, Any], store: Any, say: Callable[[str], None]) -> Board:
    """Return what is served, as it was configured."""
    from txpipe.dashboard.access import access  # noqa: PLC0415 - see above
    from txpipe.dashboard.apart import Apart  # noqa: PLC0415
    from txpipe.dashboard.board import Board  # noqa: PLC0415
    from txpipe.dashboard.lists import Lists  # noqa: PLC0415
    from txpipe.dashboard.states import State  # noqa: PLC0415

    folder = Path(config["folder"])
    followed = (
        Lists(config["block"], folder, Apart(), say),
        Lists(config["allow"], folder, Apart(), say),
        State(config["state"], folder, Apart(), say),
    )
    return Board(
        store,
        *followed,
        access=access(config, time.monotonic),
        read_only=config["read_only"],
        hosts=frozenset(config["hosts"]),
        origins=frozenset(config["origins"]),
        now=time.time,
        began=time.time(),
    )


def _tell(out: int, lock: threading.Lock, what: dict[str, Any]) -> None:
    data = memoryview(orjson.dumps(what) + b"\n")
    with lock:
        while data:
            data = data[os.write(out, data) :]


if __name__ == "__main__":
    sys.exit(main())
