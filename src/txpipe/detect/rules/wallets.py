"""What ``drain`` compares with, and what it knows of the wallets that an account took from.

A wallet is kept as a tuple: (time it was last taken from, USD taken, address, who funded it, whether it led a
life, USD it held before, names of up to four assets taken, movements, share of HELD that was taken before the
last of them).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from txpipe.detect.account import Facts
from txpipe.detect.move import Move
from txpipe.detect.settings import setting
from txpipe.detect.traits import FIRST_CONTACT

HOUR_S = 3600
DAY_S = 86400
KEPT = 48
"""Wallets kept."""

TIME, USD, SENDER, SOURCE, SOLID, HELD, ASSETS, MOVES, BEFORE = range(9)

Wallet = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """What drain compares with."""

    wallets: int = setting(3, "", "private-key-compromise: more than 2; severity medium")
    window_s: int = setting(6 * HOUR_S, "seconds", "private-key-compromise: 6 h")
    slow_wallets: int = setting(6, "", "txpipe: twice as many when drawn out; severity medium")
    slow_window_s: int = setting(48 * HOUR_S, "seconds", "txpipe: a thief who does not hurry")
    many_wallets: int = setting(10, "", "private-key-compromise: 10; severity high")
    each_usd: float = setting(20.0, "USD", "txpipe: smaller remains are not worth a thief's fee")
    least_usd: float = setting(500.0, "USD", "private-key-compromise: 100 in all, more here against noise")
    low_usd: float = setting(100.0, "USD", "private-key-compromise; severity low")
    full: float = setting(0.8, "share 0-1", "of the holdings; leaves a wallet empty")
    part: float = setting(0.6, "share 0-1", "txpipe: as full, of a thief who leaves something behind")
    begin: float = setting(0.3, "share 0-1", "txpipe: of the holdings, in a movement: worth a note")
    beyond: float = setting(1.5, "times the holdings", "txpipe: who sends more held more than was seen")
    pieces: int = setting(3, "movements", "txpipe: coin, a token and another: one wallet emptied")
    pieces_s: int = setting(HOUR_S, "seconds", "txpipe: between two movements that empty one wallet")
    pieces_usd: float = setting(1000.0, "USD", "txpipe: one wallet emptied; severity low")
    solid_paid: int = setting(
        3, "receivers", "txpipe: a deposit address pays one wallet, or its successor, too"
    )
    solid_s: int = setting(
        3 * DAY_S, "seconds", "txpipe: a deposit address does not keep money; as a receiver more"
    )
    one_funder: float = setting(0.5, "share 0-1", "native-ice-phishing: no single funder of half")
    from_emptied: float = setting(0.6, "share 0-1", "txpipe: of payers, or of USD; shops get less")
    at_least: float = setting(0.25, "share 0-1", "txpipe: of payers where most USD come from emptied ones")
    most_paid: int = setting(10, "receivers", "txpipe, for nonce < 500: the receiver has no life of its own")
    few: int = setting(4, "payers", "txpipe: at the first wallet; who has more has a life")
    float_share: float = setting(
        0.25, "share 0-1", "txpipe: of the loot; more from a service first is a float"
    )
    one_usd: float = setting(300.0, "USD", "txpipe: of one wallet, passed on")
    young_s: int = setting(7 * DAY_S, "seconds", "txpipe: an older receiver needs the slow number of wallets")
    fresh_s: int = setting(2 * DAY_S, "seconds", "txpipe: its life began with the loot, or the gas for it")
    passed_s: int = setting(DAY_S, "seconds", "private-key-compromise: 6 h; for a new account to pass it on")
    passed_share: float = setting(0.7, "share 0-1", "txpipe: of the loot; less may be a purchase")
    private_share: float = setting(0.2, "share 0-1", "txpipe: of it to private accounts: no deposit address")
    most_payers: int = setting(6, "", "txpipe: who has more, and gets the loot, collects as exchanges do")


def note(  # noqa: PLR0913 - a movement and what is known around it
    wallets: list[Wallet],
    move: Move,
    other: Facts,
    limits: Settings,
    *,
    in_pieces: bool,
    before_usd: float = 0.0,
) -> Wallet | None:
    """Keep what a movement took of a wallet; returns the wallet, or None if it only came back later.

    Args:
        wallets: those of the receiver, oldest first; changed.
        move: what was taken.
        other: the wallet.
        limits: the rule's settings.
        in_pieces: whether several movements may add up, as with a receiver whose life just began.
        before_usd: what a wallet not kept yet, the only payer, gave right before.
    """
    time, usd, asset = move.time, move.usd or 0.0, move.asset.name
    before = next((each for each in wallets if each[SENDER] == other.address), None)
    oldest = time - limits.slow_window_s
    if before is None:
        if not in_pieces and not move.traits & FIRST_CONTACT:
            return None
        held_s = time - other.lot_time if other.lot_in else 0
        is_solid = other.fan_out + (held_s >= limits.solid_s) >= limits.solid_paid
        one: Wallet = (time, usd, other.address, other.source, is_solid, move.held, (asset,), 1, 0.0)
        if before_usd:
            usd, held = usd + before_usd, move.held + before_usd
            who, moves = (other.address, other.source, True), move.receiver.n_in
            one = (time, usd, *who, held, ("", asset), moves, before_usd / held)
    elif in_pieces and 0 <= time - before[TIME] <= limits.pieces_s:
        share = before[USD] / before[HELD] if before[HELD] > 0 else 0.0
        assets = before[ASSETS] if asset in before[ASSETS] else (*before[ASSETS][:3], asset)
        is_solid = before[SOLID] or len(assets) > 1
        who = before[SENDER:SOLID]
        one = (time, before[USD] + usd, *who, is_solid, before[HELD], assets, before[MOVES] + 1, share)
    else:
        return None
    wallets[:] = [each for each in wallets[-KEPT:] if oldest <= each[TIME] <= time and each is not before]
    del wallets[: max(0, len(wallets) - KEPT + 1)]
    wallets.append(one)
    return one


def emptied(wallets: Iterable[Wallet], share: float, limits: Settings) -> list[Wallet]:
    """Return the wallets of which so large a share was taken; who gave more than seen held more than seen."""
    return [
        each
        for each in wallets
        if each[USD] >= limits.each_usd and share * each[HELD] <= each[USD] <= limits.beyond * each[HELD]
    ]


def unseen(wallets: Iterable[Wallet], most: float) -> int:
    """Return how many wallets gave more than they were seen to hold: nothing is known of what is left."""
    return sum(each[USD] > most * each[HELD] for each in wallets)


def strangers(wallets: Sequence[Wallet]) -> list[Wallet]:
    """Return the wallets that none of the others funded."""
    own = {each[SENDER] for each in wallets}
    return [each for each in wallets if each[SOURCE] not in own]


def unrelated(wallets: Sequence[Wallet], one_funder: float) -> Sequence[Wallet]:
    """Return the wallets, or none if one account funded so large a share of them."""
    funders = Counter(each[SOURCE] for each in wallets if each[SOURCE] is not None)
    most = max(funders.values(), default=0)
    return () if most > 1 and most >= one_funder * len(wallets) else wallets
