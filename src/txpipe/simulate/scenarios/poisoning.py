"""Address poisoning: an address that looks like a known payee is slipped into a payer's history.

The fraud: a bot sees a payment and makes an address that shares its payee's first and last digits. From there
it sends the payer dust, or moves nothing at all in the payer's name (``transferFrom`` of zero needs no
approval), or lets a counterfeit token tell of the same payment to the look-alike. One by one or for many
payers in one transaction. Careful bots send more than dust, hours or days later, with fewer digits alike.

The twin: one owner's vanity addresses, honestly used; small payments; a promoter's dust from an address that
looks like nobody's.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from txpipe.simulate import assets, business, conduct, personal, symbols
from txpipe.simulate.assets import Asset
from txpipe.simulate.ledger import Ledger, Move
from txpipe.simulate.personal import alike
from txpipe.simulate.scenarios import acts
from txpipe.simulate.scenarios.acts import DAY, HOUR, MINUTE, Script, Seen, Wallet
from txpipe.simulate.scenarios.base import Scenario, Step
from txpipe.simulate.world import World


def _attack(world: World, rng: random.Random) -> Sequence[Step]:
    script = Script(world, rng)
    bot = acts.thief(script)
    if script.chance(35):
        seen = [acts.watched(script) for _ in range(script.number(5, 40))]
        _batch(script, bot, seen)
        return script.steps
    for _ in range(script.number(1, 6)):
        seen_one = acts.watched(script)
        script.wait(12, 2 * HOUR)
        poison(script, bot, seen_one, alike_to(script, seen_one.payee))
    return script.steps


def _adaptive(world: World, rng: random.Random) -> Sequence[Step]:
    script = Script(world, rng)
    for _ in range(script.number(1, 3)):
        seen = acts.watched(script)
        script.wait(HOUR, 2 * DAY)
        careful(script, seen, alike(world, rng, 3, 4, seen.payee))
    return script.steps


def _small_payments(world: World, rng: random.Random) -> list[Step]:
    """Let several people pay somebody a little: shares of a bill, tips."""
    script = Script(world, rng)
    payee = script.person().address
    for _ in range(script.number(2, 6)):
        asset = script.asset()
        units = world.amount(script.number(2, 500), asset, script.bits)
        script.do(None, conduct.payment(asset, script.person().address, payee, units))
        script.wait(10 * MINUTE, 8 * HOUR)
    return script.steps


SCENARIO = Scenario(
    "poisoning", _attack, acts.twin_of(personal.vanity, business.dust, _small_payments), _adaptive
)


def alike_to(script: Script, payee: str) -> str:
    """Make a look-alike as bots do: three to five first and four to six last digits."""
    return alike(script.world, script.rng, script.number(3, 5), script.number(4, 6), payee)


def poison(script: Script, bot: Wallet, seen: Seen, double: str) -> None:
    """Slip one look-alike into one history."""
    world, bits = script.world, script.bits
    kind = bits(2)
    token = seen.asset if seen.asset is not world.coin else world.known["USDT"]
    if kind < 2:
        _dust(script, bot, seen, double)
    elif kind == 2:
        script.do("attack", (Ledger.pull, (token, bot.address, seen.payer, double, 0)))
    else:
        fake = counterfeit(script, bot, seen.asset)
        moves = [(fake, seen.payer, double, _scaled(fake, seen))]
        calldata = (world.contract(bits).method, (seen.payer, double))
        script.do("attack", (Ledger.batch, (bot.address, fake.contract, calldata, moves)))


def _dust(script: Script, bot: Wallet, seen: Seen, double: str) -> None:
    """Equip the look-alike out of the bot's purse and let it send next to nothing."""
    world = script.world
    asset = seen.asset if seen.asset.priced else world.coin
    wallet = script.wallet(double)
    if script.holds(bot, world.coin) < 10**16:
        script.gas(bot, "setup")
        script.wait(MINUTE, HOUR)
    script.send(bot, world.coin, script.sum(world.coin, 3, 15), wallet, "setup")
    if asset is not world.coin:
        stock = asset.per_cent * script.number(4, 60) >> 20
        if script.holds(bot, asset) < stock:
            script.receive(bot, asset, script.sum(asset, 20, 200), script.hot(), "setup")
            script.wait(MINUTE, HOUR)
        script.send(bot, asset, max(stock, 1), wallet, "setup")
    script.wait(12, 20 * MINUTE)
    script.pay(wallet, asset, script.tiny(asset, 4), seen.payer, "attack")


def careful(script: Script, seen: Seen, double: str) -> None:
    """Pay a payer up to a few dollars from a look-alike that has been funded by somebody of its own."""
    world = script.world
    asset = seen.asset if seen.asset.priced else world.coin
    wallet = script.wallet(double)
    script.gas(wallet, "setup")
    script.wait(HOUR, 12 * HOUR)
    if asset is not world.coin:
        script.receive(wallet, asset, script.sum(asset, 6, 60), script.hot(), "setup")
        script.wait(HOUR, 6 * HOUR)
    script.pay(wallet, asset, world.amount(script.number(20, 500), asset, script.bits), seen.payer, "attack")


def counterfeit(script: Script, maker: Wallet, model: Asset) -> Asset:
    """Deploy a token whose symbol imitates a stablecoin's, or the model's if that is a token."""
    world = script.world
    if model is world.coin or not model.priced:
        model = world.known["USDC" if script.bits(1) else "USDT"]
    contract = world.fresh()
    script.do("setup", (Ledger.create, (maker.address, contract)))
    script.wait(12, 10 * MINUTE)
    return assets.named_token(world.chain, contract, symbols.imitation(model.symbol, script.rng), model)


def _scaled(fake: Asset, seen: Seen) -> int:
    """Return what was paid, in digits that look the same in the counterfeit token."""
    units: int = seen.units * 10**fake.decimals // 10**seen.asset.decimals
    return max(units, 1)


def _batch(script: Script, bot: Wallet, seen: list[Seen]) -> None:
    """Poison many in one transaction: dust, nothing, or counterfeit."""
    world, bits = script.world, script.bits
    doubles = [alike_to(script, one.payee) for one in seen]
    contract = world.fresh()
    script.do("setup", (Ledger.create, (bot.address, contract)))
    script.wait(MINUTE, HOUR)
    kind = bits(2)
    token = world.known["USDT" if bits(1) else "USDC"]
    moves: list[Move] = []
    if kind == 0:
        for one, double in zip(seen, doubles, strict=True):
            units = 1 + bits(8) * bits(6)
            moves += [(token, bot.address, double, units), (token, double, one.payer, units)]
        script.do("setup", conduct.token(token, script.hot(), bot.address, script.sum(token, 50, 400)))
        script.wait(MINUTE, HOUR)
    elif kind < 3:
        moves += [(token, one.payer, double, 0) for one, double in zip(seen, doubles, strict=True)]
    else:
        fake = counterfeit(script, bot, token)
        moves += [
            (fake, one.payer, double, _scaled(fake, one)) for one, double in zip(seen, doubles, strict=True)
        ]
    calldata = (world.contract(bits).method, (token.contract, *doubles) if bits(1) else ())
    script.do("attack", (Ledger.batch, (bot.address, contract, calldata, moves, bits(8) % len(moves))))
