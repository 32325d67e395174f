"""What a node says of a block: read, and held against itself, so that nothing is missing unnoticed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from txpipe.chains import jsonrpc
from txpipe.chains.endpoint import NodeFailed
from txpipe.chains.evm import EvmBlock
from txpipe.chains.model import Header, Item, Receipt, Transaction
from txpipe.errors import RecordFault

_ODD = (RecordFault, AttributeError, TypeError)
"""What parts raise that do not read."""

NO_LOGS = "0x" + "0" * 512
"""The bloom of a receipt without logs."""

NOBODY = "0x" + "0" * 40

Said = tuple[list[Item], list[Receipt]]
"""A block's header and transactions, and the receipts."""


def read(raw: dict[str, Any], receipts: list[Any]) -> Said:
    """Read a block and its receipts.

    Raises:
        RecordFault: any part does not read.
    """
    try:
        return jsonrpc.block(raw), [jsonrpc.receipt(one) for one in receipts]
    except (AttributeError, TypeError) as exc:
        raise RecordFault("a part of it is no object") from exc


def read_what_reads(raw: dict[str, Any], receipts: list[Any], leave_out: Callable[[str], None]) -> Said:
    """Read a block and its receipts, but for the transactions, with their receipts, that do not read.

    Args:
        raw: the block.
        receipts: of it; those that are left out are removed.
        leave_out: is told what was left out, and why.

    Raises:
        RecordFault: the header does not read.
    """
    told = raw.get("transactions")
    kept = {}
    for position, one in enumerate(told if isinstance(told, list) else ()):
        try:
            read_one = jsonrpc.transaction(one, position)
            kept[read_one.hash] = {**one, "transactionIndex": hex(read_one.index)}
        except _ODD as exc:
            leave_out(f"transaction {position}: {exc}")
    found = {}
    for position, one in enumerate(receipts):
        try:
            receipt = jsonrpc.receipt(one)
            found[receipt.tx] = (receipt, one)
        except _ODD as exc:
            named = one.get("transactionHash") if isinstance(one, dict) else None
            kept.pop(str(named).lower(), None)
            leave_out(f"receipt {position}: {exc}")
    pairs = [pair for tx, pair in found.items() if tx in kept]
    receipts[:] = [one for _, one in pairs]
    return jsonrpc.block({**raw, "transactions": list(kept.values())}), [receipt for receipt, _ in pairs]


def is_sync(tx: Transaction) -> bool:
    """Whether a transaction is one that Polygon's Bor makes of what the other chain says.

    From nobody to nobody, without value or data; nodes differ in whether it has a receipt, and in how its
    logs are counted (documentation of Bor's state sync).
    """
    return tx.sender == tx.to == NOBODY and not tx.value and not tx.data


def together(said: Said, raw: list[Any], height: int, name: str) -> tuple[EvmBlock, Header]:
    """Put a block together.

    Args:
        said: of it.
        raw: its receipts as the node gave them, in the order of those that were read.
        height: that was asked for.
        name: the node's.

    Raises:
        NodeFailed: its parts do not belong together, or some are missing: another node may know better.
    """
    items, receipts = said
    header = items[0] if items and isinstance(items[0], Header) else None
    if header is None or header.block != height or not header.block_hash or not header.parent:
        raise NodeFailed(f"{name}: block {height:,} is not what was asked for")
    parts = EvmBlock()
    for item in (*items, *receipts):
        parts.add(item, name)
    syncs = {tx for tx, one in parts.transactions.items() if is_sync(one)}
    for tx in syncs - parts.receipts.keys():
        parts.add(Receipt(tx, header.block, header.block_hash, header.time, None, None, []), name)
    if any(one.block_hash != header.block_hash for one in receipts) or not parts.complete():
        raise NodeFailed(f"{name}: the receipts of block {height:,} are not all there: it lags")
    if not all_logs_there([pair for pair in zip(receipts, raw, strict=True) if pair[0].tx not in syncs]):
        raise NodeFailed(f"{name}: the logs of block {height:,} are not all there: it lags")
    return parts, header


def all_logs_there(receipts: list[tuple[Receipt, Any]]) -> bool:
    """Whether no log seems to be missing: a receipt's bloom says whether it has any, and they are counted.

    Most nodes count a block's logs from 0, some those of every transaction.

    Args:
        receipts: of one block, but for what ``is_sync``, each with what the node gave.
    """
    for one, told in receipts:
        bloom = None if one.logs else told.get("logsBloom")
        if isinstance(bloom, str) and bloom != NO_LOGS and bloom.removeprefix("0x").strip("0"):
            return False
    numbers = [[log.index for log in one.logs] for one, _ in receipts if one.logs]
    of_block = sorted(number for several in numbers for number in several)
    return of_block == list(range(len(of_block))) or all(
        sorted(several) == list(range(len(several))) for several in numbers
    )
