"""How taint moves with funds: haircut, poison, first in first out. USD by hop; what is clean is the rest."""

from __future__ import annotations

from txpipe.detect.account import Account

Taint = tuple[float, ...]
"""USD that come from listed accounts, by hop; the first is straight from one."""

METHODS = ("haircut", "poison", "fifo")

LOTS = 32
"""Receipts that FIFO keeps apart; the two latest are mixed when there are more."""

Lot = tuple[float, Taint]
"""A receipt: USD, and the taint in it."""

LEAST_USD = 0.01
"""Taint below is rounding."""


def part(taint: Taint, share: float) -> Taint:
    """Return a share of taint."""
    return tuple(usd * share for usd in taint)


def together(one: Taint, other: Taint) -> Taint:
    """Return the sum of two taints."""
    if len(one) < len(other):
        one, other = other, one
    return tuple(usd + (other[hop] if hop < len(other) else 0.0) for hop, usd in enumerate(one))


def leave(me: Account, method: str, lots: list[Lot] | None, usd: float, held: float) -> Taint:
    """Take a payment's taint out of its sender and return it.

    Args:
        me: the sender; it has taint.
        method: one of METHODS.
        lots: what FIFO keeps of the sender.
        usd: the payment.
        held: USD that the sender held before.
    """
    taint = me.taint or ()
    total = sum(taint)
    if method == "poison":
        nearest = next((hop for hop, value in enumerate(taint) if value > 0), 0)
        return (*(0.0,) * nearest, usd)
    if method == "fifo" and lots:
        gone = _first(lots, usd)
        left: Taint = ()
        for _, rest in lots:
            left = together(left, rest)
    else:
        # Holdings from before the stream are unknown: who pays more than was seen to come in pays all of it.
        share = min(1.0, usd / max(held, total, LEAST_USD))
        gone, left = part(taint, share), part(taint, 1.0 - share)
    me.taint = left if sum(left) >= LEAST_USD else None
    return gone


def enter(lots: list[Lot], usd: float, taint: Taint) -> None:
    """Put a receipt behind the others; clean ones in a row are one."""
    lots.append((usd, taint))
    if len(lots) > LOTS or (len(lots) > 1 and not taint and not lots[-2][1]):
        (one, its), (two, more) = lots[-2:]
        lots[-2:] = [(one + two, together(its, more))]


def _first(lots: list[Lot], usd: float) -> Taint:
    """Take the oldest USD out of what came in."""
    gone: Taint = ()
    while lots and usd > 0:
        size, taint = lots[0]
        share = min(1.0, usd / size) if size > 0 else 1.0
        gone = together(gone, part(taint, share))
        usd -= size
        if share >= 1.0:
            del lots[0]
        else:
            lots[0] = (size * (1.0 - share), part(taint, 1.0 - share))
    return gone
