"""Payments to and from listed wallets; the twin deals with wallets that only look or behave alike.

The fraud: customers and victims pay a wallet of the demo list in coin, tokens or an NFT, one by one or in a
batch, approve it as a spender, or call a contract that only mentions it; some attempts fail. Then the wallet
cashes out: to an exchange, to a fresh account, through a router, or by pulling what was approved.

The twin does the same with an address that shares its first and last digits with a listed one, a one-off
wallet, a customer's deposit address or a public service. No rule that reads lists may fire on it.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Sequence

from txpipe.simulate import conduct, listed
from txpipe.simulate.conduct import Draft
from txpipe.simulate.ledger import Ledger
from txpipe.simulate.scenarios.base import Role, Scenario, Step, pause_s
from txpipe.simulate.shapes import Bits, weighted
from txpipe.simulate.world import World

NAME = "listed-payment"

_PAYMENTS = (0, 1, 1, 2, 2, 3, 4, 6)
_CASH_OUTS = (0, 0, 1, 1, 1, 2, 3, 4)


def _attack(world: World, rng: random.Random) -> Sequence[Step]:
    return _episode(world, rng, _listed(rng), _busy(rng, "attack", "payoff"))


def _twin(world: World, rng: random.Random) -> Sequence[Step]:
    bits = rng.getrandbits
    kind = bits(4)
    if kind == 0:
        return _episode(world, rng, conduct.spender(world, bits), [("benign-lookalike", _SERVE, 1 + bits(1))])
    if kind < 3:
        deposit = world.deposit(world.person(bits), bits)
        return _episode(world, rng, deposit.address, [("benign-lookalike", _DEPOSIT, 1 + bits(1))])
    subject = _similar(rng) if kind < 10 else world.fresh()
    return _episode(world, rng, subject, _busy(rng, "benign-lookalike", "benign-lookalike"))


SCENARIO = Scenario(NAME, _attack, _twin)

_Move = Callable[[World, Bits, str], Draft]
_Part = tuple[Role, list[_Move], int]
"""The label's role, what may happen, how often."""


def _busy(rng: random.Random, paid: Role, cashed: Role) -> list[_Part]:
    """Draw how often the subject is paid and how often it cashes out; once at least, either way."""
    size = rng.getrandbits(3)
    return [
        (paid, _PAY, _PAYMENTS[size]),
        (cashed, _CASH, _CASH_OUTS[rng.getrandbits(3)] if size else 1),
    ]


def _episode(world: World, rng: random.Random, subject: str, parts: list[_Part]) -> list[Step]:
    """Draw what happens to and by one subject, one thing after the other."""
    after_s = 0
    steps = []
    for role, moves, count in parts:
        for _ in range(count):
            after_s += pause_s(rng)
            move = moves[rng.getrandbits(8)]
            steps.append(Step(after_s, role, move(world, rng.getrandbits, subject)))
    return steps


@functools.cache
def _wallets() -> tuple[str, ...]:
    """Return the listed wallets in an order that mixes categories and does not show in their first digits."""
    return tuple(sorted((wallet.address for wallet in listed.wallets()), key=lambda address: address[12:]))


def _listed(rng: random.Random) -> str:
    """Pick a listed wallet; a few are paid much more often than the rest."""
    wallets = _wallets()
    return wallets[rng.getrandbits(16) * rng.getrandbits(16) * len(wallets) >> 32]


def _similar(rng: random.Random) -> str:
    """Make an address that shares its first and last four digits with a listed one."""
    model = _listed(rng)
    return f"{model[:6]}{rng.randbytes(16).hex()}{model[-4:]}"


# Payments to the subject; kinds as often as in the background, so that a kind alone tells nothing.


def _paid_by(draw: Callable[[World, Bits, int, str, str], Draft]) -> _Move:
    """Let somebody do to the subject what people do to one another."""

    def move(world: World, bits: Bits, subject: str) -> Draft:
        who = world.person(bits)
        return draw(world, bits, who, world.people[who], subject)

    return move


def _naming(draw: Callable[[World, Bits, int, str, str], Draft]) -> _Move:
    """Let somebody call a contract, successfully or not, so that the transaction names the subject."""
    pay = _paid_by(draw)

    def move(world: World, bits: Bits, subject: str) -> Draft:
        while True:
            write, args = pay(world, bits, subject)
            if subject in args or subject in args[-1]:
                return write, args

    return move


def _withdrawn(world: World, bits: Bits, subject: str) -> Draft:
    """Let a customer withdraw from an exchange straight to the subject."""
    draw = conduct.send_token if bits(1) else conduct.send_coin
    return draw(world, bits, world.person(bits), world.exchange(bits).pays_from(bits), subject)


def _batched(world: World, bits: Bits, subject: str) -> Draft:
    """Pay the subject among others in one transaction."""
    who = world.person(bits)
    token = world.token(bits)
    receivers = [world.people[world.contact(who, bits)] for _ in range(2 + bits(4))]
    telling = bits(4) % (len(receivers) + 1)
    receivers.insert(telling, subject)
    paid = tuple((to, world.payment(who, token, bits)) for to in receivers)
    return Ledger.disperse, (token, world.people[who], world.disperser, paid, telling)


# What the subject does itself.


def _to_exchange(world: World, bits: Bits, subject: str) -> Draft:
    draw = (conduct.send_token, conduct.send_token, conduct.send_coin, conduct.send_rest)[bits(2)]
    who = world.newcomer(bits)
    return draw(world, bits, who, subject, world.deposit(who, bits).address)


def _to_account(world: World, bits: Bits, subject: str) -> Draft:
    draw = conduct.send_token if bits(1) else conduct.send_coin
    who = world.newcomer(bits) if bits(1) else world.person(bits)
    return draw(world, bits, who, subject, world.people[who])


def _by_itself(draw: Callable[[World, Bits, int, str], Draft]) -> _Move:
    return lambda world, bits, subject: draw(world, bits, world.person(bits), subject)


def _called(draw: Callable[[World, Bits, int, str, str], Draft]) -> _Move:
    """Let the subject call a contract that may name anyone."""

    def move(world: World, bits: Bits, subject: str) -> Draft:
        who = world.person(bits)
        return draw(world, bits, who, subject, world.people[who])

    return move


def _pulled(world: World, bits: Bits, subject: str) -> Draft:
    """Move what an owner approved."""
    who = world.person(bits)
    return conduct.pull(world, bits, who, subject, world.people[who])


def _table(shares: dict[_Move, int]) -> list[_Move]:
    return weighted(shares, 256)


_PAY = _table(
    {
        _paid_by(conduct.send_coin): 26,
        _paid_by(conduct.send_token): 25,
        _withdrawn: 22,
        _paid_by(conduct.approve): 10,
        _paid_by(conduct.approve_all): 2,
        _naming(conduct.call): 6,
        _naming(conduct.pay_call): 1,
        _paid_by(conduct.send_nft): 4,
        _naming(conduct.fail): 3,
        _batched: 1,
    }
)
_CASH = _table(
    {
        _to_exchange: 27,
        _to_account: 20,
        _by_itself(conduct.swap_tokens): 12,
        _by_itself(conduct.swap_coin): 14,
        _by_itself(conduct.swap_back): 11,
        _called(conduct.call): 16,
        _called(conduct.pay_call): 5,
        _by_itself(conduct.mint): 3,
        _pulled: 3,
    }
)
_SERVE = _table({_paid_by(conduct.approve): 3, _naming(conduct.call): 1})
_DEPOSIT = _table({_paid_by(conduct.send_coin): 1, _paid_by(conduct.send_token): 1})
