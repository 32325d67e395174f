"""An EVM chain as its nodes tell it (execution-apis): blocks with their receipts, as records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from txpipe import record
from txpipe.chains import jsonrpc
from txpipe.chains.evm import EvmBlock
from txpipe.chains.follow import Block, Head
from txpipe.chains.making import Making
from txpipe.chains.model import Header, Receipt, block_hash, small
from txpipe.chains.nodes import NodeRefused, Nodes
from txpipe.chains.rpc import Node, NodeFailed, RpcFault
from txpipe.errors import RecordFault

LOOK_ROUND = 16
"""Heads asked of one node before all are asked for theirs, and the furthest is preferred."""


_NO_LOGS = "0x" + "0" * 512
"""The bloom of a receipt without logs."""


def introduce(node: Node) -> tuple[str, str | None]:
    """Return a node's chain (CAIP-2) and the hash of its first block, None if it does not keep that.

    Raises:
        NodeFailed: it does not answer, or not as an EVM node does.
    """
    told = node.call("eth_chainId")
    first = node.calls([("eth_getBlockByNumber", ["0x0", False])])[0]
    try:
        number = small(told, "eth_chainId")
        genesis = block_hash(first.get("hash"), "its first block's hash") if isinstance(first, dict) else None
    except RecordFault as exc:
        raise NodeFailed(f"{node.name}: {exc}") from exc
    return f"eip155:{number}", genesis


class EvmChain:
    """A chain by its nodes; a Source for ``follow``.

    Attributes:
        faults: blocks of which no records could be made.
    """

    def __init__(self, nodes: Nodes, making: Making, report: Callable[[str], None]) -> None:
        """Take whom to ask.

        Args:
            nodes: of one chain; who is of another is found out.
            making: what records need.
            report: says of which block no records could be made, and why.
        """
        self._nodes = nodes
        self._making = making
        self._report = report
        self._known: tuple[str, str | None] | None = None
        self._receipts_missing: set[str] = set()
        self._heads = 0
        self.faults = 0
        nodes.introduced = self._introduced

    @property
    def chain(self) -> str:
        """The chain, CAIP-2; asks a node if none was asked yet."""
        if self._known is None:
            self._nodes.ask(lambda _node: None)
        return self._known[0] if self._known else ""

    @property
    def genesis(self) -> str | None:
        """The hash of the chain's first block, if a node keeps it."""
        return self._known[1] if self._known else None

    def head(self) -> Head:
        """Return the newest block; now and then of the node that is furthest."""
        self._heads += 1
        if len(self._nodes) > 1 and self._heads % LOOK_ROUND == 1:
            heads = self._nodes.each(_head)
            if heads:
                number, head = max(heads, key=lambda one: (one[1].height, -one[0]))
                self._nodes.prefer(number)
                return head
        return self._nodes.ask(_head)

    def hash_at(self, height: int) -> str:
        """Return the hash of the block at a height that is not above the newest."""

        def asked(node: Node) -> str:
            found = node.call("eth_getBlockByNumber", hex(height), False)
            named = found.get("hash") if isinstance(found, dict) else None
            if not isinstance(named, str):
                raise NodeFailed(f"{node.name}: it does not know block {height:,}")
            return named

        return self._nodes.ask(asked)

    def blocks(self, first: int, last: int) -> list[Block]:
        """Return blocks in order; fewer, from the first one on, if the rest is not there yet."""
        return self._nodes.ask(lambda node: self._blocks(node, first, last))

    def _introduced(self, node: Node) -> None:
        """Check that a node is of the chain that the first one was of."""
        known = introduce(node)
        if self._known is None:
            self._known = known
        chain, genesis = self._known
        if known[0] != chain:
            raise NodeRefused(f"{node.name} is of {known[0]}, not of {chain}")
        if genesis and known[1] and known[1] != genesis:
            raise NodeRefused(f"{node.name} has another first block than the other nodes: not the same chain")

    def _blocks(self, node: Node, first: int, last: int) -> list[Block]:
        heights = range(first, last + 1)
        found = node.calls([("eth_getBlockByNumber", [hex(height), True]) for height in heights])
        raw: list[dict[str, Any]] = []
        for one in found:
            if isinstance(one, RpcFault):
                raise one
            if one is None and raw:
                break
            if not isinstance(one, dict) or one.get("number") != hex(heights[len(raw)]):
                raise NodeFailed(f"{node.name}: it has no block {heights[len(raw)]:,} to give")
            raw.append(one)
        receipts = self._receipts(node, raw)
        return [
            self._block(node, height, one, of_it)
            for height, one, of_it in zip(heights, raw, receipts, strict=False)
        ]

    def _receipts(self, node: Node, raw: list[dict[str, Any]]) -> list[list[Any]]:
        """Return the receipts of several blocks, by block where the node can, else by transaction."""
        if node.name not in self._receipts_missing:
            wanted = [one for one in raw if one.get("transactions")]
            found = node.calls([("eth_getBlockReceipts", [one["number"]]) for one in wanted])
            fault = next((one for one in found if isinstance(one, RpcFault)), None)
            if fault is None:
                answers = iter(found)
                return [_listed(next(answers)) if one.get("transactions") else [] for one in raw]
            if not fault.missing:
                raise fault
            self._receipts_missing.add(node.name)
        return [self._one_by_one(node, one) for one in raw]

    @staticmethod
    def _one_by_one(node: Node, raw: dict[str, Any]) -> list[Any]:
        txs = [one.get("hash") for one in raw.get("transactions") or () if isinstance(one, dict)]
        found = node.calls([("eth_getTransactionReceipt", [tx]) for tx in txs])
        for one in found:
            if isinstance(one, RpcFault):
                raise one
        return [one for one in found if one is not None]

    def _block(self, node: Node, height: int, raw: dict[str, Any], receipts: list[Any]) -> Block:
        """Make a block of what a node said of it.

        Raises:
            NodeFailed: its parts do not belong together, or some are missing: another node may know better.
        """
        try:
            items = jsonrpc.block(raw)
            header = items[0] if items and isinstance(items[0], Header) else None
            if header is None or header.block != height or not header.block_hash or not header.parent:
                raise NodeFailed(f"{node.name}: block {height:,} is not what was asked for")
            more = [jsonrpc.receipt(one) for one in receipts]
        except RecordFault as exc:
            raise NodeFailed(f"{node.name}: block {height:,}: {exc}") from exc
        parts = EvmBlock()
        for item in (*items, *more):
            parts.add(item, node.name)
        of_others = any(one.block_hash != header.block_hash for one in more)
        if of_others or not parts.complete():
            raise NodeFailed(f"{node.name}: the receipts of block {height:,} are not all there: it lags")
        if not _are_all_there(more, receipts):
            raise NodeFailed(f"{node.name}: the logs of block {height:,} are not all there: it lags")
        return self._made(parts, header)

    def _made(self, parts: EvmBlock, header: Header) -> Block:
        try:
            lines = [record.dumps(one) for one in parts.records(self._making)]
        except RecordFault as exc:
            self.faults += 1
            self._report(f"block {header.block:,}: no records of it: {exc}")
            lines = []
        closing = {
            "type": "block",
            "chain": self.chain,
            "block": header.block,
            "time": header.time,
            "hash": header.block_hash,
            "parent": header.parent,
            "records": len(lines),
        }
        return Block(
            height=header.block,
            hash=header.block_hash or "",
            parent=header.parent or "",
            time=header.time or 0,
            txs=tuple(parts.transactions),
            lines=(*lines, record.dumps(closing)),
        )


