"""outlier: an account sends far more than it usually does, to an account that did not exist before.

Pattern: an account that mostly pays whom it knows sends ten times what it usually sends to a new account,
which gets rid of it within two days; or three times as much, if it came in parts or is gone within two hours.

Why: a thief or a deceived owner moves the savings, while habits were pocket money; no list knows the
receiver.

Reads: amounts and contacts of what the account sends, and what the new receiver does with it. What is usual
is a running mean, since the largest of a year is a poor yardstick. Finds, for example, a wallet that usually
sends 200 USD to three shops and sends 18,000 USD to an account seen for the first time: severity low, subject
the wallet, role victim; when that account sends all of it to another new one, or swaps or bridges it at once:
medium, subject the new account.

Settings: see Settings.

Known false positives: the first deposit at an exchange (its deposit addresses are new accounts, too), a
house, a wallet of one's own. It is why the payment alone is low; a deposit address is known by where it
sweeps to, and a wallet of one's own by what stays. Who moves house in two steps within two days is taken for
a thief. Where an account sends more than it was seen to hold, its habits were not seen either: the payment
alone is passed over, and so is who hands it on hours later in one payment. Blind spots: accounts with fewer
than five payments or six hours seen, or with somebody new at most of their payments; first parts outside
``Bounds.part_usd`` that do not stand out; receivers that existed before; thieves who keep the loot, who
send it all straight to a service (as a deposit address does), or whose account lives on other funds too.

Source: txpipe's own, after the z-score on the account's own baseline of Range's documentation, with multiples
instead, since payments are not normally distributed. Scenario: ``outlier``; silent on its benign twin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from txpipe.detect.account import CONTRACT, Account, Facts
from txpipe.detect.finding import SCORES, Finding
from txpipe.detect.move import Move
from txpipe.detect.rules.loot import PASSED_ON, TIME, USD, Limits, Loot
from txpipe.detect.settings import setting
from txpipe.detect.traits import BEYOND, CARRYING, DUST, FIRST_CONTACT, FORGEABLE, LARGER, PART, SERVED
from txpipe.record import SEVERITIES, Severity

DAY_S = 86400


@dataclass(frozen=True, slots=True)
class Settings(Limits):
    """What outlier compares with."""

    times: float = setting(10.0, "times what is usual", "txpipe: 10 to 20; below, salaries and rents fire")
    less_times: float = setting(
        3.0, "times what is usual", "txpipe: of what came in parts, or is gone as soon as below"
    )
    hurried_s: int = setting(2 * 3600, "seconds", "txpipe: a new account's holder rarely empties it as soon")
    least_usd: float = setting(300.0, "USD", "txpipe: below, ten times the habit is still a purchase")
    beyond: float = setting(1.5, "times the holdings", "txpipe: above, most of its life is not seen")
    age_s: int = setting(6 * 3600, "seconds", "txpipe: a shorter history is no habit")
    window_s: int = setting(2 * DAY_S, "seconds", "txpipe: one alert about one payer")
    young_s: int = setting(DAY_S, "seconds", "txpipe: age of a new receiver")
    habit_n: int = setting(5, "payments", "txpipe: before; fewer are no habit")
    habit_share: float = setting(
        0.7, "share 0-1", "txpipe: payments to somebody new; who pays more of them is a business"
    )
    young_n: int = setting(3, "movements", "txpipe: that a new receiver got: its gas and parts of it")
    others: int = setting(0, "payments", "txpipe: to accounts that existed before; who pays any lives on it")


SILENT = (
    (
        "less than {thresholds.times} times its usual {usual_before_usd}, or less than "
        "{thresholds.least_usd} (it was {sent_usd})"
    ),
    (
        "fewer than {thresholds.habit_n} payments before (there were {sent_before}), or an age of less than "
        "{thresholds.age_s} (it was {age_s})"
    ),
    "{age_s:if}one payment before that was larger",
    (
        "somebody new at more than {thresholds.habit_share:share} of its payments (there were {paid_by_now} "
        "of {sent_before})"
    ),
    (
        "{age_s:if}a receiver that it dealt with or that existed a day before, that others pay, a contract "
        "or a service"
    ),
    *PASSED_ON,
    (
        "less than {enough_usd} received: {thresholds.times} times what its sender usually sends "
        "({thresholds.less_times} times if it came in parts, which were {parts}, or was gone within "
        "{thresholds.hurried_s}), or {thresholds.least_usd} (it was {received_usd})"
    ),
    (
        "more than {thresholds.beyond} times what its sender was seen to hold (it was {held_usd}), if it "
        "came in one part (there were {parts}), was kept for more than {thresholds.hurried_s} and left in "
        "one payment (there were {payments})"
    ),
)
"""What would have kept the rule silent."""


class Outlier:
    """The rule.

    It keeps, of a new receiver, what ``loot`` keeps, what its sender usually sent and held before as "usual"
    and "held", and in how many "parts" it came.
    """

    ID = "outlier"
    VERSION = 4
    SEVERITY: Severity = "medium"
    SENT = LARGER | CARRYING
    RECEIVED = (LARGER, BEYOND, PART)
    UNLESS = FORGEABLE | DUST
    RECEIVED_UNLESS = SERVED

    def __init__(self, settings: Settings | None = None) -> None:
        self._is = settings or Settings()
        self._loot = Loot(self.ID, CARRYING, self._is)

    def sent(self, move: Move, me: Account, other: Facts) -> Sequence[Finding]:
        """Say what goes to a new receiver beyond the habit; follow who got such a sum."""
        if me.watch_sent & CARRYING:
            found = self._passed(move, me, other)
            if found:
                return found
        limits = self._is
        usd = move.usd
        if (
            not move.traits & LARGER
            or move.traits & SERVED
            or not move.traits & FIRST_CONTACT
            or not usd
            or other.n_out
            or other.fan_in > limits.sources
            or usd < limits.least_usd
            or usd < limits.times * move.usual
            or usd > limits.beyond * move.held
            or other.first < move.time - limits.young_s
            or not self._has_habit(move.time, me)
            or (me.flags | other.flags) & CONTRACT
            or not me.says(self.ID, move.time, SEVERITIES.index("low"), limits.window_s)
        ):
            return ()
        return (self._outlier(move, me, other, usd),)

    def received(self, move: Move, me: Account, other: Facts) -> Sequence[Finding]:
        """Watch a new account that gets an outlier, at once or in parts."""
        limits = self._is
        if me.watch_received & BEYOND:
            if self._loot.is_over(me, move.time):
                me.watch_received &= ~BEYOND
                me.watch_sent &= ~CARRYING
            elif self._loot.add(me, move, move.usd or 0.0) is not None:
                me.noted(self.ID)["parts"] += 1
            return ()
        if (
            me.n_out
            or me.n_in > limits.young_n
            or not 0 <= move.time - me.first <= limits.young_s
            or not self._has_habit(move.time, other)
            or (me.flags | other.flags) & CONTRACT
        ):
            return ()
        self._loot.take(me, move, move.usd or 0.0)
        me.noted(self.ID).update(usual=move.usual, held=move.held, parts=1)
        me.watch_received |= BEYOND
        return ()

    def _has_habit(self, time: int, payer: Facts) -> bool:
        """Whether an account's life was seen for a while, and it mostly pays whom it paid before."""
        limits = self._is
        return (
            payer.n_out > limits.habit_n
            and payer.fan_out <= limits.habit_share * payer.n_out
            and time - payer.first >= limits.age_s
        )

    def _passed(self, move: Move, me: Account, other: Facts) -> Sequence[Finding]:
        """Say that a new account passed an outlier on."""
        limits = self._is
        passed = self._loot.passed_on(me, move, other)
        if not me.watch_sent & CARRYING:
            me.watch_received &= ~BEYOND
        if passed is None:
            return ()
        notes = me.noted(self.ID)
        usual, parts = notes["usual"], notes["parts"]
        is_odd = parts > 1 or move.time - passed[TIME] <= limits.hurried_s
        if not is_odd and me.n_out == 1 and passed[USD] > limits.beyond * notes["held"]:
            return ()  # One step, a night later, of money that was not seen before: whoever moves house.
        enough = max((limits.less_times if is_odd else limits.times) * usual, limits.least_usd)
        if passed[USD] < enough or not me.says(self.ID, move.time, 2, limits.passed_s):
            return ()
        got = "a payment far beyond its sender's habit"
        more = {"usual_usd": round(usual, 2), "held_usd": round(notes["held"], 2), "parts": parts}
        more |= {"payments": me.n_out, "enough_usd": round(enough, 2)}
        return (self._loot.finding(me, move, passed, got, more),)

    def _outlier(self, move: Move, me: Account, other: Facts, usd: float) -> Finding:
        return Finding(
            rule=self.ID,
            category="theft",
            severity="low",
            score=SCORES["low"],
            subject=me.address,
            role="victim",
            about=other.address,
            title=f"Account sends {_times(usd, move.usual)} its usual payment to a new account",
            evidence={
                "sent_usd": round(usd, 2),
                "usual_before_usd": round(move.usual, 2),
                "held_usd": round(move.held, 2),
                "sent_before": me.n_out - 1,
                "paid_by_now": me.fan_out,
                "age_s": move.time - me.first,
                "receiver": other.address,
                "thresholds": asdict(self._is),
            },
        )


def _times(usd: float, usual: float) -> str:
    """Return a multiple as words; a history of worthless payments has none."""
    return f"{usd / usual:,.0f} times" if usual >= 1 else "far more than"
