"""wash-trading: an asset goes to and fro among a few accounts in nearly equal amounts, or an item comes home.

Pattern: what an account gives it gets back, the same asset and within a few percent the same amount, several
times in a row. Or an NFT returns again and again to an account that gave it away.

Why: trades with oneself make volume and prices that lure buyers.

Reads: movements between accounts that paid one another before, by units of the asset, so that tokens without
a price count; single items by their number. Finds, for example, 1,000 units that went to and fro 4 times in
20 minutes: severity medium, subject the account.

Settings: see Settings.

Known false positives: friends who lend one another the same sum again and again. Services, pools and other
contracts (market makers, arbitrage, staking) do not count; a loan in instalments goes one way, and an item
that strangers flip does not come back twice.

Source: Chainalysis' 2025 report (within 25 blocks, 1 % difference, 3 times); hildobby's NFT filters (the same
address got the item 3 times); the patient form (5 %, three days, 4 times) is txpipe's own. Scenario:
``wash-trading``; it must stay silent on a market maker and on a loan that is paid back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from txpipe.detect.account import Account, Facts
from txpipe.detect.finding import SCORES, Finding
from txpipe.detect.move import Move
from txpipe.detect.rules.trails import is_contract, span
from txpipe.detect.settings import setting
from txpipe.detect.traits import APPROVAL, FORGEABLE, ITEM, RETURN, SERVED
from txpipe.record import Severity

DAY_S = 86400
SILENCE_S = 7 * DAY_S
"""Seconds for which nothing more is said of an account that was reported."""

LEAST_LEGS = 3
"""Fewer are no two round trips, whatever the settings."""

ASSETS = 4
LEGS = 16
ITEMS = 16
"""Kept for an account: assets, movements of each, items that it gave away; the oldest go first."""

Leg = tuple[int, str, float, float, str]
"""When, with whom, units (negative: given), USD, transaction."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What wash-trading compares with."""

    quick: tuple[float, float, float] = setting(
        (3, 0.01, 300), "round trips, difference 0-1, seconds", "Chainalysis 2025: 3, 1 %, 25 blocks of 12 s"
    )
    patient: tuple[float, float, float] = setting(
        (4, 0.05, 3 * DAY_S), "round trips, difference 0-1, seconds", "txpipe: fees taken, waits of a day"
    )
    peers: int = setting(5, "accounts", "txpipe: with more, it trades with the world")
    least_usd: float = setting(
        1000.0, "USD in all", "jdellavedova: loosest volume; tokens without price pass"
    )
    returns: int = setting(2, "times an item came back", "hildobby: 3 purchases by one address")
    item_s: int = setting(30 * DAY_S, "seconds", "frwd-1: last 30 days")
    owners: int = setting(4, "accounts", "txpipe: that the item came back from")


SILENT = (
    (
        "fewer than {thresholds.quick.0} round trips, each within {thresholds.quick.2:s} and at most "
        "{thresholds.quick.1:share} apart, and fewer than {thresholds.patient.0} within "
        "{thresholds.patient.2:s} and at most {thresholds.patient.1:share} apart (there were "
        "{round_trips})"
    ),
    "{with:if}more than {thresholds.accounts} accounts on the other side (there were {with:count})",
    "{usd:if}less than {thresholds.least_usd} in all (it was {usd})",
    "fewer than {thresholds.returns} returns (there were {returns})",
    "{from:if}more than {thresholds.accounts} accounts that it came back from (there were {from:count})",
    (
        "more than {thresholds.item_s} between giving it away first and giving it away again (all took "
        "{seconds})"
    ),
    "a service or a contract on either side",
)
"""What would have kept the rule silent."""


