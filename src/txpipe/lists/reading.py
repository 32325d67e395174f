"""Reading one list: what was asked of it, what it says of itself, and its rows turned into entries."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from txpipe.address import OTHER, canonical, family
from txpipe.lists import words
from txpipe.lists.entry import Entry

UNDATED = "undated"
_UNKNOWN_FAMILY = re.compile(r"(?=.*[0-9])[A-Za-z0-9:_-]{20,128}")
_HEX = re.compile(r"0x[0-9a-fA-F]{40}")
_BARE_HEX = re.compile(r"[0-9a-fA-F]{40}")
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


@dataclass(slots=True)
class Faults:
    """Reports rows that are no entries, one line each, and counts them.

    Attributes:
        say: takes one message for people.
        count: bad rows so far.
    """

    say: Callable[[str], None]
    count: int = 0

    SHOWN = 20
    """Messages a list may cause before its bad rows are only counted."""

    def report(self, place: str, reason: str, outcome: str = "skipped") -> None:
        """Count one bad row and say so."""
        self.count += 1
        if self.count <= self.SHOWN:
            self.say(f"{place}: {reason}; {outcome}")
        if self.count == self.SHOWN:
            self.say("further bad rows of this list are counted, not shown")


@dataclass(slots=True)
class Reading:
    """One list being read; ``entry`` decides what a row is worth.

    Attributes:
        spec: what was asked.
        faults: where bad rows go.
        date: the list's date, as far as the file has said it.
        category: the category of rows that name none.
        source: the source of rows that name none.
    """

    spec: ListSpec
    faults: Faults
    date: str = ""
    category: str = ""
    source: str = ""
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
            address = canonical(text)
            if reason := unusable(address):
                self.faults.report(place, f"{_shown(text)} {reason}")
                return None
        shared = self.shared()
        said = row.get("category", "")
        return Entry(
            address,
            shared.list,
            shared.list_date,
            (not self.spec.category and words.category(said)) or shared.category,
            words.clean(row.get("label", "")),
            words.clean(row.get("source", "")) or shared.source,
            self._day(place, row.get("listed", "")),
            self._day(place, row.get("delisted", "")),
            words.clean(row.get("asset", ""), 16),
        )

    def _day(self, place: str, text: str) -> str:
        if not text:
            return ""
        found = words.day(text)
        if found is None:
            self.faults.report(place, f"date {_shown(text)} is not understood", "kept without it")
        return found or ""


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
