"""exposure: an account gets funds that come, over a few others, from a listed wallet.

Pattern: what leaves a wallet that a list names is tainted, and so is what it is paid on with, in proportion
to the rest that an account holds (haircut), for a few hops. Whoever receives much of it is exposed.

Why: the listed wallet is known and avoided; the accounts behind it are not yet.

Reads: payments by listed wallets and by accounts that hold their funds. Finds, for example, 8,000 USD of
which all comes from a ransomware wallet two hops away: severity medium, subject the receiver, with the
transactions of the way and the list's entry.

Settings: see Settings. ``method`` may be ``poison`` (any contact taints all) or ``fifo`` (first in, first
out).

Known false positives: whoever sells something to an exposed account. Services neither take taint nor are they
reported, contracts do not take it, mixers' users are the business of ``mixer``, and dust taints nobody.

Blind: funds that pass a bridge, a service or a token without a price.

Source: Anderson, Shumailov and others on poison, haircut and FIFO; FineX's haircut (3 hops, dust below 1 %
dropped); Chainalysis traces to services and keeps direct and indirect apart. Scenario: ``exposure``; it must
stay silent on innocents who get dust from a listed wallet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from txpipe.detect.account import Account, Facts
from txpipe.detect.finding import SCORES, Finding, lowered
from txpipe.detect.move import Move
from txpipe.detect.rules.taint import METHODS, Lot, Taint, enter, leave, together
from txpipe.detect.rules.trails import entry_shown, is_contract
from txpipe.detect.screener import day_of
from txpipe.detect.settings import setting
from txpipe.detect.traits import EXPOSED, FORGEABLE, LISTED, TAINTED
from txpipe.errors import RuleFault
from txpipe.lists.entry import Entry
from txpipe.record import Severity

DAY_S = 86400
GRADES: tuple[Severity, ...] = ("low", "medium", "high")
NO_TAINT = frozenset({"allow", "mixer"})
"""Categories of lists that taint nothing."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What exposure compares with."""

    method: str = setting(
        "haircut", "haircut, poison or fifo", "haircut is what FineX and most vendors do", METHODS
    )
    hops: int = setting(4, "hops", "FineX follows 3; most laundering takes a few more than two")
    near: int = setting(
        3, "hops", "txpipe: beyond, a finding weighs a step less; half of all chance lies there"
    )
    share: tuple[float, float] = setting((0.1, 0.5), "share 0-1", "txpipe: of a payment: low, medium")
    least_usd: float = setting(1000.0, "USD tainted", "txpipe: OFAC names no minimum for indirect hops")
    large_usd: tuple[float, float] = setting(
        (50_000.0, 100_000.0),
        "USD tainted",
        "txpipe: medium at any share above the first; high above the second",
    )
    dust_usd: float = setting(50.0, "USD tainted", "txpipe: below, a payment taints nobody; dusting is cheap")
    dust_share: float = setting(0.01, "share 0-1", "FineX drops less than 1 %")
    keep_s: int = setting(180 * DAY_S, "seconds", "txpipe: after that an account's taint is forgotten")
    window_s: int = setting(7 * DAY_S, "seconds", "txpipe: of silence about an account, unless it gets worse")


SILENT = (
    "less than {thresholds.share.0} of the payment tainted (it was {share})",
    "less than {thresholds.least_usd} of taint in it (it was {tainted_usd})",
    (
        "more than {thresholds.hops} hops from every listed wallet to this account (there were {hops} "
        "from the nearest)"
    ),
    (
        "no list entry for {origin.address} ({origin.category} on {origin.list}), if all of it comes "
        "from there; or an allow-list that names it (sanctions yield only to --allow-sanctions)"
    ),
    (
        "this account a contract or a service (on an allow-list, or with tracker.hub_contacts "
        "counterparties in each direction), or a service on the way: taint ends there"
    ),
)
"""What would have kept the rule silent."""


