"""Where people look a transaction or an address up: the explorer of each chain. Followed by a click only."""

from __future__ import annotations

from urllib.parse import quote

_EXPLORERS = {  # as https://chainlist.org names them
    "eip155:1": "https://etherscan.io",
    "eip155:10": "https://optimistic.etherscan.io",
    "eip155:56": "https://bscscan.com",
    "eip155:100": "https://gnosisscan.io",
    "eip155:137": "https://polygonscan.com",
    "eip155:8453": "https://basescan.org",
    "eip155:42161": "https://arbiscan.io",
    "eip155:43114": "https://snowtrace.io",
    "bip122:000000000019d6689c085ae165831e93": "https://blockstream.info",
    "bip122:12a765e31ffd4059bada1e25190f6e98": "https://litecoinspace.org",
}


def address_link(chain: str, address: str) -> str:
    """Return the page of an address, nothing where the chain has none here."""
    return _link(chain, "address", address)


def tx_link(chain: str, tx: str) -> str:
    """Return the page of a transaction, nothing where the chain has none here."""
    return _link(chain, "tx", tx)


def _link(chain: str, kind: str, name: str) -> str:
    site = _EXPLORERS.get(chain)
    return f"{site}/{kind}/{quote(name.encode('utf-8', 'replace'), safe='')}" if site else ""
