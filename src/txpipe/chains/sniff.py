"""Tells the dialects apart by their keys, and opens the envelopes around them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from txpipe.chains import bitcoin, cryo, etl, jsonrpc
from txpipe.chains.model import Item, shown
from txpipe.errors import RecordFault

_Json = dict[str, Any]
_Reader = Callable[[_Json], Item | list[Item] | None]

# The first row whose keys are all there reads the object. Order matters: ethereum-etl's and bitcoin-etl's
# items share their types, "block" and "transaction", but not these keys.
_SHAPES: tuple[tuple[frozenset[str], _Reader], ...] = tuple(
    (frozenset(keys.split()), reader)
    for keys, reader in (
        ("hash height tx", bitcoin.core_block),
        ("txid vin vout", bitcoin.core_transaction),
        ("parentHash number transactions", jsonrpc.block),
        ("parentHash number timestamp", jsonrpc.block),
        ("transactionHash cumulativeGasUsed", jsonrpc.receipt),
        ("transactionHash logs", jsonrpc.receipt),
        ("transactionHash logIndex address", jsonrpc.log),
        ("hash from nonce value", jsonrpc.transaction),
        ("hash inputs outputs", bitcoin.etl_transaction),
        ("hash number merkle_root", bitcoin.etl_block),
        ("token_address from_address to_address transaction_hash log_index", etl.token_transfer),
        ("transaction_hash log_index address topics", etl.log),
        ("transaction_hash cumulative_gas_used block_number", etl.receipt),
        ("hash from_address value block_number", etl.transaction),
        ("number hash parent_hash timestamp", etl.block),
        ("transaction_hash log_index address block_number", cryo.log),
        ("transaction_hash from_address block_number", cryo.transaction),
        ("block_number block_hash timestamp", cryo.block),
    )
)

_RAW_SHAPES = tuple(
    keys
    for keys, reader in _SHAPES
    if reader.__module__ == jsonrpc.__name__ or reader in (bitcoin.core_block, bitcoin.core_transaction)
)

KNOWN_TYPES = frozenset({"block", "transaction", "log", "token_transfer", "receipt"})
"""Types of ethereum-etl's and bitcoin-etl's items that are read; other types pass."""

_MAX_ENVELOPES = 8


def items(found: Any, depth: int = 0) -> list[Item]:
    """Read one document, whatever its dialect.

    Raises:
        RecordFault: it is not recognised, is an error answer, or a field does not read.
    """
    if depth > _MAX_ENVELOPES:
        raise RecordFault("envelopes are nested too deep")
    if isinstance(found, list):
        return [item for one in found for item in items(one, depth + 1)]
    if not isinstance(found, dict):
        raise RecordFault(f"{shown(found)} is no block, transaction or log")
    if is_envelope(found):
        return items(opened(found), depth + 1)
    if isinstance(found.get("block"), dict):
        return _bundle(found, depth)
    for keys, reader in _SHAPES:
        if found.keys() >= keys:
            read = _bundled(found, depth, reader)
            return read if isinstance(read, list) else [] if read is None else [read]
    raise RecordFault(_unrecognised(found))


def is_envelope(found: _Json) -> bool:
    """Say whether an object is a JSON-RPC answer or a subscription's message."""
    return "jsonrpc" in found or found.keys() >= {"result", "error"} or found.keys() == {"result"}


def is_raw(found: _Json) -> bool:
    """Say whether a node's own object is told by its keys, whatever its "type" says ("eip1559", "legacy")."""
    return any(found.keys() >= keys for keys in _RAW_SHAPES)


def opened(found: _Json) -> Any:
    """Take the answer out of a JSON-RPC envelope.

    Raises:
        RecordFault: the node answered with an error or null, or it is no answer.
    """
    if found.get("error") is not None:
        error = found["error"]
        message = error.get("message") if isinstance(error, dict) else error
        raise RecordFault(f"the node answered with an error: {shown(message)}")
    if isinstance(params := found.get("params"), dict) and "result" in params:
        return params["result"]
    if "result" not in found:
        raise RecordFault("a JSON-RPC request, not an answer")
    if found["result"] is None:
        raise RecordFault("the node's answer is null: it does not have this block or transaction")
    return found["result"]


def _bundle(found: _Json, depth: int) -> list[Item]:
    """Read an object that holds a block and, beside it, its receipts or logs."""
    read = items(found["block"], depth + 1)
    for key in ("receipts", "logs"):
        if found.get(key) is not None:
            read += items(found[key], depth + 1)
    return read


def _bundled(found: _Json, depth: int, reader: _Reader) -> Item | list[Item] | None:
    read = reader(found)
    if reader is jsonrpc.block and isinstance(read, list) and found.get("receipts") is not None:
        return read + items(found["receipts"], depth + 1)
    return read


def _unrecognised(found: _Json) -> str:
    keys = ", ".join(list(found)[:6]) or "none"
    hint = "a block header without transactions" if {"nTx", "height"} <= found.keys() else "not recognised"
    return f"{hint} (keys: {keys[:80]}); --help lists what txnorm reads"
