"""Background traffic: what people, exchanges, merchants and contracts do all day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import partial

from txpipe.simulate import conduct, shapes, trading
from txpipe.simulate.assets import MARKET, ROUTERS, Asset
from txpipe.simulate.conduct import Draft
from txpipe.simulate.ledger import Ledger
from txpipe.simulate.shapes import Bits
from txpipe.simulate.world import Deposit, World

Act = Callable[[], object]
"""Writes one transaction into the open block."""

_MIX_BITS = 12
_TO_CONTACT, _TO_ANYONE = 49, 58
"""Of 64 payments, those to a usual contact; with those to somebody popular; the rest goes to new accounts."""

_DAY = 4800
"""Blocks between two consolidations of a shop, at least: sixteen hours."""

# Blocks between a deposit and its sweep: a minute to an hour, more often soon.
_SWEEP_AFTER = (4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 55, 75, 100, 150, 300)


# How often what ``conduct`` and ``trading`` draw, in about a thousandth of the background's transactions.
_ALONE = (
    (conduct.swap_tokens, 45),
    (conduct.swap_coin, 52),
    (conduct.swap_back, 42),
    (conduct.mint, 8),
)
_SERVED = (
    (trading.make, 36),
    (trading.refill, 3),
    (trading.liquidity, 10),
    (trading.bridge_in, 12),
    (trading.bridge_out, 12),
    (trading.settle, 14),
    (trading.sale, 6),
    (trading.nothing, 4),
    (trading.fan_out, 2),
)
_PAIRED = (
    (conduct.call, 90),
    (conduct.pay_call, 22),
    (conduct.send_nft, 12),
    (conduct.fail, 18),
)


class Background:
    """Draws the background transactions of one block after the other."""

    def __init__(self, world: World, ledger: Ledger, bits: Bits) -> None:
        self._world = world
        self._ledger = ledger
        self._bits = bits
        self._tills: dict[str, int] = {}
        self._due: defaultdict[int, list[Act]] = defaultdict(list)
        self._height = 0
        self._acts = shapes.weighted(self._own() | self._usual(), 1 << _MIX_BITS)

    def plan(self, height: int, count: int, after: int) -> list[Act]:
        """Draw ``count`` transactions and add those that earlier ones made due; in block order.

        Args:
            height: of the block.
            count: of transactions to draw.
            after: height of the block before.
        """
        self._height = height
        bits, acts = self._bits, self._acts
        planned: list[Act] = [acts[bits(_MIX_BITS)] for _ in range(count)]
        late = [] if after == height - 1 else sorted(due for due in self._due if after < due < height)
        for act in (act for due in (*late, height) for act in self._due.pop(due, ())):
            planned.insert(bits(16) * (len(planned) + 1) >> 16, act)
        return planned

    def _usual(self) -> dict[Act, int]:
        """Return what others draw, with its shares."""
        alone: dict[Act, int] = {partial(self._alone, draw): share for draw, share in _ALONE}
        served: dict[Act, int] = {partial(self._served, draw): share for draw, share in _SERVED}
        paired: dict[Act, int] = {partial(self._paired, draw): share for draw, share in _PAIRED}
        return alone | served | paired

    def _own(self) -> dict[Act, int]:
        """Return the rest: plain payments, exchanges, merchants; sweeps and consolidations come on top."""
        return {
            self._send_coin: 150,
            self._send_token: 170,
            self._deposit_coin: 40,
            self._deposit_token: 44,
            self._withdraw_coin: 60,
            self._withdraw_token: 50,
            self._buy: 46,
            self._approve: 48,
            self._approve_all: 10,
            self._disperse: 6,
            self._pay_out: 3,
            self._create: 8,
            self._self: 2,
            self._store: 5,
        }

    def _receiver(self, who: int) -> str:
        """Pick whom a person pays: mostly a usual contact, else somebody popular or somebody new."""
        bits, world = self._bits, self._world
        chance = bits(6)
        if chance < _TO_CONTACT:
            return world.usual(who, bits)
        return world.people[world.person(bits) if chance < _TO_ANYONE else world.newcomer(bits)]

    def _served(self, draw: Callable[[World, Bits], Draft]) -> None:
        write, args = draw(self._world, self._bits)
        write(self._ledger, *args)

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
        sender, to = world.people[who], self._receiver(who)
        units = world.payment(who, world.coin, bits)
        world.recent.append((sender, who, to, world.coin, units))
        self._ledger.native(sender, to, units)

    def _send_token(self) -> None:
        world, bits = self._world, self._bits
        who = world.person(bits)
        sender, to = world.people[who], self._receiver(who)
        token = world.token_of(who, bits)
        units = world.payment(who, token, bits)
        world.recent.append((sender, who, to, token, units))
        self._ledger.token(token, sender, to, units)

    def _approve(self) -> None:
        world, bits = self._world, self._bits
        who = world.person(bits)
        owner, spender = world.people[who], conduct.spender(world, bits)
        write, args = conduct.approve(world, bits, who, owner, spender)
        write(self._ledger, *args)
        if spender in ROUTERS:
            self._due[self._height + 1 + bits(4)].append(partial(self._use, who, args[0], spender))

    def _use(self, who: int, give: Asset, router: str) -> None:
        """Swap through the router that was approved just before."""
        world, bits = self._world, self._bits
        take = world.known["WETH"] if give is not world.known["WETH"] else world.known["USDC"]
        units = world.payment(who, give, bits)
        takes = conduct.slip(give.worth(units, take), bits)
        self._ledger.swap(router, world.pair(give, take), world.people[who], (give, units), (take, takes))

    def _approve_all(self) -> None:
        world, bits = self._world, self._bits
        owner = world.people[world.person(bits)]
        operator = MARKET if bits(1) else world.contract(bits).address
        self._ledger.approve_all(world.collection(bits), owner, operator)

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
        who = world.newcomer(bits) if bits(4) == 0 else world.person(bits)
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
        if not bits(2):
            self._ledger.native(buyer, shop, world.payment(who, world.coin, bits))
            return
        units = (99 + 100 * (bits(8) * bits(8) >> 7)) * 10**4
        self._ledger.token(world.known["USDC"], buyer, shop, units)
        if shop not in self._tills:
            self._due[self._height + _DAY + (bits(16) * _DAY >> 17)].append(partial(self._consolidate, shop))
            self._tills[shop] = 0
        self._tills[shop] += units

    def _consolidate(self, shop: str) -> None:
        """Bring what a shop took in a day to its exchange."""
        to = self._world.shop_bank(shop)
        self._ledger.token(self._world.known["USDC"], shop, to, self._tills.pop(shop))

    def _disperse(self) -> None:
        """Pay some in one transaction."""
        world, bits = self._world, self._bits
        who = world.person(bits)
        token = world.token(bits)
        sender = world.exchange(bits).pays_from(bits) if bits(1) else world.people[who]
        paid = [(self._receiver(who), world.payment(who, token, bits)) for _ in range(3 + bits(4))]
        self._ledger.disperse(token, sender, world.disperser, paid)

    def _pay_out(self) -> None:
        """Pay customers' withdrawals out in a batch."""
        world, bits = self._world, self._bits
        token = world.known["USDC" if bits(1) else "USDT"]
        paid = [(world.people[who], world.payment(who, token, bits)) for who in world.several(bits)]
        self._ledger.disperse(token, world.exchange(bits).pays_from(bits), world.disperser, paid)

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
