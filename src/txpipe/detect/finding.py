"""What a rule says of a record, and the alert that comes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import orjson

from txpipe.detect.screener import Screener
from txpipe.record import SEVERITIES, Severity

SCORES: dict[Severity, int] = {"info": 10, "low": 30, "medium": 55, "high": 80, "critical": 95}
"""Score at which each severity starts; evidence may raise it by a few points, never past the next one."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule's verdict on one subject of one record.

    Attributes:
        rule: the rule's id.
        category: what kind of wrong it is, as in lists (``sanctions``, ``phishing``, …).
        severity: how much it matters.
        score: 0 to 100, in the band of its severity.
        subject: address the finding is about.
        role: whether the subject is the suspect or the victim.
        title: one plain sentence.
        evidence: the numbers compared and the list entries matched: enough to redo the decision by hand.
        about: whose incident it belongs to, if not the subject's: the suspect, where the subject is a victim.
        unless_paid: an address that makes the finding void if it receives anything later in the same
            transaction (a swap gives something back).
    """

    rule: str
    category: str
    severity: Severity
    score: int
    subject: str
    title: str
    evidence: dict[str, Any] = field(default_factory=dict)
    role: Literal["suspect", "victim"] = "suspect"
    about: str | None = None
    unless_paid: str | None = None


class Rule(Protocol):
    """What a rule module offers.

    Attributes:
        ID: stable name, never reused.
        VERSION: rises when the rule's decisions change.
        SEVERITY: the highest severity it gives.
    """

    ID: str
    VERSION: int
    SEVERITY: Severity

    def find(self, record: dict[str, Any], screener: Screener) -> list[Finding]:
        """Return the findings of one valid record, in the order of its parties."""


def lowered(severity: Severity, steps: int) -> Severity:
    """Return the severity some steps down; ``info`` is the floor."""
    return SEVERITIES[max(0, SEVERITIES.index(severity) - steps)]


def alert(name: str, finding: Finding, record: dict[str, Any], line: bytes, rev: int = 0) -> dict[str, Any]:
    """Return the alert of a finding, ready for ``record.dumps``.

    Args:
        name: its ``record.alert_id``.
        finding: what was found.
        record: the record that fired, parsed.
        line: the same as it came in; it goes into the alert byte for byte, so unknown keys and large
            numbers survive.
        rev: revision; from 1 on the alert updates an earlier one.
    """
    return {
        "type": "alert",
        "id": name,
        "status": "updated" if rev else "open",
        "rev": rev,
        "rule": finding.rule,
        "category": finding.category,
        "severity": finding.severity,
        "score": finding.score,
        "chain": record["chain"],
        "block": record["block"],
        "time": record["time"],
        "tx": record["tx"],
        "n": record["n"],
        "subject": finding.subject,
        "role": finding.role,
        "title": finding.title,
        "evidence": finding.evidence,
        "record": orjson.Fragment(line),
        **({"pending": True} if record.get("pending") else {}),
    }
