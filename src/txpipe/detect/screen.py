"""The raw-byte path of the list rules: find listed addresses in bytes, parse only the lines that hit.

A JSON string that is a listed address, unless it is spelled with a backslash, ends with a quote and, behind
a quote or the colon of a prefix (``eip155:1:``, ``bitcoincash:``), holds the address's own bytes in either
case. So a line needs parsing only if it holds a backslash, or such a place whose first SCAN_BYTES bytes hash
into the index's filter. What parsing finds in those lines is what it would find in all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from txpipe.lists.index import COARSER_LOG2, FOLD, MIX1, MIX2, SCAN_BYTES, Index

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Positions = NDArray[np.int64]
    Words = NDArray[np.uint64]

_QUOTE = ord('"')
_COLON = ord(":")
_X = ord("x")
_NEWLINE = ord("\n")
_OPEN = ord("{")
_CLOSE = ord("}")
_TO_END_QUOTE = 41
"""From the x of a quoted 0x and 40 hex digits to the quote behind."""

_ONE = np.uint64(1)
_THREE = np.uint64(3)
_SEVEN = np.uint64(7)
_HALF = np.uint64(32)
_TOP3 = np.uint64(61)
_WHICH_BYTE = np.uint64(sum(k << 5 << 8 * (7 - k) for k in range(8)))
"""Times a word with one byte of 1, the top three bits are that byte's number."""


class Scanner:
    """Finds the places in a buffer of lines where a listed address may stand.

    Attributes:
        buffer: the bytes looked at; arrays share its memory, so it is filled again, never replaced.
    """

    def __init__(self, index: Index, buffer: bytearray) -> None:
        self.buffer = buffer
        self._bytes = np.frombuffer(buffer, np.uint8)
        self._words: Words = np.ndarray((len(buffer) - 7,), np.dtype("<u8"), buffer, 0, (1,))
        self._table = np.frombuffer(index.filter, np.uint8)
        self._coarse = np.frombuffer(index.coarse, np.uint8)
        self._top = np.uint64(64 - index.filter_log2)
        self._coarse_top = np.uint64(64 - index.filter_log2 + COARSER_LOG2)
        self._mask = np.uint64((1 << index.filter_log2) - 1)
        room = len(buffer) // 8 + 1
        self._marks = np.zeros(room * 8, np.bool_)
        self._mark_words: Words = self._marks.view(np.uint64)
        self._quotes = np.zeros(room * 8, np.bool_)
        self._busy = np.zeros(room, np.bool_)
        self._evm = "evm" in index.families
        self._initials = np.zeros(256, np.bool_)
        self._initials[[ord(letter) for letter in index.initials.lower() + index.initials.upper()]] = True
        self._others = bool(index.initials)

    def candidates(self, size: int) -> list[int]:
        """Return places where a string may be a listed address: of its first byte, in no stated order.

        Args:
            size: how much of the buffer holds lines.
        """
        found: list[int] = []
        if self._evm:
            found += self._probe(self._starts_of_evm(size)).tolist()
        if self._others:
            found += self._probe(self._starts_of_others(size)).tolist()
        return found

    def misframed(self, size: int) -> tuple[int, set[int]]:
        """Count the lines and return where those start that are not framed as an object, ``{`` to ``}``."""
        np.equal(self._bytes[:size], _NEWLINE, out=self._marks[:size])
        ends = self._marked(size)
        count = len(ends)
        closed = self._bytes[ends - 1] == _CLOSE
        ends += 1  # now the starts of the lines behind
        opened = self._bytes[ends[:-1]] == _OPEN
        if self._bytes[0] == _OPEN and closed.all() and opened.all():
            return count, set()
        starts = np.concatenate(([0], ends[:-1]))
        return count, set(starts[~(closed & (self._bytes[starts] == _OPEN))].tolist())

    def _starts_of_evm(self, size: int) -> Positions:
        """Return where 0x stands 42 bytes before a quote."""
        marks, quotes = self._marks, self._quotes
        np.equal(self._bytes[:size], _X, out=marks[:size])
        np.equal(self._bytes[:size], _QUOTE, out=quotes[:size])
        reach = max(0, size - _TO_END_QUOTE)
        np.logical_and(marks[:reach], quotes[_TO_END_QUOTE:size], out=marks[:reach])
        marks[reach:size] = False
        places = self._marked(size)
        places -= 1
        return places

    def _marked(self, size: int) -> Positions:
        """Return the marked places, in order: by words of eight first, since most hold no mark."""
        words = (size + 7) >> 3
        self._marks[size : words * 8] = False
        np.not_equal(self._mark_words[:words], 0, out=self._busy[:words])
        places: Positions = np.flatnonzero(self._busy[:words])
        found = self._mark_words[places]
        if np.bitwise_and(found, found - _ONE).any():  # two in one word
            return np.flatnonzero(self._marks[:size])
        found *= _WHICH_BYTE
        found >>= _TOP3
        places <<= 3
        places += found.view(np.int64)
        return places

    def _starts_of_others(self, size: int) -> Positions:
        """Return where a string, or its part behind a colon, starts as a listed address that is no hex."""
        before = self._bytes[: size - 1]
        marks = before == _QUOTE
        np.logical_or(marks, before == _COLON, out=marks)
        np.logical_and(marks, self._initials[self._bytes[1:size]], out=marks)
        starts = np.flatnonzero(marks) + 1
        return starts[starts < len(self._bytes) - SCAN_BYTES]

    def _probe(self, starts: Positions) -> Positions:
        """Keep the starts whose scan key (``lists.index.scan_key``) is in the filter.

        Most fall to the coarse filter, which needs the first word only.
        """
        low = self._words[starts]
        low |= np.uint64(FOLD)
        low *= np.uint64(MIX1)
        kept = np.flatnonzero(_bits(self._coarse, low >> self._coarse_top))
        starts, key = starts[kept], low[kept]
        high = self._words[starts + 8]
        high |= np.uint64(FOLD)
        high *= np.uint64(MIX2)
        key += high
        key ^= key >> _HALF
        key *= np.uint64(MIX1)
        for shift in (self._top, np.uint64(0), np.uint64(20)):
            left = np.flatnonzero(_bits(self._table, (key >> shift) & self._mask))
            starts, key = starts[left], key[left]
        return starts


def _bits(table: NDArray[np.uint8], numbers: Words) -> NDArray[np.bool_]:
    """Return the bits of these numbers in a bit table."""
    octets = table[(numbers >> _THREE).view(np.int64)]
    numbers &= _SEVEN
    octets >>= numbers.astype(np.uint8)
    octets &= 1
    return octets.view(np.bool_)
