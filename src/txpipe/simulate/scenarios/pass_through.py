"""Layering: funds run through a chain of fresh accounts, each of which forwards nearly all of them.

Standard: three to nine accounts, each forwards 90 to 100 % within minutes to hours, then cashes out; one
controller gives the gas. Adaptive: at every hop the funds are split and meet again, wait up to a day
or more, leave 10 to 20 % behind or change asset; gas comes from exchanges.

The twin forwards for good reasons: deposit and sweep, a payment processor, wages and rent, a bridge's
relayer, a smart wallet, somebody who moves to a new wallet.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from txpipe.simulate.scenarios.base import Scenario, Step
from txpipe.simulate.scenarios.dice import Purse
from txpipe.simulate.scenarios.money import DAY_S, HOUR_S, Plot
from txpipe.simulate.world import World


def _attack(world: World, rng: random.Random) -> Sequence[Step]:
    plot = Plot(world, rng)
    asset = plot.asset()
    plot.fuel = plot.old(asset).address
    holder, at = plot.source(0, asset, plot.amount(asset, plot.worth(500, 12)))
    doublings, kept = plot.between(3, 8), plot.pick((0, 0, 20, 100))
    for _ in range(plot.between(3, 9)):
        taker = plot.fresh(asset)
        plot.pay(at, "attack", holder, taker, plot.tidy(plot.part(holder.units, 1000 - kept, 1000)))
        at += plot.gap(50, doublings)
        holder = taker
    plot.cash_out(at, holder)
    return plot.steps()


def _adaptive(world: World, rng: random.Random) -> Sequence[Step]:
    plot = Plot(world, rng)
    asset = plot.asset()
    holder, at = plot.source(0, asset, plot.amount(asset, plot.worth(500, 12)))
    for _ in range(plot.between(3, 7)):
        holder, at = plot.pick(_MANNERS)(plot, at, holder)
    plot.cash_out(at + plot.gap(600, 7), holder)
    return plot.steps()


# How a careful launderer passes a hop: from a purse, at a time, to the next purse and time.


def _wait(plot: Plot, at: int, holder: Purse) -> tuple[Purse, int]:
    taker = plot.fresh(holder.asset)
    at += plot.gap(2 * HOUR_S, 3.8)
    plot.pay(at, "attack", holder, taker, holder.units)
    return taker, at + plot.gap(300, 5)


def _split(plot: Plot, at: int, holder: Purse) -> tuple[Purse, int]:
    taker = plot.fresh(holder.asset)
    latest = at
    through = plot.odds(8)
    for units in plot.parts(holder.units, plot.between(2, 3), 150):
        at += plot.gap(600, 5)
        side = plot.fresh(holder.asset) if through else taker
        plot.pay(at, "attack", holder, side, units)
        if through:
            passed_at = at + plot.gap(900, 5)
            plot.pay(passed_at, "attack", side, taker, side.units)
            latest = max(latest, passed_at)
    return taker, max(latest, at) + plot.gap(3600, 4)


def _keep(plot: Plot, at: int, holder: Purse) -> tuple[Purse, int]:
    taker = plot.fresh(holder.asset)
    at += plot.gap(900, 6)
    plot.pay(at, "attack", holder, taker, plot.tidy(plot.part(holder.units, 800, 900)))
    if not holder.old:
        plot.cash_out(at + plot.gap(HOUR_S, 5), holder)
    return taker, at + plot.gap(1800, 5)


def _swap(plot: Plot, at: int, holder: Purse) -> tuple[Purse, int]:
    at += plot.gap(900, 6)
    other = plot.world.coin if holder.asset is not plot.world.coin else plot.stable()
    plot.swap(at, "attack", holder, other)
    return _wait(plot, at, holder) if plot.odds(4) else _keep(plot, at, holder)


_Manner = Callable[[Plot, int, Purse], tuple[Purse, int]]
_MANNERS: tuple[_Manner, ...] = (_wait, _wait, _split, _keep, _keep, _swap)


def _twin(world: World, rng: random.Random) -> Sequence[Step]:
    plot = Plot(world, rng, honest=True)
    plot.pick((_sweep, _process, _process, _wages, _wages, _bridge, _wallet, _move, _move))(plot)
    return plot.steps()


def _sweep(plot: Plot) -> None:
    """Let customers deposit at one exchange, which collects the deposits within the hour."""
    asset = plot.world.coin if plot.bits(1) else plot.stable()
    exchange = plot.world.exchange(plot.bits)
    plot.sweeps = "attack"
    at = 0
    for _ in range(plot.few(1, 4)):
        units = plot.amount(asset, plot.worth(500, 11))
        plot.deposit(at, "attack", plot.old(asset), units, plot.desk(exchange))
        at += plot.gap(60, 6)


def _process(plot: Plot) -> None:
    """Let a processor take payments at an address per invoice and forward them, then pay its shop."""
    asset = plot.stable() if plot.odds(11) else plot.world.coin
    desk, shop = plot.old(asset), plot.world.merchant(plot.bits)
    at = last = taken = 0
    for _ in range(plot.between(2, 6)):
        at += plot.gap(60, 6)
        invoice = plot.fresh(asset)
        plot.pay(at, None, plot.old(asset), invoice, plot.amount(asset, plot.worth(40, 9)))
        last = max(last, at + plot.gap(60, 4))
        taken += plot.pay(last, "attack", invoice, desk, invoice.units)
    plot.pay(last + plot.gap(60, 8), "attack", desk, shop, plot.part(taken, 970, 995))


def _wages(plot: Plot) -> None:
    """Pay somebody wages, who pays the rent on, out of which a landlord pays a loan."""
    asset = plot.stable()
    worker, landlord, bank = plot.newcomer(asset), plot.newcomer(asset), plot.old(asset)
    at = 0
    for _ in range(plot.few(1, 3)):
        plot.pay(at, "attack", plot.old(asset), worker, plot.amount(asset, plot.worth(1200, 4)))
        paid_at = at + plot.gap(600, 7)
        rent = plot.pay(paid_at, "attack", worker, landlord, plot.part(worker.units, 400, 950))
        plot.pay(paid_at + plot.gap(600, 8), "attack", landlord, bank, plot.part(rent, 700, 1000))
        at += 7 * DAY_S


def _bridge(plot: Plot) -> None:
    """Pay a bridge, whose relayer pays out to the user's own account, which goes on to an exchange."""
    asset = plot.asset()
    bridge, relayer = plot.world.contract(plot.bits).address, plot.old(asset)
    user, arrived = plot.old(asset), plot.newcomer(asset)
    units = plot.amount(asset, plot.worth(200, 10))
    plot.pay(0, "attack", user, bridge, units)
    at = plot.gap(60, 5)
    plot.pay(at, "attack", relayer, arrived, plot.part(units, 985, 999))
    plot.deposit(at + plot.gap(60, 8), "attack", arrived, arrived.units, plot.desk())


