"""poisoned-payment: an account pays an address that only looks like somebody it dealt with before.

Pattern: the receiver shares its first and last digits with an earlier counterparty and is another; often it
touched the payer with dust, a zero-value or a counterfeit movement before.

Why: this is the loss that address poisoning is made for: 4,895 on one chain, up to millions of USD each.

Reads: LIKE_SENT, what ``poisoning`` remembers, the receiver's history. Finds, for example, an account that
sends 150,000 USDT to 0x1127...b08a, having paid another 0x1127...b08a before: critical if that one poisoned
it (high if only by a small real payment), else medium for a large sum and low for others; subject the
payer, role victim.

Settings: see Settings.

Known false positives: vanity addresses of one owner; it is why a payment without poison is low. A receiver
that paid the account real amounts before, that many others pay, or that looks like the payer itself is left
alone; the same receiver is said again only for ten times as much. Not seen: look-alikes outside EVM;
counterparties that the account has forgotten (64 each way).

Source: Tsuchiya et al., USENIX Security 2025 (arXiv 2501.16681), and their list of losses, on which it is
tested; the grading is txpipe's own. Scenario: ``poisoning``; it must stay silent on payments to both of two
vanity twins.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from txpipe.detect.account import Account, Facts
from txpipe.detect.finding import SCORES, Finding, lowered
from txpipe.detect.move import Move
from txpipe.detect.rules import alike
from txpipe.detect.rules.poisoning import SMALL
from txpipe.detect.settings import setting
from txpipe.detect.traits import COUNTERFEIT, FORGEABLE, LIKE_SENT, PULLED
from txpipe.record import Severity


@dataclass(frozen=True, slots=True)
class Settings:
    """What poisoned-payment compares with."""

    dust_usd: float = setting(1.0, "USD", "txpipe: after poison, a payment below is graded one step lower")
    large_usd: float = setting(
        10_000.0, "USD", "txpipe: without poison seen, from here on worth a look at once"
    )
    vanity_digits: int = setting(5, "digits", "txpipe: fewer, runs counted once, are a vanity pattern's")
    busy_payers: int = setting(3, "accounts", "txpipe: paid by as many, the receiver has a life of its own")
    trusted_usd: float = setting(20.0, "USD", "txpipe: as in poisoning")
    trusted_share: float = setting(0.1, "share 0-1", "txpipe: as in poisoning")
    again_times: float = setting(10.0, "multiple", "txpipe: a try, then the real sum; else once a receiver")


SILENT = (
    "fewer equal digits than 3 in front and 4 at the end (there are {leading_digits} and {trailing_digits})",
    "no dealings of the payer with {intended} before, as far as 64 of them each way are remembered",
    (
        "{trusted_from_usd} or more in real payments from the receiver to the payer before (it was "
        "{paid_before_usd})"
    ),
    (
        "{poisoned:unless}{thresholds.busy_payers} or more accounts that paid the receiver (there were "
        "{receiver_payers}), a service, or ends that it shares with the payer itself"
    ),
    (
        "{poisoned:unless}fewer than {thresholds.vanity_digits} equal digits, runs counted once (there "
        "are {digits})"
    ),
    "an alert about the same two before, unless this is more than {thresholds.again_times} times that sum",
)
"""What would have kept the rule silent."""


class PoisonedPayment:
    """The rule. It keeps the most USD said of each of the last ``alike.MOST`` look-alikes that were paid."""

    ID = alike.PAYMENT
    VERSION = 1
    SEVERITY: Severity = "critical"
    SENT = LIKE_SENT
    RECEIVED = 0
    UNLESS = FORGEABLE | COUNTERFEIT

    def __init__(self, settings: Settings | None = None) -> None:
        self._is = settings or Settings()

    def sent(self, move: Move, me: Account, other: Facts) -> Iterator[Finding]:
        """Look at a payment to a look-alike."""
        if not _is_real(move):
            return
        known = alike.imitated(me, other.address)
        poison = alike.poison_of(me, other.address)
        if known is None or alike.paid_usd(poison) >= self._trusted_usd(move, me):
            return
        severity = self._severity(move, me, other, known, poison)
        if severity != "info" and self._is_news(move, me, other.address):
            yield self._finding(move, me, other, known, severity)

    def received(self, move: Move, me: Account, other: Facts) -> Iterator[Finding]:  # noqa: ARG002
        """Nothing is to be seen from this side."""
        yield from ()

    def _trusted_usd(self, move: Move, me: Account) -> float:
        """Return from which real payments on a look-alike is a counterparty of its own."""
        return max(self._is.trusted_usd, self._is.trusted_share * max(move.largest, me.lot_in))

    def _is_news(self, move: Move, me: Account, address: str) -> bool:
        kept: dict[str, float] = me.note(self.ID, {})
        usd = move.usd or 0.0
        if address in kept and usd <= kept[address] * self._is.again_times:
            return False
        if address not in kept and len(kept) >= alike.MOST:
            del kept[next(iter(kept))]
        kept[address] = max(usd, self._is.dust_usd)
        return True

    def _severity(
        self, move: Move, me: Account, other: Facts, known: str, poison: alike.Poison | None
    ) -> Severity:
        """Grade a payment; ``info`` means that it is not worth saying."""
        limits = self._is
        digits = alike.weight(other.address, known)
        steps = 2 * (digits < limits.vanity_digits)
        if poison is not None and poison[2]:
            tiny = move.usd is not None and move.usd < limits.dust_usd
            return lowered("critical", steps + tiny + (poison[2] == SMALL))
        if other.is_service or other.fan_in >= limits.busy_payers or alike.is_own(me, other.address):
            return "info"
        # Who has several addresses with the same ends made them so; such payments are seldom large.
        large = move.usd is not None and move.usd >= limits.large_usd
        older = other.first < me.first and other.n_in > 1 and other.n_out > 0
        return lowered("medium" if large else "low", steps + older)

    def _finding(self, move: Move, me: Account, other: Facts, known: str, severity: Severity) -> Finding:
        prefix, suffix = alike.matched(other.address, known)
        poison = alike.poison_of(me, other.address)
        seen = poison if poison is not None and poison[2] else None
        return Finding(
            rule=self.ID,
            category="phishing",
            severity=severity,
            score=SCORES[severity],
            subject=me.address,
            role="victim",
            about=other.address,
            title=f"Payment to a look-alike of a counterparty ({prefix}+{suffix} digits)"
            + (f" that poisoned the account with {seen[2]}" if seen else ""),
            evidence={
                "receiver": other.address,
                "intended": known,
                **alike.digits(other.address, known),
                "usd": None if move.usd is None else round(move.usd, 2),
                "poisoned": {"by": seen[2], "times": seen[3], "first": seen[0], "last": seen[1]}
                if seen
                else None,
                "paid_before_usd": round(alike.paid_usd(poison), 2),
                "trusted_from_usd": round(self._trusted_usd(move, me), 2),
                "receiver_first": other.first,
                "receiver_payers": other.fan_in,
                "thresholds": asdict(self._is),
            },
        )


def _is_real(move: Move) -> bool:
    """Whether a movement is the account's own and of worth, not a log that anyone can write."""
    if not move.event.value.strip("0"):
        return False
    if move.initiator is None or move.traits & PULLED:
        return move.asset.known or (move.usd is not None and move.usd > 0)
    return True
