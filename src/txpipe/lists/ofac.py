"""The US Treasury's SDN_ADVANCED.XML: sanctioned parties with their digital currency addresses, streamed.

Format: https://ofac.treasury.gov/sdn-list-data-formats-data-schemas. A DistinctParty has names and
features; a feature whose type is called "Digital Currency Address - XBT" holds an address; a SanctionsEntry
has the day on which the party was listed, which is the best the file says of the address, too.
"""

from __future__ import annotations

import xml.parsers.expat
from collections.abc import Callable, Iterable, Iterator
from typing import NoReturn

from txpipe.errors import ListFault
from txpipe.lists import words
from txpipe.lists.entry import Entry
from txpipe.lists.reading import Reading

_ADDRESS_FEATURE = "Digital Currency Address - "
_TEXT_LIMIT = 4096
_TEXT_PIECES = 64
_NAME_PARTS = 64
_DEPTH = 64
"""Elements within each other; OFAC's file has a dozen."""
_TAG_LIMIT = 1 << 20
"""Bytes of one tag, comment or declaration, which the parser holds in memory."""
_NAMES = 10_000
"""Names of elements and attributes, which the parser keeps; OFAC's file has some 200."""
_ADDRESSES = 1_000_000
_ENCODINGS = ("utf-8", "us-ascii", "iso-8859-1", "windows-1252")
"""What the parser reads without a codec of Python's, of which most give no table of 256 characters."""
_DATE_PARTS = ("Year", "Month", "Day")


def read_ofac(path: str, chunks: Iterable[bytes], reading: Reading) -> Iterator[Entry]:
    """Read the address/asset pairs of every sanctioned party; the list's date is the file's DateOfIssue.

    Only addresses and names of their parties are held in memory; entries come at the end, as dates do.

    Raises:
        ListFault: no XML, another XML format, a document type or entity declaration in it, or more of
            something than memory should hold.
    """
    parties = _Parties(path)
    parser = xml.parsers.expat.ParserCreate()
    parser.buffer_text = True
    parser.XmlDeclHandler = parties.declare
    parser.StartElementHandler = parties.start
    parser.EndElementHandler = parties.end
    parser.CharacterDataHandler = parties.text
    parser.StartDoctypeDeclHandler = parties.refuse
    parser.EntityDeclHandler = parties.refuse
    try:
        fed = 0
        for chunk in chunks:
            parser.Parse(chunk, False)
            fed += len(chunk)
            if fed - parser.CurrentByteIndex > _TAG_LIMIT + len(chunk):
                raise ListFault(path, f"has more than {_TAG_LIMIT >> 20} MiB in one tag")
            if len(parser.intern) > _NAMES:
                raise ListFault(path, f"has more than {_NAMES:,} names of elements and attributes")
        parser.Parse(b"", True)
    except xml.parsers.expat.ExpatError as exc:
        raise ListFault(path, f"is no well-formed XML: {exc}") from exc
    reading.date = parties.issued
    reading.category = reading.category or "sanctions"
    reading.source = reading.source or "OFAC"
    for number, (party, asset, address) in enumerate(parties.addresses, 1):
        row = {
            "address": address,
            "asset": asset,
            "label": parties.names.get(party, ""),
            "listed": parties.listed.get(party, ""),
        }
        entry = reading.entry(f"{path}#{number}", row)
        if entry:
            yield entry


