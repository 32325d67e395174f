"""velocity: a calm account suddenly pays many new receivers.

Pattern: an account that used to send a few payments in a row sends many, one soon after the other, or many
within a day, most of them to accounts that it never dealt with.

Why: whoever takes an account over moves its funds in many pieces before its owner or an exchange can act.

Reads: how many payments follow one another within ``Bounds.burst_gap_s``, how many used to, and whom they
pay; transactions are counted as well as movements, so that one transaction that pays out to hundreds is one.
Finds, for example, eight payments to new accounts in ten minutes by a wallet that never sent two in a row:
severity low, subject the wallet, role victim; medium when most of what it held went to accounts that did not
exist before, after a history; silent where it sends more than it was seen to hold: then its habits were not
seen either. Without a history, it is medium when the account scatters its holdings: five payments and more,
nearly all that it does, in unlike amounts and one by one, to accounts that began with the burst; that they
come in rounds to the same few, or over a day, does not hide it.

Settings: see Settings.

Known false positives: the first payroll or airdrop of a firm (stays low if it pays in batches, the same to
each, or to accounts that were seen before), owners who spread their funds over new wallets of their own.
Blind spots: contracts, accounts that are busy or get funds meanwhile, and bursts whose first three payments
are further apart than ``Bounds.burst_gap_s``.

Source: itsSaifullahkhan's high-transaction-velocity rule (4 to 12 payments in minutes, 5 to 20 times the own
baseline) as quoted in the reference of rules; the rest is txpipe's own. Scenario: ``velocity``; it must stay
silent on that scenario's benign twin.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from txpipe.detect.account import CONTRACT, Account, Facts
from txpipe.detect.finding import SCORES, Finding
from txpipe.detect.move import Move
from txpipe.detect.settings import setting
from txpipe.detect.traits import BURST, FIRST_CONTACT, FORGEABLE, HUSHED, RUSHING, SERVED
from txpipe.record import SEVERITIES, Severity

HOUR_S = 3600
DAY_S = 24 * HOUR_S
SAME_AMOUNT = 0.005
"""Share by which two amounts may differ and still look the same: prices move between two payments."""

BEGAN, BEFORE, PEAK, HELD, GOT, SENT, SEEN, NEW, FRESH, USD, FRESH_USD, TXS, LAST_TX, SAME, LAST_USD, AGED = (
    range(16)
)
"""What is kept: when the burst began; payments before, most of them in a row, USD held, receipts, payments;
and since then: payments to accounts that are no service, those to new contacts, to new accounts, USD, USD to
new accounts, transactions, the last one, payments as large as the one before, the last one's USD; and whether
the account has a history. Of a burst that can be nothing, only the first of them is kept."""

NOTHING_YET = (0, 0, 0, 0.0, 0.0, 0, "", 0, 0.0)
"""SEEN to LAST_USD, as a burst begins."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What velocity compares with."""

    row_n: int = setting(5, "payments in a row", "high-transaction-velocity: 4 to 12 in minutes")
    times: float = setting(
        3.0, "times the longest row before", "high-transaction-velocity: 5 to 20 of the mean"
    )
    sure_times: float = setting(
        1.5, "times the longest row before", "txpipe: where it drains the account; medium"
    )
    day_n: int = setting(12, "payments within a day", "txpipe: the same burst drawn out over hours")
    day_times: float = setting(20.0, "times its payments a day before", "high-transaction-velocity: 5 to 20")
    calm_n: int = setting(4, "payments", "txpipe: a longer row before is no calm account")
    history_n: int = setting(5, "payments before", "txpipe: fewer are no baseline; only scattering is said")
    sure_n: int = setting(10, "payments before", "txpipe: a young firm's first payroll has fewer; medium")
    single: float = setting(0.6, "transactions a payment", "txpipe: payouts go out in batches; medium")
    age_s: int = setting(7 * DAY_S, "seconds", "txpipe: a younger account has no baseline, either")
    txs: int = setting(3, "transactions", "txpipe: one transaction may pay hundreds and is no burst")
    new_share: float = setting(0.6, "share 0-1", "txpipe: of payments, to accounts never paid before")
    drained: float = setting(0.6, "share 0-1", "txpipe: of the holdings, to new accounts; severity medium")
    beyond: float = setting(1.5, "times the holdings", "txpipe: above, most of its life is not seen")
    least_usd: float = setting(500.0, "USD", "txpipe: held, and sent to new accounts; severity medium")
    window_s: int = setting(DAY_S, "seconds", "txpipe: one episode; also how fresh funding for a payout is")
    scattered_n: int = setting(5, "payments", "txpipe: a payroll's receivers were seen before; medium")
    got: int = setting(2, "receipts", "txpipe: during a burst; who gets more leads a life; scattering")
    scattered: float = setting(0.9, "share 0-1", "txpipe: of payments, to new accounts; scattering")
    scattered_usd: float = setting(0.4, "share 0-1", "txpipe: of the holdings, to new accounts; scattering")
    same: float = setting(0.3, "share 0-1", "txpipe: of payments, as large as the one before; an airdrop")
    young_s: int = setting(3 * HOUR_S, "seconds", "txpipe: age of a new account when the burst begins")


