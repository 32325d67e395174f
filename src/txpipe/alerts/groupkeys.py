"""The keys of a route file that put alerts together, or let one mute others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from txpipe.alerts.grouping import Grouping
from txpipe.alerts.inhibition import Inhibition
from txpipe.alerts.kin import SOURCES
from txpipe.duration import seconds
from txpipe.record import SEVERITIES

GROUPING_KEYS = ("group", "wait", "interval", "limit", "repeat", "reminders")
_INHIBIT_KEYS = ("by", "mutes", "equal", "for")
_HOUR_S = 3600.0
_MOST_REMINDERS = 1000
_LIMIT = re.compile(r"([1-9][0-9]{0,5})/(.+)")


def grouping(table: Mapping[str, Any]) -> Grouping:
    """Return what a receiver's table says of grouping.

    Raises:
        ValueError: key, and what is wrong with its value.
    """
    keys = table.get("group", ["incident"])
    if not isinstance(keys, list) or not all(key in SOURCES for key in keys):
        raise ValueError("group", f"is no array of some of: {', '.join(SOURCES)}")
    limit = table.get("limit")
    match = _LIMIT.fullmatch(limit) if isinstance(limit, str) else None
    span_s = seconds(match[2]) if match else None
    if limit is not None and not span_s:
        raise ValueError("limit", 'is no number of messages in a time as in "10/1h"')
    return Grouping(
        tuple(keys),
        _span(table, "wait"),
        _span(table, "interval"),
        int(match[1]) if match else None,
        span_s or _HOUR_S,
        *_repeats(table),
    )


def _repeats(table: Mapping[str, Any]) -> tuple[float, int]:
    """Return the seconds between reminders, 0 for none, and how many there are at most."""
    most = table.get("reminders", Grouping().reminders)
    if type(most) is not int or not 1 <= most <= _MOST_REMINDERS:
        raise ValueError("reminders", f"is no number from 1 to {_MOST_REMINDERS:,}")
    if "repeat" not in table:
        if "reminders" in table:
            raise ValueError("reminders", 'needs a "repeat" that says how often')
        return 0.0, most
    if not (repeat_s := _span(table, "repeat")):
        raise ValueError("repeat", "is no time at all")
    return repeat_s, most


def inhibition(table: Mapping[str, Any]) -> Inhibition:
    """Return what a file's table says of inhibition.

    Raises:
        ValueError: key, and what is wrong with its value.
    """
    for key in table:
        if key not in _INHIBIT_KEYS:
            raise ValueError(key, f"is unknown; there are: {', '.join(_INHIBIT_KEYS)}")
    by, mutes = table.get("by", Inhibition().by), table.get("mutes", Inhibition().mutes)
    for key, value in (("by", by), ("mutes", mutes)):
        if value not in SEVERITIES:
            raise ValueError(key, f"is none of {', '.join(SEVERITIES)}")
    if SEVERITIES.index(mutes) >= SEVERITIES.index(by):
        raise ValueError("mutes", f"{mutes} is no lesser one than {by}")
    equal = table.get("equal", ["incident"])
    if not isinstance(equal, list) or not equal or not all(key in SOURCES for key in equal):
        raise ValueError("equal", f"is no array of some of: {', '.join(SOURCES)}")
    return Inhibition(by, mutes, tuple(equal), _span(table, "for") if "for" in table else _HOUR_S)


def _span(table: Mapping[str, Any], key: str) -> float:
    value = table.get(key, "0s")
    found = seconds(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(key, 'is no span of time as in "30s" or "5m"')
    return found
