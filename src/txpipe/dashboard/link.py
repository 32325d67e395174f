"""The dashboard's process: started, fed, heard, and started again when it dies; the pipe never waits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from txpipe.dashboard import frames
from txpipe.dashboard.buffer import Buffer
from txpipe.dashboard.tui.screen import Screen
from txpipe.errors import SinkFailed, TxpipeError, UsageFault

_SLOWEST_START_S = 30.0
"""Seconds after which the dashboard's start has failed."""
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_MOST_DEATHS = 5
"""Deaths after which it is not started again once the input has ended."""
_STUCK_S = 30.0
"""Seconds at the end of input without anything being stored, after which the rest is given up."""


@dataclass(slots=True)
class Told:
    """What the dashboard has told.

    Attributes:
        at: offset in the input up to which it stored all.
        line: number of the last line before that.
        bad: lines so far that were no records.
        counts: what it stored in this and former lives, by name.
    """

    at: int = 0
    line: int = 0
    bad: int = 0
    counts: dict[str, int] = field(default_factory=dict)


class Link:
    """A dashboard in a process of its own.

    Attributes:
        told: what it has told so far.
        deaths: how often it died.
    """

    def __init__(
        self,
        config: dict[str, Any],
        buffer: Buffer,
        say: Callable[[str], None],
        listening: int | None,
        screen: Screen | None = None,
    ) -> None:
        """Prepare; ``start`` starts it.

        Args:
            config: what it is to do; JSON data, secrets included: they go through the pipe only.
                ``inherit`` has descriptors that it names.
            buffer: what it is fed from.
            say: takes its messages.
            listening: a bound socket's descriptor that it serves on; it stays open here, so that the port
                is the same after a death.
            screen: the terminal that it draws on; None if it does not.
        """
        self._config = config
        self._buffer = buffer
        self._say = say
        self._listening = listening
        self._screen = screen
        self._input_over = threading.Event()
        self._thread = threading.Thread(target=self._supervise, name="txdash-link", daemon=True)
        self._child: subprocess.Popen[bytes] | None = None
        self._ready = threading.Event()
        self._over = threading.Event()
        self._finishing = threading.Event()
        self._fault: TxpipeError | None = None
        self._done = False
        self._stopping = False
        self.told = Told()
        self.deaths = 0

    def start(self) -> None:
        """Start it and wait until it can store.

        Raises:
            TxpipeError: what it says is wrong with its options or its store.
        """
        self._thread.start()
        if not self._ready.wait(_SLOWEST_START_S):
            self.stop()
            raise SinkFailed("the dashboard did not start in time; is the store's server there?")
        if self._fault is not None:
            self._thread.join()
            raise self._fault

    def wait(self, seconds: float) -> bool:
        """Wait for its end; return whether it has come."""
        return self._over.wait(seconds)

    def over(self) -> None:
        """Say that the input has ended, while people may go on looking."""
        self._input_over.set()

    def finish(self, most_s: float = float("inf")) -> None:
        """Let it store what it has got and end; give up when nothing moves any more.

        Args:
            most_s: seconds that it may take.
        """
        self._finishing.set()
        self._buffer.end()
        began = moved = time.monotonic()
        at = self.told.at
        while not self._over.wait(0.05):
            now = time.monotonic()
            if self.told.at != at:
                at, moved = self.told.at, now
            if now - moved > _STUCK_S or now - began > most_s:
                break
        self.stop()

    def stop(self) -> None:
        """End it now."""
        self._stopping = True
        self._finishing.set()
        self._buffer.end()
        child = self._child
        if child is not None and child.poll() is None:
            child.kill()  # it heeds no other signal; a store stands that
        self._thread.join(10)

    def _supervise(self) -> None:
        pause = _FIRST_PAUSE_S
        while True:
            began = time.monotonic()
            try:
                status = self._live()
                how = _ended(status)
            except OSError as exc:  # no process or no memory left
                status, how = 1, f"could not be started: {exc.strerror}"
                if self._screen is not None:
                    self._screen.ended(status)
            if self._done or self._fault is not None or (self._finishing.is_set() and status == 0):
                break
            if self._stopping or (self._finishing.is_set() and self.deaths >= _MOST_DEATHS):
                break
            self.deaths += 1
            if not self._ready.is_set():
                self._fault = SinkFailed(f"the dashboard {how} at its start")
                break
            if time.monotonic() - began > _LONGEST_PAUSE_S:
                pause = _FIRST_PAUSE_S
            self._say(f"the dashboard {how}; the pipe goes on, it is started again")
            self._finishing.wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)
        self._buffer.refuse()
        self._ready.set()
        self._over.set()

    def _live(self) -> int:
        """Run one life of it; return its status."""
        told_before = dict(self.told.counts)
        if self._screen is not None:
            self._screen.begins()
        fds = () if self._listening is None else (self._listening,)
        with subprocess.Popen(
            [sys.executable, "-P", "-m", "txpipe.dashboard.serve"],  # -P: no code out of the working folder
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            pass_fds=(*fds, *self._config["inherit"]),
            # A Ctrl-C at the terminal is for the pipe; this one ends when its input does. On a screen it is a
            # key like others, and only the terminal's own group may draw there.
            process_group=None if self._screen else 0,
        ) as child:
            self._child = child
            if self._stopping:  # it was said while there was nothing to kill
                child.kill()
            feeding = threading.Thread(target=self._feed, args=(child,), name="txdash-feed", daemon=True)
            feeding.start()
            self._hear(child, told_before)
            child.wait()
            feeding.join()
        if self._screen is not None:
            self._screen.ended(child.returncode)
        return child.returncode

    def _feed(self, child: subprocess.Popen[bytes]) -> None:
        """Send configuration and input until there is no more, or nobody reads."""
        at = self.told.at
        config = self._config | {"at": at, "line": self.told.line, "listening": self._listening}
        if child.stdin is None:
            raise AssertionError
        fd = child.stdin.fileno()
        over_told = False
        try:
            _send(fd, frames.CONFIG, orjson.dumps(config))
            while child.poll() is None:
                found = self._buffer.next(at, 0.2)
                if found is None:
                    if self._input_over.is_set() and not over_told:
                        _send(fd, frames.OVER, b"")
                        over_told = True
                    continue
                end, data = found
                if data is None:
                    _send(fd, frames.GAP, orjson.dumps({"size": end - at}))
                elif data:
                    _send(fd, frames.DATA, data)
                else:
                    _send(fd, frames.END, b"")
                    break
                at = end
        except OSError:  # it has ended, which its supervisor sees
            pass

    def _hear(self, child: subprocess.Popen[bytes], before: dict[str, int]) -> None:
        if child.stdout is None:
            raise AssertionError
        bad_before = self.told.bad
        for line in os.fdopen(child.stdout.fileno(), "rb", closefd=False):  # unbuffered, a byte is a call
            if not line.endswith(b"\n"):  # it died while it said so
                break
            told = orjson.loads(line)
            if "ack" in told:
                self.told.at, self.told.line = told["ack"], told["line"]
                self.told.bad = bad_before + told["bad"]
                counts = told["counts"]
                self.told.counts = {
                    name: before.get(name, 0) + counts.get(name, 0) for name in before | counts
                }
                self._buffer.store(told["ack"])
            else:
                self._heard(told)

    def _heard(self, told: dict[str, Any]) -> None:
        if "say" in told:
            self._say(told["say"])
        elif "ready" in told:
            self._ready.set()
        elif "fault" in told:
            if self._ready.is_set():
                self._say(told["fault"])
            else:
                kind = UsageFault if told["status"] == UsageFault.status else SinkFailed
                self._fault = kind(told["fault"])
        elif "done" in told:
            self._done = True
        elif "quit" in told and self._screen is not None:
            self._screen.leave()


def _send(fd: int, kind: bytes, payload: bytes) -> None:
    data = memoryview(b"".join(frames.frame(kind, payload)))
    while data:
        data = data[os.write(fd, data) :]


def _ended(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"
