"""JSON-RPC over a node's IPC socket."""

from __future__ import annotations

import os
import select
import socket
import time
from pathlib import Path

from txpipe.chains.endpoint import CONNECT_S, Endpoint, Limits
from txpipe.chains.wire_push import PushWire, why

_CHUNK = 1 << 16


class IpcWire(PushWire):
    """A Unix socket on which messages end with a newline, as go-ethereum, Erigon, Reth and Anvil do it."""

    def __init__(self, path: str, limits: Limits) -> None:
        """Take the path of the socket."""
        super().__init__(Endpoint(f"ipc:{path}"), limits)
        self._path = Path(path).expanduser()
        self._socket: socket.socket | None = None
        self._held = bytearray()

    def _connect(self) -> None:
        self._held.clear()
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            made.settimeout(CONNECT_S)
            made.connect(os.fspath(self._path))
        except (OSError, ValueError) as exc:
            made.close()
            raise self.endpoint.failed(why(exc)) from None
        self._socket = made

    def _disconnect(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, text: bytes) -> None:
        made = self._open()
        try:
            made.settimeout(self._limits.timeout_s)
            made.sendall(text + b"\n")
        except OSError as exc:
            raise self.endpoint.failed(why(exc)) from None

    def _receive(self, seconds: float) -> bytes | None:
        made, start = self._open(), 0
        begun, end = time.monotonic(), time.monotonic() + max(0.0, seconds)
        while (cut := self._held.find(b"\n", start)) < 0 and len(self._held) <= self._limits.max_answer:
            start = len(self._held)
            # Once a message has begun, its rest has the time of an answer.
            until = begun + self._limits.answer_s if start else end
            if not _is_readable(made, until - time.monotonic()):
                if start and time.monotonic() >= until:
                    raise self.endpoint.failed(self._limits.too_slow)
                return None
            try:
                part = made.recv(_CHUNK)
            except OSError as exc:
                raise self.endpoint.failed(why(exc)) from None
            if not part:
                raise self.endpoint.failed("the connection broke")
            self._held += part
        if not 0 <= cut <= self._limits.max_answer:
            raise self.endpoint.overfull(self._limits)
        text = bytes(self._held[:cut])
        del self._held[: cut + 1]
        return text

    def _open(self) -> socket.socket:
        if self._socket is None:
            raise self.endpoint.failed("no connection")
        return self._socket


def _is_readable(made: socket.socket, seconds: float) -> bool:
    poll = select.poll()
    poll.register(made, select.POLLIN)
    return bool(poll.poll(max(0.0, seconds) * 1000))
