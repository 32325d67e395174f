"""Outliers: an account of small regular payments suddenly sends a very large one to somebody never seen.

The fraud: an account is taken over; a payment tens to hundreds of times its usual goes to a fresh receiver,
which brings it away. Careful thieves split it into three to five over hours, to up to three receivers.

The twin: the large payment goes to the owner's usual exchange address or to a known contact, after small ones
to the same.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from txpipe.simulate import personal
from txpipe.simulate.assets import Asset
from txpipe.simulate.scenarios import acts
from txpipe.simulate.scenarios.acts import HOUR, MINUTE, Script, Wallet
from txpipe.simulate.scenarios.base import Scenario, Step
from txpipe.simulate.world import World


def _attack(world: World, rng: random.Random) -> Sequence[Step]:
    script = Script(world, rng)
    victim, asset, usual = _history(script)
    receiver = script.wallet()
    script.send(victim, asset, usual * script.number(30, 300), receiver, "attack")
    if asset is not world.coin:
        script.wait(MINUTE, HOUR)
        script.gas(receiver, "setup")
    acts.cash_out(script, receiver)
    return script.steps


def _adaptive(world: World, rng: random.Random) -> Sequence[Step]:
    script = Script(world, rng)
    victim, asset, usual = _history(script)
    receivers = [script.wallet() for _ in range(script.number(1, 3))]
    for place in range(script.number(3, 5)):
        receiver = receivers[place % len(receivers)]
        script.send(victim, asset, usual * script.number(6, 50), receiver, "attack")
        script.wait(30 * MINUTE, 6 * HOUR)
    for receiver in receivers:
        if asset is not world.coin and asset in receiver.tokens:
            script.gas(receiver, "setup")
            script.wait(MINUTE, HOUR)
        acts.cash_out(script, receiver, slow=True)
    return script.steps


SCENARIO = Scenario("outlier", _attack, acts.twin_of(personal.own_exchange, personal.yearly), _adaptive)


def _history(script: Script) -> tuple[Wallet, Asset, int]:
    """Let an account make small regular payments; returns it, with means for more, asset and usual sum."""
    world, bits = script.world, script.bits
    asset = script.asset()
    usual = script.sum(asset, 15, 400)
    if script.chance(50):
        victim = script.person(200, 6000)
        while (middle := world.middle(victim.who, asset)) > 400 * (100 * asset.per_cent >> 20):
            victim = script.person(200, 6000)
        usual = max(usual, middle)  # Else a payment beyond the script's habit is none beyond the account's.
        script.stock(victim, asset, usual * 900)
    else:
        victim = script.wallet()
        script.fund(victim, script.sum(world.coin, 60, 900), None)
        script.wait(10 * MINUTE, 3 * HOUR)
        script.receive(victim, asset, usual * script.number(400, 900), script.hot(), None)
    contacts = [world.people[world.contact(victim.who, bits)] for _ in range(3)]
    for _ in range(script.number(5, 14)):
        script.wait(20 * MINUTE, 5 * HOUR)
        script.pay(victim, asset, usual * script.number(40, 200) // 100, contacts[bits(4) % 3], None)
    script.wait(HOUR, 8 * HOUR)
    return victim, asset, usual
