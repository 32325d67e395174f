"""Who there is: people, exchanges, merchants, contracts; and how one of them is picked at random.

Whoever picks brings a random stream of their own.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from txpipe.simulate import assets, shapes
from txpipe.simulate.assets import Asset
from txpipe.simulate.shapes import Bits

T = TypeVar("T")

PEOPLE = 1 << 16
"""Accounts that are active at a time; newcomers take the places of quiet ones."""

_KEPT = PEOPLE // 8
"""Ranks that no newcomer takes: the busiest accounts stay."""

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


@dataclass(slots=True)
class Exchange:
    """An exchange: hot wallets pay and collect, a cold wallet keeps."""

    hot: tuple[str, ...]
    cold: str

    def pays_from(self, bits: Bits) -> str:
        """Return one of the hot wallets."""
        return self.hot[bits(8) % len(self.hot)]


class Deposit(NamedTuple):
    """The address at which an exchange credits one customer."""

    exchange: Exchange
    address: str


class Contract(NamedTuple):
    """A contract that people call: its address, a method, and what the calldata names."""

    address: str
    method: str
    names: tuple[str, ...]


class World:
    """The population of one simulated chain.

    Attributes:
        people: current address by rank; rank 0 is the busiest.
        coin: the native asset.
        known: the well-known tokens by symbol.
        tokens: every token, as often as it is popular (a table for ``token``).
        exchanges: every exchange, as often as it is popular.
        merchants: addresses that take payments, the busiest first.
        contracts: callable contracts, as often as they are popular.
        collections: NFT contracts.
        disperser: the contract that batch payments go through.
    """

    def __init__(self, chain: str, rng: random.Random) -> None:
        self._rng = rng
        self._spare: list[str] = []
        self._deposits: dict[int, Deposit] = {}
        self._ranks = shapes.zipf_table(PEOPLE, _SHIFT, _RANK_BITS)
        self._shops = shapes.zipf_table(_MERCHANTS, 4, 14)
        self._sizes = shapes.log_normal(6000, 2.8, 1 << _SIZE_BITS, "sizes")
        self._wealth = shapes.log_normal(256, 2.0, 256, "wealth")
        self._wealth.sort(key=lambda _: rng.getrandbits(32))
        self.coin = assets.native(chain)
        self.known = assets.known_tokens(chain)
        self.people = fresh_addresses(rng, PEOPLE)
        self.exchanges = self._table_of([self._exchange() for _ in range(_EXCHANGES)], 2)
        self.disperser = self.fresh()
        self.merchants = fresh_addresses(rng, _MERCHANTS)
        self.collections = fresh_addresses(rng, _COLLECTIONS)
        self.contracts = self._table_of(self._callable_contracts(), 3)
        self.tokens = self._token_table(chain)
        self._pairs: dict[tuple[str, str], str] = {}

    def person(self, bits: Bits) -> int:
        """Pick an account by activity; returns its rank."""
        return self._ranks[bits(_RANK_BITS)]

    def contact(self, who: int, bits: Bits) -> int:
        """Pick one of the few accounts that this one usually deals with; the first is the most usual."""
        habit = _HABITS[bits(4)]
        return ((who + 1) * 2654435761 + habit * 40503077) >> 7 & PEOPLE - 1

    def newcomer(self, bits: Bits) -> int:
        """Let a new account take the place of a quiet one; returns its rank."""
        who = _KEPT + bits(32) % (PEOPLE - _KEPT)
        self.people[who] = self.fresh()
        self._deposits.pop(who, None)
        return who

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
        drawn = bits(49)
        cents = self._sizes[drawn & 0xFFF] * self._wealth[who * 40503 >> 3 & 255] >> 8 or 1
        units = cents * (65536 + (drawn >> 12 & 0xFFFF)) * asset.per_cent >> 36
        digits = _DIGITS[drawn >> 28 & 31]
        if not digits:
            return units + (drawn >> 17 if asset.decimals > 9 else 0) or 1
        excess = (units.bit_length() * 1233 >> 12) + 1 - digits  # decimal digits, at times one too many
        return (units - units % _POWERS[excess] if excess > 0 else 0) or units or 1

    def exchange(self, bits: Bits) -> Exchange:
        """Pick an exchange by popularity."""
        return self.exchanges[bits(16) % len(self.exchanges)]

    def merchant(self, bits: Bits) -> str:
        """Pick a merchant by popularity."""
        return self.merchants[self._shops[bits(14)]]

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
        first, second = sorted((one.contract, other.contract))
        found = self._pairs.get((first, second))
        if found is None:
            found = self._pairs[first, second] = self.fresh()
        return found

    def _exchange(self) -> Exchange:
        return Exchange(tuple(self.fresh() for _ in range(1 + self._rng.getrandbits(2))), self.fresh())

    def _callable_contracts(self) -> list[Contract]:
        bits = self._rng.getrandbits
        return [
            Contract(address, *_METHODS[bits(16) % len(_METHODS)])
            for address in fresh_addresses(self._rng, _CONTRACTS)
        ]

    def _token_table(self, chain: str) -> list[Asset]:
        shares = {symbol: share for symbol, _, _, _, share in assets.KNOWN}
        rest = 1024 - sum(shares.values())
        table = [self.known[symbol] for symbol, share in shares.items() for _ in range(share)]
        small = [assets.small_token(chain, self.fresh(), self._rng.getrandbits) for _ in range(_SMALL_TOKENS)]
        weights = self._table_of(small, 2)
        return table + [weights[place * len(weights) // rest] for place in range(rest)]

    @staticmethod
    def _table_of(things: list[T], shift: int) -> list[T]:
        """Repeat each thing by a Zipf-like weight of its place."""
        weights = [max(1, 256 // (place + shift)) for place in range(len(things))]
        return [thing for thing, weight in zip(things, weights, strict=True) for _ in range(weight)]


def fresh_addresses(rng: random.Random, count: int) -> list[str]:
    """Draw addresses that nobody has used: 20 random bytes each, as hashing gives on a real chain."""
    digits = rng.randbytes(20 * count).hex()
    return [f"0x{digits[start : start + 40]}" for start in range(0, 40 * count, 40)]


_POWERS = tuple(10**power for power in range(60))

_HABITS = (0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 4, 5)
"""Which contact is paid: the first of six takes three payments in eight."""

_DIGITS = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 6)
"""Significant digits of an amount; 0 is an amount that nobody typed."""

_ROUTER_OF = (0, 0, 0, 1, 1, 1, 2, 3)

# Selectors of widespread functions (4byte.directory) and whom their calldata names besides the sender.
_METHODS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("0xa694fc3a", ()),  # stake(uint256)
    ("0x2e1a7d4d", ()),  # withdraw(uint256)
    ("0x3d18b912", ()),  # getReward()
    ("0x4e71d92d", ()),  # claim()
    ("0xac9650d8", ()),  # multicall(bytes[])
    ("0x3593564c", ()),  # execute(bytes,bytes[],uint256)
    ("0x5c19a95c", ("contact",)),  # delegate(address)
    ("0x6a627842", ()),  # mint(address)
    ("0x6a761202", ("contact",)),  # execTransaction(address,uint256,bytes,...), Safe
    ("0x1cff79cd", ("contact",)),  # execute(address,bytes)
    ("0xe8eda9df", ("token",)),  # deposit(address,uint256,address,uint16), Aave
    ("0x69328dec", ("token",)),  # withdraw(address,uint256,address), Aave
    ("0x6e553f65", ()),  # deposit(uint256,address), ERC-4626
    ("0x1e83409a", ("contact",)),  # claim(address)
)
