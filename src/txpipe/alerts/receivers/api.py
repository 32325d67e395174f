"""JSON to and from a service's HTTP API: one request at a time, by urllib3."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError, MaxRetryError, NameResolutionError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as TooLate

from txpipe import __version__
from txpipe.alerts.receiver import NotTaken

_LARGEST = 1 << 20
_AGENT = {"user-agent": f"txalert/{__version__}"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service answered.

    Attributes:
        status: HTTP's.
        said: the object in the body; empty where there is none.
        retry_after: the header.
    """

    status: int
    said: dict[str, Any]
    retry_after: str

    @property
    def is_good(self) -> bool:
        """Whether it did what was asked."""
        return 200 <= self.status < 300


class Api:
    """Calls one service; certificates are verified, redirects are not followed."""

    def __init__(self, quiet_s: float) -> None:
        """Take the seconds for a connection, and for an answer to begin or to go on."""
        self._pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=quiet_s, read=quiet_s), retries=False
        )

    def call(
        self, method: str, url: str, said: dict[str, Any], headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send an object and return what is answered, whatever its status.

        Args:
            method: HTTP's.
            url: where to.
            said: the object.
            headers: beside the usual ones.

        Raises:
            NotTaken: there is no answer; why, without the URL, which may be secret.
        """
        try:
            response = self._pool.request(
                method,
                url,
                json=said,
                headers={**_AGENT, **(headers or {})},
                preload_content=False,
                redirect=False,
            )
            try:
                body = response.read(_LARGEST)
            except BaseException:
                response.close()
                raise
            # More than anybody needs is not waited for.
            response.close() if len(body) == _LARGEST else response.release_conn()
        except HTTPError as exc:
            raise NotTaken(_told(exc)) from None
        return Answer(response.status, _object(body), response.headers.get("retry-after", ""))

    def close(self) -> None:
        """Close the connections that nobody uses."""
        self._pool.clear()


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _told(error: HTTPError) -> str:
    """Return why there is no answer."""
    cause: BaseException | None = error.reason if isinstance(error, MaxRetryError) else error
    if isinstance(cause, SSLError):
        return "its certificate cannot be verified, or it does not speak TLS as it should"
    if isinstance(cause, NameResolutionError):
        return "no such host"
    if isinstance(cause, TooLate) and not isinstance(cause, NewConnectionError):
        return "no answer in time"
    return f"no connection, or it broke ({type(cause).__name__})"