class _Parties:
    """What is collected on the way through the file.

    Attributes:
        issued: the list's date.
        addresses: (party, asset, address) in the file's order.
        names: the primary name of each party that has an address.
        listed: the first day on which each party was listed.
    """

    def __init__(self, path: str) -> None:
        self.issued = ""
        self.addresses: list[tuple[str, str, str]] = []
        self.names: dict[str, str] = {}
        self.listed: dict[str, str] = {}
        self._path = path
        self._root = ""
        self._depth = 0
        self._assets: dict[str, str] = {}
        self._party = ""
        self._name: list[str] = []
        self._in_primary = False
        self._asset = ""
        self._feature = ""
        self._date: dict[str, str] | None = None
        self._texts: list[str] | None = None
        self._starts: dict[str, Callable[[dict[str, str]], None]] = {
            "DateOfIssue": self._start_date,
            "FeatureType": self._start_feature_type,
            "Profile": self._start_profile,
            "Alias": self._start_alias,
            "Feature": self._start_feature,
            "SanctionsEntry": self._start_entry,
            "EntryEvent": self._start_event,
        }
        self._ends: dict[str, Callable[[str], None]] = {
            "DateOfIssue": self._end_issue,
            "FeatureType": self._end_feature_type,
            "NamePartValue": self._end_name,
            "VersionDetail": self._end_detail,
            "Alias": self._end_alias,
            "Feature": self._end_feature,
            "Profile": self._end_profile,
            "EntryEvent": self._end_event,
        }

    def refuse(self, *_declaration: object) -> NoReturn:
        """Refuse declarations: OFAC's file has none, and they are how XML is made to explode."""
        raise ListFault(self._path, "declares a document type or entities, which no sanctions list does")

    def declare(self, _version: str, encoding: str | None, _standalone: int) -> None:
        """Refuse encodings that cannot be read."""
        if encoding and encoding.lower() not in _ENCODINGS:
            raise ListFault(self._path, f"is XML in encoding {words.clean(encoding, 40)}; save it as UTF-8")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Take the start of an element; text is kept of the few whose text is used."""
        if not self._root:
            self._root = name
            if name != "Sanctions":
                raise ListFault(self._path, f"is XML with root {name[:40]}, not OFAC's SDN_ADVANCED.XML")
        self._depth += 1
        if self._depth > _DEPTH:
            raise ListFault(self._path, f"is nested more than {_DEPTH} deep")
        begin = self._starts.get(name)
        if begin:
            begin(attributes)
        if (
            name == "FeatureType"
            or (name == "VersionDetail" and self._asset)
            or (name == "NamePartValue" and self._in_primary)
            or (self._date is not None and name in _DATE_PARTS)
        ):
            self._texts = []

    def text(self, text: str) -> None:
        """Take a piece of text."""
        if self._texts is not None and len(self._texts) < _TEXT_PIECES:
            self._texts.append(text[:_TEXT_LIMIT])

    def end(self, name: str) -> None:
        """Take the end of an element."""
        self._depth -= 1
        text = ""
        if self._texts is not None:
            text = "".join(self._texts)[:_TEXT_LIMIT].strip()
            self._texts = None
            if self._date is not None and name in _DATE_PARTS:
                self._date[name] = text
        finish = self._ends.get(name)
        if finish:
            finish(text)

    def _start_date(self, _attributes: dict[str, str]) -> None:
        self._date = {}

    def _start_feature_type(self, attributes: dict[str, str]) -> None:
        self._feature = attributes.get("ID", "")

    def _end_feature_type(self, text: str) -> None:
        if text.startswith(_ADDRESS_FEATURE):
            self._assets[self._feature] = text.removeprefix(_ADDRESS_FEATURE)

    def _start_profile(self, attributes: dict[str, str]) -> None:
        self._party = attributes.get("ID", "")
        self._name.clear()

    def _start_alias(self, attributes: dict[str, str]) -> None:
        self._in_primary = attributes.get("Primary") == "true"

    def _end_name(self, text: str) -> None:
        if text and len(self._name) < _NAME_PARTS:
            self._name.append(text)

    def _end_alias(self, _text: str) -> None:
        self._in_primary = False

    def _start_feature(self, attributes: dict[str, str]) -> None:
        self._asset = self._assets.get(attributes.get("FeatureTypeID", ""), "")

    def _end_feature(self, _text: str) -> None:
        self._asset = ""

    def _end_detail(self, text: str) -> None:
        if self._asset and text:
            if len(self.addresses) >= _ADDRESSES:
                raise ListFault(self._path, f"has more than {_ADDRESSES:,} addresses; give it as CSV or text")
            self.addresses.append((self._party, self._asset, text))
            self.names[self._party] = ""

    def _end_profile(self, _text: str) -> None:
        if self._party in self.names:
            self.names[self._party] = " ".join(self._name)

    def _start_entry(self, attributes: dict[str, str]) -> None:
        self._party = attributes.get("ProfileID", "")

    def _start_event(self, _attributes: dict[str, str]) -> None:
        if self._party in self.names:
            self._date = {}

    def _end_event(self, _text: str) -> None:
        date, self._date = self._date, None
        found = _iso(date or {})
        if found:
            self.listed[self._party] = min(found, self.listed.get(self._party, found))

    def _end_issue(self, _text: str) -> None:
        self.issued = _iso(self._date or {})
        self._date = None


def _iso(date: dict[str, str]) -> str:
    parts = [date.get(part, "") for part in _DATE_PARTS]
    return words.day("-".join(parts)) or "" if all(parts) else ""
