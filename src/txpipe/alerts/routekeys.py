"""Reads the keys of a route file's tables, and names every mistake by file and key."""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

from txpipe.alerts.kin import SOURCES
from txpipe.alerts.routes import DAYS, Window
from txpipe.duration import seconds
from txpipe.fields import NAMES, SEVERITIES, Severity

_HOURS = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]|24(?=:00)):([0-5][0-9])")
_SETS = ("rules", "chains", "subjects", "categories")
CONDITIONS = ("name", "severity", *_SETS, "usd", "hours", "days", "zone")
"""Keys that say which alerts a table is about, and what it is called."""


class Keys:
    """Reads values; one that makes no sense is a fault and reads as if it were not there.

    Attributes:
        faults: a sentence each.
    """

    def __init__(self, path: Path, faults: list[str]) -> None:
        self.faults = faults
        self._path = path

    def tables(self, said: Mapping[str, Any], key: str) -> list[tuple[str, Mapping[str, Any]]]:
        """Return the tables of an array, each with its place for messages."""
        found = said.get(key, [])
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            self.fault(key, f"is no array of tables, as in [[{key}]]")
            return []
        return [(f"{key}[{number}]", table) for number, table in enumerate(found, 1)]

    def known(self, place: str, table: Mapping[str, Any], known: Sequence[str]) -> None:
        """Find fault with keys that there are not."""
        for key in table.keys() - set(known):
            self.fault(f"{place}.{key}", f"is unknown{meant(key, known)}")

    def receivers(
        self, place: str, table: Mapping[str, Any], there: Collection[str], *, needed: bool = True
    ) -> tuple[str, ...]:
        """Return the receivers under ``to``."""
        to = self.texts(place, table, "to")
        for name in to:
            if name not in there:
                self.fault(f"{place}.to", f"{name}: no receiver is called so{meant(name, there)}")
        if needed and not to and "to" not in table:
            self.fault(place, 'lacks "to"')
        return to

    def conditions(self, place: str, table: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of a ``Route`` but for ``to`` and ``goes_on``."""
        return {
            "name": self.text(place, table, "name") or place,
            "severity": cast("Severity", self.text(place, table, "severity", SEVERITIES)),
            "usd": self.usd(place, table),
            "window": self.window(place, table),
            **{key: frozenset(self.texts(place, table, key, _CHECKS.get(key))) for key in _SETS},
        }

    def window(self, place: str, table: Mapping[str, Any]) -> Window | None:
        """Return the hours of days; None is always."""
        days = self.texts(place, table, "days", lambda day: day in DAYS)
        hours, zone = self.text(place, table, "hours"), self.text(place, table, "zone")
        begin, end = 0, 24 * 60
        if hours:
            if match := _HOURS.fullmatch(hours):
                one, two, three, four = map(int, match.groups())
                begin, end = one * 60 + two, three * 60 + four
            else:
                self.fault(f"{place}.hours", 'is no span of hours as in "08:00-18:30"')
        try:
            where: dt.tzinfo = ZoneInfo(zone) if zone else dt.UTC
        except (KeyError, OSError, ValueError):
            self.fault(f"{place}.zone", f'{zone}: is no time zone as in "Europe/Zurich"')
            return None
        if not hours and not days:
            return None
        return Window(frozenset(map(DAYS.index, set(days) & set(DAYS) or DAYS)), begin, end, where)

    def usd(self, place: str, table: Mapping[str, Any]) -> float | None:
        """Return an amount in USD; None if there is none."""
        usd = table.get("usd")
        if usd is None:
            return None
        if type(usd) not in (int, float) or not 0 <= usd < 1e90:
            self.fault(f"{place}.usd", "is no amount (USD)")
            return None
        return float(usd)

    def number(self, place: str, table: Mapping[str, Any], key: str, least: int, most: int) -> int | None:
        """Return a whole number within bounds; None if there is none."""
        value = table.get(key)
        if value is None:
            return None
        if type(value) is not int or not least <= value <= most:
            self.fault(f"{place}.{key}", f"is no number from {least:,} to {most:,}")
            return None
        return value

    def span(self, place: str, table: Mapping[str, Any], key: str) -> float | None:
        """Return a span of time in seconds, longer than none; None if there is none."""
        value = table.get(key)
        if value is None:
            return None
        found = seconds(value) if isinstance(value, str) else None
        if not found:
            self.fault(f"{place}.{key}", 'is no span of time as in "30s" or "5m"')
        return found or None

    def sources(self, place: str, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
        """Return keys of an alert."""
        value = table.get(key, [])
        if not isinstance(value, list) or not all(one in SOURCES for one in value):
            self.fault(f"{place}.{key}", f"is no array of some of: {', '.join(SOURCES)}")
            return ()
        return tuple(value)

    def flag(self, place: str, table: Mapping[str, Any], key: str) -> bool:
        """Return whether a key is true."""
        if not isinstance(table.get(key, False), bool):
            self.fault(f"{place}.{key}", "is neither true nor false")
        return table.get(key) is True

    def text(self, place: str, table: Mapping[str, Any], key: str, known: Sequence[str] = ()) -> str:
        """Return a text, one of those that are known if that says some; "" if there is none."""
        value = table.get(key, "")
        if not isinstance(value, str):
            self.fault(f"{place}.{key}", "is no text")
        elif key in table and known and value not in known:
            self.fault(f"{place}.{key}", f"is none of {', '.join(known)}")
        else:
            return value
        return ""

    def texts(self, place: str, table: Mapping[str, Any], key: str, good: Any = None) -> tuple[str, ...]:
        """Return an array of texts, each of which must be good."""
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            self.fault(f"{place}.{key}", 'is no array of texts, as in ["one", "two"]')
            return ()
        if key in table and not value:
            self.fault(f"{place}.{key}", "is empty")
        for one in value:
            if good is not None and not good(one):
                self.fault(f"{place}.{key}", f"{one}: {_WANTED[key]}")
        return tuple(value)

    def has_texts(self, place: str, table: Mapping[str, Any], known: Sequence[str]) -> bool:
        """Say whether all keys are known and texts."""
        before = len(self.faults)
        for key, value in table.items():
            if key not in known:
                self.fault(f"{place}.{key}", f"is unknown{meant(key, known)}")
            elif not isinstance(value, str):
                self.fault(f"{place}.{key}", "is no text")
        return len(self.faults) == before

    def fault(self, place: str, wrong: str) -> None:
        """Note what is wrong with a key."""
        self.faults.append(f"{self._path}: {place} {wrong}")


_CHECKS = {"chains": NAMES["caip2"]}
_WANTED = {"chains": "is no CAIP-2 chain as in eip155:1", "days": f"is none of {', '.join(DAYS)}"}


def meant(name: str, known: Iterable[str]) -> str:
    """Return the name that is likely meant, or all that there are, as the end of a sentence."""
    there = list(known)
    close = difflib.get_close_matches(name, there, 1)
    return f"; did you mean {close[0]}?" if close else f"; there are: {', '.join(there) or 'none'}"
