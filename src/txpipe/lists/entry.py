"""What a list says of an address."""

from __future__ import annotations

from dataclasses import dataclass, replace

CATEGORIES: tuple[str, ...] = (
    "sanctions",
    "terrorism",
    "ransomware",
    "theft",
    "phishing",
    "mixer",
    "darknet",
    "scam",
    "allow",
)
"""Categories that severities are written for; a list may name others, which count as ``scam`` does."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of one list.

    Attributes:
        address: canonical spelling (``txpipe.address.canonical``).
        list: the list's name.
        list_date: the list's own date, YYYY-MM-DD or ``undated``.
        category: why the address is listed, one of CATEGORIES or a list's own word.
        label: the entity's name; empty if the list gives none.
        source: where the claim comes from, a URL or a publisher; may be empty.
        listed: day the address entered the list, YYYY-MM-DD; empty if unknown.
        delisted: day it left; empty while it is listed.
        asset: asset symbol the list names it under (OFAC's XBT, ETH, …); empty if none.
    """

    address: str
    list: str
    list_date: str = "undated"
    category: str = "scam"
    label: str = ""
    source: str = ""
    listed: str = ""
    delisted: str = ""
    asset: str = ""

    def named(self, **changes: str) -> Entry:
        """Return the entry with some fields replaced."""
        return replace(self, **changes)

    def active(self, day: str = "") -> bool:
        """Tell whether the entry held on a day (YYYY-MM-DD); without one, whether it was never delisted.

        An unknown day of listing counts as always listed; on the day of delisting the entry no longer holds.
        """
        if not day:
            return not self.delisted
        return self.listed <= day and (not self.delisted or day < self.delisted)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Many EVM addresses of one list that share everything else: a long plain list, cheaply.

    Attributes:
        shared: the entry of each, with an empty address.
        addresses: canonical spellings, ASCII, 42 bytes each.
    """

    shared: Entry
    addresses: list[bytes]
