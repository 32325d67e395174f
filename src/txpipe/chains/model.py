"""What every dialect is brought to before records are made, and the readers of single values."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from msgspec import Struct

from txpipe.errors import RecordFault

_hex_number = re.compile(r"0x[0-9a-fA-F]{1,64}").fullmatch
_digits = re.compile(r"[0-9]{1,78}").fullmatch
_hex_address = re.compile(r"0x[0-9a-fA-F]{40}").fullmatch
_small = re.compile(r"0x[0-9a-fA-F]{1,13}").fullmatch
_hex_hash = re.compile(r"0x[0-9a-fA-F]{64}").fullmatch
_coin_hash = re.compile(r"[0-9a-fA-F]{64}").fullmatch

_RECENT = 1 << 12
"""Values of a kind that are remembered: a block's hash, number and time stand in every transaction and
receipt, a transaction's hash in its receipt and logs, and most addresses come again."""

MAX_WORD = 1 << 256
"""One more than the largest number an EVM word holds."""

MAX_HEIGHT = 1 << 53
"""Heights, times and indexes beyond this are no such thing, and would not survive JSON readers."""


class Header(Struct):
    """A block's header; ``count`` is the number of its transactions where the dialect says so."""

    block: int
    block_hash: str | None
    parent: str | None
    time: int | None
    count: int | None
    chain: str | None = None


class Transaction(Struct):
    """An EVM transaction.

    Attributes:
        block: None while pending.
        status: None where nothing says how it ended.
        delegates: contracts whose code its authorization list gives to accounts (EIP-7702).
    """

    hash: str
    block: int | None
    block_hash: str | None
    index: int
    time: int | None
    sender: str | None
    to: str | None
    value: int
    data: bytes
    chain: str | None = None
    status: int | None = None
    created: str | None = None
    delegates: tuple[str, ...] = ()


class Log(Struct):
    """An event; ``index`` counts within the block, with some providers within the transaction."""

    tx: str
    index: int
    block: int | None
    block_hash: str | None
    time: int | None
    tx_index: int
    address: str
    topics: list[bytes]
    data: bytes
    chain: str | None = None


class Receipt(Struct):
    """How a transaction ended; ``logs`` is None where the dialect keeps them elsewhere."""

    tx: str
    block: int | None
    block_hash: str | None
    time: int | None
    status: int | None
    created: str | None
    logs: list[Log] | None


class TokenTransfer(Struct):
    """ethereum-etl's reading of a Transfer event: its value may be an amount or a token's id."""

    tx: str
    index: int
    block: int | None
    block_hash: str | None
    time: int | None
    token: str
    sender: str
    to: str
    value: int


class Output(Struct):
    """One output of a UTXO transaction, in base units; ``addresses`` are several for bare multisig."""

    n: int
    addresses: list[str]
    value: int


class CoinTransaction(Struct):
    """A UTXO transaction.

    Attributes:
        senders: the addresses of its inputs as far as the dialect tells them.
        blind: an input comes without the output that it spends, so that its address cannot be known.
    """

    hash: str
    block: int | None
    block_hash: str | None
    index: int
    time: int | None
    senders: list[str]
    outputs: list[Output]
    blind: bool = False


class CoinHeader(Header):
    """The header of a UTXO block."""


Item = Header | Transaction | Log | Receipt | TokenTransfer | CoinTransaction


def integer(value: Any, what: str) -> int | None:
    """Read a whole number from an int, hex or decimal string; None for null and the empty string.

    Raises:
        RecordFault: anything else, a float too: its last digits are lost.
    """
    if type(value) is int and 0 <= value < MAX_WORD:
        return value
    if value is None or value == "":
        return None
    if type(value) is str:
        if _hex_number(value):
            return int(value, 16)
        if _digits(value) and (number := int(value)) < MAX_WORD:
            return number
    lost = ", its digits are lost" if isinstance(value, float) else ""
    raise RecordFault(f"{what} is {shown(value)}, not a whole number{lost}")


def number(value: Any, what: str) -> int:
    """Read a whole number that must be there."""
    found = integer(value, what)
    if found is None:
        raise RecordFault(f"{what} is missing")
    return found


def small(value: Any, what: str) -> int:
    """Read a height, time or index that must be there."""
    if type(value) is str:
        try:
            return _small_hex(value)
        except ValueError:  # it is longer, decimal, or none
            pass
    found = number(value, what)
    if found >= MAX_HEIGHT:
        raise RecordFault(f"{what} is {shown(value)}, which is too large")
    return found


@lru_cache(_RECENT)
def _small_hex(text: str) -> int:
    """Read a height, time or index as JSON-RPC spells it; only what reads is remembered.

    Raises:
        ValueError: it is no such text.
    """
    if not _small(text):
        raise ValueError
    return int(text, 16)


def maybe_small(value: Any, what: str) -> int | None:
    """Read a height, time or index that may be absent."""
    return None if value is None or value == "" else small(value, what)


def address(value: Any, what: str) -> str | None:
    """Read an EVM address as lower-case hex; None for null and the empty string."""
    if type(value) is str:
        try:
            return _lower_address(value)
        except ValueError:
            pass
    if value is None or value == "":
        return None
    raise RecordFault(f"{what} is {shown(value)}, not an address")


@lru_cache(_RECENT)
def _lower_address(text: str) -> str:
    if not _hex_address(text):
        raise ValueError
    return text.lower()


def account(value: Any, what: str) -> str:
    """Read an EVM address that must be there."""
    found = address(value, what)
    if found is None:
        raise RecordFault(f"{what} is missing")
    return found


def block_hash(value: Any, what: str) -> str | None:
    """Read a hash of 32 bytes (with 0x, or without as Bitcoin writes it) that may be absent."""
    if value is None or value == "":
        return None
    return tx_hash(value, what)


def tx_hash(value: Any, what: str) -> str:
    """Read a hash of 32 bytes that must be there."""
    if type(value) is str:
        try:
            return _lower_hash(value)
        except ValueError:
            pass
    raise RecordFault(f"{what} is {shown(value)}, not a hash of 32 bytes")


@lru_cache(_RECENT)
def _lower_hash(text: str) -> str:
    if not (_hex_hash(text) or _coin_hash(text)):
        raise ValueError
    return text.lower()


def data_bytes(value: Any, what: str) -> bytes:
    """Read 0x-prefixed hex; null and the empty string are no bytes."""
    if value is None or value == "":
        return b""
    if type(value) is str and value[:2] == "0x":
        try:
            return bytes.fromhex(value[2:])
        except ValueError:
            pass
    raise RecordFault(f"{what} is {shown(value)}, not hex bytes")


def flag(value: Any) -> bool | None:
    """Read a truth value as JSON and CSV write it."""
    if isinstance(value, bool):
        return value
    text = str(value).lower()
    return True if text in ("true", "1") else False if text in ("false", "0") else None


def evm_chain(value: Any, what: str) -> str | None:
    """Read a chain id (EIP-155) as CAIP-2; absent and 0 (never a chain) are None."""
    found = maybe_small(value, what)
    return f"eip155:{found}" if found else None


def shown(value: object) -> str:
    """Show a value in a message, cut to a line's worth."""
    text = repr(value)
    return text if len(text) <= 50 else f"{text[:47]}..."
