"""dormant: an account that was silent for months wakes up and sends most of what it holds to new accounts.

Pattern: nothing sent and nothing of weight received for three months, then within days most of what the
account held goes to new accounts that it never dealt with; the new account that got it gets rid of it within
two days.

Why: old wallets hold much and are watched little; a key that leaks years later is first noticed by its owner
when the wallet is empty.

Reads: times, amounts and contacts of what the account sends, and what a new receiver does with it. Small
receipts (under ``Bounds.waking_share`` of what it holds) do not count as life, so that dust or a gas top-up
does not hide the silence. Finds, for example, a wallet that was silent for 400 days and sends 93 % of its
20,000 USD to an account seen for the first time: severity low, subject the wallet, role victim; when that
account sends all of it to another new one, or swaps or bridges it at once: medium, subject the new account.

Settings: see Settings.

Known false positives: holders who move to a new wallet of their own or to an exchange's deposit address that
nobody used before look the same on the day. So the payment alone is low, however large, and a deposit address
is known by where it sweeps to. Blind spots: receivers that existed before; thieves who leave the loot where
it came first, who send it all straight to a service (as a deposit address does), or whose account lives on
other funds too; holdings from before the stream began; a thief who first tops the wallet up by
``waking_share`` or more and waits.

Source: Didit's preset (12 months idle, then active), as quoted in the reference of rules; the shares and the
new receiver are txpipe's own. Scenario: ``dormant``; it must stay silent on that scenario's benign twin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from txpipe.detect.account import CONTRACT, Account, Facts
from txpipe.detect.finding import SCORES, Finding
from txpipe.detect.move import Move
from txpipe.detect.rules.loot import PASSED_ON, USD, Limits, Loot
from txpipe.detect.settings import setting
from txpipe.detect.traits import AWAKE, DORMANT, FIRST_CONTACT, FORGEABLE, HAULING, RETURN, SERVED
from txpipe.record import Severity

DAY_S = 86400


@dataclass(frozen=True, slots=True)
class Settings(Limits):
    """What dormant compares with."""

    idle_s: int = setting(
        90 * DAY_S, "seconds", "a quarter of Didit's 12 months: a season is long on a chain"
    )
    awake_s: int = setting(7 * DAY_S, "seconds", "txpipe: thieves hurry, but a careful one takes some nights")
    share: float = setting(
        0.5, "share 0-1", "txpipe: of what it held when it woke up; the careful leave some"
    )
    part: float = setting(0.25, "share 0-1", "txpipe: the same, for one new account of several")
    least_usd: float = setting(100.0, "USD", "txpipe: below, nobody cares")
    beyond: float = setting(3.0, "times its holdings", "txpipe: prices rise; more came in meanwhile")
    most_paid: int = setting(12, "payments", "txpipe: since it woke up; more are a life")
    young_s: int = setting(7 * DAY_S, "seconds", "txpipe: age of a new account when the silent one wakes up")
    young_contacts: int = setting(2, "", "txpipe: payers of a new account: its gas and the loot")
    most_payers: int = setting(5, "", "txpipe: payers from which on a stranger collects as a shop does")


SILENT = (
    (
        "less than {thresholds.idle_s} without a payment or a receipt of weight before (there were "
        "{idle_days} days)"
    ),
    (
        "less than {thresholds.share} of its holdings sent to new accounts (it was {share_new}), or more "
        "than {thresholds.beyond} times as much to strangers (it was {share})"
    ),
    (
        "less than {thresholds.least_usd} held or sent to new accounts (it was {held_usd} and "
        "{to_new_accounts_usd})"
    ),
    (
        "more than {thresholds.awake_s} since it woke up (it was {awake_s}), or more than "
        "{thresholds.most_paid} payments since (there were {payments})"
    ),
    (
        "{idle_days:if}receivers that it dealt with before, that more than {thresholds.most_payers} "
        "others pay, contracts or services"
    ),
    *PASSED_ON,
    (
        "less than {thresholds.part:share} of what the silent account held (it was {part:share}), or "
        "less than {thresholds.least_usd} (it was {received_usd})"
    ),
)
"""What would have kept the rule silent."""


class Dormant:
    """The rule.

    It keeps [woke up at, held then, idle before, to new accounts, to strangers, up to 8 of them, payments
    since] as "woken" and, of a new receiver, what ``loot`` keeps and, as "part", the largest share of the
    sender's holdings that it had by then.
    """

    ID = "dormant"
    VERSION = 4
    SEVERITY: Severity = "medium"
    SENT = DORMANT | AWAKE | HAULING
    RECEIVED = DORMANT | AWAKE
    UNLESS = FORGEABLE
    WIDE = True

    def __init__(self, settings: Settings | None = None) -> None:
        self._is = settings or Settings()
        self._loot = Loot(self.ID, HAULING, self._is)

    def sent(self, move: Move, me: Account, other: Facts) -> Sequence[Finding]:
        """Begin to watch an account that wakes up; say when most of it has gone to new accounts."""
        limits = self._is
        said: Sequence[Finding] = ()
        if me.watch_sent & HAULING:
            said = self._passed(move, me, other)
        kept: list[Any] | None = (me.noted(self.ID) or {}).get("woken")
        if move.gap_s >= limits.idle_s and move.held >= limits.least_usd:
            kept = [move.time, move.held, move.gap_s, 0.0, 0.0, [], 0]
            notes: dict[str, Any] = me.note(self.ID, {})
            notes["woken"] = kept
            me.watch_sent |= AWAKE
        if kept is not None:
            kept[6] += 1
        if kept is None or not 0 <= move.time - kept[0] <= limits.awake_s or kept[6] > limits.most_paid:
            me.watch_sent &= ~AWAKE
            return said
        if not move.usd or move.traits & SERVED or not self._is_strange(move, other, kept):
            return said
        kept[4] += move.usd
        if self._is_young(kept[0], other):
            kept[3] += move.usd
        held = kept[1]
        if kept[3] < max(limits.share * held, limits.least_usd) or kept[4] > limits.beyond * held:
            return said
        if not me.says(self.ID, move.time, 1, limits.awake_s):
            return said
        return (*said, self._finding(move, me, other, kept))

    def received(self, move: Move, me: Account, other: Facts) -> Sequence[Finding]:  # noqa: ARG002
        """Follow what a new account got of one that woke up, at once or in parts."""
        limits = self._is
        usd = move.usd or 0.0
        is_awake = move.traits & AWAKE or move.gap_s >= limits.idle_s
        if not is_awake or not 0 < usd <= limits.unseen * move.held:
            return ()
        total = self._loot.add(me, move, usd)
        if total is None:
            if me.n_out or me.flags & CONTRACT or not self._is_young(move.time, me):
                return ()
            total = usd
            self._loot.take(me, move, usd)
        notes: dict[str, Any] = me.note(self.ID, {})
        rest = max(move.held - usd, 0.0)
        notes["part"] = max(total / (total + rest), notes.get("part", 0.0))
        return ()

    def _passed(self, move: Move, me: Account, other: Facts) -> Sequence[Finding]:
        """Say that a new account passed on what a silent one held."""
        limits = self._is
        passed = self._loot.passed_on(me, move, other)
        if passed is None or passed[USD] < limits.least_usd:
            return ()
        part = me.noted(self.ID)["part"]
        if part < limits.part or not me.says(self.ID, move.time, 2, limits.passed_s):
            return ()
        got = "a good part of what a silent account held"
        return (self._loot.finding(me, move, passed, got, {"part": round(part, 3)}),)

    def _is_young(self, time: int, other: Facts) -> bool:
        """Whether an account began to move at most days before, and is hardly used."""
        limits = self._is
        is_new = other.first >= time - limits.young_s
        return is_new and other.fan_in <= limits.young_contacts and other.n_out <= other.n_in

    def _is_strange(self, move: Move, other: Facts, kept: list[Any]) -> bool:
        """Whether the sender first dealt with the receiver since it woke up, and it does not serve many."""
        strangers = kept[5]
        if other.address in strangers:
            return True
        if not move.traits & FIRST_CONTACT or move.traits & RETURN:
            return False
        if other.flags & CONTRACT or other.fan_in > self._is.most_payers:
            return False
        if len(strangers) < 8:
            strangers.append(other.address)
        return True

    def _finding(self, move: Move, me: Account, other: Facts, kept: list[Any]) -> Finding:
        woke, held, idle_s, to_new, to_strangers, strangers, payments = kept
        gone = f"{to_new / held:.0%} of its holdings" if to_new <= held else "more than it was seen to hold"
        return Finding(
            rule=self.ID,
            category="theft",
            severity="low",
            score=SCORES["low"],
            subject=me.address,
            role="victim",
            about=other.address,
            title=f"Account silent for {idle_s // DAY_S} days sends {gone} to new accounts",
            evidence={
                "idle_days": idle_s // DAY_S,
                "held_usd": round(held, 2),
                "to_strangers_usd": round(to_strangers, 2),
                "to_new_accounts_usd": round(to_new, 2),
                "share": round(to_strangers / held, 3),
                "share_new": round(to_new / held, 3),
                "receivers": list(strangers),
                "awake_s": move.time - woke,
                "payments": payments,
                "thresholds": asdict(self._is),
            },
        )
