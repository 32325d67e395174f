"""What every chain has that its nodes tell: which one it is, how far it is, a block's records and its end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol, TypeAlias

from txpipe import record
from txpipe.chains.evm import EvmBlock
from txpipe.chains.evm_fast import FastBlock
from txpipe.chains.follow import Block, Head
from txpipe.chains.making import Making
from txpipe.chains.model import Header
from txpipe.chains.nodes import NodeRefused, Nodes
from txpipe.chains.rpc import Node, RpcFault
from txpipe.errors import RecordFault

if TYPE_CHECKING:
    from txpipe.chains.utxo import CoinBlock

LOOK_ROUND = 16
"""Heads asked of one node before all are asked for theirs, and the furthest is preferred."""

Known = tuple[str, str | None]
"""A chain (CAIP-2) and the hash of its first block, None where a node does not keep that."""

Parts: TypeAlias = "EvmBlock | FastBlock | CoinBlock"
"""A block as it was read."""


class Pool(Protocol):
    """Follows the transactions that nodes hold and no block does yet."""

    def introduce(self, node: Node) -> None:
        """Prepare a node, over each new connection."""

    def mined(self, txs: Iterable[str]) -> None:
        """Note transactions that a block holds."""

    def lines(self, node: Node) -> list[bytes]:
        """Return the records of transactions that are new; NodeFailed if the node does not answer."""


class NodeChain(ABC):
    """A chain by its nodes; a Source for ``follow``. A subclass knows how one kind of node is asked.

    Attributes:
        faults: blocks and transactions of which no records could be made.
    """

    def __init__(
        self, nodes: Nodes, making: Making, report: Callable[[str], None], mempool: Pool | None = None
    ) -> None:
        """Take whom to ask.

        Args:
            nodes: of one chain; who is of another is found out.
            making: what records need.
            report: says of which block, or transaction, no records could be made, and why.
            mempool: what is to follow pending transactions; None if nobody asked.
        """
        self._nodes = nodes
        self._making = making
        self._report = report
        self._mempool = mempool
        self._known: Known | None = None
        self._heads = 0
        self.faults = 0
        nodes.introduced = self._introduced

    @property
    def nodes(self) -> Nodes:
        """Who is asked."""
        return self._nodes

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
            heads = self._nodes.each(self._head)
            if heads:
                number, head = max(heads, key=lambda one: (one[1].height, -one[0]))
                self._nodes.prefer(number)
                return head
        return self._nodes.ask(lambda node: self._word(node) or self._head(node))

    def hash_at(self, height: int) -> str:
        """Return the hash of the block at a height that is not above the newest."""
        return self._nodes.ask(lambda node: self._hash_at(node, height))

    def blocks(self, first: int, last: int) -> list[Block]:
        """Return blocks in order; fewer, from the first one on, if the rest is not there yet."""
        return self._nodes.ask(lambda node: self._blocks(node, first, last))

    @property
    def is_live(self) -> bool:
        """Whether the preferred node says by itself when there is a new block."""
        return False

    def wait(self, _seconds: float) -> bool:
        """Wait at most so long for word of something new; True if there may be a new block."""
        return False

    def pending(self) -> list[bytes]:
        """Return the records of pending transactions that are new."""
        return [] if self._mempool is None else self._nodes.ask(self._mempool.lines)

    @abstractmethod
    def _introduce(self, node: Node) -> Known:
        """Ask a node of which chain it is."""

    def _welcome(self, node: Node) -> None:  # noqa: B027 - not every kind of node needs it
        """Prepare a node of the chain, over each new connection."""

    @abstractmethod
    def _head(self, node: Node) -> Head:
        """Ask a node for its newest block."""

    def _word(self, _node: Node) -> Head | None:
        """Return the newest block that a node sent word of since it was last looked; None if of none."""
        return None

    @abstractmethod
    def _hash_at(self, node: Node, height: int) -> str:
        """Ask a node for a block's hash."""

    @abstractmethod
    def _blocks(self, node: Node, first: int, last: int) -> list[Block]:
        """Ask a node for blocks."""

    def _introduced(self, node: Node) -> None:
        """Check that a node is of the chain that the first one was of."""
        try:
            known = self._introduce(node)
        except RpcFault as exc:
            if exc.missing and self._known is not None:
                raise NodeRefused(f"{node.name} is no node of {self._known[0]} ({exc})") from exc
            raise
        if self._known is None:
            self._known = known
        chain, genesis = self._known
        if known[0] != chain:
            raise NodeRefused(f"{node.name} is of {known[0]}, not of {chain}")
        if genesis and known[1] and known[1] != genesis:
            raise NodeRefused(f"{node.name} has another first block than the other nodes: not the same chain")
        self._welcome(node)
        if self._mempool is not None:
            self._mempool.introduce(node)

    def _made(self, parts: Parts, header: Header) -> Block:
        """Return a block with its records, the one that closes it last."""
        if self._mempool is not None:
            self._mempool.mined(parts.transactions)
        try:
            if isinstance(parts, FastBlock):
                texts = parts.lines(self._making)
                lines, count = "".join(texts).encode(), len(texts)
            else:
                records = [record.dumps(one) for one in parts.records(self._making)]
                lines, count = b"".join(records), len(records)
        except RecordFault as exc:
            self.faults += 1
            self._report(f"block {header.block:,}: no records of it: {exc}")
            lines, count = b"", 0
        closing = {
            "type": "block",
            "chain": self.chain,
            "block": header.block,
            "time": header.time,
            "hash": header.block_hash,
            "parent": header.parent,
            "records": count,
        }
        return Block(
            height=header.block,
            hash=header.block_hash or "",
            parent=header.parent or "",
            time=header.time or 0,
            txs=tuple(parts.transactions),
            lines=lines + record.dumps(closing),
            records=count + 1,
        )
