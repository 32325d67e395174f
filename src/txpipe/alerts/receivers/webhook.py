"""Webhooks: the alert as it is, posted, signed as Standard Webhooks has it (standardwebhooks.com, 1.0.0)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from urllib.parse import unquote, urlsplit

from txpipe import __version__
from txpipe.alerts.receiver import SEND_S, NotTaken, Parcel, ReceiverFault, named, origin
from txpipe.alerts.rest import asked_s

QUIET_S = 15.0
"""Seconds for a connection, and for an answer to begin or to go on."""

_REFUSED = frozenset((400, 413, 415, 422))
"""Statuses by which a server finds fault with this alert rather than with all."""

_READ = 1 << 16

_BREAKS = (http.client.HTTPException, OSError, ValueError)
"""How a connection breaks; TLS that is broken off while it reads says ValueError."""


class Webhook:
    """Posts one alert a request; a status of 200 to 299 says that it was taken.

    Attributes:
        name: scheme, host and port, and a digest.
        batch: 1.
        to_people: no.
    """

    batch = 1
    to_people = False

    def __init__(
        self,
        url: str,
        secret: bytes | None,
        now: Callable[[], float],
        quiet_s: float = QUIET_S,
        send_s: float = SEND_S,
    ) -> None:
        """Take where to post.

        Args:
            url: http or https; a user and password in it are sent as basic authentication.
            secret: signs; None is unsigned.
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
        self._secret, self._now, self._quiet_s, self._send_s = secret, now, quiet_s, send_s
        self._auth = _basic(parts.username, parts.password)
        self._connection: http.client.HTTPConnection | None = None
        self._socket: socket.socket | None = None

    def send(self, parcels: Sequence[Parcel]) -> None:
        """Post one alert.

        Raises:
            NotTaken: it did not answer with 200 to 299.
        """
        (parcel,) = parcels
        was_open = self._connection is not None
        try:
            status, retry_after = self._post(parcel)
        except _BREAKS as exc:
            self._drop()
            if not was_open or isinstance(exc, TimeoutError):
                raise NotTaken(_told(exc)) from None  # the cause may show the URL
            status, retry_after = self._post_again(parcel)
        if 200 <= status < 300:
            return
        self._drop()
        if 300 <= status < 400:
            raise NotTaken(f"HTTP {status}: it redirects, which is not followed; name where it leads to")
        wait_s = asked_s(retry_after, self._now())
        raise NotTaken(f"HTTP {status}", wait_s, only_this=status in _REFUSED)

    def close(self) -> None:
        """Break off a request that is under way."""
        opened = self._socket
        if opened is not None:
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)

    def _break_off(self, late: threading.Event) -> None:
        late.set()
        self.close()

    def _post_again(self, parcel: Parcel) -> tuple[int, str]:
        """Post over a new connection: the old one was closed while it was idle."""
        try:
            return self._post(parcel)
        except _BREAKS as exc:
            self._drop()
            raise NotTaken(_told(exc)) from None

    def _post(self, parcel: Parcel) -> tuple[int, str]:
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
            connection.request("POST", self._target, body=parcel.line, headers=self._headers(parcel))
            response = connection.getresponse()
            if late.is_set():
                raise TimeoutError
            with suppress(*_BREAKS):  # the status is the answer, however its body ends
                response.read(_READ)
            if late.is_set() or not response.isclosed():  # more than anybody needs
                self._drop()
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
            return http.client.HTTPSConnection(self._host, self._port, timeout=self._quiet_s, context=context)
        return http.client.HTTPConnection(self._host, self._port, timeout=self._quiet_s)

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = self._socket = None

    def _headers(self, parcel: Parcel) -> dict[str, str]:
        headers = {
            "content-type": "application/json",
            "user-agent": f"txalert/{__version__}",
            "idempotency-key": parcel.key,
            "webhook-id": parcel.key,
            "webhook-timestamp": str(int(self._now())),
        }
        if self._secret is not None:
            timestamp = headers["webhook-timestamp"]
            headers["webhook-signature"] = signature(self._secret, parcel.key, timestamp, parcel.line)
        return headers | ({"authorization": self._auth} if self._auth else {})


def signature(secret: bytes, key: str, timestamp: str, body: bytes) -> str:
    """Return the ``webhook-signature`` of a body: HMAC-SHA256 over key, timestamp and body."""
    signed = f"{key}.{timestamp}.".encode() + body
    return f"v1,{base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()}"


def secret_of(text: str) -> bytes:
    """Return the bytes of a secret: of base64 behind ``whsec_``, else the text itself.

    Raises:
        ReceiverFault: it is empty, or no base64.
    """
    text = text.strip()
    try:
        secret = base64.b64decode(text[6:], validate=True) if text.startswith("whsec_") else text.encode()
    except ValueError:
        raise ReceiverFault("the secret has whsec_ before it, but no base64 behind") from None
    if not secret:
        raise ReceiverFault("the secret is empty")
    return secret


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
