"""Lots: funds that came into an account and are on their way out, and the trail that they came by."""

from __future__ import annotations

from txpipe.detect.account import CONTRACT, SIGNER, Account
from txpipe.detect.bounds import Bounds
from txpipe.detect.traits import PASSING, SERVED

MANY_PAID = 50
"""Receivers from which on an account is nobody's source any more: the payout wallet of an exchange or of an
employer gets its own funds from two or three accounts and never looks like a service. txpipe's own choice."""


def grow(  # noqa: PLR0913, PLR0917 - what a movement and its transaction are; by name they cost a tenth more
    payer: Account,
    payee: Account,
    time: int,
    usd: float,
    traits: int,
    bounds: Bounds,
    initiator: str | None,
    tx: str,
) -> None:
    """Let a receiver's lot grow or begin, with where it comes from.

    What an account gets from a contract that it called itself is no lot, and what it gives to one leaves
    none: a swap changes what it holds, not whose it was.
    """
    by_contract = initiator is not None and not payer.flags & SIGNER
    if by_contract and initiator == payee.address:
        return
    rest = payee.lot_in - payee.lot_out
    if rest < 0.0 or time - payee.lot_time > bounds.lot_s:
        rest = 0.0
    if usd < rest:
        payee.lot_in += usd
        before = payee.trail[-1][0] if payee.trail else payee.source
        if not traits & PASSING or before != payer.address:
            return  # else what comes in parts is all passed on by now
    else:
        payee.lot_time, payee.lot_in, payee.lot_out = time, rest + usd if rest else usd, 0.0
    if payer.fan_out >= MANY_PAID or (traits & SERVED and payer.is_service):
        payee.source, payee.trail = None, ()
    elif by_contract:
        through = payer.lot_time == time
        payee.source, payee.trail = (payer.source, payer.trail) if through else (None, ())
    elif payer.source is not None and (traits & PASSING or _is_part(payer, time, usd, bounds)):
        payee.source, payee.trail = payer.source, (*payer.trail[-9:], payer.hop(time, usd, tx))
    else:
        payee.source, payee.trail = payer.address, ()


def _is_part(payer: Account, time: int, usd: float, bounds: Bounds) -> bool:
    """Whether a payment is a good part of what the payer got lately, the first of several perhaps."""
    lot = payer.lot_in
    return (
        usd >= bounds.part_share * lot > 0
        and payer.lot_out <= bounds.passing_share[1] * lot
        and time - payer.lot_time <= bounds.lot_s
    )


def is_contract(account: Account) -> bool:
    """Whether code seems to hold it: nobody signs for it, and it was called or gave something away."""
    return not account.flags & SIGNER and (account.flags & CONTRACT != 0 or account.n_out > 0)
