"""Prices that Chainlink's aggregators keep on the chain, read at each block for the records of that block."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from txpipe.chains.abi import number_at
from txpipe.chains.evm_call import Answer, Patience, ask, lacks_state
from txpipe.chains.evm_fast import Read
from txpipe.chains.model import Header
from txpipe.chains.rpc import Node, RpcFault
from txpipe.chains.tokens import MAX_DECIMALS
from txpipe.errors import RecordFault, UsageFault

SHIPPED = Path(__file__).resolve().parent.parent / "data" / "feeds.csv"

STALE_S = 90_000
"""Age from which a feed of the user's own counts as stale: most promise an answer a day."""

AHEAD_S = 900
"""Seconds that an answer may be from after its block, whose time its miner chose."""

MOST_RATE = 1e9
"""US dollars that no unit of a coin is worth."""

KEPT = 512
"""Blocks whose prices are kept."""

_LATEST, _DECIMALS = "0xfeaf968c", "0x313ce567"
"""Selectors of latestRoundData() and decimals(), Chainlink's AggregatorV3Interface."""

_SIGN = 1 << 255

_own = re.compile(
    r"(?P<asset>eip155:[0-9]+/(?:slip44:[0-9]+|erc20:0x[0-9a-f]{40}))=(?P<address>0x[0-9a-f]{40})"
).fullmatch


@dataclass(frozen=True, slots=True)
class Feed:
    """An aggregator's proxy, and the age from which its answer counts as stale."""

    address: str
    stale_s: int = STALE_S


def shipped(chain: str) -> dict[str, Feed]:
    """Return the feeds that come with the package for a chain, by asset (CAIP-19)."""
    with SHIPPED.open(encoding="utf-8", newline="") as file:
        return {
            f"{chain}/{row['asset']}": Feed(row["feed"], int(row["stale_s"]))
            for row in csv.DictReader(file)
            if row["chain"] == chain
        }


class Feeds:
    """The prices of one chain's feeds, block by block.

    They are read at the block itself, by its hash, so that the same block always has the same prices; what
    cannot be read there is left out and said, never taken from another block.
    """

    def __init__(self, feeds: Mapping[str, Feed], say: Callable[[str], None], tries: int) -> None:
        """Take the feeds.

        Args:
            feeds: by asset.
            say: takes a message for people.
            tries: times that blocks are asked for again because a node cannot say.
        """
        self.assets = dict(feeds)
        self._feeds = sorted({feed.address: feed for feed in feeds.values()}.items())
        self._patience = Patience(say, tries)
        self._decimals: dict[str, int] = {}
        self._by_block: dict[str, dict[str, float]] = {}
        self._now: dict[str, float] = {}

    def rate(self, asset: str) -> float | None:
        """Return the price of an asset at the block that was entered last."""
        feed = self.assets.get(asset)
        return None if feed is None else self._now.get(feed.address)

    def prepare(self, node: Node, blocks: Sequence[Read]) -> None:
        """Read the prices of blocks, but of those that hold nothing.

        Raises:
            NodeFailed: the node cannot say; another may.
        """
        new = [header for parts, header in blocks if parts.transactions and self._is_new(header)]
        if not new:
            return
        if len(self._decimals) < len(self._feeds):
            self._read_decimals(node, new[-1])
        readable = [feed for address, feed in self._feeds if address in self._decimals]
        wanted = [(header, feed) for header in new for feed in readable]
        answers = self._asked(node, [(feed, _LATEST, header) for header, feed in wanted])
        found: dict[str, dict[str, float]] = {header.block_hash or "": {} for header in new}
        for (header, feed), answer in zip(wanted, answers, strict=True):
            price = self._price(feed, header, answer)
            if price is not None:
                found[header.block_hash or ""][feed.address] = price
        self._by_block |= found
        while len(self._by_block) > KEPT:
            del self._by_block[next(iter(self._by_block))]

    def enter(self, header: Header) -> None:
        """Let the prices of a block count from now on."""
        self._now = self._by_block.get(header.block_hash or "", self._now)

    def _is_new(self, header: Header) -> bool:
        return header.block_hash not in self._by_block

    def _read_decimals(self, node: Node, header: Header) -> None:
        wanted = [feed for address, feed in self._feeds if address not in self._decimals]
        answers = self._asked(node, [(feed, _DECIMALS, header) for feed in wanted])
        none = []
        for feed, answer in zip(wanted, answers, strict=True):
            places = number_at(answer, 0) if isinstance(answer, bytes) else None
            if places is not None and places <= MAX_DECIMALS:
                self._decimals[feed.address] = places
            elif not isinstance(answer, RpcFault):
                none.append(feed.address)
        if none:
            self._patience.once(f"no price feed answers at {', '.join(none)}: no usd by it")

    def _asked(self, node: Node, wanted: Sequence[tuple[Feed, str, Header]]) -> list[Answer]:
        calls = [(feed.address, data, {"blockHash": at.block_hash or ""}) for feed, data, at in wanted]
        answers = ask(node, calls)
        faults = [one for one in answers if isinstance(one, RpcFault)]
        if any(map(lacks_state, faults)):
            self._patience.once(
                f"{node.name} lacks the state of old blocks: their records have no usd by feeds"
            )
        else:
            self._patience.judge(faults[0] if faults else None, "such blocks' records have no usd by feeds")
        return answers

    def _price(self, feed: Feed, header: Header, answer: Answer) -> float | None:
        """Return what a feed says at a block, if that can be believed."""
        if isinstance(answer, RpcFault):
            return None  # it was said
        try:
            return price(answer, self._decimals[feed.address], header.time or 0, feed.stale_s)
        except RecordFault as exc:
            self._patience.once(f"price feed {feed.address}: {exc}: no usd by it as long as that is so")
            return None


def price(answer: bytes | None, decimals: int, time: int, stale_s: int) -> float:
    """Return the price in what latestRoundData() returns: round, answer, begun, updated, answered in round.

    Args:
        answer: the five words; None if the contract failed.
        decimals: of the price.
        time: of the block, Unix seconds.
        stale_s: seconds from which on it is too old.

    Raises:
        RecordFault: there is none that can be believed.
    """
    words = [number_at(answer or b"", word) for word in range(5)]
    in_round, said, _begun, updated, answered = (0 if word is None else word for word in words)
    if words[4] is None or not in_round or not updated:
        raise RecordFault("it gives no answer")
    if said == 0 or said >= _SIGN:
        raise RecordFault("its answer is not above 0")
    if updated > time + AHEAD_S:
        raise RecordFault("its answer is of a time to come")
    if answered < in_round or time - updated > stale_s:
        raise RecordFault("its answer is stale")
    found: float = said / 10**decimals
    if found > MOST_RATE:
        raise RecordFault("its answer is beyond any price")
    return found


def own(text: str, chain: str) -> tuple[str, Feed]:
    """Read a feed of the user's own: ASSET=ADDRESS.

    Raises:
        UsageFault: it is none, or of another chain.
    """
    found = _own(text.lower())
    if found is None or not found["asset"].startswith(f"{chain}/"):
        raise UsageFault(f"--feed {text}: no ASSET=ADDRESS as in {chain}/slip44:60=0x… of chain {chain}")
    return found["asset"], Feed(found["address"])
