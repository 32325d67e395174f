"""How long a receiver that failed is left alone."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import parsedate_to_datetime

LONGEST_S = 300.0
"""Seconds of the longest rest that is taken unasked."""

LONGEST_ASKED_S = 3600.0
"""Seconds of the longest rest that a receiver may ask for: one that lies must not silence it for ever."""


def rest_s(failures: int, first_s: float, asked_s: float, random: Callable[[], float]) -> float:
    """Return seconds to wait after some failures in a row, one or more.

    The rest doubles with every failure up to LONGEST_S, less up to half of it by chance, so that what failed
    together does not come back together; it is never shorter than what the receiver asked for.

    Args:
        failures: in a row.
        first_s: the first rest at its longest.
        asked_s: what the receiver asked for; 0 for nothing.
        random: a number from 0 up to 1.
    """
    longest = min(first_s * 2.0 ** min(failures - 1, 30), max(first_s, LONGEST_S))
    return max(longest * (1 - random() / 2), min(asked_s, LONGEST_ASKED_S))


def asked_s(retry_after: str, now: float) -> float:
    """Return the seconds that an HTTP ``Retry-After`` asks for (RFC 9110, 10.2.3); 0 if it makes no sense.

    Args:
        retry_after: the header: seconds, or a date.
        now: Unix seconds.
    """
    text = retry_after.strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        date: float = parsedate_to_datetime(text).timestamp()
        return max(0.0, date - now)
    except (ValueError, TypeError, OverflowError):
        return 0.0
