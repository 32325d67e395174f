"""Scatter-gather: one source pays many fresh accounts, which all forward to one gatherer.

Standard: 5 to 30 accounts, nearly equal parts, 90 to 100 % of each forwarded within a day; tokens are at
times scattered in one transaction. Adaptive: a second layer of accounts, unequal parts, days between, and
some accounts that were somebody's before.

The twin: an exchange's customers who withdraw and all pay one popular sale; staff who take their wages to
one shop or one exchange; receivers of an airdrop who all swap it in the same pool.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from txpipe.simulate.scenarios.base import Scenario, Step
from txpipe.simulate.scenarios.dice import Purse
from txpipe.simulate.scenarios.money import DAY_S, HOUR_S, Plot
from txpipe.simulate.world import World


def _attack(world: World, rng: random.Random) -> Sequence[Step]:
    plot = Plot(world, rng)
    asset = plot.asset()
    plot.fuel = plot.old(asset).address
    source, at = plot.source(0, asset, plot.amount(asset, plot.worth(5000, 8.6)))
    middle = [plot.fresh(asset) for _ in range(plot.few(5, 30))]
    uneven, doublings = plot.pick((0, 2, 10, 30)), plot.between(3, 9)
    shares = plot.parts(plot.part(source.units, 960, 1000), len(middle), uneven)
    units = [plot.tidy(share) for share in shares] if plot.bits(1) else shares
    at = _scatter(plot, at, source, list(zip(middle, units, strict=True)))
    gatherer = plot.fresh(asset)
    last = at
    for purse in middle:
        sent_at = at + plot.gap(60, doublings)
        plot.pay(sent_at, "attack", purse, gatherer, plot.part(purse.units, 900, 1080))
        last = max(last, sent_at)
    plot.cash_out(last + plot.gap(120, 7), gatherer)
    return plot.steps()


def _scatter(plot: Plot, at: int, source: Purse, paid: list[tuple[Purse, int]]) -> int:
    """Pay each account, or all in one transaction; returns when that is done."""
    if source.old and source.asset is not plot.world.coin and plot.odds(6):
        plot.disperse(at, "attack", source, paid)
        return at + plot.gap(60, 5)
    doublings = plot.between(1, 5)
    for purse, units in paid:
        plot.pay(at, "attack", source, purse, units)
        at += plot.gap(40, doublings)
    return at + plot.gap(60, 4)


def _adaptive(world: World, rng: random.Random) -> Sequence[Step]:
    plot = Plot(world, rng)
    asset = plot.asset()
    source, at = plot.source(0, asset, plot.amount(asset, plot.worth(5000, 8.6)))
    gatherer = plot.fresh(asset)
    last = at
    count = plot.few(5, 16)
    for units in plot.parts(plot.part(source.units, 930, 980), count, 400):
        at += plot.gap(600, 5)
        first, second = _mule(plot, at, source, units), plot.fresh(asset)
        passed_at = at + plot.gap(HOUR_S // 2, 5)
        sent = plot.pay(passed_at, "attack", first, second, plot.part(units, 900, 1000))
        passed_at += plot.gap(HOUR_S // 2, 5)
        plot.pay(passed_at, "attack", second, gatherer, plot.part(sent, 900, 1000))
        last = max(last, passed_at)
    plot.cash_out(last + plot.gap(HOUR_S, 4), gatherer)
    return plot.steps()


def _mule(plot: Plot, at: int, source: Purse, units: int) -> Purse:
    """Pay a fresh account, or one that somebody has led an ordinary life with until now."""
    mule = plot.old(source.asset) if plot.odds(6) else plot.fresh(source.asset)
    if mule.old:
        for _ in range(plot.few(1, 4)):
            plot.live(at - plot.gap(HOUR_S, 4), None, mule)
    plot.pay(at, "attack", source, mule, units)
    return mule


def _twin(world: World, rng: random.Random) -> Sequence[Step]:
    plot = Plot(world, rng, honest=True)
    plot.pick((_sale, _sale, _wages, _wages, _airdrop))(plot, plot.few(5, 30))
    return plot.steps()


def _sale(plot: Plot, count: int) -> None:
    """Let customers of one exchange withdraw and pay the same sale, most of them the same price."""
    asset = plot.world.coin if plot.bits(1) else plot.stable()
    hot = plot.old(asset)
    hot.address = plot.world.exchange(plot.bits).pays_from(plot.bits)
    sale = plot.newcomer(asset) if plot.bits(1) else plot.world.merchant(plot.bits)
    price = plot.amount(asset, plot.worth(150, 8))
    for _ in range(count):
        at = plot.gap(60, 10)
        buyer = plot.newcomer(asset) if plot.odds(8) else plot.old(asset)
        units = price if plot.odds(11) else plot.amount(asset, plot.worth(150, 8))
        plot.pay(at, "attack", hot, buyer, units + plot.part(units, 20, 300))
        plot.pay(at + plot.gap(90, 9), "attack", buyer, sale, units)


def _wages(plot: Plot, count: int) -> None:
    """Pay wages, which the staff take to one exchange, or in part to one shop."""
    asset = plot.stable() if plot.odds(10) else plot.world.coin
    company = plot.old(asset)
    exchange, shop = plot.world.exchange(plot.bits), plot.world.merchant(plot.bits)
    staff = [plot.newcomer(asset) if plot.odds(6) else plot.old(asset) for _ in range(count)]
    paid = [(worker, plot.amount(asset, plot.worth(800, 3))) for worker in staff]
    at = _scatter(plot, 0, company, paid)
    to_exchange = plot.bits(1)
    for worker, units in paid:
        spent_at = at + plot.gap(600, 8) + (plot.few(0, 3) * DAY_S if plot.odds(4) else 0)
        if to_exchange:
            plot.deposit(spent_at, "attack", worker, plot.part(units, 500, 1000), plot.desk(exchange))
        else:
            plot.pay(spent_at, "attack", worker, shop, plot.typed(plot.part(units, 10, 200)))


def _airdrop(plot: Plot, count: int) -> None:
    """Give a token to many, who swap it in the same pool as soon as they notice."""
    token = plot.world.small(plot.bits) if plot.odds(12) else plot.world.known["UNI"]
    units = plot.amount(token, plot.worth(150, 8))
    issuer = plot.old(token)
    paid = [(plot.newcomer(token) if plot.odds(6) else plot.old(token), units) for _ in range(count)]
    plot.disperse(0, "attack", issuer, paid)
    take = plot.world.coin if plot.odds(11) else plot.stable()
    for taker, _ in paid:
        plot.swap(plot.gap(300, 8), "attack", taker, take)


SCENARIO = Scenario("scatter-gather", _attack, _twin, _adaptive)
