"""Alerts as OCSF Detection Findings (https://schema.ocsf.io/1.1.0/classes/detection_finding).

Only what 1.1.0 has, the first version with this class, so that the events are valid under every one since;
some SIEMs take that version only.
"""

from __future__ import annotations

from typing import Any

import orjson

from txpipe import __version__
from txpipe.alerts.facts import addresses, milliseconds
from txpipe.record import dumps

VERSION = "1.1.0"
_CLASS = 2004
_ACTIVITIES = {"open": (1, "Create"), "updated": (2, "Update"), "retracted": (3, "Close")}
_STANDINGS = {"open": (1, "New"), "updated": (1, "New"), "retracted": (4, "Resolved")}
_GRAVITIES = {
    "info": (1, "Informational"),
    "low": (2, "Low"),
    "medium": (3, "Medium"),
    "high": (4, "High"),
    "critical": (5, "Critical"),
}
_OTHER = 99
"""Type of an observable that the schema has no word for: it knows no addresses and transactions of chains."""

_UNMAPPED = ("chain", "block", "tx", "n", "subject", "role", "category", "rev", "pending", "shadow")


def ocsf(line: bytes, alert: dict[str, Any]) -> bytes:
    """Return an alert as a line of OCSF: opened is Create, a later revision Update, a retraction Close.

    Args:
        line: the alert as it came, which becomes the event's evidence unchanged.
        alert: the same, parsed and checked.
    """
    activity, activity_name = _ACTIVITIES[alert["status"]]
    standing, standing_name = _STANDINGS[alert["status"]]
    gravity, gravity_name = _GRAVITIES[alert["severity"]]
    return dumps(
        {
            "time": milliseconds(alert["time"]),
            "class_uid": _CLASS,
            "class_name": "Detection Finding",
            "category_uid": 2,
            "category_name": "Findings",
            "activity_id": activity,
            "activity_name": activity_name,
            "type_uid": _CLASS * 100 + activity,
            "type_name": f"Detection Finding: {activity_name}",
            "severity_id": gravity,
            "severity": gravity_name,
            "status_id": standing,
            "status": standing_name,
            "risk_score": alert["score"],
            "message": alert["title"],
            "metadata": _metadata(alert),
            "finding_info": _finding(alert),
            "observables": _observables(alert),
            "evidences": [{"data": orjson.Fragment(line)}],
            "unmapped": {key: alert[key] for key in _UNMAPPED if key in alert},
        }
    )


def _metadata(alert: dict[str, Any]) -> dict[str, Any]:
    incident = {"correlation_uid": alert["incident"]} if "incident" in alert else {}
    return {
        "version": VERSION,
        "product": {"name": "txpipe", "vendor_name": "txpipe", "version": __version__},
        "uid": f"{alert['id']}:{alert['rev']}",
        "event_code": alert["rule"],
        **incident,
    }


def _finding(alert: dict[str, Any]) -> dict[str, Any]:
    return {
        "uid": alert["id"],
        "title": alert["title"],
        "types": [alert["category"]],
        "analytic": {"type_id": 1, "type": "Rule", "uid": alert["rule"], "name": alert["rule"]},
    }


def _observables(alert: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what one searches by, each with the name of a place in the event where it stands."""
    found = [("unmapped.tx", "Blockchain Transaction", alert["tx"])]
    found += [
        ("unmapped.subject" if place == "subject" else f"evidences.data.{place}", "Blockchain Address", value)
        for place, value in addresses(alert)
    ]
    return [{"name": name, "type_id": _OTHER, "type": kind, "value": value} for name, kind, value in found]
