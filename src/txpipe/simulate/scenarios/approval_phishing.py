"""Approval phishing: owners are talked into approving a drainer, which then pulls what they have.

The fraud: a fresh account or a fresh contract collects approvals, signed permits or whole-collection rights
from several owners within hours, and moves what was approved to itself, at times split with the one who runs
the kit. Careful drainers let accounts of their own use the contract first, wait for days, take a part, and
change the spender every few owners.

The twin: a newly opened dApp whose users approve it, call it themselves and get something back; a merchant
who pulls a subscription; a solver who swaps what owners approved and pays them in the same transaction.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

from txpipe.simulate import business, trading
from txpipe.simulate.assets import Asset
from txpipe.simulate.ledger import SAFE_TRANSFER_FROM, UNLIMITED, Ledger, Move, item
from txpipe.simulate.scenarios import acts
from txpipe.simulate.scenarios.acts import HOUR, MINUTE, Script, Wallet
from txpipe.simulate.scenarios.base import Scenario, Step
from txpipe.simulate.world import World

_SPLITS = (0, 0, 20, 20, 20, 25, 30, 15)
"""Percent that the operator of the kit gets; 20 % is the most common (BlockSec and Zhejiang University)."""


class _Kit(NamedTuple):
    """A drainer at work.

    Attributes:
        thief: who sends the transactions.
        spender: what owners approve: the thief, or its contract.
        operator: who runs the kit.
        split: the operator's percentage.
        gap_s: seconds between owners, from and to.
        nap_s: seconds between an approval and its use, from and to.
        share: percentage that is pulled of what an owner has.
    """

    thief: Wallet
    spender: str
    operator: str
    split: int
    gap_s: tuple[int, int] = (MINUTE, 2 * HOUR)
    nap_s: tuple[int, int] = (12, HOUR)
    share: int = 100


def _attack(world: World, rng: random.Random) -> Sequence[Step]:
    script = Script(world, rng)
    kit = _kit(script)
    _collect(script, kit, script.number(3, 12))
    acts.cash_out(script, kit.thief)
    return script.steps


def _adaptive(world: World, rng: random.Random) -> Sequence[Step]:
    script = Script(world, rng)
    for _ in range(script.number(1, 2)):
        kit = _kit(script, known=True)
        if kit.spender != kit.thief.address:
            _disguise(script, kit)
        slow = kit._replace(gap_s=(HOUR, 10 * HOUR), nap_s=(HOUR, 14 * HOUR), share=script.number(30, 85))
        _collect(script, slow, script.number(1, 3))
        acts.cash_out(script, kit.thief, slow=True)
    return script.steps


SCENARIO = Scenario(
    "approval-phishing",
    _attack,
    acts.twin_of(business.launch, business.subscription, trading.solved),
    _adaptive,
)


def _kit(script: Script, *, known: bool = False) -> _Kit:
    """Set up a spender: the thief's own account, or a contract that it deploys."""
    thief = acts.thief(script, known=known)
    spender = thief.address
    if script.chance(55):
        spender = script.world.fresh()
        script.do("setup", (Ledger.create, (thief.address, spender)))
        script.wait(5 * MINUTE, 4 * HOUR)
    return _Kit(thief, spender, script.world.fresh(), _SPLITS[script.bits(3)])


def _disguise(script: Script, kit: _Kit) -> None:
    """Let accounts of the thief's own use the contract as if it were a service."""
    contract = script.world.contract(script.bits)
    for _ in range(script.number(1, 3)):
        shill = script.wallet()
        script.gas(shill, "setup")
        script.wait(10 * MINUTE, 3 * HOUR)
        units = script.sum(script.world.coin, 5, 12)
        args = (shill.address, kit.spender, units, contract.method, ())
        script.do("setup", (Ledger.pay_call, args))
        script.wait(10 * MINUTE, 3 * HOUR)


def _collect(script: Script, kit: _Kit, owners: int) -> None:
    """Get approvals from owners and pull what each has, each owner on its own clock."""
    ends = []
    for _ in range(owners):
        began = script.now
        owner = script.person(20)
        if script.bits(2) == 0:
            _take_nfts(script, kit, owner)
        else:
            _take_token(script, kit, owner)
        ends.append(script.now)
        script.now = began
        script.wait(*kit.gap_s)
    script.now = max(ends)


def _take_token(script: Script, kit: _Kit, owner: Wallet) -> None:
    """Get an approval or a signed permit, wait, pull."""
    world, bits = script.world, script.bits
    token = script.asset()
    if token is world.coin:
        token = world.known["USDC"]
    units = script.sum(token, 50, 200_000)
    if bits(1):
        script.receive(owner, token, units, script.hot(), None)
        script.wait(10 * MINUTE, 6 * HOUR)
    allowed = UNLIMITED if bits(2) else units
    if kit.spender == kit.thief.address and bits(2) == 0:
        script.do("attack", (Ledger.permit, (token, owner.address, kit.spender, allowed, kit.spender)))
    else:
        script.do("attack", (Ledger.approve, (token, owner.address, kit.spender, allowed)))
    script.wait(*kit.nap_s)
    _pull(script, kit, owner.address, token, units * kit.share // 100)


def _pull(script: Script, kit: _Kit, owner: str, token: Asset, units: int) -> None:
    """Move the tokens: all to the thief, or a part to the operator, at once or after one another."""
    thief = kit.thief
    cut = units * kit.split // 100
    thief.tokens[token] = thief.tokens.get(token, 0) + units - cut
    if kit.spender != thief.address:
        moves: list[Move] = [(token, owner, thief.address, units - cut)]
        if cut:
            moves.insert(script.bits(1), (token, owner, kit.operator, cut))
        method = script.world.contract(script.bits).method
        calldata = (method, (token.contract, owner) if script.bits(1) else ())
        script.do("payoff", (Ledger.batch, (thief.address, kit.spender, calldata, moves)))
        return
    script.do("payoff", (Ledger.pull, (token, thief.address, owner, thief.address, units - cut)))
    if cut:
        script.wait(12, 2 * MINUTE)
        script.do("payoff", (Ledger.pull, (token, thief.address, owner, kit.operator, cut)))


def _take_nfts(script: Script, kit: _Kit, owner: Wallet) -> None:
    """Get the right to a whole collection and take some of it."""
    world = script.world
    collection = world.collection(script.bits)
    script.do("attack", (Ledger.approve_all, (collection, owner.address, kit.spender)))
    script.wait(*kit.nap_s)
    for _ in range(script.number(1, 3)):
        asset = item(world.chain, collection, script.bits(14))
        calldata = (SAFE_TRANSFER_FROM, (owner.address, kit.thief.address))
        moves = [(asset, owner.address, kit.thief.address, 1)]
        to = collection if kit.spender == kit.thief.address else kit.spender
        script.do("payoff", (Ledger.batch, (kit.thief.address, to, calldata, moves)))
        script.wait(12, 5 * MINUTE)
