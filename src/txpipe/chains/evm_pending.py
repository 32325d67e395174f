"""Pending transactions of an EVM node: what waits to be mined, each written once, when it is first seen."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from txpipe import record
from txpipe.chains import jsonrpc
from txpipe.chains.evm import pending_records
from txpipe.chains.making import Making
from txpipe.chains.model import Transaction
from txpipe.chains.rpc import Node, RpcFault
from txpipe.errors import RecordFault

KIND = "newPendingTransactions"

SEEN = 200_000
"""Transactions remembered as written or mined: what a large node's pool holds."""

AT_ONCE = 512
"""Transactions asked for in one round; those beyond come in the next."""

WAITING = 100_000
"""Hashes that wait to be asked for; the oldest are passed over, and counted."""

_HASH = re.compile("0x[0-9a-fA-F]{64}")


class Mempool:
    """Records of the transactions that a node hears of.

    A node that pushes sends them, whole (go-ethereum, Erigon, Anvil) or as hashes; of others a filter is
    read. What a node has forgotten, or mined, by the time that it is asked for it is passed over.

    Attributes:
        passed: transactions that could not be asked for in time, or not read.
    """

    def __init__(self, making: Making, say: Callable[[str], None]) -> None:
        """Take what records need, and what takes a message for people."""
        self._making = making
        self._say = say
        self._seen: dict[str, None] = {}
        self._waiting: deque[str] = deque()
        self._filters: dict[Node, str | None] = {}
        self._said: set[str] = set()
        self.passed = 0

    def introduce(self, node: Node) -> None:
        """Ask a node for word of its pending transactions, over a new connection.

        Raises:
            NodeFailed: it does not answer.
        """
        self._filters.pop(node, None)
        if node.can_push:
            for params in ((True,), ()):
                try:
                    node.subscribe(KIND, *params)
                except RpcFault:
                    continue
                return
        self._filter(node)

    def mined(self, txs: Iterable[str]) -> None:
        """Note transactions that a block holds: word of them may come late."""
        self._seen.update(dict.fromkeys(txs))
        while len(self._seen) > SEEN:
            del self._seen[next(iter(self._seen))]

    def lines(self, node: Node) -> list[bytes]:
        """Return the records of transactions that are new.

        Raises:
            NodeFailed: it does not answer.
        """
        whole = []
        for told in self._told(node):
            if isinstance(told, dict):
                whole.append(told)
            elif isinstance(told, str) and not _HASH.fullmatch(told):
                self._miss("what a node calls the hash of a pending transaction is none")
            elif isinstance(told, str) and told.lower() not in self._seen:
                self._waiting.append(told)
        while len(self._waiting) > WAITING:
            self._waiting.popleft()
            self._miss(f"more than {WAITING:,} pending transactions wait to be asked for")
        return [line for one in (*whole, *self._asked(node)) for line in self._made(one, node)]

    def _told(self, node: Node) -> list[Any]:
        """Return what a node says is new: transactions, or their hashes."""
        if node not in self._filters:
            return node.news(KIND)
        named = self._filters[node]
        if named is None:
            return []
        try:
            found = node.call("eth_getFilterChanges", named)
        except RpcFault:  # forgotten: nobody read it for minutes, or the node is another now
            self._filter(node)
            return []
        return found if isinstance(found, list) else []

    def _filter(self, node: Node) -> None:
        try:
            named = node.call("eth_newPendingTransactionFilter")
        except RpcFault as exc:
            named = None
            if node.name not in self._said:
                self._said.add(node.name)
                self._say(f"{exc}: it tells nothing of pending transactions")
        self._filters[node] = named if isinstance(named, str) else None

    def _asked(self, node: Node) -> list[dict[str, Any]]:
        """Return the transactions of hashes that wait, but for those that the node lacks or has mined."""
        hashes = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
        found = node.calls([("eth_getTransactionByHash", [one]) for one in hashes]) if hashes else []
        return [one for one in found if isinstance(one, dict) and one.get("blockNumber") is None]

    def _made(self, told: dict[str, Any], node: Node) -> list[bytes]:
        """Return the records of a transaction; none if it was seen before."""
        try:
            tx = jsonrpc.transaction(told)
            if tx.hash in self._seen:
                return []
            self.mined((tx.hash,))
            return [record.dumps(one) for one in pending_records(_unmined(tx), self._making, node.name)]
        except RecordFault as exc:
            self._miss(f"a pending transaction does not read: {node.tamed(str(exc))}")
            return []

    def _miss(self, reason: str) -> None:
        self.passed += 1
        if self.passed == 1:
            self._say(f"{reason}; passed over, and from now on counted only")


def _unmined(tx: Transaction) -> Transaction:
    """Return a transaction as none that a block holds, whatever the node says beside it."""
    tx.block = None
    tx.time = None
    return tx
