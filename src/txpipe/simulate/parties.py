"""Who there can be: exchanges and their customers' deposit addresses, old wallets, contracts."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import NamedTuple

from txpipe.simulate.assets import Asset
from txpipe.simulate.shapes import Bits


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


class Elder(NamedTuple):
    """A wallet that was active in the past and then fell silent.

    Attributes:
        address: its own.
        who: rank on whose scale its amounts are drawn.
        units: native coin that it holds.
        token: another asset that it holds, if any.
        held: units of that.
        contact: whom it paid.
        deposit: its address at its exchange.
    """

    address: str
    who: int
    units: int
    token: Asset | None
    held: int
    contact: str
    deposit: Deposit


class Contract(NamedTuple):
    """A contract that people call: its address, a method, and what the calldata names."""

    address: str
    method: str
    names: tuple[str, ...]


def fresh_addresses(rng: random.Random, count: int) -> list[str]:
    """Draw addresses that nobody has used: 20 random bytes each, as hashing gives on a real chain."""
    return f" {rng.randbytes(20 * count).hex(' ', 20)}".replace(" ", " 0x").split()


# Selectors of widespread functions (4byte.directory) and whom their calldata names besides the sender.
METHODS: tuple[tuple[str, tuple[str, ...]], ...] = (
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
