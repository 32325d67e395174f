"""What traders and those who serve them do: makers, pools, bridges, solvers, mints; for background and twins.

The first half draws one transaction each, as ``conduct`` does; the second half are stories.
"""

from __future__ import annotations

import random

from txpipe.simulate import conduct
from txpipe.simulate.assets import MARKET
from txpipe.simulate.conduct import Draft, slip
from txpipe.simulate.ledger import UNLIMITED, ZERO, Ledger, item
from txpipe.simulate.script import DAY, HOUR, MINUTE, Script
from txpipe.simulate.shapes import Bits
from txpipe.simulate.step import Step
from txpipe.simulate.world import World

_ADD = (
    "0xe8e33700"  # addLiquidity(address,address,uint256,uint256,uint256,uint256,address,uint256), Uniswap V2
)
_REMOVE = "0xbaa2abde"  # removeLiquidity(address,address,uint256,uint256,uint256,address,uint256)
_SETTLE = "0x13d79a0b"  # settle(...), CoW Protocol's GPv2Settlement
_BRIDGE_IN = "0xb1a1a882"  # depositETH(uint32,bytes), Optimism's L1StandardBridge
_BRIDGE_IN_TOKENS = "0x7b939232"  # depositV3(...), Across SpokePool
_FULFIL = "0xfb0f3ee1"  # fulfillBasicOrder(...), Seaport
_BRIDGE_OUT = "0x2e378115"  # fillV3Relay(...), Across SpokePool


def make(world: World, bits: Bits) -> Draft:
    """Let a market maker trade back or forth between the coin's wrapper and a stablecoin, or a deep pair."""
    makers = world.venues.makers
    maker = makers[bits(8) % len(makers)]
    wrapped = world.known["WETH"]
    stable = world.known[("USDC", "USDC", "USDT", "DAI")[bits(2)]]
    give, take = (wrapped, stable) if bits(1) else (stable, wrapped)
    units = (500 + (bits(10) << bits(2))) * 100 * give.per_cent >> 20
    takes = slip(give.worth(units, take), bits)
    return Ledger.swap, (world.router(bits), world.pair(give, take), maker, (give, units), (take, takes))


def refill(world: World, bits: Bits) -> Draft:
    """Move a market maker's stock to an exchange or back."""
    makers = world.venues.makers
    place = bits(8) % len(makers)
    exchange = world.exchange(bits)
    token = world.known["USDC" if bits(1) else "USDT"]
    units = (10 + bits(7)) * 1000 * 100 * token.per_cent >> 20
    if bits(1):
        return conduct.token(token, exchange.pays_from(bits), makers[place], units)
    deposit = world.deposit(place, bits).address
    return conduct.token(token, makers[place], deposit, units)


def liquidity(world: World, bits: Bits) -> Draft:
    """Add two tokens to a pool, or take them out again."""
    who = world.person(bits)
    owner = world.people[who]
    one, other = world.known["WETH"], world.token(bits)
    if other is one:
        other = world.known["DAI"]
    units = world.payment(who, one, bits)
    others = one.worth(units, other)
    pair = world.pair(one, other)
    share, tokens = world.pool_share(pair), (one.contract, other.contract)
    shares = (units * others >> 40) + 1
    router = world.router(bits)
    if bits(1):
        moves = [(one, owner, pair, units), (other, owner, pair, others), (share, ZERO, owner, shares)]
        return Ledger.batch, (owner, router, (_ADD, tokens), moves)
    moves = [(share, owner, pair, shares), (share, pair, ZERO, shares)]
    moves += [(one, pair, owner, units), (other, pair, owner, others)]
    return Ledger.batch, (owner, router, (_REMOVE, tokens), moves)


def bridge_in(world: World, bits: Bits) -> Draft:
    """Send coin or a token to another chain."""
    who = world.person(bits)
    owner = world.people[who]
    hub = world.venues.bridge(bits)
    if bits(1):
        return Ledger.pay_call, (owner, hub, world.payment(who, world.coin, bits), _BRIDGE_IN, ())
    token = world.known["USDC" if bits(1) else "USDT"]
    units = world.payment(who, token, bits)
    moves = [(token, owner, hub, units)]
    return Ledger.batch, (owner, hub, (_BRIDGE_IN_TOKENS, (token.contract,)), moves)


def bridge_out(world: World, bits: Bits) -> Draft:
    """Pay out what came from another chain: mostly to an account of here, at times to a new one."""
    hub = world.venues.bridge(bits)
    who = world.newcomer(bits) if bits(2) == 0 else world.person(bits)
    token = world.known[("USDC", "USDT", "WETH", "USDC")[bits(2)]]
    to = world.people[who]
    moves = [(token, hub, to, world.payment(who, token, bits))]
    return Ledger.batch, (world.venues.relayers[hub], hub, (_BRIDGE_OUT, (to, token.contract)), moves)


def settle(world: World, bits: Bits) -> Draft:
    """Let a solver swap for one to three owners: pull what each approved, pay each the other token.

    The fee that the settlement takes of each is often nothing, and moved all the same.
    """
    contract = world.venues.settlement
    moves = []
    for _ in range(1 + (bits(2) >> 1) + bits(1)):
        who = world.person(bits)
        owner = world.people[who]
        give, take = world.token_of(who, bits), world.known["USDC" if bits(1) else "WETH"]
        if give is take:
            give = world.known["USDT"]
        units = world.payment(who, give, bits)
        moves.append((give, owner, contract, units))
        if bits(1):
            moves.append((give, owner, world.venues.treasurer, units >> 10 if bits(1) else 0))
        moves.append((take, contract, owner, slip(give.worth(units, take), bits)))
    return Ledger.batch, (world.venues.solver(bits), contract, (_SETTLE, ()), moves)


