"""A chain as its nodes tell it, opened: whom to ask, of which kind they are, what the records need."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from txpipe.chains.chain import ChainOf
from txpipe.chains.evm_node import EvmChain
from txpipe.chains.making import Making
from txpipe.chains.masked import mask
from txpipe.chains.nodes import Nodes
from txpipe.chains.rpc import Node
from txpipe.chains.tokens import Tokens
from txpipe.errors import UsageFault

if TYPE_CHECKING:
    from txpipe.chains.cursor import Saved
    from txpipe.chains.evm_pending import Mempool


def chain(
    urls: Sequence[str],
    saved: Saved | None,
    say: Callable[[str], None],
    unix: Callable[[], float],
    *,
    pending: bool,
) -> EvmChain:
    """Return the chain of the nodes; the first one that answers says which it is.

    Args:
        urls: of its nodes, the preferred first; they are hidden from the list of processes.
        saved: what the cursor says, if there is one.
        say: takes a message for people.
        unix: the time, Unix seconds.
        pending: whether transactions that wait to be mined are asked for.

    Raises:
        UsageFault: a URL is none of a node, or the chain is not the cursor's.
        Blind: no node answers.
    """
    made = [Node(url) for url in urls]
    mask({url: node.name for url, node in zip(urls, made, strict=True)})
    nodes = Nodes(made, time.monotonic, say)

    def missed(tx: str, reason: str) -> None:
        found.faults += 1
        say(f"{tx}: {reason}")

    making = Making(ChainOf(None, say), Tokens.shipped(), lambda: int(unix()), say, missed)
    found = EvmChain(nodes, making, say, _mempool(making, say) if pending else None)
    making.chains = ChainOf(found.chain, say)
    if saved is not None:
        _same(saved, found.chain, found.genesis)
    return found


def _mempool(making: Making, say: Callable[[str], None]) -> Mempool:
    from txpipe.chains.evm_pending import Mempool  # noqa: PLC0415 - only where used

    return Mempool(making, say)


def _same(saved: Saved, name: str, genesis: str | None) -> None:
    if saved.chain != name:
        raise UsageFault(f"the cursor is of {saved.chain}, the node of {name}: take another --cursor file")
    if saved.genesis and genesis and saved.genesis != genesis:
        raise UsageFault("the cursor is of a chain with another first block: take another --cursor file")
