"""Wash trading: controlled accounts trade with one another to fake price or volume.

Standard: one NFT goes round two to five accounts at steady or rising prices; or a token goes back and forth
between two accounts, or between one account and a pool, in equal volumes within 1 %. Adaptive: more accounts,
each funded on its own, volumes within 5 %, slower, honest trades of others and of their own in between.

The twin: a dealer with stock who trades with many, an NFT that strangers flip, an arbitrageur between two
pools, a friend who returns a loan in equal instalments.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

from txpipe.simulate import conduct
from txpipe.simulate.assets import Asset
from txpipe.simulate.ledger import ZERO, Ledger, item
from txpipe.simulate.scenarios.base import Role, Scenario, Step
from txpipe.simulate.scenarios.dice import Purse
from txpipe.simulate.scenarios.money import HOUR_S, Plot
from txpipe.simulate.world import World

MARKET = "0x00000000000000adc04c56bf30ac9d3c0aaf14dc"
"""Seaport 1.5, the contract of several NFT markets on eip155:1."""

_FULFIL = "0xfb0f3ee1"  # fulfillBasicOrder(...), Seaport


class _Piece(NamedTuple):
    """An NFT and whether it is sold through a market or by two payments, hand to hand."""

    collection: str
    token_id: int
    market: bool


class _Deal(NamedTuple):
    """Who sells which NFT to whom, and for how much."""

    piece: _Piece
    seller: Purse
    buyer: Purse
    price: int


def _attack(world: World, rng: random.Random) -> Sequence[Step]:
    plot = Plot(world, rng)
    plot.fuel = plot.old(world.coin).address
    plot.pick((_nft_ring, _nft_ring, _back_and_forth, _pool_rounds))(plot)
    return plot.steps()


def _adaptive(world: World, rng: random.Random) -> Sequence[Step]:
    plot = Plot(world, rng, careful=True)
    plot.pick((_nft_ring, _nft_ring, _back_and_forth, _pool_rounds))(plot)
    return plot.steps()


def _ring(plot: Plot, asset: Asset, each: int) -> tuple[list[Purse], int]:
    """Fund the accounts, careful ones each from an exchange; returns when all have got their part."""
    purses = [plot.fresh(asset) for _ in range(plot.between(4, 8) if plot.careful else plot.between(2, 5))]
    need = [plot.part(each, 1020, 1100) + plot.fees(asset, 6) for _ in purses]
    at = 0
    if plot.careful:
        for purse, units in zip(purses, need, strict=True):
            plot.withdraw(at, "setup", purse, units)
            at += plot.gap(600, 6)
        return purses, at
    source, at = plot.source(0, asset, sum(need) + plot.fees(asset, len(need)))
    for purse, units in zip(purses, need, strict=True):
        plot.pay(at, "setup", source, purse, units)
        at += plot.gap(50, 6)
    return purses, at


def _nft_ring(plot: Plot) -> None:
    """Sell one NFT from account to account, at last perhaps to somebody who believes the price."""
    asset = plot.pick((plot.world.known["WETH"], plot.world.known["WETH"], plot.world.coin, plot.stable()))
    piece = _piece(plot, asset)
    price = plot.amount(asset, plot.worth(200, 8))
    sales = plot.few(4, 15)
    growth = plot.pick((0, 10, 50, 150, 300))
    ring, at = _ring(plot, asset, price * (100 + sales * growth // 25) // 100)
    seller = plot.pick(ring)
    plot.act(at, "setup", seller, (Ledger.nft, (piece.collection, piece.token_id, ZERO, seller.address)))
    for _ in range(sales):
        at += plot.gap(HOUR_S // 2, 5) if plot.careful else plot.gap(240, 5)
        buyer = plot.pick([purse for purse in ring if purse is not seller])
        bid = min(price, buyer.units - plot.fees(asset, 1))
        _sell(plot, at, "attack", "attack", _Deal(piece, seller, buyer, bid))
        if plot.careful and plot.odds(6):
            plot.live(at + plot.gap(60, 4), None, plot.old(asset))
        price = plot.part(price, 950 if plot.careful else 1000, 1000 + growth)
        seller = buyer
    at += plot.gap(HOUR_S, 4)
    if plot.bits(1):
        _sell(plot, at, None, "payoff", _Deal(piece, seller, plot.old(asset), price))
        plot.cash_out(at + plot.gap(600, 5), seller)


def _piece(plot: Plot, asset: Asset) -> _Piece:
    market = asset is not plot.world.coin and plot.odds(12)
    return _Piece(plot.world.collection(plot.bits), plot.bits(14), market)


def _sell(plot: Plot, at: int, paid: Role | None, given: Role, deal: _Deal) -> None:
    """Sell an NFT; roles of the payment and of the NFT's own transfer, if they are two transactions."""
    (collection, token_id, market), seller, buyer, price = deal
    if not market:
        plot.pay(at - plot.gap(40, 1), paid, buyer, seller, price)
        plot.act(at, given, seller, (Ledger.nft, (collection, token_id, seller.address, buyer.address)))
        return
    if seller.router != MARKET:
        seller.router = MARKET
        plot.act(at - 120, "setup", seller, (Ledger.approve_all, (collection, seller.address, MARKET)))
    nft = item(plot.world.chain, collection, token_id)
    moves = [(nft, seller.address, buyer.address, 1), (buyer.asset, buyer.address, seller.address, price)]
    buyer.units -= price
    seller.units += price
    args = (buyer.address, MARKET, (_FULFIL, (collection, seller.address)), moves)
    plot.act(at, paid or given, buyer, (Ledger.batch, args))


