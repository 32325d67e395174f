"""Bitcoin Core's ``getblock`` 2 and 3 and bitcoin-etl's items to items; Litecoin and kin speak the same."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from txpipe.address import canonical
from txpipe.chains.model import (
    CoinHeader,
    CoinTransaction,
    Item,
    Output,
    block_hash,
    integer,
    maybe_small,
    shown,
    small,
    tx_hash,
)
from txpipe.errors import RecordFault

_Json = dict[str, Any]

_EXACT_FLOAT = 9e7
"""Coins: below, a float times 10^8 is under 2^53 and rounds to the exact number of base units."""

_MAX_COINS = 1e12


def core_block(found: _Json) -> list[Item]:
    """Read a ``getblock`` answer of verbosity 2 or 3.

    Raises:
        RecordFault: verbosity 1, or a field does not read.
    """
    transactions = found.get("tx")
    if not isinstance(transactions, list):
        raise RecordFault("the block's tx is no list")
    if transactions and isinstance(transactions[0], str):
        raise RecordFault("the block's transactions are only ids; getblock needs verbosity 2 or 3")
    header = CoinHeader(
        block=small(found.get("height"), "height"),
        block_hash=block_hash(found.get("hash"), "hash"),
        parent=block_hash(found.get("previousblockhash"), "previousblockhash"),
        time=small(found.get("time"), "time"),
        count=len(transactions),
    )
    items: list[Item] = [header]
    for position, one in enumerate(transactions):
        if not isinstance(one, dict):
            raise RecordFault(f"transaction {position} of the block is no object")
        read = core_transaction(one)
        read.block, read.block_hash, read.time = header.block, header.block_hash, header.time
        read.index = position
        items.append(read)
    return items


def core_transaction(found: _Json) -> CoinTransaction:
    """Read a decoded transaction; ``prevout`` (verbosity 3) names its senders."""
    if found.get("blockhash") and found.get("height") is None:
        raise RecordFault("the transaction does not tell its block's height; use getblock HASH 2")
    inputs, outputs = found.get("vin"), found.get("vout")
    if not isinstance(inputs, list) or not isinstance(outputs, list):
        raise RecordFault("a transaction's vin or vout is no list")
    return CoinTransaction(
        hash=tx_hash(found.get("txid"), "txid"),
        block=None,
        block_hash=None,
        index=0,
        time=maybe_small(found.get("time"), "time"),
        senders=_distinct(script_addresses(_inner(one, "prevout")) for one in inputs),
        outputs=[_core_output(one, position) for position, one in enumerate(outputs)],
        blind=any(_inner(one, "txid") and not _inner(one, "prevout") for one in inputs),
    )


def _inner(found: Any, key: str) -> Any:
    return found.get(key) if isinstance(found, dict) else None


def _core_output(found: Any, position: int) -> Output:
    if not isinstance(found, dict):
        raise RecordFault("an output is no object")
    n = found.get("n", position)
    value = found.get("value", 0)  # Litecoin's MWEB outputs hide theirs
    return Output(small(n, "an output's n"), script_addresses(found), base_units(value))


def script_addresses(found: Any) -> list[str]:
    """Return the addresses a script pays: ``address`` (22 and later), else all of ``addresses``."""
    script = _inner(found, "scriptPubKey")
    address = _inner(script, "address")
    return _addresses(_inner(script, "addresses") if address is None else address)


def _addresses(found: Any) -> list[str]:
    """Return one address, or the several that bare multisig lists, each once."""
    told = found if isinstance(found, list) else [found]
    return list(
        dict.fromkeys(
            canonical(one)
            for one in told
            if isinstance(one, str) and one and not one.startswith("nonstandard")
        )
    )


def base_units(value: Any) -> int:
    """Turn an amount of coins, a JSON number with up to 8 decimals, into base units, exactly.

    >>> base_units(0.1 + 0.2)
    30000000
    """
    if type(value) not in (int, float) or not 0 <= value < _MAX_COINS:
        raise RecordFault(f"an output's value is {shown(value)}, not an amount")
    if value < _EXACT_FLOAT:
        units: int = round(value * 10**8)
        return units
    return round(Decimal(repr(value)) * 10**8)


def _distinct(several: Iterable[list[str]]) -> list[str]:
    return list(dict.fromkeys(address for addresses in several for address in addresses))


def etl_block(found: _Json) -> CoinHeader:
    """Read bitcoin-etl's block item, which does not name its parent."""
    return CoinHeader(
        block=small(found.get("number"), "number"),
        block_hash=block_hash(found.get("hash"), "hash"),
        parent=None,
        time=small(found.get("timestamp"), "timestamp"),
        count=maybe_small(found.get("transaction_count"), "transaction_count"),
    )


def etl_transaction(found: _Json) -> CoinTransaction:
    """Read bitcoin-etl's transaction item; only enriched ones know their inputs' addresses."""
    inputs, outputs = found.get("inputs"), found.get("outputs")
    if not isinstance(inputs, list) or not isinstance(outputs, list):
        raise RecordFault("a transaction's inputs or outputs are no list")
    return CoinTransaction(
        hash=tx_hash(found.get("hash"), "hash"),
        block=small(found.get("block_number"), "block_number"),
        block_hash=block_hash(found.get("block_hash"), "block_hash"),
        index=maybe_small(found.get("index"), "index") or 0,
        time=maybe_small(found.get("block_timestamp"), "block_timestamp"),
        senders=_distinct(_addresses(_inner(one, "addresses")) for one in inputs),
        outputs=[_etl_output(one, position) for position, one in enumerate(outputs)],
        blind=any(_unenriched(one) for one in inputs),
    )


def _unenriched(found: Any) -> bool:
    """Say whether an input names the output that it spends, but not what stood there."""
    spends = _inner(found, "spent_transaction_hash")
    return bool(spends) and not _inner(found, "addresses") and _inner(found, "value") is None


def _etl_output(found: Any, position: int) -> Output:
    if not isinstance(found, dict):
        raise RecordFault("an output is no object")
    n = found.get("index", position)
    value = integer(found.get("value"), "an output's value") or 0
    return Output(small(n, "an output's index"), _addresses(found.get("addresses")), value)
