"""Alerts that come again are let through once."""

from __future__ import annotations

from typing import Any

from txpipe.alerts.intake import Item

REMEMBERED = 200_000
"""Alerts that are known at least: 30 MB; twice as many at most."""


class Recent:
    """Knows the last alerts by id and rev, in bounded memory."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        """Take how many.

        Args:
            remembered: an alert comes again unrecognised only after more than so many others.
        """
        self._remembered = remembered
        self._recent: set[str] = set()
        self._older: set[str] = set()

    def is_new(self, alert: dict[str, Any]) -> bool:
        """Say whether an alert is not known; from now on it is."""
        key: str = alert["id"]
        if alert["rev"]:
            key = f"{key}{alert['rev']}"
        if key in self._recent or key in self._older:
            return False
        if len(self._recent) >= self._remembered:
            self._recent, self._older = set(), self._recent
        self._recent.add(key)
        return True


def once(items: list[Item], recent: Recent) -> list[Item]:
    """Return every alert, by id and rev, that comes for the first time, and every record that is none."""
    is_new = recent.is_new
    return [item for item in items if (record := item[1])["type"] != "alert" or is_new(record)]
