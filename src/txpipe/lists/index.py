"""The compiled index: one memory-mapped file for a set of lists, opened in some 10 ms a million addresses.

Layout (little endian, sections 64-byte aligned): the head (magic, the header's place and length and their
checksum), then the sections ``texts`` (an address and its entries as one line of JSON each), ``keys``
(sorted 64-bit hashes of canonical addresses), ``places`` (where each one's text starts), ``filter`` and
``coarse`` (bit tables of the raw scanner's keys, see ``scan_key``), then a JSON header with the lists and the
sections' places. ``lists.build`` writes it.
"""

from __future__ import annotations

import bisect
import hashlib
import mmap
import os
import struct
import weakref
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import orjson

from txpipe.address import family
from txpipe.errors import ListFault
from txpipe.lists.entry import Entry

MAGIC = b"TXPIDX07"
SCAN_BYTES = 16
"""Bytes of an address, case folded, that the raw-byte scanner looks at; shorter addresses need parsing."""

HEAD = struct.Struct("<8sQQ8s")
SHARED = ("list", "list_date", "category", "source")
OWN = ("label", "listed", "delisted", "asset", "category", "source")
"""Fields of a row after the number of its shared fields; trailing empty ones are left out, and a category or
source that is there stands for the shared one."""

LOOKED_UP = ("keys", "places", "filter", "coarse")
"""Sections, one after the other, in which a flipped bit would miss an address without a word; their CRC-32 is
verified at every start. Damage to ``texts`` shows when one is read."""

COARSER_LOG2 = 4
"""The coarse filter has 2^COARSER_LOG2 times fewer bits."""

_WORDS = struct.Struct("<QQ")
_VERIFIED_BYTES = 4 << 20
_CHUNK = 1 << 18
MIX1 = 0x9E3779B97F4A7C15  # 2^64 / golden ratio, Knuth's multiplicative hashing
MIX2 = 0xC2B2AE3D27D4EB4F  # the second prime of xxHash64
_U64 = (1 << 64) - 1
FOLD = 0x2020202020202020


def scan_key(text: bytes) -> int:
    """Return the 64-bit hash of an address's first SCAN_BYTES bytes with their case folded.

    Two little-endian words with bit 5 of every byte set, mixed by multiplication. ``detect.screen``
    computes the same on arrays.
    """
    low: int
    high: int
    low, high = _WORDS.unpack(text[:SCAN_BYTES])
    mixed = ((low | FOLD) * MIX1 + (high | FOLD) * MIX2) & _U64
    return ((mixed ^ (mixed >> 32)) * MIX1) & _U64


def filter_bits(key: int, bits_log2: int) -> tuple[int, int, int]:
    """Return the bit numbers of a scan key in a filter of 2^bits_log2 bits."""
    mask = (1 << bits_log2) - 1
    return key >> (64 - bits_log2), key & mask, (key >> 20) & mask


def address_key(address: bytes) -> bytes:
    """Return the 8 bytes (little endian) under which an address in canonical spelling is sorted."""
    return hashlib.blake2b(address, digest_size=8).digest()


