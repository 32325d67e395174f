"""An alert as a row of the table: short texts, the same few keys, whatever is in the alert."""

from __future__ import annotations

from typing import Any

from txpipe.alerts.facts import asset, chain, movement, text
from txpipe.dashboard.query import Stored
from txpipe.visible import clipped

Row = dict[str, Any]

_TITLE = 240
_WORD = 80


def row(alert: dict[str, Any], received: float, triage: str | None = None, by: str = "") -> Row:
    """Return a row.

    Args:
        alert: as it came.
        received: Unix seconds of its first arrival.
        triage: what people said of it; None where that is not known here, and the browser keeps what it has.
        by: who said so.
    """
    record = alert["record"]
    made: Row = {
        "id": alert["id"],
        "rev": alert["rev"],
        "sev": alert["severity"],
        "rule": clipped(alert["rule"], _WORD),
        "title": clipped(alert["title"], _TITLE),
        "what": clipped(_moved(record), _WORD),
        "who": clipped(alert["subject"], 256),
        "role": alert["role"],
        "from": _party(record, "from"),
        "to": _party(record, "to"),
        "at": int(received),
        "time": alert["time"],
        "chain": clipped(chain(alert["chain"]), _WORD),
        "status": alert["status"],
        "shadow": alert.get("shadow") is True,
    }
    if triage is not None:
        made |= {"triage": triage, "by": clipped(by, _WORD)}
    return made


def stored_row(stored: Stored) -> Row:
    """Return the row of an alert out of the store."""
    return row(stored.alert, stored.received, stored.triage, stored.triaged_by)


def _moved(record: dict[str, Any]) -> str:
    """Say what moved in little room: its worth first, which can be compared."""
    usd, amount = record.get("usd"), text(record.get("amount"))
    if isinstance(usd, bool) or not isinstance(usd, (int, float)) or record.get("type") != "transfer":
        return movement(record)
    worth = f"{usd:,.{_places(usd)}f} USD"
    return f"{worth} · {_rounded(amount)} {asset(record)}" if amount else worth


def _rounded(amount: str) -> str:
    try:
        value = float(amount)
    except ValueError:
        return amount
    return f"{value:,.{_places(value)}f}" if value >= 1000 else f"{value:.4g}"


def _places(value: float) -> int:
    """Return decimal places: what is worth more than a car needs no cents, and has no room for them."""
    return 2 if abs(value) < 100_000 else 0


def _party(record: dict[str, Any], key: str) -> str:
    return clipped(text(record.get(key)), 256)
