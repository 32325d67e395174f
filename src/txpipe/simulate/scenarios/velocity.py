"""Velocity: a quiet account suddenly pays many, within minutes.

The fraud: an account is taken over or rented out; ten to forty payments go to new receivers within minutes,
and some of those bring the money away. Careful ones take hours, with fewer payments to fewer receivers.

The twin: a payer of wages, a promoter, a market maker, who always do that; a rush to mint.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from txpipe.simulate import business, trading
from txpipe.simulate.assets import Asset
from txpipe.simulate.scenarios import acts
from txpipe.simulate.scenarios.acts import HOUR, MINUTE, Script, Wallet
from txpipe.simulate.scenarios.base import Scenario, Step
from txpipe.simulate.world import World


def _attack(world: World, rng: random.Random) -> Sequence[Step]:
    script = Script(world, rng)
    held = _quiet(script)
    count, slowest = script.number(10, 40), script.number(20, 60)
    receivers = [script.wallet() for _ in range(count)]
    for _ in _spray(script, held, receivers, count):
        script.wait(6, slowest)
    _collect(script, receivers, slow=False)
    return script.steps


def _adaptive(world: World, rng: random.Random) -> Sequence[Step]:
    script = Script(world, rng)
    held = _quiet(script)
    receivers = [script.wallet() for _ in range(script.number(3, 8))]
    for _ in _spray(script, held, receivers, script.number(6, 14)):
        script.wait(5 * MINUTE, 2 * HOUR)
    _collect(script, receivers, slow=True)
    return script.steps


SCENARIO = Scenario(
    "velocity",
    _attack,
    acts.twin_of(
        business.payroll, business.small_airdrop, trading.mint_bot, trading.rush, trading.maker_burst
    ),
    _adaptive,
)


def _quiet(script: Script) -> tuple[Wallet, Asset]:
    """Return an account that has done little, and what it holds most of."""
    world = script.world
    asset = script.asset()
    units = script.sum(asset, 2000, 400_000)
    victim = script.person(6000) if script.chance(40) else script.wallet()
    script.fund(victim, script.sum(world.coin, 100, 900), None)
    script.wait(10 * MINUTE, 4 * HOUR)
    script.receive(victim, asset, units, script.hot(), None)
    for _ in range(script.number(0, 3)):
        script.wait(2 * HOUR, 10 * HOUR)
        contact = world.people[world.contact(victim.who, script.bits)]
        script.pay(victim, asset, script.holds(victim, asset) * script.number(1, 8) // 100, contact, None)
    script.wait(HOUR, 12 * HOUR)
    return victim, asset


def _spray(script: Script, held: tuple[Wallet, Asset], receivers: list[Wallet], count: int) -> Iterator[None]:
    """Pay receivers in turn, each about an equal part, typed or computed; the pauses are the caller's."""
    victim, asset = held
    left = script.holds(victim, asset)
    for place in range(count):
        units = left * script.number(40, 100) // (100 * count)
        to = receivers[place % len(receivers)]
        script.send(victim, asset, script.world.rough(units, script.bits), to, "attack")
        yield


def _collect(script: Script, receivers: list[Wallet], *, slow: bool) -> None:
    """Let some of the receivers bring the money away."""
    for receiver in receivers[: script.number(1, 4)]:
        asset = next(iter(receiver.tokens), script.world.coin)
        if asset is not script.world.coin:
            script.gas(receiver, "setup")
            script.wait(MINUTE, HOUR)
        acts.cash_out(script, receiver, slow=slow)
