"""What thieves and their victims do in several scenarios."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

from txpipe.simulate import conduct
from txpipe.simulate.assets import Asset
from txpipe.simulate.personal import arrive
from txpipe.simulate.script import DAY, HOUR, MINUTE, Script, Wallet, labelled
from txpipe.simulate.step import Role, Step
from txpipe.simulate.world import World

Honest = Callable[[World, random.Random], list[Step]]


def twin_of(*stories: Honest) -> Honest:
    """Return a plan that plays one of some honest stories as the benign look-alike."""

    def twin(world: World, rng: random.Random) -> list[Step]:
        story = stories[rng.getrandbits(16) * len(stories) >> 16]
        return labelled(story(world, rng), "benign-lookalike")

    return twin


class Seen(NamedTuple):
    """A payment that anyone can see on the chain.

    Attributes:
        payer: who paid.
        who: rank on whose scale the payer pays.
        payee: who got it.
        asset: what.
        units: how much.
    """

    payer: str
    who: int
    payee: str
    asset: Asset
    units: int


def watched(script: Script) -> Seen:
    """Pick a recent payment of the chain that is worth imitating; else let somebody make one."""
    world, bits = script.world, script.bits
    for _ in range(8):
        found = world.recent[bits(32) % len(world.recent)] if world.recent else None
        if found and found[3].priced and found[4] > found[3].per_cent * 1000 >> 20:
            return Seen(*found)
    payer, asset = script.person(20, 8000), script.asset()
    payee = world.people[world.contact(payer.who, bits)]
    units = script.sum(asset, 50, 20_000)
    script.do(None, conduct.payment(asset, payer.address, payee, units))
    script.wait(MINUTE, 2 * HOUR)
    return Seen(payer.address, payer.who, payee, asset, units)


def thief(script: Script, *, known: bool = False) -> Wallet:
    """Return a wallet with gas: a fresh one, or one that has been used a little before."""
    wallet = script.wallet()
    if known:
        for step in arrive(script, wallet):
            script.do(None, step)
            script.wait(10 * MINUTE, 8 * HOUR)
    source = script.person().address if script.chance(25) else None
    script.gas(wallet, "setup", source)
    script.wait(MINUTE, 6 * HOUR)
    return wallet


def cash_out(script: Script, wallet: Wallet, *, slow: bool = False) -> None:
    """Move the loot on and out; slowly in parts after a wait, if told so."""
    for asset in (*wallet.tokens, script.world.coin):
        if slow:
            script.wait(HOUR, 6 * HOUR)
            part = script.holds(wallet, asset) * script.number(25, 60) // 100
            if asset is not script.world.coin and script.chance(30):
                script.swap(wallet, asset, part, "payoff")
            else:
                script.bank(wallet, asset, part, "payoff")
            script.wait(HOUR // 2, 4 * HOUR)
        else:
            script.wait(MINUTE, 2 * HOUR)
        if script.holds(wallet, asset) > asset.per_cent * 200 >> 20:
            script.cash_out(wallet, asset, "payoff")


def holder(script: Script) -> Wallet:
    """Return somebody's wallet with means: an elder, or an account, new or not, that is paid now."""
    world, bits = script.world, script.bits
    elder = world.elder(bits) if script.chance(10) else None
    if elder:
        wallet = Wallet(elder.address, elder.who, elder.units)
        if elder.token:
            wallet.tokens[elder.token] = elder.held
        return wallet
    wallet = script.person(3000) if script.chance(30) else script.wallet()
    script.fund(wallet, script.sum(world.coin, 40, 20_000), None)
    for _ in range(script.number(0, 2)):
        script.wait(MINUTE, HOUR)
        asset = script.asset()
        source = script.hot() if bits(1) else script.person().address
        script.receive(wallet, asset, script.sum(asset, 60, 120_000), source, None)
    if bits(1):
        script.wait(MINUTE, HOUR)
        contact = world.people[world.contact(wallet.who, bits)]
        script.pay(wallet, world.coin, wallet.coin >> 3, contact, None)
    return wallet


def empty(script: Script, wallet: Wallet, to: Wallet, role: Role, share: int = 100) -> None:
    """Send a share (percent) of everything that a wallet holds, tokens first, seconds to minutes apart."""
    for asset in (*wallet.tokens, script.world.coin):
        script.send(wallet, asset, script.holds(wallet, asset) * share // 100, to, role)
        script.wait(12, 3 * MINUTE)


__all__ = [
    "DAY",
    "HOUR",
    "MINUTE",
    "Script",
    "Seen",
    "Wallet",
    "cash_out",
    "empty",
    "holder",
    "thief",
    "twin_of",
    "watched",
]
