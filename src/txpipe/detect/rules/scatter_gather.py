"""scatter-gather: one account pays several, and they pay nearly all of it to one other account.

Pattern: a source sends to four and more fresh accounts; within a week each of them forwards most of it, and
all to the same gatherer, directly or over one more layer.

Why: to the gatherer's bank it looks like income from many; to the source's, like payments to many.

Reads: who pays an account having just passed on most of what it got, and where that came from. Finds, for
example, 6 new accounts that got 18,000 USD from one wallet and sent 17,500 on to one account in a day:
severity medium, subject the gatherer; low where more others pay it, too.

Settings: see Settings.

Known false positives: somebody who spreads funds over wallets and puts them together again; relatives who
collect what one of them gave. Withdrawals from a service have no source, and services, contracts and accounts
whom many others pay (merchants, exchanges' deposit wallets) gather nothing.

Source: the scatter-gather shape of IBM's AMLSim and AMLworld; mule fan-in rules (3 to 8 accounts). The
numbers are txpipe's own. Scenario: ``scatter-gather``; it must stay silent on customers of one merchant.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from txpipe.detect.account import Account, Facts
from txpipe.detect.finding import SCORES, Finding
from txpipe.detect.move import Move
from txpipe.detect.rules.trails import UTXO, is_contract
from txpipe.detect.settings import setting
from txpipe.detect.traits import FORGEABLE, PASSING, PULLED, SERVED
from txpipe.duration import span
from txpipe.record import Severity

DAY_S = 86400

KEPT = 24
"""Payments by passing accounts that a gatherer remembers; the oldest is forgotten first."""

LAYERS = 3
"""Accounts before a payer that may be the source: the one that all trails share is looked for among them."""

Paid = tuple[int, str, float, str, tuple[str, ...]]
"""When, by whom, USD, transaction, and who had it before: the nearest first."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What scatter-gather compares with."""

    payers: int = setting(4, "accounts", "txpipe: mule rules begin at 3, families split in 2 or 3")
    window_s: int = setting(7 * DAY_S, "seconds", "txpipe: patient operators wait days, not weeks")
    least_usd: float = setting(1000.0, "USD in all", "txpipe: below, splitting hides nothing")
    moves: int = setting(24, "payers and payments", "txpipe: of a payer; intermediaries do little else")
    others: int = setting(12, "accounts", "txpipe: payers besides those; who has more sells something")


SILENT = (
    (
        "fewer than {thresholds.payers} payers that had it from one account (there were {payers:count}, "
        "from {source})"
    ),
    "less than {thresholds.least_usd} from them in all (it was {usd})",
    "payments so far apart that fewer of them lie within {thresholds.window_s} (all came within {seconds})",
    (
        "more than {thresholds.other_payers} other payers, and more of them than of these (there were "
        "{other_payers})"
    ),
    "more than {thresholds.movements} payers and payments of the last payer (it had {last_payer_movements})",
    "a service at either end of a payment, this account a contract, or payments that somebody else signed",
)
"""What would have kept the rule silent."""


class ScatterGather:
    """The rule. It keeps the last KEPT payments by accounts that passed them on."""

    ID = "scatter-gather"
    VERSION = 1
    SEVERITY: Severity = "high"
    SENT = 0
    RECEIVED = PASSING
    UNLESS = FORGEABLE | SERVED | PULLED

    def __init__(self, settings: Settings | None = None) -> None:
        self._is = settings or Settings()

    def sent(self, move: Move, me: Account, other: Facts) -> Iterable[Finding]:  # noqa: ARG002
        """Nothing is to be seen from this side."""
        return ()

    def received(self, move: Move, me: Account, other: Facts) -> Iterable[Finding]:
        """Count the accounts that passed on what one source had sent them."""
        limits = self._is
        if move.usd is None or other.source is None or other.fan_in + other.n_out > limits.moves:
            return ()
        before = tuple(
            who for who in (*[hop[0] for hop in other.trail[:-LAYERS:-1]], other.source) if who != me.address
        )
        if not before or is_contract(me, move):
            return ()
        kept: list[Paid] = me.note(self.ID, [])
        time = move.time
        if kept:
            kept[:] = [paid for paid in kept if abs(time - paid[0]) <= limits.window_s][1 - KEPT :]
        kept.append((time, other.address, move.usd, move.tx, before))
        if len(kept) < limits.payers:
            return ()
        found = max((_by(source, kept) for source in before), key=lambda paid: len({one[1] for one in paid}))
        payers = {paid[1] for paid in found}
        total = sum(paid[2] for paid in found)
        if len(payers) < limits.payers or total < limits.least_usd:
            return ()
        if me.fan_in - len(payers) > max(limits.others, len(payers)):
            return ()
        if me.says(self.ID, move.time, len(payers) // limits.payers, limits.window_s):
            return (self._finding(move, me, other, found, total),)
        return ()

    def _finding(self, move: Move, me: Account, other: Facts, found: list[Paid], total: float) -> Finding:
        payers = sorted({paid[1] for paid in found})
        severity: Severity = "high" if len(payers) >= 2 * self._is.payers else "medium"
        if move.chain.startswith(UTXO) or me.fan_in > 2 * len(payers):
            severity = "low"  # one wallet's change addresses have one source, too; so have a shop's customers
        took_s = max(paid[0] for paid in found) - min(paid[0] for paid in found)
        source = _shared(found)
        return Finding(
            rule=self.ID,
            category="laundering",
            severity=severity,
            score=SCORES[severity],
            subject=me.address,
            title=f"{len(payers)} accounts pass on {total:,.0f} USD from one source to one receiver "
            f"within {span(took_s)}",
            evidence={
                "source": source,
                "payers": payers,
                "transactions": [paid[3] for paid in found],
                "usd": round(total, 2),
                "seconds": took_s,
                "other_payers": max(0, me.fan_in - len(payers)),
                "last_payer": other.address,
                "last_payer_movements": other.fan_in + other.n_out,
                "thresholds": {
                    "payers": self._is.payers,
                    "window_s": self._is.window_s,
                    "least_usd": self._is.least_usd,
                    "movements": self._is.moves,
                    "other_payers": self._is.others,
                },
            },
        )


def _by(source: str, kept: list[Paid]) -> list[Paid]:
    return [paid for paid in kept if source in paid[4]]


def _shared(found: list[Paid]) -> str:
    """Return the nearest account that all payments were before."""
    return next(who for who in found[-1][4] if all(who in paid[4] for paid in found))
