"""Mixer: running totals go into a mixer in its denominations; fresh accounts are funded out of one and act.

Standard: one account deposits several times within hours, $5,000 to $3 M in all; a withdrawal, less a
relayer's fee, reaches a fresh account that spends within hours. Adaptive: small denominations from several
accounts over days, ordinary acts in between; a withdrawal goes one hop further before it is spent.

The twin: the same denominations in the same rhythm into a vault or an exchange; a fresh account that an
exchange's withdrawal of such an amount funds.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Sequence

from txpipe.simulate import conduct, listed
from txpipe.simulate.assets import Asset
from txpipe.simulate.ledger import Ledger
from txpipe.simulate.scenarios.base import Scenario, Step
from txpipe.simulate.scenarios.dice import Purse
from txpipe.simulate.scenarios.money import DAY_S, HOUR_S, Plot
from txpipe.simulate.world import World

_COIN = (10**17, 10**18, 10**19, 10**20)
"""Tornado Cash's pools of ether."""

_STABLE = (100, 1_000, 10_000, 100_000)
"""Tornado Cash's pools of dollars."""


def _attack(world: World, rng: random.Random) -> Sequence[Step]:
    plot = Plot(world, rng)
    kind = plot.bits(2)
    asset = _asset(plot)
    pools = _pools(plot)
    at, sums = 0, _sums(plot, asset, 0)
    if kind < 3:
        source, at = plot.source(0, asset, _enough(plot, asset, sums))
        doublings = plot.between(2, 7)
        for units in sums:
            _put_in(plot, at, source, plot.pick(pools), units)
            at += plot.gap(45, doublings)
        at += plot.gap(HOUR_S, 5)
    if kind > 1:
        for units in sums[: plot.few(1, 4)]:
            taker = _take_out(plot, at, plot.pick(pools), asset, units)
            _act(plot, at + plot.gap(120, 5), taker)
            at += plot.gap(300, 6)
    return plot.steps()


def _adaptive(world: World, rng: random.Random) -> Sequence[Step]:
    plot = Plot(world, rng)
    asset = _asset(plot)
    pools = _pools(plot)
    sums = _sums(plot, asset, 1)
    count = plot.between(2, 5)
    enough = _enough(plot, asset, sums[: len(sums) // count + 1])
    owners = [plot.source(plot.few(0, DAY_S // 2), asset, enough) for _ in range(count)]
    at = max(ready for _, ready in owners)
    for turn, units in enumerate(sums):
        owner, _ = owners[turn % count]
        _put_in(plot, at, owner, plot.pick(pools), units)
        at += plot.gap(1200, 5)
        if plot.odds(6) and owner.old:
            plot.live(at - plot.gap(60, 5), "setup", owner)
    at += plot.few(0, 2) * DAY_S
    for units in sums[: plot.few(0, 3)]:
        first, second = _take_out(plot, at, plot.pick(pools), asset, units), plot.fresh(asset)
        at += plot.gap(2 * HOUR_S, 4)
        plot.pay(at, "attack", first, second, first.units)
        _act(plot, at + plot.gap(HOUR_S, 4), second)
    return plot.steps()


def _asset(plot: Plot) -> Asset:
    return plot.world.coin if plot.odds(11) else plot.stable()


@functools.cache
def _wallets() -> dict[str, list[str]]:
    """Return the listed mixers' wallets by mixer."""
    found: dict[str, list[str]] = {}
    for wallet in listed.wallets():
        if wallet.category == "mixer":
            found.setdefault(wallet.label, []).append(wallet.address)
    return found


def _pools(plot: Plot) -> list[str]:
    """Pick a few wallets of one mixer."""
    wallets = plot.pick(list(_wallets().values()))
    return [plot.pick(wallets) for _ in range(plot.few(1, 3))]


def _sums(plot: Plot, asset: Asset, smaller: int) -> list[int]:
    """Draw deposits: mostly of one denomination, as many as make up a total."""
    coin = asset is plot.world.coin
    sizes = _COIN if coin else [size * 10**asset.decimals for size in _STABLE]
    total = plot.worth(5000, 9.2) * asset.per_cent >> 20
    fits = [place for place, size in enumerate(sizes) if 2 * size <= total]
    place = max(fits[-1] - smaller - plot.pick((0, 0, 0, 1)), 0)
    count = min(max(total // sizes[place], 2), plot.between(6, 24))
    sums = [sizes[place]] * count
    if plot.odds(5) and place:
        sums += [sizes[place - 1]] * plot.between(1, 4)
    return sums


def _enough(plot: Plot, asset: Asset, sums: Sequence[int]) -> int:
    """Return what pays for the deposits and their fees."""
    return plot.part(sum(sums), 1005, 1200) + 7 * plot.fees(asset, len(sums))


def _put_in(plot: Plot, at: int, owner: Purse, pool: str, units: int) -> None:
    """Deposit by a plain payment, or by calling a contract in front."""
    if owner.asset is plot.world.coin and plot.odds(4):
        owner.units -= units + conduct.fee(plot.bits, 10**6)
        method = plot.world.contract(plot.bits).method
        plot.tell(at, "attack", (Ledger.pay_call, (owner.address, pool, units, method, ())))
    else:
        plot.pay(at, "attack", owner, pool, units)


def _take_out(plot: Plot, at: int, pool: str, asset: Asset, units: int) -> Purse:
    """Withdraw to a fresh account, less the relayer's fee."""
    mixer, taker = plot.old(asset), plot.fresh(asset)
    mixer.address = pool
    plot.pay(at, "attack", mixer, taker, units - plot.part(units, 3, 25))
    return taker


def _act(plot: Plot, at: int, purse: Purse) -> None:
    """Spend some, at times all."""
    for _ in range(plot.between(1, 4)):
        plot.spend(at, "payoff", purse)
        at += plot.gap(120, 6)
    if plot.odds(6):
        plot.cash_out(at, purse)


def _twin(world: World, rng: random.Random) -> Sequence[Step]:
    plot = Plot(world, rng, honest=True)
    asset = _asset(plot)
    plot.pick((_save, _save, _start))(plot, asset, _sums(plot, asset, plot.bits(1)))
    return plot.steps()


def _save(plot: Plot, asset: Asset, sums: Sequence[int]) -> None:
    """Pay the same round sums into a contract, or to an exchange."""
    owner, at = plot.source(0, asset, _enough(plot, asset, sums))
    vault, desk = plot.world.contract(plot.bits).address, plot.desk()
    kind, doublings = plot.bits(1), plot.between(2, 10)
    for units in sums:
        if kind:
            plot.deposit(at, "attack", owner, units, desk)
        else:
            _put_in(plot, at, owner, vault, units)
        at += plot.gap(45, doublings)


def _start(plot: Plot, asset: Asset, sums: Sequence[int]) -> None:
    """Withdraw such a sum, less a fee, from an exchange to a new account, and spend."""
    at = 0
    for units in sums[: plot.few(1, 4)]:
        taker = plot.newcomer(asset)
        plot.withdraw(at, "attack", taker, units - plot.part(units, 1, 10))
        _act(plot, at + plot.gap(120, 5), taker)
        at += plot.gap(300, 6)


SCENARIO = Scenario("mixer", _attack, _twin, _adaptive)
