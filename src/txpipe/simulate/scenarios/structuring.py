"""Structuring: many payments just below a reporting limit instead of one above it.

Standard: one to three accounts of one owner send 5 to 25 payments of 90 to 99.9 % of a limit (10,000 dollars
mostly; 5,000, 3,000 or 1,000) to the same few receivers within one to three days. Adaptive: several senders,
70 to 99 %, over several days, ordinary payments in between.

The twin: wages that are nearly alike, a shop whose price is 9,990, a saver who pays in the same sum every
day, tenants who pay one landlord.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from txpipe.simulate.assets import Asset
from txpipe.simulate.scenarios.base import Scenario, Step
from txpipe.simulate.scenarios.dice import Purse
from txpipe.simulate.scenarios.money import DAY_S, HOUR_S, Plot
from txpipe.simulate.world import Deposit, World

_LIMITS = (10_000, 10_000, 10_000, 10_000, 10_000, 5_000, 3_000, 1_000)
_STEPS_CENTS = (1, 1, 100, 100, 1000, 5000)
"""To what people round such a sum."""


def _attack(world: World, rng: random.Random) -> Sequence[Step]:
    plot = Plot(world, rng)
    asset, limit = _asset(plot), plot.pick(_LIMITS)
    plot.fuel = plot.old(asset).address
    count, several = plot.few(5, 25), plot.few(1, 3)
    owners, at = _owners(plot, asset, several, limit * (count // several + 1))
    receivers = _receivers(plot, asset, plot.few(1, 4))
    lowest, doublings = plot.pick((900, 900, 950, 980)), plot.between(4, 6)
    for turn in range(count):
        units = _below(plot, asset, limit, (lowest, 999))
        _send(plot, at, owners[turn % several], plot.pick(receivers), units)
        at += plot.gap(300, doublings)
    return plot.steps()


def _adaptive(world: World, rng: random.Random) -> Sequence[Step]:
    plot = Plot(world, rng)
    asset, limit = _asset(plot), plot.pick(_LIMITS)
    count, several = plot.few(6, 20), plot.between(2, 6)
    owners, at = _owners(plot, asset, several, limit * (count // several + 2))
    receivers = _receivers(plot, asset, plot.few(1, 2))
    for turn in range(count):
        owner = owners[turn % several]
        _send(plot, at, owner, plot.pick(receivers), _below(plot, asset, limit, (700, 990)))
        at += plot.gap(HOUR_S, 4)
        if plot.odds(8):
            (plot.live if owner.old else plot.spend)(at - plot.gap(300, 3), "setup", owner)
    return plot.steps()


def _owners(plot: Plot, asset: Asset, count: int, dollars: int) -> tuple[list[Purse], int]:
    """Let accounts of one owner have a sum each, and a little more; returns when all are ready."""
    owners = []
    last = 0
    for _ in range(count):
        cents = plot.part(dollars * 100, 1020, 1400)
        units = max(plot.amount(asset, cents), cents * asset.per_cent >> 20)
        owner, ready = plot.source(plot.few(0, DAY_S // 2), asset, units)
        owners.append(owner)
        last = max(last, ready)
    return owners, last


def _asset(plot: Plot) -> Asset:
    return plot.stable() if plot.odds(12) else plot.world.coin


_Receiver = Deposit | Purse


def _receivers(plot: Plot, asset: Asset, count: int) -> list[_Receiver]:
    return [plot.desk() if plot.odds(11) else plot.old(asset) for _ in range(count)]


def _send(plot: Plot, at: int, owner: Purse, to: _Receiver, units: int) -> None:
    if plot.most(owner) < units:
        return
    if isinstance(to, Deposit):
        plot.deposit(at, "attack", owner, units, to)
    else:
        plot.pay(at, "attack", owner, to, units)


def _below(plot: Plot, asset: Asset, limit: int, thousandths: tuple[int, int]) -> int:
    """Draw a sum below a limit in dollars, rounded as people round."""
    cents = limit * plot.between(*thousandths) // 10 + plot.between(0, limit // 10)
    step = plot.pick(_STEPS_CENTS)
    units: int = min(cents - cents % step, limit * 100 - step) * asset.per_cent >> 20
    if asset is plot.world.coin and plot.odds(10):
        units -= units % (10**13 << plot.bits(3))
    return units


def _twin(world: World, rng: random.Random) -> Sequence[Step]:
    plot = Plot(world, rng, honest=True)
    plot.pick((_wages, _price, _saver, _rent))(plot, plot.pick(_LIMITS))
    return plot.steps()


def _wages(plot: Plot, limit: int) -> None:
    """Pay wages of one grade."""
    company = plot.old(plot.stable())
    lowest = plot.pick((800, 900, 950))
    at = 0
    for _ in range(plot.few(5, 25)):
        worker = plot.old(company.asset) if plot.odds(12) else plot.newcomer(company.asset)
        plot.pay(at, "attack", company, worker, _below(plot, company.asset, limit, (lowest, 995)))
        at += plot.gap(45, 3)


def _price(plot: Plot, limit: int) -> None:
    """Sell at a price such as 9,990 to one customer after the other."""
    asset = plot.stable()
    shop = plot.world.merchant(plot.bits) if plot.bits(1) else plot.newcomer(asset)
    price = plot.pick((999, 995, 990, 950)) * limit * 10**asset.decimals // 1000
    for _ in range(plot.few(4, 20)):
        plot.pay(plot.gap(300, 9), "attack", plot.old(asset), shop, price)


def _saver(plot: Plot, limit: int) -> None:
    """Pay the same sum in at an exchange every day, or buy for it at a pool."""
    asset = _asset(plot)
    saver, desk = plot.old(asset), plot.desk()
    units = _below(plot, asset, limit, (800, 990))
    take = plot.world.known["WBTC"]
    pool = plot.odds(4)
    for day in range(plot.between(4, 14)):
        at = day * DAY_S + plot.gap(60, 5)
        if pool:
            plot.trade(at, "attack", saver, Purse(saver.address, take, saver.rank, old=True), units)
        else:
            plot.deposit(at, "attack", saver, units, desk)


def _rent(plot: Plot, limit: int) -> None:
    """Let tenants pay one landlord, each a rent of their own, twice."""
    asset = plot.stable()
    landlord = plot.old(asset) if plot.bits(1) else plot.newcomer(asset)
    tenants = [(plot.old(asset), _below(plot, asset, limit, (850, 995))) for _ in range(plot.few(3, 12))]
    for month in range(plot.few(1, 2)):
        for tenant, rent in tenants:
            plot.pay(month * 30 * DAY_S + plot.gap(1800, 6), "attack", tenant, landlord, rent)


SCENARIO = Scenario("structuring", _attack, _twin, _adaptive)
