"""A token's symbol as its contract spells it, made safe to hand on: anybody can write anything there.

What txdetect's counterfeit-token goes by is left as it is: letters that look like others, and marks that
cannot be seen. What could break out of a line, a terminal or a record's bounds is not.
"""

from __future__ import annotations

import unicodedata

LOOKED = 4096
"""Bytes of a symbol that are looked at."""

LONGEST = 64
"""Characters of a symbol that are kept."""

_IN_A_ROW = 2
"""Unseen characters kept in a row: with more, a name could be pushed behind LONGEST."""

_TURNS = 4
"""Marks that turn the reading direction that are kept."""

_BREAKS = frozenset({"Cc", "Zl", "Zp"})
_UNSEEN = frozenset({"Cf", "Cn", "Co", "Mn", "Me", "Zs"})
_FILLERS = frozenset("\u115f\u1160\u2800\u3164\uffa0\ufffd")
_CLOSED_BY = dict.fromkeys("\u202a\u202b\u202d\u202e", "\u202c") | dict.fromkeys(
    "\u2066\u2067\u2068", "\u2069"
)
_CLOSERS = frozenset(_CLOSED_BY.values())
_BROKEN = "\ufffd"


def tamed(raw: bytes) -> str:
    r"""Return a symbol of at most LONGEST characters, and what ends its turns of direction; twice is once.

    Control characters, ends of lines and what is no UTF-8 become U+FFFD. A turn of the reading direction
    (CVE-2021-42574) ends with the symbol, so that the rest of the line reads as it is.

    >>> tamed(b"US\x1bDT\x00")
    'US\ufffdDT'
    """
    kept: list[str] = []
    ends: list[str] = []
    shown = unseen = turns = 0
    for letter in raw[:LOOKED].decode("utf-8", "replace").strip("\0"):
        if shown >= LONGEST:
            break
        if letter in _CLOSERS:
            if ends and ends[-1] == letter:
                kept.append(ends.pop())
            continue
        if letter in _CLOSED_BY:
            turns += 1
            if turns > _TURNS:
                continue
            ends.append(_CLOSED_BY[letter])
        written = _BROKEN if unicodedata.category(letter) in _BREAKS else letter
        unseen = unseen + 1 if _is_unseen(written) else 0
        if unseen <= _IN_A_ROW or letter in _CLOSED_BY:
            kept.append(written)
            shown += 1
    return "".join([*kept, *reversed(ends)])


def _is_unseen(letter: str) -> bool:
    return letter in _FILLERS or unicodedata.category(letter) in _UNSEEN
