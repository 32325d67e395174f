"""Issuing tokens and using them: for the background, for twins and, with another name, for counterfeiters."""

from __future__ import annotations

import random

from txpipe.simulate import assets, conduct, symbols
from txpipe.simulate.assets import Asset
from txpipe.simulate.ledger import ZERO, Ledger
from txpipe.simulate.script import HOUR, MINUTE, Script, Wallet
from txpipe.simulate.step import Role, Step
from txpipe.simulate.world import World

_MINT = "0x40c10f19"  # mint(address,uint256)


def launch_token(world: World, rng: random.Random) -> list[Step]:
    """Launch a token with a name of its own, and use it."""
    script = Script(world, rng)
    maker = script.wallet()
    script.gas(maker, None)
    script.wait(MINUTE, 6 * HOUR)
    symbol, model = symbols.honest(rng)
    token = deploy(script, maker, symbol, world.known[model], None)
    if script.chance(60):
        scatter(script, maker, token, None)
    for _ in range(script.number(1, 4)):
        script.wait(MINUTE, 5 * HOUR)
        pay_shop(script, maker, token, world.known[model], None)
    return script.steps


def odd_tokens(world: World, rng: random.Random) -> list[Step]:
    """Use odd tokens that have been around."""
    script = Script(world, rng)
    for _ in range(script.number(2, 6)):
        token = world.odd[script.bits(16) % len(world.odd)]
        payer = script.person()
        units = script.sum(token, 20, 20_000)
        script.do(None, conduct.token(token, payer.address, some_shop(script), units))
        script.wait(MINUTE, 5 * HOUR)
    return script.steps


def deploy(script: Script, maker: Wallet, symbol: str, model: Asset, role: Role | None) -> Asset:
    """Deploy a token and mint a stock of it."""
    contract = script.world.fresh()
    script.do(role, (Ledger.create, (maker.address, contract)))
    script.wait(MINUTE, HOUR)
    token = assets.named_token(script.world.chain, contract, symbol, model)
    stock = script.number(1, 99) * 10 ** (token.decimals + script.number(3, 7))
    moves = [(token, ZERO, maker.address, stock)]
    script.do(role, (Ledger.batch, (maker.address, contract, (_MINT, ()), moves)))
    script.wait(MINUTE, 4 * HOUR)
    return token


def scatter(script: Script, maker: Wallet, token: Asset, role: Role | None) -> None:
    """Send the token to many: in up to three batches, or one by one to a few."""
    world = script.world
    units = script.sum(token, 20, 9000)
    if script.chance(30):
        for _ in range(script.number(4, 12)):
            script.do(role, conduct.token(token, maker.address, script.person().address, units))
            script.wait(12, 5 * MINUTE)
        return
    for _ in range(script.number(1, 3)):
        paid = [(world.people[script.bits(16)], units) for _ in range(script.number(10, 120))]
        script.do(role, (Ledger.disperse, (token, maker.address, world.disperser, paid)))
        script.wait(12, 30 * MINUTE)


def some_shop(script: Script) -> str:
    """Return a merchant, or somebody who trades by hand."""
    return script.world.merchant(script.bits) if script.bits(1) else script.person().address


def pay_shop(script: Script, maker: Wallet, token: Asset, model: Asset, role: Role | None) -> None:
    """Pay with the token; now and then real money comes back, as change or in exchange."""
    shop = some_shop(script)
    units = script.sum(token, 50, 20_000)
    script.do(role, conduct.token(token, maker.address, shop, units))
    if script.chance(40):
        script.wait(5 * MINUTE, 4 * HOUR)
        real = script.world.known["USDC" if script.bits(1) else "USDT"]
        got = max(model.worth(units, real) * script.number(20, 98) // 100, 1)
        paid: Role | None = "payoff" if role == "attack" else role
        script.receive(maker, real, got, shop, paid)
