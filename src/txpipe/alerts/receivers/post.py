"""One POST at a time over HTTP, on a connection that is kept: what receivers that speak HTTP share."""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import cast
from urllib.parse import unquote, urlsplit

from txpipe import __version__
from txpipe.alerts.receiver import SEND_S, NotTaken, ReceiverFault, named, origin
from txpipe.alerts.rest import asked_s

QUIET_S = 15.0
"""Seconds for a connection, and for an answer to begin or to go on."""

_REFUSED = frozenset((400, 413, 415, 422))
"""Statuses by which a server finds fault with this alert rather than with all."""

_READ = 1 << 16

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


class Poster:
    """Posts to one URL; a status of 200 to 299 says that it was taken.

    Certificates are verified, redirects are failures.

    Attributes:
        name: scheme, host and port, and a digest.
    """

    def __init__(
        self, url: str, now: Callable[[], float], quiet_s: float = QUIET_S, send_s: float = SEND_S
    ) -> None:
        """Take where to post.

        Args:
            url: http or https; a user and password in it are sent as basic authentication.
            now: wall time, Unix seconds.
            quiet_s: seconds for a connection, and for an answer to begin or to go on.
            send_s: seconds for all of it.

        Raises:
            ReceiverFault: it is no URL.
        """
        self.name = named(origin(url), url)
        parts = urlsplit(url)
        self._secure = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if self._secure else 80)  # without one http.client cuts "::1" in two
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if not self._target.isascii() or not self._target.isprintable() or " " in self._target:
            raise ReceiverFault(f"{self.name}: no URL: write other than plain characters as %XX")
        self._now, self._quiet_s, self._send_s = now, quiet_s, send_s
        self._auth = _basic(parts.username, parts.password)
        self._connection: http.client.HTTPConnection | None = None
        self._socket: socket.socket | None = None

    def post(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Post a body of JSON.

        Args:
            body: what is posted.
            headers: besides those that every request has.

        Raises:
            NotTaken: it did not answer with 200 to 299.
        """
        sent = {"content-type": "application/json", "user-agent": f"txalert/{__version__}", **headers}
        if self._auth:
            sent["authorization"] = self._auth
        was_open = self._connection is not None
        try:
            status, retry_after = self._post(body, sent)
        except _BREAKS as exc:
            self.drop()
            if not was_open or isinstance(exc, TimeoutError):
                raise NotTaken(_told(exc)) from None  # the cause may show the URL
            status, retry_after = self._post_again(body, sent)
        if 200 <= status < 300:
            return
        self.drop()
        if 300 <= status < 400:
            raise NotTaken(f"HTTP {status}: it redirects, which is not followed; name where it leads to")
        wait_s = asked_s(retry_after, self._now())
        raise NotTaken(f"HTTP {status}", wait_s, only_this=status in _REFUSED)

    def close(self) -> None:
        """Break off a request that is under way; from any thread."""
        opened = self._socket
        if opened is not None:
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)

    def drop(self) -> None:
        """Close the connection; the next post opens another."""
        if self._connection is not None:
            self._connection.close()
        self._connection = self._socket = None

    def _break_off(self, late: threading.Event) -> None:
        late.set()
        self.close()

    def _post_again(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
        """Post over a new connection: the old one was closed while it was idle."""
        try:
            return self._post(body, headers)
        except _BREAKS as exc:
            self.drop()
            raise NotTaken(_told(exc)) from None

    def _post(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
        """Return the status and what the server says of when to come again."""
        connection = self._connection = self._connection or self._opened()
        if connection.sock is None:
            connection.connect()
        self._socket = connection.sock
        late = threading.Event()
        watch = threading.Timer(self._send_s, self._break_off, [late])  # an answer that drips never times out
        watch.daemon = True
        watch.start()
        try:
            connection.request("POST", self._target, body=body, headers=headers)
            response = connection.getresponse()
            if late.is_set():
                raise TimeoutError
            with suppress(*_BREAKS):  # the status is the answer, however its body ends
                response.read(_READ)
            if late.is_set() or not response.isclosed():  # more than anybody needs
                self.drop()
            return response.status, response.headers.get("retry-after", "")
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


def _basic(user: str | None, password: str | None) -> str:
    if user is None:
        return ""
    both = f"{unquote(user)}:{unquote(password or '')}"
    return f"Basic {base64.b64encode(both.encode()).decode()}"


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
