"""Tokens that the shipped table lacks, asked for their names: the symbols and decimals of new contracts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from txpipe.chains.abi import number_at, text_at_start
from txpipe.chains.evm_call import Answer, Block, Patience, ask, lacks_state
from txpipe.chains.evm_fast import Read
from txpipe.chains.model import Header
from txpipe.chains.rpc import Node, RpcFault
from txpipe.chains.token_cache import Said, TokenCache, Unkept, said
from txpipe.chains.tokens import MAX_DECIMALS, Tokens

_DECIMALS, _SYMBOL = "0x313ce567", "0x95d89b41"
"""Selectors of decimals() and symbol(), EIP-20."""


AT_ONCE = 32
"""Contracts asked before their answers are let go: each may be of a megabyte, and a block name thousands."""


class TokenNames:
    """Asks contracts that move amounts for symbol and decimals, those of several blocks in one go.

    What a contract answers first is settled for good, before a record shows it. A node that cannot say is
    asked again, then another; at last records go without.
    """

    def __init__(
        self, chain: str, tokens: Tokens, cache: TokenCache | Unkept, say: Callable[[str], None], tries: int
    ) -> None:
        """Take where names go.

        Args:
            chain: CAIP-2.
            tokens: the table that records are made with.
            cache: what is settled.
            say: takes a message for people.
            tries: times that blocks are asked for again because a node cannot say.
        """
        self._cache = cache
        self._patience = Patience(say, tries)
        self._table = tokens.addresses(chain)
        tokens.named = cache.known

    def prepare(self, node: Node, blocks: Sequence[Read]) -> None:
        """Learn the tokens of blocks before their records are made.

        Raises:
            NodeFailed: the node cannot say; another may.
        """
        known, table = self._cache.known, self._table
        met = {one for parts, _ in blocks for one in parts.contracts}
        new = sorted(one for one in met if one not in known and one not in table)
        if new:
            held = {one: known[one] for one in met if one in known}
            self._settle(self._asked(node, new, hex(blocks[-1][1].block)))
            for one, name in held.items():  # old ones may have been forgotten for the new
                known.setdefault(one, name)

    def enter(self, header: Header) -> None:
        """Do nothing: names do not change from block to block."""

    def _asked(self, node: Node, new: list[str], block: Block) -> dict[str, Said]:
        found: dict[str, Said] = {}
        fault: RpcFault | None = None
        for at in range(0, len(new), AT_ONCE):
            part = new[at : at + AT_ONCE]
            answers = self._answers(node, part, block)
            fault = fault or next((one for one in answers if isinstance(one, RpcFault)), None)
            pairs = zip(answers[::2], answers[1::2], strict=True)
            found |= {
                one: _read(*pair)
                for one, pair in zip(part, pairs, strict=True)
                if not any(isinstance(answer, RpcFault) for answer in pair)
            }
        self._patience.judge(fault, "records go without symbols and amounts of tokens that it cannot ask")
        return found

    @staticmethod
    def _answers(node: Node, part: list[str], block: Block) -> list[Answer]:
        calls = [(one, data, block) for one in part for data in (_DECIMALS, _SYMBOL)]
        answers = ask(node, calls)
        if any(map(lacks_state, answers)):  # of old blocks; what a token is called hardly ever changes
            answers = ask(node, [(one, data, "latest") for one, data, _ in calls])
        return answers

    def _settle(self, found: dict[str, Said]) -> None:
        try:
            self._cache.settle(found)
        except OSError as exc:
            self._patience.once(
                f"token names cannot be kept ({exc.strerror}): after a restart they may be others"
            )


def _read(decimals: Answer, symbol: Answer) -> Said:
    """Return what two answers say; None of what is no token: without decimals there are no amounts."""
    places = number_at(decimals, 0) if isinstance(decimals, bytes) else None
    if places is None or places > MAX_DECIMALS:
        return None
    text = text_at_start(symbol) if isinstance(symbol, bytes) else None
    return said(text or b"", places)
