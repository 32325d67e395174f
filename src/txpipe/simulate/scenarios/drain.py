"""Drains: leaked keys; wallets are emptied.

The fraud: within hours, three to twenty wallets send all they have to one fresh receiver; or one wallet loses
coin, tokens and NFTs at once. Gas comes from the thief where a wallet has none. Careful thieves take a day or
more, change receivers and leave a rest.

The twin: a company sweeps its wallets into its treasury; somebody moves to an own new wallet; an exchange
sweeps deposits to a hot wallet that nobody has seen before.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from txpipe.simulate import business, personal
from txpipe.simulate.ledger import ZERO, Ledger
from txpipe.simulate.scenarios import acts
from txpipe.simulate.scenarios.acts import HOUR, MINUTE, Script, Wallet
from txpipe.simulate.scenarios.base import Scenario, Step
from txpipe.simulate.world import World


def _attack(world: World, rng: random.Random) -> Sequence[Step]:
    script = Script(world, rng)
    receiver = script.wallet()
    if script.chance(60):
        victims = _victims(script, script.number(3, 20))
        _ready(script, receiver)
        for victim in victims:
            _strip(script, victim, receiver, 100)
            script.wait(12, 15 * MINUTE)
    else:
        victim = _wealthy(script)
        art = _art(script, victim)
        _ready(script, receiver)
        _strip(script, victim, receiver, 100)
        for collection, number in art:
            args = (collection, number, victim.address, receiver.address)
            script.do("attack", (Ledger.nft, args))
            script.wait(12, 3 * MINUTE)
    acts.cash_out(script, receiver)
    return script.steps


def _adaptive(world: World, rng: random.Random) -> Sequence[Step]:
    script = Script(world, rng)
    victims = _victims(script, script.number(3, 7))
    receiver, taken = script.wallet(), 0
    for victim in victims:
        if taken and script.chance(40):
            acts.cash_out(script, receiver, slow=True)
            receiver, taken = script.wallet(), 0
        script.wait(HOUR, 9 * HOUR)
        _strip(script, victim, receiver, script.number(60, 97))
        taken += 1
    acts.cash_out(script, receiver, slow=True)
    return script.steps


SCENARIO = Scenario(
    "drain",
    _attack,
    acts.twin_of(business.treasury, personal.migration, business.new_hot_wallet),
    _adaptive,
)


def _victims(script: Script, count: int) -> list[Wallet]:
    """Return wallets with means, which got them at times of their own before the theft."""
    found, latest = [], 0
    for _ in range(count):
        script.now = script.number(0, 14 * HOUR)
        found.append(acts.holder(script))
        latest = max(latest, script.now)
    script.now = latest
    script.wait(HOUR, 12 * HOUR)
    return found


def _wealthy(script: Script) -> Wallet:
    """Return a wallet that holds several assets."""
    victim = acts.holder(script)
    for _ in range(script.number(2, 4)):
        script.wait(10 * MINUTE, 8 * HOUR)
        asset = script.asset()
        units = script.sum(asset, 100, 150_000)
        script.receive(victim, asset, units, script.person().address, None)
    script.wait(HOUR, 10 * HOUR)
    return victim


def _ready(script: Script, receiver: Wallet) -> None:
    """Give the receiver gas beforehand, half the time."""
    if script.chance(50):
        script.gas(receiver, "setup")
        script.wait(MINUTE, 4 * HOUR)


def _strip(script: Script, victim: Wallet, receiver: Wallet, share: int) -> None:
    """Empty a wallet into the receiver's; the thief pays the gas where there is none."""
    if victim.tokens and victim.coin < 10**15:
        source = receiver if script.holds(receiver, script.world.coin) > 10**17 else None
        script.gas(victim, "setup", source.address if source else None)
        script.wait(12, 3 * MINUTE)
    acts.empty(script, victim, receiver, "attack", share)


def _art(script: Script, victim: Wallet) -> list[tuple[str, int]]:
    """Let the victim mint or be given some NFTs long enough before."""
    found = []
    for _ in range(script.number(0, 4)):
        collection, number = script.world.collection(script.bits), script.bits(14)
        giver = ZERO if script.bits(1) else script.person().address
        script.do(None, (Ledger.nft, (collection, number, giver, victim.address)))
        found.append((collection, number))
        script.wait(MINUTE, 2 * HOUR)
    return found
