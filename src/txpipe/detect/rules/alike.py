"""What the rules about address poisoning share: who looks like whom, how closely, and what is known of it."""

from __future__ import annotations

from typing import Any

from txpipe.address import canonical
from txpipe.detect.account import Account, Facts, look_alike_key, peer
from txpipe.detect.move import Move

POISONING = "poisoning"
PAYMENT = "poisoned-payment"

MOST = 16
"""Look-alikes remembered on one account by each rule; the oldest is forgotten first."""

RUN = 3
"""Equal digits in a row from which on they count as one: 000 in front is a vanity, not a coincidence."""

Poison = list[Any]
"""What ``poisoning`` remembers of a look-alike of one of the account's counterparties: [time of the first
poison, of the last, its kind ("" if it only made real payments), times, whom it imitates, USD of its real
payments, rank of the severity last said (-1: nothing), time when it was said]."""


def initiator_of(move: Move) -> str | None:
    """Return who sent the transaction, in canonical spelling."""
    return None if move.initiator is None else canonical(move.initiator)


def imitated(me: Account, address: str) -> str | None:
    """Return the counterparty of the account that an address looks like, or None.

    A look-alike that crept into the account's memory does not make the original look like it.
    """
    key = look_alike_key(address)
    for peers in (me.paid, me.payers):
        known = peer(peers, key)
        if known is not None and known != address and not is_suspect(me, known):
            return known
    return None


def is_suspect(me: Account, address: str) -> bool:
    """Whether an address poisoned the account, or was paid as a look-alike by it, as far as remembered."""
    poison = poison_of(me, address)
    if poison is not None and poison[2]:
        return True
    paid: dict[str, Any] | None = me.noted(PAYMENT)
    return paid is not None and address in paid


def is_own(me: Account, address: str) -> bool:
    """Whether an address looks like the account itself: vanity addresses of one owner, who made both."""
    return look_alike_key(address) == me.key


def poison_of(me: Account, address: str) -> Poison | None:
    """Return what is remembered of a look-alike, or None."""
    kept: dict[str, Poison] | None = me.noted(POISONING)
    return None if kept is None else kept.get(address)


def paid_usd(poison: Poison | None) -> float:
    """Return how much a look-alike paid the account in real payments, as far as remembered."""
    return 0.0 if poison is None else float(poison[5])


def is_funded_by(account: Facts, address: str) -> bool:
    """Whether what an account got last came from an address, or through it."""
    return account.source == address or any(hop[0] == address for hop in account.trail)


def matched(first: str, second: str) -> tuple[int, int]:
    """Return how many leading and trailing hex digits two addresses share.

    >>> matched("0x7e4d7afab755066008897f1eb143b22a63a7f223", "0x7e4d540dbf60b1498800e0476924f6294edcf223")
    (4, 4)
    """
    one, other = first[2:], second[2:]
    front = _common(one, other)
    return front, min(_common(one[::-1], other[::-1]), len(one) - front)


def digits(first: str, second: str) -> dict[str, int]:
    """Return how many digits two addresses share as evidence."""
    front, back = matched(first, second)
    return {"leading_digits": front, "trailing_digits": back, "digits": weight(first, second)}


def weight(first: str, second: str) -> int:
    """Return how many digits two addresses share, a run of equal ones counted once.

    >>> weight("0x000012ab" + "1" * 28 + "0000", "0x000012cd" + "2" * 28 + "0000")
    4
    """
    front, back = matched(first, second)
    return _distinct(first[2 : 2 + front]) + _distinct(first[len(first) - back :])


def _common(one: str, other: str) -> int:
    count = 0
    for mine, its in zip(one, other, strict=False):
        if mine != its:
            break
        count += 1
    return count


def _distinct(digits: str) -> int:
    count = run = 0
    last = ""
    for digit in digits:
        run = run + 1 if digit == last else 1
        last = digit
        count += 1 if run < RUN else (1 - RUN + 1 if run == RUN else 0)
    return count
