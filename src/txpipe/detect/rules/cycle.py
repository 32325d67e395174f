"""cycle: funds come back to an account that they left, through two and more accounts that passed them on.

Pattern: an account pays another, which pays a third, and so on, until most of the amount is back at the
first; hours lie between, in patient cases days.

Why: money that travels in a circle pays for nothing. It makes volume, history and an apparent origin.

Reads: who a received lot came from before those who passed it on. Finds, for example, 9,700 of 10,000 USD
that are back after 3 accounts and 5 hours: severity medium, subject the account that has its funds again.

A token without a price leaves no lot. There it compares units: what an account gave to one account comes back
from another that it never dealt with, that appeared only then and deals with hardly anybody.

Settings: see Settings.

Known false positives: people who move money in a circle of wallets of their own. A short circle through a
busy account is chance, and low; so is a busy account's own: who withdraws from an exchange that nobody knows
yet and deposits there again goes round, too. Two accounts that pay one another (a loan and its repayment, a
refund) are no cycle, and services end every trail: deposits, withdrawals and swaps do not count. Of tokens
without a price, what was paid for does not count, so that a dealer in one is no cycle.

Source: the cycle shape of IBM's AMLSim (3 to 10 accounts); the shares are txpipe's own. Scenario: ``cycle``;
it must stay silent on loan and repayment.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from txpipe.detect.account import Account, Facts, Hop
from txpipe.detect.finding import SCORES, Finding
from txpipe.detect.move import Move
from txpipe.detect.rules.trails import UTXO, Pass, is_contract, passes, shown
from txpipe.detect.settings import setting
from txpipe.detect.traits import DUST, FIRST_CONTACT, FORGEABLE, GAVE, ITEM, PASSING, PULLED, RETURN, SERVED
from txpipe.duration import span
from txpipe.record import Severity

DAY_S = 86400

ASSETS = 4
LEGS = 4
"""Kept for an account: tokens without a price that it gave away, and the last movements of each."""

Leg = tuple[int, float, str, str]
"""When it was given, units, to whom, transaction."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What cycle compares with."""

    between: int = setting(2, "accounts in between", "txpipe: one is a loan or a refund; AMLSim: 3 in all")
    share: tuple[float, float] = setting(
        (0.7, 1.1), "share of the lot", "txpipe: fees or a cut of 20 % on the way; more is not the same money"
    )
    least_usd: float = setting(100.0, "USD", "the least that makes a lot; less is worth nobody's fees")
    around_s: int = setting(
        7 * DAY_S, "seconds", "txpipe: hours are usual, a day's wait at each hop is patient"
    )
    moves: int = setting(12, "payers and payments", "txpipe: of each account in between; else it is busy")
    busy: int = setting(20, "payers and payees", "txpipe: whom more deal with may be a service, seen late")
    small: tuple[float, float] = setting(
        (200.0, 0.85), "USD, share of the lot", "txpipe: among small sums chance comes near; below, it is low"
    )
    units: tuple[float, float] = setting(
        (0.7, 1.02), "share of the units", "txpipe: of a token without a price; rounding aside, none is added"
    )
    young_s: int = setting(
        DAY_S, "seconds", "txpipe: between an account's first fee money and the units that it passes on"
    )
    thin: int = setting(6, "payers and payees", "txpipe: of who gives units back; more is a life of its own")


SILENT = (
    "{path:if}fewer than {thresholds.between} accounts in between (there were {accounts})",
    (
        "{path:if}less than {thresholds.share.0} or more than {thresholds.share.1} of {left_usd} back "
        "(it was {share})"
    ),
    "{path:if}less than {thresholds.least_usd} back (it was {back_usd})",
    (
        "{asset:if}less than {thresholds.units.0:share} or more than {thresholds.units.1:share} of "
        "{left_units} units back (it was {share})"
    ),
    (
        "{asset:if}a payer that this account dealt with before, that had more than "
        "{thresholds.payer_contacts} contacts (it had {payer_contacts}), or that was there more than "
        "{thresholds.young_s} before the units left"
    ),
    "more than {thresholds.around_s} on the way (it was {seconds})",
    (
        "a service on the way, where every trail ends; this account a contract; a payment that somebody "
        "else signed"
    ),
)
"""What would have kept the rule silent."""