class Index:
    """A read-only set of list entries, looked up by address.

    Attributes:
        path: the file, for messages.
        lists: of each list its name (``list``), ``list_date`` and ``category``, its number of ``entries`` and
            how many of them by address family (``families``).
        families: number of addresses by address family.
        addresses: number of distinct addresses.
        bad_rows: rows of the lists that were no entries when they were compiled.
        scannable: every address is ASCII and has SCAN_BYTES bytes or more.
        initials: the first characters of the addresses that are no EVM hex, sorted.
        filter_log2: the filter has 2^filter_log2 bits.
        fingerprint: 32 hex digits of the content; equal indexes have equal ones.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open a compiled index.

        Raises:
            ListFault: no such file, no index, another version's, truncated or damaged.
        """
        self.path = os.fspath(path)
        try:
            self._fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            weakref.finalize(self, os.close, self._fd)
            self._map = mmap.mmap(self._fd, 0, access=mmap.ACCESS_READ)
        except OSError as exc:
            raise ListFault(self.path, f"cannot be opened: {exc.strerror}") from exc
        except ValueError as exc:
            raise ListFault(self.path, "is empty") from exc
        header = self._header()
        self.lists: list[dict[str, Any]] = header["lists"]
        self.families: dict[str, int] = header["families"]
        self.addresses: int = header["addresses"]
        self.bad_rows: int = header["bad_rows"]
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
        self.coarse = view[slice(*place["coarse"])]
        """The same for the top bits of an address's first word times MIX1: it fits a processor's cache."""

    def _header(self) -> dict[str, Any]:
        if self._map[:6] != MAGIC[:6]:
            raise ListFault(self.path, "is no compiled index")
        if self._map[:8] != MAGIC:
            raise ListFault(self.path, "was compiled by another version; compile it again with txlist")
        if len(self._map) < HEAD.size:
            raise ListFault(self.path, "is truncated; compile it again with txlist")
        _, at, size, checksum = HEAD.unpack_from(self._map)
        if at + size != len(self._map):
            raise ListFault(self.path, "is truncated; compile it again with txlist")
        raw = self._map[at:]
        if checksum == head_checksum(at, raw):
            header = cast("dict[str, Any]", orjson.loads(raw))
            if self._sections_sound(header, at):
                return header
        raise ListFault(self.path, "is damaged; compile it again with txlist")

    def _sections_sound(self, header: dict[str, Any], end: int) -> bool:
        """Hash all sections of a small index, of a large one those in which damage would go unseen."""
        if end <= _VERIFIED_BYTES:
            digest = hashlib.blake2b(self._map[HEAD.size : end], digest_size=16).hexdigest()
            return bool(header["fingerprint"] == digest)
        sections = header["sections"]
        at, end = sections[LOOKED_UP[0]][0], sections[LOOKED_UP[-1]][1]
        crc = 0
        while at < end:  # read, not mapped: not every page of them is needed afterwards
            try:
                part = os.pread(self._fd, min(_CHUNK, end - at), at)
            except OSError as exc:
                raise ListFault(self.path, f"cannot be read: {exc.strerror}") from exc
            if not part:
                return False
            crc = zlib.crc32(part, crc)
            at += len(part)
        return bool(header["crc"] == crc)

    def find(self, address: str) -> tuple[Entry, ...]:
        """Return every entry of an address in canonical spelling; empty if it is not listed.

        Raises:
            ListFault: the index is damaged at this place.
        """
        text = address.encode("utf-8", "replace")
        if not self._may_hold(text):
            return ()
        key = int.from_bytes(address_key(text), "little")
        at = bisect.bisect_left(self._keys, key)
        while at < len(self._keys) and self._keys[at] == key:
            found, entries = self._at(at)
            if found == address:
                return entries
            at += 1
        return ()

    def _may_hold(self, text: bytes) -> bool:
        """Ask the filter first: a fifth of the cost of the search that most addresses do not need."""
        if len(text) < SCAN_BYTES:
            return True
        table = self.filter
        return all(table[bit >> 3] >> (bit & 7) & 1 for bit in filter_bits(scan_key(text), self.filter_log2))

    def entries(self) -> Iterator[Entry]:
        """Yield every entry, those of an address together, addresses in the index's own order."""
        for at in range(len(self._keys)):
            yield from self._at(at)[1]

    def _at(self, number: int) -> tuple[str, tuple[Entry, ...]]:
        start, end = self._places[number], self._places[number + 1]
        try:
            # Read, not mapped: texts are most of the file, and their pages would stay with the process.
            address, *rows = orjson.loads(os.pread(self._fd, end - start, self._texts + start))
            return address, tuple(self._entry(address, row) for row in rows)
        except (OSError, ValueError, TypeError, IndexError, OverflowError) as exc:
            raise ListFault(self.path, "is damaged; compile it again with txlist") from exc

    def _entry(self, address: str, row: list[Any]) -> Entry:
        fields = dict(zip(SHARED, self._shared[row[0]], strict=True))
        fields.update((name, text) for name, text in zip(OWN, row[1:], strict=False) if text)
        return Entry(address, **fields)

    def fileno(self) -> int:
        """Return the descriptor that it reads from: open as long as this is, whatever becomes of the file."""
        return self._fd

    def covers(self, address: str) -> bool:
        """Tell whether any list holds an address of this one's family: without, "not listed" says nothing."""
        return family(address) in self.families


def head_checksum(at: int, header: bytes) -> bytes:
    """Return the 8 bytes that guard a header and its place."""
    return hashlib.blake2b(MAGIC + at.to_bytes(8, "little") + header, digest_size=8).digest()


def is_index(path: str | os.PathLike[str]) -> bool:
    """Tell whether a file is a compiled index, of this version or another."""
    try:
        with Path(path).open("rb") as file:
            return file.read(6) == MAGIC[:6]
    except OSError:
        return False


__all__ = ["SCAN_BYTES", "Entry", "Index", "filter_bits", "is_index", "scan_key"]
