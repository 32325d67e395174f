"""Entries on their way into an index: texts on disk, numbers in memory."""

from __future__ import annotations

import mmap
from array import array
from collections.abc import Iterable
from typing import IO, Any

import orjson

from txpipe.address import EVM, family
from txpipe.lists.entry import Addresses, Entry
from txpipe.lists.index import SCAN_BYTES, address_key

OTHER = "other"
"""The family of addresses that have none, in an index's counts."""

_SHARED_LIMIT = 4096


class Spool:
    """Entries as they come: their texts in a temporary file, of each the numbers that sorting needs.

    An entry's text is ``[address,[number of its shared fields, own fields…]]`` and a newline, so that equal
    entries have equal texts.

    Attributes:
        file: the texts in input order.
        keys: 8 bytes of each.
        heads: the first SCAN_BYTES bytes of each address that has so many.
        sizes: bytes of each text.
        numbers: the number of each one's shared fields.
        kinds: the number of each one's address family.
        shared: (list, date, category, source) to its number.
        families: address family to its number.
        initials: first characters of addresses that are no EVM hex.
        scannable: all have their bytes in ``heads``.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.keys = bytearray()
        self.heads = bytearray()
        self.sizes = array("I")
        self.numbers = array("I")
        self.kinds = array("H")
        self.shared: dict[tuple[str, ...], int] = {}
        self.families: dict[str, int] = {EVM: 0}
        self.initials: set[str] = set()
        self.scannable = True

    def take(self, items: Iterable[Entry | Addresses]) -> None:
        """Take all entries."""
        for item in items:
            if isinstance(item, Entry):
                self.add(item)
            elif item.addresses:
                self.add_many(item)
        self.file.flush()

    def add(self, entry: Entry) -> None:
        """Take one entry."""
        address = entry.address.encode()
        number, own = self._number(entry)
        row: list[Any] = [number, *own]
        while row[-1] == "":
            row.pop()
        text = orjson.dumps([entry.address, row], option=orjson.OPT_APPEND_NEWLINE)
        self.file.write(text)
        self.keys += address_key(address)
        self.sizes.append(len(text))
        self.numbers.append(number)
        kind = family(entry.address) or OTHER
        self.kinds.append(self.families.setdefault(kind, len(self.families)))
        if kind != EVM:
            self.initials.add(entry.address[:1])
        if len(address) >= SCAN_BYTES and address.isascii():
            self.heads += address[:SCAN_BYTES]
        else:
            self.scannable = False

    def add_many(self, many: Addresses) -> None:
        """Take many entries that differ in their address only; at least one."""
        count = len(many.addresses)
        number, own = self._number(many.shared)
        row: list[Any] = [number, *own]
        while row[-1] == "":
            row.pop()
        tail = b'",' + orjson.dumps(row) + b"]\n"
        text = b'["' + (tail + b'["').join(many.addresses) + tail
        self.file.write(text)
        self.keys += b"".join(map(address_key, many.addresses))
        self.sizes.extend([len(text) // count] * count)
        self.numbers.extend([number] * count)
        self.kinds.extend([0] * count)
        self.heads += b"".join([address[:SCAN_BYTES] for address in many.addresses])

    def _number(self, entry: Entry) -> tuple[int, list[str]]:
        """Return the number of an entry's shared fields and its own ones.

        A list in which every row has its own source must not make the header long, as that is read at
        every start: beyond a limit category and source go into the row.
        """
        own = [entry.label, entry.listed, entry.delisted, entry.asset, "", ""]
        shared = (entry.list, entry.list_date, entry.category, entry.source)
        number = self.shared.get(shared)
        if number is None and len(self.shared) >= _SHARED_LIMIT:
            shared = (entry.list, entry.list_date, "", "")
            own[4:] = [entry.category, entry.source]
        return self.shared.setdefault(shared, len(self.shared)) if number is None else number, own

    def content(self) -> mmap.mmap:
        """Map the texts, of which there must be one."""
        return mmap.mmap(self.file.fileno(), 0, access=mmap.ACCESS_READ)
