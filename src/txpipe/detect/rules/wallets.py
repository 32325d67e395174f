"""What ``drain`` compares with, and what it knows of the wallets that an account took from.

A wallet is kept as a tuple: (time it was last taken from, USD taken, address, who funded it, whether it led a
life, USD it held before, names of up to four assets taken, movements, whether it was empty before the
last of them, payments that it had made before the first, transaction that took the last).
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

TIME, USD, SENDER, SOURCE, SOLID, HELD, ASSETS, MOVES, BEFORE, SENT, TX = range(11)

Wallet = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """What drain compares with."""

    wallets: int = setting(3, "", "private-key-compromise: more than 2; severity medium")
    swept: int = setting(2, "wallets", "txpipe: that lost several assets; a new account got nothing else")
    window_s: int = setting(6 * HOUR_S, "seconds", "private-key-compromise: 6 h")
    slow_wallets: int = setting(6, "", "txpipe: twice as many when drawn out; severity medium")
    slow_window_s: int = setting(48 * HOUR_S, "seconds", "txpipe: a thief who does not hurry")
    many_wallets: int = setting(10, "", "private-key-compromise: 10; severity high")
    each_usd: float = setting(20.0, "USD", "txpipe: smaller remains are not worth a thief's fee")
    least_usd: float = setting(500.0, "USD", "private-key-compromise: 100 in all, more here against noise")
    low_usd: float = setting(100.0, "USD", "private-key-compromise; severity low")
    full: float = setting(0.8, "share 0-1", "of the holdings; leaves a wallet empty")
    part: float = setting(0.6, "share 0-1", "txpipe: as full, of several assets; thieves leave something")
    begin: float = setting(0.3, "share 0-1", "txpipe: of the holdings, in a movement: worth a note")
    beyond: float = setting(
        1.5, "times the holdings", "txpipe: who sends more of one asset held more than was seen"
    )
    pieces: int = setting(3, "movements", "txpipe: coin, a token and another: one wallet emptied")
    pieces_s: int = setting(HOUR_S, "seconds", "txpipe: between two movements that empty one wallet")
    quick_s: int = setting(
        900, "seconds", "txpipe: as pieces_s, where it held more than was seen: only haste tells"
    )
    aside: int = setting(2, "movements", "txpipe: it sent elsewhere meanwhile, of which one may be an item")
    busy: int = setting(10, "movements a day", "txpipe: who sent more is no wallet whose holdings are unseen")
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
    seen_share: float = setting(
        0.2, "share 0-1", "txpipe: of what it got and passes on; the rest from wallets richer than seen"
    )
    one_usd: float = setting(300.0, "USD", "txpipe: of one wallet, passed on")
    young_s: int = setting(7 * DAY_S, "seconds", "txpipe: an older receiver needs the slow number of wallets")
    fresh_s: int = setting(2 * DAY_S, "seconds", "txpipe: its life began with the loot, or the gas for it")
    passed_s: int = setting(DAY_S, "seconds", "private-key-compromise: 6 h; for a new account to pass it on")
    passed_share: float = setting(0.7, "share 0-1", "txpipe: of the loot; less may be a purchase")
    private_share: float = setting(0.1, "share 0-1", "txpipe: of it to private accounts: no deposit address")
    most_payers: int = setting(6, "", "txpipe: who has more, and gets the loot, collects as exchanges do")


def note(  # noqa: PLR0913 - a movement and what is known around it
    wallets: list[Wallet],
    move: Move,
    other: Facts,
    limits: Settings,
    *,
    in_pieces: bool,
    before_usd: float | None = None,
) -> Wallet | None:
    """Keep what a movement took of a wallet; returns the wallet, or None if it only came back later.

    Args:
        wallets: those of the receiver, oldest first; changed.
        move: what was taken.
        other: the wallet.
        limits: the rule's settings.
        in_pieces: whether several movements may add up, as with a receiver whose life just began.
        before_usd: what a wallet not kept yet gave right before, of other assets; None if nothing.
    """
    time, usd, asset, address, tx = move.time, move.usd or 0.0, move.asset.name, other.address, move.tx
    before: Wallet | None = None
    for each in wallets:
        if each[SENDER] == address:
            before = each
            break
    if before is None:
        if not in_pieces and not move.traits & FIRST_CONTACT:
            return None
        held_s = time - other.lot_time if other.lot_in else 0
        is_solid = other.fan_out + (held_s >= limits.solid_s) >= limits.solid_paid
        source, held, moves = other.source, move.held, 1
        assets: tuple[str, ...] = (asset,)
        if before_usd is not None:
            is_solid, assets = True, ("", asset)
            usd, held = usd + before_usd, held + before_usd
            moves = max(2, move.receiver.n_in + 1 - move.receiver.fan_in)
        sent = other.n_out - moves
        one: Wallet = (time, usd, address, source, is_solid, held, assets, moves, False, sent, tx)
    elif in_pieces and 0 <= (pause_s := time - before[TIME]) <= limits.pieces_s:
        assets, usd = before[ASSETS], before[USD] + usd
        is_sure = usd <= limits.beyond * before[HELD] or (
            pause_s <= limits.quick_s
            and other.n_out - before[SENT] <= before[MOVES] + limits.aside
            and not is_busy(other, before[SENT], time, limits)
        )
        if not is_sure:
            assets = assets[:1]
        elif asset not in assets:
            assets = (*assets[:3], asset)
        is_solid = before[SOLID] or len(assets) > 1
        who, held, moves = before[SENDER:SOLID], before[HELD], before[MOVES] + 1
        was = is_emptied(before, limits)
        one = (time, usd, *who, is_solid, held, assets, moves, was, before[SENT], tx)
    else:
        return None
    if not wallets:
        wallets.append(one)
        return one
    oldest = time - limits.slow_window_s
    wallets[:] = [each for each in wallets if oldest <= each[TIME] <= time and each is not before]
    del wallets[: max(0, len(wallets) - KEPT + 1)]
    wallets.append(one)
    return one


def is_busy(other: Facts, sent: int, time: int, limits: Settings) -> bool:
    """Whether an account sends too often for a person whose savings nobody touched."""
    return sent * DAY_S > limits.busy * max(time - other.first, DAY_S)


def is_swept(one: Wallet, limits: Settings) -> bool:
    """Whether most that a wallet was seen to hold was taken of it, or more, in several assets."""
    return len(one[ASSETS]) > 1 and one[USD] >= max(limits.each_usd, limits.part * one[HELD])


def is_taken(one: Wallet, share: float, limits: Settings) -> bool:
    """Whether so large a share was taken; who gave more than seen of one asset held more than seen."""
    usd, held = one[USD], one[HELD]
    return bool(usd >= limits.each_usd and share * held <= usd <= limits.beyond * held)


def is_loot(one: Wallet, limits: Settings) -> bool:
    """Whether a good part of a wallet was taken at least."""
    return is_taken(one, limits.part, limits) or is_swept(one, limits)


def is_emptied(one: Wallet, limits: Settings) -> bool:
    """Whether a wallet was emptied: swept, or all that it held taken."""
    return is_taken(one, limits.full, limits) or is_swept(one, limits)


def loot(wallets: Iterable[Wallet], limits: Settings) -> list[Wallet]:
    """Return the wallets of which a good part was taken at least."""
    return [each for each in wallets if is_loot(each, limits)]


def unseen(wallets: Iterable[Wallet], limits: Settings) -> int:
    """Return how many wallets gave more than they were seen to hold: nothing is known of what is left."""
    return sum(each[USD] > limits.beyond * each[HELD] and not is_swept(each, limits) for each in wallets)


def strangers(wallets: Sequence[Wallet]) -> list[Wallet]:
    """Return the wallets that none of the others funded."""
    own = {each[SENDER] for each in wallets}
    return [each for each in wallets if each[SOURCE] not in own]


def unrelated(wallets: Sequence[Wallet], one_funder: float) -> Sequence[Wallet]:
    """Return the wallets, or none if one account funded so large a share of them."""
    funders = Counter(each[SOURCE] for each in wallets if each[SOURCE] is not None)
    most = max(funders.values(), default=0)
    return () if most > 1 and most >= one_funder * len(wallets) else wallets
