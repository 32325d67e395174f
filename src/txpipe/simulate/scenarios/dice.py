"""What a scenario draws: sizes, shares, waits, accounts; and the purse that knows what an account holds."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from txpipe.simulate import shapes
from txpipe.simulate.assets import Asset, small_token
from txpipe.simulate.scenarios.base import between, stretched
from txpipe.simulate.world import PEOPLE, Deposit, Exchange, World

T = TypeVar("T")

_BUSY = 2000
"""Ranks below this act so often that no story casts them as somebody in particular."""

# Significant digits of an amount that somebody types, as in world.payment; 0 is one that nobody typed.
_DIGITS = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 6)


@dataclass(slots=True)
class Purse:
    """An account of the story and what it holds.

    Attributes:
        address: whose it is.
        asset: the one that it holds.
        units: what it holds of it, as far as the story tells.
        rank: on whose scale its ordinary acts are drawn.
        old: it has a past, and means and gas that the story does not tell.
        moves: token movements that its gas still pays for.
        router: the one that it has approved to move the asset.
    """

    address: str
    asset: Asset
    rank: int
    units: int = 0
    old: bool = False
    moves: int = 0
    router: str = ""


class Dice:
    """Draws for one instance.

    Attributes:
        world: who there is.
        bits: the instance's random stream.
    """

    def __init__(self, world: World, rng: random.Random) -> None:
        self.world = world
        self.bits = rng.getrandbits
        self._rng = rng

    def between(self, low: int, high: int) -> int:
        """Draw an integer, both ends included."""
        return between(self._rng, low, high)

    def few(self, low: int, high: int) -> int:
        """Draw an integer, small ones more often."""
        return stretched(self._rng, low, high)

    def pick(self, things: Sequence[T]) -> T:
        """Pick one."""
        return things[self.bits(16) * len(things) >> 16]

    def odds(self, of_16: int) -> bool:
        """Say yes so many times in sixteen."""
        return self.bits(4) < of_16

    def gap(self, low_s: int, doublings: float) -> int:
        """Draw seconds: from low up to that many times doubled, each doubling as likely."""
        return int(low_s * shapes.exp2(doublings * self.bits(16) / 65536))

    def worth(self, low_usd: int, doublings: float) -> int:
        """Draw a size in US cents: from low up to that many times doubled, small ones more often."""
        return int(low_usd * 100 * shapes.exp2(doublings * (self.bits(16) * self.bits(16)) / 2**32))

    def amount(self, asset: Asset, cents: int) -> int:
        """Draw base units that are worth about so much, at times a round number of them."""
        return self.world.amount(cents, asset, self.bits)

    def typed(self, units: int) -> int:
        """Round down to a few digits as often as people do, or leave it alone."""
        digits = _DIGITS[self.bits(5)]
        excess = len(str(units)) - digits if digits else 0
        return (units - units % 10**excess if excess > 0 else units) or 1

    def tidy(self, units: int) -> int:
        """Round down to two to five digits half the time, which loses less than a tenth."""
        excess = len(str(units)) - self.pick((99, 99, 99, 99, 2, 3, 4, 5))
        return units - units % 10**excess if excess > 0 else units

    def part(self, units: int, low: int, high: int) -> int:
        """Draw a part, its thousandths between the two ends."""
        return units * self.between(low * 64, high * 64) // 64_000

    def parts(self, units: int, count: int, uneven: int) -> list[int]:
        """Split; the largest part may be ``uneven`` percent above the smallest."""
        weights = [1000 + self.between(0, 10 * uneven) for _ in range(count)]
        found = [units * weight // sum(weights) for weight in weights]
        return [*found[1:], units - sum(found[1:])]

    def asset(self) -> Asset:
        """Pick what large sums move in: coin, or a token that has a price."""
        token = self.world.coin if self.bits(1) else self.world.token(self.bits)
        return token if token.priced else self.stable()

    def stable(self) -> Asset:
        """Pick a stablecoin."""
        return self.world.known[("USDT", "USDT", "USDT", "USDT", "USDC", "USDC", "USDC", "DAI")[self.bits(3)]]

    def new_token(self) -> Asset:
        """Invent a token without a price: a vault's shares, somebody's issue."""
        return small_token(self.world.chain, self.world.fresh(), self.bits)

    def quiet(self) -> int:
        """Pick somebody at random, most likely one who seldom acts; returns the rank."""
        return self.bits(32) % PEOPLE

    def desk(self, exchange: Exchange | None = None) -> Deposit:
        """Open an account at an exchange, or use somebody's who has one."""
        if exchange is None and self.odds(4):
            return self.world.deposit(self.quiet(), self.bits)
        return Deposit(exchange or self.world.exchange(self.bits), self.world.fresh())

    def fresh(self, asset: Asset) -> Purse:
        """Make an account that nobody has used."""
        return Purse(self.world.fresh(), asset, self.quiet())

    def newcomer(self, asset: Asset) -> Purse:
        """Let somebody new join, who lives on after the story."""
        rank = self.world.newcomer(self.bits)
        return Purse(self.world.people[rank], asset, rank)

    def old(self, asset: Asset, units: int = 0) -> Purse:
        """Cast somebody who has a life outside the story."""
        rank = self.quiet() if self.bits(1) else self.world.person(self.bits)
        while rank < _BUSY:
            rank = self.world.person(self.bits)
        return Purse(self.world.people[rank], asset, rank, units, old=True)
