"""Distributions as tables: heavy-tailed sizes, Zipf-like ranks, the rhythm of a day.

Same seed, same bytes on any machine and any Python: nothing here calls the C library's exp, log or pow, whose
last digit differs between platforms, nor sums floats (compensated since Python 3.12); only single operations
and the square root, which IEEE 754 fixes to the bit.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Hashable
from typing import TypeVar

T = TypeVar("T", bound=Hashable)

Bits = Callable[[int], int]
"""``Random.getrandbits`` of one stream: k random bits as an integer."""

HOURS = (
    *(62, 58, 55, 56, 60, 66, 74, 86, 98, 104, 106, 108),
    *(112, 124, 138, 146, 144, 136, 126, 116, 104, 92, 80, 70),
)
"""Activity by hour of day, UTC, in percent of the mean: Europe and America awake, a trough at night."""

BUSY = (34, 48, 57, 64, 70, 76, 81, 86, 91, 96, 102, 109, 118, 131, 152, 205)
"""A block's own activity in percent of the hour's: equally likely steps of a skewed law."""


def exp2(power: float) -> float:
    """Return 2 to the power, from products of repeated square roots of 2."""
    whole = math.floor(power)
    rest = power - whole
    result = 1.0
    root = 2.0
    for _ in range(30):
        root = math.sqrt(root)
        rest *= 2
        if rest >= 1:
            rest -= 1
            result *= root
    return result * (2.0**whole if whole >= 0 else 1 / 2.0**-whole)


def log_normal(median: float, doublings: float, count: int, salt: str) -> list[int]:
    """Draw a fixed, sorted sample of a log-normal law, for choice by a random index.

    Args:
        median: of the values drawn.
        doublings: standard deviation of the base-2 logarithm.
        count: values in the sample.
        salt: names the sample; the same salt gives the same one.

    Returns:
        Integers of at least 1, ascending.
    """
    bits = random.Random(f"txpipe:{salt}").getrandbits
    twelve = sorted(sum(bits(32) for _ in range(12)) for _ in range(count))  # Irwin-Hall: nearly normal
    return [max(1, round(median * exp2(doublings * (drawn / 2**32 - 6)))) for drawn in twelve]


def zipf_table(ranks: int, shift: int, size_bits: int) -> list[int]:
    """Lay out ranks 0.. in a table, each as often as its weight 1 / (rank + shift) says.

    Args:
        ranks: how many there are.
        shift: flattens the head.
        size_bits: the table has 2 to this places.
    """
    size = 1 << size_bits
    weights = [10**12 // (place + shift) for place in range(ranks)]
    return weighted(dict(enumerate(weights)), size)


def weighted(shares: dict[T, int], size: int) -> list[T]:
    """Lay out things in a table of a given size, each as often as its share says."""
    total = sum(shares.values())
    table: list[T] = []
    reached = 0
    for thing, share in shares.items():
        reached += share
        table += [thing] * (reached * size // total - len(table))
    return table


def activity(time: int) -> int:
    """Return the mean activity at an event time in percent, interpolated between hours."""
    hour, second = divmod(time % 86400, 3600)
    here, following = HOURS[hour], HOURS[(hour + 1) % 24]
    return here + (following - here) * second // 3600
