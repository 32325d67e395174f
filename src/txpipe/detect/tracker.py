"""Keeps the accounts of one chain up to date and says what is remarkable about each movement.

The hot path: every movement goes through ``Tracker.transfer``, so that is written out flat, one long function
in place of many calls.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from txpipe.chains.tokens import Tokens
from txpipe.detect import lots
from txpipe.detect.account import CONTRACT, HUB, HUB_CONTACTS, PEERS_KEPT, SERVICE, SIGNER, Account
from txpipe.detect.accounts import Accounts
from txpipe.detect.assets import MOST_USD, Asset, Assets, plausible_usd
from txpipe.detect.bounds import Bounds
from txpipe.detect.journal import Journal
from txpipe.detect.lots import is_contract
from txpipe.detect.move import Move
from txpipe.detect.prices import Prices
from txpipe.detect.traits import (
    APPROVAL,
    BANDED,
    BURST,
    DORMANT,
    DUST,
    EMPTIED,
    FIRST_CONTACT,
    FORGEABLE,
    ITEM,
    LARGER,
    LIKE_RECEIVED,
    LIKE_SENT,
    PASSING,
    PULLED,
    RETURN,
    SERVED,
    TAINTED,
)

USUAL_N = 8
"""Movements that an account's usual amount mostly rests on: a week of a person's. txpipe's own choice."""


