"""The compiled index: one memory-mapped file for a set of lists, opened in milliseconds whatever its size.

Layout (little endian, sections 64-byte aligned): an 8-byte magic, the header's length, a JSON header with
the lists and the sections' places, then the sections: ``keys`` (sorted 64-bit hashes of canonical
addresses), ``places`` (where each one's text starts), ``texts`` (an address and its entries as one line of
JSON each) and ``filter`` (a bit table of the raw scanner's keys, see ``scan_key``).
"""

from __future__ import annotations

import bisect
import hashlib
import mmap
import os
import struct
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import orjson

from txpipe.address import EVM, canonical, family
from txpipe.errors import ListFault, SinkFailed
from txpipe.lists.entry import Entry
from txpipe.record import dumps

MAGIC = b"TXPIDX03"
SCAN_BYTES = 16
"""Bytes of an address, case folded, that the raw-byte scanner looks at; shorter addresses need parsing."""

_HEAD = struct.Struct("<8sQ")
_WORDS = struct.Struct("<QQ")
_FILTER_BITS_PER_KEY = 48
_MIX1 = 0x9E3779B97F4A7C15  # 2^64 / golden ratio, Knuth's multiplicative hashing
_MIX2 = 0xC2B2AE3D27D4EB4F  # the second prime of xxHash64
_U64 = (1 << 64) - 1
_FOLD = 0x2020202020202020
_SHARED = ("list", "list_date", "category", "source")
_OWN = ("label", "listed", "delisted", "asset")


def scan_key(text: bytes) -> int:
    """Return the 64-bit hash of an address's first SCAN_BYTES bytes with their case folded.

    Two little-endian words with bit 5 of every byte set, mixed by multiplication. ``detect.screen``
    computes the same on arrays.
    """
    low: int
    high: int
    low, high = _WORDS.unpack("<QQ", text[:SCAN_BYTES])
    mixed = ((low | _FOLD) * _MIX1 + (high | _FOLD) * _MIX2) & _U64
    return ((mixed ^ (mixed >> 32)) * _MIX1) & _U64


def filter_bits(key: int, bits_log2: int) -> tuple[int, int]:
    """Return the two bit numbers of a scan key in a filter of 2^bits_log2 bits."""
    return key >> (64 - bits_log2), key & ((1 << bits_log2) - 1)


def _key(address: str) -> int:
    return int.from_bytes(hashlib.blake2b(address.encode(), digest_size=8).digest(), "little")


class Index:
    """A read-only set of list entries, looked up by address.

    Attributes:
        path: the file, for messages.
        lists: of each list its name, date, category, source and number of entries.
        families: number of addresses by address family.
        addresses: number of distinct addresses.
        fingerprint: 32 hex digits of the content; equal indexes have equal ones.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open a compiled index.

        Raises:
            ListFault: no such file, no index, another version's, or truncated.
        """
        self.path = os.fspath(path)
        try:
            with Path(self.path).open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as exc:
            raise ListFault(self.path, f"cannot be opened: {exc}") from exc
        header = self._header()
        self.lists: list[dict[str, Any]] = header["lists"]
        self.families: dict[str, int] = header["families"]
        self.addresses: int = header["addresses"]
        self.fingerprint: str = header["fingerprint"]
        self.scannable: bool = header["scannable"]
        self.initials: str = header["initials"]
        self.filter_log2: int = header["filter_log2"]
        self._shared: list[list[str]] = header["shared"]
        view = memoryview(self._map)
        place: dict[str, list[int]] = header["sections"]
        self._keys = view[slice(*place["keys"])].cast("Q")
        self._places = view[slice(*place["places"])].cast("Q")
        self._texts = place["texts"][0]
        self.filter = view[slice(*place["filter"])]
        """Bit table of scan keys: byte b, bit i (from the lowest) is bit number 8 b + i."""

    def _header(self) -> dict[str, Any]:
        try:
            magic, size = _HEAD.unpack_from(self._map)
            if magic[:6] == MAGIC[:6] and magic != MAGIC:
                raise ListFault(self.path, "was compiled by another version; compile it again with txlist")
            if magic != MAGIC:
                raise ListFault(self.path, "is no compiled index")
            header = cast("dict[str, Any]", orjson.loads(self._map[_HEAD.size : _HEAD.size + size]))
            if header["size"] != len(self._map):
                raise ListFault(self.path, "is truncated; compile it again with txlist")
        except (struct.error, orjson.JSONDecodeError, KeyError, TypeError) as exc:
            raise ListFault(self.path, "is damaged; compile it again with txlist") from exc
        return header

    def find(self, address: str) -> tuple[Entry, ...]:
        """Return every entry of an address in canonical spelling; empty if it is not listed."""
        key = _key(address)
        at = bisect.bisect_left(self._keys, key)
        while at < len(self._keys) and self._keys[at] == key:
            start = self._texts + self._places[at]
            found, *rows = orjson.loads(self._map[start : self._texts + self._places[at + 1]])
            if found == address:
                return tuple(self._entry(address, row) for row in rows)
            at += 1
        return ()

    def _entry(self, address: str, row: list[Any]) -> Entry:
        own = dict(zip(_OWN, row[1:], strict=False))
        return Entry(address, **dict(zip(_SHARED, self._shared[row[0]], strict=True)), **own)

    def covers(self, address: str) -> bool:
        """Tell whether any list holds an address of this one's family: without, "not listed" says nothing."""
        return family(address) in self.families