class Exposure:
    """The rule. Taint is kept in ``Account.taint``; besides (last taint's time, what FIFO keeps)."""

    ID = "exposure"
    VERSION = 1
    SEVERITY: Severity = "high"
    SENT = TAINTED
    RECEIVED = LISTED | TAINTED | EXPOSED
    UNLESS = FORGEABLE
    WIDE = True

    def __init__(self, settings: Settings | None = None) -> None:
        self._is = settings or Settings()
        if self._is.method not in METHODS:
            raise RuleFault(f"exposure's method is {self._is.method!r}, not one of {', '.join(METHODS)}")

    def sent(self, move: Move, me: Account, other: Facts) -> Iterator[Finding]:
        """Let a payment take its part of the sender's taint along."""
        move.taint = None
        if me.taint is None or not move.usd:
            return
        kept: dict[str, Any] = me.note(self.ID, {})
        if move.time - kept.get("time", 0) > self._is.keep_s or me.is_service:
            _clean(me)
        elif not (move.initiator == me.address and is_contract(other, move)):  # a swap gives something back
            move.taint = leave(me, self._is.method, kept.get("lots"), move.usd, move.held)
            if not me.taint:
                me.watch_received &= ~EXPOSED
                kept.clear()
        yield from ()

    def received(self, move: Move, me: Account, other: Facts) -> Iterator[Finding]:
        """Take over the taint of a payment; say so if it is much."""
        limits, usd = self._is, move.usd
        if not usd or me.is_service or is_contract(me, move):
            return
        origin = _blocked(move, other)
        coming = (usd,) if origin else (0.0, *(move.taint or ())) if move.traits & TAINTED else ()
        coming = coming[: limits.hops]
        total = sum(coming)
        if me.address in move.listed or total < max(limits.dust_usd, limits.dust_share * usd):
            self._take(move, me, usd, ())
            return
        if me.taint is None or total >= sum(me.taint):
            way = (_described(origin, other),) if origin else other.taint_path
            me.taint_path = (*way[:1], *way[1:][1 - limits.hops :], (me.address, move.tx))
        self._take(move, me, usd, coming)
        hop = next((place for place, value in enumerate(coming, 1) if value > 0), 1)
        level = 0 if origin else self._level(total, total / usd)  # ``listed`` reports direct contact
        level = max(1, level - 1) if level and hop > limits.near else level
        if level and me.says(self.ID, move.time, level, limits.window_s):
            yield self._finding(move, me, coming, hop, level)

    def _take(self, move: Move, me: Account, usd: float, taint: Taint) -> None:
        if not taint and me.taint is None:
            return
        kept: dict[str, Any] = me.note(self.ID, {})
        if self._is.method == "fifo":
            lots: list[Lot] = kept.setdefault("lots", [])
            if me.taint is None:
                lots[:] = [(max(0.0, me.held - usd), ())]
            enter(lots, usd, taint)
            me.watch_received |= EXPOSED
        if taint:
            kept["time"] = move.time
            me.taint = together(me.taint or (), taint)

    def _level(self, total: float, share: float) -> int:
        limits = self._is
        if share < limits.share[0] or total < limits.least_usd:
            return 0
        if share >= limits.share[1]:
            return 3 if total >= limits.large_usd[1] else 2
        return 2 if total >= limits.large_usd[0] else 1

    def _finding(self, move: Move, me: Account, coming: Taint, hop: int, level: int) -> Finding:
        origin = me.taint_path[0] if me.taint_path else ("", "", "", "", "", "")
        severity = GRADES[level - 1]
        if origin[5] > day_of(move.time):
            severity = lowered(severity, 1)
        total, usd = sum(coming), move.usd or 0.0
        names = ("address", "category", "list", "list_date", "label", "listed")
        return Finding(
            rule=self.ID,
            category=origin[1] or "sanctions",
            severity=severity,
            score=SCORES[severity],
            subject=me.address,
            title=f"{total:,.0f} USD, {total / usd:.0%} of a payment, from a listed wallet over {hop} hops",
            evidence={
                "origin": {name: value for name, value in zip(names, origin, strict=False) if value},
                "path": [{"address": one[0], "tx": one[1]} for one in me.taint_path[1:]],
                "method": self._is.method,
                "tainted_usd": round(total, 2),
                "share": round(total / usd, 3),
                "hops": hop,
                "by_hop_usd": [round(value, 2) for value in coming],
                "thresholds": {
                    "share": list(self._is.share),
                    "least_usd": self._is.least_usd,
                    "large_usd": list(self._is.large_usd),
                    "hops": self._is.hops,
                    "near": self._is.near,
                },
            },
        )


def _blocked(move: Move, party: Facts) -> Entry | None:
    """Return the entry for which a party's funds are tainted, if there is one."""
    entries = move.listed.get(party.address, ()) if move.traits & LISTED else ()
    return next((entry for entry in entries if entry.category not in NO_TAINT), None)


def _described(entry: Entry, party: Facts) -> tuple[str, ...]:
    """Return what begins a taint's path."""
    said = entry_shown(entry)
    names = ("category", "list", "list_date", "label", "listed")
    return (party.address, *(said.get(name, "") for name in names))


def _clean(me: Account) -> None:
    me.taint = None
    me.watch_received &= ~EXPOSED
    me.note(Exposure.ID, {}).clear()
