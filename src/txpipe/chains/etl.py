"""ethereum-etl's items to items: stream items with ``type``, export files without, JSON and CSV alike."""

from __future__ import annotations

from typing import Any

from txpipe.chains.jsonrpc import topics
from txpipe.chains.model import (
    Header,
    Log,
    Receipt,
    TokenTransfer,
    Transaction,
    account,
    address,
    block_hash,
    data_bytes,
    evm_chain,
    maybe_small,
    number,
    small,
    tx_hash,
)

_Json = dict[str, Any]


def block(found: _Json) -> Header:
    """Read a block item."""
    return Header(
        block=small(found.get("number"), "number"),
        block_hash=block_hash(found.get("hash"), "hash"),
        parent=block_hash(found.get("parent_hash"), "parent_hash"),
        time=small(found.get("timestamp"), "timestamp"),
        count=maybe_small(found.get("transaction_count"), "transaction_count"),
    )


def transaction(found: _Json) -> Transaction:
    """Read a transaction item; stream items carry their receipt's status."""
    return Transaction(
        hash=tx_hash(found.get("hash"), "hash"),
        block=maybe_small(found.get("block_number"), "block_number"),
        block_hash=block_hash(found.get("block_hash"), "block_hash"),
        index=maybe_small(found.get("transaction_index"), "transaction_index") or 0,
        time=maybe_small(found.get("block_timestamp"), "block_timestamp"),
        sender=address(found.get("from_address"), "from_address"),
        to=address(found.get("to_address"), "to_address"),
        value=number(found.get("value"), "value"),
        data=data_bytes(found.get("input"), "input"),
        chain=evm_chain(found.get("chain_id"), "chain_id"),
        status=maybe_small(found.get("receipt_status"), "receipt_status"),
        created=address(found.get("receipt_contract_address"), "receipt_contract_address"),
    )


def receipt(found: _Json) -> Receipt:
    """Read a receipt item; its logs are items of their own."""
    return Receipt(
        tx=tx_hash(found.get("transaction_hash"), "transaction_hash"),
        block=small(found.get("block_number"), "block_number"),
        block_hash=block_hash(found.get("block_hash"), "block_hash"),
        time=maybe_small(found.get("block_timestamp"), "block_timestamp"),
        status=maybe_small(found.get("status"), "status"),
        created=address(found.get("contract_address"), "contract_address"),
        logs=None,
    )


def log(found: _Json) -> Log:
    """Read a log item."""
    return Log(
        tx=tx_hash(found.get("transaction_hash"), "transaction_hash"),
        index=small(found.get("log_index"), "log_index"),
        block=small(found.get("block_number"), "block_number"),
        block_hash=block_hash(found.get("block_hash"), "block_hash"),
        time=maybe_small(found.get("block_timestamp"), "block_timestamp"),
        tx_index=maybe_small(found.get("transaction_index"), "transaction_index") or 0,
        address=account(found.get("address"), "address"),
        topics=topics(found.get("topics")),
        data=data_bytes(found.get("data"), "data"),
    )


def token_transfer(found: _Json) -> TokenTransfer:
    """Read a token_transfer item."""
    return TokenTransfer(
        tx=tx_hash(found.get("transaction_hash"), "transaction_hash"),
        index=small(found.get("log_index"), "log_index"),
        block=small(found.get("block_number"), "block_number"),
        block_hash=block_hash(found.get("block_hash"), "block_hash"),
        time=maybe_small(found.get("block_timestamp"), "block_timestamp"),
        token=account(found.get("token_address"), "token_address"),
        sender=account(found.get("from_address"), "from_address"),
        to=account(found.get("to_address"), "to_address"),
        value=number(found.get("value"), "value"),
    )
