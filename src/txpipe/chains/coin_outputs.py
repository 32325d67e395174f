"""Whom the outputs paid that inputs spend, where a node does not tell it beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from txpipe.chains.bitcoin import script_addresses
from txpipe.chains.endpoint import NodeDenied, NodeFailed
from txpipe.chains.rpc import Asked, Node, RpcFault

OUTPUTS = 50_000
"""Outputs whose addresses are remembered: those of eight blocks or so. No block of 1 MB (without witnesses)
has as many, so that those of its own are there."""

AT_ONCE = 256
"""Transactions asked for before their answers are let go: some are of many kilobytes."""

_UNKNOWN_CODE = -5

Outpoint = tuple[str, int]
"""A transaction and which of its outputs."""

Lacking = dict[Outpoint, list[dict[str, Any]]]
"""Inputs, by what they spend, that come without it."""


class Outputs:
    """Gives inputs their ``prevout``, as ``getblock`` of verbosity 3 has it: from memory, else asked for.

    Attributes:
        unindexed: nodes that know no transactions of blocks (no -txindex).
    """

    def __init__(self, most: int = OUTPUTS) -> None:
        """Take how many outputs are remembered, the oldest forgotten."""
        self._paid: dict[Outpoint, tuple[str, ...]] = {}
        self._most = most
        self.unindexed: set[Node] = set()

    def learn(self, txs: Iterable[Any]) -> None:
        """Remember whom transactions pay."""
        for tx in txs:
            for place, output in enumerate(_listed(tx, "vout")):
                n = output.get("n", place)
                if isinstance(tx.get("txid"), str) and type(n) is int:
                    self._keep((tx["txid"], n), output)

    def of_block(self, node: Node, txs: list[Any]) -> None:
        """Give the inputs of a block's transactions what they spend, as far as the node, or anyone, knows.

        Raises:
            NodeFailed: it does not answer.
        """
        if not any(one.get("prevout") for tx in txs for one in _listed(tx, "vin")):
            self.learn(txs)
        self._ask_transactions(node, self._filled(_lacking(txs)))

    def of_pool(self, node: Node, txs: list[Any]) -> None:
        """Give the inputs of pending transactions what they spend, which every node knows: it is unspent.

        Raises:
            NodeFailed: it does not answer.
        """
        self.learn(txs)
        left = self._filled(_lacking(txs))
        unspent: list[Asked] = [("gettxout", [tx, n, False]) for tx, n in left]
        for outpoint, found in zip(tuple(left), _answers(node, unspent), strict=True):
            if isinstance(found, dict):
                self._give(outpoint, found, left.pop(outpoint))
        self._ask_transactions(node, left)

    def _ask_transactions(self, node: Node, lacking: Lacking) -> None:
        """Ask for the transactions whose outputs are spent; only one with -txindex knows those of blocks."""
        if node in self.unindexed:
            return
        wanted = list(dict.fromkeys(tx for tx, _ in lacking))
        by_tx: dict[str, list[Outpoint]] = {}
        for outpoint in lacking:
            by_tx.setdefault(outpoint[0], []).append(outpoint)
        for at in range(0, len(wanted), AT_ONCE):
            part = wanted[at : at + AT_ONCE]
            for tx, found in zip(part, self._transactions(node, part), strict=True):
                outputs = {one.get("n", place): one for place, one in enumerate(_listed(found, "vout"))}
                for outpoint in by_tx[tx]:
                    if outpoint[1] in outputs:
                        self._give(outpoint, outputs[outpoint[1]], lacking[outpoint])
            if node in self.unindexed:
                return

    def _transactions(self, node: Node, part: list[str]) -> Iterator[Any]:
        """Yield transactions; None for what the node does not know."""
        for tx, found in zip(
            part, _answers(node, [("getrawtransaction", [tx, True]) for tx in part]), strict=True
        ):
            if isinstance(found, RpcFault):
                if found.code != _UNKNOWN_CODE or "being indexed" in str(found):
                    raise found
                if "-txindex" in str(found):
                    self.unindexed.add(node)
            elif found is None:
                self.unindexed.add(node)
            elif isinstance(found, dict) and found.get("txid") != tx:
                raise NodeFailed(f"{node.name}: asked for transaction {tx}, it gives another")
            yield found if isinstance(found, dict) else None

    def _filled(self, lacking: Lacking) -> Lacking:
        """Give inputs what is remembered; return those left."""
        left: Lacking = {}
        for outpoint, inputs in lacking.items():
            paid = self._paid.get(outpoint)
            if paid is None:
                left[outpoint] = inputs
            else:
                _put(paid, inputs)
        return left

    def _give(self, outpoint: Outpoint, output: Any, inputs: list[dict[str, Any]]) -> None:
        _put(self._keep(outpoint, output), inputs)

    def _keep(self, outpoint: Outpoint, output: Any) -> tuple[str, ...]:
        paid = self._paid[outpoint] = tuple(script_addresses(output))
        if len(self._paid) > self._most:
            del self._paid[next(iter(self._paid))]
        return paid


def _answers(node: Node, wanted: list[Asked]) -> list[Any]:
    """Return what a node answers, or None for each where it does not let us ask, or has no such method."""
    try:
        found = node.calls(wanted)
    except NodeDenied:
        return [None] * len(wanted)
    return [None if isinstance(one, RpcFault) and one.missing else one for one in found]


def _lacking(txs: Iterable[Any]) -> Lacking:
    found: Lacking = {}
    for tx in txs:
        for one in _listed(tx, "vin"):
            spent = one.get("txid"), one.get("vout")
            if isinstance(spent[0], str) and type(spent[1]) is int and not one.get("prevout"):
                found.setdefault((spent[0], spent[1]), []).append(one)
    return found


def _put(paid: tuple[str, ...], inputs: list[dict[str, Any]]) -> None:
    for one in inputs:
        one["prevout"] = {"scriptPubKey": {"addresses": list(paid)}}


def _listed(found: Any, key: str) -> list[dict[str, Any]]:
    """Return the objects of a list, whatever stands there."""
    listed = found.get(key) if isinstance(found, dict) else None
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
