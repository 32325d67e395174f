"""Counterfeit tokens: a fresh contract whose symbol imitates a known one is sent to people and shops.

The fraud: somebody deploys a token that calls itself USDT or another known name (copied, with letters of
another script, with an invisible character), scatters it over many wallets, or pays shops and traders with
it; some of those give real money back. Careful ones use the account honestly first, and pay few, slowly.

The twin: bridged and wrapped tokens whose symbols contain a known one, tokens named in other scripts or by an
emoji: launched, scattered and used for payment just the same.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from txpipe.simulate import conduct, issuing, symbols
from txpipe.simulate.scenarios import acts
from txpipe.simulate.scenarios.acts import HOUR, MINUTE, Script
from txpipe.simulate.scenarios.base import Scenario, Step
from txpipe.simulate.world import World

_IMITATED = ("USDT", "USDT", "USDC", "USDC", "DAI", "WETH", "WBTC", "stETH")


def _attack(world: World, rng: random.Random) -> Sequence[Step]:
    script = Script(world, rng)
    maker = acts.thief(script)
    model = world.known[_IMITATED[script.bits(3)]]
    symbol = symbols.imitation(model.symbol, rng)
    token = issuing.deploy(script, maker, symbol, model, "setup")
    if script.chance(60):
        issuing.scatter(script, maker, token, "attack")
        return script.steps
    for _ in range(script.number(1, 4)):
        issuing.pay_shop(script, maker, token, model, "attack")
        script.wait(MINUTE, 5 * HOUR)
    acts.cash_out(script, maker)
    return script.steps


def _adaptive(world: World, rng: random.Random) -> Sequence[Step]:
    script = Script(world, rng)
    maker = acts.thief(script, known=True)
    model = world.known[_IMITATED[script.bits(3)]]
    token = issuing.deploy(script, maker, symbols.imitation(model.symbol, rng), model, "setup")
    for _ in range(script.number(1, 4)):
        script.wait(2 * HOUR, 20 * HOUR)
        if script.chance(40):
            issuing.pay_shop(script, maker, token, model, "attack")
        else:
            to = script.person().address
            script.do("attack", conduct.token(token, maker.address, to, script.sum(token, 20, 900)))
        if script.chance(40):
            script.wait(10 * MINUTE, HOUR)
            contact = world.people[world.contact(maker.who, script.bits)]
            script.pay(maker, world.coin, script.sum(world.coin, 5, 40), contact, None)
    acts.cash_out(script, maker, slow=True)
    return script.steps


SCENARIO = Scenario(
    "counterfeit-token", _attack, acts.twin_of(issuing.launch_token, issuing.odd_tokens), _adaptive
)
