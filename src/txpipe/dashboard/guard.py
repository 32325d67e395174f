"""What every request passes first: Host, Origin, who asks, sizes; and headers on the way out.

A page of another site must not read or change anything here through the browser of somebody who may: names
that are not ours (DNS rebinding), foreign origins and unasked-for forms are refused before anything runs.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from txpipe.dashboard.access import LOCAL, Access, Person
from txpipe.dashboard.board import Board

MOST_BODY = 1 << 20
"""Bytes of a request's body."""
MOST_STREAMS = 200
"""Connections that stay: event streams and sockets; as many again of people yet unknown."""
COOKIE = "txdash"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OPEN_PATHS = frozenset({"/login", "/api/v1/login", "/api/v1/live"})
"""Paths that ask for nobody: to log in, and to see whether it is alive."""
_WHOLE = frozenset({None, "document"})
"""What a link of another site may lead to: a window, no frame within that site's page."""
_SOCKETS = "/socket.io/"
_STREAMS = ("/api/v1/events", _SOCKETS, "/_nicegui_ws/")

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
_API_HEADERS = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)


class Refused(Exception):
    """A request that is not let in."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Guard:
    """The outermost application.

    Attributes:
        app: the API and the page.
        streams: connections that stay, now.
        strangers: Socket.IO's of those whom no header names: they must not take the others' room.
    """

    def __init__(self, app: ASGIApp, sockets: ASGIApp, board: Board) -> None:
        """Stand before applications.

        Args:
            app: takes everything but
            sockets: what Socket.IO's path is for.
            board: says who may.
        """
        self.app = app
        self._sockets = sockets
        self._board = board
        self.streams = 0
        self.strangers = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in or refuse it."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            person = self._checked(scope, headers)
        except Refused as exc:
            await _refuse(scope, receive, send, exc)
            return
        scope.setdefault("state", {})["person"] = person
        inner = self._sockets if scope["path"].startswith(_SOCKETS) else self.app
        stays = scope["type"] == "websocket" or scope["path"] == _STREAMS[0]
        known = person is not None
        self.streams += stays and known
        self.strangers += stays and not known
        try:
            await inner(scope, receive, _with_headers(scope, send))
        finally:
            self.streams -= stays and known
            self.strangers -= stays and not known

    def _checked(self, scope: Scope, headers: dict[str, str]) -> Person | None:
        host = headers.get("host", "")
        if not known_host(host, self._board.hosts):
            raise Refused(421, "this name is not known here; say it with --host NAME")
        origin = headers.get("origin")
        if origin is not None and not known_origin(origin, host, self._board.origins):
            raise Refused(403, "pages of other sites may not ask here; say it with --allow-origin URL")
        method = scope.get("method", "GET")
        foreign = origin is None and headers.get("sec-fetch-site") in {"cross-site", "same-site"}
        followed = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") in _WHOLE
        if foreign and (method not in _SAFE or not followed):
            raise Refused(403, "pages of other sites may not ask here")
        self._check_size(scope, headers, method)
        if method == "OPTIONS" and origin is not None:
            return None  # a browser's question before the question; it brings no credentials
        person = asking(self._board.access, headers)
        path = scope["path"]
        if person is None and path not in _OPEN_PATHS and not path.startswith(_SOCKETS):
            raise Refused(401, "who are you? send Authorization: Bearer TOKEN, or log in")
        if path.startswith(_STREAMS) and (self.strangers if person is None else self.streams) >= MOST_STREAMS:
            raise Refused(503, f"{MOST_STREAMS} connections are open; try again later")
        return person

    def _check_size(self, scope: Scope, headers: dict[str, str], method: str) -> None:
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MOST_BODY:
            raise Refused(413, f"a body has {MOST_BODY:,} bytes at most")
        if "transfer-encoding" in headers:
            raise Refused(411, "say how long the body is")
        if method not in _SAFE and scope["path"].startswith("/api/"):
            kind = headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind != "application/json":  # which no form of another site can send
                raise Refused(415, "send the body as JSON, with Content-Type: application/json")


def asking(access: Access, headers: Mapping[str, str]) -> Person | None:
    """Return who asks by a request's headers, as of now; None if that is not known (any more)."""
    if access.is_open:
        return LOCAL
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return access.by_token(token.strip())
    session = cookie(headers.get("cookie", ""))
    return access.by_session(session) if session else None


def cookie(header: str) -> str:
    """Return the value of our cookie, empty if there is none."""
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


_HOST = re.compile(r"[A-Za-z0-9._:\[\]-]{1,300}")
"""Characters of a name or an address, and of a port; the rest of a URL is not read alike by all."""


def known_host(host: str, names: frozenset[str]) -> bool:
    """Say whether a Host header names us: an address, localhost, or a name that was given.

    Addresses are safe as they are: to rebind a name there must be one.
    """
    if not _HOST.fullmatch(host):
        return False
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return False
    if name == "localhost" or name in names:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def known_origin(origin: str, host: str, origins: frozenset[str]) -> bool:
    """Say whether a page of an origin may ask: our own, or one that was given."""
    if origin in origins:
        return True
    scheme, _, place = origin.partition("://")
    if scheme not in {"http", "https"} or not host:
        return False
    default = {"http": ":80", "https": ":443"}[scheme]
    return place.lower().removesuffix(default) == host.lower().removesuffix(default)


def _with_headers(scope: Scope, send: Send) -> Send:
    more = [*_HEADERS, *(_API_HEADERS if scope["path"].startswith("/api/") else ())]

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            there = {name.lower() for name, _ in message["headers"]}
            added = [(name, value) for name, value in more if name not in there]
            message = {**message, "headers": [*message["headers"], *added]}
        await send(message)

    return sent


async def _refuse(scope: Scope, receive: Receive, send: Send, refused: Refused) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": refused.reason})
        return
    wants_page = b"text/html" in dict(scope["headers"]).get(b"accept", b"")
    if (
        refused.status == 401
        and wants_page
        and scope["method"] == "GET"
        and not scope["path"].startswith("/api/")
    ):
        status, headers, body = 303, [(b"location", b"/login")], b""
    else:
        status, body = refused.status, orjson.dumps({"error": refused.reason})
        headers = [(b"content-type", b"application/json")]
        if status == 401:
            headers.append((b"www-authenticate", b"Bearer"))
    start: dict[str, Any] = {
        "type": "http.response.start",
        "status": status,
        "headers": [*headers, *_HEADERS],
    }
    await send({**start, "headers": [*start["headers"], (b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body})