class Tracker:
    """One chain's accounts and what is known of the transaction that is being read.

    Attributes:
        accounts: by address.
        assets: by CAIP-19 name.
        move: the movement at hand; used again for the next one.
        journal: what the last blocks changed.
        concern: traits that some rule looks at; a movement with none of them is not handed out.
        start: traits that every movement has.
        unpriced: movements taken without a USD worth, items left out.
        unsigned: movements taken whose transaction's sender is unknown.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what a chain is followed with
        self,
        chain: str,
        bounds: Bounds,
        tokens: Tokens,
        prices: Prices,
        is_allowed: Callable[[str, int], bool],
        budget: int | None = None,
        *,
        reorgs: bool = True,
    ) -> None:
        self.accounts = Accounts(budget, is_allowed)
        self.assets = Assets(chain, tokens, prices)
        self.move = Move()
        self.move.chain = chain
        self.concern = -1
        self.start = 0
        self.unpriced = self.unsigned = 0
        self._bounds = bounds
        self._limits = (
            *(bounds.dust_usd, bounds.dormant_s, bounds.burst_gap_s, bounds.burst_n, bounds.larger_after_n),
            *(
                bounds.larger_times,
                bounds.larger_usd,
                bounds.emptied_share,
                *bounds.banded_usd,
                *bounds.passing_share,
            ),
            *(bounds.lot_s, bounds.waking_share, bounds.lot_usd),
        )
        self._young = self.accounts.young
        self._known_assets = self.assets.found
        self.journal = Journal(self.accounts, kept=reorgs)
        self._tx = ""
        self._initiator: str | None = None
        self._target: str | None = None

    def call(self, record: dict[str, Any]) -> None:
        """Take a call: who signed it, and that its target is a contract if it has a method."""
        sender, to = record["from"], record["to"]
        time = record["time"]
        self._tx, self._initiator, self._target = record["tx"], sender, to
        if sender is not None:
            account = self._young.get(sender) or self.accounts.meet(sender, time)
            if account.stamp != self.journal.stamp:
                self.journal.keep(account)
            account.flags |= SIGNER
            account.signed += 1
        if to is not None and "method" in record:
            account = self._young.get(to) or self.accounts.meet(to, time)
            if account.flags & CONTRACT == 0:
                if account.stamp != self.journal.stamp:
                    self.journal.keep(account)
                account.flags |= CONTRACT

    def transfer(self, record: dict[str, Any]) -> Move | None:  # noqa: C901, PLR0912, PLR0915
        """Take a transfer; returns it as a movement, or None if it does not concern any rule.

        What it returns holds until the next call.
        """
        sender, to = record["from"], record["to"]
        if sender is None or to is None or sender == to:
            if record["n"] == 0:
                self.call(record)
            return None
        time = record["time"]
        # fmt: off
        (
            dust_usd, dormant_s, burst_gap_s, burst_n, larger_after_n, larger_times, larger_usd,
            emptied_share,
            banded_from, banded_to, passed_from, passed_to, lot_s, waking_share, lot_usd,
        ) = self._limits
        # fmt: on
        young = self._young
        payer = young.get(sender) or self.accounts.meet(sender, time)
        payee = young.get(to) or self.accounts.meet(to, time)
        stamp = self.journal.stamp
        if payer.stamp != stamp:
            self.journal.keep(payer)
        if payee.stamp != stamp:
            self.journal.keep(payee)
        if record["n"] == 0:
            self._tx, self._initiator, self._target = record["tx"], sender, to
            payer.flags |= SIGNER
            payer.signed += 1
            if "method" in record:
                payee.flags |= CONTRACT
        elif record["tx"] != self._tx:
            self._tx, self._initiator, self._target = record["tx"], None, None
        asset = self._known_assets.get(record["asset"]) or self.assets.of(record)
        usd = record.get("usd")
        if usd is None:
            usd = self.assets.usd(asset, record) if asset.valued else None
            self.unpriced += usd is None and not asset.item
        elif not 0.0 <= usd <= MOST_USD:
            usd = plausible_usd(usd)
        traits = self.start
        initiator = self._initiator
        if initiator is None:
            self.unsigned += 1
        elif initiator != sender:
            traits |= PULLED
        if asset.marks:
            traits |= asset.marks if usd is None else asset.marks & ITEM
        gap = time - payer.last
        held = payer.held
        largest = payer.largest
        usual = payer.usual
        if usd is None or usd < dust_usd:
            traits |= DUST
            if not record["value"].strip("0") or (traits & PULLED and usd is None and not asset.known):
                traits |= FORGEABLE | _alike(payer, payee)
                return self._handed(traits, record, payer, payee, asset, usd, 0, 0.0, 0.0, 0.0)
        if (payer.flags | payee.flags) & SERVICE:
            traits |= SERVED
        traits |= payer.watch_sent | payee.watch_received

        # Who dealt with whom, and who looks like somebody.
        key, name = payee.key, payee.address
        paid = payer.paid
        if paid is None:
            payer.paid = {key: name}
            payer.fan_out = 1
            traits |= FIRST_CONTACT
        else:
            known = paid.get(key)
            if known is None:
                traits |= FIRST_CONTACT
                payer.fan_out = fans = payer.fan_out + 1
                if fans == HUB_CONTACTS and payer.fan_in >= HUB_CONTACTS:
                    payer.flags |= HUB
                if len(paid) >= PEERS_KEPT:
                    del paid[next(iter(paid))]
                paid[key] = name
            elif known is not name and known != name:
                traits |= LIKE_SENT
        payers = payer.payers
        if payers is not None and payers.get(key, name) != name:
            traits |= LIKE_SENT
        key, name = payer.key, payer.address
        paid = payee.paid
        if paid is not None:
            known = paid.get(key)
            if known is not None:
                traits |= RETURN if known == name else LIKE_RECEIVED
        payers = payee.payers
        if payers is not None:
            known = payers.get(key)
            if known is not None:
                if known is not name and known != name:
                    traits |= LIKE_RECEIVED
            elif not traits & DUST:
                payee.fan_in = fans = payee.fan_in + 1
                if fans == HUB_CONTACTS and payee.fan_out >= HUB_CONTACTS:
                    payee.flags |= HUB
                if len(payers) >= PEERS_KEPT:
                    del payers[next(iter(payers))]
                payers[key] = name
        elif not traits & DUST:
            payee.payers = {key: name}
            payee.fan_in = 1

        # How often and when.
        payer.last = time
        payer.n_out = sent = payer.n_out + 1
        payee.n_in += 1
        if gap >= dormant_s:
            traits |= DORMANT
        if time - payer.sent_at <= burst_gap_s:
            payer.run_n = count = payer.run_n + 1
            if count >= burst_n and count > payer.run_peak:
                traits |= BURST
        else:
            payer.run_peak = max(payer.run_peak, payer.run_n)
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
            if usd >= emptied_share * held and held > 0:
                traits |= EMPTIED
            payer.held = held - usd if held > usd else 0.0
            if banded_from <= usd < banded_to:
                traits |= BANDED
            lot = payer.lot_in
            if lot and (initiator != name or not is_contract(payee)):
                payer.lot_out = gone = payer.lot_out + usd
                if passed_from * lot <= gone <= passed_to * lot and time - payer.lot_time <= lot_s:
                    traits |= PASSING
            if not traits & DUST:
                if not traits & LARGER:
                    count = sent if sent < USUAL_N else USUAL_N  # noqa: FURB136 - min() takes twice as long
                    payer.usual = usual + (usd - usual) / count
                if usd >= waking_share * payee.held:
                    payee.last = time
                payee.held += usd
                if usd >= lot_usd:
                    lots.grow(
                        payer, payee, time, usd, traits, bounds=self._bounds, initiator=initiator, tx=self._tx
                    )
        if not traits & self.concern:
            return None
        return self._handed(traits, record, payer, payee, asset, usd, gap, held, largest, usual)

    def approval(self, record: dict[str, Any]) -> Move | None:
        """Take an approval; returns it as a movement of no amount, or None if it concerns no rule."""
        owner, spender = record["from"], record["to"]
        if record["tx"] != self._tx:
            self._tx, self._initiator, self._target = record["tx"], None, None
        if owner is None or spender is None or owner == spender:
            return None
        time = record["time"]
        asset = self.assets.of(record)
        traits = self.start | APPROVAL | (asset.marks & ITEM)
        if self._initiator is not None and self._initiator != owner:
            traits |= PULLED
        payer = self._young.get(owner) or self.accounts.meet(owner, time)
        payee = self._young.get(spender) or self.accounts.meet(spender, time)
        for account in (payer, payee):
            if account.stamp != self.journal.stamp:
                self.journal.keep(account)
        return self._handed(traits, record, payer, payee, asset, None, 0, 0.0, 0.0, 0.0)

    def saved(self) -> tuple[Any, ...]:
        """Return what is known of the transaction that is being read."""
        return self._tx, self._initiator, self._target

    def restore(self, saved: tuple[Any, ...]) -> None:
        """Take back what ``saved`` returned."""
        self._tx, self._initiator, self._target = saved

    def _handed(  # noqa: PLR0913, PLR0917 - a movement's values
        self,
        traits: int,
        record: dict[str, Any],
        payer: Account,
        payee: Account,
        asset: Asset,
        usd: float | None,
        gap_s: int,
        held: float,
        largest: float,
        usual: float,
    ) -> Move | None:
        """Return the movement if its traits concern a rule."""
        if not traits & self.concern:
            return None
        move = self.move
        move.traits = traits
        move.record = record
        move.time = record["time"]
        move.sender = payer
        move.receiver = payee
        move.initiator = self._initiator
        move.target = self._target
        move.asset = asset
        move.usd = usd
        move.gap_s = gap_s
        move.held = held
        move.largest = largest
        move.usual = usual
        return move


def _alike(payer: Account, payee: Account) -> int:
    """Say whether one of two parties looks like somebody whom the other dealt with."""
    traits = 0
    for me, other, trait in ((payer, payee, LIKE_SENT), (payee, payer, LIKE_RECEIVED)):
        for peers in (me.paid, me.payers):
            if peers is not None and peers.get(other.key, other.address) != other.address:
                traits |= trait
    return traits
