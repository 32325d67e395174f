"""What ``approval-phishing`` compares with, how it reads an approval, and how it grades a loss."""

from __future__ import annotations

from dataclasses import dataclass

from txpipe.address import canonical
from txpipe.detect.account import CONTRACT, Facts
from txpipe.detect.move import Move
from txpipe.detect.settings import setting
from txpipe.detect.traits import PULLED
from txpipe.detect.wire import Approval
from txpipe.record import Severity

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
    split_usd: float = setting(
        100.0, "USD", "txpipe: as small_usd, of any share, where it goes to the taker and somebody new"
    )
    split: float = setting(0.1, "share 0-1", "txpipe: drainers for hire keep a fifth or so; less is a fee")
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
    event = move.event
    return isinstance(event, Approval) and event.scope != "all" and not event.value.strip("0")


def is_given(move: Move, owner: Facts) -> bool:
    """Whether the owner gave it: others can send in permits, and write any log of a token they made."""
    if not move.traits & PULLED:
        return True
    return is_permit(move) and move.asset.known and not owner.flags & CONTRACT


def is_permit(move: Move) -> bool:
    """Whether it is an approval that the owner signed aside, for anyone to send in."""
    event = move.event
    return isinstance(event, Approval) and event.via == "permit"


def is_own(owner: Facts, spender: Facts) -> bool:
    """Whether both are probably one person's: one paid the other, or the same third paid for both."""
    source = spender.source
    return source is not None and (
        source == owner.address or (source == owner.source and spender.fan_in <= 1)
    )


def kind_of(move: Move, spender: Facts, unlimited: float) -> str:
    """Name the kind of an approval: all, permit (sent in by the spender itself), unlimited or limited."""
    event = move.event
    if isinstance(event, Approval) and event.scope == "all":
        return "all"
    if is_permit(move) and signer_of(move) == spender.address:
        return "permit"
    return "unlimited" if float(event.value) >= unlimited else "limited"


def loss(  # noqa: PLR0913 - what a loss is judged by
    move: Move, other: Facts, usd: float, held: float, limits: Settings, *, by_key: bool
) -> Severity | None:
    """Grade what a spender took of an owner, by how much it is and whether a key, or a contract, took it."""
    if move.usd is None:
        return "medium" if by_key else None
    is_unseen = usd > limits.beyond * held
    if usd < limits.least_usd or (is_unseen and usd < limits.much_usd):
        return None
    if is_unseen and by_key and other.fan_in > limits.few:
        return "low"
    share = min(1.0, usd / held) if held > 0 else limits.share
    much = usd >= limits.much_usd
    if by_key and much:
        return "high" if share >= limits.share else "medium" if share >= limits.some else None
    if by_key:  # Shops and subscriptions collect sums like these from many, and often by key.
        known = other.fan_in > limits.few
        return None if share < limits.share else "low" if known else "medium"
    # Contracts that act for owners are common; few of them send all of it to somebody else's wallet.
    private = not other.flags & CONTRACT and other.fan_in < limits.busy
    if share >= limits.sweep:
        return "medium" if private and much else "low"
    return "low" if share >= limits.share and private else None


def robbed(usd: float, held: float, limits: Settings, *, shared: bool, split: bool) -> Severity | None:
    """Grade a loss to somebody who calls the approved contract for himself, or shares with another."""
    if split and usd >= limits.split_usd:
        return "medium"
    if held < usd:  # In the middle of a life, or after it was spent elsewhere.
        return "medium" if usd >= (limits.least_usd if shared else limits.much_usd) else None
    share = limits.some if shared else limits.share
    return "medium" if usd >= limits.small_usd and usd >= share * held else None
