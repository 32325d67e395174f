"""mixer: an account feeds a mixer large sums or again and again, or begins its life with funds from one.

Pattern: payments into services that lists give the category ``mixer`` add up over a month. Or the first funds
of an account come out of one, and it moves on within hours.

Why: ``listed`` reports each contact by itself; what tells a user of privacy from a launderer is the sum, and
what tells an attacker who prepares is the fresh account that acts at once.

Reads: movements with an address listed as a mixer; afterwards what a funded account sends. Finds, for
example, 450,000 USD in 12 payments to a mixer within 30 days: severity medium, subject the depositor.

Settings: see Settings.

Known false positives: private users who withdraw to a new account and pay something from it on the same day.
Deposits of relayers and services count for nobody.

Source: Forta's starter-kits (pull request 229: totals from 40,000 USD low, 400,000 medium, 1,000,000 high;
funding-tornado-cash-py: withdrawal to a fresh account, low); Forta-Agents eth-sent-to-tornado-cash (more than
100 ETH a day: high). Scenario: ``mixer``; it must stay silent on one small deposit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from txpipe.detect.account import Account, Facts
from txpipe.detect.finding import SCORES, Finding
from txpipe.detect.move import Move
from txpipe.detect.rules.trails import entry_shown
from txpipe.detect.settings import setting
from txpipe.detect.traits import FORGEABLE, FUNDED, LISTED
from txpipe.duration import span
from txpipe.lists.entry import Entry
from txpipe.record import Severity

DAY_S = 86400
GRADES: tuple[Severity, ...] = ("low", "medium", "high")


@dataclass(frozen=True, slots=True)
class Settings:
    """What mixer compares with."""

    total_usd: tuple[float, float, float] = setting(
        (40_000.0, 400_000.0, 1_000_000.0), "USD in days_kept", "Forta starter-kits PR 229: low, medium, high"
    )
    days_kept: int = setting(30, "days", "Forta: its running totals")
    eth_a_day: float = setting(100.0, "ETH", "Forta-Agents eth-sent-to-tornado-cash: high above that")
    repeated: int = setting(3, "deposits in days_kept", "txpipe: small denominations again and again: low")
    funded_usd: float = setting(100.0, "USD", "smallest denomination of Tornado Cash, 0.1 ETH, less a margin")
    acts_s: int = setting(DAY_S, "seconds", "txpipe: an attacker's fresh account acts on the same day")
    acts_share: float = setting(0.5, "share 0-1", "txpipe: of what the mixer paid that moves on")


SILENT = (
    (
        "less than {thresholds.total_usd.0:usd} into mixers within {days} days (it was {usd}), in fewer "
        "than {thresholds.repeated} deposits (there were {deposits}) and not more than "
        "{thresholds.eth_a_day} ETH on a day (it was {eth_today})"
    ),
    "first funds of less than {thresholds.funded_usd} (they were {usd})",
    "a tenth or more of {usd} in the account before (it was {held_before_usd}), or a payment by it",
    "less than {thresholds.acts_share} of the first {funded_usd} sent on (it was {sent_usd})",
    "that much sent on later than {thresholds.acts_s} after the first funds (it was {seconds})",
    "no entry of category mixer for {mixer} (list {match.list} has one), or an allow-list that names it",
    (
        "this account a service: on an allow-list, or with tracker.hub_contacts counterparties in each "
        "direction"
    ),
)
"""What would have kept the rule silent."""


class Mixer:
    """The rule. It keeps [day, USD, ETH, deposits] of 30 days and [time, USD, sent] of its funding."""

    ID = "mixer"
    VERSION = 2
    SEVERITY: Severity = "high"
    SENT = LISTED | FUNDED
    RECEIVED = LISTED
    UNLESS = FORGEABLE

    def __init__(self, settings: Settings | None = None) -> None:
        self._is = settings or Settings()

    def sent(self, move: Move, me: Account, other: Facts) -> Iterator[Finding]:
        """Add up what goes into mixers; watch an account that a mixer funded."""
        if move.traits & FUNDED:
            yield from self._moved_on(move, me, other)
        entry = _mixer(move, other)
        if entry is not None and not me.is_service and move.units > 0:
            yield from self._deposited(move, me, other, entry)

    def received(self, move: Move, me: Account, other: Facts) -> Iterator[Finding]:
        """Begin to watch an account whose first funds come from a mixer."""
        entry, usd = _mixer(move, other), move.usd
        if entry is None or usd is None or me.n_out or me.is_service:
            return
        kept: dict[str, Any] = me.note(self.ID, {})
        funded: list[float] | None = kept.get("funded")
        if funded is not None:
            funded[1] += usd
        elif usd >= self._is.funded_usd and me.held - usd < 0.1 * usd:  # dust before it changes nothing
            kept["funded"] = [move.time, usd, 0.0]
            me.watch_sent |= FUNDED
            if me.says("mixer-funded", move.time, 0, self._is.days_kept * DAY_S):
                evidence = {"mixer": other.address, "usd": round(usd, 2), "match": entry_shown(entry)}
                evidence["held_before_usd"] = round(max(0.0, me.held - usd), 2)
                thresholds = {"funded_usd": self._is.funded_usd}
                title = "First funds of an account come from a mixer"
                yield _finding("low", me, title, evidence | {"thresholds": thresholds})

    def _deposited(self, move: Move, me: Account, other: Facts, entry: Entry) -> Iterator[Finding]:
        limits = self._is
        kept: dict[str, Any] = me.note(self.ID, {})
        days: list[list[float]] = kept.setdefault("days", [])
        today = move.time // DAY_S
        days[:] = [day for day in days if abs(today - day[0]) < limits.days_kept]
        if not days or days[-1][0] != today:
            days.append([today, 0.0, 0.0, 0])
            del days[: -limits.days_kept]
        day = days[-1]
        day[1] += move.usd or 0.0
        day[2] += move.units if move.asset.native and move.asset.symbol == "ETH" else 0.0
        day[3] += 1
        total, count = sum(one[1] for one in days), int(sum(one[3] for one in days))
        level = sum(total >= least for least in limits.total_usd)
        level = 3 if day[2] > limits.eth_a_day else max(level, int(count >= limits.repeated))
        if level and me.says(self.ID, move.time, level, limits.days_kept * DAY_S):
            evidence = {
                "mixer": other.address,
                "usd": round(total, 2),
                "deposits": count,
                "days": limits.days_kept,
                "eth_today": round(day[2], 6),
                "match": entry_shown(entry),
                "thresholds": {
                    "total_usd": list(limits.total_usd),
                    "eth_a_day": limits.eth_a_day,
                    "repeated": limits.repeated,
                },
            }
            title = f"{total:,.0f} USD go into mixers in {count} deposits within {limits.days_kept} days"
            yield _finding(GRADES[level - 1], me, title, evidence)

    def _moved_on(self, move: Move, me: Account, other: Facts) -> Iterator[Finding]:
        limits = self._is
        kept: dict[str, Any] = me.note(self.ID, {})
        since, funded, _ = kept.get("funded", (0, 0.0, 0.0))
        if not 0 <= move.time - since <= limits.acts_s or funded <= 0:
            me.watch_sent &= ~FUNDED
            return
        sent = kept["funded"][2] = kept["funded"][2] + (move.usd or 0.0)
        if sent < limits.acts_share * funded:
            return
        me.watch_sent &= ~FUNDED
        if me.says("mixer-funded", move.time, 1, limits.days_kept * DAY_S):
            evidence = {
                "funded_usd": round(funded, 2),
                "sent_usd": round(sent, 2),
                "seconds": move.time - since,
                "receiver": other.address,
                "thresholds": {"acts_s": limits.acts_s, "acts_share": limits.acts_share},
            }
            title = (
                f"Account with its first funds from a mixer moves them on within {span(move.time - since)}"
            )
            yield _finding("medium", me, title, evidence)


def _mixer(move: Move, party: Facts) -> Entry | None:
    """Return the entry that calls a party a mixer, if one does."""
    entries = move.listed.get(party.address, ()) if move.traits & LISTED else ()
    return next((entry for entry in entries if entry.category == "mixer"), None)


def _finding(severity: Severity, me: Account, title: str, evidence: dict[str, Any]) -> Finding:
    return Finding(
        rule=Mixer.ID,
        category="mixer",
        severity=severity,
        score=SCORES[severity],
        subject=me.address,
        title=title,
        evidence=evidence,
    )
