"""outlier: an account sends far more than it usually does, to accounts that did not exist before.

Pattern: one payment, larger than any before, or a few within two days, of ten times what an account with a
history usually sends, to receivers which it never dealt with and which are new themselves.

Why: a thief or a deceived owner moves the savings, while habits were pocket money; no list knows the
receiver.

Reads: amounts and contacts of what the account sends after an unusually large payment, and what the new
receiver does with it. What is usual is a running mean, since the largest of a year is a poor yardstick.
Finds, for example, a wallet that usually sends 200 USD and sends 18,000 USD to an account seen for the first
time: severity low, subject the wallet, role victim; when that account sends all of it to another new one, or
swaps or bridges it at once: medium, subject the new account.

Settings: see Settings.

Known false positives: the first deposit at an exchange (its deposit addresses are new accounts, too), a
house, a wallet of one's own. It is why the payment alone is low; a deposit address is known by where it
sweeps to, and a wallet of one's own by what stays. Who moves house in two steps within two days is taken for
a thief. Where an account sends more than it was seen to hold, its habits were not seen either: silent. Blind
spots: accounts with fewer than five payments or six hours seen; parts that are each below
``Bounds.larger_times`` what is usual; receivers that existed before; thieves who keep the loot, who send it
all straight to a service (as a deposit address does), or whose account lives on other funds too.

Source: txpipe's own, after the z-score on the account's own baseline of Range's documentation, with multiples
instead, since payments are not normally distributed. Scenario: ``outlier``; silent on its benign twin.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from txpipe.detect.account import CONTRACT, Account, Facts
from txpipe.detect.finding import SCORES, Finding
from txpipe.detect.move import Move
from txpipe.detect.rules.loot import PASSED_ON, USD, Limits, Loot
from txpipe.detect.settings import setting
from txpipe.detect.traits import BEYOND, CARRYING, DUST, FIRST_CONTACT, FORGEABLE, LARGER, RETURN, SERVED
from txpipe.record import SEVERITIES, Severity

DAY_S = 86400


@dataclass(frozen=True, slots=True)
class Settings(Limits):
    """What outlier compares with."""

    times: float = setting(10.0, "times what is usual", "txpipe: 10 to 20; below, salaries and rents fire")
    least_usd: float = setting(300.0, "USD", "txpipe: below, ten times the habit is still a purchase")
    beyond: float = setting(1.5, "times the holdings", "txpipe: above, most of its life is not seen")
    age_s: int = setting(6 * 3600, "seconds", "txpipe: a shorter history is no habit")
    window_s: int = setting(2 * DAY_S, "seconds", "txpipe: parts of one outlier")
    young_s: int = setting(DAY_S, "seconds", "txpipe: age of a new receiver")
    busy_n: int = setting(20, "receivers", "txpipe: who pays as many, and somebody new most times,")
    busy_share: float = setting(0.75, "share 0-1", "txpipe: of its payments: is a business without a habit")
    young_n: int = setting(3, "movements", "txpipe: that a new receiver got: its gas and parts of it")


SILENT = (
    (
        "less than {thresholds.times} times its usual {usual_before_usd}, or less than "
        "{thresholds.least_usd}, sent to new accounts (it was {sent_usd})"
    ),
    (
        "fewer than 5 payments before (there were {sent_before}), or an age of less than "
        "{thresholds.age_s} (it was {age_s})"
    ),
    "{age_s:if}none of them larger than every payment before it",
    (
        "{age_s:if}receivers that it dealt with or that existed a day before, that others pay, contracts "
        "or services"
    ),
    *PASSED_ON,
    (
        "less than {enough_usd} received: {thresholds.times} times what its sender usually sends, or "
        "{thresholds.least_usd} (it was {received_usd})"
    ),
)
"""What would have kept the rule silent."""


class Outlier:
    """The rule.

    It keeps, of a sender, [began, usual before, held before, sent before, USD, up to 8 new receivers] as
    "sent" and, of a new receiver, what ``loot`` keeps and the sum from which on it is an outlier as "enough".
    """

    ID = "outlier"
    VERSION = 2
    SEVERITY: Severity = "medium"
    SENT = LARGER | BEYOND | CARRYING
    RECEIVED = LARGER | BEYOND
    UNLESS = FORGEABLE

    def __init__(self, settings: Settings | None = None) -> None:
        self._is = settings or Settings()
        self._loot = Loot(self.ID, CARRYING, self._is)

    def sent(self, move: Move, me: Account, other: Facts) -> Iterator[Finding]:
        """Add up what goes to new receivers since the payment that stood out; follow who got such a sum."""
        limits = self._is
        if me.watch_sent & CARRYING:
            yield from self._passed(move, me, other)
        kept: list[Any] | None = (me.noted(self.ID) or {}).get("sent")
        if kept is None or not 0 <= move.time - kept[0] <= limits.window_s:
            me.watch_sent &= ~BEYOND
            is_young = move.time - me.first < limits.age_s
            if not move.traits & LARGER or is_young or move.traits & SERVED or me.flags & CONTRACT:
                return
            kept = [move.time, move.usual, move.held, me.n_out - 1, 0.0, []]
            notes: dict[str, Any] = me.note(self.ID, {})
            notes["sent"] = kept
            me.watch_sent |= BEYOND
        if not move.usd or move.traits & SERVED or not _is_new(move, other, kept):
            return
        kept[4] += move.usd
        enough = kept[4] >= max(limits.times * kept[1], limits.least_usd)
        is_seen = kept[4] <= limits.beyond * kept[2]
        if enough and is_seen and me.says(self.ID, move.time, SEVERITIES.index("low"), limits.window_s):
            yield self._outlier(me, other, kept, "low")

    def received(self, move: Move, me: Account, other: Facts) -> Iterator[Finding]:
        """Watch a new account that gets an outlier, at once or in parts."""
        limits = self._is
        usd = move.usd or 0.0
        if (
            move.traits & (DUST | SERVED)
            or self._loot.add(me, move, usd) is not None
            or me.n_out
            or me.n_in > limits.young_n
            or not 0 <= move.time - me.first <= limits.young_s
            or move.time - other.first < limits.age_s
            or other.fan_out >= max(limits.busy_n, limits.busy_share * other.n_out)
            or (me.flags | other.flags) & CONTRACT
        ):
            return
        self._loot.take(me, move, usd)
        me.noted(self.ID)["enough"] = max(limits.times * move.usual, limits.least_usd)
        yield from ()

    def _passed(self, move: Move, me: Account, other: Facts) -> Iterator[Finding]:
        """Say that a new account passed an outlier on."""
        passed = self._loot.passed_on(me, move, other)
        if passed is None:
            return
        enough = me.noted(self.ID)["enough"]
        if passed[USD] < enough:
            return
        if me.says(self.ID, move.time, 2, self._is.passed_s):
            got = "a payment far beyond its sender's habit"
            yield self._loot.finding(me, move, passed, got, {"enough_usd": round(enough, 2)})

    def _outlier(self, me: Account, other: Facts, kept: list[Any], severity: Severity) -> Finding:
        began, usual, held, before, usd, receivers = kept
        return Finding(
            rule=self.ID,
            category="theft",
            severity=severity,
            score=SCORES[severity],
            subject=me.address,
            role="victim",
            about=other.address,
            title=f"Account sends {_times(usd, usual)} its usual payment to new accounts",
            evidence={
                "sent_usd": round(usd, 2),
                "usual_before_usd": round(usual, 2),
                "held_usd": round(held, 2),
                "sent_before": before,
                "age_s": began - me.first,
                "receivers": list(receivers),
                "thresholds": asdict(self._is),
            },
        )


def _is_new(move: Move, other: Facts, kept: list[Any]) -> bool:
    """Whether the receiver exists since the outlier began only, and has no other payers and no payments."""
    began, receivers = kept[0], kept[5]
    if other.address in receivers:
        return True
    if move.traits & RETURN or not move.traits & FIRST_CONTACT or len(receivers) >= 8:
        return False
    if other.first < began - DAY_S or other.n_out or other.fan_in > 2 or other.flags & CONTRACT:
        return False
    receivers.append(other.address)
    return True


def _times(usd: float, usual: float) -> str:
    """Return a multiple as words; a history of worthless payments has none."""
    return f"{usd / usual:,.0f} times" if usual >= 1 else "far more than"
