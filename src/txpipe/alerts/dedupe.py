"""Alerts that come again are let through once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from txpipe.alerts.intake import Item

REMEMBERED = 200_000
"""Alerts that are known at least: 30 MB; twice as many at most."""


def once(items: Iterable[Item], remembered: int = REMEMBERED) -> Iterator[Item]:
    """Yield every alert, by id and rev, the first time it comes, and every record that is no alert.

    Args:
        items: checked.
        remembered: an alert comes again unrecognised only after more than so many others.
    """
    recent: set[bytes] = set()
    older: set[bytes] = set()
    for item in items:
        record = item[1]
        if record["type"] == "alert":
            key = b"%b%d" % (bytes.fromhex(record["id"]), record["rev"])
            if key in recent or key in older:
                continue
            if len(recent) >= remembered:
                recent, older = set(), recent
            recent.add(key)
        yield item