SILENT = (
    "fewer than {thresholds.txs} transactions (there were {transactions})",
    (
        "fewer than {thresholds.row_n} payments in a row (there were {in_a_row}), than "
        "{thresholds.day_n} in all (there were {payments}) and than {thresholds.scattered_n} to accounts "
        "that did not exist before (there were {to_new_accounts})"
    ),
    "more than {thresholds.calm_n} payments in a row once before (the longest row was {longest_row_before})",
    (
        "less than {thresholds.new_share} of {payments} payments to accounts never paid before (there "
        "were {to_new_contacts}), and less than {thresholds.scattered:share} to accounts that did not "
        "exist before (there were {to_new_accounts})"
    ),
    "this account a contract: payouts are its business",
    "an alert as grave about it within {thresholds.window_s} before",
)
"""What would have kept the rule silent."""


class Velocity:
    """The rule.

    It keeps the sixteen values named above.
    """

    ID = "velocity"
    VERSION = 5
    SEVERITY: Severity = "medium"
    SENT = BURST | RUSHING
    RECEIVED = 0
    UNLESS = FORGEABLE | SERVED

    def __init__(self, settings: Settings | None = None) -> None:
        self._is = settings or Settings()
        self.CALM_N = self._is.calm_n

    def sent(self, move: Move, me: Account, other: Facts) -> Iterable[Finding]:
        """Count a burst's payments; say when they are many for this account and mostly to new receivers."""
        limits, notes = self._is, me.notes
        kept: list[Any] | None = None if notes is None else notes.get(self.ID)
        if kept is None or not 0 <= move.time - kept[BEGAN] < limits.window_s:
            kept = self._began(move, me)
        if kept is None or len(kept) == 1:
            return ()
        self._count(move, other, kept)
        if self._is_nothing(me, kept):
            del kept[1:]
            me.watch_sent = me.watch_sent & ~RUSHING | HUSHED
            return ()
        if kept[TXS] < limits.txs:
            return ()
        severity = self._severity(me, kept)
        if severity is not None and me.says(self.ID, move.time, SEVERITIES.index(severity), limits.window_s):
            return (self._finding(move, me, other, kept, severity),)
        return ()

    def received(self, move: Move, me: Account, other: Facts) -> Iterable[Finding]:  # noqa: ARG002
        """Nothing is to be seen from this side."""
        return ()

    def _began(self, move: Move, me: Account) -> list[Any] | None:
        """Begin to watch an account that used to be calm."""
        limits, held = self._is, move.held
        if not move.traits & BURST:
            me.watch_sent &= ~RUSHING
            return None
        if me.run_peak > limits.calm_n or me.flags & CONTRACT:
            me.watch_sent = me.watch_sent & ~RUSHING | HUSHED
            return None
        before = me.n_out - me.run_n
        is_aged = before >= limits.history_n and move.time - me.first >= limits.age_s
        kept: list[Any] = me.note(self.ID, [])
        if held < limits.least_usd and not is_aged:
            kept[:] = (move.time,)
            me.watch_sent = me.watch_sent & ~RUSHING | HUSHED
        else:
            kept[:] = move.time, before, me.run_peak, held, me.n_in, me.n_out - 1, *NOTHING_YET, is_aged
            me.watch_sent = me.watch_sent & ~HUSHED | RUSHING
        return kept

    def _is_nothing(self, me: Account, kept: list[Any]) -> bool:
        """Whether nothing comes of it: it sends more than it held, or has no history and leads a life."""
        limits, usd, held = self._is, kept[USD], kept[HELD]
        if kept[AGED]:
            return bool(usd > limits.beyond * held)
        return bool(usd > held or me.n_in - kept[GOT] > limits.got)

    def _count(self, move: Move, other: Facts, kept: list[Any]) -> None:
        usd = move.usd or 0.0
        kept[SEEN] += 1
        kept[USD] += usd
        kept[SAME] += abs(usd - kept[LAST_USD]) <= SAME_AMOUNT * usd
        kept[LAST_USD] = usd
        if move.tx != kept[LAST_TX]:
            kept[LAST_TX] = move.tx
            kept[TXS] += 1
        kept[NEW] += move.traits & FIRST_CONTACT != 0
        if other.first >= kept[BEGAN] - self._is.young_s and other.fan_in <= 2 and not other.n_out:
            kept[FRESH] += 1
            kept[FRESH_USD] += usd

    def _is_burst(self, me: Account, kept: list[Any], times: float) -> bool:
        limits = self._is
        if not kept[AGED] or kept[NEW] < limits.new_share * kept[SEEN]:
            return False
        if me.run_n >= max(limits.row_n, times * kept[PEAK]):
            return True
        return bool(kept[SEEN] >= max(limits.day_n, limits.day_times * _a_day(me, kept)))

    def _severity(self, me: Account, kept: list[Any]) -> Severity | None:
        """Weigh whether the burst takes the holdings to new accounts, and they did not come in for that."""
        limits = self._is
        held = kept[HELD]
        if self._is_scattered(me, kept):
            return "medium"
        funded = me.lot_time >= kept[BEGAN] - limits.window_s and me.lot_in >= kept[USD] / 2
        drained = kept[FRESH_USD] >= max(limits.least_usd, limits.drained * held)
        is_single = kept[TXS] >= limits.single * kept[SEEN]
        sure = drained and held >= limits.least_usd and kept[BEFORE] >= limits.sure_n
        if sure and is_single and not funded and self._is_burst(me, kept, limits.sure_times):
            return "medium"
        return "low" if self._is_burst(me, kept, limits.times) else None

    def _is_scattered(self, me: Account, kept: list[Any]) -> bool:
        """Whether most of the holdings went, one by one and in unlike amounts, to accounts just made."""
        limits = self._is
        return bool(
            kept[FRESH] >= max(limits.scattered_n, limits.scattered * (me.n_out - kept[SENT]))
            and me.n_in - kept[GOT] <= limits.got
            and kept[USD] <= kept[HELD]
            and kept[FRESH_USD] >= max(limits.least_usd, limits.scattered_usd * kept[HELD])
            and kept[TXS] >= limits.single * kept[SEEN]
            and kept[SAME] <= limits.same * kept[SEEN]
        )

    def _finding(self, move: Move, me: Account, other: Facts, kept: list[Any], severity: Severity) -> Finding:
        scattered = self._is_scattered(me, kept)
        return Finding(
            rule=self.ID,
            category="theft",
            severity=severity,
            score=SCORES[severity],
            subject=me.address,
            role="victim",
            about=other.address,
            title=f"Most of the holdings go to {kept[FRESH]} accounts just made, in unlike amounts"
            if scattered
            else f"Calm account suddenly pays {kept[NEW]} new receivers",
            evidence={
                "scattered": scattered,
                "in_a_row": me.run_n,
                "longest_row_before": kept[PEAK],
                "payments_a_day_before": round(_a_day(me, kept), 3),
                "sent_before": kept[BEFORE],
                "since_s": move.time - kept[BEGAN],
                "payments": kept[SEEN],
                "to_new_contacts": kept[NEW],
                "to_new_accounts": kept[FRESH],
                "transactions": kept[TXS],
                "as_large_as_the_one_before": kept[SAME],
                "sent_usd": round(kept[USD], 2),
                "to_new_accounts_usd": round(kept[FRESH_USD], 2),
                "held_usd": round(kept[HELD], 2),
                "lot_usd": round(me.lot_in, 2) if me.lot_in else None,
                "lot_time": me.lot_time if me.lot_in else None,
                "thresholds": asdict(self._is),
            },
        )


def _a_day(me: Account, kept: list[Any]) -> float:
    """Return how many payments a day the account made before the burst."""
    days: float = max(kept[BEGAN] - me.first, DAY_S) / DAY_S
    before: int = kept[BEFORE]
    return before / days
