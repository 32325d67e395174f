"""The server in a thread: uvicorn on a socket that is bound already."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

import uvicorn

from txpipe.dashboard.api.app import build
from txpipe.dashboard.board import Board

_MOST_CONNECTIONS = 500
_LEAVING_S = 2


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the process has its own way to end."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


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
            ws_per_message_deflate=False,  # each client's messages anew: half a core for five of them
        )
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
