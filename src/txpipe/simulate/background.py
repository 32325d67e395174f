"""Background traffic: what people, exchanges, merchants and contracts do all day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import partial

from txpipe.simulate import conduct, shapes
from txpipe.simulate.assets import Asset
from txpipe.simulate.conduct import Draft
from txpipe.simulate.ledger import Ledger
from txpipe.simulate.shapes import Bits
from txpipe.simulate.world import Deposit, World

Act = Callable[[], object]
"""Writes one transaction into the open block."""

_MIX_BITS = 12

# Blocks between a deposit and its sweep: a minute to an hour, more often soon.
_SWEEP_AFTER = (4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 55, 75, 100, 150, 300)


class Background:
    """Draws the background transactions of one block after the other."""

    def __init__(self, world: World, ledger: Ledger, bits: Bits) -> None:
        self._world = world
        self._ledger = ledger
        self._bits = bits
        self._due: defaultdict[int, list[Act]] = defaultdict(list)
        self._height = 0
        self._acts = shapes.weighted(self._own() | self._usual(), 1 << _MIX_BITS)

    def plan(self, height: int, count: int) -> list[Act]:
        """Draw ``count`` transactions and add those that earlier ones made due; in block order."""
        self._height = height
        bits, acts = self._bits, self._acts
        planned: list[Act] = [acts[bits(_MIX_BITS)] for _ in range(count)]
        for act in self._due.pop(height, ()):
            planned.insert(bits(16) * (len(planned) + 1) >> 16, act)
        return planned

    def _usual(self) -> dict[Act, int]:
        """Return what ``conduct`` draws, with shares of about a thousandth."""
        alone: dict[Act, int] = {
            partial(self._alone, draw): share
            for draw, share in (
                (conduct.swap_tokens, 55),
                (conduct.swap_coin, 65),
                (conduct.swap_back, 50),
                (conduct.mint, 14),
            )
        }
        paired: dict[Act, int] = {
            partial(self._paired, draw): share
            for draw, share in (
                (conduct.pull, 12),
                (conduct.call, 100),
                (conduct.pay_call, 25),
                (conduct.send_nft, 14),
                (conduct.fail, 18),
            )
        }
        return alone | paired

    def _own(self) -> dict[Act, int]:
        """Return the rest: plain payments, exchanges, merchants; the sweeps of deposits come on top."""
        return {
            self._send_coin: 150,
            self._send_token: 170,
            self._deposit_coin: 45,
            self._deposit_token: 50,
            self._withdraw_coin: 70,
            self._withdraw_token: 55,
            self._buy: 40,
            self._approve: 55,
            self._approve_all: 10,
            self._disperse: 8,
            self._create: 2,
            self._self: 2,
            self._store: 5,
        }

    def _receiver(self, who: int) -> str:
        """Pick whom a person pays: mostly a usual contact, else somebody popular or somebody new."""
        bits, world = self._bits, self._world
        chance = bits(6)
        if chance < 40:
            return world.people[world.contact(who, bits)]
        return world.people[world.person(bits) if chance < 57 else world.newcomer(bits)]

    def _alone(self, draw: Callable[[World, Bits, int, str], Draft]) -> None:
        world = self._world
        who = world.person(self._bits)
        write, args = draw(world, self._bits, who, world.people[who])
        write(self._ledger, *args)

    def _paired(self, draw: Callable[[World, Bits, int, str, str], Draft]) -> None:
        world = self._world
        who = world.person(self._bits)
        write, args = draw(world, self._bits, who, world.people[who], self._receiver(who))
        write(self._ledger, *args)

    def _send_coin(self) -> None:  # as conduct.send_coin, straight, for it is the most frequent
        world, bits = self._world, self._bits
        who = world.person(bits)
        to = self._receiver(who)
        self._ledger.native(world.people[who], to, world.payment(who, world.coin, bits))

    def _send_token(self) -> None:
        world, bits = self._world, self._bits
        who = world.person(bits)
        to = self._receiver(who)
        token = world.tokens[bits(10)]
        self._ledger.token(token, world.people[who], to, world.payment(who, token, bits))

    def _approve(self) -> None:
        world, bits = self._world, self._bits
        who = world.person(bits)
        write, args = conduct.approve(world, bits, who, world.people[who], conduct.spender(world, bits))
        write(self._ledger, *args)

    def _approve_all(self) -> None:
        world, bits = self._world, self._bits
        owner = world.people[world.person(bits)]
        self._ledger.approve_all(world.collection(bits), owner, world.contract(bits).address)

    def _deposit_coin(self) -> None:
        world, bits = self._world, self._bits
        who = world.person(bits)
        deposit = world.deposit(who, bits)
        units = world.payment(who, world.coin, bits)
        self._ledger.native(world.people[who], deposit.address, units)
        fee = conduct.fee(bits, conduct.SEND_GAS)
        if units > 3 * fee:
            self._later(partial(self._sweep_coin, deposit, units - fee))

    def _deposit_token(self) -> None:
        world, bits = self._world, self._bits
        who = world.person(bits)
        token = world.known["USDC" if bits(2) == 0 else "USDT"]
        deposit = world.deposit(who, bits)
        units = world.payment(who, token, bits)
        self._ledger.token(token, world.people[who], deposit.address, units)
        self._later(partial(self._fund_gas, deposit, token, units))

    def _later(self, act: Act) -> None:
        self._due[self._height + _SWEEP_AFTER[self._bits(4)]].append(act)

    def _sweep_coin(self, deposit: Deposit, units: int) -> None:
        self._ledger.native(deposit.address, deposit.exchange.pays_from(self._bits), units)

    def _fund_gas(self, deposit: Deposit, token: Asset, deposited: int) -> None:
        """Pay the gas that a deposit address needs to move a token, and more; it moves some blocks later."""
        cost = conduct.fee(self._bits, conduct.TOKEN_GAS)
        units = cost * (1 + self._bits(4)) + self._bits(30)
        self._ledger.native(deposit.exchange.pays_from(self._bits), deposit.address, units)
        self._later(partial(self._sweep_token, deposit, token, deposited))

    def _sweep_token(self, deposit: Deposit, token: Asset, units: int) -> None:
        self._ledger.token(token, deposit.address, deposit.exchange.pays_from(self._bits), units)

    def _withdraw_coin(self) -> None:
        world, bits = self._world, self._bits
        who = world.newcomer(bits) if bits(3) == 0 else world.person(bits)
        hot = world.deposit(who, bits).exchange.pays_from(bits)
        self._ledger.native(hot, world.people[who], world.payment(who, world.coin, bits))

    def _withdraw_token(self) -> None:
        world, bits = self._world, self._bits
        who = world.person(bits)
        token = world.token(bits)
        hot = world.deposit(who, bits).exchange.pays_from(bits)
        self._ledger.token(token, hot, world.people[who], world.payment(who, token, bits))

    def _buy(self) -> None:
        """Pay a merchant, mostly a shop price in a stablecoin."""
        world, bits = self._world, self._bits
        who = world.person(bits)
        buyer, shop = world.people[who], world.merchant(bits)
        if bits(2):
            price_cents = 99 + 100 * (bits(8) * bits(8) >> 7)
            self._ledger.token(world.known["USDC"], buyer, shop, price_cents * 10**4)
        else:
            self._ledger.native(buyer, shop, world.payment(who, world.coin, bits))

    def _disperse(self) -> None:
        """Pay many in one transaction: an exchange's withdrawals, or wages."""
        world, bits = self._world, self._bits
        who = world.person(bits)
        token = world.token(bits)
        sender = world.exchange(bits).pays_from(bits) if bits(1) else world.people[who]
        paid = [(self._receiver(who), world.payment(who, token, bits)) for _ in range(3 + bits(4))]
        self._ledger.disperse(token, sender, world.disperser, paid)

    def _create(self) -> None:
        world = self._world
        self._ledger.create(world.people[world.person(self._bits)], world.fresh())

    def _self(self) -> None:
        """Pay oneself: half the time nothing at all, which cancels a transaction that is stuck."""
        world, bits = self._world, self._bits
        who = world.person(bits)
        units = world.payment(who, world.coin, bits) if bits(1) else 0
        self._ledger.native(world.people[who], world.people[who], units)

    def _store(self) -> None:
        """Move an exchange's surplus to its cold wallet."""
        exchange = self._world.exchange(self._bits)
        self._ledger.native(exchange.pays_from(self._bits), exchange.cold, (50 + self._bits(10)) * 10**18)
