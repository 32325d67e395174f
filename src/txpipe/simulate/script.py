"""A script: the steps of one story on its own clock, and wallets that spend no more than they got."""

from __future__ import annotations

import random
from collections.abc import Iterable

from txpipe.simulate import conduct
from txpipe.simulate.assets import Asset
from txpipe.simulate.conduct import Draft
from txpipe.simulate.ledger import Ledger
from txpipe.simulate.step import Role, Step, between, stretched
from txpipe.simulate.world import World

MINUTE, HOUR, DAY = 60, 3600, 86400


class Wallet:
    """An account of a story and what it holds.

    Attributes:
        address: its own.
        who: rank on whose scale its amounts are drawn.
        coin: units of the native coin.
        tokens: units by token.
    """

    __slots__ = ("address", "coin", "tokens", "who")

    def __init__(self, address: str, who: int, coin: int = 0) -> None:
        self.address = address
        self.who = who
        self.coin = coin
        self.tokens: dict[Asset, int] = {}


class Script:
    """Writes one story step by step.

    Attributes:
        world: who there is.
        rng: the story's random stream.
        bits: its ``getrandbits``.
        now: seconds since the story began; ``wait`` moves it on.
        steps: what has been written.
    """

    def __init__(self, world: World, rng: random.Random) -> None:
        self.world = world
        self.rng = rng
        self.bits = rng.getrandbits
        self.now = 0
        self.steps: list[Step] = []

    def wait(self, low: int, high: int) -> None:
        """Let some seconds pass, small numbers more often."""
        bits = self.bits
        self.now += low + (bits(16) * bits(16) * (high - low + 1) >> 32)

    def do(self, role: Role | None, draft: Draft) -> None:
        """Write one transaction, now."""
        self.steps.append(Step(self.now, role, draft))

    def chance(self, percent: int) -> bool:
        """Decide by lot."""
        return self.bits(16) * 100 >> 16 < percent

    def number(self, low: int, high: int) -> int:
        """Draw an integer from low to high, both included."""
        drawn: int = low + (self.bits(32) * (high - low + 1) >> 32)
        return drawn

    def sum(self, asset: Asset, low: int, high: int) -> int:
        """Draw units worth some dollars, each doubling from low to high about as likely, large ones less."""
        most = 16 * max((high // low).bit_length() - 1, 1)
        doublings = (stretched(self.rng, 0, most) + between(self.rng, 0, most)) // 2
        dollars = min(low * (16 + doublings % 16) << (doublings >> 4) >> 4, high)
        return self.world.amount(100 * dollars + self.bits(7), asset, self.bits)

    def wallet(self, address: str | None = None) -> Wallet:
        """Return a wallet that holds nothing yet; a fresh one unless an address is given."""
        who = self.world.newcomer(self.bits)
        return Wallet(address or self.world.people[who], who)

    def person(self, lowest: int = 0, highest: int = (1 << 16) - 1) -> Wallet:
        """Return somebody's wallet, who holds what they held before; ranks by activity."""
        while not lowest <= (who := self.world.person(self.bits)) <= highest:
            pass
        bits = self.bits
        return Wallet(self.world.people[who], who, (1 + bits(10)) * 10**15 << bits(3))

    def stock(self, wallet: Wallet, asset: Asset, units: int) -> None:
        """Say that a wallet has held so much, and gas, since before the stream began."""
        wallet.coin += 10**17
        if asset is self.world.coin:
            wallet.coin += units
        else:
            wallet.tokens[asset] = wallet.tokens.get(asset, 0) + units

    def hot(self) -> str:
        """Return an exchange's hot wallet."""
        return self.world.exchange(self.bits).pays_from(self.bits)

    def asset(self) -> Asset:
        """Pick what is mostly stolen and mostly used: stablecoins, else the coin or a well-known token."""
        known = self.world.known
        return (known["USDT"], known["USDC"], self.world.coin, known[_VALUED[self.bits(3)]])[self.bits(2)]

    def fund(self, wallet: Wallet, units: int, role: Role | None, source: str | None = None) -> None:
        """Pay coin to a wallet, from an exchange unless a source is given."""
        self.do(role, conduct.native(source or self.hot(), wallet.address, units))
        wallet.coin += units

    def gas(self, wallet: Wallet, role: Role | None, source: str | None = None) -> None:
        """Pay a wallet what a few transactions cost, typed or computed: ten to a hundred dollars."""
        self.fund(wallet, self.sum(self.world.coin, 12, 120), role, source)

    def receive(self, wallet: Wallet, asset: Asset, units: int, source: str, role: Role | None) -> None:
        """Let somebody outside the story pay the wallet."""
        if asset is self.world.coin:
            self.fund(wallet, units, role, source)
        else:
            self.do(role, conduct.token(asset, source, wallet.address, units))
            wallet.tokens[asset] = wallet.tokens.get(asset, 0) + units

    def holds(self, wallet: Wallet, asset: Asset) -> int:
        """Return what the wallet can send of an asset, a fee kept."""
        if asset is not self.world.coin:
            return wallet.tokens.get(asset, 0)
        return wallet.coin - conduct.fee(self.bits, conduct.SEND_GAS)

    def pay(self, wallet: Wallet, asset: Asset, units: int, to: str, role: Role | None) -> int:
        """Send at most what the wallet holds; returns what was sent."""
        units = min(units, self.holds(wallet, asset))
        if units <= 0:
            return 0
        fee = conduct.fee(self.bits, conduct.SEND_GAS)
        if asset is self.world.coin:
            self.do(role, conduct.native(wallet.address, to, units))
            wallet.coin = max(wallet.coin - units - fee, 0)
        else:
            self.do(role, conduct.token(asset, wallet.address, to, units))
            wallet.tokens[asset] -= units
            wallet.coin = max(wallet.coin - 3 * fee, 0)
        return units

    def send(self, wallet: Wallet, asset: Asset, units: int, to: Wallet, role: Role | None) -> int:
        """Pay another wallet of the story."""
        sent = self.pay(wallet, asset, units, to.address, role)
        if asset is self.world.coin:
            to.coin += sent
        else:
            to.tokens[asset] = to.tokens.get(asset, 0) + sent
        return sent

    def swap(self, wallet: Wallet, give: Asset, units: int, role: Role | None) -> None:
        """Swap a token for coin, or coin for a stablecoin, through a router; unwrap wrapped coin."""
        world = self.world
        wrapped, router = world.known["WETH"], world.router(self.bits)
        units = min(units, self.holds(wallet, give))
        if units <= 0:
            return
        if give is wrapped:
            self.do(role, (Ledger.call, (wallet.address, wrapped.contract, _UNWRAP, ())))
            wallet.tokens[give] -= units
            wallet.coin += units
            return
        if give is world.coin:
            take = world.known["USDC" if self.bits(1) else "USDT"]
            takes = conduct.slip(wrapped.worth(units, take), self.bits)
            pair = world.pair(wrapped, take)
            self.do(role, (Ledger.swap_coin, (router, pair, wallet.address, units, (take, takes))))
            wallet.coin -= units
            wallet.tokens[take] = wallet.tokens.get(take, 0) + takes
            return
        takes = conduct.slip(give.worth(units, wrapped), self.bits)
        pair = world.pair(wrapped, give)
        self.do(role, (Ledger.swap_back, (router, pair, wallet.address, (give, units), takes)))
        wallet.tokens[give] -= units
        wallet.coin += takes

    def dust(self, asset: Asset, sender: str, to: str, highest_cents: int = 100) -> Draft:
        """Send next to nothing: a thousandth of a cent up to some cents."""
        return conduct.payment(asset, sender, to, self.tiny(asset, highest_cents))

    def tiny(self, asset: Asset, highest_cents: int) -> int:
        """Draw an amount of next to nothing."""
        cents = highest_cents * self.world.dust_share(self.bits) >> 16
        return max(cents * asset.per_cent >> 20, asset.per_cent * (1 + self.bits(12)) >> 30, 1)

    def bank(self, wallet: Wallet, asset: Asset, units: int, role: Role | None) -> None:
        """Bring it to the owner's deposit address at an exchange, which sweeps it within the hour."""
        world, bits = self.world, self.bits
        deposit = world.deposit(wallet.who, bits)
        sent = self.pay(wallet, asset, units, deposit.address, role)
        if not sent:
            return
        began = self.now
        self.wait(48, HOUR)
        hot = deposit.exchange.pays_from(bits)
        if asset is world.coin:
            fee = conduct.fee(bits, conduct.SEND_GAS)
            if sent > 3 * fee:
                self.do(None, conduct.native(deposit.address, hot, sent - fee))
        else:
            gas = conduct.fee(bits, conduct.TOKEN_GAS) * (1 + bits(4)) + bits(30)
            self.do(None, conduct.native(hot, deposit.address, gas))
            self.wait(48, HOUR)
            self.do(None, conduct.token(asset, deposit.address, hot, sent))
        self.now = began

    def cash_out(self, wallet: Wallet, asset: Asset, role: Role | None) -> None:
        """Turn what the wallet holds of an asset into money elsewhere.

        To an exchange, as it is or swapped for coin; through a bridge; to a new account.
        """
        kind = self.bits(3)
        if kind < 2 and asset is not self.world.coin:
            self.swap(wallet, asset, self.holds(wallet, asset), role)
            self.wait(MINUTE, HOUR)
            asset = self.world.coin
        if kind in {2, 3}:
            to = self.world.venues.bridge(self.bits)
        elif kind == 4:
            to = self.world.fresh()
        else:
            self.bank(wallet, asset, self.holds(wallet, asset), role)
            return
        self.pay(wallet, asset, self.holds(wallet, asset), to, role)


def labelled(steps: Iterable[Step], role: Role | None) -> list[Step]:
    """Give every step a role: a twin made of an honest story. Exchanges' sweeps count as its own."""
    return [step._replace(role=role) for step in steps]


_UNWRAP = "0x2e1a7d4d"  # withdraw(uint256); the coin that it pays leaves no log
_VALUED = ("DAI", "DAI", "WBTC", "LINK", "UNI", "WETH", "stETH", "AAVE")
