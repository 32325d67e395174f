"""Keeps the accounts of one chain up to date and says what is remarkable about each movement.

The hot path: every record goes through the loop of ``Tracker.moves``, so that is written out flat, one long
function in place of many calls, with everything it needs in local names.
"""

from __future__ import annotations

import bisect
import itertools
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from txpipe.chains.tokens import Tokens
from txpipe.detect.account import (
    CONTRACT,
    HUB,
    PEERS_KEPT,
    SERVICE,
    SIGNER,
    Account,
    look_alike_key,
    peer,
)
from txpipe.detect.accounts import Accounts
from txpipe.detect.assets import Asset, Assets, plausible_usd
from txpipe.detect.bounds import Bounds
from txpipe.detect.journal import Journal
from txpipe.detect.lots import grow as grow_lot
from txpipe.detect.lots import is_contract
from txpipe.detect.move import UNASKED, Asked, Move
from txpipe.detect.position import Position
from txpipe.detect.traits import (
    APPROVAL,
    APPROVED,
    BANDED,
    BURST,
    DORMANT,
    DUST,
    EMPTIED,
    FIRST_CONTACT,
    FORGEABLE,
    GIVER,
    HUSHED,
    ITEM,
    LARGER,
    LIKE_RECEIVED,
    LIKE_SENT,
    PART,
    PASSING,
    PULLED,
    RETURN,
    SERVED,
    TAINTED,
)
from txpipe.detect.wire import UNFIT, UNSET, Approval, Block, Call, Transfer, decode
from txpipe.prices import MOST_USD, Prices

USUAL_N = 8
"""Movements that an account's usual amount mostly rests on: a week of a person's. txpipe's own choice."""

ANY = 1 << 62

_STRANGERS = FIRST_CONTACT | SERVED | HUSHED
_OF_ITEMS = APPROVED | GIVER
"""What is watched of items that move in their owners' names, too."""


