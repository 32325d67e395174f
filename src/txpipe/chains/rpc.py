"""JSON-RPC 2.0: one node's answers, one by one or in batches; messages hold no secret of its URL."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from txpipe.chains.endpoint import (
    ANSWER_S,
    MAX_ANSWER,
    TIMEOUT_S,
    Limits,
    NodeBusy,
    NodeFailed,
    Reader,
    TooLarge,
    Wire,
)
from txpipe.chains.exact import parse
from txpipe.chains.wire_plain import URL, PlainWire
from txpipe.errors import UsageFault

if TYPE_CHECKING:
    from txpipe.chains.wire_push import PushWire

BATCH = 64
"""Requests in one batch; halved where a node takes fewer."""

_GROWN = 32
"""Batches answered in a row after which larger ones are tried again."""

_BUSY_CODES = frozenset({-32005, 429, -28})  # -28: Bitcoin Core that is still loading its blocks
_MISSING_CODE = -32601
_busy = re.compile(r"rate.?limit|too many requests|capacity|throttl", re.IGNORECASE).search
_reverted = re.compile(r"\brevert|VM (exception|execution)", re.IGNORECASE).search
"""A contract's own words: whatever they say, they are not the node's."""
_missing = re.compile(
    r"method .*(not found|not supported|not available|does not exist)|unsupported method", re.IGNORECASE
).search

Asked = tuple[str, Sequence[Any]]
"""A method and its parameters."""


class RpcFault(NodeFailed):
    """A node answered that it cannot do what it was asked.

    Attributes:
        code: as JSON-RPC has it.
        missing: it does not know the method.
        reverted: a contract ended the call, with words of its own.
    """

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code
        self.reverted = _reverted(message) is not None
        self.missing = code == _MISSING_CODE or (_missing(message) is not None and not self.reverted)


class Node:
    """One endpoint.

    Attributes:
        name: scheme, host and port: what may be said of its URL.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = TIMEOUT_S,
        answer_s: float = ANSWER_S,
        max_answer: int = MAX_ANSWER,
    ) -> None:
        """Take an http, https, ws or wss URL, or the path of a node's IPC socket.

        Raises:
            UsageFault: it is none of these. The message does not show it.
        """
        self._wire, self._push = _wire(url, Limits(timeout_s, answer_s, max_answer))
        self._endpoint = self._wire.endpoint
        self.name = self._endpoint.name
        self._batch = BATCH
        self._answered = 0
        self._last = 0

    @property
    def opened(self) -> int:
        """How often its connection was opened, which it is now if need be; always 0 over HTTP.

        Raises:
            NodeFailed: there is no connection.
        """
        return 0 if self._push is None else self._push.ready()

    @property
    def can_push(self) -> bool:
        """Whether it can send word of something new by itself."""
        return self._push is not None

    def subscribe(self, kind: str, *params: Any) -> None:
        """Ask to be sent word of something new (eth_subscribe) for as long as the connection lasts.

        Raises:
            NodeFailed: it does not answer, or (RpcFault) has no such subscription.
        """
        named = self.call("eth_subscribe", kind, *params)
        if self._push is None or not isinstance(named, str):
            raise self._endpoint.failed(f"it names no subscription to {kind}")
        self._push.route(named, kind)

    def news(self, kind: str) -> list[Any]:
        """Return what was sent by a subscription since the last call."""
        return [] if self._push is None else self._push.taken(kind)

    def wait(self, seconds: float, kind: str) -> bool:
        """Wait at most so long for whatever a subscription sends; True if there may be news of this kind."""
        return self._push is not None and self._push.wait(seconds, kind)

    def call(self, method: str, *params: Any) -> Any:
        """Return what a node answers.

        Raises:
            NodeFailed: it does not answer, or (RpcFault) with an error.
        """
        (answer,) = self._single(method, params)
        if isinstance(answer, RpcFault):
            raise answer
        return answer

    def calls(self, wanted: Sequence[Asked], read: Reader = parse) -> list[Any]:
        """Return what a node answers to several requests, in their order; a RpcFault stands for an error.

        Args:
            wanted: the requests.
            read: reads the text of an answer to a batch.

        Raises:
            NodeFailed: it does not answer.
        """
        answers: list[Any] = []
        while len(answers) < len(wanted):
            part = wanted[len(answers) : len(answers) + self._batch]
            if len(part) == 1:
                answers += self._single(*part[0])
                continue
            found = self._several(part, read)
            if found is None:
                self._batch = max(1, len(part) // 2)
                self._answered = 0
            else:
                answers += found
        self._answered += 1
        if self._answered >= _GROWN and self._batch < BATCH:
            self._batch, self._answered = self._batch * 2, 0
        return answers

    def failed(self, reason: object) -> NodeFailed:
        """Return the error of an answer that does not read; the reason may repeat what the node said."""
        return self._endpoint.failed(self.tamed(str(reason)))

    def tamed(self, message: str) -> str:
        """Return what may repeat a node's words without what its URL keeps secret."""
        return self._endpoint.tamed(message)

    def close(self) -> None:
        """Close the connection."""
        self._wire.close()

    def _single(self, method: str, params: Sequence[Any]) -> list[Any]:
        self._last += 1
        answer = self._wire.exchange(
            {"jsonrpc": "2.0", "id": self._last, "method": method, "params": list(params)}
        )
        if not isinstance(answer, dict) or ("result" not in answer and "error" not in answer):
            raise self._endpoint.failed("its answer is no JSON-RPC; is this the URL of a node?")
        return [self._result(answer)]

    def _several(self, part: Sequence[Asked], read: Reader) -> list[Any] | None:
        """Return the answers to a batch; None if it is too large for the node."""
        first = self._last + 1
        self._last += len(part)
        body = [
            {"jsonrpc": "2.0", "id": first + place, "method": method, "params": list(params)}
            for place, (method, params) in enumerate(part)
        ]
        try:
            answer = self._wire.exchange(body, read)
        except TooLarge:
            return None
        if isinstance(answer, dict):  # one error for all: batches are refused, or this one is
            fault = self._result(answer)
            if isinstance(fault, NodeBusy):
                raise fault
            return None
        told = answer if isinstance(answer, list) else []
        by_id = {str(one.get("id")): one for one in told if isinstance(one, dict)}
        found = [by_id.get(str(first + place)) for place in range(len(part))]
        if None in found:
            raise self._endpoint.failed("it answered only a part of a batch")
        return [self._result(one) for one in found if one is not None]

    def _result(self, answer: dict[str, Any]) -> Any:
        """Return the result of an answer, or its error as a RpcFault.

        Raises:
            NodeBusy: the error says that it was asked too often.
        """
        error = answer.get("error")
        if error is None:
            return answer.get("result")
        told = error if isinstance(error, dict) else {"message": error}
        said, number = told.get("message"), told.get("code")
        message = self._endpoint.tamed(said) if isinstance(said, str) else "an error that it does not explain"
        code = number if isinstance(number, int) else 0
        if code in _BUSY_CODES or (_busy(message) and not _reverted(message)):
            raise NodeBusy(f"{self.name}: {message}")
        return RpcFault(f"{self.name}: {message}", code)


def _wire(url: str, limits: Limits) -> tuple[Wire, PushWire | None]:
    """Return the way to a node, once more if the node can push over it.

    Raises:
        UsageFault: the URL is none of a node. The message does not show it.
    """
    plain = URL.fullmatch(url)
    if plain:
        return PlainWire(plain, limits), None
    push: PushWire
    if url.startswith(("/", "./", "../", "~", "ipc:")):
        from txpipe.chains.wire_ipc import IpcWire  # noqa: PLC0415 - only where used

        push = IpcWire(url.removeprefix("ipc:").removeprefix("//"), limits)
        return push, push
    from txpipe.chains import wire_https  # noqa: PLC0415 - urllib3 takes a third of the start

    parts = wire_https.parts_of(url)
    if parts.host and parts.scheme in {"http", "https"}:
        return wire_https.UrllibWire(parts, limits), None
    if parts.host and parts.scheme in {"ws", "wss"}:
        from txpipe.chains.wire_socket import SocketWire  # noqa: PLC0415 - of websockets, in the extra, too

        push = SocketWire(parts, limits)
        return push, push
    raise UsageFault(
        "--rpc: a URL that begins with http://, https://, ws:// or wss://, or the path of an IPC socket, is "
        "needed (it is not shown)"
    )
