"""drain: several wallets, or all of one, are emptied into an account that nobody knows.

Pattern: within hours several unrelated accounts send nearly all they hold, in one movement or a few, to one
account that is new and no service; or an account that began its life with what one or two wallets held sends
that on at once, to private accounts.

Why: keys leak together (a wallet's bug, a stolen backup, a password vault), and the thief empties whatever
they open. Each owner alone sees one payment; only the receiver shows that it is one theft.

Reads: what its senders held, whom they dealt with and who funded them, and where the receiver sends it.
Finds, for example, four wallets emptied within two hours into one new account: severity medium, subject the
receiver; then each further wallet, role victim. From ten wallets on: high. Fewer are medium, too, if at least
one was emptied of several assets, once the receiver has passed most of it on within a day.

Settings: see Settings in wallets.py.

Known false positives: an exchange that sweeps deposit addresses into a new wallet (accounts that only ever
paid one or two others count half, and alone make no more than low), owners who gather their own
wallets (those that the receiver or each other funded do not count, those with a common funder must be less
than half), shops (most of what a receiver gets must come from emptied accounts), deposit addresses (they
forward to services, or to who paid for their gas), hot wallets (a service gives them money first), moving to
a new wallet (low, until it is moved on). Blind spots: holdings from before the stream began, assets without a
price, one receiver for each wallet that held a single asset, loot that goes to services only.

Source: Forta's private-key-compromise bot: more than two draining transfers within 6 h, over 100 USD, ten
raise the severity; no funder of half of them as in its native-ice-phishing. Scenario: ``drain``; it must
stay silent on that scenario's benign twin.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from txpipe.detect.account import CONTRACT, Account, Facts
from txpipe.detect.finding import SCORES, Finding
from txpipe.detect.move import Move
from txpipe.detect.rules import wallets
from txpipe.detect.rules.wallets import (
    ASSETS,
    DAY_S,
    HELD,
    MOVES,
    SENDER,
    SOLID,
    SOURCE,
    TIME,
    USD,
    Settings,
    Wallet,
)
from txpipe.detect.traits import COLLECTING, DUST, EMPTIED, FORGEABLE, LOADED, RETURN, SERVED
from txpipe.record import SEVERITIES, Severity

SILENT = (
    "{payers:if}fewer than {thresholds.wallets} wallets of strangers emptied (there were {emptied:count})",
    "{payers:if}less than {thresholds.low_usd} from them in all (it was {sum_usd})",
    (
        "{payers:if}less than {thresholds.full:share} taken of what they held ({emptied.usd} of "
        "{emptied.held_usd})"
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
    "less than {thresholds.full:share} of {held_usd} taken (it was {sent_usd})",
    (
        "{sent_usd:if}fewer than {thresholds.wallets} wallets of strangers emptied into the receiver "
        "(this is number {wallets})"
    ),
    "{sent_usd:if}a wallet that led no life of its own and paid hardly anybody, as deposit addresses do",
    "the receiver a contract or a service, or one that paid more than {thresholds.most_paid} accounts before",
)
"""What would have kept the rule silent."""


class Drain:
    """The rule.

    It keeps, of a receiver, up to KEPT "wallets"; how many were emptied and of how much as "total"; what it
    passed on as "passed" [USD to private accounts, USD in all, movements]; and how its life began: if it was
    "new" at the first wallet, its "payers" and "money" before it sent any, the "float" that a service gave it
    first, how many others that gave more than they were seen to hold came before ("unseen").
    """

    ID = "drain"
    VERSION = 2
    SEVERITY: Severity = "high"
    SENT = LOADED
    RECEIVED = EMPTIED | COLLECTING
    UNLESS = FORGEABLE | DUST

    def __init__(self, settings: Settings | None = None) -> None:
        self._is = settings or Settings()

    def sent(self, move: Move, me: Account, other: Facts) -> Iterable[Finding]:
        """Follow what an account took of wallets: a new wallet keeps it, a thief's passes it on."""
        limits, usd, kept = self._is, move.usd or 0.0, me.noted(self.ID)
        if kept is None or not me.watch_sent & LOADED:
            return ()
        loot = wallets.emptied(kept["wallets"], limits.part, limits)
        taken, passed = sum(each[USD] for each in loot), kept["passed"]
        is_late = not loot or not 0 <= move.time - loot[-1][TIME] <= limits.passed_s
        if is_late or usd > limits.beyond * (move.held + passed[1]):
            me.watch_sent &= ~LOADED
            return ()
        if move.traits & RETURN or other.address in {each[SENDER] for each in loot}:
            return ()
        collects = other.flags & CONTRACT or other.fan_in > limits.most_payers or move.traits & SERVED
        passed[:] = passed[0] + (0.0 if collects else usd), passed[1] + usd, passed[2] + 1
        if passed[1] < limits.passed_share * taken or passed[0] < limits.private_share * taken:
            return ()
        if not self._is_theft(kept, loot, taken) or not me.says(self.ID, move.time, 2, limits.slow_window_s):
            return ()
        return (self._passed_on(me, move, loot, passed),)

    def _is_theft(self, kept: dict[str, Any], loot: Sequence[Wallet], taken: float) -> bool:
        """Whether what a new account passed on was most of what several strangers, or one, held."""
        limits, all_ = self._is, kept["wallets"]
        is_swept = any(len(each[ASSETS]) > 1 for each in loot)
        if taken < limits.low_usd or not is_swept or kept["float"] > limits.float_share * taken:
            return False
        if len(all_) == 1:
            least = max(limits.one_usd, limits.from_emptied * kept["money"])
            return bool(taken >= least and kept["passed"][2] > 1)
        if len(loot) > 1 and not self._strange(loot):
            return False
        unseen = kept["unseen"] + wallets.unseen(all_, limits.beyond)
        payers = kept["payers"] - unseen - 1  # one may be a service that sold gas
        return bool(len(loot) >= limits.from_emptied * max(payers, 1))

    def received(self, move: Move, me: Account, other: Facts) -> Iterable[Finding]:
        """Count the accounts that were emptied into this one."""
        limits, usd = self._is, move.usd or 0.0
        if me.fan_out > limits.most_paid or me.flags & CONTRACT or move.traits & SERVED:
            return ()
        is_fresh = 0 <= move.time - me.first <= limits.fresh_s
        if not is_fresh:
            me.watch_received &= ~COLLECTING
        elif not me.n_out:
            me.watch_received |= COLLECTING
        if other.source == me.address or other.flags & CONTRACT:
            return ()
        kept: dict[str, Any] | None = me.noted(self.ID)
        before_usd = 0.0
        if kept is None:
            if not limits.begin * move.held <= usd <= limits.beyond * move.held or usd < limits.each_usd:
                return ()
            before_usd, kept = self._begun(move, me, is_fresh=is_fresh)
        elif not me.n_out:
            kept["payers"], kept["money"] = me.fan_in, me.held
        in_pieces = (is_fresh and not me.n_out) or kept["new"]
        one = wallets.note(kept["wallets"], move, other, limits, in_pieces=in_pieces, before_usd=before_usd)
        if one is None or not wallets.emptied((one,), limits.part, limits):
            return ()
        if kept["new"]:
            me.watch_sent |= LOADED
        return self._judged(move, me, kept, one)

    def _begun(self, move: Move, me: Account, *, is_fresh: bool) -> tuple[float, dict[str, Any]]:
        """Return what the first wallet gave right before, and the note of a receiver with what it has."""
        limits, prior = self._is, max(me.held - (move.usd or 0.0), 0.0)
        is_new = is_fresh and not me.n_out and me.fan_in <= limits.few
        before_usd = 0.0
        if is_new and me.fan_in == 1 and me.n_in > 1 and move.time - me.first <= limits.pieces_s:
            before_usd, prior = prior, 0.0
        is_float = me.source is None and me.lot_in > 0
        begun: dict[str, Any] = {"wallets": [], "total": [0, 0.0], "passed": [0.0, 0.0, 0], "new": is_new}
        begun |= {"payers": me.fan_in, "money": me.held, "float": prior if is_float else 0.0}
        begun["unseen"] = 0 if is_float or prior < limits.low_usd else me.fan_in - 1
        return before_usd, me.note(self.ID, begun)

    def _judged(self, move: Move, me: Account, kept: dict[str, Any], one: Wallet) -> Iterable[Finding]:
        """Say once that the receiver drains, then each further victim."""
        limits, total = self._is, kept["total"]
        is_new = one[wallets.BEFORE] < limits.full
        if not wallets.emptied((one,), limits.full, limits) or not is_new:
            return ()
        total[:] = total[0] + 1, total[1] + one[USD]
        strange = wallets.strangers(wallets.emptied(kept["wallets"], limits.full, limits))
        severity = self._severity(move.time, me, strange) if self._is_mostly_emptied(me, total) else None
        if severity is not None and kept["float"] > limits.float_share * total[1]:
            severity = "low"  # A service that gives it money first is likely to own it.
        if severity is None:
            return self._moved(move, me, one)
        if me.says(self.ID, move.time, SEVERITIES.index(severity), limits.slow_window_s):
            return (self._drained(me, severity, strange, total[0]),)
        if severity != "low" and one[SOLID] and one in strange:
            return (self._lost(me, one, total[0]),)
        return ()

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
            if many or (is_young and len(solid_fast) >= limits.wallets):
                return "medium"
        enough = sum(each[USD] for each in strange) >= limits.low_usd
        least = limits.wallets if is_young else limits.slow_wallets
        weight = (len(self._unrelated(fast)) + len(solid_fast)) / 2  # one that led no life counts half
        return "low" if enough and weight >= least else None

    def _unrelated(self, some: Sequence[Wallet]) -> Sequence[Wallet]:
        return wallets.unrelated(some, self._is.one_funder)

    def _strange(self, loot: Sequence[Wallet]) -> Sequence[Wallet]:
        return self._unrelated(wallets.strangers(loot))

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
            or not one[SOLID]
            or not me.says(self.ID, move.time, 1, DAY_S)
        ):
            return ()
        title = f"Wallet emptied within an hour, in {one[MOVES]} movements, into a new account"
        over_s = move.time - me.first
        evidence = {"received_usd": round(one[USD], 2), "movements": one[MOVES], "over_s": over_s}
        return (self._finding(me, "low", title, evidence, one[SENDER]),)

    def _drained(self, me: Account, severity: Severity, strange: Sequence[Wallet], number: int) -> Finding:
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
        return self._finding(me, severity, title, evidence)

    def _passed_on(self, me: Account, move: Move, loot: Sequence[Wallet], passed: Sequence[float]) -> Finding:
        usd = sum(each[USD] for each in loot)
        share = min(1.0, passed[1] / usd)
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
        title = f"New account got {what} and passes {share:.0%} of it on"
        return self._finding(me, "medium", title, evidence)

    def _lost(self, me: Account, one: Wallet, number: int) -> Finding:
        evidence = {
            "sent_usd": round(one[USD], 2),
            "held_usd": round(one[HELD], 2),
            "wallets": number,
            "source": one[SOURCE],
        }
        title = "Wallet emptied into an account that emptied others within hours"
        return self._finding(me, "medium", title, evidence, one[SENDER])

    def _finding(
        self, me: Account, severity: Severity, title: str, evidence: dict[str, Any], victim: str | None = None
    ) -> Finding:
        """Return a finding about the receiver, or about a victim of it."""
        return Finding(
            rule=self.ID,
            category="theft",
            severity=severity,
            score=SCORES[severity],
            subject=victim or me.address,
            role="victim" if victim else "suspect",
            about=me.address if victim else None,
            title=title,
            evidence={**evidence, "receiver": me.address, "thresholds": asdict(self._is)},
        )


def _told(one: Wallet) -> dict[str, Any]:
    """Return a wallet as evidence tells it."""
    names = {"time": TIME, "usd": USD, "sender": SENDER, "source": SOURCE, "solid": SOLID, "held_usd": HELD}
    return {name: one[place] for name, place in names.items()} | {"assets": len(one[ASSETS])}
