"""The statistics of a scorecard: shares with their intervals, ranks, and how well scores are calibrated."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

_Z = 1.959963984540054
"""Standard normal deviate that leaves 2.5 % on either side."""
_BINS = 10
_DIGITS = 6
"""Decimals of shares: more than counts can carry, few enough to read."""


def wilson(hits: int, of: int) -> tuple[float, float] | None:
    """Return the 95 % interval of a share; None when there was nothing to count.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference" (1927). It stays
    inside 0 to 1 and holds for the few instances that a scenario has, where hits +- 2 sigma does not.

    >>> wilson(1, 2)
    (0.094531, 0.905469)
    """
    if not of:
        return None
    share, weight = hits / of, _Z * _Z / of
    centre = (share + weight / 2) / (1 + weight)
    half = math.sqrt(weight * (share * (1 - share) + weight / 4)) / (1 + weight)
    return rounded(max(centre - half, 0.0)), rounded(min(centre + half, 1.0))


def rounded(number: float) -> float:
    """Cut the noise of floating point, so that equal counts give equal bytes."""
    return round(number, _DIGITS)


def ratio(hits: int, of: int) -> dict[str, Any]:
    """Return counts, share and interval under their wire keys; unknown shares are null."""
    low, high = wilson(hits, of) or (None, None)
    return {"hits": hits, "of": of, "share": rounded(hits / of) if of else None, "low": low, "high": high}


def spread(values: Sequence[float]) -> dict[str, Any]:
    """Return median and 90th percentile under their wire keys; null of nothing.

    The percentile is a nearest rank, so it is a value that occurred: of fewer than ten, the worst.
    """
    if not values:
        return {"median": None, "p90": None}
    rank = -(-9 * len(values) // 10)
    return {"median": median(values), "p90": sorted(values)[rank - 1]}


def calibration(scored: Iterable[tuple[int, bool]]) -> dict[str, Any]:
    """Hold scores against what came true.

    Args:
        scored: score from 0 to 100, and whether the alert was true.

    Returns:
        ``brier``: mean squared error of score / 100 (0 is perfect; G. W. Brier, 1950). ``ece``: mean gap
        between score and share of true alerts, weighed by bin (expected calibration error; Naeini et al.,
        2015). ``bins``: ten, of which the last holds 90 to 100.
    """
    bins: list[list[tuple[int, bool]]] = [[] for _ in range(_BINS)]
    for score, true in scored:
        bins[min(score // _BINS, _BINS - 1)].append((score, true))
    pairs = [pair for held in bins for pair in held]
    squares = sum((score - 100 * true) ** 2 for score, true in pairs)
    gap = sum(abs(sum(score - 100 * true for score, true in held)) for held in bins)
    return {
        "alerts": len(pairs),
        "brier": rounded(squares / len(pairs) / 10_000) if pairs else None,
        "ece": rounded(gap / len(pairs) / 100) if pairs else None,
        "bins": [_bin(number, held) for number, held in enumerate(bins)],
    }


def _bin(number: int, held: Sequence[tuple[int, bool]]) -> dict[str, Any]:
    return {
        "from": number * _BINS,
        "to": 100 if number == _BINS - 1 else number * _BINS + 9,
        "score": rounded(sum(score for score, _ in held) / len(held)) if held else None,
        "true": ratio(sum(true for _, true in held), len(held)),
    }
