"""peel-chain: a large sum walks from fresh account to fresh account and loses a small part at each.

Pattern: each account in a row pays a small part (up to 30 %) of what it got to somebody, and the large
remainder to the next fresh account. Accounts in between may pass all of it on; they do not count. On UTXO
chains each step is a transaction with one input and two outputs, and none passes all of it on.

Why: the parts that are peeled off arrive at exchanges as small unrelated deposits.

Reads: the trail of what an account sends on: which share of each lot went to the next, and which to others.
Finds, for example, 4 fresh accounts that each peeled 5 % off 100,000 USD: severity medium, subject the
account that sends the remainder on just now. It speaks when a row becomes 3, 4 and 8 long.

Settings: see Settings.

Known false positives: a UTXO wallet with change has the same shape; there, a row is low from ``change``
steps on and medium only if it is long and fast, or from a tainted source. A hot wallet that pays out of its
change is long and fast, too, but rarely gives away more than 1 % at each step, which ends a row.

Source: geonicolaidis' study of traced flows (one input, two outputs, 90:10 to 99:1, 3 in a row; a third of
the flows, and common in honest use); am-i-exposed (stop at CoinJoins); numbers for accounts are txpipe's own.
Scenario: ``peel-chain``; it must stay silent on one wallet that pays from its change.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from txpipe.detect.account import Account, Facts, Hop
from txpipe.detect.finding import SCORES, Finding
from txpipe.detect.move import Move
from txpipe.detect.rules.trails import UTXO, Pass, is_contract, shown, tail
from txpipe.detect.settings import setting
from txpipe.detect.traits import FORGEABLE, PASSING, PULLED, TAINTED
from txpipe.duration import span
from txpipe.record import SEVERITIES, Severity

DAY_S = 86400


@dataclass(frozen=True, slots=True)
class Settings:
    """What peel-chain compares with."""

    remainder: tuple[float, float] = setting((0.7, 0.99), "share of the lot", "geonicolaidis: 99:1 to 90:10")
    row: tuple[int, int, int] = setting((3, 4, 8), "accounts in a row", "3: geonicolaidis; low, medium, high")
    change: tuple[int, int] = setting(
        (5, 10), "steps on UTXO chains", "txpipe: low; medium if as fast as below"
    )
    fast_s: int = setting(DAY_S, "seconds", "txpipe: of the whole row on UTXO chains")
    least_usd: float = setting(500.0, "USD", "txpipe: below, peeling costs more than it hides")
    kept_s: int = setting(3 * DAY_S, "seconds", "txpipe: at each account; operators work day by day")
    young_s: int = setting(7 * DAY_S, "seconds", "txpipe: age when the funds came")
    moves: int = setting(6, "payers and payments", "txpipe: on UTXO chains 3, as an address is used once")


SILENT = (
    "fewer than {least_accounts} such accounts in a row (there were {accounts})",
    (
        "less than {thresholds.remainder.0:share} or more than {thresholds.remainder.1:share} of its lot "
        "that this account sent to the next (it was {path.-1.remainder:share})"
    ),
    "a remainder of less than {thresholds.least_usd} (it was {path.-1.usd})",
    "more than {thresholds.kept_s} for which this account kept the funds (it was {path.-1.kept_s})",
    (
        "an age of more than {thresholds.young_s} when the funds came (it was {path.-1.age_s}), or more "
        "than {thresholds.movements} payers and payments of this account (it had {path.-1.movements})"
    ),
    "this account a service, its receiver a contract, or a payment that somebody else signed",
)
"""What would have kept the rule silent."""


class PeelChain:
    """The rule. It keeps nothing but when it spoke."""

    ID = "peel-chain"
    VERSION = 2
    SEVERITY: Severity = "high"
    SENT = PASSING
    RECEIVED = 0
    UNLESS = FORGEABLE | PULLED

    def __init__(self, settings: Settings | None = None) -> None:
        self._is = settings or Settings()
        self._before = self._is.row[0] - 1

    def sent(self, move: Move, me: Account, other: Facts) -> Sequence[Finding]:
        """Count the accounts in a row that peeled, this one included."""
        if len(me.trail) < self._before or not me.lot_in:
            return ()
        usd = move.usd
        if usd is None or me.is_service or is_contract(other, move):
            return ()
        last = Pass(*me.hop(move.time, usd, move.tx))
        # The part may leave before the remainder or after it.
        late = last.part <= 1 - self._is.remainder[0] and last.gone - last.part >= self._is.remainder[0]
        if late:
            remainder = last.gone - last.part
            last = last._replace(usd=me.lot_in * remainder, part=remainder)
        elif other.is_service:
            return ()
        moves = self._moves(move)
        utxo = move.chain.startswith(UTXO)
        row = self._row((*me.trail, last), moves, utxo=utxo)
        severity = self._severity(row, utxo=utxo, tainted=move.traits & TAINTED != 0)
        if not severity or not me.says(self.ID, move.time, SEVERITIES.index(severity), self._is.kept_s):
            return ()
        return (self._finding(move, me, other, row, severity),)

    def received(self, move: Move, me: Account, other: Facts) -> Sequence[Finding]:  # noqa: ARG002
        """Nothing is to be seen from this side."""
        return ()

    def _moves(self, move: Move) -> int:
        """Return how many payers and payments an account in the row may have."""
        return 3 if move.chain.startswith(UTXO) else self._is.moves

    def _row(self, hops: Sequence[Hop], moves: int, *, utxo: bool) -> list[Pass]:
        """Return the last accounts in a row that peeled, and between them those that passed all of it on."""
        high = math.inf if not utxo else self._is.remainder[1]
        row = tail(hops, lambda hop: self._fits(hop, moves, high))
        if not row or not self._peels(row[-1]):
            return []
        while not self._peels(row[0]):
            del row[0]
        return row

    def _peels(self, hop: Pass) -> bool:
        return hop.part <= self._is.remainder[1]

    def _fits(self, hop: Pass, moves: int, high: float) -> bool:
        limits = self._is
        return (
            limits.remainder[0] <= hop.part <= high
            and hop.usd >= limits.least_usd
            and hop.dwell_s <= limits.kept_s
            and hop.age_s <= limits.young_s
            and hop.moves <= moves
        )

    def _count(self, row: list[Pass]) -> int:
        """Return how many accounts of a row peeled."""
        return len({hop.address for hop in row if self._peels(hop)})

    def _severity(self, row: list[Pass], *, utxo: bool, tainted: bool) -> Severity | None:
        """Grade a row; None unless it has just reached a length that counts."""
        if not row:
            return None
        count, limits = self._count(row), self._is
        if not utxo:
            if count not in limits.row:
                return None
            peeled = any(_peeled(hop) >= 0.01 for hop in row)  # else each may have kept something back
            grades: tuple[Severity, ...] = ("low", "medium", "high")
            return grades[limits.row.index(count)] if peeled else "low"
        if tainted and count in limits.row:
            return "medium"
        if count not in limits.change:
            return None
        fast = row[-1].sent - row[0].got <= limits.fast_s
        return "medium" if count == limits.change[1] and fast else "low"

    def _finding(self, move: Move, me: Account, other: Facts, row: list[Pass], severity: Severity) -> Finding:
        limits = self._is
        took_s = max(0, row[-1].sent - row[0].got)
        utxo, tainted = move.chain.startswith(UTXO), move.traits & TAINTED != 0
        return Finding(
            rule=self.ID,
            category="laundering",
            severity=severity,
            score=SCORES[severity],
            subject=me.address,
            title=f"{row[0].lot_usd:,.0f} USD shrink to {row[-1].usd:,.0f} over {len(row)} fresh accounts "
            f"within {span(took_s)}",
            evidence={
                "source": me.source,
                "path": _path(row),
                "accounts": self._count(row),
                "least_accounts": limits.change[0] if utxo and not tainted else limits.row[0],
                "receiver": other.address,
                "tainted": tainted,
                "seconds": took_s,
                "thresholds": {
                    "remainder": list(limits.remainder),
                    "row": list(limits.row),
                    "change": list(limits.change),
                    "fast_s": limits.fast_s,
                    "least_usd": limits.least_usd,
                    "kept_s": limits.kept_s,
                    "young_s": limits.young_s,
                    "movements": self._moves(move),
                },
            },
        )


def _peeled(hop: Pass) -> float:
    """Return the share that others than the next account were seen to get by then."""
    return max(0.0, hop.gone - hop.part)


def _path(row: list[Pass]) -> list[dict[str, Any]]:
    return [
        one | {"remainder": round(hop.part, 3), "peeled": round(_peeled(hop), 3), "age_s": hop.age_s}
        for one, hop in zip(shown(row), row, strict=True)
    ]
