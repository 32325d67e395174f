"""A UTXO chain as its nodes tell it, by the RPC of Bitcoin Core and those that came of it, as records."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from txpipe.chains import bitcoin
from txpipe.chains.coin_outputs import Outputs
from txpipe.chains.coin_pending import CoinMempool
from txpipe.chains.endpoint import NodeDenied, NodeFailed
from txpipe.chains.follow import Block, Head
from txpipe.chains.making import Making
from txpipe.chains.model import Header, Item, block_hash, small
from txpipe.chains.node_chain import Known, NodeChain
from txpipe.chains.node_kind import hash_at
from txpipe.chains.nodes import Nodes
from txpipe.chains.rpc import Node, RpcFault
from txpipe.chains.utxo import CoinBlock
from txpipe.errors import RecordFault

TRIES = 3
"""Times that each node is asked for a block of which a part does not read, before that part is left out."""

AT_ONCE = 4_000
"""Transactions after which blocks are given out: an ordinary block of Bitcoin has as many."""

NO_PARENT = "0" * 64
"""What the first block's header says of the one before it, and getblock leaves out."""

EMPTY_WORDS = 8
"""Answers in a row to waitfornewblock, too early or of blocks that are not there, after which a node is asked
every --poll instead. One too early is nothing: a node may tell of a block that was seen a moment before."""

_PARAMETER_CODES = frozenset({-1, -3, -8, -32602})
"""A verbosity of 3 that a node does not take: errors of types and of parameters (rpc/protocol.h)."""

_FORKS = {
    "bip122:000000000019d6689c085ae165831e93": (478_559, "bip122:000000000000000000651ef99cb9fcbe"),
}
"""Chains that share a first block, and the block by which CAIP-2 names the younger: Bitcoin Cash."""


