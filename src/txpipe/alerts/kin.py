"""Which alerts belong together: those that agree in some of their keys."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from txpipe.alerts.facts import text

SOURCES = ("incident", "subject", "rule", "category", "chain", "severity", "tx")
"""Keys of an alert by which alerts are put together."""

_LONGEST = 256
"""Characters of a name: hundreds of thousands are remembered, and texts of alerts may have a million each."""


def kin_of(alert: dict[str, Any], keys: Sequence[str]) -> str:
    """Return what names an alert's group; one that lacks a key is a group of its own."""
    if len(keys) == 1 and type(value := alert.get(keys[0])) is str and len(value) <= _LONGEST:
        return value  # as what follows, at a third of its cost
    values = [alert.get(key) for key in keys]
    return str(alert["id"]) if None in values else brief("\x1f".join(map(text, values)))


def brief(name: str) -> str:
    """Return a name to remember something by: itself, or the digest of one that is too long for that.

    >>> brief("a" * 256) == "a" * 256, len(brief("a" * 257))
    (True, 64)
    """
    return name if len(name) <= _LONGEST else hashlib.blake2b(name.encode(), digest_size=32).hexdigest()
