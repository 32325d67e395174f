"""What ``approval-phishing`` compares with, and how it reads an approval."""

from __future__ import annotations

from dataclasses import dataclass

from txpipe.address import canonical
from txpipe.detect.account import CONTRACT, Facts
from txpipe.detect.move import Move
from txpipe.detect.settings import setting
from txpipe.detect.traits import PULLED

DAY_S = 86400


@dataclass(frozen=True, slots=True)
class Settings:
    """What approval-phishing compares with."""

    window_s: int = setting(30 * DAY_S, "seconds", "ice-phishing: 30 days")
    patience_s: int = setting(
        180 * DAY_S, "seconds", "txpipe: an approval stays open; thieves wait for money"
    )
    approvals: int = setting(4, "owners", "ice-phishing: more than 3 approvals from distinct owners")
    approvals_all: int = setting(2, "owners", "ice-phishing: more than 1 setApprovalForAll")
    permits: int = setting(2, "owners", "txpipe: a permit that its spender sends in is one for all")
    unlimited: float = setting(1e60, "base units", "txpipe: more than there is of any token")
    least_usd: float = setting(150.0, "USD", "txpipe: below are fees and subscriptions")
    share: float = setting(0.5, "share 0-1", "txpipe: of what the owner was seen to hold; thieves take most")
    some: float = setting(0.2, "share 0-1", "txpipe: of a key without a contract, if it is much money")
    much_usd: float = setting(
        1000.0, "USD", "txpipe: more than shops collect; all, where holdings were unseen"
    )
    small_usd: float = setting(30.0, "USD", "txpipe: as least_usd, of who takes it for himself by a contract")
    takings: int = setting(2, "owners", "txpipe: whose tokens a contract gave to its caller, for nothing")
    few: int = setting(2, "accounts", "txpipe: paid by no more, an account is no shop")
    beyond: float = setting(1.5, "times the holdings", "txpipe: who loses more held more than was seen")
    sweep: float = setting(0.8, "share 0-1", "txpipe: as some, of a contract that somebody else calls")
    busy: int = setting(10, "accounts", "txpipe: paid by as many, it has a life of its own")
    pull_s: int = setting(3 * DAY_S, "seconds", "txpipe: pulls add up for as long; subscriptions are rarer")
    owners: int = setting(3, "owners", "ice-phishing: more than 2 approved transfers that leave nothing")


def contract_of(move: Move) -> str:
    """Return the contract of the token, or of the collection, that a movement or an approval is about."""
    return move.asset.name.rpartition(":")[2]


def signer_of(move: Move) -> str | None:
    """Return who sent the transaction, in canonical spelling."""
    return None if move.initiator is None else canonical(move.initiator)


def is_zero(move: Move) -> bool:
    """Whether an approval is of nothing: taken back or used up."""
    return move.record.get("scope") != "all" and not str(move.record.get("value", "1")).strip("0")


def is_given(move: Move, owner: Facts) -> bool:
    """Whether the owner gave it: others can send in permits, and write any log of a token they made."""
    if not move.traits & PULLED:
        return True
    return move.record.get("via") == "permit" and move.asset.known and not owner.flags & CONTRACT


def is_own(owner: Facts, spender: Facts) -> bool:
    """Whether both are probably one person's: one paid the other, or the same third paid for both."""
    source = spender.source
    return source is not None and (
        source == owner.address or (source == owner.source and spender.fan_in <= 1)
    )


def kind_of(move: Move, spender: Facts, unlimited: float) -> str:
    """Name the kind of an approval: all, permit (sent in by the spender itself), unlimited or limited."""
    if move.record.get("scope") == "all":
        return "all"
    if move.record.get("via") == "permit" and signer_of(move) == spender.address:
        return "permit"
    return "unlimited" if float(move.record.get("value", 0)) >= unlimited else "limited"
