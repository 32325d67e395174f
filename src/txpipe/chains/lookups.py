"""What is looked up besides blocks: names of tokens and prices, set up as the user wishes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from txpipe.chains import feeds
from txpipe.chains.evm_node import EvmChain, Lookup
from txpipe.chains.feeds import Feeds
from txpipe.chains.node_chain import NodeChain
from txpipe.chains.rates import Worth
from txpipe.chains.token_cache import TokenCache, Unkept
from txpipe.chains.token_names import TokenNames
from txpipe.chains.tokens import Tokens
from txpipe.errors import UsageFault
from txpipe.folders import default_cache
from txpipe.prices import Prices, read

TRIES = 3
"""Times that each node is asked again for a name or price that it cannot say, before records go without."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a user wants to know of tokens.

    Attributes:
        names: whether tokens are asked for symbol and decimals.
        token_cache: the file that keeps the answers; None is the user's own for the chain.
        prices: file of prices.
        chainlink: whether feeds on the chain are read.
        feeds: further feeds, ASSET=ADDRESS.
    """

    names: bool = False
    token_cache: Path | None = None
    prices: str | None = None
    chainlink: bool = False
    feeds: tuple[str, ...] = ()


def equip(chain: NodeChain, tokens: Tokens, wishes: Wishes, say: Callable[[str], None], nodes: int) -> None:
    """Have a chain look up what is wished for.

    Args:
        chain: whose node answers.
        tokens: the table that its records are made with.
        wishes: what is to be looked up.
        say: takes a message for people.
        nodes: how many there are to ask.

    Raises:
        UsageFault: a file or a feed cannot be used.
        InputFailed: the file of prices cannot be read.
    """
    found = None
    if isinstance(chain, EvmChain):
        found = _lookups(chain, tokens, wishes, say, TRIES * nodes)
    elif wishes.chainlink:
        raise UsageFault(f"--usd chainlink: there are no contracts on {chain.chain}; give --prices FILE")
    if wishes.prices or found is not None:
        tokens.rates = Worth(read(wishes.prices, say) if wishes.prices else Prices(), found)


def _lookups(
    chain: EvmChain, tokens: Tokens, wishes: Wishes, say: Callable[[str], None], tries: int
) -> Feeds | None:
    """Have contracts asked; returns the feeds, if they are wished for."""
    lookups: list[Lookup] = []
    if wishes.names:
        cache = _cache(chain, wishes.token_cache, say)
        lookups.append(TokenNames(chain.chain, tokens, cache, say, tries))
    found = _feeds(chain.chain, wishes, say, tries) if wishes.chainlink else None
    if found is not None:
        lookups.append(found)
    chain.lookups = lookups
    return found


def _cache(chain: EvmChain, path: Path | None, say: Callable[[str], None]) -> TokenCache | Unkept:
    if path is not None:
        return TokenCache(path, chain.chain, chain.genesis, say)
    named = f"tokens-{chain.chain.replace(':', '-')}-{(chain.genesis or '0x')[2:10]}.ndjson"
    try:
        return TokenCache(default_cache() / named, chain.chain, chain.genesis, say)
    except UsageFault as exc:
        say(f"{exc}; after a restart they may be others: name a --token-cache file")
        return Unkept()


def _feeds(chain: str, wishes: Wishes, say: Callable[[str], None], tries: int) -> Feeds:
    known = feeds.shipped(chain) | dict(feeds.own(one, chain) for one in wishes.feeds)
    if not known:
        raise UsageFault(f"no price feed of {chain} is known: name them with --feed ASSET=ADDRESS")
    return Feeds(known, say, tries)
