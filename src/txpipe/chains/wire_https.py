"""HTTP and HTTPS by urllib3: any URL, TLS, users and passwords."""

from __future__ import annotations

import base64
import time
from urllib.parse import unquote

import urllib3
from urllib3.exceptions import HTTPError, LocationValueError

from txpipe.chains.endpoint import CONNECT_S, NO_TLS, Endpoint, Limits, NodeFailed
from txpipe.chains.wire_http import HEADERS, Answer, HttpWire
from txpipe.errors import UsageFault

_CHUNK = 1 << 16


class UrllibWire(HttpWire):
    """An http or https URL."""

    def __init__(self, parts: urllib3.util.Url, limits: Limits) -> None:
        """Take an http or https URL; a user and password in it are sent as basic authentication."""
        port = f":{parts.port}" if parts.port else ""
        name = f"{parts.scheme}://{parts.host}{port}"
        auth = base64.b64encode(unquote(parts.auth).encode()).decode() if parts.auth else None
        super().__init__(Endpoint(name, parts.auth, auth, parts.path, parts.query), limits)
        self._url = f"{name}{parts.request_uri}"
        self._headers = dict(HEADERS)
        if auth:
            self._headers["authorization"] = f"Basic {auth}"
        self._pool = urllib3.PoolManager(
            maxsize=1, retries=False, timeout=urllib3.Timeout(connect=CONNECT_S, read=limits.timeout_s)
        )

    def close(self) -> None:
        """Close the connection."""
        self._pool.clear()

    def _post(self, body: bytes) -> Answer:
        try:
            response = self._pool.request(
                "POST",
                self._url,
                body=body,
                headers=self._headers,
                preload_content=False,
                redirect=False,
            )
            text = self._read(response)
        except (HTTPError, OSError) as exc:
            raise self.endpoint.failed(_told(exc)) from None  # the cause shows the whole URL
        return response.status, response.headers.get("retry-after", ""), text

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


def parts_of(url: str) -> urllib3.util.Url:
    """Return the parts of a URL.

    Raises:
        UsageFault: it is none.
    """
    try:
        return urllib3.util.parse_url(url)
    except LocationValueError as exc:
        raise UsageFault("--rpc: that is no URL (it is not shown: it may hold a key)") from exc


def _told(exc: Exception) -> str:
    """Return why there is no answer, in a few words that name no URL."""
    if isinstance(exc, urllib3.exceptions.NameResolutionError):
        return "no such host"
    if isinstance(exc, urllib3.exceptions.NewConnectionError):
        return "no connection"
    if isinstance(exc, urllib3.exceptions.ConnectTimeoutError):
        return f"no connection within {CONNECT_S:g} s"
    if isinstance(exc, urllib3.exceptions.TimeoutError):
        return "no answer in time"
    if isinstance(exc, urllib3.exceptions.SSLError):
        return NO_TLS
    return f"the connection broke ({type(exc).__name__})"
