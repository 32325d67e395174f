"""One request at a time over HTTP, on a connection that is kept: what receivers that speak HTTP share."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

from txpipe import __version__
from txpipe.alerts.receiver import SEND_S, NotTaken

QUIET_S = 15.0
"""Seconds for a connection, and for an answer to begin or to go on."""

_BREAKS = (http.client.HTTPException, OSError, ValueError)
"""How a connection breaks; TLS that is broken off while it reads says ValueError."""


class _Final(http.client.HTTPResponse):
    """An answer behind whatever a server says before it, as 103 Early Hints (RFC 9110, 15.2)."""

    def begin(self) -> None:
        """Read status and headers of the answer itself; ``http.client`` passes over 100 only."""
        super().begin()
        while http.client.SWITCHING_PROTOCOLS < self.status < http.client.OK:
            self.headers = self.msg = cast(
                "http.client.HTTPMessage", None
            )  # it reads none where there are some
            super().begin()


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server replied.

    Attributes:
        status: HTTP's.
        body: the beginning of it; None if it broke off.
        retry_after: the header.
    """

    status: int
    body: bytes | None
    retry_after: str


class Exchange:
    """Requests to one host; certificates are verified, redirects not followed."""

    _connection: http.client.HTTPConnection | None = None
    _socket: socket.socket | None = None

    def __init__(self, url: str, quiet_s: float = QUIET_S, send_s: float = SEND_S) -> None:
        """Take where to.

        Args:
            url: http or https, with a host; of its path nothing is used.
            quiet_s: seconds for a connection, and for an answer to begin or to go on.
            send_s: seconds for all of it.
        """
        parts = urlsplit(url)
        self._secure = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if self._secure else 80)  # without one http.client cuts "::1" in two
        self._quiet_s, self._send_s = quiet_s, send_s

    def __del__(self) -> None:
        """Close the connection with the last reference."""
        self.drop()

    def ask(self, method: str, target: str, body: bytes, headers: Mapping[str, str], most: int) -> Reply:
        """Send JSON and return what is replied, whatever its status.

        Args:
            method: HTTP's.
            target: path and query.
            body: what is sent.
            headers: besides those that every request has.
            most: bytes of the reply's body that are read.

        Raises:
            NotTaken: there is no reply; why, without the URL, which may be secret.
        """
        sent = {"content-type": "application/json", "user-agent": f"txalert/{__version__}", **headers}
        was_open = self._connection is not None
        try:
            return self._ask(method, target, body, sent, most)
        except _BREAKS as exc:
            self.drop()
            if not was_open or isinstance(exc, TimeoutError):
                raise NotTaken(_told(exc)) from None  # the cause may show the URL
        try:  # over a new connection: the old one was closed while it was idle
            return self._ask(method, target, body, sent, most)
        except _BREAKS as exc:
            self.drop()
            raise NotTaken(_told(exc)) from None

    def close(self) -> None:
        """Break off a request that is under way; from any thread."""
        opened = self._socket
        if opened is not None:
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)

    def drop(self) -> None:
        """Close the connection; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
        self._connection = self._socket = None

    def _break_off(self, late: threading.Event) -> None:
        late.set()
        self.close()

    def _ask(self, method: str, target: str, body: bytes, headers: Mapping[str, str], most: int) -> Reply:
        connection = self._connection = self._connection or self._opened()
        if connection.sock is None:
            connection.connect()
        self._socket = connection.sock
        late = threading.Event()
        watch = threading.Timer(self._send_s, self._break_off, [late])  # an answer that drips never times out
        watch.daemon = True
        watch.start()
        try:
            connection.request(method, target, body=body, headers=headers)
            response = connection.getresponse()
            if late.is_set():
                raise TimeoutError
            said = None
            with suppress(*_BREAKS):  # the status is the answer, however its body ends
                said = response.read(most)
            if late.is_set() or not response.isclosed():  # more than anybody needs
                self.drop()
            return Reply(
                response.status, None if late.is_set() else said, response.headers.get("retry-after", "")
            )
        except _BREAKS:
            if late.is_set():  # however it broke, it was broken off
                raise TimeoutError from None
            raise
        finally:
            watch.cancel()

    def _opened(self) -> http.client.HTTPConnection:
        if self._secure:
            context = ssl.create_default_context()
            opened: http.client.HTTPConnection = http.client.HTTPSConnection(
                self._host, self._port, timeout=self._quiet_s, context=context
            )
        else:
            opened = http.client.HTTPConnection(self._host, self._port, timeout=self._quiet_s)
        opened.response_class = _Final
        return opened


def _told(exc: Exception) -> str:
    """Return why there is no answer, in a few words that name no URL."""
    if isinstance(exc, ssl.SSLCertVerificationError):
        return "its certificate cannot be verified"
    if isinstance(exc, ssl.SSLError):
        return "it does not speak TLS as it should"
    if isinstance(exc, TimeoutError):
        return "no answer in time"
    if isinstance(exc, socket.gaierror):
        return "no such host"
    if isinstance(exc, ConnectionRefusedError):
        return "no connection"
    return f"the connection broke ({type(exc).__name__})"
