"""Cycle: funds go round several accounts and come back to where they began.

Standard: three to eight accounts, 80 to 100 % returns within hours, at times for several rounds. Adaptive:
the sum leaves in two unequal arms, each account keeps a little and waits up to two days, and the owner leads
an ordinary life meanwhile.

The twin: a loan repaid, a purchase refunded, a deposit into a vault withdrawn, a visit to an exchange,
friends who settle what they owe one another.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from txpipe.simulate.assets import Asset
from txpipe.simulate.ledger import ZERO, Ledger
from txpipe.simulate.scenarios.base import Scenario, Step
from txpipe.simulate.scenarios.dice import Purse
from txpipe.simulate.scenarios.money import HOUR_S, Plot
from txpipe.simulate.world import World

_ENTER = "0xb6b55f25"  # deposit(uint256)
_LEAVE = "0x2e1a7d4d"  # withdraw(uint256)


def _attack(world: World, rng: random.Random) -> Sequence[Step]:
    plot = Plot(world, rng)
    start, at = _start(plot)
    plot.fuel = plot.old(start.asset).address
    ring = [plot.fresh(start.asset) for _ in range(plot.between(2, 7))]
    doublings, most = plot.between(3, 8), 160 // len(ring)
    for _ in range(plot.few(1, 3)):
        holder, sum_out = start, plot.part(start.units, 950, 990)
        for taker in [*ring, start]:
            sum_out = plot.pay(at, "attack", holder, taker, sum_out)
            at += plot.gap(50, doublings)
            kept = plot.pick((0, 0, most // 2, most))
            sum_out = plot.tidy(plot.part(sum_out, 1000 - kept, 1000)) if kept else sum_out
            holder = taker
    if not start.old:
        plot.cash_out(at + plot.gap(600, 6), start)
    return plot.steps()


def _start(plot: Plot) -> tuple[Purse, int]:
    """Let somebody have a sum, or an issuer his own token."""
    if plot.odds(4):
        token = plot.new_token()
        return plot.old(token, plot.amount(token, plot.worth(500, 10))), 0
    asset: Asset = plot.asset()
    return plot.source(0, asset, plot.amount(asset, plot.worth(400, 11)))


def _adaptive(world: World, rng: random.Random) -> Sequence[Step]:
    plot = Plot(world, rng)
    start, at = _start(plot)
    first = plot.part(start.units, 250, 700)
    for arm in (first, plot.part(start.units - first, 930, 970)):
        holder, paid, passed_at = start, arm, at
        for taker in [*(plot.fresh(start.asset) for _ in range(plot.between(2, 4))), start]:
            paid = plot.part(plot.pay(passed_at, "attack", holder, taker, paid), 970, 1000)
            passed_at += plot.gap(2400, 6)
            holder = taker
        at += plot.gap(60, 10)
    for _ in range(plot.few(0, 6) if start.old else 0):
        plot.live(at + plot.gap(600, 8), "setup", start)
    return plot.steps()


def _twin(world: World, rng: random.Random) -> Sequence[Step]:
    plot = Plot(world, rng, honest=True)
    asset = plot.asset()
    units = plot.amount(asset, plot.worth(300, 11))
    kinds = (_loan, _loan, _refund, _refund, _vault, _visit, _visit, _friends, _friends)
    plot.pick(kinds)(plot, asset, units)
    return plot.steps()


def _loan(plot: Plot, asset: Asset, units: int) -> None:
    """Lend, and be repaid with a little interest, at once or in instalments."""
    lender = plot.old(asset)
    borrower = plot.old(asset) if plot.bits(1) else plot.newcomer(asset)
    plot.pay(0, "attack", lender, borrower, units)
    if not borrower.old:
        plot.withdraw(plot.gap(HOUR_S, 3), None, borrower, units // 8)
    at = plot.gap(12 * HOUR_S, 4)
    for paid in plot.parts(plot.part(units, 1000, 1080), plot.few(1, 5), 5):
        plot.pay(at, "attack", borrower, lender, paid)
        at += plot.gap(6 * HOUR_S, 3)


def _refund(plot: Plot, asset: Asset, units: int) -> None:
    """Buy from a shop and be refunded, wholly or in part."""
    buyer, shop = plot.old(asset), plot.old(asset)
    shop.address = plot.world.merchant(plot.bits)
    plot.pay(0, "attack", buyer, shop, units)
    part = 1000 if plot.odds(10) else plot.between(300, 990)
    plot.pay(plot.gap(900, 8), "attack", shop, buyer, units * part // 1000)


def _vault(plot: Plot, asset: Asset, units: int) -> None:
    """Deposit a token into a vault for shares, and give them back for a little more."""
    if asset is plot.world.coin:
        asset = plot.world.known["WETH"]
        units = plot.world.coin.worth(units, asset)
    owner, vault = plot.old(asset), plot.world.contract(plot.bits).address
    shares = plot.new_token()
    count = asset.worth(units, shares)
    into = [(asset, owner.address, vault, units), (shares, ZERO, owner.address, count)]
    back = [(shares, owner.address, ZERO, count), (asset, vault, owner.address, plot.part(units, 1000, 1030))]
    plot.tell(0, "attack", (Ledger.batch, (owner.address, vault, (_ENTER, ()), into)))
    plot.tell(plot.gap(HOUR_S, 6), "attack", (Ledger.batch, (owner.address, vault, (_LEAVE, ()), back, 1)))


def _visit(plot: Plot, asset: Asset, units: int) -> None:
    """Deposit at an exchange and withdraw about as much to the same account or another of one's own."""
    owner = plot.old(asset)
    desk = plot.desk()
    plot.deposit(0, "attack", owner, units, desk)
    back = owner if plot.odds(11) else plot.newcomer(asset)
    at = plot.gap(2 * HOUR_S, 5)
    plot.withdraw(at, "attack", back, plot.part(units, 900, 1000), desk.exchange)
    if back is not owner:
        plot.pay(at + plot.gap(120, 8), "attack", back, owner, back.units)


def _friends(plot: Plot, asset: Asset, _: int) -> None:
    """Settle what three or four people owe one another, for different things and in any order."""
    friends = [plot.old(asset) for _ in range(plot.between(3, 4))]
    at = 0
    for place in (*range(len(friends)), *(plot.between(0, 2) for _ in range(plot.few(0, 4)))):
        units = plot.amount(asset, plot.worth(8, 8))
        plot.pay(at, "attack", friends[place], friends[(place + 1) % len(friends)], units)
        at += plot.gap(300, 8)


SCENARIO = Scenario("cycle", _attack, _twin, _adaptive)
