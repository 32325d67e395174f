"""What companies do: wages, airdrops, sweeps into the treasury, subscriptions; for background and twins."""

from __future__ import annotations

import random

from txpipe.simulate import assets, conduct
from txpipe.simulate.assets import Asset
from txpipe.simulate.ledger import UNLIMITED, ZERO, Ledger
from txpipe.simulate.script import DAY, HOUR, MINUTE, Script, Wallet
from txpipe.simulate.step import Step
from txpipe.simulate.world import World


def payroll(world: World, rng: random.Random) -> list[Step]:
    """Pay the same staff on the same day, each a wage of their own; one by one or in a batch."""
    script = Script(world, rng)
    firm = world.venues.firm(script.bits)
    token = world.known[firm.stable]
    paid = [
        (to, _cents(token, firm.wage_cents * (40 + (int(to[2:4], 16) >> 1)) // 100 // 2500 * 2500 + 50000))
        for to in firm.staff
    ]
    if script.chance(50):
        for start in range(0, len(paid), 40):
            args = (token, firm.treasury, world.disperser, paid[start : start + 40])
            script.do(None, (Ledger.disperse, args))
            script.wait(12, 10 * MINUTE)
        return script.steps
    for to, units in paid:
        script.do(None, conduct.token(token, firm.treasury, to, units))
        script.wait(12, 5 * MINUTE)
    return script.steps


def treasury(world: World, rng: random.Random) -> list[Step]:
    """Let customers pay a firm's wallets, then sweep all of them into its treasury within hours."""
    script = Script(world, rng)
    bits = script.bits
    firm = world.venues.firm(bits)
    token = world.known[firm.stable]
    till = [script.wallet(address) for address in firm.wallets]
    for wallet in till:
        script.gas(wallet, None, firm.treasury)
        for _ in range(1 + bits(1)):
            payer = script.person()
            asset = world.coin if bits(2) == 0 else token
            script.receive(wallet, asset, script.sum(asset, 200, 40_000), payer.address, None)
            script.wait(MINUTE, 3 * HOUR)
    script.wait(HOUR, 12 * HOUR)
    for wallet in till:
        for asset in (*wallet.tokens, world.coin):
            if asset is not world.coin or script.chance(60):
                script.pay(wallet, asset, script.holds(wallet, asset), firm.treasury, None)
        script.wait(12, 20 * MINUTE)
    return script.steps


def collection_to(world: World, rng: random.Random, to: str, most: int) -> list[Step]:
    """Sweep some deposit addresses of an exchange to one address, gas paid first."""
    script = Script(world, rng)
    bits = script.bits
    hot = script.hot()
    filled: list[tuple[Wallet, Asset]] = []
    for _ in range(script.number(3, most)):
        customer = script.person()
        deposit = script.wallet(world.deposit(customer.who, bits).address)
        asset = world.coin if bits(1) else world.known["USDT" if bits(1) else "USDC"]
        script.receive(deposit, asset, script.sum(asset, 60, 60_000), customer.address, None)
        filled.append((deposit, asset))
        script.wait(12, 30 * MINUTE)
    script.wait(10 * MINUTE, 4 * HOUR)
    for deposit, asset in filled:
        if asset is not world.coin:
            script.gas(deposit, None, hot)
            script.wait(12, 5 * MINUTE)
        script.pay(deposit, asset, script.holds(deposit, asset), to, None)
        script.wait(12, 5 * MINUTE)
    return script.steps


def new_hot_wallet(world: World, rng: random.Random) -> list[Step]:
    """Let an exchange sweep deposits to a hot wallet that nobody has seen before, which then pays out."""
    script = Script(world, rng)
    hot = script.wallet()
    script.fund(hot, script.sum(world.coin, 3000, 90_000), None)
    steps = collection_to(world, rng, hot.address, 9)
    script.now = max(step.after_s for step in steps)
    for _ in range(script.number(2, 5)):
        script.wait(MINUTE, HOUR)
        script.pay(hot, world.coin, script.sum(world.coin, 20, 500), script.person().address, None)
    return steps + script.steps


def airdrop(world: World, rng: random.Random) -> list[Step]:
    """Give a small token to many, in a batch or two from the same sender."""
    script = Script(world, rng)
    token = world.small(script.bits)
    sender = world.venues.promoters[script.bits(8) % len(world.venues.promoters)]
    return _give(script, token, sender, script.number(1, 2), 400)


def small_airdrop(world: World, rng: random.Random) -> list[Step]:
    """Give a small token to some, one by one, minutes apart."""
    script = Script(world, rng)
    token = world.small(script.bits)
    sender = world.venues.promoters[script.bits(8) % len(world.venues.promoters)]
    units = script.sum(token, 1, 60)
    for _ in range(script.number(8, 30)):
        script.do(None, conduct.token(token, sender, _anyone(script), units))
        script.wait(12, 3 * MINUTE)
    return script.steps


def _give(script: Script, token: Asset, sender: str, batches: int, most: int) -> list[Step]:
    world = script.world
    units = script.sum(token, 1, 60)
    for _ in range(batches):
        paid = [(_anyone(script), units) for _ in range(script.number(60, most))]
        script.do(None, (Ledger.disperse, (token, sender, world.disperser, paid)))
        script.wait(12, 20 * MINUTE)
    return script.steps


def dust(world: World, rng: random.Random) -> list[Step]:
    """Let a promoter send next to nothing to strangers, coin or a token, to be noticed."""
    script = Script(world, rng)
    bits = script.bits
    sender = world.venues.promoters[bits(8) % len(world.venues.promoters)]
    for _ in range(script.number(2, 12)):
        to = script.person().address
        asset = (world.coin, world.known["USDT"], world.known["USDC"], world.small(bits))[bits(2)]
        script.do(None, script.dust(asset, sender, to))
        script.wait(12, 10 * MINUTE)
    return script.steps


def subscription(world: World, rng: random.Random) -> list[Step]:
    """Let customers approve a merchant's contract, which pulls the same price from each, day after day."""
    script = Script(world, rng)
    bits = script.bits
    token = world.known["USDC" if bits(2) else "USDT"]
    collector = world.merchants[bits(6)]
    units = _cents(token, (499, 799, 999, 999, 1299, 1999, 2900, 4900)[bits(3)])
    for _ in range(script.number(1, 4)):
        owner = script.person()
        began = script.now
        allowed = units * 12 if bits(1) else UNLIMITED
        script.do(None, (Ledger.approve, (token, owner.address, collector, allowed)))
        script.wait(12, 5 * MINUTE)
        metered = script.chance(40)
        for _ in range(script.number(1, 5)):
            price = world.amount(script.number(300, 30_000), token, bits) if metered else units
            args = (token, collector, owner.address, collector, price)
            script.do(None, (Ledger.pull, args))
            script.now += DAY - bits(8)
        script.now = began
        script.wait(MINUTE, 6 * HOUR)
    return script.steps


def launch(world: World, rng: random.Random) -> list[Step]:
    """Open a new dApp: owners approve its fresh contract, then call it themselves and get a receipt token."""
    script = Script(world, rng)
    bits = script.bits
    maker = script.wallet()
    script.gas(maker, None)
    script.wait(MINUTE, 2 * HOUR)
    contract = world.fresh()
    script.do(None, (Ledger.create, (maker.address, contract)))
    token = world.known[("USDC", "USDT", "DAI", "WETH")[bits(2)]]
    receipt = assets.named_token(world.chain, world.fresh(), f"{'vsyx'[bits(2)]}{token.symbol}", token)
    script.wait(10 * MINUTE, 6 * HOUR)
    for _ in range(script.number(3, 12)):
        user = script.person()
        units = script.sum(token, 50, 20_000)
        allowed = UNLIMITED if bits(2) else units
        script.do(None, (Ledger.approve, (token, user.address, contract, allowed)))
        began = script.now
        script.now += 12 + 12 * bits(4)
        moves = [(token, user.address, contract, units), (receipt, ZERO, user.address, units)]
        script.do(None, (Ledger.batch, (user.address, contract, (_DEPOSIT, ()), moves)))
        if bits(2) == 0:
            script.wait(HOUR, DAY)
            back = [(receipt, user.address, ZERO, units), (token, contract, user.address, units)]
            script.do(None, (Ledger.batch, (user.address, contract, (_WITHDRAW, ()), back)))
        script.now = began
        script.wait(MINUTE, 3 * HOUR)
    return script.steps


def _anyone(script: Script) -> str:
    """Return somebody known or, one in eight, somebody new."""
    bits, world = script.bits, script.world
    return world.fresh() if bits(3) == 0 else world.people[bits(16)]


def _cents(token: Asset, cents: int) -> int:
    units: int = cents * 10**token.decimals // 100
    return units


_DEPOSIT = "0xb6b55f25"  # deposit(uint256)
_WITHDRAW = "0x2e1a7d4d"  # withdraw(uint256)
