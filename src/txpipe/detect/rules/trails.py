"""What rules about layering share: hops of a trail as named numbers, and who can be one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from txpipe.detect.account import CONTRACT, SIGNER, Facts, Hop
from txpipe.detect.move import Move
from txpipe.lists.entry import Entry

UTXO = "bip122:"
"""Chains on which every payment sends its change to a fresh address: trails look the same, honest or not."""


class Pass(NamedTuple):
    """A ``Hop`` with names; see there."""

    address: str
    got: int
    sent: int
    usd: float
    part: float
    gone: float
    moves: int
    age_s: int
    tx: str

    @property
    def dwell_s(self) -> int:
        """Seconds for which it kept the funds; time may run backwards, then 0."""
        return max(0, self.sent - self.got)

    @property
    def lot_usd(self) -> float:
        """USD that it had got."""
        return self.usd / self.part if self.part > 0 else self.usd


def passes(hops: Sequence[Hop]) -> list[Pass]:
    """Return the hops of a trail with names."""
    return [Pass(*hop) for hop in hops]


def tail(hops: Sequence[Hop], fits: Callable[[Pass], bool]) -> list[Pass]:
    """Return the last hops in a row that fit, in their order."""
    found: list[Pass] = []
    for hop in reversed(hops):
        named = Pass(*hop)
        if not fits(named):
            break
        found.append(named)
    return found[::-1]


def is_contract(account: Facts, move: Move) -> bool:
    """Whether code seems to hold an account: nobody signs for it, and it was called or gave something away.

    Where the stream shows no signers at all, only a call with a method tells.
    """
    if account.flags & SIGNER:
        return False
    return account.flags & CONTRACT != 0 or (account.n_out > 0 and move.initiator is not None)


def shown(hops: Sequence[Pass]) -> list[dict[str, Any]]:
    """Return hops as evidence."""
    return [
        {
            "address": hop.address,
            "tx": hop.tx,
            "usd": round(hop.usd, 2),
            "share": round(hop.gone, 3),
            "kept_s": hop.dwell_s,
            "movements": hop.moves,
        }
        for hop in hops
    ]


def entry_shown(entry: Entry) -> dict[str, str]:
    """Return a list's entry as evidence."""
    said = {"list": entry.list, "list_date": entry.list_date, "category": entry.category}
    more = {"label": entry.label, "source": entry.source, "listed": entry.listed}
    return said | {key: value for key, value in more.items() if value}
