"""What rules share that follow a sum into a new account: does its holder keep it, or get rid of it at once?

A wallet of one's own keeps what it got. A deposit address hands it to wallets into which many pay, or which
paid for its gas, and lives on what others send. Who got little else and gets rid of all of it within days is
neither, if a good part goes to accounts that did not exist before, or all of it into a contract (a swap, a
bridge). What goes into a contract may come back in a form that is not seen, and leave later.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from txpipe.detect.account import CONTRACT, Account, Facts
from txpipe.detect.finding import SCORES, Finding
from txpipe.detect.move import Move
from txpipe.detect.settings import setting
from txpipe.detect.traits import RETURN, SERVED

BEGAN, TIME, USD, SENDER, OUT, PASSED, FRESH, SWAPPED, OTHERS, HEIRS, TX = range(11)
"""What is kept of a sum: when the first and the last of it came, all of it, who sent it; what the account
sent since, of that what was passed on, to new accounts, and into contracts; payments to anybody else; up to
HEIRS_KEPT new accounts; the transaction that brought the first of it."""

HEIRS_KEPT = 6


@dataclass(frozen=True, slots=True)
class Limits:
    """Settings of the rules that follow a sum."""

    passed_s: int = setting(
        48 * 3600, "seconds", "chain-scanner's layering: 48 h between hops; thieves who wait take a night"
    )
    passed_share: float = setting(0.85, "share 0-1", "txpipe: of the sum; who lives on it keeps some")
    fresh_share: float = setting(0.2, "share 0-1", "txpipe: of the sum, to new accounts; less is a fee")
    swapped_s: int = setting(4 * 3600, "seconds", "txpipe: for all of it to go into contracts")
    sources: int = setting(2, "payers", "txpipe: of who swaps all of it: the sender, and who paid for gas")
    alone: float = setting(1.2, "times the sum", "txpipe: its gas on top; who gets more lives on other funds")
    others: int = setting(2, "payments", "txpipe: to accounts that existed before; more are a life")
    other_share: float = setting(0.005, "share 0-1", "txpipe: of the sum, for one of them; less is a decoy")
    unseen: float = setting(1.05, "times its holdings", "txpipe: who sends more is older than it looks")


PASSED_ON = (
    (
        "less than {thresholds.passed_share} of {received_usd} gone (it was {passed_on_usd}, and "
        "{into_contracts_usd} into contracts)"
    ),
    (
        "less than {thresholds.fresh_share} of it sent to accounts that did not exist before (it was "
        "{to_new_accounts_usd}), and nothing into contracts within {thresholds.swapped_s} "
        "({into_contracts_usd} in all)"
    ),
    "more than {thresholds.passed_s} before it was passed on (it was {after_s})",
    (
        "more than {thresholds.alone} times the sum in income (it was {income_usd} in all), or more than "
        "{thresholds.others} payments to accounts that existed before, of {thresholds.other_share:share} of "
        "the sum each (there were {payments_to_others})"
    ),
)
"""What would have kept a rule silent about who got rid of a sum."""


@dataclass(frozen=True, slots=True)
class Loot:
    """Follows the sums that one rule is interested in.

    Attributes:
        rule: its id; its note of an account is a dict, and "loot" in it is kept here.
        watch: the trait that everything has which the new account sends, as long as it is followed.
        limits: the rule's settings.
    """

    rule: str
    watch: int
    limits: Limits

    def take(self, me: Account, move: Move, usd: float) -> None:
        """Begin to follow a sum that a movement, perhaps with others before, brought to a new account."""
        notes: dict[str, Any] = me.note(self.rule, {})
        notes["loot"] = [move.time, move.time, usd, move.sender.address, 0.0, 0.0, 0.0, 0.0, 0, [], move.tx]
        me.watch_sent |= self.watch

    def add(self, me: Account, move: Move, usd: float) -> float | None:
        """Add to a sum that the same sender began; returns the sum, None if none is followed."""
        kept = self._kept(me, move)
        if kept is None or kept[SENDER] != move.sender.address:
            return None
        kept[TIME] = move.time
        kept[USD] += usd
        total: float = kept[USD]
        return total

    def is_over(self, me: Account, time: int) -> bool:
        """Whether the sum that an account got is too old by now to be followed."""
        kept = (me.noted(self.rule) or {}).get("loot")
        return kept is None or time - kept[TIME] > self.limits.passed_s

    def passed_on(self, me: Account, move: Move, other: Facts) -> list[Any] | None:
        """Return what is kept of a sum when all of it was passed on as thieves do; else None."""
        kept = self._kept(me, move)
        usd = move.usd or 0.0
        if kept is None or usd > self.limits.unseen * (move.held + kept[SWAPPED]):
            me.watch_sent &= ~self.watch
            return None
        kept[OUT] += usd
        if other.address == kept[SENDER]:
            return None
        if other.flags & CONTRACT or _is_swap(me, move):
            kept[SWAPPED] += usd
            # A swap's proceeds leave later, and count then as passed on.
            at_once = move.time - kept[TIME] <= self.limits.swapped_s and me.fan_in <= self.limits.sources
            return kept if at_once and self._is_all(me, kept) else None
        if move.traits & RETURN:
            return None
        if move.traits & SERVED:
            kept[PASSED] += usd
            return None
        if not _is_heir(kept, other):
            kept[OTHERS] += usd >= self.limits.other_share * kept[USD]
            return None
        kept[PASSED] += usd
        kept[FRESH] += usd
        is_fresh = kept[FRESH] >= self.limits.fresh_share * kept[USD]
        return kept if is_fresh and self._is_all(me, kept) else None

    def finding(
        self, me: Account, move: Move, kept: list[Any], got: str, evidence: dict[str, Any]
    ) -> Finding:
        """Return the finding about who passed a sum on; ``got`` names it, ``evidence`` is the rule's own."""
        usd, passed = kept[USD], max(kept[PASSED], kept[SWAPPED])
        share = min(passed / usd, 1.0) if usd else 1.0
        verb, end = ("passes", "on soon") if passed == kept[PASSED] else ("swaps or bridges", "soon")
        return Finding(
            rule=self.rule,
            category="theft",
            severity="medium",
            score=SCORES["medium"],
            subject=me.address,
            title=f"New account got {got} and {verb} {share:.0%} of it {end}",
            evidence={
                "sender": kept[SENDER],
                "received_in": kept[TX],
                "received_usd": round(usd, 2),
                "sent_usd": round(kept[OUT], 2),
                "passed_on_usd": round(kept[PASSED], 2),
                "to_new_accounts_usd": round(kept[FRESH], 2),
                "into_contracts_usd": round(kept[SWAPPED], 2),
                "payments_to_others": kept[OTHERS],
                "income_usd": round(self._income(me, kept), 2),
                "left_usd": round(me.held, 2),
                "after_s": move.time - kept[TIME],
                "receiver": move.receiver.address,
                **evidence,
                "thresholds": asdict(self.limits),
            },
        )

    def _is_all(self, me: Account, kept: list[Any]) -> bool:
        """Whether all of a sum is gone, and the account lives on nothing else and pays nobody else."""
        limits = self.limits
        is_all = kept[PASSED] + kept[SWAPPED] >= limits.passed_share * kept[USD]
        is_alone = self._income(me, kept) <= limits.alone * kept[USD] and kept[OTHERS] <= limits.others
        return bool(is_all and is_alone)

    @staticmethod
    def _income(me: Account, kept: list[Any]) -> float:
        """Return what the account got in all, the sum included, without what came back from contracts."""
        return float(max(me.held + kept[OUT] - kept[SWAPPED], kept[USD]))

    def _kept(self, me: Account, move: Move) -> list[Any] | None:
        """Return what is kept of a sum that is not too old."""
        kept: list[Any] | None = (me.noted(self.rule) or {}).get("loot")
        return kept if kept is not None and 0 <= move.time - kept[TIME] <= self.limits.passed_s else None


def _is_heir(kept: list[Any], other: Facts) -> bool:
    """Whether an account is new since the sum came, and nobody else paid it before."""
    heirs = kept[HEIRS]
    if other.address in heirs:
        return True
    if other.first < kept[BEGAN] or other.fan_in > 1 or other.n_out or len(heirs) >= HEIRS_KEPT:
        return False
    heirs.append(other.address)
    return True


def _is_swap(me: Account, move: Move) -> bool:
    """Whether the sender itself called a contract that is not just the token's, which took the token."""
    target = move.target
    return (
        move.initiator == me.address
        and target is not None
        and target not in {move.receiver.address, move.event.asset.rpartition(":")[2]}
    )
