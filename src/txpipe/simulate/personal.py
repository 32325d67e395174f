"""What people do over hours and days: arrive, move house, come back, pay big; for background and twins."""

from __future__ import annotations

import random
from collections.abc import Iterator

from txpipe.simulate import conduct
from txpipe.simulate.conduct import Draft
from txpipe.simulate.ledger import Ledger
from txpipe.simulate.script import DAY, HOUR, MINUTE, Script, Wallet
from txpipe.simulate.step import Step
from txpipe.simulate.world import World


def arrival(world: World, rng: random.Random) -> list[Step]:
    """Open an account: funded by an exchange or a friend, then used for a day or two."""
    script = Script(world, rng)
    bits = script.bits
    who = world.newcomer(bits)
    wallet = Wallet(world.people[who], who)
    source = script.person().address if bits(2) == 0 else script.hot()
    units = world.payment(who, world.coin, bits) + 10**16
    script.fund(wallet, units, None, source)
    if bits(1):
        script.wait(MINUTE, 3 * HOUR)
        token = world.token_of(who, bits)
        script.receive(wallet, token, world.payment(who, token, bits), script.hot(), None)
    for _ in range(script.number(1, 6)):
        script.wait(2 * MINUTE, 10 * HOUR)
        _spend(script, wallet)
    return script.steps


def _spend(script: Script, wallet: Wallet) -> None:
    """Use some of what a wallet holds: pay a contact or a shop, swap, bring it to an exchange."""
    bits, world = script.bits, script.world
    assets = [asset for asset, units in wallet.tokens.items() if units] + [world.coin]
    asset = assets[bits(8) % len(assets)]
    part = script.holds(wallet, asset) * (1 + bits(5)) // 40
    kind = bits(3)
    if kind == 0:
        script.swap(wallet, asset, part, None)
    elif kind == 1:
        script.bank(wallet, asset, script.holds(wallet, asset), None)
    else:
        to = world.merchant(bits) if kind == 2 else world.people[world.contact(wallet.who, bits)]
        script.pay(wallet, asset, part, to, None)


def migration(world: World, rng: random.Random) -> list[Step]:
    """Move everything to an own new wallet, often after a test payment, and go on from there."""
    script = Script(world, rng)
    bits = script.bits
    old, new = script.person(500), script.wallet()
    stock = [script.asset() for _ in range(1 + bits(2))]
    for asset in stock:
        if asset is not world.coin:
            old.tokens[asset] = script.sum(asset, 100, 200_000)
    if bits(1):
        script.send(old, world.coin, script.sum(world.coin, 5, 50), new, None)
        script.wait(2 * MINUTE, 2 * HOUR)
    for asset in list(old.tokens):
        script.send(old, asset, old.tokens[asset], new, None)
        script.wait(12, 20 * MINUTE)
    for _ in range(bits(2)):
        script.do(None, (Ledger.nft, (world.collection(bits), bits(14), old.address, new.address)))
        script.wait(12, 10 * MINUTE)
    script.send(old, world.coin, script.holds(old, world.coin), new, None)
    for _ in range(bits(2)):
        script.wait(HOUR, 20 * HOUR)
        contact = world.people[world.contact(old.who, bits)]
        assets = [world.coin, *new.tokens]
        asset = assets[bits(8) % len(assets)]
        script.pay(new, asset, script.holds(new, asset) >> 2 + bits(1), contact, None)
    return script.steps


def arrive(script: Script, wallet: Wallet) -> Iterator[Draft]:
    """Draw a little of what a new account does: it is funded, pays a contact, tries a router."""
    world, bits = script.world, script.bits
    units = script.sum(world.coin, 60, 900)
    wallet.coin += units
    yield conduct.native(script.hot(), wallet.address, units)
    contact = world.people[world.contact(wallet.who, bits)]
    for _ in range(script.number(1, 3)):
        part = wallet.coin * (1 + bits(3)) >> 6
        wallet.coin -= part + conduct.fee(bits, conduct.TOKEN_GAS)
        if bits(1):
            yield conduct.native(wallet.address, contact, part)
            continue
        wrapped, take = world.known["WETH"], world.known["USDC"]
        takes = conduct.slip(wrapped.worth(part, take), bits)
        wallet.tokens[take] = wallet.tokens.get(take, 0) + takes
        args = (world.router(bits), world.pair(wrapped, take), wallet.address, part, (take, takes))
        yield Ledger.swap_coin, args


def alike(world: World, rng: random.Random, head: int, tail: int, model: str | None = None) -> str:
    """Make an address that shares its first and last digits with a model's (or with nobody's)."""
    like = model or world.fresh()
    while True:
        found = f"{like[: 2 + head]}{rng.randbytes(20).hex()[: 40 - head - tail]}{like[42 - tail :]}"
        if found != like:
            return found


