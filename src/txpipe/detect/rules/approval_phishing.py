"""approval-phishing: a stranger collects approvals from many owners, or takes what an owner approved.

Pattern: a spender with no life of its own, most telling one that is held by a key and is no contract, gets
approvals, setApprovalForAll or permits from several owners; or it moves most of what an owner holds out of
the owner's account, in a transaction that the owner did not send, and gives nothing back.

Why: one signature on a false page gives a thief all of a token, now or months later. 135 million USD were
taken from 76,582 victims by drainers for hire alone.

Reads: approvals, who sent what follows, and how much was taken of what the owner was seen to hold. Finds, for
example, 9,000 USDT pulled by an unknown key that was approved an hour ago: severity high, subject the owner,
role victim; medium or low for less than shops collect and for contracts; low to high for spenders and
receivers with several victims. Little is enough where somebody calls the approved contract to get the money
himself, or where it is shared between two accounts, as drainers for hire do with their customers; if one of
the two took it and the other is new, it may be any part of the holdings.

Settings: see Settings in approvals.py.

Known false positives: an owner who approves a second wallet of his own and empties the first with it, if the
two never dealt with each other. Services, whoever dealt with the owner before, small regular pulls (as of
subscriptions), and whatever is paid for in the same transaction are left alone. Not seen: pulls of unknown
tokens and ERC-1155 items, what contract wallets approve, and streams of logs without their transactions.

Source: NethermindEth/forta-starter-kits/ice-phishing (more than 3 approvals or 1 for all in 30 days, permits
sent by somebody else); BlockSec and Zhejiang University on drainers; the grading is txpipe's own. Scenario:
``approval-phishing``; it must stay silent on a new application and on subscriptions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

from txpipe.address import canonical
from txpipe.detect.account import ALLOWED, CONTRACT, SIGNER, Account, Facts, look_alike_key, peer
from txpipe.detect.finding import SCORES, Finding
from txpipe.detect.move import Move
from txpipe.detect.rules.approvals import (
    Settings,
    contract_of,
    is_given,
    is_own,
    is_permit,
    is_zero,
    kind_of,
    loss,
    robbed,
    signer_of,
)
from txpipe.detect.traits import APPROVAL, APPROVED, FIRST_CONTACT, FORGEABLE, PULLED, REPAID
from txpipe.record import SEVERITIES, Severity

MOST = 8
"""Approvals remembered on one owner, and owners on one spender or receiver; the oldest is forgotten first."""


SILENT = (
    "{approved:if}{taken_usd:if}less than {thresholds.small_usd} taken (it was {taken_usd})",
    (
        "{approved:if}{held_usd:if}less than {thresholds.some:share} of {held_usd} taken (it was "
        "{taken_usd}), and less than {thresholds.split_usd} or to fewer than two accounts (to {receivers})"
    ),
    "an approval taken back before, or older than {thresholds.patience_s} (it was given {approved})",
    (
        "{approved:if}a spender that is a service, that the owner paid before, or that {thresholds.busy} "
        "or more paid and that is {thresholds.window_s} old"
    ),
    "{approved:if}a receiver on an allow-list, or one that the owner paid before",
    (
        "fewer than {thresholds.approvals} owners (there were {owners:count}), fewer than "
        "{thresholds.approvals_all} of whom approved all, and fewer than {thresholds.permits} by permit "
        "(they gave: {kinds})"
    ),
    "{kinds:if}approvals further apart than {thresholds.window_s}",
    (
        "{kinds:if}a contract or a service as the spender, or one that takes small parts only, as "
        "subscriptions do"
    ),
    (
        "fewer than {thresholds.owners} who lost most of what they held (there were {owners:count}, the "
        "last {usd} of {held_usd})"
    ),
    "{usd:if}a service as the receiver, or one that gets small parts only from half of them or more",
    (
        "fewer than {thresholds.takings} owners (there were {owners:count}), or less than "
        "{thresholds.least_usd} of all (it was {taken_usd.0:if}{taken_usd})"
    ),
    "{taken_usd.0:if}two equal sums among them, as fees are, or a contract as the receiver",
    "{kinds:unless}something that the owner got in return in the same transaction",
)
"""What would have kept the rule silent."""


class ApprovalPhishing:
    """The rule. Its note is a dict of lists, each of the last MOST entries of ``window_s`` or ``patience_s``.

    "given" (owner): [contract of the token, spender, time, by permit, USD taken, since, USD held then, up to
    ``few`` receivers] of approvals given to strangers. "paid" (owner): the last transaction that paid it.
    "got" (spender): [owner, time, kind] of approvals. "pulled" (receiver): [owner, time, whether most was
    taken, USD if the receiver had a contract do it, whether some was taken] of pulls.
    """

    ID = "approval-phishing"
    VERSION = 3
    SEVERITY: Severity = "high"
    SENT = (APPROVAL, APPROVED | PULLED)
    RECEIVED = (APPROVAL, APPROVED | PULLED, REPAID)
    UNLESS = 0
    WIDE = True

    def __init__(self, settings: Settings | None = None) -> None:
        self._is = settings or Settings()

    def sent(self, move: Move, me: Account, other: Facts) -> Iterable[Finding]:
        """Remember what an owner approves; look at what is taken from him."""
        if move.traits & APPROVAL:
            self._gave(move, me, other)
        elif move.traits & PULLED and me.watch_sent & APPROVED:
            kept: dict[str, Any] = me.note(self.ID, {})
            given = kept["given"] = self._given(kept, move.time)
            if not given:
                me.watch_sent &= ~APPROVED
                me.watch_received &= ~REPAID
            elif kept.get("paid") != move.tx and not other.flags & ALLOWED:
                return self._taken(move, me, other, given)
        return ()

    def received(self, move: Move, me: Account, other: Facts) -> Iterable[Finding]:
        """Count who approved a spender, and from whom a receiver had something pulled."""
        traits = move.traits
        if traits & APPROVAL:
            return self._got(move, me, other)
        if traits & REPAID and me.watch_received & REPAID and (move.usd or move.asset.known):
            note: dict[str, Any] = me.note(self.ID, {})
            note["paid"] = move.tx
        if traits & PULLED and traits & APPROVED:
            return self._pulled(move, me, other)
        return ()

    def _recent(self, entries: list[list[Any]], time: int) -> list[list[Any]]:
        return [entry for entry in entries if abs(time - entry[1]) <= self._is.window_s]

    def _given(self, kept: dict[str, Any], time: int) -> list[list[Any]]:
        return [one for one in kept.get("given", []) if abs(time - one[2]) <= self._is.patience_s]

    def _gave(self, move: Move, me: Account, other: Facts) -> None:
        if other.is_service:
            return
        contract = contract_of(move)
        kept: dict[str, Any] | None = me.noted(self.ID)
        entries = self._given(kept, move.time) if kept else []
        if is_zero(move):
            if kept and signer_of(move) == me.address:
                kept["given"] = [one for one in entries if one[:2] != [contract, other.address]]
            return
        aged = other.fan_in >= self._is.busy and move.time - other.first >= self._is.window_s
        known = peer(me.paid, look_alike_key(other.address)) == other.address
        if aged or known or not is_given(move, me) or is_own(me, other):
            return
        if all(one[:2] != [contract, other.address] for one in entries):
            permit = is_permit(move)
            entries.append([contract, other.address, move.time, permit, 0.0, 0, 0.0, []])
        note: dict[str, Any] = me.note(self.ID, {})
        note["given"] = entries[-MOST:]
        me.watch_sent |= APPROVED
        me.watch_received |= REPAID

    def _taken(self, move: Move, me: Account, other: Facts, given: list[list[Any]]) -> Iterable[Finding]:
        """Say what a spender took of an owner who approved it."""
        signer, contract = signer_of(move), contract_of(move)
        hands = (signer, None if move.target is None else canonical(move.target), other.address)
        entry = next((one for one in given if one[0] == contract and one[1] in hands), None)
        new = move.traits & (FIRST_CONTACT | FORGEABLE)
        if entry is None or not (new or any(one[5] for one in given)):
            return ()
        if not 0 <= move.time - entry[5] < self._is.pull_s:
            entry[4:] = [0.0, move.time, 0.0 if move.traits & FORGEABLE else move.held, []]
        entry[4] += move.usd or 0.0
        if other.address not in entry[7] and len(entry[7]) < self._is.few:
            entry[7].append(other.address)
        lost = [one for one in given if one[1] == entry[1] and 0 <= move.time - one[5] < self._is.pull_s]
        usd, held = sum(one[4] for one in lost), max(one[6] for one in lost)
        by_key = signer == entry[1]
        # Who calls an approved contract to get the money himself, or shares it out, serves nobody.
        shared = len(entry[7]) > 1
        served = not (shared or (signer == other.address and not by_key))
        severity = loss(move, other, usd, held, self._is, by_key=by_key)
        if severity in {None, "low"} and not served and not other.flags & CONTRACT and move.usd:
            # A part to who took it, a part to somebody new: a drainer's customer and the drainer.
            split = shared and (by_key or signer in entry[7]) and self._is_split(move, other, entry[4])
            severity = robbed(usd, held, self._is, shared=shared, split=split) or severity
        if severity is None or not me.says(self.ID, move.time, SEVERITIES.index(severity), self._is.pull_s):
            return ()
        most = "most of what it held" if usd <= held else "more than it was seen to hold"
        part = most if severity == "high" else "from it"
        title = f"A spender that an account approved pulled {part}"
        evidence = {"spender": entry[1], "receiver": other.address, "signed_by": signer}
        evidence |= {"approved": entry[2], "by_permit": entry[3], "by_key": by_key}
        evidence |= {"taken_usd": round(usd, 2), "held_usd": round(held, 2), "receivers": len(entry[7])}
        finding = self._finding(severity, me.address, title, evidence)
        return (replace(finding, role="victim", about=entry[1], unless_paid=me.address),)

    def _is_split(self, move: Move, other: Facts, taken_usd: float) -> bool:
        """Whether somebody new gets so much of what was taken that it is no fee, and not nearly all."""
        limits, usd = self._is, move.usd or 0.0
        return other.fan_in <= limits.few and limits.split <= usd / max(taken_usd, usd) <= 1.0 - limits.split

    def _got(self, move: Move, me: Account, other: Facts) -> Iterable[Finding]:
        """Count the owners who approved a spender that is nobody's contract."""
        limits = self._is
        if me.flags & CONTRACT or me.is_service or is_zero(move) or not is_given(move, other):
            return ()
        if is_own(other, me):
            return ()
        kept: dict[str, Any] = me.note(self.ID, {})
        got = [one for one in self._recent(kept.get("got", []), move.time) if one[0] != other.address]
        kept["got"] = got = [*got, [other.address, move.time, kind_of(move, me, limits.unlimited)]][-MOST:]
        kinds = [one[2] for one in got]
        pulls = [one[2] for one in self._recent(kept.get("pulled", []), move.time)]
        if 2 * sum(pulls) < len(pulls):
            return ()  # It takes small parts of what the owners have: subscriptions.
        # Who never signed may be the contract of a marketplace that nobody calls by name.
        firm = me.flags & SIGNER and (
            kinds.count("all") >= limits.approvals_all
            or kinds.count("permit") >= limits.permits
            or kinds.count("unlimited") >= limits.approvals
        )
        if not firm and len(got) - kinds.count("all") < limits.approvals:
            return ()
        # Whom others pay, too, may be a shop that lets its customers sign instead of pay.
        shop = me.fan_in > len(got) + limits.few
        severity: Severity = "medium" if firm and not shop else "low"
        if not me.says(self.ID, move.time, SEVERITIES.index(severity), limits.window_s):
            return ()
        title = f"An account without a contract was approved by {len(got)} owners"
        evidence = {"owners": [one[0] for one in got], "kinds": kinds, "signs": bool(me.flags & SIGNER)}
        return (self._finding(severity, me.address, title, evidence),)

    def _pulled(self, move: Move, me: Account, other: Facts) -> Iterable[Finding]:
        """Count the owners who lost most of what they held to one receiver, by any spender."""
        limits, usd = self._is, move.usd or 0.0
        if me.is_service or not usd:
            return ()
        enough = max(limits.least_usd, limits.share * move.held)
        if usd > limits.beyond * move.held:
            enough = limits.much_usd
        kept: dict[str, Any] = me.note(self.ID, {})
        pulled = [one for one in self._recent(kept.get("pulled", []), move.time) if one[0] != other.address]
        for_itself = signer_of(move) == me.address and move.target is not None
        by_contract = for_itself and canonical(move.target or "") != contract_of(move)
        is_some = usd >= limits.some * move.held
        one = [other.address, move.time, usd >= enough, usd if by_contract else 0.0, is_some]
        kept["pulled"] = pulled = [*pulled, one][-MOST:]
        found = self._several(move, me, other, pulled)
        losers = [one[0] for one in pulled if one[2]]
        if len(losers) < limits.owners or 2 * len(losers) < len(pulled) or losers[-1] != other.address:
            return found
        severity: Severity = "low" if me.flags & CONTRACT else "high"
        if not me.says(self.ID + " pulled", move.time, SEVERITIES.index(severity), limits.window_s):
            return found
        title = f"Most of what {len(losers)} accounts held was pulled into one by spenders they approved"
        evidence = {"owners": losers, "usd": round(usd, 2), "held_usd": round(move.held, 2)}
        finding = self._finding(severity, me.address, title, evidence)
        return (*found, replace(finding, unless_paid=other.address))

    def _several(self, move: Move, me: Account, other: Facts, pulled: list[list[Any]]) -> tuple[Finding, ...]:
        """Say that an account calls a contract that gives it what several owners hold: each another sum."""
        limits = self._is
        taken = [one for one in pulled if one[3]]
        if (
            not pulled[-1][3]
            or len(taken) < limits.takings
            or len({round(one[3], 1) for one in taken}) < len(taken)
            or 2 * sum(one[4] for one in taken) < len(taken)
            or sum(one[3] for one in taken) < limits.least_usd
            or me.flags & CONTRACT
            or not me.says(self.ID + " pulled", move.time, 2, limits.window_s)
        ):
            return ()
        title = f"An account had a contract move what {len(taken)} owners held to itself"
        evidence = {"owners": [one[0] for one in taken], "taken_usd": [round(one[3], 2) for one in taken]}
        return (replace(self._finding("medium", me.address, title, evidence), unless_paid=other.address),)

    def _finding(self, severity: Severity, subject: str, title: str, evidence: dict[str, Any]) -> Finding:
        return Finding(
            rule=self.ID,
            category="phishing",
            severity=severity,
            score=SCORES[severity],
            subject=subject,
            title=title,
            evidence=evidence | {"thresholds": asdict(self._is)},
        )
