"""One message about several alerts: how many of what, the gravest in full, the others a line each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from txpipe.alerts.human import headline
from txpipe.alerts.words import details
from txpipe.record import SEVERITIES
from txpipe.visible import clipped

_SHOWN = 20
_RULES = 10


def title_of_many(alerts: Sequence[dict[str, Any]]) -> str:
    """Return one line: how many, and the gravest."""
    return f"{len(alerts):,} alerts, the gravest: {headline(gravest(alerts)[0])}"


def body_of_many(alerts: Sequence[dict[str, Any]]) -> str:
    """Return counts by severity and rule, the gravest alert as it is shown alone, a line of each other."""
    first, *others = gravest(alerts)
    lines = [f"{len(alerts):,} alerts: {counts(alerts)}", "", details(first), ""]
    lines += [f"{headline(alert)}  tx {clipped(alert['tx'], 128)}" for alert in others[:_SHOWN]]
    rest = len(others) - _SHOWN
    return "\n".join([*lines, f"and {rest:,} more"] if rest > 0 else lines)


def latest(alerts: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the last revision of every alert, in the order in which they came first."""
    found: dict[str, dict[str, Any]] = {}
    for alert in alerts:
        known = found.get(alert["id"])
        if known is None or alert["rev"] >= known["rev"]:
            found[alert["id"]] = alert
    return list(found.values())


def gravest(alerts: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return alerts by severity and score, retracted ones last, else in their order."""
    return sorted(
        alerts,
        key=lambda one: (one["status"] == "retracted", -SEVERITIES.index(one["severity"]), -one["score"]),
    )


def counts(alerts: Sequence[dict[str, Any]]) -> str:
    """Return how many there are of each severity and rule."""
    standing = [alert for alert in alerts if alert["status"] != "retracted"]
    by_severity = Counter(alert["severity"] for alert in standing)
    words = [f"{by_severity[word]:,} {word}" for word in reversed(SEVERITIES) if by_severity[word]]
    if taken_back := len(alerts) - len(standing):
        words.append(f"{taken_back:,} retracted")
    ranked = Counter(alert["rule"] for alert in alerts).most_common()
    rules = [f"{clipped(rule, 40)} {count:,}" for rule, count in ranked[:_RULES]]
    rules += ["and others"] if len(ranked) > _RULES else []
    return f"{', '.join(words)}; by rule: {', '.join(rules)}"
