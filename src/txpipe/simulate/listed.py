"""The wallets on txsim's demo list: invented, the same for every seed."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

DATE = "2025-10-01"
"""The list's own date; bump it when the wallets change."""

# Entities per category and wallets per entity, largest first.
_GROUPS: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("phishing", "Demo phishing ring", (24, 18, 14, 10, 8, 6, 5, 5)),
    ("theft", "Demo exchange heist", (22, 16, 12, 8, 6)),
    ("sanctions", "Demo sanctioned entity", (16, 12, 8, 6, 4, 4)),
    ("scam", "Demo investment scam", (14, 12, 10, 8, 6, 4)),
    ("ransomware", "Demo ransomware crew", (14, 10, 8, 4)),
    ("mixer", "Demo mixer pool", (10, 8, 6)),
    ("darknet", "Demo darknet market", (10, 6, 4)),
)
_SOURCE = "https://example.org/txpipe/demo"


class Wallet(NamedTuple):
    """One row of the demo list."""

    address: str
    label: str
    category: str
    listed: str


def wallets() -> list[Wallet]:
    """Return the listed wallets, in the list's order."""
    rows = []
    for category, entity, sizes in _GROUPS:
        for number, size in enumerate(sizes, 1):
            for index in range(size):
                digest = hashlib.sha256(f"txpipe demo wallet {category} {number} {index}".encode()).digest()
                month = digest[20] % 60
                day = f"{2020 + month // 12}-{month % 12 + 1:02}-{digest[21] % 28 + 1:02}"
                rows.append(Wallet(f"0x{digest[:20].hex()}", f"{entity} {number}", category, day))
    return rows


def as_csv() -> bytes:
    """Write the list as a CSV file with its date and its nature in comment lines."""
    lines = [
        "# Wallets that txsim invents for demonstration. No real person or service stands behind them.",
        "# Written by: txsim --write-list blocklists/demo.csv",
        f"# date: {DATE}",
        "address,label,category,listed,source",
    ]
    lines += [",".join((*wallet, _SOURCE)) for wallet in wallets()]
    return "\n".join((*lines, "")).encode()
