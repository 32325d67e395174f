"""Prices from a file: what a whole unit of an asset was worth, and since when; what a figure may be."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from txpipe import stream
from txpipe.errors import RecordFault, UsageFault
from txpipe.record import loads

Series = tuple[list[int], list[float]]
"""Times from which prices hold, ascending, and the prices: US dollars per whole unit."""

ALWAYS = -(1 << 62)
"""The time of a price without one."""

MOST_LINES = 2_000_000
"""Lines of a file of prices: two years of a price a minute take half of them, and all about 300 MB."""

MOST_BYTES = 256 << 20
"""Bytes of a file of prices."""

MAX_LINE = 1 << 16
"""Bytes of a line of it."""

MOST_USD = 1e15
"""More than all money there is: a larger figure is nonsense and counts as this."""

_ONE = '{"asset":"eip155:1/slip44:60","usd":3180}'


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
        UsageFault: not one line is a price, or it is larger than any file of prices.
    """
    bad = stream.BadLines(say)
    opened = stream.open_source(path)
    source = _Bounded(opened.fd, opened.name)
    found: dict[str, dict[int, float]] = {}
    for number, line in stream.numbered_lines(source, lambda: None, bad, MAX_LINE):
        try:
            asset, time, usd = _price(loads(line))
        except RecordFault as fault:
            bad.report(source.name, number, str(fault))
        else:
            found.setdefault(asset, {})[time] = usd
    if not found:
        raise UsageFault(f"{path}: holds no price; such as {_ONE}")
    return Prices({asset: (sorted(by), [by[time] for time in sorted(by)]) for asset, by in found.items()})


@dataclass(slots=True)
class _Bounded(stream.Source):
    """A source that is refused when it cannot be a file of prices: prices are kept, and junk has no end."""

    _bytes: int = 0
    _lines: int = 0
    _open: int = 0

    def read(self, before_block: Callable[[], None]) -> bytes:
        """Return what is there.

        Raises:
            InputFailed: the operating system refused the read.
            UsageFault: it is too long, or a line of it is.
        """
        chunk = stream.Source.read(self, before_block)
        ends = chunk.count(b"\n")
        self._bytes += len(chunk)
        self._lines += ends
        self._open = len(chunk) - chunk.rfind(b"\n") - 1 + (0 if ends else self._open)
        if self._open > MAX_LINE:
            what = f"a line of more than {MAX_LINE:,} bytes, so no file of prices"
            raise UsageFault(f"{self.name}:{self._lines + 1}: {what}; give NDJSON, a price a line: {_ONE}")
        if self._lines > MOST_LINES or self._bytes > MOST_BYTES:
            what = f"more than {MOST_LINES:,} lines or {MOST_BYTES >> 20} MiB"
            raise UsageFault(f"{self.name}:{self._lines}: {what}; keep the assets and times of your records")
        return chunk


def _price(said: dict[str, Any]) -> tuple[str, int, float]:
    asset, usd, time = said.get("asset"), said.get("usd"), said.get("time", ALWAYS)
    if not isinstance(asset, str) or "/" not in asset:
        raise RecordFault('"asset" is no CAIP-19 name as in eip155:1/slip44:60')
    if not isinstance(usd, (int, float)) or isinstance(usd, bool) or not 0 <= usd < math.inf:
        raise RecordFault('"usd" is no price')
    if not isinstance(time, int) or isinstance(time, bool):
        raise RecordFault('"time" is no number of Unix seconds')
    return asset.lower() if ":0x" in asset.lower() else asset, time, float(usd)