class Tracker:
    """One chain's accounts and what is known of the transaction that is being read.

    Attributes:
        accounts: by address.
        assets: by CAIP-19 name.
        move: the movement at hand; used again for the next one.
        journal: what the last blocks changed.
        bands: edges of the ranges of USD that rules are interested in, lower and upper by turns.
        calm_n: longest row of an account that counts as calm: BURST. ANY is no limit, and for contracts, too.
        few_paid: most receivers of an account that may empty others: EMPTIED. ANY is no limit.
        asked: by the traits of a movement, the rules that look at it.
        ask: finds that where ``asked`` does not say.
        start: traits that every movement has.
        unpriced: movements taken without a USD worth, items left out.
        unsigned: movements taken whose transaction's sender is unknown.
        taken: where ``moves`` stopped: the number of the first line that it did not take.
        elsewhere: the chain of that line if it is why it stopped.
        halt: set it to stop ``moves`` after the movement at hand.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what a chain is followed with
        self,
        chain: str,
        bounds: Bounds,
        tokens: Tokens,
        prices: Prices,
        is_allowed: Callable[[str, int], bool] | None,
        budget: int | None = None,
        *,
        reorgs: bool = True,
    ) -> None:
        self.accounts = Accounts(budget, is_allowed)
        self.assets = Assets(chain, tokens, prices)
        self.move = Move()
        self.move.chain = chain
        self.bands: tuple[float, ...] = ()
        self.calm_n = self.few_paid = ANY
        self.asked: dict[int, Asked] = {}
        self.ask: Callable[[int], Asked] = _everyone
        self.start = 0
        self.unpriced = self.unsigned = 0
        self.taken = 0
        self.elsewhere: str | None = None
        self.halt = False
        self._chain = chain
        self._bounds = bounds
        self.journal = Journal(self.accounts, kept=reorgs)
        self._tx = ""
        self._initiator: str | None = None
        self._target: str | None = None

    def moves(  # noqa: C901, PLR0912, PLR0915 - the hot path
        self,
        lines: Sequence[bytes],
        start: int,
        stop: int,
        position: Position | None = None,
        *,
        checked: bool = False,
    ) -> Iterator[Move]:
        """Take the lines of records; yield those movements and approvals that concern a rule.

        What it yields holds until the next one. It stops early at a line that is not a plain record of this
        chain: ``taken`` says where, ``elsewhere`` why.

        Args:
            lines: of any records.
            start: the first to take.
            stop: the first not to take.
            position: takes note of every record, and says which an earlier run had taken.
            checked: whether each is known to be a valid record, however odd.
        """
        # fmt: off
        chain, accounts, journal, assets = self._chain, self.accounts, self.journal, self.assets
        bounds, move, begin = self._bounds, self.move, self.start
        known_asked, ask = self.asked.get, self.ask
        meet, known_account, known_asset = accounts.meet, accounts.young.get, assets.found.get
        dust_usd, dormant_s, burst_n, burst_gap_s = (
            bounds.dust_usd, bounds.dormant_s, bounds.burst_n, bounds.burst_gap_s,
        )
        calm_n, few_paid = self.calm_n, self.few_paid
        never_calm = 0 if calm_n == ANY else CONTRACT
        larger_times, larger_usd, larger_after_n = (
            bounds.larger_times, bounds.larger_usd, bounds.larger_after_n,
        )
        lot_s, lot_usd, waking_share, emptied_share = (
            bounds.lot_s, bounds.lot_usd, bounds.waking_share, bounds.emptied_share,
        )
        (part_from, part_to), edges, band_of = bounds.part_usd, self.bands, bisect.bisect_right
        looked_at = min((part_from, *edges[:1]))
        passed_from, passed_to = bounds.passing_share
        hub_n = bounds.hub_contacts
        # fmt: on
        peers: Any
        known: str | None
        now: int | None
        untaken, left = 0, iter(lines)
        left.__setstate__(start)  # type: ignore[attr-defined] # a slice would copy the rest at every stop
        move.place = (lines, left)
        self.elsewhere, self.halt = None, False
        last_tx, initiator, target = self._tx, self._initiator, self._target
        height, stamp, now = journal.height, journal.stamp, None
        try:
            for event in map(decode, itertools.islice(left, stop - start)):
                kind = event.__class__
                if kind is Block:
                    if position is None:
                        continue
                    untaken = 1
                    break
                if event.chain != chain:
                    self.elsewhere, untaken = event.chain, 1
                    break
                if kind is not Call:
                    value = event.value
                    if not ((value.isdecimal() and value.isascii()) or checked):
                        untaken = 1
                        break
                if position is not None and position.passes(chain, event.block, event.tx):
                    continue
                if event.failed:
                    continue
                if event.block != height:
                    height = event.block
                    journal.open(height)
                    stamp = journal.stamp
                if kind is Call:
                    # As _call, without a call: a third of all records.
                    last_tx, initiator, target = event.tx, event.sender, event.to
                    if initiator is not None:
                        payer = known_account(initiator) or meet(initiator, event.time)
                        if stamp and payer.stamp != stamp:
                            journal.keep(payer)
                        payer.flags |= SIGNER
                        payer.signed += 1
                    if event.to is not None and event.method is not UNSET:
                        payee = known_account(event.to) or meet(event.to, event.time)
                        if payee.flags & CONTRACT == 0:
                            if stamp and payee.stamp != stamp:
                                journal.keep(payee)
                            payee.flags |= CONTRACT
                    continue
                if kind is not Transfer:
                    self._tx, self._initiator, self._target = last_tx, initiator, target
                    if self._approval(event):
                        yield move
                        if self.halt:
                            break
                    last_tx, initiator, target = self._tx, self._initiator, self._target
                    continue
                sender = event.sender
                to = event.to
                if sender is None or to is None or sender == to:
                    if event.n == 0:
                        self._call(event)
                        last_tx, initiator, target = self._tx, self._initiator, self._target
                    continue
                time = event.time
                if time == now:
                    time = now  # one object for all that happens in a second, not one a record
                else:
                    now = time
                payer = known_account(sender) or meet(sender, time)
                payee = known_account(to) or meet(to, time)
                if stamp:
                    if payer.stamp != stamp:
                        journal.keep(payer)
                    if payee.stamp != stamp:
                        journal.keep(payee)
                traits = begin
                if event.n == 0:
                    last_tx = event.tx
                    initiator = sender
                    target = to
                    payer.flags |= SIGNER
                    payer.signed += 1
                    if event.method is not UNSET:
                        payee.flags |= CONTRACT
                else:
                    if event.tx != last_tx:
                        last_tx = event.tx
                        initiator = target = None
                    if initiator != sender:
                        if initiator is None:
                            self.unsigned += 1
                        else:
                            traits |= PULLED
                asset = known_asset(event.asset) or assets.of(event.asset, event.symbol)
                usd = event.usd
                if usd is UNSET:
                    usd = None
                    if asset.valued:
                        usd = assets.usd(asset, time, value, event.amount)
                    if usd is None and not asset.item:
                        self.unpriced += 1
                elif usd > MOST_USD or usd < 0.0:
                    usd = plausible_usd(usd)
                if asset.marks:
                    traits |= asset.marks if usd is None else asset.marks & ITEM
                held = payer.held
                largest = payer.largest
                usual = payer.usual
                if usd is None or usd < dust_usd:
                    traits |= DUST
                    if not value.strip("0") or (usd is None and traits & PULLED and not asset.known):
                        traits |= FORGEABLE | _alike(payer, payee)
                        if traits & ITEM:
                            traits |= (payer.watch_sent | payee.watch_received) & _OF_ITEMS
                        self._initiator, self._target = initiator, target
                        if self._hand(move, traits, event, payer, payee, asset, usd):
                            yield move
                            if self.halt:
                                break
                        continue
                if (payer.flags | payee.flags) & SERVICE:
                    traits |= SERVED
                traits |= payer.watch_sent | payee.watch_received

                # Who dealt with whom, and who looks like somebody.
                key, name = payee.key, payee.address
                peers = payer.paid
                if peers is name:
                    known = name
                elif peers is None:
                    known = None
                    payer.paid = name
                elif type(peers) is dict:
                    known = peers.get(key)
                    if known is None:
                        if len(peers) >= PEERS_KEPT:
                            if stamp:
                                peers = payer.paid = peers.copy()  # the journal has the old one
                            del peers[next(iter(peers))]
                        peers[key] = name
                elif peers == name:
                    known = name
                else:
                    only = look_alike_key(peers)
                    known = peers if only == key else None
                    if known is None:
                        payer.paid = {only: peers, key: name}
                if known is None:
                    traits |= FIRST_CONTACT
                    payer.fan_out = fans = payer.fan_out + 1
                    if fans == hub_n and payer.fan_in >= hub_n:
                        payer.flags |= HUB
                    peers = payer.payers
                    if peers is not None:
                        if type(peers) is dict:
                            if peers.get(key, name) != name:
                                traits |= LIKE_SENT
                        elif peers[-1] == name[-1] and peers != name and look_alike_key(peers) == key:
                            traits |= LIKE_SENT
                elif known is not name and known != name:
                    traits |= LIKE_SENT
                key, name = payer.key, payer.address
                peers = payee.paid
                if peers is not None:
                    if peers is name:
                        traits |= RETURN
                    elif type(peers) is dict:
                        known = peers.get(key)
                        if known is not None:
                            traits |= RETURN if known == name else LIKE_RECEIVED
                    elif peers[-1] == name[-1] and look_alike_key(peers) == key:
                        traits |= RETURN if peers == name else LIKE_RECEIVED
                peers = payee.payers
                if peers is not name:
                    if peers is None:
                        known = None
                    elif type(peers) is dict:
                        known = peers.get(key)
                    else:
                        known = peers if peers[-1] == name[-1] and look_alike_key(peers) == key else None
                    if known is not None:
                        if known != name:
                            traits |= LIKE_RECEIVED
                    elif not traits & DUST:
                        payee.fan_in = fans = payee.fan_in + 1
                        if fans == hub_n and payee.fan_out >= hub_n:
                            payee.flags |= HUB
                        if peers is None:
                            payee.payers = name
                        elif type(peers) is dict:
                            if len(peers) >= PEERS_KEPT:
                                if stamp:
                                    peers = payee.payers = peers.copy()
                                del peers[next(iter(peers))]
                            peers[key] = name
                        else:
                            payee.payers = {look_alike_key(peers): peers, key: name}

                # How often and when.
                gap = time - payer.last
                payer.last = time
                payer.n_out = sent = payer.n_out + 1
                payee.n_in += 1
                if gap >= dormant_s:
                    traits |= DORMANT
                if time - payer.sent_at <= burst_gap_s:
                    payer.run_n = count = payer.run_n + 1
                    if (
                        count >= burst_n
                        and (peak := payer.run_peak) <= calm_n
                        and not payer.flags & never_calm
                    ):
                        count -= burst_n if peak < burst_n else peak + 1
                        if count >= 0 and (
                            count < 8 or not count & 7 or traits & _STRANGERS == FIRST_CONTACT
                        ):
                            traits |= BURST
                else:
                    if payer.run_n > payer.run_peak:  # noqa: PLR1730 - max() takes five times as long
                        payer.run_peak = payer.run_n
                    payer.run_n = 1
                payer.sent_at = time

                # How much, and of what.
                if payer.taint is not None:
                    traits |= TAINTED
                if usd:
                    if usd > largest:
                        payer.largest = usd
                        if usd >= larger_usd and sent > larger_after_n and usd >= larger_times * usual:
                            traits |= LARGER
                    if held > 0.0:
                        if (
                            usd >= emptied_share * held
                            and payee.fan_out <= few_paid
                            and not payee.flags & CONTRACT
                        ):
                            traits |= EMPTIED
                        payer.held = held - usd if held > usd else 0.0
                    if usd >= looked_at:
                        if part_from <= usd < part_to and not payee.n_out and traits & FIRST_CONTACT:
                            traits |= PART
                        if band_of(edges, usd) & 1:
                            traits |= BANDED
                    lot = payer.lot_in
                    if lot and (traits & PULLED or initiator is None or not is_contract(payee)):
                        payer.lot_out = gone = payer.lot_out + usd
                        if passed_from * lot <= gone <= passed_to * lot and time - payer.lot_time <= lot_s:
                            traits |= PASSING
                    if not traits & DUST:
                        if not traits & LARGER:
                            if sent == 1:
                                payer.usual = usd
                            else:
                                payer.usual = usual + (usd - usual) / (sent if sent < USUAL_N else USUAL_N)  # noqa: FURB136 - min() takes longer
                        has = payee.held
                        if usd >= waking_share * has:
                            payee.last = time
                        payee.held = has + usd if has else usd
                        if usd >= lot_usd:
                            grow_lot(payer, payee, time, usd, traits, bounds, initiator, last_tx)
                asked = known_asked(traits)
                if asked is None:
                    asked = ask(traits)
                if asked is not UNASKED:
                    move.traits = traits
                    move.asked = asked
                    move.event = event
                    move.time = time
                    move.sender = payer
                    move.receiver = payee
                    move.initiator = initiator
                    move.target = target
                    move.asset = asset
                    move.usd = usd
                    move.gap_s = gap
                    move.held = held
                    move.largest = largest
                    move.usual = usual
                    yield move
                    if self.halt:
                        break
        except UNFIT:
            untaken = 1
        finally:
            self._tx, self._initiator, self._target = last_tx, initiator, target
            self.taken = len(lines) - operator.length_hint(left) - untaken

    def _call(self, event: Transfer) -> None:
        """Note who signed a transaction, and that its target is a contract if it has a method."""
        sender, to = event.sender, event.to
        self._tx, self._initiator, self._target = event.tx, sender, to
        journal, known = self.journal, self.accounts.young.get
        if sender is not None:
            account = known(sender) or self.accounts.meet(sender, event.time)
            if account.stamp != journal.stamp:
                journal.keep(account)
            account.flags |= SIGNER
            account.signed += 1
        if to is not None and event.method is not UNSET:
            account = known(to) or self.accounts.meet(to, event.time)
            if account.flags & CONTRACT == 0:
                if account.stamp != journal.stamp:
                    journal.keep(account)
                account.flags |= CONTRACT

    def _approval(self, event: Approval) -> bool:
        if event.tx != self._tx:
            self._tx, self._initiator, self._target = event.tx, None, None
        if event.sender is None or event.to is None or event.sender == event.to:
            return False
        asset = self.assets.of(event.asset, event.symbol)
        traits = self.start | APPROVAL | (asset.marks & ITEM)
        if self._initiator is not None and self._initiator != event.sender:
            traits |= PULLED
        young, meet = self.accounts.young, self.accounts.meet
        payer = young.get(event.sender) or meet(event.sender, event.time)
        payee = young.get(event.to) or meet(event.to, event.time)
        for account in (payer, payee):
            if account.stamp != self.journal.stamp:
                self.journal.keep(account)
        return self._hand(self.move, traits, event, payer, payee, asset, None)

    def _hand(  # noqa: PLR0913, PLR0917 - a movement's values
        self,
        move: Move,
        traits: int,
        event: Transfer | Approval,
        payer: Account,
        payee: Account,
        asset: Asset,
        usd: float | None,
    ) -> bool:
        """Describe a movement that leaves no mark on its parties' accounts; whether a rule looks at it."""
        asked = self.ask(traits)
        move.asked = asked
        move.traits = traits
        move.event = event
        move.time = event.time
        move.sender = payer
        move.receiver = payee
        move.initiator = self._initiator
        move.target = self._target
        move.asset = asset
        move.usd = usd
        move.gap_s = 0
        move.held = move.largest = move.usual = 0.0
        return asked is not UNASKED

    def saved(self) -> tuple[Any, ...]:
        """Return what is known of the transaction that is being read."""
        return self._tx, self._initiator, self._target

    def restore(self, saved: tuple[Any, ...]) -> None:
        """Take back what ``saved`` returned."""
        self._tx, self._initiator, self._target = saved


_NO_RULE: Asked = ((), ())


def _everyone(_traits: int) -> Asked:
    """Hand every movement out, to no rule."""
    return _NO_RULE


def _alike(payer: Account, payee: Account) -> int:
    """Say whether one of two parties looks like somebody whom the other dealt with."""
    traits = 0
    for me, other, trait in ((payer, payee, LIKE_SENT), (payee, payer, LIKE_RECEIVED)):
        for peers in (me.paid, me.payers):
            known = peer(peers, other.key)
            if known is not None and known != other.address:
                traits |= trait
    return traits
