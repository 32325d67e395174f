"""Alerts in the Elastic Common Schema (https://www.elastic.co/docs/reference/ecs); the rest is ``txpipe.*``.

Every field has one type, whatever an alert holds: Elasticsearch refuses documents in which one has another.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from txpipe import __version__
from txpipe.alerts.facts import addresses, matches, milliseconds, text
from txpipe.record import dumps

VERSION = "8.17.0"
_GRAVITIES = {"info": 1, "low": 21, "medium": 47, "high": 73, "critical": 99}
"""Numbers of event.severity as Elastic's own rules have them, and 1 for what those have no word for."""

_LONG = 2**63 - 1
_LISTED = 20


def ecs(line: bytes, alert: dict[str, Any]) -> bytes:
    """Return an alert as a line of ECS.

    Args:
        line: the alert as it came, which becomes ``event.original``.
        alert: the same, parsed and checked.
    """
    tags = [key for key in ("pending", "shadow") if alert.get(key) is True]
    return dumps(
        {
            "@timestamp": _rfc3339(alert["time"]),
            "ecs": {"version": VERSION},
            "message": alert["title"],
            "event": {
                "kind": "alert",
                "module": "txpipe",
                "dataset": "txpipe.alert",
                "id": alert["id"],
                "sequence": min(alert["rev"], _LONG),
                "action": f"alert-{alert['status']}",
                "severity": _GRAVITIES[alert["severity"]],
                "risk_score": alert["score"],
                "original": line.decode(),
            },
            "rule": {"id": alert["rule"], "name": alert["rule"], "category": alert["category"]},
            "related": {
                "hash": [alert["tx"]],
                "user": list(dict.fromkeys(value for _, value in addresses(alert))),
            },
            "observer": {"vendor": "txpipe", "product": "txpipe", "version": __version__},
            **({"tags": tags} if tags else {}),
            "txpipe": _own(alert),
        }
    )


def _own(alert: dict[str, Any]) -> dict[str, Any]:
    """Return what ECS has no field for; what is missing, or of a type that does not fit, is left out."""
    keys = ("status", "severity", "chain", "tx", "subject", "role", "incident")
    found: dict[str, Any] = {key: alert[key] for key in keys if key in alert}
    found |= {key: alert[key] for key in ("block", "n") if _is_long(alert[key])}
    record = alert["record"]
    for key in ("type", "from", "to", "asset", "symbol", "value", "amount"):
        if isinstance(record.get(key), str):
            found["movement" if key == "type" else key] = record[key]
    if type(record.get("usd")) in (int, float):
        found["usd"] = float(record["usd"])
    if listed := matches(alert)[:_LISTED]:
        found["lists"] = [text(match.get("list")) for match in listed]
    return found


def _is_long(value: Any) -> bool:
    return type(value) is int and abs(value) <= _LONG


def _rfc3339(time_s: int) -> str:
    when = datetime.fromtimestamp(milliseconds(time_s) // 1000, UTC)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