def is_index(path: str | os.PathLike[str]) -> bool:
    """Tell whether a file is a compiled index, of this version or another."""
    try:
        with Path(path).open("rb") as file:
            return file.read(6) == MAGIC[:6]
    except OSError:
        return False


def build(entries: Iterable[Entry], path: str | os.PathLike[str]) -> None:
    """Compile entries to an index file, replaced atomically.

    Args:
        entries: in any order; equal ones count once. Addresses in canonical spelling.
        path: the file to write.

    Raises:
        SinkFailed: the file cannot be written.
    """
    content = _content(entries)
    target = Path(path)
    try:
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
            try:
                file.writelines(content)
                file.flush()
                os.fchmod(file.fileno(), 0o644)
                Path(file.name).replace(target)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as exc:
        raise SinkFailed(f"{target}: index cannot be written: {exc.strerror}") from exc


def _content(entries: Iterable[Entry]) -> list[bytes]:
    shared: dict[tuple[str, ...], int] = {}
    rows: dict[str, list[list[Any]]] = {}
    sizes: Counter[int] = Counter()
    for entry in entries:
        number = shared.setdefault(tuple(getattr(entry, name) for name in _SHARED), len(shared))
        row: list[Any] = [number, *(getattr(entry, name) for name in _OWN)]
        while row[-1] == "":
            row.pop()
        known = rows.setdefault(entry.address, [])
        if row not in known:
            known.append(row)
            sizes[number] += 1
    order = sorted((_key(address), address) for address in rows)
    texts = [
        orjson.dumps([address, *rows[address]], option=orjson.OPT_APPEND_NEWLINE) for _, address in order
    ]
    keys = struct.pack(f"<{len(order)}Q", *(key for key, _ in order))
    bits_log2, table = _filter(rows)
    header = {
        "lists": _summary(shared, sizes),
        "families": dict(sorted(Counter(family(address) or "other" for address in rows).items())),
        "addresses": len(rows),
        "scannable": all(len(address) >= SCAN_BYTES and address.isascii() for address in rows),
        "initials": "".join(sorted({address[0] for address in rows if family(address) != EVM})),
        "filter_log2": bits_log2,
        "shared": [list(names) for names in shared],
    }
    return _lay_out(
        header, {"keys": keys, "places": _places(texts), "texts": b"".join(texts), "filter": table}
    )


def _summary(shared: dict[tuple[str, ...], int], sizes: Counter[int]) -> list[dict[str, Any]]:
    lists: dict[tuple[str, str, str], int] = {}
    for (name, date, category, _), number in shared.items():
        lists[name, date, category] = lists.get((name, date, category), 0) + sizes[number]
    return [
        {"list": name, "list_date": date, "category": category, "entries": size}
        for (name, date, category), size in lists.items()
    ]


def _places(texts: Sequence[bytes]) -> bytes:
    places = [0]
    for text in texts:
        places.append(places[-1] + len(text))
    return struct.pack(f"<{len(places)}Q", *places)


def _filter(addresses: Iterable[str]) -> tuple[int, bytes]:
    keys = {scan_key(address.encode()) for address in addresses if len(address) >= SCAN_BYTES}
    bits_log2 = max(9, (len(keys) * _FILTER_BITS_PER_KEY - 1).bit_length())
    table = bytearray(1 << (bits_log2 - 3))
    for key in keys:
        for bit in filter_bits(key, bits_log2):
            table[bit >> 3] |= 1 << (bit & 7)
    return bits_log2, bytes(table)


def _lay_out(header: dict[str, Any], sections: dict[str, bytes]) -> list[bytes]:
    """Join header and sections; the header's own length shifts them, so room is kept for it."""
    content = hashlib.blake2b(digest_size=16)
    for section in (orjson.dumps(header), *sections.values()):
        content.update(section)
    header["fingerprint"] = content.hexdigest()
    room = _aligned(_HEAD.size + len(orjson.dumps(header)) + 64 * (len(sections) + 1))
    parts: list[bytes] = []
    at = room
    header["sections"] = {}
    for name, section in sections.items():
        header["sections"][name] = [at, at + len(section)]
        padding = _aligned(len(section)) - len(section)
        parts += [section, bytes(padding)]
        at += len(section) + padding
    header["size"] = at
    head = orjson.dumps(header)
    first = _HEAD.pack(MAGIC, len(head)) + head
    return [first, bytes(room - len(first)), *parts]


def _aligned(size: int) -> int:
    return (size + 63) & ~63


__all__ = ["SCAN_BYTES", "Entry", "Index", "build", "canonical", "filter_bits", "is_index", "scan_key"]