def _head(node: Node) -> Head:
    """Return a node's newest block.

    Raises:
        NodeFailed: it has none, or does not say.
    """
    found = node.call("eth_getBlockByNumber", "latest", False)
    try:
        height = small(found.get("number"), "the newest block's number")
        named = block_hash(found.get("hash"), "the newest block's hash")
        time = small(found.get("timestamp"), "the newest block's timestamp")
    except (RecordFault, AttributeError) as exc:
        raise NodeFailed(f"{node.name}: {exc}") from exc
    if named is None:
        raise NodeFailed(f"{node.name}: its newest block has no hash")
    return Head(height, named, time)


def _listed(found: Any) -> list[Any]:
    return found if isinstance(found, list) else []


def _are_all_there(receipts: list[Receipt], raw: list[Any]) -> bool:
    """Whether no log seems to be missing: a receipt's bloom says whether it has any, and they are counted.

    Most nodes count a block's logs from 0, some those of every transaction.
    """
    for one, told in zip(receipts, raw, strict=True):
        bloom = None if one.logs else told.get("logsBloom")
        if isinstance(bloom, str) and bloom != _NO_LOGS and bloom.removeprefix("0x").strip("0"):
            return False
    numbers = [[log.index for log in one.logs] for one in receipts if one.logs]
    of_block = sorted(number for several in numbers for number in several)
    return of_block == list(range(len(of_block))) or all(
        sorted(several) == list(range(len(several))) for several in numbers
    )
