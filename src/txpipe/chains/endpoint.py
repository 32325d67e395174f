"""A node's address: what may be said of it, and what must not; and why it gave no answer."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any, Protocol

from msgspec import Struct

from txpipe.chains.exact import Text, parse
from txpipe.errors import TxpipeError

Reader = Callable[[Text], Any]
"""Reads the text of an answer to JSON; raises RecordFault if it is none."""

TIMEOUT_S = 30.0
"""Seconds for an answer to begin, or to go on."""

CONNECT_S = 5.0
"""Seconds for a connection."""

ANSWER_S = 90.0
"""Seconds for a whole answer, however steadily it drips."""

MAX_ANSWER = 1 << 26
"""Bytes an answer may have once unpacked: ten times the receipts of a large block. Fewer blocks are asked for
at once where an answer would be larger."""

MAX_VALUES = 1 << 22
"""Values an answer may hold: each takes 60 bytes of memory and more, however few of the answer. Those
of blocks and receipts take 15 bytes and more there: so many make an answer as large as one may be."""

NO_TLS = "its certificate cannot be verified, or it does not speak TLS"

_SHOWN = 200
_MARKS = (b",", b"[", b"{")
_TELLING = 8
_SECRET = 4
"""Characters from which on a part of a URL may be a key or a password; of a longer one, so many of its first,
_TELLING, are kept secret wherever they stand."""


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


class NodeDenied(NodeFailed):
    """A node wants another key, or does not let this one ask what it was asked."""


class TooLarge(NodeFailed):
    """A request is larger than the node takes, or its answer larger than is taken from a node."""


class Limits(Struct, frozen=True):
    """How long and how large an answer may be: seconds for it to begin, seconds in all, bytes, values."""

    timeout_s: float = TIMEOUT_S
    answer_s: float = ANSWER_S
    max_answer: int = MAX_ANSWER
    max_values: int = MAX_VALUES

    @property
    def too_slow(self) -> str:
        """Why an answer that never ended was not waited for."""
        return f"no whole answer within {self.answer_s:g} s"


class Endpoint:
    """A node as messages name it.

    Attributes:
        name: scheme, host and port, or a path: what may be said of its URL.
    """

    def __init__(self, name: str, *secrets: str | None) -> None:
        """Take its name, and the parts of its URL that are kept secret."""
        self.name = name
        self._secrets = _parts_of(*secrets)

    def overfull(self, limits: Limits) -> TooLarge:
        """Return the error of an answer over the size."""
        return TooLarge(f"{self.name}: an answer of over {limits.max_answer:,} bytes")

    def parsed(self, text: Text, limits: Limits, read: Reader = parse) -> Any:
        """Return the JSON of an answer.

        Args:
            text: of it.
            limits: of what is taken.
            read: reads the text.

        Raises:
            TooLarge: it would take many times its size of memory.
            RecordFault: it is no JSON.
        """
        # Every value but the first of a list or an object follows a comma.
        if len(text) > limits.max_values and sum(map(text.count, _MARKS)) > limits.max_values:
            raise TooLarge(f"{self.name}: an answer of over {limits.max_values:,} values")
        return read(text)

    def failed(self, reason: str) -> NodeFailed:
        """Return the error of a node that gave no answer, for a reason that holds no secret."""
        return NodeFailed(f"{self.name}: {reason}")

    def tamed(self, message: str) -> str:
        """Return a node's own words without what its URL keeps secret, in capitals or cut short, too."""
        for secret in self._secrets:
            message = _without(message, secret)
        return message[:_SHOWN]


class Wire(Protocol):
    """Takes a request to a node and brings its answer back."""

    endpoint: Endpoint

    def exchange(self, body: Any, read: Reader = parse) -> Any:
        """Send the JSON of a request, or of several; return the JSON of the answer.

        Args:
            body: what is sent.
            read: reads the text of the answer.

        Raises:
            NodeFailed: no answer, one that is no JSON, too large or too slow a one; TooLarge: the request is.
        """

    def close(self) -> None:
        """Close the connection."""


def _without(message: str, secret: str) -> str:
    """Return a message in which "…" stands for a secret, and for as much of its beginning as may tell it."""
    begins = re.compile(re.escape(secret[:_TELLING]), re.IGNORECASE).search
    while found := begins(message):
        at = found.start()
        pairs = zip(message[at:], secret, strict=False)
        length = len(list(itertools.takewhile(lambda pair: pair[0].lower() == pair[1].lower(), pairs)))
        message = f"{message[:at]}…{message[max(at + length, found.end()) :]}"
    return message


def _parts_of(*texts: str | None) -> list[str]:
    """Return all that a node could repeat of what a URL keeps secret, the longest first."""
    whole = [text for text in texts if text]
    if any("%" in text for text in whole):
        from urllib.parse import unquote  # noqa: PLC0415 - few URLs need it

        whole += [unquote(text) for text in whole]
    parts = {part for text in whole for part in (text, *re.split(r"[/:?&=]", text))}
    return sorted((part for part in parts if len(part) >= _SECRET), key=len, reverse=True)
