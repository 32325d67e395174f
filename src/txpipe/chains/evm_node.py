"""An EVM chain as its nodes tell it (execution-apis): blocks with their receipts, as records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol

from txpipe.chains import evm_plain
from txpipe.chains.endpoint import NodeFailed
from txpipe.chains.evm import EvmBlock
from txpipe.chains.evm_check import read, read_what_reads, together
from txpipe.chains.evm_fast import FastBlock, Read, Unusual
from txpipe.chains.evm_plain import Told
from txpipe.chains.follow import Block, Head
from txpipe.chains.making import Making
from txpipe.chains.model import Header, block_hash, small
from txpipe.chains.node_chain import Known, NodeChain, Parts, Pool
from txpipe.chains.nodes import Nodes
from txpipe.chains.rpc import Asked, Node, RpcFault
from txpipe.errors import RecordFault

TRIES = 3
"""Times that each node is asked for a block of which a part does not read, before that part is left out."""

HEADS = "newHeads"


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
        raise node.failed(exc) from exc
    return f"eip155:{number}", genesis


class Lookup(Protocol):
    """Asks for what the records of blocks need besides their parts."""

    def prepare(self, node: Node, blocks: Sequence[Read]) -> None:
        """Ask for what several blocks need; what is at hand is not asked for again.

        Raises:
            NodeFailed: the node cannot say; another may.
        """

    def enter(self, header: Header) -> None:
        """Take note that the records of a block are made next."""


class EvmChain(NodeChain):
    """An EVM chain by its nodes.

    Attributes:
        lookups: what is asked for besides blocks and receipts.
    """

    def __init__(
        self, nodes: Nodes, making: Making, report: Callable[[str], None], mempool: Pool | None = None
    ) -> None:
        """Take whom to ask, see NodeChain."""
        super().__init__(nodes, making, report, mempool)
        self.lookups: Sequence[Lookup] = ()
        self._receipts_missing: set[Node] = set()
        self._live: set[Node] = set()
        self._odd: dict[int, int] = {}

    @property
    def is_live(self) -> bool:
        """Whether the preferred node says by itself when there is a new block."""
        return self._nodes.preferred in self._live

    def wait(self, seconds: float) -> bool:
        """Wait at most so long for word of something new; True if there may be a new block."""
        return self._nodes.preferred.wait(seconds, HEADS)

    def _introduce(self, node: Node) -> Known:
        return introduce(node)

    def _welcome(self, node: Node) -> None:
        self._live.discard(node)
        self._receipts_missing.discard(node)
        if node.can_push:
            with suppress(RpcFault):  # it can be asked all the same
                node.subscribe(HEADS)
                self._live.add(node)

    def _head(self, node: Node) -> Head:
        return _read(node, node.call("eth_getBlockByNumber", "latest", False))

    def _word(self, node: Node) -> Head | None:
        news = node.news(HEADS)
        return _read(node, news[-1]) if news else None

    def _hash_at(self, node: Node, height: int) -> str:
        found = node.call("eth_getBlockByNumber", hex(height), False)
        named = found.get("hash") if isinstance(found, dict) else None
        if not isinstance(named, str):
            raise NodeFailed(f"{node.name}: it does not know block {height:,}")
        return named

    def _blocks(self, node: Node, first: int, last: int) -> list[Block]:
        heights = range(first, last + 1)
        wanted: list[Asked] = [("eth_getBlockByNumber", [hex(height), True]) for height in heights]
        if node not in self._receipts_missing:  # in one batch: one way to the node and back
            wanted += [("eth_getBlockReceipts", [hex(height)]) for height in heights]
        answers, count = node.calls(wanted, evm_plain.told), len(heights)
        if answers[0] is None and self._head(node).height < first:
            return []  # it never said that it has it: another one did, or it is being reorganised
        fast = [self._fast(node, height, *answers[at::count]) for at, height in enumerate(heights)]
        there = fast.index(None) if None in fast else count
        if there == count or (there and answers[there] is None):
            return self._all_made(node, [(one, one.header) for one in fast[:there] if one])
        raw, listed = self._raw(node, heights, [_whole(node, one) for one in answers])
        parts: list[Read] = [
            (one, one.header) if one else self._parts(node, height, block, receipts)
            for height, one, block, receipts in zip(heights, fast, raw, listed, strict=False)
        ]
        return self._all_made(node, parts)

    def _all_made(self, node: Node, blocks: Sequence[Read]) -> list[Block]:
        for lookup in self.lookups:
            lookup.prepare(node, blocks)
        return [self._made(*one) for one in blocks]

    def _fast(self, node: Node, height: int, block: Any, receipts: Any = None) -> FastBlock | None:
        """Return a block in the common shape; None if what was answered is not, or is not there."""
        if not isinstance(block, Told) or not isinstance(receipts, Told):
            return None
        found, of_it = block.plain, receipts.plain
        if isinstance(found, list) or not isinstance(of_it, list) or found.number != hex(height):
            return None
        with suppress(Unusual):
            fast = FastBlock(found, of_it, node.name)
            self._odd.pop(height, None)
            return fast
        return None

    def _raw(
        self, node: Node, heights: range, answers: list[Any]
    ) -> tuple[list[dict[str, Any]], list[list[Any]]]:
        """Return blocks, from the first on as far as they are there, and the receipts of each."""
        found, receipts = answers[: len(heights)], answers[len(heights) :]
        raw: list[dict[str, Any]] = []
        for one in found:
            if isinstance(one, RpcFault):
                raise one
            if one is None and raw:
                break
            if not isinstance(one, dict) or one.get("number") != hex(heights[len(raw)]):
                raise NodeFailed(f"{node.name}: it has no block {heights[len(raw)]:,} to give")
            raw.append(one)
        return raw, self._receipts(node, raw, receipts)

    def _receipts(self, node: Node, raw: list[dict[str, Any]], found: list[Any]) -> list[list[Any]]:
        """Return the receipts of several blocks: those found by block, else one by one."""
        by_block = [found[at] if one.get("transactions") else [] for at, one in enumerate(raw) if found]
        fault = next((one for one in by_block if isinstance(one, RpcFault)), None)
        if by_block and fault is None:
            return [_listed(one) for one in by_block]
        if fault is not None and not fault.missing:
            raise fault
        self._receipts_missing.add(node)
        return [self._one_by_one(node, one) for one in raw]

    @staticmethod
    def _one_by_one(node: Node, raw: dict[str, Any]) -> list[Any]:
        txs = [one.get("hash") for one in raw.get("transactions") or () if isinstance(one, dict)]
        found = node.calls([("eth_getTransactionReceipt", [tx]) for tx in txs])
        for one in found:
            if isinstance(one, RpcFault):
                raise one
        return [one for one in found if one is not None]

    def _parts(
        self, node: Node, height: int, raw: dict[str, Any], receipts: list[Any]
    ) -> tuple[EvmBlock, Header]:
        """Put together what a node said of a block.

        What does not read is asked for again, of every node; what never reads is left out and said, so that
        one odd transaction does not end the stream.

        Raises:
            NodeFailed: its parts do not belong together, or some are missing: another node may know better.
        """
        try:
            said = read(raw, receipts)
        except RecordFault as exc:
            self._odd[height] = tries = self._odd.get(height, 0) + 1
            if tries <= TRIES * len(self._nodes):
                raise node.failed(f"block {height:,}: {exc}") from exc
            try:
                said = read_what_reads(raw, receipts, lambda what: self._left_out(height, node.tamed(what)))
            except RecordFault as again:
                raise node.failed(f"block {height:,}: {again}") from again
        self._odd.pop(height, None)
        return together(said, receipts, height, node.name)

    def _left_out(self, height: int, what: str) -> None:
        self.faults += 1
        self._report(f"block {height:,}: {what}; left out")

    def _made(self, parts: Parts, header: Header) -> Block:
        for lookup in self.lookups:
            lookup.enter(header)
        return super()._made(parts, header)


def _read(node: Node, found: Any) -> Head:
    """Return a node's newest block.

    Raises:
        NodeFailed: it has none, or does not say.
    """
    try:
        height = small(found.get("number"), "the newest block's number")
        named = block_hash(found.get("hash"), "the newest block's hash")
        time = small(found.get("timestamp"), "the newest block's timestamp")
    except (RecordFault, AttributeError) as exc:
        raise node.failed(exc) from exc
    if named is None:
        raise NodeFailed(f"{node.name}: its newest block has no hash")
    return Head(height, named, time)


def _whole(node: Node, answer: Any) -> Any:
    """Return an answer as any JSON.

    Raises:
        NodeFailed: it is none.
    """
    try:
        return answer.whole() if isinstance(answer, Told) else answer
    except RecordFault as exc:
        raise NodeFailed(f"{node.name}: its answer is no JSON") from exc


def _listed(found: Any) -> list[Any]:
    return found if isinstance(found, list) else []
