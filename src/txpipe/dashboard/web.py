"""The server in a thread: uvicorn on a socket that is bound already."""

from __future__ import annotations

import resource
import socket
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import Any

import uvicorn

from txpipe.dashboard.api.app import build
from txpipe.dashboard.board import Board
from txpipe.dashboard.listen import BACKLOG

_MOST_CONNECTIONS = 500
MOST_HEAD = 64 << 10
"""Bytes of a request before its body."""
_CROWDED = 350
"""Connections from which on nobody is waited for as long as usual."""
_PATIENCE_S = 20.0
"""Seconds in which a request must have come, all of it; uvicorn itself waits for ever."""
_LITTLE_PATIENCE_S = 1.0
_LOOK_EVERY = 5
"""Ticks of uvicorn's, of 0.1 s."""
_FILES = 8_192
"""Open files, where the system lets one: connections must not take those of the store."""
_LEAVING_S = 2


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers, and without its patience with those who say nothing."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._waiting: dict[Any, tuple[Any, float]] = {}

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def on_tick(self, counter: int) -> bool:
        if counter % _LOOK_EVERY == 0 or len(self.server_state.connections) > _CROWDED:
            self._end_waiting(time.monotonic())
        return await super().on_tick(counter)

    def _end_waiting(self, now: float) -> None:
        """Close connections whose request does not come."""
        connections = list(self.server_state.connections)
        before, self._waiting = self._waiting, {}
        patience_s = _LITTLE_PATIENCE_S if len(connections) > _CROWDED else _PATIENCE_S
        for each in filter(_waits, connections):
            request = getattr(each, "cycle", None)
            last, since = before.get(each, (request, now))
            self._waiting[each] = request, since if last is request else now
        over = len(connections) - _MOST_CONNECTIONS
        for place, each in enumerate(sorted(self._waiting, key=lambda one: self._waiting[one][1])):
            waited_s = now - self._waiting[each][1]
            if waited_s <= (0 if place < over else patience_s):
                break
            each.transport.close()


def _waits(connection: Any) -> bool:
    """Say whether a connection is still to bring a request, or the rest of one."""
    if not hasattr(connection, "cycle"):  # a WebSocket, which is the guard's
        return False
    request = connection.cycle
    return request is None or request.response_complete or request.more_body


class Web:
    """Serves a board until it is told to stop."""

    def __init__(self, board: Board, listening: socket.socket, say: Callable[[str], None]) -> None:
        """Prepare.

        Args:
            board: what is served.
            listening: a bound socket.
            say: takes messages for people.
        """
        config = uvicorn.Config(
            build(board),
            log_config=None,
            access_log=False,  # addresses of people who look, and of whom they look for
            server_header=False,
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_graceful_shutdown=_LEAVING_S,
            ws_max_size=1 << 20,
            backlog=BACKLOG,
            http="h11",  # httptools takes heads of any length, and memory for them
            h11_max_incomplete_event_size=MOST_HEAD,
            ws_per_message_deflate=False,  # each client's messages anew: half a core for five of them
        )
        _widen(_FILES)
        self._server = _Server(config)
        self._socket = listening
        self._say = say
        self._thread = threading.Thread(target=self._run, name="txdash-web", daemon=True)

    def start(self) -> None:
        """Serve from now on."""
        self._thread.start()

    def stop(self) -> None:
        """End what is going on and stop."""
        self._server.should_exit = True
        self._thread.join(_LEAVING_S + 3)

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._socket])
        except SystemExit:
            self._say("the page and the API could not be started; alerts are stored all the same")


def _widen(files: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = files if hard == resource.RLIM_INFINITY else min(files, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
