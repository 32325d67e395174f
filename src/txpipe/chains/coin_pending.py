"""Pending transactions of a UTXO chain: what waits to be mined, each written once, when it is first seen."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from txpipe import record
from txpipe.chains import bitcoin
from txpipe.chains.coin_outputs import Outputs
from txpipe.chains.endpoint import NodeDenied, NodeFailed
from txpipe.chains.making import Making
from txpipe.chains.rpc import Node, RpcFault
from txpipe.chains.utxo import pending_records
from txpipe.errors import RecordFault

POOL = 300_000
"""Transactions of a pool that are looked at: more than one of 300 MB, Core's default, holds."""

MINED = 50_000
"""Transactions remembered as mined: another node may be a few blocks behind."""

AT_ONCE = 512
"""Transactions asked for in one round; those beyond come in the next."""

SHARE = 0.1
"""Of the time, how much the node may at most spend on listing its pool: that of a large one is megabytes."""


class CoinMempool:
    """Records of the transactions in a node's pool; those that leave it are forgotten.

    Attributes:
        outputs: whom known outputs pay.
        passed: transactions that could not be asked for in time, or not read.
    """

    def __init__(self, making: Making, say: Callable[[str], None], clock: Callable[[], float]) -> None:
        """Take what records need, what takes a message for people, and what tells monotonic seconds."""
        self._making = making
        self._say = say
        self._clock = clock
        self._written: set[str] = set()
        self._mined: dict[str, None] = {}
        self._unsure: set[str] = set()
        self._waiting: deque[str] = deque()
        self._closed: set[Node] = set()
        self._next = 0.0
        self.outputs = Outputs()
        self.passed = 0

    def introduce(self, node: Node) -> None:
        """Ask a node anew that was not to be asked: it may be another now."""
        self._closed.discard(node)

    def mined(self, txs: Iterable[str]) -> None:
        """Note transactions that a block holds."""
        self._mined.update(dict.fromkeys(txs))
        while len(self._mined) > MINED:
            del self._mined[next(iter(self._mined))]

    def lines(self, node: Node) -> list[bytes]:
        """Return the records of transactions that are new.

        Raises:
            NodeFailed: it does not answer.
        """
        if node in self._closed:
            return []
        try:
            return self._lines(node)
        except NodeFailed as exc:
            if not (isinstance(exc, NodeDenied) or (isinstance(exc, RpcFault) and exc.missing)):
                raise
            self._closed.add(node)
            self._making.once(f"{exc}: it tells nothing of pending transactions")
            return []

    def _lines(self, node: Node) -> list[bytes]:
        if not self._waiting and self._clock() >= self._next:
            self._waiting.extend(tx for tx in self._pool(node) if self._is_new(tx))
        wanted = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
        found = node.calls([("getrawtransaction", [tx, True]) for tx in wanted])
        there = [
            one
            for tx, one in zip(wanted, found, strict=True)
            if isinstance(one, dict) and one.get("txid") == tx and not one.get("blockhash")
        ]
        self.outputs.of_pool(node, there)
        return [line for one in there for line in self._made(one, node)]

    def _pool(self, node: Node) -> list[str]:
        """Return what is in the pool, and forget what is not."""
        began = self._clock()
        told = node.call("getrawmempool")
        if not isinstance(told, list):
            raise NodeFailed(f"{node.name}: it does not list its pool")
        if len(told) > POOL:
            self._miss(f"more than {POOL:,} pending transactions")
        pool = [tx for tx in told[:POOL] if isinstance(tx, str)]
        self._written.intersection_update(pool)
        self._unsure.intersection_update(pool)
        ended = self._clock()
        self._next = ended + (ended - began) * (1 / SHARE - 1)
        return pool

    def _is_new(self, tx: str) -> bool:
        return tx not in self._written and tx not in self._mined

    def _made(self, told: dict[str, Any], node: Node) -> list[bytes]:
        """Return the records of a transaction.

        None for one whose inputs spend what is not known: most likely it has just been mined. If it is there
        the next time as well, it is written as it is.
        """
        try:
            tx = bitcoin.core_transaction(told)
            if tx.blind and tx.hash not in self._unsure:
                self._unsure.add(tx.hash)
                return []
            self._written.add(tx.hash)
            tx.time = None  # it is when it is seen
            return [record.dumps(one) for one in pending_records(tx, self._making, node.name)]
        except RecordFault as exc:
            self._written.add(told["txid"])
            self._miss(f"a pending transaction does not read: {node.tamed(str(exc))}")
            return []

    def _miss(self, reason: str) -> None:
        self.passed += 1
        if self.passed == 1:
            self._say(f"{reason}; passed over, and from now on counted only")
