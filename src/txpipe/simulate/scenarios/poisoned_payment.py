"""A poisoned payment: the payer copies the look-alike from the history and pays it a real amount.

The fraud: as in ``poisoning``, then, minutes to days later, the payer pays the look-alike instead of the
payee it imitates; often the payee is paid properly before and after. The look-alike brings the loot away.

The twin: somebody pays the same shop at two addresses that look alike and are both its own, or pays a
stranger for the first time.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from txpipe.simulate import conduct, personal
from txpipe.simulate.personal import alike
from txpipe.simulate.scenarios import acts
from txpipe.simulate.scenarios.acts import DAY, HOUR, MINUTE, Script, Seen
from txpipe.simulate.scenarios.base import Scenario, Step
from txpipe.simulate.scenarios.poisoning import alike_to, careful, poison
from txpipe.simulate.world import World


def _attack(world: World, rng: random.Random) -> Sequence[Step]:
    script = Script(world, rng)
    bot = acts.thief(script)
    seen = acts.watched(script)
    double = alike_to(script, seen.payee)
    script.wait(12, 2 * HOUR)
    poison(script, bot, seen, double)
    script.wait(3 * MINUTE, DAY)
    _fall_for(script, seen, double, slow=False)
    return script.steps


def _adaptive(world: World, rng: random.Random) -> Sequence[Step]:
    script = Script(world, rng)
    seen = acts.watched(script)
    double = alike(world, rng, 3, 4, seen.payee)
    script.wait(HOUR, DAY)
    careful(script, seen, double)
    script.wait(HOUR, 2 * DAY)
    _fall_for(script, seen, double, slow=True)
    return script.steps


SCENARIO = Scenario(
    "poisoned-payment", _attack, acts.twin_of(personal.shop_addresses, personal.stranger), _adaptive
)


def _fall_for(script: Script, seen: Seen, double: str, *, slow: bool) -> None:
    """Let the payer pay the look-alike, which then cashes out."""
    world = script.world
    asset = seen.asset if seen.asset.priced else world.known["USDC"]
    if script.chance(40):
        script.do(None, conduct.payment(asset, seen.payer, seen.payee, script.sum(asset, 50, 5000)))
        script.wait(10 * MINUTE, 8 * HOUR)
    units = script.sum(asset, 50, 300_000)
    if asset is seen.asset and script.chance(40):
        units = max(units, seen.units * script.number(80, 400) // 100)
    script.do("payoff", conduct.payment(asset, seen.payer, double, units))
    loot = script.wallet(double)
    if asset is world.coin:
        loot.coin = units
    else:
        loot.tokens[asset] = units
        script.wait(MINUTE, HOUR)
        script.gas(loot, "setup")
    acts.cash_out(script, loot, slow=slow)
    if script.chance(50):
        script.wait(HOUR, DAY)
        script.do(None, conduct.payment(asset, seen.payer, seen.payee, units))
