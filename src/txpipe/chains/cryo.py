"""cryo's tables (blocks, transactions, logs) to items, JSON and CSV alike."""

from __future__ import annotations

from typing import Any

from txpipe.chains.model import (
    Header,
    Log,
    Transaction,
    account,
    address,
    block_hash,
    data_bytes,
    evm_chain,
    flag,
    maybe_small,
    number,
    small,
    tx_hash,
)
from txpipe.errors import RecordFault

_Json = dict[str, Any]


def block(found: _Json) -> Header:
    """Read a row of blocks; cryo leaves the parent's hash out unless asked for it."""
    return Header(
        block=small(found.get("block_number"), "block_number"),
        block_hash=block_hash(found.get("block_hash"), "block_hash"),
        parent=block_hash(found.get("parent_hash"), "parent_hash"),
        time=small(found.get("timestamp"), "timestamp"),
        count=None,
        chain=evm_chain(found.get("chain_id"), "chain_id"),
    )


def transaction(found: _Json) -> Transaction:
    """Read a row of transactions."""
    success = flag(found.get("success"))
    return Transaction(
        hash=tx_hash(found.get("transaction_hash"), "transaction_hash"),
        block=small(found.get("block_number"), "block_number"),
        block_hash=block_hash(found.get("block_hash"), "block_hash"),
        index=maybe_small(found.get("transaction_index"), "transaction_index") or 0,
        time=maybe_small(found.get("timestamp"), "timestamp"),
        sender=address(found.get("from_address"), "from_address"),
        to=address(found.get("to_address"), "to_address"),
        value=_value(found),
        data=data_bytes(found.get("input"), "input"),
        chain=evm_chain(found.get("chain_id"), "chain_id"),
        status=None if success is None else int(success),
    )


def _value(found: _Json) -> int:
    """Read the exact value: value_f64 has lost digits."""
    if found.get("value_string") not in (None, ""):
        return number(found["value_string"], "value_string")
    if found.get("value_binary") not in (None, ""):
        return int.from_bytes(data_bytes(found["value_binary"], "value_binary")[-32:], "big")
    if found.get("value") not in (None, ""):
        return number(found["value"], "value")
    raise RecordFault("no value_string or value_binary; cryo writes them by default")


def log(found: _Json) -> Log:
    """Read a row of logs."""
    topics = [found.get(f"topic{place}") for place in range(4)]
    words = [data_bytes(topic, "a topic") for topic in topics if topic not in (None, "")]
    if any(len(word) != 32 for word in words):
        raise RecordFault("a log's topic is no word of 32 bytes")
    return Log(
        tx=tx_hash(found.get("transaction_hash"), "transaction_hash"),
        index=small(found.get("log_index"), "log_index"),
        block=small(found.get("block_number"), "block_number"),
        block_hash=block_hash(found.get("block_hash"), "block_hash"),
        time=maybe_small(found.get("timestamp"), "timestamp"),
        tx_index=maybe_small(found.get("transaction_index"), "transaction_index") or 0,
        address=account(found.get("address"), "address"),
        topics=words,
        data=data_bytes(found.get("data"), "data"),
        chain=evm_chain(found.get("chain_id"), "chain_id"),
    )
