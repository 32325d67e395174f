"""What an alert says, as plain text: read with care, for only the alert's own keys have been checked."""

from __future__ import annotations

import re
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


_FIRST_S, _LAST_S = -62_135_596_800, 253_402_300_799
"""The years 1 to 9999."""


def milliseconds(time_s: int) -> int:
    """Return Unix seconds as milliseconds, those that no calendar has as the first or last that one has."""
    return min(max(time_s, _FIRST_S), _LAST_S) * 1000


def addresses(alert: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the addresses in an alert, each with its place there; of long lists the first hundred."""
    evidence, record = alert["evidence"], alert["record"]
    found = [("subject", alert["subject"]), ("evidence.address", evidence.get("address"))]
    found += [(f"record.{key}", record.get(key)) for key in ("from", "to", "created")]
    for key in ("inputs", "mentions"):
        values = record.get(key)
        found += [(f"record.{key}", one) for one in values[:_MANY]] if isinstance(values, list) else []
    return [(place, value) for place, value in found if isinstance(value, str) and value]


_MANY = 100


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


_CHAINS = {
    "bip122:000000000019d6689c085ae165831e93": "Bitcoin",
    "eip155:1": "Ethereum",
    "eip155:10": "OP Mainnet",
    "eip155:56": "BNB Chain",
    "eip155:137": "Polygon",
    "eip155:8453": "Base",
    "eip155:42161": "Arbitrum One",
}
"""Names of CAIP-2 chains, as https://chainlist.org has them."""

_ASSET = re.compile(r"[^/]+/(?P<kind>[a-z0-9]+):(?P<reference>[^/]+)(?:/(?P<id>.+))?", re.DOTALL)
"""A CAIP-19 asset."""


def chain(name: str) -> str:
    """Return what people call a chain, its CAIP-2 name where that is not known here."""
    return _CHAINS.get(name, name)


def asset(record: dict[str, Any]) -> str:
    """Return the symbol, else what the asset's CAIP-19 name says: an NFT, a contract, or all of it."""
    symbol, name = text(record.get("symbol")), text(record.get("asset"))
    match = _ASSET.fullmatch(name)
    if match and match["kind"] == "erc721":
        named = f" ({symbol})" if symbol else ""
        of = f"of {match['reference']}{named}"
        return f"NFT #{match['id']} {of}" if match["id"] else f"NFTs {of}"
    return symbol or (_contract(match) if match else name)


def _contract(match: re.Match[str]) -> str:
    if match["kind"] == "slip44":
        return match[0]
    return f"#{match['id']} of {match['reference']}" if match["id"] else match["reference"]


def movement(record: dict[str, Any]) -> str:
    """Say in a few words what moved: an amount, a right or a call."""
    kind = record.get("type")
    if kind == "approval":
        return f"may spend {_allowance(record)}"
    if kind == "call":
        method = text(record.get("method"))
        return f"call {method}" if method else "call"
    if kind == "heartbeat":
        return f"heartbeat: {text(record.get('status'))}"
    return _amount(record)


def _allowance(record: dict[str, Any]) -> str:
    if record.get("scope") == "all":
        named = asset(record)
        return f"all {named}" if named.startswith("NFTs ") else f"all of {named}"
    if _is_one_nft(record):
        return asset(record)
    if record.get("value") == _UNLIMITED:
        return f"unlimited {asset(record)}"
    if not text(record.get("amount")):
        return f"{_units(record)} of {asset(record)} (no decimals known)"
    return _amount(record)


def _amount(record: dict[str, Any]) -> str:
    amount = text(record.get("amount"))
    usd = record.get("usd")
    worth = f" ({usd:,.2f} USD)" if isinstance(usd, (int, float)) and not isinstance(usd, bool) else ""
    if amount:
        return f"{grouped(amount)} {asset(record)}{worth}".strip()
    if _is_one_nft(record):
        return f"{asset(record)}{worth}"
    return f"amount unknown (no decimals known for {asset(record)}), {_units(record)}{worth}"


def _units(record: dict[str, Any]) -> str:
    value = text(record.get("value"))
    return f"{grouped(value)} base unit{'s' * (value != '1')}"


def _is_one_nft(record: dict[str, Any]) -> bool:
    match = _ASSET.fullmatch(text(record.get("asset")))
    return match is not None and match["kind"] == "erc721" and match["id"] is not None
