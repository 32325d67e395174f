"""drain: several wallets, or all of one, are emptied into an account that nobody knows.

Pattern: within hours several unrelated accounts send nearly all they hold, in one movement or a few, to one
account that is new and no service; or an account that began its life with what one or two wallets held sends
that on at once, to private accounts.

Why: keys leak together (a wallet's bug, a stolen backup, a password vault), and the thief empties whatever
they open. Each owner alone sees one payment; only the receiver shows that it is one theft.

Reads: what its senders held, whom they dealt with and who funded them, and where the receiver sends it. Who
sends several assets to one new account, one soon after the other, empties a wallet though he leaves a part or
held more than was seen: nobody pays like that. Finds, for example, four wallets emptied within two hours into
one new account: severity medium, subject the receiver; then each further wallet, role victim. From ten
wallets on: high. Two are medium, too, if both lost several assets and the new account got nothing else; or
one, once the receiver has passed most of it on within a day.

Settings: see Settings in wallets.py.

Known false positives: an exchange that sweeps deposit addresses into a new wallet (accounts that only ever
paid one or two others count half, and alone make no more than low), owners who gather their own
wallets (those that the receiver or each other funded do not count, those with a common funder must be less
than half; two wallets that nothing links are taken for two owners'), shops (most of what a receiver gets must
come from emptied accounts), deposit addresses (they forward to services, or to who paid for their gas), hot
wallets (a service gives them money first), moving to a new wallet (low, until it is moved on). Blind spots:
holdings from before the stream began if they are one asset, assets without a price, one receiver for each
wallet that held a single asset, loot that goes to services only, gas from the receiver before the first loot.

Source: Forta's private-key-compromise bot: more than two draining transfers within 6 h, over 100 USD, ten
raise the severity; no funder of half of them as in its native-ice-phishing. Scenario: ``drain``; it must
stay silent on that scenario's benign twin.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from txpipe.detect.account import CONTRACT, Account, Facts
from txpipe.detect.finding import Finding
from txpipe.detect.move import Move
from txpipe.detect.rules import drain_told, wallets
from txpipe.detect.rules.wallets import DAY_S, MOVES, SENDER, SOLID, TIME, USD, Settings, Wallet
from txpipe.detect.traits import COLLECTING, DUST, EMPTIED, FIRST_CONTACT, FORGEABLE, LOADED, RETURN, SERVED
from txpipe.record import SEVERITIES, Severity

SILENT = drain_told.SILENT
"""What would have kept the rule silent."""


class Drain:
    """The rule.

    It keeps, of a receiver, up to KEPT "wallets"; how many were emptied and of how much as "total"; what it
    passed on as "passed" [USD to private accounts, USD in all, movements]; and how its life began: if it was
    "new" at the first wallet, its "payers" and "money" before it passed any on, the "float" that a service
    gave it first, how many others that gave more than they were seen to hold came before ("unseen").
    """

    ID = drain_told.ID
    VERSION = 4
    SEVERITY: Severity = "high"
    SENT = LOADED
    RECEIVED = EMPTIED | COLLECTING
    UNLESS = FORGEABLE | DUST
    RECEIVED_UNLESS = SERVED

    def __init__(self, settings: Settings | None = None) -> None:
        self._is = settings or Settings()
        self.FEW_PAID = self._is.most_paid

    def sent(self, move: Move, me: Account, other: Facts) -> Iterable[Finding]:
        """Follow what an account took of wallets: a new wallet keeps it, a thief's passes it on."""
        limits, usd, kept = self._is, move.usd or 0.0, me.noted(self.ID)
        if kept is None or not me.watch_sent & LOADED:
            return ()
        loot, passed = wallets.loot(kept["wallets"], limits), kept["passed"]
        taken = sum(each[USD] for each in loot)
        is_late = not loot or not 0 <= move.time - loot[-1][TIME] <= limits.passed_s
        if is_late or usd > limits.beyond * (move.held + passed[1]):
            me.watch_sent &= ~LOADED
            return ()
        if move.traits & RETURN or other.address in {each[SENDER] for each in loot}:
            return ()
        if not passed[2]:
            kept["payers"], kept["money"] = me.fan_in, move.held
        collects = other.flags & CONTRACT or other.fan_in > limits.most_payers or move.traits & SERVED
        passed[:] = passed[0] + (0.0 if collects else usd), passed[1] + usd, passed[2] + 1
        if passed[1] < limits.passed_share * taken or passed[0] < limits.private_share * taken:
            return ()
        if not self._is_theft(kept, loot, taken) or not me.says(self.ID, move.time, 2, limits.slow_window_s):
            return ()
        return (drain_told.passed_on(me, move, loot, passed, limits),)

    def _is_theft(self, kept: dict[str, Any], loot: Sequence[Wallet], taken: float) -> bool:
        """Whether what a new account passed on was most of what several strangers, or one, held."""
        limits, all_ = self._is, kept["wallets"]
        is_swept = any(wallets.is_swept(each, limits) for each in loot)
        if taken < limits.low_usd or not is_swept or kept["float"] > limits.float_share * taken:
            return False
        if len(all_) == 1:
            money, passed = kept["money"], kept["passed"]
            if taken < limits.one_usd or passed[2] <= 1:
                return False
            others = kept["payers"] - kept["unseen"]  # but for who sells gas
            is_all = (
                others <= 2
                and taken >= limits.seen_share * money
                and passed[1] >= limits.passed_share * money
            )
            return bool(taken >= limits.from_emptied * money or (kept["unseen"] and is_all))
        if len(loot) > 1 and not self._unrelated(wallets.strangers(loot)):
            return False
        payers = kept["payers"] - kept["unseen"] - wallets.unseen(all_, limits) - 1  # one may sell gas
        return bool(len(loot) >= limits.from_emptied * max(payers, 1))

    def received(self, move: Move, me: Account, other: Facts) -> Iterable[Finding]:
        """Count the accounts that were emptied into this one."""
        limits, notes = self._is, me.notes
        if me.flags & CONTRACT or me.fan_out > limits.most_paid:
            me.watch_received &= ~COLLECTING
            return ()
        if other.source == me.address or other.flags & CONTRACT:
            return ()
        kept = None if notes is None else notes.get(self.ID)
        before_usd = None
        if kept is None:
            is_new = not me.n_out and self._is_new(move, me)
            before_usd = self._before(move, me, other) if is_new else None
            if before_usd is None and not self._is_first(move, is_new=is_new):
                return ()
            kept = me.note(self.ID, self._begun(move, me, before_usd, is_new=is_new))
        in_pieces = kept["new"]
        if in_pieces:
            others = me.fan_in - 2 * len(kept["wallets"])
            if others > limits.few or not 0 <= move.time - me.first <= limits.fresh_s:
                me.watch_received &= ~COLLECTING
        one = wallets.note(kept["wallets"], move, other, limits, in_pieces=in_pieces, before_usd=before_usd)
        if one is None or not wallets.is_loot(one, limits):
            return ()
        if in_pieces:
            me.watch_sent |= LOADED
        return self._judged(move, me, kept, one)

    def _is_new(self, move: Move, me: Account) -> bool:
        """Whether the life of an account that sent nothing begins with this, or with the gas for it."""
        limits = self._is
        return me.fan_in <= limits.few and 0 <= move.time - me.first <= limits.fresh_s

    def _is_first(self, move: Move, *, is_new: bool) -> bool:
        """Whether it takes enough of a wallet to keep what follows."""
        limits, usd = self._is, move.usd or 0.0
        return (
            usd >= limits.each_usd
            and limits.begin * move.held <= usd <= limits.beyond * move.held
            and (is_new or move.traits & FIRST_CONTACT != 0)
        )

    def _before(self, move: Move, me: Account, other: Facts) -> float | None:
        """Return what the sender gave in smaller pieces right before, of other assets; None if nothing."""
        limits, usd = self._is, move.usd or 0.0
        is_seen = usd <= limits.beyond * move.held
        pause_s = limits.pieces_s if is_seen else limits.quick_s
        if move.traits & FIRST_CONTACT or not 0 <= move.gap_s <= pause_s:
            return None
        if wallets.is_busy(other, other.n_out, move.time, limits):
            return None
        prior = me.held - usd
        if me.fan_in == 1:
            is_birth = 0 <= move.time - me.first <= pause_s
            return prior if is_birth and prior >= limits.each_usd else None
        # Somebody else gave the gas: how much of what it has is pieces is unknown.
        is_rest = (
            me.fan_in == 2 and (me.n_in > 3 or prior >= limits.low_usd) and usd >= limits.part * move.held
        )
        return 0.0 if is_rest else None

    def _begun(self, move: Move, me: Account, before_usd: float | None, *, is_new: bool) -> dict[str, Any]:
        """Return the note of a receiver with what it has."""
        limits = self._is
        prior = 0.0 if before_usd is not None else max(me.held - (move.usd or 0.0), 0.0)
        is_float = me.source is None and me.lot_in > 0
        if is_new:
            me.watch_received |= COLLECTING
        return {
            "wallets": [],
            "total": [0, 0.0],
            "passed": [0.0, 0.0, 0],
            "new": is_new,
            "payers": me.fan_in,
            "money": me.held,
            "float": prior if is_float else 0.0,
            "unseen": 0 if is_float or prior < limits.low_usd else me.fan_in - 1,
        }

    def _judged(self, move: Move, me: Account, kept: dict[str, Any], one: Wallet) -> Iterable[Finding]:
        """Say once that the receiver drains, then each further victim."""
        limits, total, is_emptied = self._is, kept["total"], wallets.is_emptied(one, self._is)
        if is_emptied and not one[wallets.BEFORE]:
            total[:] = total[0] + 1, total[1] + one[USD]
        if len(kept["wallets"]) < min(limits.swept, limits.wallets):
            return self._moved(move, me, one)
        few = self._few_swept(me, kept)
        if few and me.says(self.ID, move.time, 2, limits.slow_window_s):
            return (drain_told.drained(me, "medium", few, len(few), limits),)
        if not is_emptied or one[wallets.BEFORE]:
            return self._moved(move, me, one)
        strange = wallets.strangers([each for each in kept["wallets"] if wallets.is_emptied(each, limits)])
        severity = self._severity(move.time, me, strange) if self._is_mostly_emptied(me, total) else None
        if severity is not None and kept["float"] > limits.float_share * total[1]:
            severity = "low"  # A service that gives it money first is likely to own it.
        if severity is None:
            return self._moved(move, me, one)
        if me.says(self.ID, move.time, SEVERITIES.index(severity), limits.slow_window_s):
            return (drain_told.drained(me, severity, strange, total[0], limits),)
        if severity != "low" and one[SOLID] and one in strange:
            return (drain_told.lost(me, one, total[0], limits),)
        return ()

    def _few_swept(self, me: Account, kept: dict[str, Any]) -> Sequence[Wallet]:
        """Return the wallets of a new account that swept strangers' wallets, and got nothing else but gas."""
        limits, all_ = self._is, kept["wallets"]
        if len(all_) < limits.swept or not kept["new"] or me.n_out or me.fan_in > len(all_) + 1:
            return ()
        few = self._unrelated(wallets.strangers([each for each in all_ if wallets.is_swept(each, limits)]))
        usd = sum(each[USD] for each in few)
        is_all = len(few) >= max(limits.swept, me.fan_in - 1) and kept["float"] <= limits.float_share * usd
        return few if is_all and usd >= limits.least_usd else ()

    def _severity(self, time: int, me: Account, strange: Sequence[Wallet]) -> Severity | None:
        limits = self._is
        if len(strange) < limits.wallets:
            return None
        fast = [each for each in strange if time - each[TIME] <= limits.window_s]
        solid = self._unrelated([each for each in strange if each[SOLID]])
        solid_fast = self._unrelated([each for each in fast if each[SOLID]])
        usd = sum(each[USD] for each in solid)
        is_young = time - me.first <= limits.young_s
        if usd >= limits.least_usd:
            if len(solid) >= limits.many_wallets:
                return "high"
            many = len(solid) >= limits.wallets and len(solid) + len(strange) >= 2 * limits.slow_wallets
            swept = self._unrelated([each for each in strange if wallets.is_swept(each, limits)])
            fast_or_swept = max(len(solid_fast), len(swept))
            if many or (is_young and fast_or_swept >= limits.wallets):
                return "medium"
        enough = sum(each[USD] for each in strange) >= limits.low_usd
        least = limits.wallets if is_young else limits.slow_wallets
        weight = (len(self._unrelated(fast)) + len(solid_fast)) / 2  # one that led no life counts half
        return "low" if enough and weight >= least else None

    def _unrelated(self, some: Sequence[Wallet]) -> Sequence[Wallet]:
        return wallets.unrelated(some, self._is.one_funder)

    def _is_mostly_emptied(self, me: Account, total: Sequence[Any]) -> bool:
        """Whether the receiver gets most of its payers, or of its money from several, by emptying them."""
        limits = self._is
        by_usd = total[1] >= limits.from_emptied * max(me.held, me.lot_in)
        return bool(total[0] >= (limits.at_least if by_usd else limits.from_emptied) * me.fan_in)

    def _moved(self, move: Move, me: Account, one: Wallet) -> Iterable[Finding]:
        """Say that one wallet was emptied in pieces into a new account: perhaps its owner's next one."""
        limits = self._is
        if (
            one[MOVES] < limits.pieces
            or me.fan_in != 1
            or me.n_out
            or one[USD] < limits.pieces_usd
            or not wallets.is_taken(one, limits.full, limits)
            or not one[SOLID]
            or not me.says(self.ID, move.time, 1, DAY_S)
        ):
            return ()
        return (drain_told.moved(me, move, one, limits),)
