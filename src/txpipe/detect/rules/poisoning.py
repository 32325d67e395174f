"""poisoning: an address that looks like one of an account's counterparties touches it with next to nothing.

Pattern: same first and last digits as somebody whom the account paid or was paid by, and a movement that
costs nothing: zero value (also written in the victim's own name), dust, a small part of what the account
usually deals in, a counterfeit or worthless token; one by one or in batches.

Why: wallets show the ends of an address only, and people copy addresses from their history. 270 million
attempts and at least 83.8 million USD lost on two chains.

Reads: LIKE_SENT on forged movements, LIKE_RECEIVED, the amount, the account's earlier contacts. Finds, for
example, 0x7e4d...f223 sending 0.001 USDT to an account that paid another 0x7e4d...f223: severity medium,
subject the look-alike; high with many digits, a mimicked amount or a counterfeit token.

Settings: see Settings.

Known false positives: vanity addresses of one owner that differ in the middle only, as long as the second one
never made a real payment. Runs of equal digits count once, for that reason. Not seen: look-alikes outside EVM
addresses, and of counterparties longer ago than the account remembers.

Source: Tsuchiya et al., USENIX Security 2025 (arXiv 2501.16681), for the kinds and the digits; Forta's
address-poisoning-py for the mimicked amount. Scenario: ``poisoning``; it must stay silent on vanity twins
that both deal with the account.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from txpipe.detect.account import ALLOWED, Account, Facts, look_alike_key, peer
from txpipe.detect.finding import SCORES, Finding, lowered
from txpipe.detect.move import Move
from txpipe.detect.rules import alike
from txpipe.detect.settings import setting
from txpipe.detect.traits import COUNTERFEIT, FORGEABLE, LIKE_RECEIVED, LIKE_SENT
from txpipe.record import SEVERITIES, Severity

DAY_S = 86400
SMALL = "a small payment"


@dataclass(frozen=True, slots=True)
class Settings:
    """What poisoning compares with."""

    dust_usd: float = setting(1.0, "USD", "txpipe: tiny transfers of Tsuchiya et al. are mostly below")
    small_usd: float = setting(100.0, "USD", "txpipe: more is no bait but a payment")
    small_share: float = setting(0.01, "share 0-1", "txpipe: of the account's usual dealings; bait is cheap")
    bait_usd: float = setting(10.0, "USD", "txpipe: a few dollars are bait, too, for who deals in more")
    bait_share: float = setting(0.1, "share 0-1", "txpipe: of the usual dealings, for those few dollars")
    tiny_units: float = setting(0.001, "units", "txpipe: dust of a known token without a price")
    sure_digits: int = setting(9, "digits", "txpipe: 88 % of real losses share fewer; 2^-36 by chance")
    vanity_digits: int = setting(5, "digits", "txpipe: fewer, runs counted once, are a vanity pattern's")
    trusted_usd: float = setting(20.0, "USD", "txpipe: with real payments from here on it is a counterparty")
    trusted_share: float = setting(0.1, "share 0-1", "txpipe: or of the usual dealings, if that is more")
    silence_s: int = setting(30 * DAY_S, "seconds", "txpipe: a look-alike is said once a month for a victim")


SILENT = (
    "fewer equal digits than 3 in front and 4 at the end (there are {leading_digits} and {trailing_digits})",
    "no dealings of the victim with {imitates} before, as far as 64 of them each way are remembered",
    "{real_from_usd} or more sent: that is a payment (it was {usd})",
    (
        "{trusted_from_usd} or more in real payments from the look-alike to the victim before (it was "
        "{paid_before_usd})"
    ),
    "the look-alike on an allow-list, or last funded by {imitates}: then both are one owner's",
    "an alert as grave about the same two within {thresholds.silence_s} before",
)
"""What would have kept the rule silent."""


class Poisoning:
    """The rule. On the victim it keeps the last ``alike.MOST`` look-alikes, an ``alike.Poison`` each."""

    ID = alike.POISONING
    VERSION = 1
    SEVERITY: Severity = "high"
    SENT = LIKE_SENT
    RECEIVED = LIKE_RECEIVED
    UNLESS = 0

    def __init__(self, settings: Settings | None = None) -> None:
        self._is = settings or Settings()

    def sent(self, move: Move, me: Account, other: Facts) -> Iterator[Finding]:
        """Look at what somebody else wrote in the account's name."""
        if move.traits & FORGEABLE and alike.initiator_of(move) != me.address:
            yield from self._touched(move, me, other, "forged " + self._kind(move, me))

    def received(self, move: Move, me: Account, other: Facts) -> Iterator[Finding]:
        """Look at what a look-alike sends: bait, or a real payment."""
        kind = self._kind(move, me)
        if kind:
            yield from self._touched(move, me, other, kind)
        elif move.usd and alike.imitated(me, other.address) is not None:
            self._poison(move, me, other.address)[5] += move.usd

    def _kind(self, move: Move, me: Account) -> str:
        """Say what kind of bait a movement is; "" for a real payment."""
        usd = move.usd
        if not move.event.value.strip("0"):
            return "zero value"
        if move.traits & COUNTERFEIT:
            return "counterfeit token"
        if usd is None:
            if not move.asset.known:
                return "unknown token"
            return "dust" if move.units <= self._is.tiny_units else ""
        if usd < self._is.dust_usd:
            return "dust"
        return SMALL if usd < self._real_usd(me) else ""

    def _real_usd(self, me: Account) -> float:
        """Return from where on an amount is a payment and no bait."""
        limits, usual = self._is, usual_usd(me)
        small = min(limits.small_usd, limits.small_share * usual)
        bait = min(limits.bait_usd, limits.bait_share * usual)
        return max(limits.dust_usd, small, bait)

    def _trusted_usd(self, me: Account) -> float:
        """Return from which real payments on a look-alike is somebody of its own."""
        return max(self._is.trusted_usd, self._is.trusted_share * usual_usd(me))

    def _poison(self, move: Move, me: Account, address: str) -> alike.Poison:
        kept: dict[str, alike.Poison] = me.note(self.ID, {})
        if address not in kept:
            if len(kept) >= alike.MOST:
                del kept[next(iter(kept))]
            kept[address] = [move.time, move.time, "", 0, "", 0.0, -1, 0]
        return kept[address]

    def _touched(self, move: Move, me: Account, other: Facts, kind: str) -> Iterator[Finding]:
        limits = self._is
        known = alike.imitated(me, other.address)
        if known is None or other.flags & ALLOWED or alike.is_funded_by(other, known):
            return
        # A thief of many looks like a service; but services forge nothing, and pay out small sums.
        if kind in {"dust", SMALL} and (other.is_service or alike.is_own(me, other.address)):
            return
        if alike.paid_usd(alike.poison_of(me, other.address)) >= self._trusted_usd(me):
            return
        poison = self._poison(move, me, other.address)
        if not poison[2]:
            poison[0] = move.time
        poison[1:5] = [move.time, kind, poison[3] + 1, known]
        severity = self._severity(move, me, other, poison)
        rank = SEVERITIES.index(severity)
        if rank > poison[6] or not 0 <= move.time - poison[7] < limits.silence_s:
            poison[6:] = [rank, move.time]
            yield self._finding(move, me, other, poison, severity)

    def _severity(self, move: Move, me: Account, other: Facts, poison: alike.Poison) -> Severity:
        digits = alike.weight(other.address, poison[4])
        if digits < self._is.vanity_digits:
            return "low"
        sure = digits >= self._is.sure_digits or poison[2].endswith("counterfeit token")
        steps = 0 if sure or mimics(move, me) else 1
        # One that paid something before it sent anything odd may be somebody of its own.
        usd = move.usd or 0.0
        if poison[3] == 1 and usd < 1 and peer(me.payers, look_alike_key(other.address)) == other.address:
            steps += 1
        return lowered("high", steps)

    def _finding(
        self, move: Move, me: Account, other: Facts, poison: alike.Poison, severity: Severity
    ) -> Finding:
        known: str = poison[4]
        prefix, suffix = alike.matched(other.address, known)
        by_amount = poison[2] in {"dust", SMALL} and move.usd is not None
        return Finding(
            rule=self.ID,
            category="phishing",
            severity=severity,
            score=SCORES[severity],
            subject=other.address,
            title=f"Look-alike of a counterparty ({prefix}+{suffix} digits) poisons an account: {poison[2]}",
            evidence={
                "victim": me.address,
                "imitates": known,
                **alike.digits(other.address, known),
                "kind": poison[2],
                "times": poison[3],
                "usd": None if move.usd is None else round(move.usd, 6),
                "real_from_usd": round(self._real_usd(me), 2) if by_amount else None,
                "paid_before_usd": round(alike.paid_usd(poison), 2),
                "trusted_from_usd": round(self._trusted_usd(me), 2),
                "mimics_amount": mimics(move, me),
                "usual_usd": round(usual_usd(me), 2),
                "sent_by": move.initiator,
                "thresholds": asdict(self._is),
            },
        )


def usual_usd(me: Account) -> float:
    """Return the size of the account's dealings: its largest payment, or what came in lately if more."""
    return max(me.largest, me.lot_in)


def mimics(move: Move, me: Account) -> bool:
    """Whether an amount has the leading digits of one that the account lately dealt in (0.0162 of 16,200)."""
    shape = f"{move.units if move.usd is None else move.usd:.3e}"[:5]
    if shape.endswith("00"):
        return False
    return any(f"{amount:.3e}"[:5] == shape for amount in (me.largest, me.lot_in, me.lot_out) if amount)
