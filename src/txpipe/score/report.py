"""The shapes of a scorecard: NDJSON rows, each of one part, in a fixed order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from txpipe.record import SEVERITIES
from txpipe.score import tally
from txpipe.score.found import RANKS, Alert, Found
from txpipe.score.numbers import calibration
from txpipe.score.truth import Truth, Verdict

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a scorecard is made of.

    Attributes:
        truth: the labels, settled.
        found: the alerts.
        min_severity: from which on an alert is a detection.
        transactions: of the whole stream; None if nobody told.
        benign: of these, those without any label. Look-alikes are put there to be hit, so they count apart.
    """

    truth: Truth
    found: Found
    min_severity: str
    transactions: int | None = None
    benign: int | None = None


def rows(evidence: Evidence) -> list[Row]:
    """Return the whole scorecard."""
    parts = (_summary, _recall, _rule_recall, _precision, _twins, _time_to_detect, _calibration)
    return [{"type": "score", "part": part, **row} for make in parts for part, row in make(evidence)]


def _summary(evidence: Evidence) -> Iterator[tuple[str, Row]]:
    truth, alerts = evidence.truth, evidence.found.counted()
    labelled = truth.transactions()
    verdicts = [truth.verdict(key) for key in labelled]
    yield (
        "summary",
        {
            "min_severity": evidence.min_severity,
            "labels": truth.labels,
            "instances": sum(instance.fraud for instance in truth.instances),
            "cut_off": sum(instance.fraud and instance.is_cut for instance in truth.instances),
            "twin_instances": sum(not instance.fraud for instance in truth.instances),
            "transactions": evidence.transactions,
            "fraud_transactions": verdicts.count(Verdict.TRUE),
            "twin_transactions": verdicts.count(Verdict.TWIN),
            "benign_transactions": evidence.benign,
            "alerts": len(alerts),
            "alerted_transactions": len({alert.key for alert in alerts}),
            **evidence.found.left_out(),
        },
    )


def _groups(evidence: Evidence, *, fraud: bool = True) -> list[tally.Group]:
    return tally.groups(instance for instance in evidence.truth.instances if instance.fraud == fraud)


def _recall(evidence: Evidence) -> Iterator[tuple[str, Row]]:
    hits = evidence.found.hits()
    for scenario, variant, instances in _groups(evidence):
        yield "recall", {"scenario": scenario, "variant": variant, **tally.recall(instances, hits)}


def _rule_recall(evidence: Evidence) -> Iterator[tuple[str, Row]]:
    hits = evidence.found.hits()
    for group in _groups(evidence):
        if group[0] is not None:
            for rule, row in tally.recall_by_rule(group, hits):
                yield "rule_recall", {"rule": rule, "scenario": group[0], "variant": group[1], **row}


def _precision(evidence: Evidence) -> Iterator[tuple[str, Row]]:
    alerts = evidence.found.counted()
    for severity in SEVERITIES:
        yield "precision", _worth(evidence, alerts, severity)
    by_rule: dict[str, list[Alert]] = {}
    for alert in alerts:
        by_rule.setdefault(alert.rule, []).append(alert)
    for rule in sorted(by_rule):
        given = {alert.severity for alert in by_rule[rule]}
        for severity in SEVERITIES:  # another one would repeat the row of the next that the rule gives
            if RANKS[severity] in given:
                yield "rule_precision", {"rule": rule, **_worth(evidence, by_rule[rule], severity)}


def _worth(evidence: Evidence, alerts: list[Alert], severity: str) -> Row:
    row = tally.precision(alerts, RANKS[severity], evidence.truth, evidence.benign)
    return {"severity": severity, **row}


def _twins(evidence: Evidence) -> Iterator[tuple[str, Row]]:
    hits = evidence.found.hits()
    for scenario, variant, instances in _groups(evidence, fraud=False):
        yield "twins_hit", {"scenario": scenario, "variant": variant, **tally.hit(instances, hits)}


def _time_to_detect(evidence: Evidence) -> Iterator[tuple[str, Row]]:
    hits = evidence.found.hits()
    for scenario, variant, instances in _groups(evidence):
        row = tally.time_to_detect(instances, hits)
        yield "time_to_detect", {"scenario": scenario, "variant": variant, **row}


def _calibration(evidence: Evidence) -> Iterator[tuple[str, Row]]:
    verdict = evidence.truth.verdict
    alerts = evidence.found.counted()
    scored = ((alert.score, verdict(alert.key) is Verdict.TRUE) for alert in alerts)
    yield "calibration", calibration(scored)
