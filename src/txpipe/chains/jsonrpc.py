"""Ethereum JSON-RPC shapes (execution-apis) to items: blocks, receipts, logs, single transactions."""

from __future__ import annotations

from typing import Any

from txpipe.chains.model import (
    Header,
    Item,
    Log,
    Receipt,
    Transaction,
    account,
    address,
    block_hash,
    data_bytes,
    evm_chain,
    integer,
    maybe_small,
    number,
    small,
    tx_hash,
)
from txpipe.errors import RecordFault

_Json = dict[str, Any]

_STATUS = {"success": 1, "reverted": 0}
"""A receipt's status as viem spells it."""


def block(found: _Json) -> list[Item]:
    """Read a block with full transactions (``eth_getBlockByNumber``), or a header alone (newHeads).

    Raises:
        RecordFault: its transactions are only hashes, or a field does not read.
    """
    transactions = found.get("transactions")
    if transactions is not None and not isinstance(transactions, list):
        raise RecordFault("the block's transactions are no list")
    if transactions and isinstance(transactions[0], str):
        raise RecordFault(
            "the block's transactions are only hashes; ask for them in full "
            "(eth_getBlockByNumber with true, cast block --full)"
        )
    pending = found.get("hash") is None
    time = small(found.get("timestamp"), "the block's timestamp")
    items: list[Item] = []
    if not pending:
        count = None if transactions is None else len(transactions)
        items.append(header(found, time, count))
    for position, one in enumerate(transactions or ()):
        if not isinstance(one, dict):
            raise RecordFault(f"transaction {position} of the block is no object")
        read = transaction(one, position)
        read.time = time
        if pending:
            read.block = read.block_hash = None
        else:
            read.block, read.block_hash = items[0].block, items[0].block_hash
        items.append(read)
    return items


def header(found: _Json, time: int, count: int | None) -> Header:
    """Read a mined block's header."""
    return Header(
        block=small(found.get("number"), "the block's number"),
        block_hash=block_hash(found.get("hash"), "the block's hash"),
        parent=block_hash(found.get("parentHash"), "the block's parentHash"),
        time=time,
        count=count,
    )


def transaction(found: _Json, position: int = 0) -> Transaction:
    """Read a transaction object; its chain comes from chainId, else from ``v``."""
    index = maybe_small(found.get("transactionIndex"), "transactionIndex")
    return Transaction(
        hash=tx_hash(found.get("hash"), "a transaction's hash"),
        block=maybe_small(found.get("blockNumber"), "a transaction's blockNumber"),
        block_hash=block_hash(found.get("blockHash"), "a transaction's blockHash"),
        index=position if index is None else index,
        time=maybe_small(found.get("blockTimestamp"), "blockTimestamp"),
        sender=address(found.get("from"), "a transaction's from"),
        to=address(found.get("to"), "a transaction's to"),
        value=number(found.get("value"), "a transaction's value"),
        data=data_bytes(found.get("input", found.get("data")), "a transaction's input"),
        chain=evm_chain(found.get("chainId"), "chainId") or _signed_for(found),
        delegates=_delegates(found.get("authorizationList")),
    )


def _delegates(found: Any) -> tuple[str, ...]:
    """Read the addresses of an authorization list (EIP-7702); the zero address takes a delegation back."""
    if found is None:
        return ()
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise RecordFault("a transaction's authorizationList is no list of objects")
    named = [account(one.get("address"), "an authorization's address") for one in found]
    return tuple(one for one in dict.fromkeys(named) if int(one, 16))


def _signed_for(found: _Json) -> str | None:
    """Return the chain a legacy signature names: v = chain id * 2 + 35 or 36 (EIP-155)."""
    kind = found.get("type")
    if isinstance(kind, str) and kind[:1].isalpha():  # as viem spells it: eip1559, deposit, …
        legacy = kind == "legacy"
    else:
        legacy = not integer(kind, "a transaction's type")
    v = integer(found.get("v"), "a signature's v")
    return f"eip155:{(v - 35) // 2}" if legacy and v is not None and 37 <= v < 1 << 53 else None


def receipt(found: _Json) -> Receipt:
    """Read a transaction receipt with its logs."""
    logs = found.get("logs")
    if not isinstance(logs, list):
        raise RecordFault("a receipt's logs are no list")
    read = Receipt(
        tx=tx_hash(found.get("transactionHash"), "a receipt's transactionHash"),
        block=maybe_small(found.get("blockNumber"), "a receipt's blockNumber"),
        block_hash=block_hash(found.get("blockHash"), "a receipt's blockHash"),
        time=maybe_small(found.get("blockTimestamp"), "blockTimestamp"),
        status=_status(found.get("status")),
        created=address(found.get("contractAddress"), "a receipt's contractAddress"),
        logs=[],
    )
    read.logs = [entry for one in logs if (entry := log(one)) is not None]
    return read


def _status(found: Any) -> int | None:
    if isinstance(found, str) and found in _STATUS:
        return _STATUS[found]
    return maybe_small(found, "a receipt's status")


def log(found: Any) -> Log | None:
    """Read a log; None for one that a reorg removed."""
    if not isinstance(found, dict):
        raise RecordFault("a log is no object")
    if found.get("removed") is True:
        return None
    return Log(
        tx=tx_hash(found.get("transactionHash"), "a log's transactionHash"),
        index=small(found.get("logIndex"), "a log's logIndex"),
        block=maybe_small(found.get("blockNumber"), "a log's blockNumber"),
        block_hash=block_hash(found.get("blockHash"), "a log's blockHash"),
        time=maybe_small(found.get("blockTimestamp"), "blockTimestamp"),
        tx_index=maybe_small(found.get("transactionIndex"), "transactionIndex") or 0,
        address=account(found.get("address"), "a log's address"),
        topics=topics(found.get("topics")),
        data=data_bytes(found.get("data"), "a log's data"),
    )


def topics(found: Any) -> list[bytes]:
    """Read a log's topics, at most four words of 32 bytes."""
    if isinstance(found, str):  # ethereum-etl's CSV joins them
        found = found.strip("{}[]").replace(" ", "").split(",") if found else []
    if found is None:
        return []
    if not isinstance(found, list) or len(found) > 4:
        raise RecordFault("a log's topics are no list of up to four words")
    read = [data_bytes(topic, "a topic") for topic in found]
    if any(len(topic) != 32 for topic in read):
        raise RecordFault("a log's topic is no word of 32 bytes")
    return read
