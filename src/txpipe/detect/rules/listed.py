"""listed: a party of a movement stands on a blocklist.

Pattern: a sender, recipient, token recipient, approved spender, operator, UTXO input or UTXO output is an
address that a list names.

Why: known wallets are the one kind of fraud that needs no inference, and for sanctions the law asks for it.

Reads: ``from``, ``to`` and ``inputs`` of transfers, calls and approvals; the lists. Finds, for example, a
payment of 1.25 ETH to a sanctioned wallet: severity critical, subject the wallet, with list, list date,
entry and category as evidence.

Settings: SEVERITIES gives severity by category and direction; a zero-value token movement (which anyone can
forge in another's name), a failed transaction and a payment from before the listing each lower it a step.

Known false positives: lists that name contracts which everyone touches (an allow-list ships and is on by
default); addresses reused by a new owner after delisting (``delisted`` dates are respected).

Source: the screening steps of OFAC's "Sanctions Compliance Guidance for the Virtual Currency Industry"
(October 2021). Scenario: ``listed-payment``; it must stay silent on that scenario's benign twin.
"""

from __future__ import annotations

from collections.abc import Iterator
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

_VERBS = {
    TO: "to",
    FROM: "from",
    INPUT: "from",
    SPENDER: "may be spent by",
    OWNER: "approved by",
}


class Listed:
    """The rule; it has no state."""

    ID = "listed"
    VERSION = 1
    SEVERITY: Severity = "critical"

    def find(self, record: dict[str, Any], screener: Screener) -> list[Finding]:
        """Return one finding for each distinct party that is listed, senders first."""
        findings: list[Finding] = []
        seen: set[str] = set()
        for spelled, direction in parties(record):
            address = canonical(spelled)
            if address in seen:
                continue
            seen.add(address)
            entries = screener.matches(address, day_of(record["time"]))
            if entries:
                findings.append(_finding(self.ID, record, address, direction, entries))
        return findings


def parties(record: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (address as spelled, direction) of everyone a record moves value or rights between."""
    approval = record["type"] == "approval"
    sender, recipient = record["from"], record["to"]
    if sender is not None:
        yield sender, OWNER if approval else FROM
    for address in record.get("inputs", ()):
        yield address, INPUT
    if recipient is not None:
        yield recipient, SPENDER if approval else TO


def worst(entries: tuple[Entry, ...], direction: str) -> tuple[Entry, Severity]:
    """Return the entry that decides, and the severity of its category in a direction."""

    def severity(entry: Entry) -> Severity:
        to, coming_from = BY_CATEGORY.get(entry.category, BY_CATEGORY["scam"])
        return coming_from if direction in (FROM, INPUT, OWNER) else to

    deciding = max(entries, key=lambda entry: ORDER.index(severity(entry)))
    return deciding, severity(deciding)


def match_evidence(entry: Entry, day: str) -> dict[str, Any]:
    """Return what the list says, with where and since when."""
    said: dict[str, Any] = {"list": entry.list, "list_date": entry.list_date, "category": entry.category}
    for key in ("label", "source", "listed", "delisted", "asset"):
        if value := getattr(entry, key):
            said[key] = value
    if entry.listed > day:
        said["listed_later"] = True
    return said


def reasons_to_lower(record: dict[str, Any], entries: tuple[Entry, ...]) -> list[str]:
    """Name what makes a match weigh less; each reason is one step of severity."""
    reasons = []
    if record.get("failed"):
        reasons.append("failed")
    if record["type"] == "transfer" and record["n"] != 0 and record["value"].strip("-0") == "":
        reasons.append("zero-value")
    if all(entry.listed > day_of(record["time"]) for entry in entries):
        reasons.append("before-listing")
    return reasons


def described(entry: Entry) -> str:
    """Say who an entry is, in a few words."""
    who = f"{entry.label}, " if entry.label else ""
    return f"{who}{entry.category} on list {entry.list} ({entry.list_date})"


def _finding(
    rule: str, record: dict[str, Any], address: str, direction: str, entries: tuple[Entry, ...]
) -> Finding:
    deciding, severity = worst(entries, direction)
    lowering = reasons_to_lower(record, entries)
    severity = lowered(severity, len(lowering))
    evidence: dict[str, Any] = {
        "address": address,
        "direction": direction,
        "matches": [match_evidence(entry, day_of(record["time"])) for entry in entries],
    }
    if lowering:
        evidence["lowered_by"] = lowering
    return Finding(
        rule=rule,
        category=deciding.category,
        severity=severity,
        score=score(severity, entries),
        subject=address,
        title=f"{_what(record)} {_VERBS[direction]} a listed address: {described(deciding)}",
        evidence=evidence,
    )


def score(severity: Severity, entries: tuple[Entry, ...]) -> int:
    """Return the severity's score, a point more for each further list that agrees, up to four."""
    return SCORES[severity] + min(4, len({entry.list for entry in entries}) - 1)


def _what(record: dict[str, Any]) -> str:
    symbol = record.get("symbol") or ("a token" if record["n"] else "coins")
    if record["type"] == "transfer":
        amount = f"{record['amount']} " if "amount" in record else ""
        text = f"transfer of {amount}{symbol}"
    else:
        text = "call" if record["type"] == "call" else f"approval of {symbol}"
    state = "failed " if record.get("failed") else "pending " if record.get("pending") else ""
    return (state + text)[0].upper() + (state + text)[1:]
