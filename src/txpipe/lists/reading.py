"""Reading one list: what was asked of it, what it says of itself, and its rows turned into entries."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from txpipe.address import OTHER, family
from txpipe.lists import words
from txpipe.lists.entry import Entry

UNDATED = "undated"
_UNKNOWN_FAMILY = re.compile(r"(?=.*[0-9])[A-Za-z0-9:_-]{20,128}")
_HEX = re.compile(r"0x[0-9a-fA-F]{40}")
_SHORTEST = 12
_BARE_HEX = re.compile(r"[0-9a-fA-F]{40}")
_WORDS = re.compile(r"[0-9A-Za-z]+")
_GENESIS = "2009-01-03"
"""Day of Bitcoin's first block: no address left a list before it."""
_HEADER = re.compile(r"#\s*(date|category|source)\s*:\s*(\S.*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ListSpec:
    """A list as the command line names it.

    Attributes:
        path: the file; ``-`` is stdin.
        name: the list's name in entries and alerts.
        category: overrides every category the file gives; empty leaves them.
        date: overrides the date the file gives; empty leaves it.
        default_category: category of rows for which neither says one.
        renamed: the name was given, not taken from the file's.
    """

    path: str
    name: str
    category: str = ""
    date: str = ""
    default_category: str = "scam"
    renamed: bool = False

    @property
    def allows(self) -> bool:
        """It is an allow-list."""
        return self.default_category == "allow"


@dataclass(slots=True)
class Faults:
    """Reports rows that are no entries, one line each, and counts them.

    A file of which no row is an entry is explained by its first few rows; messages about others wait for the
    first entry.

    Attributes:
        say: takes one message for people.
        count: bad rows so far.
    """

    say: Callable[[str], None]
    count: int = 0
    _released: bool = False
    _held: list[str] = field(default_factory=list)

    SHOWN = 20
    """Messages a list may cause before its bad rows are only counted."""
    SHOWN_AT_FIRST = 3
    """Messages before the first usable entry."""

    def report(self, place: str, reason: str, outcome: str = "skipped") -> None:
        """Count one bad row and say so."""
        self.count += 1
        if self.count <= self.SHOWN:
            self._tell(f"{place}: {reason}; {outcome}")
        elif self.count == self.SHOWN + 1:
            self._tell("further bad rows of this list are counted, not shown")

    def _tell(self, message: str) -> None:
        if self._released or self.count <= self.SHOWN_AT_FIRST:
            self.say(message)
        else:
            self._held.append(message)

    def release(self) -> None:
        """Say what was held back: the list has an entry."""
        self._released = True
        for message in self._held:
            self.say(message)
        self._held.clear()


@dataclass(slots=True)
class Reading:
    """One list being read; ``entry`` decides what a row is worth.

    Attributes:
        spec: what was asked.
        faults: where bad rows go.
        date: the list's date, as far as the file has said it.
        category: the category of rows that name none.
        source: the source of rows that name none.
        records: rows that were records of a txpipe stream.
    """

    spec: ListSpec
    faults: Faults
    date: str = ""
    category: str = ""
    source: str = ""
    records: int = 0
    _categorised: bool = False
    _said: tuple[str, ...] = ()
    _shared: Entry | None = None

    def comment(self, place: str, line: str) -> None:
        """Take a ``# date:``, ``# category:`` or ``# source:`` header; other comments say nothing."""
        match = _HEADER.match(line)
        if not match:
            return
        key, value = match[1].lower(), words.clean(match[2])
        if key == "date":
            self.date = self._day(place, value)
        elif key == "category":
            self.category = words.category(value)
        else:
            self.source = value

    def shared(self) -> Entry:
        """Return what every row of the list has in common, as an entry without an address."""
        said = (self.date, self.category, self.source)
        if self._shared is None or self._said != said:
            spec = self.spec
            self._said = said
            self._shared = Entry(
                "",
                spec.name,
                spec.date or self.date or UNDATED,
                spec.category or self.category or spec.default_category,
                source=self.source,
            )
        return self._shared

    def entry(self, place: str, row: dict[str, str]) -> Entry | None:
        """Turn a row into an entry, or report it.

        Args:
            place: file and line or row, for messages.
            row: texts by role (``words.ROLES``); ``address`` is required.

        Returns:
            The entry; None if the address is none. A date that cannot be read is reported and left out, the
            entry stays: it is better screened without a date than not at all.
        """
        text = row["address"].strip()
        if _HEX.fullmatch(text):
            address = text.lower()
        else:
            address = words.address(text)
            if reason := unusable(address):
                self.faults.report(place, f"{_shown(text)} {reason}")
                return None
        shared = self.shared()
        listed = self._day(place, row.get("listed", ""))
        said = words.category(row.get("category", "")) or words.known_category(row.get("kind", ""))
        if said:
            self._categorised = True
        return Entry(
            address,
            shared.list,
            shared.list_date,
            (not self.spec.category and said) or shared.category,
            words.clean(row.get("label", "")),
            words.clean(row.get("source", "")) or shared.source,
            listed,
            self._delisted(place, row.get("delisted", ""), listed),
            words.clean(row.get("asset", ""), 16),
        )

    def why_none(self) -> str:
        """Say why a list without one entry has none."""
        if self.records:
            return "holds txpipe records, not a list"
        rows = self.faults.count
        return f"has no usable entry in {rows:,} rows" if rows > 1 else "has no usable entry"

    def tell_default(self) -> None:
        """Say that the category was assumed, if neither option nor file gave one to any row."""
        spec = self.spec
        if not (self._categorised or self.category or spec.category or spec.allows):
            self.faults.say(
                f"{spec.path}: no category given, taken as {spec.default_category}; "
                f"say category=…,date=…:{spec.path}"
            )

    def _day(self, place: str, text: str) -> str:
        if not text:
            return ""
        found = words.day(text)
        if found is None:
            self.faults.report(place, f"date {_shown(text)} is not understood", "kept without it")
        return found or ""

    def _delisted(self, place: str, text: str, listed: str) -> str:
        """Read the day of delisting; one that cannot be true must not silence the entry."""
        found = self._day(place, text)
        if not found or found >= max(listed, _GENESIS):
            return found
        than = f"it was listed, {listed}" if listed > _GENESIS else "there were addresses"
        self.faults.report(place, f"delisted {_shown(text)} is before {than}", "kept as listed")
        return ""


def holds_address(text: str) -> bool:
    """Tell whether some word in a text has the shape of an address of a known family.

    Column names and keys can look like base58, but not with a digit among so many letters.
    """
    return any(
        any(char.isdigit() for char in word) and family(words.address(word)) not in (None, OTHER)
        for word in _WORDS.findall(text)
        if len(word) >= _SHORTEST
    )


def unusable(address: str) -> str:
    """Say why a canonical spelling cannot be listed; empty if it can."""
    kind = family(address)
    if kind is None and address.startswith("0x"):
        digits = address[2:]
        if len(digits) != 40:
            return f"has {len(digits)} characters after 0x, not 40"
        return "has characters after 0x that are no hex digits"
    if kind == OTHER and _BARE_HEX.fullmatch(address):
        return "has no 0x before its 40 hex digits"
    if kind is None or (kind == OTHER and not _UNKNOWN_FAMILY.fullmatch(address)):
        return "is no address"
    return ""


def _shown(text: str) -> str:
    shown = words.clean(text, 60)
    return f'"{shown}"'
