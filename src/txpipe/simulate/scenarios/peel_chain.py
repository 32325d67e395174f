"""Peel chain: a large sum moves from fresh account to fresh account, and at each a small part is peeled off.

Standard: 5 to 25 accounts; 1 to 10 % (now and then up to 25 %) goes to a few exchange accounts or a trader,
the remainder to the next account, minutes to hours apart. Adaptive: irregular parts, a new exchange account
each time, waits of up to a day, hops without a peel; gas comes from exchanges.

The twin: a treasury that pays one invoice after the other out of one account; somebody who moves what is left
between two own wallets; a company that pays wages and changes its wallet each time.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from txpipe.simulate.scenarios.base import Scenario, Step
from txpipe.simulate.scenarios.dice import Purse
from txpipe.simulate.scenarios.money import DAY_S, HOUR_S, Plot
from txpipe.simulate.world import Deposit, World


def _attack(world: World, rng: random.Random) -> Sequence[Step]:
    plot = Plot(world, rng)
    asset = plot.asset()
    plot.fuel = plot.old(asset).address
    holder, at = plot.source(0, asset, plot.amount(asset, plot.worth(20_000, 6.6)))
    desks = [plot.desk() for _ in range(plot.few(1, 4))]
    most, doublings = plot.pick((30, 60, 100, 100, 250)), plot.between(3, 8)
    for _ in range(plot.between(5, 25)):
        peel = plot.typed(plot.part(holder.units, 10, most))
        taker = plot.fresh(asset)
        if plot.odds(11):
            _peel(plot, at, holder, peel, plot.pick(desks))
            at += plot.gap(50, doublings)
            plot.pay(at, "attack", holder, taker, holder.units)
        else:
            plot.pay(at, "attack", holder, taker, holder.units - peel)
            _peel(plot, at + plot.gap(50, doublings), holder, peel, plot.pick(desks))
        at += plot.gap(60, doublings)
        holder = taker
    plot.cash_out(at, holder)
    return plot.steps()


def _adaptive(world: World, rng: random.Random) -> Sequence[Step]:
    plot = Plot(world, rng)
    asset = plot.asset()
    holder, at = plot.source(0, asset, plot.amount(asset, plot.worth(20_000, 6.6)))
    for _ in range(plot.between(5, 16)):
        for _ in range(plot.pick((0, 1, 1, 1, 1, 2))):
            peel = plot.part(holder.units, 5, plot.pick((60, 150, 250, 400)))
            _peel(plot, at, holder, plot.typed(peel), plot.desk())
            at += plot.gap(600, 4)
        taker = plot.fresh(asset)
        plot.pay(at, "attack", holder, taker, holder.units)
        at += plot.gap(600, 7)
        holder = taker
    plot.cash_out(at, holder)
    return plot.steps()


def _peel(plot: Plot, at: int, holder: Purse, units: int, desk: Deposit) -> None:
    """Cash out a part at an exchange, or with somebody who trades."""
    if plot.odds(13):
        plot.deposit(at, "payoff", holder, units, desk)
    else:
        plot.pay(at, "payoff", holder, plot.old(holder.asset), units)


def _twin(world: World, rng: random.Random) -> Sequence[Step]:
    plot = Plot(world, rng, honest=True)
    asset = plot.asset()
    units = plot.amount(asset, plot.worth(20_000, 6.6))
    plot.pick((_invoices, _change, _change, _rotation, _rotation))(plot, plot.old(asset, units))
    return plot.steps()


def _invoices(plot: Plot, payer: Purse) -> None:
    """Pay invoices out of one account, each a small part of what is there."""
    at = 0
    for _ in range(plot.between(5, 25)):
        units = plot.typed(plot.part(max(payer.units, 1000), 10, 100))
        kind = plot.bits(2)
        if kind == 0:
            plot.deposit(at, "attack", payer, units, plot.desk())
        else:
            to = plot.world.merchant(plot.bits) if kind == 1 else plot.old(payer.asset)
            plot.pay(at, "attack", payer, to, units)
        at += plot.gap(60, 8)


def _change(plot: Plot, owner: Purse) -> None:
    """Buy out of one of two own wallets, and move what is left to the other each time."""
    units = owner.units
    holder, other = plot.newcomer(owner.asset), plot.newcomer(owner.asset)
    plot.pay(0, "attack", owner, holder, units)
    at = plot.gap(300, 6)
    for _ in range(plot.between(3, 8)):
        for _ in range(plot.few(1, 3)):
            plot.spend(at, "attack", holder)
            at += plot.gap(300, 7)
        plot.pay(at, "attack", holder, other, holder.units)
        at += plot.gap(3600, 5)
        holder, other = other, holder


def _rotation(plot: Plot, funder: Purse) -> None:
    """Pay the staff out of a wallet, then move the remainder to a new one for next time."""
    staff = [plot.old(funder.asset) for _ in range(plot.between(3, 9))]
    holder = plot.newcomer(funder.asset)
    plot.pay(0, "attack", funder, holder, funder.units)
    at = plot.gap(600, 5)
    wage = plot.part(holder.units, 10, 40)
    for _ in range(plot.between(2, 4)):
        for worker in staff:
            plot.pay(at, "attack", holder, worker, plot.typed(plot.part(wage, 800, 1000)))
            at += plot.gap(50, 3)
        taker = plot.newcomer(funder.asset)
        plot.pay(at, "attack", holder, taker, holder.units)
        at += plot.gap(12 * HOUR_S, 2) + plot.few(0, 5) * DAY_S
        holder = taker


SCENARIO = Scenario("peel-chain", _attack, _twin, _adaptive)
