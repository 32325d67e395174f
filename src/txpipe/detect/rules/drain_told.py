"""What ``drain`` says: its findings, and what would have kept it silent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from txpipe.detect.account import Account
from txpipe.detect.finding import SCORES, Finding
from txpipe.detect.move import Move
from txpipe.detect.rules.wallets import (
    ASSETS,
    HELD,
    MOVES,
    SENDER,
    SOLID,
    SOURCE,
    TIME,
    TX,
    USD,
    Settings,
    Wallet,
)
from txpipe.duration import span
from txpipe.record import Severity

ID = "drain"

SILENT = (
    (
        "{payers:if}fewer than {thresholds.wallets} wallets of strangers emptied (there were "
        "{emptied:count}), and fewer than {thresholds.swept} of several assets into a new account that got "
        "little else"
    ),
    "{payers:if}less than {thresholds.low_usd} from them in all (it was {sum_usd})",
    (
        "{payers:if}less than {thresholds.full:share} taken of what they held ({emptied.usd} of "
        "{emptied.held_usd}), or less than {thresholds.part:share} of several assets ({emptied.assets})"
    ),
    "{payers:if}{thresholds.one_funder:share} or more of them, and at least two, funded by one account",
    "less than {thresholds.at_least:share} of {payers} payers emptied ({wallets} were)",
    (
        "less than {thresholds.passed_share} of {sum_usd} passed on (it was {passed_on_usd}), or less "
        "than {thresholds.private_share} to private accounts (it was {to_private_usd})"
    ),
    "more than {thresholds.passed_s} from the last of it to its leaving (it was {since_last_s})",
    (
        "{to_private_usd:if}less than {thresholds.part:share} taken of what was held ({emptied.usd} of "
        "{emptied.held_usd}), or one asset of each only (there were {emptied.assets})"
    ),
    "{to_private_usd:if}more than {thresholds.float_share} of it from a service before, as a float",
    (
        "fewer than {thresholds.pieces} movements (there were {movements}), more than "
        "{thresholds.pieces_s} between two, or less than {thresholds.pieces_usd} (it was {received_usd})"
    ),
    "{movements:if}another payer of the receiver, or a payment by it",
    (
        "less than {thresholds.full:share} of {held_usd} taken (it was {sent_usd}), or less than "
        "{thresholds.part:share} of several assets"
    ),
    (
        "{sent_usd:if}fewer than {thresholds.wallets} wallets of strangers emptied into the receiver "
        "(this is number {wallets})"
    ),
    "{sent_usd:if}a wallet that led no life of its own and paid hardly anybody, as deposit addresses do",
    "the receiver a contract or a service, or one that paid more than {thresholds.most_paid} accounts before",
)
"""What would have kept the rule silent."""


def drained(
    me: Account, severity: Severity, strange: Sequence[Wallet], number: int, limits: Settings
) -> Finding:
    """Say that several wallets were emptied into one account."""
    usd = sum(each[USD] for each in strange)
    evidence = {
        "emptied": [_told(each) for each in strange],
        "sum_usd": round(usd, 2),
        "over_s": strange[-1][TIME] - strange[0][TIME],
        "first_seen": me.first,
        "payers": me.fan_in,
        "wallets": number,
        "held_usd": round(me.held, 2),
    }
    title = f"{len(strange)} unrelated accounts emptied into one within hours, {usd:,.0f} USD"
    return _finding(me, severity, title, evidence, limits)


def passed_on(
    me: Account, move: Move, loot: Sequence[Wallet], passed: Sequence[float], limits: Settings
) -> Finding:
    """Say that a new account passes on what it took."""
    usd = sum(each[USD] for each in loot)
    evidence = {
        "emptied": [_told(each) for each in loot],
        "sum_usd": round(usd, 2),
        "first_seen": me.first,
        "passed_on_usd": round(passed[1], 2),
        "to_private_usd": round(passed[0], 2),
        "after_s": move.time - loot[0][TIME],
        "since_last_s": move.time - loot[-1][TIME],
    }
    what = "most of a wallet" if len(loot) == 1 else f"most of {len(loot)} wallets"
    share = f"{passed[1] / usd:.0%} of it" if passed[1] <= usd else "all of it, or more,"
    title = f"New account got {what} and passes {share} on"
    return _finding(me, "medium", title, evidence, limits)


def lost(me: Account, one: Wallet, number: int, limits: Settings) -> Finding:
    """Say that a further wallet was emptied."""
    evidence = {
        "sent_usd": round(one[USD], 2),
        "held_usd": round(one[HELD], 2),
        "wallets": number,
        "source": one[SOURCE],
    }
    title = "Wallet emptied into an account that emptied others within hours"
    return _finding(me, "medium", title, evidence, limits, one[SENDER])


def moved(me: Account, move: Move, one: Wallet, limits: Settings) -> Finding:
    """Say that one wallet was emptied in pieces into a new account."""
    over_s = move.time - me.first
    title = f"Most of a wallet goes into a new account, in {one[MOVES]} movements within {span(over_s)}"
    evidence = {
        "received_usd": round(one[USD], 2),
        "held_usd": round(one[HELD], 2),
        "movements": one[MOVES],
        "over_s": over_s,
    }
    return _finding(me, "low", title, evidence, limits, one[SENDER])


def _finding(  # noqa: PLR0913, PLR0917 - what a finding is made of
    me: Account,
    severity: Severity,
    title: str,
    evidence: dict[str, Any],
    limits: Settings,
    victim: str | None = None,
) -> Finding:
    """Return a finding about the receiver, or about a victim of it."""
    return Finding(
        rule=ID,
        category="theft",
        severity=severity,
        score=SCORES[severity],
        subject=victim or me.address,
        role="victim" if victim else "suspect",
        about=me.address if victim else None,
        title=title,
        evidence={**evidence, "receiver": me.address, "thresholds": asdict(limits)},
    )


def _told(one: Wallet) -> dict[str, Any]:
    """Return a wallet as evidence tells it."""
    names = {"time": TIME, "usd": USD, "sender": SENDER, "source": SOURCE, "solid": SOLID, "held_usd": HELD}
    return {name: one[place] for name, place in names.items()} | {"assets": len(one[ASSETS]), "tx": one[TX]}
