"""Token symbols as the eye reads them: look-alike letters, decoration and invisible marks taken away."""

# ruff: noqa: RUF001 - letters that can be mistaken are what it is about

from __future__ import annotations

import unicodedata

LONGEST = 1024
"""Characters of a symbol that are looked at."""

SHOWN = 64
"""Characters of what is left that count."""

# Letters that look like Latin ones in common fonts, from the scripts that counterfeiters use; own selection
# after Unicode Technical Standard 39's idea of a skeleton. Compared in upper case; letters that Unicode's
# compatibility forms make plain (full width, circled, mathematical, accented) need no row.
_LOOKS_LIKE = {
    "A": "АΑᎪᴀꓮΛȺ4",
    "B": "ВΒᏴʙꓐɃ฿₿8",
    "C": "СϹᏟᴄꓚȻ¢₵",
    "D": "ᎠԀᴅꓓĐÐƉ₫",
    "E": "ЕΕᎬᴇꓰɆƐЄΞΣ€℮3",
    "F": "Ϝꜰꓝ\u0492Ƒ₣",
    "G": "ԌᏀɢꓖǤ₲",
    "H": "НΗᎻʜꓧĦ\u04a2\u04c7Һ",
    "I": "ІΙӀᏆɪꓲʟꓡᏞŁƗǀ1L|",
    "J": "ЈᎫᴊꓙɈ",
    "K": "КΚᏦᴋꓗ\u04a0\u049a\u04c3Ƙ₭",
    "M": "МΜᎷᴍꓟӍϺ₥",
    "N": "ΝՆɴꓠŊƝ₦",
    "O": "ОΟՕᴏꓳØƟΘӨѲ0٥০୦",
    "P": "РΡᏢᴘꓑƤҎ₱",
    "Q": "Ԛ",
    "R": "ᎡƦʀꓣɌ",
    "S": "ЅՏᏚꜱꓢ§5$",
    "T": "ТΤᎢᴛꓔŦ\u04acȾƬƮ†⊤₮",
    "U": "ՍԱᴜꓴɄ∪",
    "V": "ѴᏙᴠꓦ",
    "W": "ԜᎳᴡꓪѠ₩",
    "X": "ХΧꓫ×ҲӾ",
    "Y": "ҮΥУʏꓬ¥ɎҰᎩ",
    "Z": "ΖᏃᴢꓜƵȤ2",
}
_FOLD = {ord(look): letter for letter, looks in _LOOKS_LIKE.items() for look in looks}

# Small letters that look like another letter than their capitals do, and letters in boxes, discs and flags.
_SMALL = {ord(look): letter for look, letter in zip("υνωμոɑӏ", "UVWUNAI", strict=True)}
_BOXED = {
    first + place: chr(ord("A") + place) for first in (0x1F150, 0x1F170, 0x1F1E6) for place in range(26)
}
_BOXED |= {0x03F2: "C", 0x03F9: "C"}  # Unicode makes a sigma of them

_INVISIBLE = frozenset({"Cf", "Cc", "Cn", "Co", "Cs", "Mn", "Mc", "Me", "Zs", "Zl", "Zp"})
"""Unicode categories that show nothing of their own: format and control marks, accents, spaces."""

_DECORATION = frozenset({"So", "Sk", "Lm"})
"""Unicode categories that do not read as letters: emoji, stand-alone accents."""

_FILLERS = "\u115f\u1160"
"""Letters by category that leave a blank; U+3164 and U+FFA0 decompose to one."""

_AS_EMOJI = "\ufe0f"
_EDGES = "'\"`.,·*_-~!()[]{}<>"
_TURNED, _TURN_ENDS = "\u202e", "\u202c"


def skeleton(symbol: str) -> str:
    r"""Return what a symbol looks like at a glance; equal skeletons are mistaken for one another.

    >>> skeleton("U\u0405D\u200b\u0422") == skeleton("USDT")
    True
    """
    text = _in_reading_order(symbol[:LONGEST]) if _TURNED in symbol else symbol[:LONGEST]
    plain = unicodedata.normalize("NFKD", text.translate(_BOXED)).translate(_SMALL).upper()
    shown = "".join(letter for letter in plain if letter not in _FILLERS and _reads(letter))
    bare = shown.strip(_EDGES).lstrip("$") or shown
    return bare[:SHOWN].translate(_FOLD).replace("VV", "W")


def resemblance(symbol: str, known: str) -> str:
    """Say how a symbol resembles one that has the same skeleton.

    Returns:
        ``same``: the same letters, in whatever case; ``altered``: a difference that shows, by other ASCII
        characters (a digit for a letter) or an added emoji; ``disguised``: foreign letters or invisible
        marks, which nobody types by chance.
    """
    if symbol.casefold() == known.casefold():
        return "same"
    shown = symbol[:LONGEST]
    for emoji in {letter for letter in shown if _decorates(letter)}:
        shown = shown.replace(emoji + _AS_EMOJI, "").replace(emoji, "")
    return "altered" if shown.isascii() and shown.isprintable() else "disguised"


def _decorates(letter: str) -> bool:
    return unicodedata.category(letter) in _DECORATION and not skeleton(letter)


def _reads(letter: str) -> bool:
    category = unicodedata.category(letter)
    return category not in _INVISIBLE and category not in _DECORATION


def _in_reading_order(text: str) -> str:
    """Turn what a right-to-left override turns on the screen."""
    before, _, rest = text.partition(_TURNED)
    turned, _, after = rest.partition(_TURN_ENDS)
    return before + turned[::-1] + after