def _back_and_forth(plot: Plot) -> None:
    """Send a token to and fro; half the time money goes the other way."""
    token = plot.world.small(plot.bits) if plot.odds(12) else plot.asset()
    units = plot.amount(token, plot.worth(300, 9))
    ring, at = _ring(plot, token, units)
    tills = _tills(plot, at, ring, units) if plot.bits(1) else {}
    for turn in range(plot.between(5, 24)):
        at += plot.gap(600, 5.5) if plot.careful else plot.gap(60, 4)
        first, other = ring[0], plot.pick(ring[1:]) if plot.careful else ring[1]
        onward = plot.most(first) >= units if plot.careful else turn % 2 == 0
        if plot.careful and not onward:
            other = max(ring[1:], key=lambda purse: purse.units)
        giver, taker = (first, other) if onward else (other, first)
        sent = plot.part(units, 950 if plot.careful else 992, 1000)
        sent = plot.pay(at, "attack", giver, taker, min(sent, plot.most(giver)))
        if tills:
            payer, paid = tills[taker.address], tills[giver.address]
            at += plot.gap(40, 3)
            plot.pay(at, "attack", payer, paid, token.worth(sent, payer.asset))
        if plot.careful and plot.odds(6):
            plot.live(at - plot.gap(60, 4), None, plot.old(token))


def _tills(plot: Plot, at: int, ring: Sequence[Purse], units: int) -> dict[str, Purse]:
    """Give every account money as well, out of exchanges."""
    money = plot.stable() if ring[0].asset is plot.world.coin else plot.world.coin
    worth = ring[0].asset.worth(units, money) + plot.fees(money, 40)
    tills = {purse.address: Purse(purse.address, money, purse.rank) for purse in ring}
    for till in tills.values():
        plot.withdraw(at - plot.gap(60, 6), "setup", till, plot.part(worth, 1050, 1400))
    return tills


