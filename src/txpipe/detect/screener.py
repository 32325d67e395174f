"""What the lists say of an address at a time: blocklists, less allow-lists, less what was delisted."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from txpipe.address import canonical
from txpipe.lists.entry import Entry
from txpipe.lists.index import Index

_NAMES_KEPT = 100_000
"""Addresses of an allow-list of at most this size are kept in a set: every new account asks for them."""

SANCTIONS = "sanctions"
"""The category that an allow-list silences only on demand: the law has no allow-list."""


@dataclass(slots=True)
class Screener:
    """Looks addresses up in blocklists and allow-lists.

    Attributes:
        block: the blocklists; None means that nothing is listed.
        allow: the allow-lists, which win.
        allow_sanctions: let them win over sanctions, too.
        silenced: how often an allow-list won so far.
    """

    block: Index | None
    allow: Index | None = None
    allow_sanctions: bool = False
    silenced: int = 0
    _names: frozenset[str] | None = None

    def matches(self, address: str, day: str, *, count: bool = True) -> tuple[Entry, ...]:
        """Return the entries that count against an address.

        Args:
            address: canonical spelling.
            day: YYYY-MM-DD of the record; entries delisted by then do not count.
            count: count it if an allow-list wins.
        """
        if self.block is None:
            return ()
        found = self.block.find(address)
        if found:
            found = tuple(entry for entry in found if not entry.delisted or day < entry.delisted)
        if not found or not self._allowed(address, day):
            return found
        left = () if self.allow_sanctions else tuple(e for e in found if e.category == SANCTIONS)
        self.silenced += count and not left
        return left

    def listing(self, record: dict[str, Any]) -> dict[str, tuple[Entry, ...]]:
        """Return what the lists say of a movement's two parties, by canonical address."""
        if self.block is None:
            return {}
        day = day_of(record["time"])
        parties = {canonical(party) for party in (record["from"], record["to"]) if party is not None}
        found = {party: self.matches(party, day, count=False) for party in sorted(parties)}
        return {party: entries for party, entries in found.items() if entries}

    def allows(self, address: str, time: int) -> bool:
        """Return whether an allow-list names an address at a time (Unix seconds)."""
        names = self._names
        if names is not None:
            return address in names and self._allowed(address, day_of(time))
        if self.allow is None:
            return False
        if self.allow.addresses <= _NAMES_KEPT:
            self._names = frozenset(entry.address for entry in self.allow.entries())
        return self._allowed(address, day_of(time))

    def _allowed(self, address: str, day: str) -> bool:
        return self.allow is not None and any(entry.active(day) for entry in self.allow.find(address))


@functools.lru_cache(maxsize=1024)
def day_of(time: int) -> str:
    """Return the UTC day of Unix seconds as YYYY-MM-DD; times outside the calendar give its ends."""
    try:
        return datetime.fromtimestamp(time, UTC).date().isoformat()
    except (OverflowError, ValueError, OSError):
        return "0001-01-01" if time < 0 else "9999-12-31"