def vanity(world: World, rng: random.Random) -> list[Step]:
    """Use several own addresses that begin and end alike: paid by others, moving money among themselves."""
    script = Script(world, rng)
    first = world.fresh()
    head, tail = script.number(3, 5), script.number(3, 6)
    count = script.number(1, 3)
    own = [Wallet(first, script.person().who)]
    own += [Wallet(alike(world, rng, head, tail, first), own[0].who) for _ in range(count)]
    payers = [script.person() for _ in range(2)]
    for wallet in own:
        asset = script.asset()
        script.gas(wallet, None)
        script.wait(MINUTE, HOUR)
        script.receive(wallet, asset, script.sum(asset, 50, 50_000), payers[script.bits(1)].address, None)
        script.wait(MINUTE, 5 * HOUR)
        units = script.holds(wallet, asset) >> 1 + script.bits(2)
        other = own[script.bits(4) % len(own)]
        to = other if other is not wallet else own[0]
        script.send(wallet, asset, units, to, None)
        script.wait(MINUTE, 8 * HOUR)
    return script.steps


def shop_addresses(world: World, rng: random.Random) -> list[Step]:
    """Pay the same shop twice at addresses that look alike: an exchange's vanity deposit addresses."""
    script = Script(world, rng)
    payer = script.person()
    first = world.fresh()
    second = alike(world, rng, script.number(3, 5), script.number(3, 6), first)
    asset = script.asset()
    for to in (first, second, *((first,) if script.bits(1) else ())):
        script.do(None, conduct.payment(asset, payer.address, to, script.sum(asset, 50, 40_000)))
        script.wait(10 * MINUTE, 10 * HOUR)
    return script.steps


def stranger(world: World, rng: random.Random) -> list[Step]:
    """Pay a usual contact, then somebody for the first time, more than usual."""
    script = Script(world, rng)
    payer = script.person()
    asset = script.asset()
    contact = world.people[world.contact(payer.who, script.bits)]
    script.do(None, conduct.payment(asset, payer.address, contact, script.sum(asset, 50, 5000)))
    script.wait(10 * MINUTE, 10 * HOUR)
    script.do(None, conduct.payment(asset, payer.address, world.fresh(), script.sum(asset, 50, 100_000)))
    return script.steps


def homecoming(world: World, rng: random.Random) -> list[Step]:
    """Come back to a wallet after many months: pay the usual contact, bring it to the exchange, or top up."""
    script = Script(world, rng)
    bits = script.bits
    elder = world.elder(bits)
    if elder is None:
        return []
    wallet = Wallet(elder.address, elder.who, elder.units)
    if elder.token:
        wallet.tokens[elder.token] = elder.held
    kind = bits(2)
    if kind == 0:
        script.receive(wallet, world.coin, script.sum(world.coin, 50, 5000), script.hot(), None)
        script.wait(10 * MINUTE, 10 * HOUR)
    for asset in (*wallet.tokens, world.coin):
        if kind == 1:
            share = 2 + bits(2)
            script.pay(wallet, asset, script.holds(wallet, asset) * share // 8, elder.contact, None)
        else:
            script.bank(wallet, asset, script.holds(wallet, asset), None)
        script.wait(2 * MINUTE, 3 * HOUR)
    return script.steps


def own_exchange(world: World, rng: random.Random) -> list[Step]:
    """Pay small sums now and then, and once bring a large one to one's own usual exchange address."""
    script = Script(world, rng)
    payer = script.person(200, 6000)
    asset = script.asset()
    usual = script.sum(asset, 50, 500)
    script.stock(payer, asset, usual * 300)
    for _ in range(script.number(2, 5)):
        script.bank(payer, asset, usual * script.number(80, 125) // 100, None)
        script.wait(HOUR, DAY)
    script.bank(payer, asset, usual * script.number(20, 200), None)
    return script.steps


def yearly(world: World, rng: random.Random) -> list[Step]:
    """Pay a known contact small sums, and once a year's rent, a car, a loan's rest."""
    script = Script(world, rng)
    payer = script.person(200, 6000)
    asset = script.asset()
    to = world.people[world.contact(payer.who, script.bits)]
    usual = script.sum(asset, 30, 400)
    for _ in range(script.number(3, 8)):
        script.do(None, conduct.payment(asset, payer.address, to, usual * script.number(60, 150) // 100))
        script.wait(HOUR, 10 * HOUR)
    script.do(None, conduct.payment(asset, payer.address, to, usual * script.number(20, 150)))
    return script.steps
