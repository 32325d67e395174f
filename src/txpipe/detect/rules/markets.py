"""What ``wash-trading`` knows of a market: who bought a token of a contract and sold it back to it.

A market keeps a book for each of the last tokens bought of it: [how often it was traded, open positions by
account, round trips]. A position is [when it began, units bought, units sold, transaction of the last
purchase, trades before it]; a round trip is a tuple, see ``Trip``.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from txpipe.detect.account import Account, Facts
from txpipe.detect.move import Move

TOKENS = 4
OPEN = 24
TRIPS = 12
"""Kept for a market: tokens, and of each so many positions and round trips; the oldest go first, of tokens
one without a round trip that was bought longest ago."""

COUNT, POSITIONS, CLOSED = range(3)
BEGAN, BOUGHT, SOLD, BOUGHT_IN, BEFORE = range(5)


class Trip(NamedTuple):
    """A round trip: an account sold to a market what it had bought of it.

    Attributes:
        account: who.
        units: sold.
        began: when it bought, Unix seconds.
        ended: when it sold.
        tx: transaction of the sale.
        before: trades of the token at the market before it bought.
        contacts: its payers and payees by then.
    """

    account: str
    units: float
    began: int
    ended: int
    tx: str
    before: int
    contacts: int


class Limits(Protocol):
    """What ``wash-trading`` compares round trips with; its settings say what each is."""

    @property
    def market(self) -> tuple[float, float, float]: ...  # noqa: D102
    @property
    def hasty(self) -> tuple[float, float]: ...  # noqa: D102
    @property
    def crowd(self) -> tuple[float, float]: ...  # noqa: D102
    @property
    def alike(self) -> float: ...  # noqa: D102
    @property
    def window_s(self) -> int: ...  # noqa: D102
    @property
    def thin(self) -> int: ...  # noqa: D102


def bought(move: Move, market: Account, other: Facts, rule: str) -> None:
    """Keep what an account bought of a market; what it had sold in part is a new position."""
    units = move.units
    if units <= 0:
        return
    kept: dict[str, Any] = market.note(rule, {})
    books: dict[str, list[Any]] = kept.setdefault("market", {})
    book = books.pop(move.asset.name, None)
    if book is None:
        if len(books) >= TOKENS:
            idle = (name for name, other_book in books.items() if not other_book[CLOSED])
            del books[next(idle, next(iter(books)))]
        book = [0, {}, []]
    books[move.asset.name] = book
    positions = book[POSITIONS]
    position = positions.get(other.address)
    if position is not None and not position[SOLD]:
        position[BOUGHT] += units
        position[BOUGHT_IN] = move.tx
    else:
        if position is None and len(positions) >= OPEN:
            del positions[next(iter(positions))]
        positions[other.address] = [move.time, units, 0.0, move.tx, book[COUNT]]
    book[COUNT] += 1


def sold(move: Move, book: list[Any], other: Facts, apart: float, within_s: float) -> list[Trip]:
    """Take a sale to a market; returns the round trips at it, the last of them just closed, or [].

    Args:
        move: the sale.
        book: of its token.
        other: the seller.
        apart: difference between what it bought and sold, share 0-1, up to which nothing is left.
        within_s: seconds that a round trip may take. In one block it is arbitrage.
    """
    book[COUNT] += 1
    position = book[POSITIONS].get(other.address)
    if position is None:
        return []
    position[SOLD] += move.units
    rest = position[BOUGHT] - position[SOLD]
    late = not 0 < move.time - position[BEGAN] <= within_s or position[BOUGHT_IN] == move.tx
    if late or rest < -apart * position[BOUGHT]:
        del book[POSITIONS][other.address]
        return []
    if rest > apart * position[BOUGHT]:
        return []
    del book[POSITIONS][other.address]
    contacts = other.fan_in + other.fan_out
    began, before = position[BEGAN], position[BEFORE]
    trip = Trip(other.address, position[SOLD], began, move.time, move.tx, before, contacts)
    book[CLOSED] = [*book[CLOSED][1 - TRIPS :], tuple(trip)]
    return [Trip(*one) for one in book[CLOSED]]


def like_last(trips: list[Trip], spread: float, within_s: float) -> list[Trip]:
    """Return the round trips of nearly as many units as the last, begun in the time before its end."""
    last = trips[-1]
    return [
        trip
        for trip in trips
        if 0 <= last.ended - trip.began <= within_s
        and abs(trip.units - last.units) <= spread * max(trip.units, last.units)
    ]


def suspicious(trips: list[Trip], trades: int, limits: Limits) -> list[Trip]:
    """Return the round trips that make the last one suspicious, or [].

    Args:
        trips: at one market, in their order.
        trades: purchases and sales that it had.
        limits: to compare with.
    """
    last = trips[-1]
    alike = like_last(trips, limits.alike, limits.window_s)
    own = [trip for trip in alike if trip.account == last.account]
    if len(own) >= limits.market[0]:
        return own
    hasty = [
        trip
        for trip in like_last(trips, 1.0, limits.window_s)
        if trip.account == last.account and trip.ended - trip.began <= limits.hasty[1]
    ]
    if len(hasty) >= limits.hasty[0] and hasty[-1:] == [last]:
        return hasty
    crowd = [trip for trip in alike if trip.contacts <= limits.thin]
    trades -= min((trip.before for trip in alike), default=0)
    much = len(crowd) >= max(limits.crowd[0], limits.crowd[1] * trades / 2)
    return crowd if much and crowd[-1:] == [last] else []
