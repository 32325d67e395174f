"""listed: a party of a movement stands on a blocklist.

Pattern: a sender, recipient, token recipient, approved spender, operator, UTXO input or UTXO output is an
address that a list names.

Why: known wallets are the one kind of fraud that needs no inference, and for sanctions the law asks for it.

Reads: ``from``, ``to``, ``inputs`` and ``created`` of transfers, calls and approvals; the lists. Finds, for
example, a payment of 1.25 ETH to a sanctioned wallet: severity critical, subject the wallet, with list, list
date, entry and category as evidence.

Settings: BY_CATEGORY gives severity by category and direction; a zero-value token movement (which anyone can
forge in another's name), a failed transaction and a payment from before the listing each lower it a step.

Known false positives: lists that name contracts which everyone touches (an allow-list ships and is on by
default); addresses reused by a new owner after delisting (``delisted`` dates are respected).

Source: the screening steps of OFAC's "Sanctions Compliance Guidance for the Virtual Currency Industry"
(October 2021). Scenario: ``listed-payment``; it must stay silent on that scenario's benign twin.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from txpipe.address import canonical
from txpipe.detect.finding import SCORES, Finding, lowered
from txpipe.detect.screener import Screener, day_of
from txpipe.lists.entry import Entry
from txpipe.record import SEVERITIES as ORDER
from txpipe.record import Severity

TO = "to"
FROM = "from"
INPUT = "input"
SPENDER = "spender"
OWNER = "owner"
CREATED = "created"

BY_CATEGORY: dict[str, tuple[Severity, Severity]] = {
    "sanctions": ("critical", "critical"),
    "terrorism": ("critical", "critical"),
    "ransomware": ("critical", "high"),
    "theft": ("high", "high"),
    "mixer": ("high", "high"),
    "phishing": ("high", "medium"),
    "scam": ("high", "medium"),
    "darknet": ("high", "medium"),
}
"""Severity of value going to a listed party, and of value coming from one. Unknown categories: as scam."""

SILENT = (
    "no entry for this address on any list (it is on {matches.list}, of {matches.list_date})",
    "a date in the column delisted of every such entry, not later than the day of the transaction",
    (
        "an allow-list that names it; sanctions yield only to --allow-sanctions (it is listed for "
        "{matches.category})"
    ),
)
"""What would have kept the rule silent."""

_VERBS = {
    TO: "to",
    FROM: "from",
    INPUT: "from",
    SPENDER: "to",
    OWNER: "by",
    CREATED: "creates",
}
_UTXO = "bip122:"
_COMING = frozenset({FROM, INPUT, OWNER})


class Listed:
    """The rule; it has no state."""

    ID = "listed"
    VERSION = 1
    SEVERITY: Severity = "critical"

    def find(self, record: dict[str, Any], screener: Screener) -> list[Finding]:
        """Return one finding for each distinct party that is listed, senders first."""
        found = matches(parties(record), record, screener)
        return [
            finding(self.ID, record, match, f"{_what(record)} {_VERBS[match.direction]} a listed address")
            for match in found
        ]


@dataclass(frozen=True, slots=True)
class Match:
    """A listed address in a record.

    Attributes:
        address: canonical spelling.
        direction: what it is to the record: TO, FROM, …
        day: UTC day of the record.
        entries: what the lists say of it.
    """

    address: str
    direction: str
    day: str
    entries: tuple[Entry, ...]

    def weighed(self) -> tuple[Entry, Severity]:
        """Return the deciding entry and its severity in this direction, less a step before its listing."""
        coming = self.direction in _COMING

        def severity(entry: Entry) -> Severity:
            given = BY_CATEGORY.get(entry.category, BY_CATEGORY["scam"])[coming]
            return lowered(given, int(entry.listed > self.day))

        deciding = max(self.entries, key=lambda entry: ORDER.index(severity(entry)))
        return deciding, severity(deciding)


def parties(record: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (address as spelled, direction) of everyone a record moves value or rights between."""
    approval = record["type"] == "approval"
    sender, recipient = record["from"], record["to"]
    if sender is not None:
        yield sender, OWNER if approval else FROM
    for address in () if approval else record.get("inputs", ()):
        yield address, INPUT
    if recipient is not None:
        yield recipient, SPENDER if approval else TO
    if record["chain"].startswith(_UTXO) and not approval:
        for address in record.get("mentions", ()):  # the other keys of a bare multisig output
            yield address, TO
    if "created" in record and not approval:
        yield record["created"], CREATED


def matches(named: Iterable[tuple[str, str]], record: dict[str, Any], screener: Screener) -> Iterator[Match]:
    """Yield a match for each distinct listed address of (address as spelled, direction) pairs."""
    day = day_of(record["time"])
    seen: set[str] = set()
    for spelled, direction in named:
        address = canonical(spelled)
        if address not in seen:
            seen.add(address)
            if entries := screener.matches(address, day):
                yield Match(address, direction, day, entries)


def finding(
    rule: str, record: dict[str, Any], match: Match, what: str, lowering: tuple[str, ...] = ()
) -> Finding:
    """Return the finding of a match.

    Args:
        rule: the rule's id.
        record: the record that fired.
        match: the listed address in it.
        what: the title's beginning.
        lowering: reasons for which the rule lowers the severity, a step each, besides the common ones.
    """
    deciding, severity = match.weighed()
    reasons = [*lowering, *_reasons_to_lower(record)]
    severity = lowered(severity, len(reasons))
    evidence: dict[str, Any] = {"address": match.address, "direction": match.direction}
    if "method" in record:
        evidence["method"] = record["method"]
    evidence["matches"] = [_said(entry, match.day) for entry in match.entries]
    if deciding.listed > match.day:
        reasons.append("before-listing")
    if reasons:
        evidence["lowered_by"] = reasons
    return Finding(
        rule=rule,
        category=deciding.category,
        severity=severity,
        score=SCORES[severity] + min(4, len({entry.list for entry in match.entries}) - 1),
        subject=match.address,
        title=f"{what}: {_described(deciding)}",
        evidence=evidence,
    )


def _said(entry: Entry, day: str) -> dict[str, Any]:
    """Return what the list says, with where and since when."""
    said: dict[str, Any] = {"list": entry.list, "list_date": entry.list_date, "category": entry.category}
    for key in ("label", "source", "listed", "delisted", "asset"):
        if value := getattr(entry, key):
            said[key] = value
    if entry.listed > day:
        said["listed_later"] = True
    return said


def _reasons_to_lower(record: dict[str, Any]) -> list[str]:
    reasons = []
    if record.get("failed"):
        reasons.append("failed")
    if record["type"] == "transfer" and record["n"] != 0 and record["value"].strip("-0") == "":
        reasons.append("zero-value")
    return reasons


def _described(entry: Entry) -> str:
    who = f"{entry.label}, " if entry.label else ""
    return f"{who}{entry.category} on list {entry.list} ({entry.list_date})"


def _what(record: dict[str, Any]) -> str:
    symbol = record.get("symbol") or ("a token" if record["n"] else "coins")
    if record["type"] == "transfer":
        amount = f"{record['amount']} " if "amount" in record else ""
        text = f"transfer of {amount}{symbol}"
    else:
        text = "call" if record["type"] == "call" else f"approval of {symbol}"
    state = "failed " if record.get("failed") else "pending " if record.get("pending") else ""
    return (state + text)[0].upper() + (state + text)[1:]
