"""What an alert says, as plain text: read with care, for only the alert's own keys have been checked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from txpipe.errors import RecordFault
from txpipe.record import dumps

_UNLIMITED = str(2**256 - 1)
"""The value by which wallets approve without limit."""


def text(value: Any) -> str:
    """Return any JSON value as text: strings as they are, nothing for null, JSON for the rest."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    try:
        return dumps(value)[:-1].decode()
    except RecordFault:
        return "(nested too deep to be shown)"


def utc(time_s: int) -> str | None:
    """Return Unix seconds as ``2025-10-09 08:53:32``; None for a time that no calendar has."""
    try:
        return datetime.fromtimestamp(time_s, UTC).replace(tzinfo=None).isoformat(sep=" ")
    except (OverflowError, ValueError, OSError):
        return None


def matches(alert: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the list entries in the evidence; empty for a rule about conduct."""
    found = alert["evidence"].get("matches")
    return [match for match in found if isinstance(match, dict)] if isinstance(found, list) else []


def grouped(amount: str) -> str:
    """Write thousands apart: ``1250000.5`` as ``1,250,000.5``; anything but a plain number stays."""
    sign, digits = ("-", amount[1:]) if amount.startswith("-") else ("", amount)
    whole, point, fraction = digits.partition(".")
    if not (whole.isascii() and whole.isdigit()):
        return amount
    head = len(whole) % 3
    groups = [whole[:head]] * bool(head) + [whole[at : at + 3] for at in range(head, len(whole), 3)]
    return f"{sign}{','.join(groups)}{point}{fraction}"


def asset(record: dict[str, Any]) -> str:
    """Return the symbol, else the asset's CAIP-19 name."""
    return text(record.get("symbol")) or text(record.get("asset"))


def movement(record: dict[str, Any]) -> str:
    """Say in a few words what moved: an amount, a right or a call."""
    kind = record.get("type")
    if kind == "approval":
        return f"may spend {_allowance(record)}"
    if kind == "call":
        method = text(record.get("method"))
        return f"call {method}" if method else "call"
    return _amount(record)


def _allowance(record: dict[str, Any]) -> str:
    if record.get("scope") == "all":
        return f"all of {asset(record)}"
    if record.get("value") == _UNLIMITED:
        return f"unlimited {asset(record)}"
    return _amount(record)


def _amount(record: dict[str, Any]) -> str:
    amount = text(record.get("amount"))
    number = grouped(amount) if amount else f"{text(record.get('value'))} base units of"
    usd = record.get("usd")
    worth = f" ({usd:,.2f} USD)" if isinstance(usd, (int, float)) and not isinstance(usd, bool) else ""
    return f"{number} {asset(record)}{worth}".strip()
