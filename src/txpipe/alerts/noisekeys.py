"""The tables of a route file that say how much of a kind is too much."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any, cast

from txpipe.alerts.limits import KINDS, UP_TO, Kind, Limit
from txpipe.alerts.routekeys import CONDITIONS, Keys
from txpipe.alerts.routes import Route
from txpipe.fields import SEVERITIES, Severity

_LIMIT_KEYS = (*CONDITIONS, "type", "count", "for", "track", "up_to", "to")
_MOST = 1_000_000


def limits(keys: Keys, said: Mapping[str, Any], receivers: Collection[str]) -> list[Limit]:
    """Return the limits of a route file.

    Args:
        keys: reads it, and takes its faults.
        said: the file.
        receivers: that there are.
    """
    found = {place: _limit(keys, place, table, receivers) for place, table in keys.tables(said, "limits")}
    names = Counter(limit.about.name for limit in found.values())
    for place, limit in found.items():
        if names[limit.about.name] > 1:
            keys.fault(f"{place}.name", f"{limit.about.name}: another limit is called so, too")
    return list(found.values())


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
