"""Dormant wallets that wake: the key of a wallet silent for months has been stolen.

The fraud: a wallet that was last seen in the prologue sends nearly all it holds to fresh receivers, which
pass it on within minutes to hours. Careful thieves make a test payment first, take hours and leave a rest.

The twin: a long-term holder comes back and pays the contact of old or the own exchange, or tops up.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from txpipe.simulate import personal
from txpipe.simulate.scenarios import acts
from txpipe.simulate.scenarios.acts import HOUR, MINUTE, Script, Wallet
from txpipe.simulate.scenarios.base import Scenario, Step
from txpipe.simulate.world import World


def _attack(world: World, rng: random.Random) -> Sequence[Step]:
    script = Script(world, rng)
    wallet = _sleeper(script)
    if wallet is None:
        return []
    receiver = script.wallet()
    acts.empty(script, wallet, receiver, "attack", script.number(90, 100))
    acts.cash_out(script, receiver)
    return script.steps


def _adaptive(world: World, rng: random.Random) -> Sequence[Step]:
    script = Script(world, rng)
    wallet = _sleeper(script)
    if wallet is None:
        return []
    receivers = [script.wallet() for _ in range(script.number(1, 3))]
    test = script.sum(world.coin, 5, 60)
    script.send(wallet, world.coin, test, receivers[0], "attack")
    script.wait(20 * MINUTE, 12 * HOUR)
    for place in range(script.number(2, 4)):
        receiver = receivers[place % len(receivers)]
        for asset in (*wallet.tokens, world.coin):
            units = script.holds(wallet, asset) * script.number(25, 70) // 100
            script.send(wallet, asset, units, receiver, "attack")
            script.wait(20 * MINUTE, 5 * HOUR)
    for receiver in receivers:
        acts.cash_out(script, receiver, slow=True)
    return script.steps


SCENARIO = Scenario("dormant", _attack, acts.twin_of(personal.homecoming), _adaptive)


def _sleeper(script: Script) -> Wallet | None:
    """Take a wallet that has been silent for months; None when there is none left."""
    elder = script.world.elder(script.bits)
    if elder is None:
        return None
    wallet = Wallet(elder.address, elder.who, elder.units)
    if elder.token:
        wallet.tokens[elder.token] = elder.held
    return wallet