def _wallet(plot: Plot) -> None:
    """Let a smart wallet pay: its owner funds it for each purchase, and it pays at once."""
    asset = plot.asset()
    owner, wallet = plot.old(asset), plot.newcomer(asset)
    at = 0
    for _ in range(plot.between(1, 5)):
        plot.pay(at, "attack", owner, wallet, plot.amount(asset, plot.worth(200, 10)))
        at += plot.gap(45, 3)
        plot.pay(at, "attack", wallet, plot.world.merchant(plot.bits), wallet.units)
        at += plot.gap(1800, 6)


def _move(plot: Plot) -> None:
    """Move to a new wallet, with a small payment first to be sure, and soon to a better one."""
    asset = plot.asset()
    units = plot.amount(asset, plot.worth(500, 11))
    holder = plot.old(asset, units)
    at = 0
    for _ in range(plot.few(1, 3)):
        taker = plot.newcomer(asset)
        if plot.bits(1):
            plot.pay(at, "attack", holder, taker, plot.part(units, 5, 50))
            at += plot.gap(90, 5)
        plot.pay(at, "attack", holder, taker, plot.part(holder.units, 990, 1000))
        at += plot.gap(120, 9)
        holder = taker
    plot.spend(at, "attack", holder)


SCENARIO = Scenario("pass-through", _attack, _twin, _adaptive)
