"""pass-through: funds run through a row of young accounts that forward what they get and do little else.

Pattern: three and more accounts in a row each send on most of what came in, within two days, to the next.
Each is young and has a handful of payers and payments. Splits, a share kept back and swaps on the way do not
hide it: what counts is the share of the lot that is gone, in USD.

Why: distance from the origin is what layering buys; the accounts in between have no other purpose.

Reads: the trail of what an account sends on, with age, payers and payments of each account in it. Finds,
for example, 40,000 USD that went through 5 accounts in 6 hours: severity high, subject the account that sends
it on just now. It speaks when a row becomes 3, 5 or 8 long: medium, high, critical; a step less where some
accounts are older or did more, and where a busy account gets it.

Settings: see Settings.

Known false positives: people who move a purse through several wallets of their own, one after the other.
Exchanges, their deposit addresses (one hop to a hub), contracts and payments onward from a busy account end
a row. On UTXO chains change looks the same; ``peel-chain`` looks there.

Source: chain-scanner's layering (3 hops, each at least 80 % of the previous, at most 48 hours between; 5 hops
high, 8 critical); youth and quietness are txpipe's own. Scenario: ``pass-through``; it must stay silent on an
exchange's sweeps, a payment processor, and salary that becomes rent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from txpipe.detect.account import Account, Facts
from txpipe.detect.finding import SCORES, Finding
from txpipe.detect.move import Move
from txpipe.detect.rules.trails import UTXO, Pass, is_contract, shown, tail
from txpipe.detect.settings import setting
from txpipe.detect.traits import FORGEABLE, PASSING, PULLED, SERVED
from txpipe.duration import span
from txpipe.record import SEVERITIES, Severity

HOUR_S = 3600
DAY_S = 24 * HOUR_S
YOUNG, AGED = 0, 1
GRADES: tuple[Severity, ...] = ("low", "medium", "high", "critical")


@dataclass(frozen=True, slots=True)
class Settings:
    """What pass-through compares with."""

    hops: tuple[int, int, int] = setting(
        (3, 5, 8), "accounts in a row", "chain-scanner: 3, 5 high, 8 critical"
    )
    share: tuple[float, float] = setting(
        (0.75, 1.2),
        "share of the lot",
        "chain-scanner asks for 80 %; some keep 20 %; more comes from savings",
    )
    part: float = setting(
        0.2, "share of the lot", "txpipe: splits in two or three; at most at every other hop"
    )
    least_usd: float = setting(
        300.0, "USD", "txpipe: that the first got; below, hops cost more than they hide"
    )
    kept_s: int = setting(48 * HOUR_S, "seconds", "chain-scanner: 48 h between hops")
    young_s: tuple[int, int] = setting(
        (7 * DAY_S, 90 * DAY_S),
        "seconds",
        "txpipe: age when the funds came; a row with older ones weighs less",
    )
    moves: tuple[int, int] = setting(
        (7, 20), "payers and payments", "txpipe: gas and test payments included; likewise"
    )
    busy: int = setting(12, "payers and payees", "txpipe: a receiver with more may be an exchange, seen late")


SILENT = (
    "fewer than {thresholds.accounts} such accounts in a row (there were {accounts})",
    "less than {thresholds.least_usd} that the first of them got (it was {first_got_usd})",
    (
        "less than {thresholds.part:share} of this account's lot to the next (it was "
        "{path.-1.next_share}) and less than {thresholds.share.0} gone in all, or more than "
        "{thresholds.share.1} gone (it was {path.-1.share})"
    ),
    "more than {thresholds.kept_s} for which this account kept the funds (it was {path.-1.kept_s})",
    (
        "an age of more than {thresholds.young_s.1:s} when the funds came (it was {path.-1.age_s}), or "
        "more than {thresholds.movements.1} payers and payments of this account (it had "
        "{path.-1.movements})"
    ),
    "a service that pays or is paid, a contract that is paid, or a payment that somebody else signed",
)
"""What would have kept the rule silent."""


class PassThrough:
    """The rule. It keeps nothing but when it spoke."""

    ID = "pass-through"
    VERSION = 1
    SEVERITY: Severity = "critical"
    SENT = PASSING
    RECEIVED = 0
    UNLESS = FORGEABLE | SERVED | PULLED

    def __init__(self, settings: Settings | None = None) -> None:
        self._is = settings or Settings()
        self._fits = [partial(self._fit, kind) for kind in (YOUNG, AGED)]

    def sent(self, move: Move, me: Account, other: Facts) -> Iterable[Finding]:
        """Count the accounts in a row, this one included, that only passed the funds on."""
        usd, limits = move.usd, self._is
        if len(me.trail) < limits.hops[0] - 1 or usd is None or not me.lot_in:
            return ()
        if move.chain.startswith(UTXO) or is_contract(other, move):
            return ()
        hops = (*me.trail, me.hop(move.time, usd, move.tx))
        for kind in (YOUNG, AGED):
            row = tail(hops, self._fits[kind])
            count = len({hop.address for hop in row})
            whole = sum(hop.gone >= limits.share[0] for hop in row)
            if count in limits.hops and 2 * whole >= count and row[0].lot_usd >= limits.least_usd:
                busy = other.fan_in + other.fan_out > limits.busy  # a service, or about to be one
                severity = GRADES[max(0, limits.hops.index(count) - kind - busy + 1)]
                if me.says(self.ID, move.time, SEVERITIES.index(severity), limits.kept_s):
                    return (self._finding(me, other, row, severity),)
                break
        return ()

    def received(self, move: Move, me: Account, other: Facts) -> Iterable[Finding]:  # noqa: ARG002
        """Nothing is to be seen from this side."""
        return ()

    def _fit(self, kind: int, hop: Pass) -> bool:
        limits = self._is
        return (
            (hop.part >= limits.part or hop.gone >= limits.share[0])
            and hop.gone <= limits.share[1]
            and hop.dwell_s <= limits.kept_s
            and hop.age_s <= limits.young_s[kind]
            and hop.moves <= limits.moves[kind]
        )

    def _finding(self, me: Account, other: Facts, row: list[Pass], severity: Severity) -> Finding:
        count = len({hop.address for hop in row})
        passed_s = row[-1].sent - row[0].got
        return Finding(
            rule=self.ID,
            category="laundering",
            severity=severity,
            score=SCORES[severity],
            subject=me.address,
            title=f"{row[-1].usd:,.0f} USD go through {count} accounts that only forward, within "
            f"{span(passed_s)}",
            evidence={
                "source": me.source,
                "first_got_usd": round(row[0].lot_usd, 2),
                "path": _path(row),
                "receiver": other.address,
                "receiver_contacts": other.fan_in + other.fan_out,
                "accounts": count,
                "seconds": passed_s,
                "oldest_s": max(hop.age_s for hop in row),
                "thresholds": {
                    "accounts": self._is.hops[0],
                    "share": list(self._is.share),
                    "part": self._is.part,
                    "least_usd": self._is.least_usd,
                    "kept_s": self._is.kept_s,
                    "young_s": list(self._is.young_s),
                    "movements": list(self._is.moves),
                    "receiver_contacts": self._is.busy,
                },
            },
        )


def _path(row: list[Pass]) -> list[dict[str, Any]]:
    return [
        one | {"next_share": round(hop.part, 3), "age_s": hop.age_s}
        for one, hop in zip(shown(row), row, strict=True)
    ]
