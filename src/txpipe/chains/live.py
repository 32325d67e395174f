"""A chain as its nodes tell it, opened: whom to ask, of which kind they are, what the records need."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from txpipe.chains.chain import ChainOf
from txpipe.chains.evm_node import EvmChain
from txpipe.chains.lookups import Wishes, equip
from txpipe.chains.making import Making
from txpipe.chains.masked import mask
from txpipe.chains.node_chain import NodeChain
from txpipe.chains.node_kind import is_core
from txpipe.chains.nodes import Blind, Nodes
from txpipe.chains.rpc import Node
from txpipe.chains.tokens import Tokens
from txpipe.errors import UsageFault

_T = TypeVar("_T")

if TYPE_CHECKING:
    from txpipe.chains.cursor import Saved
    from txpipe.chains.evm_pending import Mempool


def chain(  # noqa: PLR0913 - whom, what and how to ask
    urls: Sequence[str],
    saved: Saved | None,
    say: Callable[[str], None],
    unix: Callable[[], float],
    *,
    pending: bool,
    wishes: Wishes,
    wait: Callable[[Blind], None] | None = None,
) -> NodeChain:
    """Return the chain of the nodes; the first one that answers says which it is.

    Args:
        urls: of its nodes, the preferred first; they are hidden from the list of processes.
        saved: what the cursor says, if there is one.
        say: takes a message for people.
        unix: the time, Unix seconds.
        pending: whether transactions that wait to be mined are asked for.
        wishes: what is looked up for tokens.
        wait: waits until a node may be asked again, and says so; None to give up where none answers.

    Raises:
        UsageFault: a URL is none of a node, or of a kind for which the extra is missing; the chain is not
            the cursor's; or a wish cannot be met.
        Blind: no node answers, and nobody waits.
    """
    made = _nodes(urls)
    mask({url: node.name for url, node in zip(urls, made, strict=True)})
    nodes = Nodes(made, time.monotonic, say)

    def missed(tx: str, reason: str) -> None:
        found.faults += 1
        say(f"{tx}: {reason}")

    making = Making(ChainOf(None, say), Tokens.shipped(), lambda: int(unix()), say, missed)
    found: NodeChain
    if _answered(lambda: nodes.ask(is_core), wait):
        found = _coin_chain(nodes, making, say, pending=pending)
    else:
        found = EvmChain(nodes, making, say, _mempool(making, say) if pending else None)
    making.chains = ChainOf(_answered(lambda: found.chain, wait), say)
    if saved is not None:
        _same(saved, found.chain, found.genesis)
    equip(found, making.tokens, wishes, say, len(made))
    return found


def _nodes(urls: Sequence[str]) -> list[Node]:
    try:
        return [Node(url) for url in urls]
    except ModuleNotFoundError as exc:
        raise UsageFault(f"{exc.name} is missing: pip install 'txpipe[live]'") from exc


def _answered(ask: Callable[[], _T], wait: Callable[[Blind], None] | None) -> _T:
    """Return an answer as soon as a node gives it."""
    while True:
        try:
            return ask()
        except Blind as exc:
            if wait is None:
                raise
            wait(exc)


def _mempool(making: Making, say: Callable[[str], None]) -> Mempool:
    from txpipe.chains.evm_pending import Mempool  # noqa: PLC0415 - only where used

    return Mempool(making, say)


def _coin_chain(nodes: Nodes, making: Making, say: Callable[[str], None], *, pending: bool) -> NodeChain:
    from txpipe.chains.coin_node import CoinChain  # noqa: PLC0415 - only where used
    from txpipe.chains.coin_pending import CoinMempool  # noqa: PLC0415

    return CoinChain(nodes, making, say, CoinMempool(making, say, time.monotonic) if pending else None)


def _same(saved: Saved, name: str, genesis: str | None) -> None:
    if saved.chain != name:
        raise UsageFault(f"the cursor is of {saved.chain}, the node of {name}: take another --cursor file")
    if saved.genesis and genesis and saved.genesis != genesis:
        raise UsageFault("the cursor is of a chain with another first block: take another --cursor file")
