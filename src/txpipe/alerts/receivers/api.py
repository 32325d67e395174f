"""JSON to and from a service's HTTP API: one request at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from txpipe.alerts.receiver import SEND_S, NotTaken
from txpipe.alerts.receivers.exchange import QUIET_S, Exchange

_LARGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service answered.

    Attributes:
        status: HTTP's.
        said: the object in the body; empty where there is none.
        is_object: there is one.
        retry_after: the header.
    """

    status: int
    said: dict[str, Any]
    is_object: bool
    retry_after: str

    @property
    def is_good(self) -> bool:
        """Whether it did what was asked."""
        return 200 <= self.status < 300


class Api:
    """Calls one service."""

    def __init__(self, url: str, quiet_s: float = QUIET_S, send_s: float = SEND_S) -> None:
        """Take where it is: see ``Exchange``."""
        self._exchange = Exchange(url, quiet_s, send_s)

    def call(
        self, method: str, url: str, said: dict[str, Any], headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send an object and return what is answered, whatever its status.

        Args:
            method: HTTP's.
            url: where to, on the host of the service.
            said: the object.
            headers: beside the usual ones.

        Raises:
            NotTaken: there is no answer, or it broke off; why, without the URL, which may be secret.
        """
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        reply = self._exchange.ask(method, target, json.dumps(said).encode(), headers or {}, _LARGEST)
        if reply.body is None:
            self._exchange.drop()
            raise NotTaken("its answer broke off")
        found = _parsed(reply.body)
        is_object = isinstance(found, dict)
        return Answer(reply.status, found if is_object else {}, is_object, reply.retry_after)


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
