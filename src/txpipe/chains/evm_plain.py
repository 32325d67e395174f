"""Answers of EVM nodes (execution-apis) decoded straight into the few fields that records are made of."""

from __future__ import annotations

from typing import Any

from msgspec import MsgspecError, Struct, field
from msgspec.json import Decoder

from txpipe.chains.exact import Text, parse


class PlainAuthorization(Struct, gc=False, rename="camel"):
    """One entry of an authorization list (EIP-7702)."""

    address: str


class PlainTransaction(Struct, gc=False, rename="camel"):
    """A transaction."""

    hash: str
    to: str | None
    value: str
    input: str
    block_hash: str
    block_number: str
    transaction_index: str
    sender: str = field(name="from")
    chain_id: str | None = None
    block_timestamp: str | int | None = None
    authorization_list: list[PlainAuthorization] | None = None


class PlainLog(Struct, gc=False, rename="camel"):
    """A log."""

    address: str
    topics: list[str]
    data: str
    block_hash: str
    block_number: str
    transaction_hash: str
    transaction_index: str
    log_index: str
    removed: bool = False
    block_timestamp: str | int | None = None


class PlainReceipt(Struct, gc=False, rename="camel"):
    """A receipt."""

    transaction_hash: str
    block_hash: str
    block_number: str
    status: str
    logs: list[PlainLog]
    logs_bloom: str | None = None
    contract_address: str | None = None
    block_timestamp: str | int | None = None


class PlainBlock(Struct, gc=False, rename="camel"):
    """A block with its transactions."""

    hash: str
    parent_hash: str
    number: str
    timestamp: str
    transactions: list[PlainTransaction]


class _Answer(Struct, gc=False, rename="camel"):
    id: int
    result: PlainBlock | list[PlainReceipt] | None
    error: None = None


_decoded = Decoder(list[_Answer]).decode


class _Text:
    """The text of the answer to a batch, parsed once, where it must be."""

    def __init__(self, text: Text) -> None:
        self._text = text
        self._results: dict[Any, Any] | None = None

    def result(self, number: int) -> Any:
        if self._results is None:
            self._results = {one["id"]: one["result"] for one in parse(self._text)}
        return self._results[number]


class Told:
    """What was answered to one request.

    Attributes:
        plain: it, in the common shape: a block, or a block's receipts.
    """

    __slots__ = ("_number", "_text", "plain")

    def __init__(self, plain: PlainBlock | list[PlainReceipt], text: _Text, number: int) -> None:
        self.plain = plain
        self._text = text
        self._number = number

    def whole(self) -> Any:
        """Return all of it, as any other answer is read.

        Raises:
            RecordFault: it does not read.
        """
        return self._text.result(self._number)


def told(text: Text) -> Any:
    """Read the answers to a batch; their results are Told where all are in the common shape.

    A text that is not ASCII is read with care: what is passed over is not looked at.

    Raises:
        RecordFault: it is no JSON.
    """
    try:
        answers = _decoded(text) if text.isascii() else None
    except (MsgspecError, RecursionError):
        answers = None
    if answers is None:
        return parse(text)
    kept = _Text(text)
    return [
        {"id": one.id, "result": None if one.result is None else Told(one.result, kept, one.id)}
        for one in answers
    ]
