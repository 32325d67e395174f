"""Prices from a file: what a whole unit of an asset was worth, and since when."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable
from typing import Any

from txpipe import stream
from txpipe.errors import RecordFault, UsageFault
from txpipe.record import loads

Series = tuple[list[int], list[float]]
"""Times from which prices hold, ascending, and the prices: US dollars per whole unit."""

ALWAYS = -(1 << 62)
"""The time of a price without one."""


class Prices:
    """Prices by asset (CAIP-19) and time."""

    def __init__(self, series: dict[str, Series] | None = None) -> None:
        self._series = series or {}

    def of(self, asset: str) -> Series | None:
        """Return an asset's prices, or None."""
        return self._series.get(asset)


def at(series: Series, time: int) -> float | None:
    """Return the price that holds at a time: the last one from then or before; None before the first."""
    place = bisect.bisect_right(series[0], time)
    return series[1][place - 1] if place else None


def read(path: str, say: Callable[[str], None]) -> Prices:
    """Read prices: NDJSON objects with ``asset``, ``usd`` and optionally ``time`` (Unix seconds).

    Bad lines are reported and skipped.

    Raises:
        InputFailed: the file cannot be read.
        UsageFault: not one line is a price.
    """
    bad = stream.BadLines(say)
    source = stream.open_source(path)
    found: dict[str, dict[int, float]] = {}
    for number, line in stream.numbered_lines(source, lambda: None, bad):
        try:
            asset, time, usd = _price(loads(line))
        except RecordFault as fault:
            bad.report(source.name, number, str(fault))
        else:
            found.setdefault(asset, {})[time] = usd
    if not found:
        raise UsageFault(f'{path}: holds no price; such as {{"asset":"eip155:1/slip44:60","usd":3180}}')
    return Prices({asset: (sorted(by), [by[time] for time in sorted(by)]) for asset, by in found.items()})


def _price(said: dict[str, Any]) -> tuple[str, int, float]:
    asset, usd, time = said.get("asset"), said.get("usd"), said.get("time", ALWAYS)
    if not isinstance(asset, str) or "/" not in asset:
        raise RecordFault('"asset" is no CAIP-19 name as in eip155:1/slip44:60')
    if not isinstance(usd, (int, float)) or isinstance(usd, bool) or not 0 <= usd < math.inf:
        raise RecordFault('"usd" is no price')
    if not isinstance(time, int) or isinstance(time, bool):
        raise RecordFault('"time" is no number of Unix seconds')
    return asset.lower() if ":0x" in asset.lower() else asset, time, float(usd)