class Cycle:
    """The rule. It keeps ASSETS with LEGS each, of accounts that gave tokens without a price."""

    ID = "cycle"
    VERSION = 2
    SEVERITY: Severity = "medium"
    SENT = DUST
    RECEIVED = (PASSING, DUST | GAVE)
    UNLESS = FORGEABLE | SERVED | PULLED | ITEM

    def __init__(self, settings: Settings | None = None) -> None:
        self._is = settings or Settings()

    def sent(self, move: Move, me: Account, other: Facts) -> Iterable[Finding]:
        """Keep which units of a token without a price went to whom."""
        limits = self._is
        if me.fan_out > limits.busy or move.usd is not None or move.traits & RETURN:
            return ()  # who paid before got what it bought
        if other.fan_in + other.n_out > limits.moves:
            return ()
        units = move.units
        if units > 0 and not is_contract(other, move) and not is_contract(me, move):
            kept: dict[str, list[Leg]] = me.note(self.ID, {})
            legs = kept.pop(move.asset.name, [])
            me.watch_received |= GAVE
            kept[move.asset.name] = [*legs[1 - LEGS :], (move.time, units, other.address, move.tx)]
            if len(kept) > ASSETS:
                del kept[next(iter(kept))]
        return ()

    def received(self, move: Move, me: Account, other: Facts) -> Iterable[Finding]:
        """Look for oneself among those whom the funds came from; or for units that one gave away."""
        usd, limits = move.usd, self._is
        if usd is None:
            return self._units_back(move, me, other) if me.notes and self.ID in me.notes else ()
        if usd < limits.least_usd or not other.lot_in or is_contract(me, move):
            return ()
        loop = _since(me.address, other)
        if loop is None or len(loop) < limits.between - 1:
            return ()
        way = [*passes(loop), _last(move, other, usd)]
        share = usd / way[0].lot_usd
        around_s = move.time - way[0].got
        if len({hop.address for hop in way}) < limits.between or not 0 <= around_s <= limits.around_s:
            return ()
        if limits.share[0] <= share <= limits.share[1] and me.says(self.ID, move.time, 1, DAY_S):
            return (self._finding(move, me, way, share),)
        return ()

    def _units_back(self, move: Move, me: Account, other: Facts) -> Iterable[Finding]:
        """Find the units that a payer who is new to everybody gives back in another's place."""
        limits = self._is
        kept: dict[str, list[Leg]] = me.noted(self.ID)
        legs = kept.get(move.asset.name)
        strange = move.traits & FIRST_CONTACT and not move.traits & RETURN
        if not legs or not strange or not other.n_in or other.fan_in + other.fan_out > limits.thin:
            return ()
        units = move.units
        for leg in legs:
            if (
                leg[2] != other.address
                and limits.units[0] * leg[1] <= units <= limits.units[1] * leg[1]
                and 0 <= move.time - leg[0] <= limits.around_s
                and other.first >= leg[0] - limits.young_s
            ):
                return (self._back(move, me, other, leg),) if me.says(self.ID, move.time, 1, DAY_S) else ()
        return ()

    def _finding(self, move: Move, me: Account, way: list[Pass], share: float) -> Finding:
        steady = all(0.8 * one.usd <= two.usd <= 1.05 * one.usd for one, two in pairwise(way))
        quiet = all(hop.moves <= self._is.moves for hop in way)
        home = me.fan_in + me.fan_out <= self._is.busy
        even = quiet or len(way) > self._is.between
        whole = way[-1].usd >= self._is.small[0] or share >= self._is.small[1]
        sure = home and even and whole and not move.chain.startswith(UTXO)
        severity: Severity = "medium" if sure else "low"
        around_s = move.time - way[0].got
        return Finding(
            rule=self.ID,
            category="laundering",
            severity=severity,
            score=SCORES[severity],
            subject=me.address,
            title=f"{share:.0%} of {way[0].lot_usd:,.0f} USD come back after {span(around_s)} "
            f"through {len(way)} accounts",
            evidence={
                "left_usd": round(way[0].lot_usd, 2),
                "back_usd": round(way[-1].usd, 2),
                "share": round(share, 3),
                "seconds": around_s,
                "steady": steady,
                "contacts": me.fan_in + me.fan_out,
                "accounts": len({hop.address for hop in way}),
                "path": shown(way),
                "thresholds": {
                    "between": self._is.between,
                    "share": list(self._is.share),
                    "least_usd": self._is.least_usd,
                    "around_s": self._is.around_s,
                    "movements": self._is.moves,
                    "contacts": self._is.busy,
                    "small": list(self._is.small),
                },
            },
        )

    def _back(self, move: Move, me: Account, other: Facts, leg: Leg) -> Finding:
        home = me.fan_in + me.fan_out <= self._is.busy
        severity: Severity = "medium" if home else "low"
        share, around_s = move.units / leg[1], move.time - leg[0]
        return Finding(
            rule=self.ID,
            category="laundering",
            severity=severity,
            score=SCORES[severity],
            subject=me.address,
            title=f"{share:.0%} of a token's units come back after {span(around_s)} through others",
            evidence={
                "asset": move.asset.name,
                "left_units": leg[1],
                "left_to": leg[2],
                "left_tx": leg[3],
                "back_units": move.units,
                "back_from": other.address,
                "share": round(share, 3),
                "seconds": around_s,
                "payer_first": other.first,
                "payer_contacts": other.fan_in + other.fan_out,
                "contacts": me.fan_in + me.fan_out,
                "thresholds": {
                    "units": list(self._is.units),
                    "around_s": self._is.around_s,
                    "young_s": self._is.young_s,
                    "payer_contacts": self._is.thin,
                    "contacts": self._is.busy,
                },
            },
        )


def _since(address: str, payer: Facts) -> tuple[Hop, ...] | None:
    """Return the accounts that had a payer's lot since it left an address; None if it never did."""
    for place in range(len(payer.trail) - 1, -1, -1):
        if payer.trail[place][0] == address:
            return payer.trail[place + 1 :]
    return payer.trail if payer.source == address else None


def _last(move: Move, payer: Facts, usd: float) -> Pass:
    """Return the payer as the last hop of the way back."""
    lot, moves, got = payer.lot_in, payer.fan_in + payer.n_out, payer.lot_time
    gone = payer.lot_out / lot
    return Pass(payer.address, got, move.time, usd, usd / lot, gone, moves, got - payer.first, move.tx)
