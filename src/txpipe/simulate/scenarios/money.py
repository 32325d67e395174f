"""The plot of an instance: who pays whom, so that nobody spends what he has not got.

Amounts are heavy-tailed like people's, at times typed with few digits, at times not. A fresh account never
spends more than it was paid, pays its fees, and is given gas before it moves a token; whatever arrives at a
deposit address is swept by the exchange, as in the background.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from txpipe.simulate import conduct
from txpipe.simulate.assets import Asset
from txpipe.simulate.conduct import Draft
from txpipe.simulate.ledger import UNLIMITED, Ledger
from txpipe.simulate.scenarios.base import Role, Step
from txpipe.simulate.scenarios.dice import Dice, Purse
from txpipe.simulate.world import Deposit, Exchange, World

HOUR_S = 3600
DAY_S = 86_400
SWAP_GAS = 150_000

_NAP_S = 40
"""Shortest time between a payment and what depends on it: more than three blocks."""

_SWEEP_AFTER_S = (48, 60, 72, 96, 120, 144, 180, 240, 300, 360, 480, 660, 900, 1200, 1800, 3600)


class Plot(Dice):
    """Writes down who does what when; times are seconds from any origin until the steps are asked for.

    Attributes:
        fuel: who gives gas to fresh accounts; None is one exchange withdrawal each.
        sweeps: role of an exchange's sweeps.
        careful: the fraudster takes care.
    """

    def __init__(
        self, world: World, rng: random.Random, *, honest: bool = False, careful: bool = False
    ) -> None:
        """Tell a fraud, or the look-alike, in which every role becomes the look-alike's."""
        super().__init__(world, rng)
        self.fuel: str | None = None
        self.sweeps: Role | None = None
        self.careful = careful
        self._honest = honest
        self._steps: list[Step] = []

    def steps(self) -> list[Step]:
        """Return all steps in order of time, the first at 0."""
        first = min(step.after_s for step in self._steps)
        steps = sorted(self._steps, key=lambda step: step.after_s)
        return [step._replace(after_s=step.after_s - first) for step in steps]

    def tell(self, at: int, role: Role | None, draft: Draft) -> None:
        """Add a step."""
        self._steps.append(Step(at, "benign-lookalike" if role and self._honest else role, draft))

    def fees(self, asset: Asset, count: int) -> int:
        """Return coin that pays for some transactions at the most; nothing if another asset moves."""
        return count * 6 * 10**15 if asset is self.world.coin else 0

    def most(self, purse: Purse) -> int:
        """Return what a purse can send once, a fee kept."""
        return purse.units - self.fees(purse.asset, 1)

    def act(self, at: int, role: Role | None, purse: Purse, draft: Draft) -> None:
        """Add what a purse's owner does, who needs gas for it."""
        if purse.asset is not self.world.coin:
            self.gas(at, purse)
        else:
            purse.units -= conduct.fee(self.bits, conduct.TOKEN_GAS)
        self.tell(at, role, draft)

    def pay(self, at: int, role: Role | None, purse: Purse, to: Purse | str, units: int) -> int:
        """Pay, or as much of it as there is less a fee; nothing is told if that is nothing.

        Returns:
            What arrives.
        """
        coin = purse.asset is self.world.coin
        cost = conduct.fee(self.bits, conduct.SEND_GAS) if coin else 0
        if not purse.old:
            units = min(units, purse.units - cost)
        if units <= 0:
            return 0
        if not coin:
            self.gas(at, purse)
        purse.units -= units + cost
        receiver = to
        if isinstance(to, Purse):
            receiver = to.address
            to.asset = purse.asset
            to.units += units
        self.tell(at, role, self._sent(purse.asset, purse.address, str(receiver), units))
        return units

    def disperse(self, at: int, role: Role | None, purse: Purse, paid: Sequence[tuple[Purse, int]]) -> None:
        """Pay many in a token in one transaction; the purse is an old one."""
        receivers = tuple((to.address, units) for to, units in paid)
        telling = self.between(0, len(paid) - 1)
        for to, units in paid:
            to.units += units
            purse.units -= units
        args = (purse.asset, purse.address, self.world.disperser, receivers, telling)
        self.tell(at, role, (Ledger.disperse, args))

    def deposit(self, at: int, role: Role | None, purse: Purse, units: int, desk: Deposit) -> None:
        """Pay in at an exchange, which sweeps it later."""
        units = self.pay(at, role, purse, desk.address, units)
        if not units:
            return
        swept_at = at + self.pick(_SWEEP_AFTER_S)
        hot = desk.exchange.pays_from(self.bits)
        if purse.asset is not self.world.coin:
            gas = conduct.fee(self.bits, conduct.TOKEN_GAS) * (1 + self.bits(4)) + self.bits(30)
            self.tell(swept_at, self.sweeps, conduct.native(hot, desk.address, gas))
            swept_at += self.pick(_SWEEP_AFTER_S)
            hot = desk.exchange.pays_from(self.bits)
        else:
            cost = conduct.fee(self.bits, conduct.SEND_GAS)
            if units <= 3 * cost:
                return
            units -= cost
        self.tell(swept_at, self.sweeps, self._sent(purse.asset, desk.address, hot, units))

    def withdraw(
        self, at: int, role: Role | None, to: Purse, units: int, exchange: Exchange | None = None
    ) -> None:
        """Let an exchange pay out, in what the purse is for."""
        hot = (exchange or self.world.exchange(self.bits)).pays_from(self.bits)
        to.units += units
        self.tell(at, role, self._sent(to.asset, hot, to.address, units))

    def trade(self, at: int, role: Role | None, give: Purse, take: Purse, units: int) -> None:
        """Swap at a pool, if there is anything; ``take`` is the account's purse for the other asset."""
        world, bits = self.world, self.bits
        coin, wrapped = world.coin, world.known["WETH"]
        if give.asset is not coin and not give.old:
            self.gas(at - 4 * _NAP_S, give)
            if not give.router:
                self._approve(at - self.gap(_NAP_S, 1), give)
        router = give.router or world.router(bits)
        pair = world.pair(*(wrapped if one is coin else one for one in (give.asset, take.asset)))
        if give.asset is coin:
            cost = conduct.fee(bits, SWAP_GAS)
            units = units if give.old else min(units, give.units - cost)
            give.units -= cost
        if units <= 0:
            return
        takes = conduct.slip(give.asset.worth(units, take.asset), bits)
        give.units -= units
        take.units += takes
        if give.asset is coin:
            draft: Draft = (Ledger.swap_coin, (router, pair, give.address, units, (take.asset, takes)))
        elif take.asset is coin:
            draft = (Ledger.swap_back, (router, pair, give.address, (give.asset, units), takes))
        else:
            draft = (Ledger.swap, (router, pair, give.address, (give.asset, units), (take.asset, takes)))
        self.tell(at, role, draft)

    def swap(self, at: int, role: Role | None, purse: Purse, take: Asset) -> None:
        """Swap all that is in a purse; what wraps the coin becomes a stablecoin instead."""
        if {purse.asset, take} == {self.world.coin, self.world.known["WETH"]}:
            take = self.stable()
        other = Purse(purse.address, take, purse.rank, old=purse.old)
        self.trade(at, role, purse, other, purse.units)
        purse.asset, purse.units, purse.router = take, other.units, ""

    def source(self, at: int, asset: Asset, units: int) -> tuple[Purse, int]:
        """Let somebody have a sum.

        An account with a past, or a fresh one that an exchange, an older account or several people have
        paid.

        Returns:
            The purse and when it may be spent.
        """
        purse = self.old(asset, units)
        kind = self.bits(3)
        if kind < 3:
            return purse, at
        purse = self.fresh(asset)
        if kind == 3:
            self.pay(at, "setup", self.old(asset), purse, units)
        for paid in self.parts(units, self.few(1, 3 if kind < 7 else 12), 200) if kind > 3 else ():
            if kind < 7:
                self.withdraw(at, "setup", purse, paid)
            else:
                self.pay(at, None, self.old(asset), purse, paid)
            at += self.gap(_NAP_S, 8)
        return purse, at + self.gap(60, 8)

    def cash_out(self, at: int, purse: Purse) -> None:
        """Turn all that is in a purse into something else: exchanges, another asset, somebody who trades."""
        if self.odds(4):
            other, instead = self.asset(), self.world.known["DAI"]
            if other is purse.asset:
                other = instead if purse.asset is not instead else self.world.coin
            self.swap(at, "payoff", purse, other)
            if self.odds(6):
                return
            at += self.gap(300, 7)
        if self.odds(4):
            self.pay(at, "payoff", purse, self.old(purse.asset), purse.units)
        else:
            self.pay_in(at, "payoff", purse)

    def pay_in(self, at: int, role: Role | None, purse: Purse) -> None:
        """Pay all that is in a purse to one exchange account or a few."""
        for left in range(self.few(1, 4), 0, -1):
            self.deposit(at, role, purse, self.part(purse.units // left, 800, 1000), self.desk())
            at += self.gap(300, 6)

    def spend(self, at: int, role: Role | None, purse: Purse) -> None:
        """Do something ordinary with a part of a purse, as its owner would with such means."""
        world, bits = self.world, self.bits
        kind = bits(4)
        if kind < 8:
            paid = world.payment(purse.rank, purse.asset, bits)
            if not purse.old and (self.odds(6) or paid * 3 > purse.units):
                paid = self.typed(self.part(purse.units, 50, 600))
            if kind < 3:
                self.deposit(at, role, purse, paid, self.desk())
            else:
                friend = world.people[world.contact(purse.rank, bits)]
                self.pay(at, role, purse, friend if kind < 6 else world.merchant(bits), paid)
            return
        draft = conduct.approve(world, bits, purse.rank, purse.address, conduct.spender(world, bits))
        if kind >= 12:
            contact = world.people[world.contact(purse.rank, bits)]
            draft = conduct.call(world, bits, purse.rank, purse.address, contact)
        elif kind >= 10:
            draft = conduct.mint(world, bits, purse.rank, purse.address)
        self.act(at, role, purse, draft)

    def live(self, at: int, role: Role | None, purse: Purse) -> None:
        """Do any ordinary thing, on the scale of an account with means of its own."""
        world, bits, rank = self.world, self.bits, purse.rank
        alone = (conduct.swap_tokens, conduct.swap_coin, conduct.swap_back)
        paired = (conduct.send_coin, conduct.send_token, conduct.call, conduct.pay_call)
        if self.odds(6):
            self.tell(at, role, self.pick(alone)(world, bits, rank, purse.address))
        else:
            to = world.people[world.contact(rank, bits)]
            self.tell(at, role, self.pick(paired)(world, bits, rank, purse.address, to))

    def _sent(self, asset: Asset, sender: str, to: str, units: int) -> Draft:
        if asset is self.world.coin:
            return conduct.native(sender, to, units)
        return conduct.token(asset, sender, to, units)

    def _approve(self, at: int, purse: Purse) -> None:
        self.gas(at, purse)
        purse.router = self.world.router(self.bits)
        units = UNLIMITED if self.bits(2) else purse.units
        self.tell(at, "setup", (Ledger.approve, (purse.asset, purse.address, purse.router, units)))

    def gas(self, at: int, purse: Purse) -> None:
        """Give a fresh account the gas for a move soon, and perhaps for more."""
        if purse.old:
            return
        if purse.moves:
            purse.moves -= 1
            return
        purse.moves = 1 + self.bits(2)
        cost = conduct.fee(self.bits, conduct.TOKEN_GAS)
        units = self.typed(cost * (1 + purse.moves + self.bits(3)) + self.bits(30))
        payer = self.fuel or self.world.exchange(self.bits).pays_from(self.bits)
        before_s = self.gap(_NAP_S, 4)
        self.tell(at - before_s, "setup", conduct.native(payer, purse.address, units))
