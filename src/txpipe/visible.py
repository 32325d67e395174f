r"""Text from chains and lists made safe to show: what a reader cannot see is written out.

Control characters, terminal escapes, marks that turn the reading direction (CVE-2021-42574, "Trojan Source")
and characters without width or shape become ``\x1b``, ``\u202e`` and the like; a backslash is doubled, so
that nothing looks like what it is not and the text can be had back.
"""

from __future__ import annotations

import re

# str.isprintable() rejects the general categories C (control, format, surrogate, private, unassigned) and Z
# but for the space. These are letters and marks by category and still leave no trace: fillers, variation
# selectors, the blank of Braille (Unicode's Default_Ignorable_Code_Point).
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def visible(text: str) -> str:
    r"""Return the text with everything unseen written out and backslashes doubled; one line.

    >>> visible("safe \x1b[31m\u202egpj.exe")
    'safe \\x1b[31m\\u202egpj.exe'
    """
    return printable(text.replace("\\", "\\\\") if "\\" in text else text)


def printable(text: str) -> str:
    """Return the text with everything unseen written out; for messages, where backslashes may stay."""
    if text.isprintable() and not _UNSEEN.search(text):
        return text
    return "".join(
        char if char.isprintable() and not _UNSEEN.match(char) else _written_out(char) for char in text
    )


def _written_out(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return _SHORT.get(char, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def clipped(text: str, limit: int) -> str:
    """Return at most ``limit`` characters of visible text; a digest tells texts apart that were cut.

    Args:
        text: any text.
        limit: characters, at least 24.
    """
    if len(text) <= limit:
        shown = visible(text)
        if len(shown) <= limit:
            return shown
    import hashlib  # noqa: PLC0415 - most commands start without it

    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return f"{visible(text[:limit])[: limit - 12]}...#{digest}"