class WashTrading:
    """The rule. It keeps ASSETS with LEGS each, and ITEMS with [time given, returns, from whom]."""

    ID = "wash-trading"
    VERSION = 1
    SEVERITY: Severity = "medium"
    SENT = RETURN | ITEM
    RECEIVED = RETURN | ITEM
    UNLESS = SERVED | APPROVAL

    def __init__(self, settings: Settings | None = None) -> None:
        self._is = settings or Settings()

    def sent(self, move: Move, me: Account, other: Facts) -> Iterable[Finding]:
        """Keep what was given; say when it has come and gone too often."""
        if not _counts(move, me, other):
            return ()
        if move.asset.item:
            self._given(move, me)
            return ()
        legs = self._leg(move, me, other, -move.units)
        if len(legs) < LEAST_LEGS:
            return ()
        for form in (self._is.quick, self._is.patient):
            found = self._to_and_fro(legs, *form)
            if found and me.says(self.ID, move.time, 1, SILENCE_S):
                return (self._traded(move, me, found),)
        return ()

    def received(self, move: Move, me: Account, other: Facts) -> Iterable[Finding]:
        """Keep what was got; say when an item is back too often."""
        if not _counts(move, me, other):
            return ()
        if not move.asset.item:
            self._leg(move, me, other, move.units)
            return ()
        kept = me.noted(self.ID)
        item = kept and kept.get("items", {}).get(move.record["asset"])
        if not item:
            return ()
        item[1] += 1
        if other.address not in item[2]:
            item[2] = (*item[2][-7:], other.address)
        back = item[1] >= self._is.returns and len(item[2]) <= self._is.owners
        if back and me.says(self.ID, move.time, 1, SILENCE_S):
            return (self._returned(move, me, item),)
        return ()

    def _to_and_fro(self, legs: list[Leg], trips: float, apart: float, within_s: float) -> list[Leg]:
        """Return the legs that answer one another, if they make enough round trips among few accounts."""
        found = _answers(legs, apart, within_s)
        usd = sum(leg[3] for leg in found)
        cheap = usd < self._is.least_usd and any(leg[3] for leg in found)
        few = len({leg[1] for leg in found}) <= self._is.peers
        # The very first leg was no return, so that it was not kept.
        return found if (len(found) + 1) // 2 >= trips and few and not cheap else []

    def _given(self, move: Move, me: Account) -> None:
        items: dict[str, list[Any]] = _kept(me).setdefault("items", {})
        name = move.record["asset"]
        known = items.pop(name, None)
        if known is None or not 0 <= move.time - known[0] <= self._is.item_s:
            known = [move.time, 0, ()]
        items[name] = known
        if len(items) > ITEMS:
            del items[next(iter(items))]

    def _leg(self, move: Move, me: Account, other: Facts, units: float) -> list[Leg]:
        assets: dict[str, list[Leg]] = _kept(me).setdefault("legs", {})
        legs = assets.pop(move.asset.name, [])
        patience_s = max(self._is.quick[2], self._is.patient[2])
        legs = [leg for leg in legs if abs(move.time - leg[0]) <= patience_s][1 - LEGS :]
        if units:
            legs.append((move.time, other.address, units, move.usd or 0.0, move.tx))
        assets[move.asset.name] = legs
        if len(assets) > ASSETS:
            del assets[next(iter(assets))]
        return legs

    def _traded(self, move: Move, me: Account, legs: list[Leg]) -> Finding:
        took_s = max(0, legs[-1][0] - legs[0][0])
        trips = (len(legs) + 1) // 2
        return Finding(
            rule=self.ID,
            category="manipulation",
            severity=self.SEVERITY,
            score=SCORES[self.SEVERITY],
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
                    "quick": list(self._is.quick),
                    "patient": list(self._is.patient),
                    "accounts": self._is.peers,
                    "least_usd": self._is.least_usd,
                },
            },
        )

    def _returned(self, move: Move, me: Account, item: list[Any]) -> Finding:
        took_s = max(0, move.time - item[0])
        return Finding(
            rule=self.ID,
            category="manipulation",
            severity=self.SEVERITY,
            score=SCORES[self.SEVERITY],
            subject=me.address,
            title=f"An item comes back to an account that gave it away, {item[1]} times by now",
            evidence={
                "item": move.record["asset"],
                "returns": item[1],
                "from": list(item[2]),
                "seconds": took_s,
                "thresholds": {
                    "returns": self._is.returns,
                    "item_s": self._is.item_s,
                    "accounts": self._is.owners,
                },
            },
        )


def _kept(me: Account) -> dict[str, Any]:
    return me.note(WashTrading.ID, {})


def _counts(move: Move, me: Account, other: Facts) -> bool:
    """Whether a movement is one between two accounts that people hold, and nobody else's invention.

    A market moves an item in its owner's name when the buyer calls it.
    """
    if move.traits & FORGEABLE and not (move.asset.item and move.initiator in (me.address, other.address)):
        return False
    return not (me.is_service or other.is_service or is_contract(other, move) or is_contract(me, move))


def _answers(legs: list[Leg], apart: float, within_s: float) -> list[Leg]:
    """Return the legs that answer one before, or are answered: the other way, soon, and as large."""
    found: dict[int, Leg] = {}
    waiting: list[int] = []
    for place, leg in enumerate(legs):
        for before in reversed(waiting):
            one = legs[before]
            if (
                one[2] * leg[2] < 0
                and 0 <= leg[0] - one[0] <= within_s
                and abs(one[2] + leg[2]) <= apart * max(abs(one[2]), abs(leg[2]))
            ):
                waiting.remove(before)
                found[before], found[place] = one, leg
                break
        waiting.append(place)
    return [found[place] for place in sorted(found)]
