"""What ``structuring`` keeps of amounts, and how likely it is that chance brought so many into a band."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

TIME, AMOUNT, UNITS, PARTY, NUMBER, MORE, TX = range(7)
"""What is kept of an amount: when, USD, units and asset, with whom, how many movements that side had then,
whether its sender held the threshold or more (1 or 0; -1 if it held more than was seen), and in which
transaction. Of what an
account received, up to half does not count if it sends as often: deposit addresses are sent gas each time."""


def within(amounts: Sequence[tuple[Any, ...]], window_s: int) -> Sequence[tuple[Any, ...]]:
    """Return the last amounts, up to some seconds before the newest."""
    newest = amounts[-1][TIME]
    return [each for each in amounts if 0 <= newest - each[TIME] <= window_s]


def of_all(window: Sequence[tuple[Any, ...]]) -> int:
    """Return how many movements of any size the amounts are out of; it sends and gets at the same time."""
    return int(max(window[-1][NUMBER] - window[0][NUMBER] + 1, len(window)))


def chance_of(window: Sequence[tuple[Any, ...]], spread: float) -> float:
    """Bound the chance of so many amounts in a band by Chernoff: exp(-n KL(k/n || spread))."""
    spread = min(max(spread, 1e-9), 1 - 1e-9)
    inside = len(window)
    number = of_all(window)
    share = inside / number
    if share <= spread:
        return 1.0
    rest = (1 - share) * math.log((1 - share) / (1 - spread)) if share < 1 else 0.0
    return math.exp(-number * (share * math.log(share / spread) + rest))