class CoinChain(NodeChain):
    """A UTXO chain by its nodes."""

    def __init__(
        self,
        nodes: Nodes,
        making: Making,
        report: Callable[[str], None],
        mempool: CoinMempool | None = None,
    ) -> None:
        """Take whom to ask, see NodeChain."""
        super().__init__(nodes, making, report, mempool)
        self._outputs = Outputs() if mempool is None else mempool.outputs
        self._live: dict[Node, int] = {}
        self._newest: dict[Node, Head] = {}
        self._verbosity: dict[Node, int] = {}
        self._odd: dict[int, int] = {}

    @property
    def is_live(self) -> bool:
        """Whether the preferred node says by itself when there is a new block."""
        return self._nodes.preferred in self._live

    def wait(self, seconds: float) -> bool:
        """Wait at most so long for word of something new (waitfornewblock); True if there may be some."""
        node, began = self._nodes.preferred, time.monotonic()
        if node not in self._live:
            return True
        try:
            named = _field(node.call("waitfornewblock", max(1, round(seconds * 1000))), "hash")
        except NodeFailed:
            del self._live[node]
            return True
        newest = self._newest.get(node)
        is_new = newest is None or named != newest.hash
        if is_new or time.monotonic() - began < seconds / 2:
            self._live[node] += 1
            if self._live[node] >= EMPTY_WORDS:
                del self._live[node]
        else:
            self._live[node] = 0
        return is_new

    def _introduce(self, node: Node) -> Known:
        genesis = hash_at(node, 0)
        chain = f"bip122:{genesis[:32]}"
        if chain in _FORKS:
            height, other = _FORKS[chain]
            (forked,) = node.calls([("getblockhash", [height])])
            if isinstance(forked, str) and f"bip122:{forked[:32]}" == other:
                chain = other
        return chain, genesis

    def _welcome(self, node: Node) -> None:
        self._live.pop(node, None)
        self._verbosity.pop(node, None)
        self._outputs.unindexed.discard(node)
        try:
            node.call("waitfornewblock", 1)
        except (RpcFault, NodeDenied):
            return  # it can be asked all the same
        self._live[node] = 0

    def _head(self, node: Node) -> Head:
        named = node.call("getbestblockhash")
        newest = self._newest.get(node)
        if newest is None or newest.hash != named:
            newest = self._newest[node] = _read(node, node.call("getblockheader", named))
            if node in self._live:
                self._live[node] = 0
        return newest

    def _hash_at(self, node: Node, height: int) -> str:
        return hash_at(node, height)

    def _blocks(self, node: Node, first: int, last: int) -> list[Block]:
        """Ask for one block after the other: an answer is of many megabytes, the way to the node short."""
        made: list[Block] = []
        count = 0
        hashes = node.calls([("getblockhash", [height]) for height in range(first, last + 1)])
        if isinstance(hashes[0], RpcFault) and self._head(node).height < first:
            return []  # the chain became shorter while we asked: it is being reorganised
        for height, named in enumerate(hashes, first):
            try:
                made.append(self._block(node, height, named))
            except NodeFailed:
                if made:
                    break  # asked for again, first
                raise
            count += len(made[-1].txs)
            if count >= AT_ONCE:
                break
        return made

    def _block(self, node: Node, height: int, named: Any) -> Block:
        if isinstance(named, RpcFault):
            raise named
        raw = self._asked(node, named)
        if not isinstance(raw, dict) or raw.get("hash") != named or raw.get("height") != height:
            raise NodeFailed(f"{node.name}: it has no block {height:,} to give")
        txs = raw.get("tx")
        if not isinstance(txs, list) or raw.get("nTx", len(txs)) != len(txs):
            raise NodeFailed(f"{node.name}: the transactions of block {height:,} are not all there")
        self._outputs.of_block(node, txs)
        parts, header = self._parts(node, height, raw)
        if node in self._outputs.unindexed and any(tx.blind for tx in parts.transactions.values()):
            self._making.once(
                f"{node.name}: it tells what inputs spend neither with the block (Core 23 or newer) nor "
                "beside it (-txindex)"
            )
        return self._made(parts, header)

    def _asked(self, node: Node, named: str) -> Any:
        """Return a block, with what its inputs spend where the node tells that."""
        verbosity = self._verbosity.get(node, 3)
        try:
            return node.call("getblock", named, verbosity)
        except RpcFault as exc:
            if verbosity == 2 or exc.code not in _PARAMETER_CODES:
                raise
        found = node.call("getblock", named, 2)
        self._verbosity[node] = 2
        return found

    def _parts(self, node: Node, height: int, raw: dict[str, Any]) -> tuple[CoinBlock, Header]:
        """Read a block.

        What does not read is asked for again, of every node; a transaction that never reads is left out and
        said, so that one odd transaction does not end the stream.

        Raises:
            NodeFailed: it does not read: another node may know better.
        """
        try:
            items = bitcoin.core_block(raw)
        except RecordFault as exc:
            self._odd[height] = tries = self._odd.get(height, 0) + 1
            if tries <= TRIES * len(self._nodes):
                raise node.failed(f"block {height:,}: {exc}") from exc
            items = self._what_reads(node, height, raw)
        self._odd.pop(height, None)
        parts = CoinBlock()
        for item in items:
            parts.add(item, node.name)
        header = parts.header
        if header is not None and height == 0:
            header.parent = NO_PARENT
        if header is None or header.parent is None:
            raise NodeFailed(f"{node.name}: block {height:,} does not name the one before")
        return parts, header

    def _what_reads(self, node: Node, height: int, raw: dict[str, Any]) -> list[Item]:
        try:
            bitcoin.core_block(raw | {"tx": []})
        except RecordFault as exc:
            raise node.failed(f"block {height:,}: {exc}") from exc
        txs = []
        for place, one in enumerate(raw["tx"]):
            try:
                bitcoin.core_block(raw | {"tx": [one]})
            except RecordFault as exc:
                self.faults += 1
                self._report(f"block {height:,}: transaction {place}: {node.tamed(str(exc))}; left out")
            else:
                txs.append(one)
        return bitcoin.core_block(raw | {"tx": txs})


def _read(node: Node, found: Any) -> Head:
    """Return a node's newest block.

    Raises:
        NodeFailed: it does not say.
    """
    try:
        height = small(_field(found, "height"), "the newest block's height")
        named = block_hash(_field(found, "hash"), "the newest block's hash")
        moment = small(_field(found, "time"), "the newest block's time")
    except RecordFault as exc:
        raise node.failed(exc) from exc
    if named is None:
        raise NodeFailed(f"{node.name}: its newest block has no hash")
    return Head(height, named, moment)


def _field(found: Any, key: str) -> Any:
    return found.get(key) if isinstance(found, dict) else None