def _pool_rounds(plot: Plot) -> None:
    """Buy a token at a pool and sell it there again, over and over."""
    coin = plot.world.coin if plot.odds(11) else plot.stable()
    token = plot.world.small(plot.bits)
    units = plot.amount(coin, plot.worth(300, 9))
    ring, at = _ring(plot, coin, units * 5 // 4 + plot.fees(coin, 40))
    stocks = {purse.address: Purse(purse.address, token, purse.rank) for purse in ring}
    several = len(ring) if plot.careful else plot.between(1, 2)
    for turn in range(plot.between(4, 16)):
        purse = ring[turn % several]
        stock = stocks[purse.address]
        bought = plot.part(units, 950 if plot.careful else 995, 1000)
        plot.trade(at, "attack", purse, stock, min(bought, plot.most(purse)))
        at += plot.gap(900, 5) if plot.careful else plot.gap(60, 4)
        plot.trade(at, "attack", stock, purse, stock.units)
        if plot.careful and plot.odds(8):
            buyer = plot.old(coin)
            paid = plot.amount(coin, plot.worth(20, 7))
            plot.trade(at + plot.gap(40, 5), None, buyer, Purse(buyer.address, token, buyer.rank), paid)
        at += plot.gap(HOUR_S // 2, 4) if plot.careful else plot.gap(240, 3)


def _twin(world: World, rng: random.Random) -> Sequence[Step]:
    plot = Plot(world, rng, honest=True)
    plot.pick((_dealer, _flips, _arbitrage, _instalments))(plot)
    return plot.steps()


def _dealer(plot: Plot) -> None:
    """Buy and sell a token out of stock, with one customer after the other, in any size."""
    token = plot.world.small(plot.bits) if plot.odds(11) else plot.asset()
    money = plot.stable() if plot.bits(1) or token is plot.world.coin else plot.world.coin
    stock = plot.old(token)
    till = Purse(stock.address, money, stock.rank, old=True)
    regulars = [plot.old(token) for _ in range(plot.between(2, 6))]
    at = 0
    for _ in range(plot.between(5, 20)):
        customer = plot.pick(regulars) if plot.odds(8) else plot.old(token)
        purse = Purse(customer.address, money, customer.rank, old=True)
        units = plot.amount(token, plot.worth(100, 8))
        worth = plot.part(token.worth(units, money), 980, 1020)
        if plot.bits(1):
            plot.pay(at, "attack", purse, till, worth)
            plot.pay(at + plot.gap(40, 3), "attack", stock, customer, units)
        else:
            plot.pay(at, "attack", customer, stock, units)
            plot.pay(at + plot.gap(40, 3), "attack", till, purse, worth)
        at += plot.gap(120, 7)


def _flips(plot: Plot) -> None:
    """Let strangers sell an NFT on, each at a price of the day, after days."""
    asset = plot.world.known["WETH"] if plot.odds(11) else plot.world.coin
    piece = _piece(plot, asset)
    price = plot.amount(asset, plot.worth(100, 8))
    seller = plot.old(asset)
    plot.tell(0, "attack", (Ledger.nft, (piece.collection, piece.token_id, ZERO, seller.address)))
    at = plot.gap(HOUR_S, 4)
    for _ in range(plot.between(2, 3)):
        buyer = plot.old(asset)
        _sell(plot, at, "attack", "attack", _Deal(piece, seller, buyer, price))
        price = plot.part(price, 500, 2500)
        at += plot.gap(6 * HOUR_S, 4)
        seller = buyer


def _arbitrage(plot: Plot) -> None:
    """Buy at one pool and sell at another that pays a little more."""
    bits, world = plot.bits, plot.world
    money = plot.stable() if plot.bits(1) else world.known["WETH"]
    token = plot.pick((world.known["LINK"], world.known["UNI"], world.small(bits), world.small(bits)))
    owner = plot.old(money).address
    pools = (world.pair(money, token), world.fresh())
    at = 0
    for _ in range(plot.between(3, 14)):
        paid = plot.amount(money, plot.worth(300, 8))
        bought = conduct.slip(money.worth(paid, token), bits)
        sold = plot.part(token.worth(bought, money), 1004, 1015)
        there, back = pools if bits(1) else pools[::-1]
        buy = (world.router(bits), there, owner, (money, paid), (token, bought))
        plot.tell(at, "attack", (Ledger.swap, buy))
        sell = (world.router(bits), back, owner, (token, bought), (money, sold))
        plot.tell(at + plot.gap(40, 2), "attack", (Ledger.swap, sell))
        at += plot.gap(300, 6)


def _instalments(plot: Plot) -> None:
    """Lend a sum, and be repaid in equal instalments; perhaps lend once more."""
    asset = plot.asset()
    lender, borrower = plot.old(asset), plot.old(asset)
    at = 0
    for _ in range(plot.few(1, 2)):
        count = plot.between(3, 10)
        units = plot.amount(asset, plot.worth(100, 9))
        plot.pay(at, "attack", lender, borrower, units)
        for paid in plot.parts(units, count, 0):
            at += plot.gap(2 * HOUR_S, 4)
            plot.pay(at, "attack", borrower, lender, paid)
        at += plot.gap(12 * HOUR_S, 2)


SCENARIO = Scenario("wash-trading", _attack, _twin, _adaptive)
