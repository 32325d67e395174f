"""Who there is: people, exchanges, merchants, contracts; and how one of them is picked at random.

Whoever picks brings a random stream of their own.
"""

from __future__ import annotations

import random
from array import array
from collections import deque
from typing import TypeVar

from txpipe.simulate import assets, shapes, symbols
from txpipe.simulate.assets import Asset
from txpipe.simulate.parties import METHODS, Contract, Deposit, Elder, Exchange, fresh_addresses
from txpipe.simulate.shapes import Bits
from txpipe.simulate.venues import Venues

T = TypeVar("T")

PEOPLE = 1 << 16
"""Accounts that act of themselves; they have been there before the stream begins."""

NEWCOMERS = 1 << 12
"""Further ranks for new accounts, each new one in the place of the oldest of them. ``person`` never picks
one: who lets a newcomer act has funded it before."""

_SHIFT = 12
"""Flattens the head of the Zipf-like law: the busiest account sends about 1 % of all transactions."""

_SIZE_BITS = 12
_RANK_BITS = 19
"""The table of ranks has 2 to this places; the quietest ranks hold one of them or none."""

_EXCHANGES = 12
_MERCHANTS = 512
_CONTRACTS = 256
_COLLECTIONS = 32
_SMALL_TOKENS = 52


class World:
    """The population of one simulated chain.

    Attributes:
        chain: as in records.
        people: current address by rank; rank 0 is the busiest; newcomers follow from PEOPLE on.
        coin: the native asset.
        known: the well-known tokens by symbol.
        tokens: every token, as often as it is popular (a table for ``token``).
        odd: honest tokens with symbols that contain a known one's or are not ASCII.
        exchanges: every exchange, as often as it is popular.
        merchants: addresses that take payments, the busiest first.
        contracts: callable contracts, as often as they are popular.
        collections: NFT contracts.
        disperser: the contract that batch payments go through.
        recent: some recent payments, for all to see: payer, payer's rank, payee, asset, units.
        venues: businesses that serve many.
        elders: wallets that were active long ago and have been silent since.
    """

    def __init__(self, chain: str, rng: random.Random) -> None:
        self._rng = rng
        self.chain = chain
        self._spare: list[str] = []
        self._deposits: dict[int, Deposit] = {}
        self._ranks = array("H", shapes.zipf_table(PEOPLE, _SHIFT, _RANK_BITS))  # small: caches hold it
        self._shops = shapes.zipf_table(_MERCHANTS, 4, 14)
        self._sizes = shapes.log_normal(6000, 1.9, 1 << _SIZE_BITS, "sizes")
        self._wealth = shapes.log_normal(256, 2.8, 256, "wealth")
        self._wealth.sort(key=lambda _: rng.getrandbits(32))
        self.coin = assets.native(chain)
        self.known = assets.known_tokens(chain)
        self.people = fresh_addresses(rng, PEOPLE + NEWCOMERS)
        self.elders: list[Elder] = []
        self.recent: deque[tuple[str, int, str, Asset, int]] = deque(maxlen=_RECENT)
        self._arrived = 0
        self._awake, self._hour = 255, -1
        self._banks: dict[str, str] = {}
        self.exchanges = self._table_of([self._exchange() for _ in range(_EXCHANGES)], 2)
        self.disperser = self.fresh()
        self.merchants = fresh_addresses(rng, _MERCHANTS)
        self.collections = fresh_addresses(rng, _COLLECTIONS)
        self.contracts = self._table_of(self._callable_contracts(), 3)
        self.odd: list[Asset] = []
        self.tokens = self._token_table(chain)
        self._pairs: dict[tuple[Asset, Asset], str] = {}
        self._shares: dict[str, Asset] = {}
        self.venues = Venues(fresh_addresses(rng, Venues.NEEDED), self.people[:PEOPLE], rng)

    def clock(self, time: int) -> None:
        """Tell what time it is: who sleeps is picked less often."""
        hour = time // 3600 % 24
        if hour == self._hour:
            return
        self._hour = hour
        self._awake = sum(1 << zone for zone in range(8) if (hour + 3 * zone) % 24 >= _WAKES)

    def person(self, bits: Bits) -> int:
        """Pick an account by activity and hour; returns its rank."""
        who = self._ranks[bits(_RANK_BITS)]
        return who if self._awake >> (who & 7) & 1 else self._ranks[bits(_RANK_BITS)]

    def contact(self, who: int, bits: Bits) -> int:
        """Pick one of the few accounts that this one usually deals with; the first is the most usual."""
        habit = _HABITS[bits(4)]
        return ((who + 1) * 2654435761 + habit * 40503077) >> 7 & PEOPLE - 1

    def usual(self, who: int, bits: Bits) -> str:
        """Return the address of one of the account's usual contacts."""
        habit = _HABITS[bits(4)]
        return self.people[((who + 1) * 2654435761 + habit * 40503077) >> 7 & PEOPLE - 1]

    def several(self, bits: Bits) -> list[int]:
        """Pick ten to about seventy accounts by activity."""
        ranks = self._ranks
        return [ranks[bits(_RANK_BITS)] for _ in range(10 + bits(6))]

    def newcomer(self, bits: Bits) -> int:
        """Let a new account appear; returns its rank."""
        self._arrived = self._arrived + 1 + bits(1) & NEWCOMERS - 1
        who = PEOPLE + self._arrived
        self.people[who] = self.fresh()
        self._deposits.pop(who, None)
        return who

    def elder(self, bits: Bits) -> Elder | None:
        """Take an elder; nobody else gets it. None when there is none left."""
        return self.elders.pop(bits(32) % len(self.elders)) if self.elders else None

    def fresh(self) -> str:
        """Return an address that nobody has used."""
        if not self._spare:
            self._spare = fresh_addresses(self._rng, 512)
        return self._spare.pop()

    def deposit(self, who: int, bits: Bits) -> Deposit:
        """Return the account's deposit address at its exchange."""
        found = self._deposits.get(who)
        if found is None:
            found = self._deposits[who] = Deposit(self.exchange(bits), self.fresh())
        return found

    def payment(self, who: int, asset: Asset, bits: Bits) -> int:
        """Draw an amount that somebody would send, in base units: heavy-tailed, often round.

        Args:
            who: rank on whose scale it is drawn.
            asset: what is sent.
            bits: random stream.
        """
        drawn = bits(30)
        cents = self._sizes[drawn & 0xFFF] * self._wealth[who * 40503 >> 3 & 255] >> 8 or 1
        units = cents * (8192 + (drawn >> 12 & 0x1FFF)) * asset.per_cent >> 33
        digits = _DIGITS[drawn >> 25]
        if not digits:
            return units + (bits(32) if asset.decimals > _PRECISE else 0) or 1
        excess = (units.bit_length() * 1233 >> 12) + 1 - digits  # decimal digits, at times one too many
        return (units - units % _POWERS[excess] if excess > 0 else 0) or units or 1

    def middle(self, who: int, asset: Asset) -> int:
        """Return the median of what somebody would send, in base units."""
        cents = self._sizes[len(self._sizes) >> 1] * self._wealth[who * 40503 >> 3 & 255] >> 8
        return cents * asset.per_cent >> 20

    def token_of(self, who: int, bits: Bits) -> Asset:
        """Pick a token that an account uses: mostly one of the two that it prefers."""
        chance = bits(12)
        if chance & 0xC00:
            return self.tokens[who * 40503 + (chance >> 9 & 1) * 2591 >> 3 & 1023]
        return self.tokens[chance & 1023]

    def pool_share(self, pair: str) -> Asset:
        """Return the token that says who owns what of a pool."""
        found = self._shares.get(pair)
        if found is None:
            found = self._shares[pair] = assets.named_token(self.chain, pair, "UNI-V2")
        return found

    def small(self, bits: Bits) -> Asset:
        """Pick a token that has no price."""
        return self._small[bits(16) % len(self._small)]

    @staticmethod
    def dust_share(bits: Bits) -> int:
        """Draw how much of the most that one would call dust is sent, of 65,536: mostly little."""
        return 1 << bits(32) % 17 if bits(1) else bits(16) * bits(16) >> 16

    def amount(self, cents: int, asset: Asset, bits: Bits) -> int:
        """Write a sum of money as somebody types it or as it is left over, in base units."""
        units = cents * (65536 + bits(10)) * asset.per_cent >> 36
        return self.rough(units + (bits(32) if asset.decimals > _PRECISE else 0), bits) or 1

    @staticmethod
    def rough(units: int, bits: Bits) -> int:
        """Round a number as somebody who types it does, or leave it as it is."""
        digits = _DIGITS[bits(5)]
        if not digits:
            return units
        excess = (units.bit_length() * 1233 >> 12) + 1 - digits
        return (units - units % _POWERS[excess] if excess > 0 else 0) or units or 1

    def exchange(self, bits: Bits) -> Exchange:
        """Pick an exchange by popularity."""
        return self.exchanges[bits(16) % len(self.exchanges)]

    def merchant(self, bits: Bits) -> str:
        """Pick a merchant by popularity."""
        return self.merchants[self._shops[bits(14)]]

    def shop_bank(self, shop: str) -> str:
        """Return where a shop brings its takings: its deposit address at an exchange, or its treasury."""
        if shop not in self._banks:
            self._banks[shop] = self.fresh()
        return self._banks[shop]

    def contract(self, bits: Bits) -> Contract:
        """Pick a contract to call by popularity."""
        return self.contracts[bits(16) % len(self.contracts)]

    def named(self, contract: Contract, other: str, bits: Bits) -> tuple[str, ...]:
        """Return the addresses that a call's data names besides its sender."""
        return tuple(other if name == "contact" else self.token(bits).contract for name in contract.names)

    def collection(self, bits: Bits) -> str:
        """Pick an NFT collection."""
        return self.collections[bits(5)]

    def token(self, bits: Bits) -> Asset:
        """Pick a token by popularity."""
        return self.tokens[bits(10)]

    def router(self, bits: Bits) -> str:
        """Pick a decentralised exchange's router."""
        return assets.ROUTERS[_ROUTER_OF[bits(3)]]

    def pair(self, one: Asset, other: Asset) -> str:
        """Return the address of the pool of two tokens."""
        found = self._pairs.get((one, other))
        if found is None:
            found = self._pairs[one, other] = self._pairs[other, one] = self.fresh()
        return found

    def _exchange(self) -> Exchange:
        return Exchange(tuple(self.fresh() for _ in range(1 + self._rng.getrandbits(2))), self.fresh())

    def _callable_contracts(self) -> list[Contract]:
        bits = self._rng.getrandbits
        return [
            Contract(address, *METHODS[bits(16) % len(METHODS)])
            for address in fresh_addresses(self._rng, _CONTRACTS)
        ]

    def _token_table(self, chain: str) -> list[Asset]:
        shares = {symbol: share for symbol, _, _, _, share in assets.KNOWN}
        rest = 1024 - sum(shares.values())
        table = [self.known[symbol] for symbol, share in shares.items() for _ in range(share)]
        small = [assets.small_token(chain, self.fresh(), self._rng.getrandbits) for _ in range(_SMALL_TOKENS)]
        for place, (symbol, model) in enumerate(symbols.HONEST):
            token = assets.named_token(chain, self.fresh(), symbol, self.known[model])
            small.insert(2 * place + 1, token)
            self.odd.append(token)
        self._small = small
        weights = self._table_of(small, 2)
        return table + [weights[place * len(weights) // rest] for place in range(rest)]

    @staticmethod
    def _table_of(things: list[T], shift: int) -> list[T]:
        """Repeat each thing by a Zipf-like weight of its place."""
        weights = [max(1, 256 // (place + shift)) for place in range(len(things))]
        return [thing for thing, weight in zip(things, weights, strict=True) for _ in range(weight)]


_PRECISE = 9
"""Decimals beyond which the last digits of an amount are noise."""

_POWERS = tuple(10**power for power in range(60))

_WAKES = 7
"""Hour of the day, in each of eight zones."""

_RECENT = 256
"""Payments that are remembered."""

_HABITS = (0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 4, 5)
"""Which contact is paid: the first of six takes three payments in eight."""

_DIGITS = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 6)
"""Significant digits of an amount; 0 is an amount that nobody typed."""

_ROUTER_OF = (0, 0, 0, 1, 1, 1, 2, 3)

__all__ = ["NEWCOMERS", "PEOPLE", "Contract", "Deposit", "Elder", "Exchange", "World", "fresh_addresses"]
