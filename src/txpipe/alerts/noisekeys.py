"""The tables of a route file that say how much of a kind is too much."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any, cast

from txpipe.alerts.escalation import Level
from txpipe.alerts.limits import KINDS, UP_TO, Kind, Limit
from txpipe.alerts.routekeys import CONDITIONS, Keys
from txpipe.alerts.routes import Route
from txpipe.fields import SEVERITIES, Severity

_LIMIT_KEYS = (*CONDITIONS, "type", "count", "for", "track", "up_to", "to")
_LEVEL_KEYS = ("name", "to", "by", "count", "usd", "severity")
_MOST = 1_000_000


def limits(keys: Keys, said: Mapping[str, Any], receivers: Collection[str]) -> list[Limit]:
    """Return the limits of a route file.

    Args:
        keys: reads it, and takes its faults.
        said: the file.
        receivers: that there are.
    """
    found = {place: _limit(keys, place, table, receivers) for place, table in keys.tables(said, "limits")}
    _differ(keys, {place: limit.about.name for place, limit in found.items()}, "limit")
    return list(found.values())


def levels(keys: Keys, said: Mapping[str, Any], receivers: Collection[str]) -> list[Level]:
    """Return the levels at which a route file lets incidents escalate.

    Args:
        keys: reads it, and takes its faults.
        said: the file.
        receivers: that there are.
    """
    found = {place: _level(keys, place, table, receivers) for place, table in keys.tables(said, "escalate")}
    _differ(keys, {place: level.name for place, level in found.items()}, "level")
    return list(found.values())


def _differ(keys: Keys, names: Mapping[str, str], kind: str) -> None:
    """Find fault with names that are had twice: what is kept in the spool is kept by name."""
    counts = Counter(names.values())
    for place, name in names.items():
        if counts[name] > 1:
            keys.fault(f"{place}.name", f"{name}: another {kind} is called so, too")


def _level(keys: Keys, place: str, table: Mapping[str, Any], receivers: Collection[str]) -> Level:
    keys.known(place, table, _LEVEL_KEYS)
    if not {"count", "usd", "severity"} & table.keys():
        keys.fault(place, "says no condition: count, usd or severity")
    by = keys.sources(place, table, "by")
    if "by" in table and not table["by"]:
        keys.fault(f"{place}.by", "is empty")
    return Level(
        keys.text(place, table, "name") or place,
        keys.receivers(place, table, receivers),
        by or ("incident",),
        keys.number(place, table, "count", 2, _MOST),
        keys.usd(place, table),
        cast("Severity | None", keys.text(place, table, "severity", SEVERITIES) or None),
    )


def _limit(keys: Keys, place: str, table: Mapping[str, Any], receivers: Collection[str]) -> Limit:
    keys.known(place, table, _LIMIT_KEYS)
    for needed in ("type", "count", "for"):
        if needed not in table:
            keys.fault(place, f'lacks "{needed}"')
    return Limit(
        Route(to=(), **keys.conditions(place, table)),
        cast("Kind", keys.text(place, table, "type", KINDS) or KINDS[0]),
        keys.number(place, table, "count", 1, _MOST) or 1,
        keys.span(place, table, "for") or 1.0,
        keys.sources(place, table, "track"),
        cast("Severity", keys.text(place, table, "up_to", SEVERITIES) or UP_TO),
        frozenset(keys.receivers(place, table, receivers, needed=False)),
    )
