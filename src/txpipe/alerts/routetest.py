"""Who would get an alert, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from txpipe.alerts.human import headline
from txpipe.alerts.intake import Item
from txpipe.alerts.routefile import RouteFile
from txpipe.alerts.routes import Routes
from txpipe.detect.names import unknown
from txpipe.visible import clipped


def explained(items: Iterable[Item], routes: Routes, now: float) -> Iterator[bytes]:
    """Write of every alert who would get it, then of every route that is asked what it says.

    Args:
        items: checked; records that are no alerts are left out.
        routes: that are asked.
        now: wall time, Unix seconds.

    Yields:
        Lines of one alert.
    """
    for _, record in items:
        if record["type"] == "alert":
            yield "".join(f"{line}\n" for line in _explained(record, routes, now)).encode()


def _explained(alert: dict[str, Any], routes: Routes, now: float) -> Iterator[str]:
    asked = list(routes.asked(alert, now))
    names = dict.fromkeys(name for route, why_not in asked if not why_not for name in route.to)
    yield f"{headline(alert)}: {', '.join(names) or 'nobody'}"
    for route, why_not in asked:
        name = clipped(route.name, 80)
        yield f"  {name}: no, {why_not}" if why_not else f"  {name}: yes, {', '.join(route.to)}"
    if len(asked) < len(routes.routes):
        yield f"  the routes after it are not asked: {clipped(asked[-1][0].name, 80)} does not say continue"


def checked(path: Path, file: RouteFile) -> list[str]:
    """Return what there is to say of a route file: its faults, or what is odd, and what it holds."""
    if file.faults:
        return file.faults
    named = sorted({rule for route in file.routes for rule in route.rules})
    remarks = [f"{path}: routes: {said}" for rule in named if (said := unknown(rule))]
    held = f"receivers {', '.join(file.receivers) or 'none'}; {len(file.routes)} routes"
    return [*remarks, f"{path}: sound: {held}"]
