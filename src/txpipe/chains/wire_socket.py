"""JSON-RPC over a WebSocket."""

from __future__ import annotations

import logging
import ssl
from contextlib import suppress
from urllib.parse import unquote

import urllib3
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from txpipe import __version__
from txpipe.chains.endpoint import CONNECT_S, NO_TLS, Endpoint, Limits, NodeBusy, NodeDenied, NodeFailed
from txpipe.chains.wire_push import PushWire, why


class SocketWire(PushWire):
    """A WebSocket."""

    def __init__(self, parts: urllib3.util.Url, limits: Limits) -> None:
        """Take a ws or wss URL; a user and password in it are sent as basic authentication."""
        port = f":{parts.port}" if parts.port else ""
        name = f"{parts.scheme}://{parts.host}{port}"
        headers = urllib3.util.make_headers(basic_auth=unquote(parts.auth)) if parts.auth else {}
        secrets = (parts.auth, headers.get("authorization", "").removeprefix("Basic "))
        super().__init__(Endpoint(name, *secrets, parts.path, parts.query), limits)
        self._url = f"{name}{parts.request_uri}"
        self._headers = headers
        self._socket: ClientConnection | None = None

    def _connect(self) -> None:
        try:
            self._socket = connect(
                self._url,
                additional_headers=self._headers,
                user_agent_header=f"txtail/{__version__}",
                open_timeout=CONNECT_S,
                close_timeout=1,
                max_size=self._limits.max_answer,
                proxy=None,
                logger=_silent(),
            ).__enter__()
        except InvalidStatus as exc:
            status = exc.response.status_code
            if status in {429, 503}:
                raise NodeBusy(f"{self.endpoint.name}: HTTP {status}") from None
            if status in {401, 403}:
                name = self.endpoint.name
                raise NodeDenied(f"{name}: HTTP {status}: it wants another key, or none from here") from None
            raise self.endpoint.failed(f"HTTP {status}") from None
        except InvalidHandshake:
            raise self.endpoint.failed("it does not speak WebSocket") from None
        except TimeoutError:
            raise self.endpoint.failed(f"no connection within {CONNECT_S:g} s") from None
        except (WebSocketException, AssertionError):  # it asserts what a peer that goes away can break
            raise self.endpoint.failed("the connection broke") from None
        except ssl.SSLError:
            raise self.endpoint.failed(NO_TLS) from None
        except (OSError, ValueError, EOFError) as exc:
            raise self.endpoint.failed(why(exc)) from None

    def _disconnect(self) -> None:
        if self._socket is not None:
            with suppress(Exception):
                self._socket.close()
            self._socket = None

    def _send(self, text: bytes) -> None:
        try:
            self._open().send(text, text=True)
        except (ConnectionClosed, OSError, AssertionError) as exc:
            raise self._broken(exc) from None

    def _receive(self, seconds: float) -> bytes | None:
        try:
            return self._open().recv(timeout=max(0.0, seconds), decode=False)
        except TimeoutError:
            return None
        except (ConnectionClosed, OSError, AssertionError) as exc:
            raise self._broken(exc) from None

    def _open(self) -> ClientConnection:
        if self._socket is None:
            raise self.endpoint.failed("no connection")
        return self._socket

    def _broken(self, exc: Exception) -> NodeFailed:
        sent = getattr(exc, "sent", None)
        if sent is not None and sent.code == 1009:  # we closed it: "message too big" (RFC 6455, 7.4.1)
            return self.endpoint.overfull(self._limits)
        return self.endpoint.failed("the connection broke")


def _silent() -> logging.Logger:
    """Return a logger that says nothing: its messages could show the URL."""
    logger = logging.getLogger("txpipe.websocket")
    logger.disabled = True
    return logger
