"""Account addresses: their family and their one canonical spelling."""

from __future__ import annotations

import re

EVM = "evm"
OTHER = "other"

# Families by shape. Prefixes: Bitcoin wiki "List of address prefixes", BIP-173/350 (bech32), SLIP-173
# (human-readable parts), EIP-55 (hex), Monero and TRON documentation. A shape is no proof of a chain:
# ambiguous base58 forms count as their most used family.
_BECH32 = r"(?:[02-9ac-hj-np-z]{6,87}|[02-9AC-HJ-NP-Z]{6,87})"
_B58 = "[1-9A-HJ-NP-Za-km-z]"
_FAMILIES: tuple[tuple[str, re.Pattern[str]], ...] = (
    (EVM, re.compile(r"0x[0-9a-fA-F]{40}")),
    ("bitcoin", re.compile(rf"(?:bc1|tb1|bcrt1|BC1|TB1|BCRT1){_BECH32}|[13mn2]{_B58}{{25,34}}")),
    ("litecoin", re.compile(rf"(?:ltc1|tltc1|rltc1|LTC1){_BECH32}|[LMQ]{_B58}{{26,33}}")),
    ("bitcoincash", re.compile(r"(?:bitcoincash:)?[qp][02-9ac-hj-np-z]{41}")),
    ("tron", re.compile(rf"T{_B58}{{33}}")),
    ("dogecoin", re.compile(rf"[DA9]{_B58}{{33}}")),
    ("dash", re.compile(rf"[X7]{_B58}{{33}}")),
    ("bitcoingold", re.compile(rf"G{_B58}{{33}}")),
    ("zcash", re.compile(rf"t[13]{_B58}{{33}}|zs1[02-9ac-hj-np-z]{{75}}")),
    ("xrp", re.compile(rf"r{_B58}{{24,34}}")),
    ("monero", re.compile(rf"[48]{_B58}{{94,105}}")),
    ("solana", re.compile(rf"{_B58}{{43,44}}")),
)
_OTHER = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._-]{11,127}")
_LOWER = re.compile(r"(?:BC1|TB1|BCRT1|LTC1)")
_CAIP10 = re.compile(r"(eip155|bip122|tron|solana|ripple|xrpl|monero):[-A-Za-z0-9]{1,64}:(?P<address>.+)")


def family(address: str) -> str | None:
    """Name the address family that a spelling belongs to.

    Returns:
        ``evm``, ``bitcoin``, ``tron``, …; ``other`` for a form that may be an address of a family not known
        here; None for what cannot be an address (spaces, too short, hex of a wrong length).
    """
    for name, pattern in _FAMILIES:
        if pattern.fullmatch(address):
            return name
    if address[:2].lower() == "0x":
        return None
    return OTHER if _OTHER.fullmatch(address) else None


def canonical(address: str) -> str:
    """Return the one spelling an address has in records and indexes.

    EVM hex and bech32 become lower case; base58 stays byte for byte, its case is part of it; a
    ``bitcoincash:`` prefix and a CAIP-10 ``namespace:chain:`` prefix are dropped. No validity check.
    """
    if address.startswith("0x"):
        return address if address.islower() else address.lower()
    if ":" in address:
        if match := _CAIP10.fullmatch(address):
            address = match["address"]
        address = address.removeprefix("bitcoincash:")
    return address.lower() if address.startswith("0x") or _LOWER.match(address) else address
