"""Exposure: funds leave a listed wallet, pass fresh accounts where clean money joins them, and are sold.

Standard: one to four hops within hours, little clean money, then an exchange or a swap. Adaptive: clean money
thins the taint to 20 to 50 %; the sum is split and merged, peeled, and waits for days.

The twin: people whom a listed wallet sends dust to advertise or to smear, and who go on with their lives; and
customers who withdraw from an exchange and spend, whatever others have deposited there. The dust itself names
a listed wallet and is not labelled.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Sequence

from txpipe.simulate import listed
from txpipe.simulate.scenarios.base import Scenario, Step
from txpipe.simulate.scenarios.dice import Purse
from txpipe.simulate.scenarios.money import HOUR_S, Plot
from txpipe.simulate.world import World

CATEGORIES = ("theft", "theft", "phishing", "phishing", "sanctions", "ransomware")
"""Of the listed wallets that funds come from, as often as they occur here."""


def _attack(world: World, rng: random.Random) -> Sequence[Step]:
    plot = Plot(world, rng)
    holder, at = _leave(plot)
    plot.fuel = plot.old(holder.asset).address
    doublings = plot.between(4, 9)
    for hop in range(plot.between(1, 4)):
        if hop:
            taker = plot.fresh(holder.asset)
            plot.pay(at, "attack", holder, taker, plot.tidy(plot.part(holder.units, 900, 1000)))
            holder = taker
        if plot.odds(5):
            _join(plot, at + plot.gap(60, 4), holder, plot.part(holder.units, 50, 600))
        at += plot.gap(1000, doublings - 3)
    _sell(plot, at, holder)
    return plot.steps()


def _adaptive(world: World, rng: random.Random) -> Sequence[Step]:
    plot = Plot(world, rng)
    holder, at = _leave(plot)
    _join(plot, at, holder, plot.part(holder.units, 1000, 4000))
    at += plot.gap(3 * HOUR_S, 4)
    last = at
    for _ in range(plot.between(1, 3)):
        taker = plot.fresh(holder.asset)
        if plot.odds(5):
            plot.deposit(at, "payoff", holder, plot.typed(plot.part(holder.units, 10, 200)), plot.desk())
            at += plot.gap(HOUR_S, 4)
        for units in plot.parts(holder.units, plot.between(1, 3), 200):
            side = plot.fresh(holder.asset)
            at += plot.gap(600, 6)
            plot.pay(at, "attack", holder, side, units)
            merged_at = at + plot.gap(900, 5)
            plot.pay(merged_at, "attack", side, taker, side.units)
            last = max(last, merged_at)
        at = last + plot.gap(2 * HOUR_S, 4)
        holder = taker
    _sell(plot, at, holder)
    return plot.steps()


def _leave(plot: Plot) -> tuple[Purse, int]:
    """Let a listed wallet pay a fresh account; returns that and when it may go on."""
    asset = plot.asset()
    thief = plot.old(asset)
    thief.address = _listed(plot)
    holder = plot.fresh(asset)
    plot.pay(0, "attack", thief, holder, plot.amount(asset, plot.worth(1000, 11)))
    return holder, plot.gap(90, 8)


def _join(plot: Plot, at: int, holder: Purse, units: int) -> None:
    """Add clean money: from an exchange or from an account that has some."""
    if plot.bits(1):
        plot.withdraw(at, "setup", holder, units)
    else:
        plot.pay(at, "setup", plot.old(holder.asset), holder, units)


def _sell(plot: Plot, at: int, holder: Purse) -> None:
    """Reach an exchange, a pool, or first one and then the other."""
    if plot.odds(6):
        plot.swap(at, "payoff", holder, plot.world.coin if plot.bits(1) else plot.stable())
        at += plot.gap(600, 6)
        if plot.bits(1):
            return
    plot.pay_in(at, "payoff", holder)


@functools.cache
def _wallets(category: str) -> tuple[str, ...]:
    return tuple(wallet.address for wallet in listed.wallets() if wallet.category == category)


def _listed(plot: Plot) -> str:
    """Pick a listed wallet that funds come from."""
    return plot.pick(_wallets(plot.pick(CATEGORIES)))


def _twin(world: World, rng: random.Random) -> Sequence[Step]:
    plot = Plot(world, rng, honest=True)
    plot.pick((_dust, _dust, _customers))(plot)
    return plot.steps()


def _dust(plot: Plot) -> None:
    """Send dust to somebody, who does not mind."""
    asset = plot.asset()
    somebody = plot.newcomer(asset) if plot.odds(10) else plot.old(asset)
    if not somebody.old:
        plot.withdraw(0, None, somebody, plot.amount(asset, plot.worth(1000, 9)))
    thief = plot.old(asset if plot.bits(1) else plot.stable())
    thief.address = _listed(plot)
    at = plot.gap(120, 6)
    plot.pay(at, None, thief, somebody.address, plot.amount(thief.asset, plot.between(1, 90)))
    for _ in range(plot.between(2, 8)):
        at += plot.gap(300, 7)
        (plot.live if somebody.old else plot.spend)(at, "attack", somebody)


def _customers(plot: Plot) -> None:
    """Let customers of one exchange withdraw to new accounts and spend."""
    asset = plot.asset()
    exchange = plot.world.exchange(plot.bits)
    for _ in range(plot.between(1, 3)):
        at = plot.gap(60, 8)
        customer = plot.newcomer(asset)
        plot.withdraw(at, "attack", customer, plot.amount(asset, plot.worth(1000, 10)), exchange)
        for _ in range(plot.between(1, 4)):
            at += plot.gap(300, 6)
            plot.spend(at, "attack", customer)


SCENARIO = Scenario("exposure", _attack, _twin, _adaptive)
