"""cycle: funds come back to an account that they left, through two and more accounts that passed them on.

Pattern: an account pays another, which pays a third, and so on, until most of the amount is back at the
first; hours lie between, in patient cases days.

Why: money that travels in a circle pays for nothing. It makes volume, history and an apparent origin.

Reads: who a received lot came from before those who passed it on. Finds, for example, 9,700 of 10,000 USD
that are back after 3 accounts and 5 hours: severity medium, subject the account that has its funds again.

Settings: see Settings.

Known false positives: people who move money in a circle of wallets of their own. Among busy accounts a short
circle of uneven amounts is chance, and low. Two accounts that pay one another (a loan and its repayment, a
refund) are no cycle, and services end every trail: deposits, withdrawals and swaps do not count.

Source: the cycle shape of IBM's AMLSim (3 to 10 accounts); the shares are txpipe's own. Scenario: ``cycle``;
it must stay silent on loan and repayment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from txpipe.detect.account import Account, Facts, Hop
from txpipe.detect.finding import SCORES, Finding
from txpipe.detect.move import Move
from txpipe.detect.rules.trails import UTXO, Pass, is_contract, passes, shown, span
from txpipe.detect.settings import setting
from txpipe.detect.traits import FORGEABLE, PASSING, PULLED, SERVED
from txpipe.record import Severity

DAY_S = 86400


@dataclass(frozen=True, slots=True)
class Settings:
    """What cycle compares with."""

    between: int = setting(2, "accounts in between", "txpipe: one is a loan or a refund; AMLSim: 3 in all")
    share: tuple[float, float] = setting(
        (0.7, 1.1), "share of the lot", "txpipe: fees or a cut of 20 % on the way; more is not the same money"
    )
    least_usd: float = setting(200.0, "USD", "txpipe: below, a circle is worth nobody's fees")
    around_s: int = setting(
        7 * DAY_S, "seconds", "txpipe: hours are usual, a day's wait at each hop is patient"
    )
    moves: int = setting(12, "payers and payments", "txpipe: of each account in between; else it is busy")
    busy: int = setting(20, "payers and payees", "txpipe: whom more deal with may be a service, seen late")


SILENT = (
    "fewer than {thresholds.between} accounts in between (there were {accounts})",
    "less than {thresholds.share.0} or more than {thresholds.share.1} of {left_usd} back (it was {share})",
    "less than {thresholds.least_usd} back (it was {back_usd})",
    "more than {thresholds.around_s} on the way (it was {seconds})",
    (
        "a service on the way, where every trail ends; this account a contract; a payment that somebody "
        "else signed"
    ),
)
"""What would have kept the rule silent."""


class Cycle:
    """The rule. It keeps nothing but when it spoke."""

    ID = "cycle"
    VERSION = 1
    SEVERITY: Severity = "medium"
    SENT = 0
    RECEIVED = PASSING
    UNLESS = FORGEABLE | SERVED | PULLED

    def __init__(self, settings: Settings | None = None) -> None:
        self._is = settings or Settings()

    def sent(self, move: Move, me: Account, other: Facts) -> Iterator[Finding]:  # noqa: ARG002
        """Nothing is to be seen from this side."""
        yield from ()

    def received(self, move: Move, me: Account, other: Facts) -> Iterator[Finding]:
        """Look for oneself among those whom the funds came from."""
        usd, limits = move.usd, self._is
        if usd is None or usd < limits.least_usd or not other.lot_in or is_contract(me, move):
            return
        loop = _since(me.address, other)
        if loop is None or len(loop) < limits.between - 1:
            return
        way = [*passes(loop), _last(move, other, usd)]
        share = usd / way[0].lot_usd
        around_s = move.time - way[0].got
        if len({hop.address for hop in way}) < limits.between or not 0 <= around_s <= limits.around_s:
            return
        if limits.share[0] <= share <= limits.share[1] and me.says(self.ID, move.time, 1, DAY_S):
            yield self._finding(move, me, way, share)

    def _finding(self, move: Move, me: Account, way: list[Pass], share: float) -> Finding:
        steady = all(0.8 * one.usd <= two.usd <= 1.05 * one.usd for one, two in pairwise(way))
        quiet = all(hop.moves <= self._is.moves for hop in way)
        home = me.fan_in + me.fan_out <= self._is.busy
        even = steady or quiet or len(way) > self._is.between
        sure = home and even and not move.chain.startswith(UTXO)
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
