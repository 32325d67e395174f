"""JSON-RPC over connections over which a node also sends word by itself: what all of them have in common."""

from __future__ import annotations

import socket
import time
from collections import deque
from typing import Any

import orjson

from txpipe.chains.endpoint import Endpoint, Limits, NodeFailed, Reader
from txpipe.chains.exact import parse
from txpipe.errors import RecordFault

NEWS_KEPT = 100_000
"""Messages of one subscription that are kept until they are asked for; the oldest go first."""

NEWS_BYTES = 1 << 25
"""Bytes of them; a node that sends more between two looks means harm: its messages could take all memory."""

DRAIN_S = 5.0
"""Seconds for reading what has come by now: a node that sends faster than that is read would never let go."""


class PushWire:
    """One connection that a node can push over; a subclass knows how to open it, to send and to receive.

    One request is on the way at a time: whatever comes meanwhile and is no word of a subscription, nor the
    answer to another request, is its answer. A connection that failed, or on which an answer is late, is
    closed; ``ready`` opens another.

    Attributes:
        endpoint: whom it leads to.
    """

    def __init__(self, endpoint: Endpoint, limits: Limits) -> None:
        self.endpoint = endpoint
        self._limits = limits
        self._opened = 0
        self._is_open = False
        self._kinds: dict[str, str] = {}
        self._news: dict[str, deque[Any]] = {}
        self._sizes: dict[str, int] = {}

    def ready(self) -> int:
        """Open the connection if it is not; return how often that was done.

        Raises:
            NodeFailed: there is no connection.
        """
        self._drain()
        if not self._is_open:
            self._kinds.clear()
            self._news.clear()
            self._sizes.clear()
            self._connect()
            self._is_open = True
            self._opened += 1
        return self._opened

    def exchange(self, body: Any, read: Reader = parse) -> Any:
        """Send the JSON of a request, or of several; return the JSON of the answer.

        Raises:
            NodeFailed: no answer, one that is no JSON, too large or too slow a one.
        """
        if not self._is_open:
            self.ready()
        end = time.monotonic() + self._limits.timeout_s
        try:
            self._send(orjson.dumps(body))
            while (left := end - time.monotonic()) > 0 and (text := self._receive(left)) is not None:
                answer = self.endpoint.parsed(text, self._limits, read)
                if not self._is_news(answer, len(text)) and _is_for(answer, body):
                    return answer
        except RecordFault as exc:
            self.close()
            raise self.endpoint.failed("its answer is no JSON") from exc
        except BaseException:
            self.close()  # an answer that is left behind would be taken for the next one's
            raise
        self.close()
        raise self.endpoint.failed("no answer in time")

    def route(self, named: str, kind: str) -> None:
        """Keep what comes under a subscription's id as news of a kind."""
        self._kinds[named] = kind
        self._news.setdefault(kind, deque(maxlen=NEWS_KEPT))

    def taken(self, kind: str) -> list[Any]:
        """Return the news of a kind since the last call.

        Raises:
            NodeFailed: it sends more than can be read.
        """
        self._drain()
        self._sizes[kind] = 0
        kept = self._news.get(kind, ())
        news = list(kept)
        if isinstance(kept, deque):
            kept.clear()
        return news

    def wait(self, seconds: float, kind: str) -> bool:
        """Wait at most so long for news of any kind.

        Returns:
            Whether there is some of this kind, or the connection is gone, which the next request tells.
        """
        try:
            if self._is_open and not any(self._news.values()):
                text = self._receive(seconds)
                if text is not None:
                    self._is_news(self.endpoint.parsed(text, self._limits), len(text))
        except (NodeFailed, RecordFault):
            self.close()
        return not self._is_open or bool(self._news.get(kind))

    def close(self) -> None:
        """Close the connection."""
        if self._is_open:
            self._is_open = False
            self._disconnect()

    def _drain(self) -> None:
        """Take what has come by now.

        Raises:
            NodeFailed: more comes all the time.
        """
        end = time.monotonic() + DRAIN_S
        while self._is_open:
            try:
                text = self._receive(0.0)
                if text is None:
                    return
                self._is_news(self.endpoint.parsed(text, self._limits), len(text))
            except (NodeFailed, RecordFault):
                self.close()
            if time.monotonic() > end:
                self.close()
                raise self._flooded()

    def _flooded(self) -> NodeFailed:
        return self.endpoint.failed("it sends more than can be read")

    def _is_news(self, message: Any, size: int) -> bool:
        """Keep a message if a subscription sent it; whether it did.

        Raises:
            NodeFailed: it would be too much.
        """
        if not isinstance(message, dict) or "method" not in message:
            return False
        told = message.get("params")
        if isinstance(told, dict) and isinstance(named := told.get("subscription"), str):
            kind = self._kinds.get(named)
            if kind is not None:
                self._sizes[kind] = self._sizes.get(kind, 0) + size
                if self._sizes[kind] > NEWS_BYTES:
                    raise self._flooded()
                self._news[kind].append(told.get("result"))
        return True

    def _connect(self) -> None:
        """Open the connection."""
        raise NotImplementedError

    def _disconnect(self) -> None:
        """Close it."""
        raise NotImplementedError

    def _send(self, text: bytes) -> None:
        """Send one message."""
        raise NotImplementedError

    def _receive(self, seconds: float) -> bytes | None:
        """Return the next message; None if none comes within so many seconds."""
        raise NotImplementedError


def _is_for(answer: Any, body: Any) -> bool:
    """Whether an answer may be a request's: all but one that names others, as one given twice does."""
    several = answer if isinstance(answer, list) else [answer]
    named = {str(one["id"]) for one in several if isinstance(one, dict) and one.get("id") is not None}
    asked = {str(one["id"]) for one in (body if isinstance(body, list) else [body])}
    return not named or not named.isdisjoint(asked)


def why(exc: Exception) -> str:
    """Return why there is no connection, in a few words that name no URL."""
    if isinstance(exc, FileNotFoundError):
        return "no such socket"
    if isinstance(exc, PermissionError):
        return "no permission to use that socket"
    if isinstance(exc, socket.gaierror):
        return "no such host"
    return f"no connection ({type(exc).__name__})"
