"""JSON-RPC over HTTP and HTTPS: a request, an answer."""

from __future__ import annotations

import base64
import time
from typing import Any
from urllib.parse import unquote

import orjson
import urllib3
from urllib3.exceptions import HTTPError

from txpipe import __version__
from txpipe.chains.endpoint import CONNECT_S, Endpoint, Limits, NodeBusy, NodeFailed, Reader, TooLarge
from txpipe.chains.exact import parse
from txpipe.errors import RecordFault

_CHUNK = 1 << 16


class HttpWire:
    """One connection at a time to one URL; opened anew where it was closed.

    Attributes:
        endpoint: whom it leads to.
    """

    def __init__(self, parts: urllib3.util.Url, limits: Limits) -> None:
        """Take an http or https URL; a user and password in it are sent as basic authentication."""
        port = f":{parts.port}" if parts.port else ""
        name = f"{parts.scheme}://{parts.host}{port}"
        auth = base64.b64encode(unquote(parts.auth).encode()).decode() if parts.auth else None
        self.endpoint = Endpoint(name, parts.auth, auth, parts.path, parts.query)
        self._url = f"{name}{parts.request_uri}"
        self._headers = urllib3.util.make_headers(
            accept_encoding="gzip,deflate",
            user_agent=f"txtail/{__version__}",
        ) | {"content-type": "application/json"}
        if auth:
            self._headers["authorization"] = f"Basic {auth}"
        self._pool = urllib3.PoolManager(
            maxsize=1, retries=False, timeout=urllib3.Timeout(connect=CONNECT_S, read=limits.timeout_s)
        )
        self._limits = limits

    def exchange(self, body: Any, read: Reader = parse) -> Any:
        """Post a body; return the JSON of the answer, whatever its status if it is JSON-RPC.

        Raises:
            NodeFailed: no answer, an answer of another kind, too large or too slow a one.
        """
        try:
            response = self._pool.request(
                "POST",
                self._url,
                body=orjson.dumps(body),
                headers=self._headers,
                preload_content=False,
                redirect=False,
            )
            text = self._read(response)
        except (HTTPError, OSError) as exc:
            raise self.endpoint.failed(_told(exc)) from None  # the cause shows the whole URL
        status, name = response.status, self.endpoint.name
        if status == 413:
            raise TooLarge(f"{name}: the request is too large")
        if status in {429, 503}:
            after = response.headers.get("retry-after", "")
            raise NodeBusy(f"{name}: HTTP {status}", float(after) if after.isdecimal() else 0.0)
        if status in {401, 403}:
            raise self.endpoint.failed(f"HTTP {status}: it wants another key, or none from here")
        try:
            return read(text)
        except RecordFault as exc:
            kind = f"HTTP {status}" if status != 200 else "its answer is no JSON"
            raise self.endpoint.failed(kind) from exc

    def close(self) -> None:
        """Close the connection."""
        self._pool.clear()

    def _read(self, response: urllib3.BaseHTTPResponse) -> bytes:
        parts, size, end = [], 0, time.monotonic() + self._limits.answer_s
        fault: NodeFailed | None = None
        try:
            while fault is None and (part := response.read1(_CHUNK, decode_content=True)):
                size += len(part)
                parts.append(part)
                if size > self._limits.max_answer:
                    fault = self.endpoint.overfull(self._limits)
                elif time.monotonic() > end:
                    fault = self.endpoint.failed(self._limits.too_slow)
        except (HTTPError, OSError):
            response.close()
            raise
        if fault is not None:
            response.close()
            raise fault
        response.release_conn()
        return b"".join(parts)


def _told(exc: Exception) -> str:
    """Return why there is no answer, in a few words that name no URL."""
    if isinstance(exc, urllib3.exceptions.NewConnectionError):
        return "no connection"
    if isinstance(exc, urllib3.exceptions.ConnectTimeoutError):
        return f"no connection within {CONNECT_S:g} s"
    if isinstance(exc, urllib3.exceptions.TimeoutError):
        return "no answer in time"
    if isinstance(exc, urllib3.exceptions.SSLError):
        return "its certificate cannot be verified, or it does not speak TLS"
    if isinstance(exc, urllib3.exceptions.NameResolutionError):
        return "no such host"
    return f"the connection broke ({type(exc).__name__})"
