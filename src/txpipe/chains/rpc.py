"""JSON-RPC 2.0 over HTTP: one node's answers, limited in size; messages hold no secret of its URL."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

import orjson
import urllib3
from urllib3.exceptions import HTTPError, LocationValueError

from txpipe import __version__
from txpipe.chains.exact import parse
from txpipe.errors import RecordFault, TxpipeError, UsageFault

TIMEOUT_S = 30.0
"""Seconds for an answer to begin, or to go on."""

CONNECT_S = 5.0
"""Seconds for a connection."""

ANSWER_S = 90.0
"""Seconds for a whole answer, however steadily it drips."""

MAX_ANSWER = 1 << 27
"""Bytes an answer may have once unpacked: twenty times the receipts of a large block."""

BATCH = 64
"""Requests in one batch; halved where a node takes fewer."""

_CHUNK = 1 << 16
_SHOWN = 200
_SECRET = 4
"""Characters from which on a part of a URL may be a key or a password."""

_GROWN = 32
"""Batches answered in a row after which larger ones are tried again."""

_BUSY_CODES = frozenset({-32005, 429})
_MISSING_CODE = -32601
_busy = re.compile(r"rate.?limit|too many requests|capacity|throttl", re.IGNORECASE).search
_missing = re.compile(
    r"method .*(not found|not supported|not available|does not exist)|unsupported method", re.IGNORECASE
).search

Asked = tuple[str, Sequence[Any]]
"""A method and its parameters."""


class NodeFailed(TxpipeError):
    """A node gave no answer that can be used; another may, or it may later.

    Attributes:
        wait_s: seconds for which it asked to be left alone; 0 if it did not say.
    """

    def __init__(self, message: str, wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class NodeBusy(NodeFailed):
    """A node limits how often it is asked."""


class RpcFault(NodeFailed):
    """A node answered that it cannot do what it was asked.

    Attributes:
        code: as JSON-RPC has it.
        missing: it does not know the method.
    """

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code
        self.missing = code == _MISSING_CODE or _missing(message) is not None


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
        """Take an http or https URL; a user and password in it are sent as basic authentication.

        Raises:
            UsageFault: it is no such URL. The message does not show it.
        """
        try:
            parts = urllib3.util.parse_url(url)
        except LocationValueError as exc:
            raise UsageFault("--rpc: that is no URL (it is not shown: it may hold a key)") from exc
        if parts.scheme not in {"http", "https"} or not parts.host:
            raise UsageFault("--rpc: a URL that begins with http:// or https:// is needed (it is not shown)")
        port = f":{parts.port}" if parts.port else ""
        self.name = f"{parts.scheme}://{parts.host}{port}"
        auth = base64.b64encode(unquote(parts.auth).encode()).decode() if parts.auth else None
        self._secrets = _parts_of(parts.auth, auth, parts.path, parts.query)
        self._url = f"{self.name}{parts.request_uri}"
        self._headers = urllib3.util.make_headers(
            accept_encoding="gzip,deflate",
            user_agent=f"txtail/{__version__}",
        ) | {"content-type": "application/json"}
        if auth:
            self._headers["authorization"] = f"Basic {auth}"
        self._pool = urllib3.PoolManager(
            maxsize=1, retries=False, timeout=urllib3.Timeout(connect=CONNECT_S, read=timeout_s)
        )
        self._answer_s = answer_s
        self._max_answer = max_answer
        self._batch = BATCH
        self._answered = 0
        self._last = 0

    def call(self, method: str, *params: Any) -> Any:
        """Return what a node answers.

        Raises:
            NodeFailed: it does not answer, or (RpcFault) with an error.
        """
        (answer,) = self._single(method, params)
        if isinstance(answer, RpcFault):
            raise answer
        return answer

    def calls(self, wanted: Sequence[Asked]) -> list[Any]:
        """Return what a node answers to several requests, in their order; a RpcFault stands for an error.

        Raises:
            NodeFailed: it does not answer.
        """
        answers: list[Any] = []
        while len(answers) < len(wanted):
            part = wanted[len(answers) : len(answers) + self._batch]
            if len(part) == 1:
                answers += self._single(*part[0])
                continue
            found = self._several(part)
            if found is None:
                self._batch = max(1, len(part) // 2)
                self._answered = 0
            else:
                answers += found
        self._answered += 1
        if self._answered >= _GROWN and self._batch < BATCH:
            self._batch, self._answered = self._batch * 2, 0
        return answers

    def close(self) -> None:
        """Close the connection."""
        self._pool.clear()

    def _single(self, method: str, params: Sequence[Any]) -> list[Any]:
        self._last += 1
        answer = self._posted({"jsonrpc": "2.0", "id": self._last, "method": method, "params": list(params)})
        if not isinstance(answer, dict) or ("result" not in answer and "error" not in answer):
            raise self._failed("its answer is no JSON-RPC; is this the URL of a node?")
        return [self._result(answer)]

    def _several(self, part: Sequence[Asked]) -> list[Any] | None:
        """Return the answers to a batch; None if it is too large for the node."""
        first = self._last + 1
        self._last += len(part)
        body = [
            {"jsonrpc": "2.0", "id": first + place, "method": method, "params": list(params)}
            for place, (method, params) in enumerate(part)
        ]
        try:
            answer = self._posted(body)
        except _TooLarge:
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
            raise self._failed("it answered only a part of a batch")
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
        message = self._tamed(said) if isinstance(said, str) else "an error that it does not explain"
        code = number if isinstance(number, int) else 0
        if code in _BUSY_CODES or _busy(message):
            raise NodeBusy(f"{self.name}: {message}")
        return RpcFault(f"{self.name}: {message}", code)

    def _posted(self, body: Any) -> Any:
        """Post a body and return the JSON of the answer, whatever its status if it is JSON-RPC.

        Raises:
            NodeFailed: no answer, an answer of another kind, or too large a one.
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
            raise self._failed(_told(exc)) from None  # the cause shows the whole URL
        status = response.status
        if status == 413:
            raise _TooLarge(f"{self.name}: the request is too large")
        if status in {429, 503}:
            after = response.headers.get("retry-after", "")
            raise NodeBusy(f"{self.name}: HTTP {status}", float(after) if after.isdecimal() else 0.0)
        if status in {401, 403}:
            raise self._failed(f"HTTP {status}: it wants another key, or none from here")
        try:
            return parse(text)
        except RecordFault as exc:
            kind = f"HTTP {status}" if status != 200 else "its answer is no JSON"
            raise self._failed(kind) from exc

    def _read(self, response: urllib3.BaseHTTPResponse) -> bytes:
        parts, size, end = [], 0, time.monotonic() + self._answer_s
        reason = ""
        try:
            while not reason and (part := response.read1(_CHUNK, decode_content=True)):
                size += len(part)
                parts.append(part)
                if size > self._max_answer:
                    reason = f"an answer of over {self._max_answer:,} bytes"
                elif time.monotonic() > end:
                    reason = f"no whole answer within {self._answer_s:g} s"
        except (HTTPError, OSError):
            response.close()
            raise
        if reason:
            response.close()
            raise self._failed(reason)
        response.release_conn()
        return b"".join(parts)

    def _failed(self, reason: str) -> NodeFailed:
        return NodeFailed(f"{self.name}: {reason}")

    def _tamed(self, message: str) -> str:
        """Return a node's own words without what its URL keeps secret."""
        for secret in self._secrets:
            message = message.replace(secret, "…")
        return message[:_SHOWN]


class _TooLarge(NodeFailed):
    """A request is larger than the node takes."""


def _parts_of(*texts: str | None) -> list[str]:
    """Return all that a node could repeat of what a URL keeps secret, the longest first."""
    whole = [text for text in texts if text]
    whole += [unquote(text) for text in whole]
    parts = {part for text in whole for part in (text, *re.split(r"[/:?&=]", text))}
    return sorted((part for part in parts if len(part) >= _SECRET), key=len, reverse=True)


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
