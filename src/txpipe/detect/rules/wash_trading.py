"""wash-trading: an asset goes to and fro among a few accounts in nearly equal amounts, or an item comes home.

Pattern: what an account gives it gets back, the same asset and within a few percent the same amount, several
times in a row. Or it buys a token of a market and sells it back there, all of it, again and again as much, or
several accounts of few contacts do so one after the other. Or an NFT that was paid for returns to an account
that gave it away.

Why: trades with oneself make volume and prices that lure buyers.

Reads: movements between accounts that paid one another before, by units of the asset, so that tokens without
a price count; what accounts buy of contracts and sell to them in transactions of their own; single items by
their number. Finds, for example, 1,000 units that went to and fro 4 times in 20 minutes: severity medium,
subject the account.

Settings: see Settings.

Known false positives: friends who lend one another the same sum again and again; an item sold, regretted and
bought back of the next owner, or taken back and sold anew; arbitrage in one size, both ways. Services and
contracts do not count among people. At a market, other arbitrage buys here and sells there, or does both in
one block, and a trader's round trips differ in size; coins and dollars that others are priced in do not
count. A loan in instalments goes one way, and an item that strangers flip or that is lent is not paid for on
its way.

Source: Chainalysis' 2025 report (within 25 blocks, 1 % difference, 3 times); hildobby's NFT filters (the same
address got the item 3 times); the patient form (5 %, three days, 4 times), several accounts at a market and
the item that was paid for are txpipe's own. Scenario: ``wash-trading``; it must stay silent on a market maker
and on a loan that is paid back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from txpipe.detect.account import SERVICE, SIGNER, Account, Facts, look_alike_key, peer
from txpipe.detect.finding import Finding
from txpipe.detect.move import Move
from txpipe.detect.rules import wash_told
from txpipe.detect.rules.markets import COUNT, bought, sold, suspicious
from txpipe.detect.rules.trails import is_contract
from txpipe.detect.rules.wash_told import Leg
from txpipe.detect.settings import setting
from txpipe.detect.traits import (
    APPROVAL,
    DUST,
    FORGEABLE,
    GIVER,
    ITEM,
    MARKET,
    PULLED,
    RETURN,
    SERVED,
    TRADING,
)
from txpipe.record import Severity

DAY_S = 86400
SILENCE_S = 7 * DAY_S
"""Seconds for which nothing more is said of an account that was reported."""

LEAST_LEGS = 3
"""Fewer are no two round trips, whatever the settings."""

ASSETS = 4
LEGS = 16
ITEMS = 16
SAID = 16
"""Kept for an account: assets, movements of each, items that it gave away, and of a market whom it was said
of; the oldest go first."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What wash-trading compares with."""

    quick: tuple[float, float, float] = setting(
        (3, 0.01, 3600),
        "round trips, difference 0-1, seconds",
        "Chainalysis 2025: 3, 1 %; more time than its 25 blocks: people, not a market, answer",
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
    paid_s: int = setting(
        3 * DAY_S, "seconds", "txpipe: sold and soon back by way of others; a regret is rare, and slower"
    )
    market: tuple[float, float, float] = setting(
        (3, 0.01, DAY_S),
        "round trips of one account, difference 0-1, seconds each",
        "Chainalysis 2025: 3, 1 %; a pool in nobody's eye leaves more time than 25 blocks",
    )
    hasty: tuple[float, float] = setting(
        (5, 300),
        "round trips of one account, seconds each",
        "Chainalysis 2025: 3 in 25 blocks of 12 s; of whatever size more, for a gambler's come few",
    )
    crowd: tuple[float, float] = setting(
        (4, 1 / 3),
        "round trips of several accounts, share 0-1 of the trades",
        "txpipe: a wallet for each round trip; in a crowd of strangers amounts are all sorts",
    )
    alike: float = setting(0.1, "difference 0-1", "txpipe: between the amounts of a market's round trips")
    window_s: int = setting(3 * DAY_S, "seconds", "txpipe: from the first round trip to the last")
    thin: int = setting(
        16, "payers and payees", "txpipe: of accounts that go round one after the other, or with an item"
    )


SILENT = wash_told.SILENT


class WashTrading:
    """The rule. It keeps ASSETS with LEGS each, and ITEMS with [time given, returns, from whom, to whom].

    Of a market it keeps what ``markets`` says, and the last SAID accounts that it spoke of.
    """

    ID = wash_told.ID
    VERSION = 3
    SEVERITY: Severity = wash_told.SEVERITY
    SENT = (RETURN, ITEM, TRADING, DUST | PULLED)
    RECEIVED = (RETURN, ITEM | GIVER, MARKET)
    UNLESS = APPROVAL | SERVED

    def __init__(self, settings: Settings | None = None) -> None:
        self._is = settings or Settings()

    def sent(self, move: Move, me: Account, other: Facts) -> Iterable[Finding]:
        """Keep what was given; say when it has come and gone too often."""
        traits = move.traits
        if traits & ITEM:
            return self._given(move, me, other) if _counts(move, me, other) else ()
        if not me.flags & SIGNER and move.initiator == other.address:
            if move.asset.rate is None and not me.is_service:
                bought(move, me, other, self.ID)
                me.watch_received |= MARKET
            return ()
        if not traits & RETURN and not self._is_trading(move, me):
            return ()
        if not _counts(move, me, other):
            return ()
        legs = self._leg(move, me, other, -move.units)
        if len(legs) < LEAST_LEGS:
            return ()
        for form in (self._is.quick, self._is.patient):
            found = self._to_and_fro(legs, *form)
            if found and me.says(self.ID, move.time, 1, SILENCE_S):
                return (wash_told.traded(move, me, found, self._is),)
        return ()

    def received(self, move: Move, me: Account, other: Facts) -> Iterable[Finding]:
        """Keep what was got; say when an item is back too often."""
        traits = move.traits
        if traits & ITEM:
            return self._back(move, me, other) if me.notes and _counts(move, me, other) else ()
        if not me.flags & SIGNER and me.notes and move.initiator == other.address:
            book = me.notes.get(self.ID, {}).get("market", {}).get(move.asset.name)
            if book is not None:
                return self._sold(move, me, other, book)
        if traits & RETURN and _counts(move, me, other):
            self._leg(move, me, other, move.units)
        return ()

    def _sold(self, move: Move, me: Account, other: Facts, book: list[Any]) -> Iterable[Finding]:
        """Look at the round trips at a market when one is closed."""
        limits = self._is
        trips = sold(move, book, other, *limits.market[1:])
        if not trips:
            return ()
        found = suspicious(trips, book[COUNT], limits)
        if not found:
            return ()
        said: dict[str, int] = _kept(me).setdefault("said", {})
        last = said.get(other.address)
        if last is not None and 0 <= move.time - last < SILENCE_S:
            return ()
        said.pop(other.address, None)
        said[other.address] = move.time
        if len(said) > SAID:
            del said[next(iter(said))]
        return (wash_told.round_trips(move, me, other, found, self._is),)

    def _back(self, move: Move, me: Account, other: Facts) -> Iterable[Finding]:
        kept = me.noted(self.ID)
        item = kept and kept.get("items", {}).get(move.event.asset)
        if not item or not 0 <= move.time - item[0] <= self._is.item_s:
            return ()
        item[1] += 1
        if other.address not in item[2]:
            item[2] = (*item[2][-7:], other.address)
        back = item[1] >= self._is.returns and len(item[2]) <= self._is.owners
        round_about = not back and other.address != item[3] and self._is_paid(move, me, other, item)
        if (back or round_about) and me.says(self.ID, move.time, 1, SILENCE_S):
            return (wash_told.returned(move, me, item, item[3] if round_about else None, self._is),)
        return ()

    def _to_and_fro(self, legs: list[Leg], trips: float, apart: float, within_s: float) -> list[Leg]:
        """Return the legs that answer one another, if they make enough round trips among few accounts."""
        given = sum(leg[2] < 0 for leg in legs)
        if min(given, len(legs) - given) + 1 < trips:
            return []
        found = _answers(legs, apart, within_s)
        usd = sum(leg[3] for leg in found)
        cheap = usd < self._is.least_usd and any(leg[3] for leg in found)
        few = len({leg[1] for leg in found}) <= self._is.peers
        # The very first leg was no return, so that it was not kept.
        return found if (len(found) + 1) // 2 >= trips and few and not cheap else []

    def _given(self, move: Move, me: Account, other: Facts) -> Iterable[Finding]:
        items: dict[str, list[Any]] = _kept(me).setdefault("items", {})
        name = move.event.asset
        known = items.pop(name, None)
        if known is None or not 0 <= move.time - known[0] <= self._is.item_s:
            known = [move.time, 0, (), None]
        again = known[1] > 0 and self._is_paid(move, me, other, known)
        before, known[3] = known[3], other.address
        items[name] = known
        me.watch_received |= GIVER
        if len(items) > ITEMS:
            del items[next(iter(items))]
        if again and me.says(self.ID, move.time, 1, SILENCE_S):
            return (wash_told.returned(move, me, known, before, self._is),)
        return ()

    def _is_paid(self, move: Move, me: Account, other: Facts, item: list[Any]) -> bool:
        """Whether an item given away was paid for, and goes round soon among people of few contacts."""
        return (
            0 <= move.time - item[0] <= self._is.paid_s
            and me.fan_in + me.fan_out <= self._is.thin
            and other.fan_in + other.fan_out <= self._is.thin
            and peer(me.payers, look_alike_key(item[3])) == item[3]
        )

    def _leg(self, move: Move, me: Account, other: Facts, units: float) -> list[Leg]:
        assets: dict[str, list[Leg]] = _kept(me).setdefault("legs", {})
        legs = assets.pop(move.asset.name, [])
        if legs:
            time, patience_s = move.time, max(self._is.quick[2], self._is.patient[2])
            legs = [leg for leg in legs if abs(time - leg[0]) <= patience_s][1 - LEGS :]
        if units:
            returned = move.traits & RETURN != 0
            legs.append((move.time, other.address, units, move.usd or 0.0, move.tx, returned))
            if returned and me.fan_in + me.fan_out <= self._is.thin:
                me.watch_sent |= TRADING
        assets[move.asset.name] = legs
        if len(assets) > ASSETS:
            del assets[next(iter(assets))]
        return legs

    def _is_trading(self, move: Move, me: Account) -> bool:
        """Whether a payment may begin a round trip: the asset went to and fro lately. Else end the watch."""
        if not move.traits & TRADING:
            return False
        assets: dict[str, list[Leg]] = _kept(me).get("legs", {})
        patience_s = max(self._is.quick[2], self._is.patient[2])
        last = max((legs[-1][0] for legs in assets.values() if legs), default=0)
        if abs(move.time - last) > patience_s or me.fan_in + me.fan_out > self._is.thin + LEGS:
            me.watch_sent &= ~TRADING
            return False
        return move.asset.name in assets


def _kept(me: Account) -> dict[str, Any]:
    return me.note(WashTrading.ID, {})


def _counts(move: Move, me: Account, other: Facts) -> bool:
    """Whether a movement is one between two accounts that people hold, and nobody else's invention.

    A market moves an item in its owner's name when the buyer calls it.
    """
    if move.traits & FORGEABLE and not (move.asset.item and move.initiator in (me.address, other.address)):
        return False
    if (me.flags | other.flags) & SERVICE:
        return False
    if me.flags & other.flags & SIGNER:
        return True
    return not (is_contract(other, move) or is_contract(me, move))


def _answers(legs: list[Leg], apart: float, within_s: float) -> list[Leg]:
    """Return the legs that answer one before, or are answered: the other way, soon, and as large.

    A first payment is answered by its receiver only.
    """
    found: dict[int, Leg] = {}
    waiting: list[int] = []
    for place, leg in enumerate(legs):
        for before in reversed(waiting):
            one = legs[before]
            if (
                one[2] * leg[2] < 0
                and (one[5] or one[1] == leg[1])
                and 0 <= leg[0] - one[0] <= within_s
                and abs(one[2] + leg[2]) <= apart * max(abs(one[2]), abs(leg[2]))
            ):
                waiting.remove(before)
                found[before], found[place] = one, leg
                break
        waiting.append(place)
    return [found[place] for place in sorted(found)]
