"""What an account does in one transaction, drawn the same way for background and scenarios.

Each function picks assets, amounts, contracts and methods for one sender and gives back a draft; nothing of
it depends on who asks, so that a scenario's transaction looks like any other of its kind.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from txpipe.simulate.assets import PERMIT2, Asset
from txpipe.simulate.ledger import TRANSFER, UNLIMITED, ZERO, Ledger
from txpipe.simulate.shapes import Bits
from txpipe.simulate.world import World

Draft = tuple[Callable[..., Any], tuple[Any, ...]]
"""A method of Ledger that writes one transaction, and what it takes besides the ledger."""

SEND_GAS = 21_000
TOKEN_GAS = 65_000

# In every function: ``who`` is the rank on whose scale amounts are drawn, ``sender`` the address that acts
# (that rank's own, or a scenario's), ``to`` the counterparty.


def native(sender: str, to: str, units: int) -> Draft:
    """Pay a given amount of the native coin."""
    return Ledger.native, (sender, to, units)


def token(asset: Asset, sender: str, to: str, units: int) -> Draft:
    """Pay a given amount of a token."""
    return Ledger.token, (asset, sender, to, units)


def payment(asset: Asset, sender: str, to: str, units: int) -> Draft:
    """Pay a given amount of anything fungible."""
    if asset.contract == "60":  # the native coin's place in SLIP-44
        return native(sender, to, units)
    return token(asset, sender, to, units)


def send_coin(world: World, bits: Bits, who: int, sender: str, to: str) -> Draft:
    """Pay in the native coin."""
    return Ledger.native, (sender, to, world.payment(who, world.coin, bits))


def fee(bits: Bits, gas: int) -> int:
    """Draw what a transaction costs at 3 to 37 gwei."""
    return gas * (3 * 10**9 + bits(35))


def send_rest(world: World, bits: Bits, who: int, sender: str, to: str) -> Draft:
    """Send all native coin that came in, less the fee."""
    cost = fee(bits, SEND_GAS)
    units = world.payment(who, world.coin, bits)
    return Ledger.native, (sender, to, units - cost if units > 3 * cost else units)


def send_token(world: World, bits: Bits, who: int, sender: str, to: str) -> Draft:
    """Pay in a token."""
    asset = world.token_of(who, bits)
    return Ledger.token, (asset, sender, to, world.payment(who, asset, bits))


def spender(world: World, bits: Bits) -> str:
    """Pick a spender that people approve: a router, Permit2 or some contract."""
    chance = bits(4)
    if chance < 8:
        return world.router(bits)
    if chance == 8:
        return world.venues.settlement
    return PERMIT2 if chance < 11 else world.contract(bits).address


def approve(world: World, bits: Bits, who: int, sender: str, to: str) -> Draft:
    """Approve a spender, mostly without limit."""
    asset = world.token(bits)
    units = UNLIMITED if bits(2) else world.payment(who, asset, bits)
    return Ledger.approve, (asset, sender, to, units)


def approve_all(world: World, bits: Bits, _: int, sender: str, to: str) -> Draft:
    """Give an operator a whole NFT collection."""
    return Ledger.approve_all, (world.collection(bits), sender, to)


def pull(world: World, bits: Bits, who: int, sender: str, to: str) -> Draft:
    """Collect a token that ``to`` approved."""
    asset = world.token(bits)
    return Ledger.pull, (asset, sender, to, sender, world.payment(who, asset, bits))


def swap_tokens(world: World, bits: Bits, who: int, sender: str) -> Draft:
    """Swap one token for another."""
    give, take = world.token_of(who, bits), world.token(bits)
    if give is take:
        give, take = world.known["USDC"], world.known["USDT"]
    units = world.payment(who, give, bits)
    takes = slip(give.worth(units, take), bits)
    return Ledger.swap, (world.router(bits), world.pair(give, take), sender, (give, units), (take, takes))


def swap_coin(world: World, bits: Bits, who: int, sender: str) -> Draft:
    """Swap native coin for a token."""
    wrapped, take = world.known["WETH"], world.token(bits)
    if take is wrapped:
        take = world.known["USDC"]
    units = world.payment(who, world.coin, bits)
    takes = slip(wrapped.worth(units, take), bits)
    pair = world.pair(wrapped, take)
    return Ledger.swap_coin, (world.router(bits), pair, sender, units, (take, takes))


def swap_back(world: World, bits: Bits, who: int, sender: str) -> Draft:
    """Swap a token for native coin."""
    wrapped, give = world.known["WETH"], world.token(bits)
    if give is wrapped:
        give = world.known["USDT"]
    units = world.payment(who, give, bits)
    takes = slip(give.worth(units, wrapped), bits)
    pair = world.pair(wrapped, give)
    return Ledger.swap_back, (world.router(bits), pair, sender, (give, units), takes)


def call(world: World, bits: Bits, _: int, sender: str, to: str) -> Draft:
    """Call a contract; ``to`` is named where the method names anyone else."""
    contract = world.contract(bits)
    return Ledger.call, (sender, contract.address, contract.method, world.named(contract, to, bits))


def pay_call(world: World, bits: Bits, who: int, sender: str, to: str) -> Draft:
    """Call a contract with value; ``to`` is named where the method names anyone else."""
    contract = world.contract(bits)
    units = world.payment(who, world.coin, bits)
    named = world.named(contract, to, bits)
    return Ledger.pay_call, (sender, contract.address, units, contract.method, named)


def mint(world: World, bits: Bits, _: int, sender: str) -> Draft:
    """Mint an NFT."""
    return Ledger.nft, (world.collection(bits), bits(14), ZERO, sender)


def send_nft(world: World, bits: Bits, _: int, sender: str, to: str) -> Draft:
    """Send an NFT."""
    return Ledger.nft, (world.collection(bits), bits(14), sender, to)


def fail(world: World, bits: Bits, who: int, sender: str, to: str) -> Draft:
    """Try to pay or call, and fail."""
    kind = bits(2)
    if kind < 2:
        return Ledger.failed, (sender, world.token(bits).contract, 0, TRANSFER, (to,))
    if kind == 2:
        return Ledger.failed, (sender, to, world.payment(who, world.coin, bits), "", ())
    contract = world.contract(bits)
    named = world.named(contract, to, bits)
    return Ledger.failed, (sender, contract.address, 0, contract.method, named)


def slip(units: int, bits: Bits) -> int:
    """Take a pool's fee of 0.3 % and a little slippage off what a swap yields."""
    return units * (99_700 - bits(9)) // 100_000 or 1
