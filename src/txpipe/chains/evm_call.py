"""Contracts asked by eth_call: what they answer, that they answer nothing, or that the node cannot say."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from txpipe.chains.rpc import Asked, Node, RpcFault

GAS = 3_000_000
"""Gas of one call: proxies take a tenth; an answer paid with it has 1.2 MB at most, and comes at once."""

Block = str | dict[str, str]
"""At which block: a height in hex, latest, or {"blockHash": …} (EIP-1898)."""

Answer = bytes | RpcFault | None
"""What a contract answers; None if it fails or there is none; RpcFault if the node did not try."""

_failed = re.compile(
    r"revert|opcode|out ?of ?gas|gas required|stack ?(under|over)flow|invalid ?jump|bad jump|evm error"
    r"|vm (execution|exception)|execution failed",
    re.IGNORECASE,
).search
_stateless = re.compile(
    r"missing trie|state .*(not available|unavailable|not found)|no state|pruned|pruning|archive|historical",
    re.IGNORECASE,
).search


class Patience:
    """Has blocks asked for again as long as a node cannot say something of them; at last goes on without."""

    def __init__(self, say: Callable[[str], None], tries: int) -> None:
        """Take what takes a message for people, and the times that blocks are asked for again."""
        self._say = say
        self._tries = tries
        self._failed = 0
        self._said: set[str] = set()

    def judge(self, fault: RpcFault | None, without: str) -> None:
        """Take note that a node could say all, or raise what it could not, as long as there is patience.

        Args:
            fault: what it could not; None if it could.
            without: what follows from going on without.

        Raises:
            RpcFault: it is to be asked again, or another.
        """
        self._failed = 0 if fault is None else self._failed + 1
        if fault is not None and self._failed <= self._tries:
            raise fault
        if fault is not None:
            self.once(f"{fault}: {without}")

    def once(self, message: str) -> None:
        """Pass a message on the first time that it comes."""
        if message not in self._said:
            self._said.add(message)
            self._say(message)


def ask(node: Node, calls: Sequence[tuple[str, str, Block]]) -> list[Answer]:
    """Return what contracts answer, in the order of the calls.

    Args:
        node: to ask.
        calls: contract, calldata in hex, and at which block.

    Raises:
        NodeFailed: it does not answer.
    """
    wanted: list[Asked] = [
        ("eth_call", [{"to": contract, "data": data, "gas": hex(GAS)}, block])
        for contract, data, block in calls
    ]
    return [_answer(node, one) for one in node.calls(wanted)]


def lacks_state(answer: Answer) -> bool:
    """Whether a node does not keep the state of the block that it was asked about."""
    return isinstance(answer, RpcFault) and not answer.reverted and _stateless(str(answer)) is not None


def _answer(node: Node, said: Any) -> Answer:
    if isinstance(said, RpcFault):
        return None if said.reverted or _failed(str(said)) else said
    try:
        data = bytes.fromhex(said.removeprefix("0x"))
    except (AttributeError, ValueError):
        return RpcFault(f"{node.name}: an eth_call's answer is no hex", 0)
    return data or None