def sale(world: World, bits: Bits) -> Draft:
    """Sell an NFT through the market."""
    who = world.person(bits)
    seller, buyer = world.people[world.person(bits)], world.people[who]
    collection, wrapped = world.collection(bits), world.known["WETH"]
    nft = item(world.chain, collection, bits(14))
    moves = [(nft, seller, buyer, 1), (wrapped, buyer, seller, world.payment(who, wrapped, bits))]
    return Ledger.batch, (buyer, MARKET, (_FULFIL, (collection, seller)), moves)


def nothing(world: World, bits: Bits) -> Draft:
    """Move a token in an amount of nothing: a test, a claim without a yield, a sweep of no rest."""
    who = world.person(bits)
    owner = world.people[who]
    token = world.token_of(who, bits)
    if bits(1):
        return conduct.token(token, owner, world.people[world.contact(who, bits)], 0)
    contract = world.contract(bits)
    moves = [(token, contract.address, owner, 0)]
    return Ledger.batch, (owner, contract.address, (contract.method, ()), moves)


def fan_out(world: World, bits: Bits) -> Draft:
    """Collect a fee of nothing from several owners at once: a keeper's transaction over many accounts."""
    contract = world.contract(bits)
    token = world.known["USDT" if bits(1) else "USDC"]
    owners = [world.people[world.person(bits)] for _ in range(2 + bits(4))]
    moves = [(token, owner, contract.address, 0 if bits(1) else bits(16)) for owner in owners]
    keeper = world.venues.solver(bits)
    return Ledger.batch, (keeper, contract.address, (contract.method, tuple(owners)), moves)


def rush(world: World, rng: random.Random) -> list[Step]:
    """Mint a collection that everybody wants: many people within minutes, some of them many times."""
    script = Script(world, rng)
    collection = world.collection(script.bits)
    number = script.number(1, 9000)
    for _ in range(script.number(10, 40)):
        minter = script.person().address
        began = script.now
        for _ in range(1 if script.chance(85) else script.number(3, 10)):
            number += 1
            script.do(None, (Ledger.nft, (collection, number, ZERO, minter)))
            script.wait(12, 40)
        script.now = began
        script.wait(6, 60)
    return script.steps


def mint_bot(world: World, rng: random.Random) -> list[Step]:
    """Mint many within minutes from one quiet account, then give them to the owner's other wallets."""
    script = Script(world, rng)
    collection = world.collection(script.bits)
    minter = script.person(2000).address
    own = [world.fresh() for _ in range(script.number(2, 6))]
    first = script.number(1, 9000)
    count = script.number(6, 20)
    for number in range(first, first + count):
        script.do(None, (Ledger.nft, (collection, number, ZERO, minter)))
        script.wait(12, 60)
    script.wait(MINUTE, HOUR)
    for number in range(first, first + count):
        script.do(None, (Ledger.nft, (collection, number, minter, own[number % len(own)])))
        script.wait(12, 60)
    return script.steps


def maker_burst(world: World, rng: random.Random) -> list[Step]:
    """Let a market maker trade fast for some minutes."""
    script = Script(world, rng)
    for _ in range(script.number(8, 30)):
        script.do(None, make(world, script.bits))
        script.wait(6, 60)
    return script.steps


def solved(world: World, rng: random.Random) -> list[Step]:
    """Let owners approve a solver's settlement, which then swaps for each and pays at once."""
    script = Script(world, rng)
    bits = script.bits
    contract = world.venues.settlement
    for _ in range(script.number(1, 4)):
        owner = script.person().address
        give, take = world.known["USDC" if bits(1) else "LINK"], world.known["WETH"]
        units = script.sum(give, 50, 60_000)
        allowed = UNLIMITED if bits(2) else units
        began = script.now
        solver = world.venues.solver(bits)
        if bits(1):
            script.do(None, (Ledger.permit, (give, owner, contract, allowed, solver)))
        else:
            script.do(None, (Ledger.approve, (give, owner, contract, allowed)))
        script.wait(12, HOUR)
        takes = slip(give.worth(units, take), bits)
        moves = [(give, owner, contract, units), (take, contract, owner, takes)]
        script.do(None, (Ledger.batch, (solver, contract, (_SETTLE, ()), moves)))
        script.now = began
        script.wait(MINUTE, 3 * HOUR)
    return script.steps


def savings(world: World, rng: random.Random) -> list[Step]:
    """Swap the same amount of coin for a token on a schedule: hourly to daily."""
    script = Script(world, rng)
    bits = script.bits
    owner = script.person()
    wrapped = world.known["WETH"]
    take = world.known[("WBTC", "LINK", "USDC", "stETH")[bits(2)]]
    units = script.sum(world.coin, 20, 800)
    pair, router = world.pair(wrapped, take), world.router(bits)
    every = (HOUR, 4 * HOUR, 12 * HOUR, DAY)[bits(2)]
    for _ in range(script.number(4, 10)):
        takes = slip(wrapped.worth(units, take), bits)
        script.do(None, (Ledger.swap_coin, (router, pair, owner.address, units, (take, takes))))
        script.now += every + bits(6)
    return script.steps
