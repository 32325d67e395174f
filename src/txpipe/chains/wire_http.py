"""JSON-RPC over HTTP: a request, an answer; whatever brings them there and back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import orjson

from txpipe import __version__
from txpipe.chains.endpoint import Endpoint, Limits, NodeBusy, NodeDenied, Reader, TooLarge
from txpipe.chains.exact import Text, parse
from txpipe.errors import RecordFault

HEADERS = {
    "accept-encoding": "gzip,deflate",
    "user-agent": f"txtail/{__version__}",
    "content-type": "application/json",
}

Answer = tuple[int, str, Text]
"""A status, what the header retry-after says, and the text, unpacked."""


class HttpWire(ABC):
    """One connection at a time to one URL; opened anew where it was closed. A subclass knows how.

    Attributes:
        endpoint: whom it leads to.
    """

    def __init__(self, endpoint: Endpoint, limits: Limits) -> None:
        self.endpoint = endpoint
        self._limits = limits

    def exchange(self, body: Any, read: Reader = parse) -> Any:
        """Post a body; return the JSON of the answer, whatever its status if it is JSON-RPC.

        Raises:
            NodeFailed: no answer, an answer of another kind, too large or too slow a one.
        """
        status, after, text = self._post(orjson.dumps(body))
        name = self.endpoint.name
        if status == 413:
            raise TooLarge(f"{name}: the request is too large")
        if status in {429, 503}:
            raise NodeBusy(f"{name}: HTTP {status}", float(after) if after.isdecimal() else 0.0)
        if status in {401, 403}:
            raise NodeDenied(f"{name}: HTTP {status}: it wants another key, or none from here")
        try:
            return self.endpoint.parsed(text, self._limits, read)
        except RecordFault as exc:
            kind = f"HTTP {status}" if status != 200 else "its answer is no JSON"
            raise self.endpoint.failed(kind) from exc

    @abstractmethod
    def close(self) -> None:
        """Close the connection."""

    @abstractmethod
    def _post(self, body: bytes) -> Answer:
        """Post a body; follow no redirect.

        Raises:
            NodeFailed: no answer, too large or too slow a one.
        """
