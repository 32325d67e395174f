"""What wash-trading says: its findings in words and numbers, and what would have kept it silent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from txpipe.detect.account import Account, Facts
from txpipe.detect.finding import SCORES, Finding
from txpipe.detect.move import Move
from txpipe.detect.rules.markets import Trip, like_last
from txpipe.duration import span
from txpipe.record import Severity

if TYPE_CHECKING:
    from txpipe.detect.rules.wash_trading import Settings

ID = "wash-trading"
SEVERITY: Severity = "medium"

Leg = tuple[int, str, float, float, str, bool]
"""When, with whom, units (negative: given), USD, transaction, whether the other had been paid before."""

SILENT = (
    (
        "fewer than {thresholds.quick.0} round trips, each within {thresholds.quick.2:s} and at most "
        "{thresholds.quick.1:share} apart, and fewer than {thresholds.patient.0} within "
        "{thresholds.patient.2:s} and at most {thresholds.patient.1:share} apart (there were "
        "{round_trips})"
    ),
    "{with:if}more than {thresholds.accounts} accounts on the other side (there were {with:count})",
    "{usd:if}less than {thresholds.least_usd} in all (it was {usd})",
    (
        "fewer than {thresholds.returns} returns (there were {returns}), with no payment of whom it was "
        "given to, straight back and kept, after more than {thresholds.paid_s}, or with more than "
        "{thresholds.contacts} contacts"
    ),
    "{from:if}more than {thresholds.accounts} accounts that it came back from (there were {from:count})",
    (
        "more than {thresholds.item_s} between giving it away first and giving it away again (all took "
        "{seconds})"
    ),
    (
        "{venue:if}fewer than {thresholds.market.0} round trips of one account and fewer than "
        "{thresholds.crowd.0} of accounts with at most {thresholds.contacts} contacts, as "
        "{thresholds.crowd.1:share} of the trades (there were {round_trips}), each within "
        "{thresholds.market.2:s} and with {thresholds.market.1:share} left, and at most "
        "{thresholds.alike:share} apart; and fewer than {thresholds.hasty.0} of one account within "
        "{thresholds.hasty.1:s}, of whatever size"
    ),
    "{venue:if}more than {thresholds.window_s} for all of them (it took {seconds})",
    "{venue:if}a service as the market, or a sale in the block of its purchase",
    "{venue:unless}a service or a contract on either side",
)
"""What would have kept the rule silent."""


def traded(move: Move, me: Account, legs: list[Leg], limits: Settings) -> Finding:
    """Say that an asset goes to and fro."""
    took_s = max(0, legs[-1][0] - legs[0][0])
    trips = (len(legs) + 1) // 2
    return Finding(
        rule=ID,
        category="manipulation",
        severity=SEVERITY,
        score=SCORES[SEVERITY],
        subject=me.address,
        title=f"An asset goes out and comes back {trips} times within {span(took_s)}",
        evidence={
            "asset": move.asset.name,
            "round_trips": trips,
            "legs": [{"time": leg[0], "units": leg[2], "tx": leg[4]} for leg in legs],
            "with": sorted({leg[1] for leg in legs}),
            "usd": round(sum(leg[3] for leg in legs), 2),
            "seconds": took_s,
            "thresholds": {
                "quick": list(limits.quick),
                "patient": list(limits.patient),
                "accounts": limits.peers,
                "least_usd": limits.least_usd,
            },
        },
    )


def round_trips(move: Move, market: Account, seller: Facts, trips: list[Trip], limits: Settings) -> Finding:
    """Say that a token is bought of a market and sold back to it."""
    accounts = list(dict.fromkeys(trip.account for trip in trips))
    took_s = max(0, trips[-1].ended - min(trip.began for trip in trips))
    who = f"{len(accounts)} accounts buy and sell" if len(accounts) > 1 else "An account buys and sells"
    amount = "the same amount" if len(like_last(trips, limits.alike, took_s)) == len(trips) else "all"
    return Finding(
        rule=ID,
        category="manipulation",
        severity=SEVERITY,
        score=SCORES[SEVERITY],
        subject=seller.address,
        about=market.address if len(accounts) > 1 else None,
        title=f"{who} {amount} of a token at one market, {len(trips)} times within {span(took_s)}",
        evidence={
            "asset": move.asset.name,
            "venue": market.address,
            "round_trips": len(trips),
            "accounts": accounts,
            "trips": [
                {"units": trip.units, "bought": trip.began, "sold": trip.ended, "tx": trip.tx}
                for trip in trips
            ],
            "seconds": took_s,
            "thresholds": {
                "market": list(limits.market),
                "hasty": list(limits.hasty),
                "crowd": list(limits.crowd),
                "alike": limits.alike,
                "window_s": limits.window_s,
                "contacts": limits.thin,
            },
        },
    )


def returned(move: Move, me: Account, item: list[Any], paid_by: str | None, limits: Settings) -> Finding:
    """Say that an item comes back."""
    took_s = max(0, move.time - item[0])
    return Finding(
        rule=ID,
        category="manipulation",
        severity=SEVERITY,
        score=SCORES[SEVERITY],
        subject=me.address,
        title="An item comes back to an account that gave it away"
        + (", and was paid for" if paid_by else f", {item[1]} times by now"),
        evidence={
            "item": move.event.asset,
            "returns": item[1],
            "from": list(item[2]),
            **({"paid_by": paid_by} if paid_by else {}),
            "seconds": took_s,
            "thresholds": {
                "returns": limits.returns,
                "item_s": limits.item_s,
                "accounts": limits.owners,
                "paid_s": limits.paid_s,
                "contacts": limits.thin,
            },
        },
    )
