"""Route files: receivers and routes in TOML, read with every mistake named."""

from __future__ import annotations

import datetime as dt
import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, cast
from zoneinfo import ZoneInfo

from txpipe.alerts.forms import JSON_FORMS
from txpipe.alerts.grouping import Grouping
from txpipe.alerts.groupkeys import GROUPING_KEYS, grouping, inhibition
from txpipe.alerts.inhibition import Inhibition
from txpipe.alerts.receiver import Receiver, ReceiverFault
from txpipe.alerts.receivers import Outfit, opened
from txpipe.alerts.receivers.webhook import secret_of
from txpipe.alerts.routes import DAYS, Route, Window
from txpipe.errors import UsageFault
from txpipe.fields import NAMES, SEVERITIES, Severity

_LARGEST = 1 << 20
_NAME = re.compile(r"[A-Za-z0-9][-_A-Za-z0-9]{0,63}")
_HOURS = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]|24(?=:00)):([0-5][0-9])")
_SECTIONS = ("receivers", "routes", "inhibit")
_RECEIVER_KEYS = ("url", "url_env", "url_file", "secret_env", "secret_file", "format")
_SETS = {"rules": "rules", "chains": "chains", "subjects": "subjects", "categories": "categories"}
_ROUTE_KEYS = ("name", "to", "severity", *_SETS, "usd", "hours", "days", "zone", "continue")


class RouteFault(UsageFault):
    """A route file that cannot be read, or says what makes no sense."""


class RouteFile:
    """What a route file says.

    Attributes:
        faults: what is wrong with it, one sentence each, file and key named.
        receivers: that it names, by name, not yet used; None in place of one that was not to be opened.
        routes: in their order.
        urls: of the receivers that were opened.
        inhibition: which alerts mute which; None is none.
        groupings: of receivers that get one message about several alerts, by name.
    """

    def __init__(self, path: Path, outfit: Outfit | None) -> None:
        """Read and check it.

        Args:
            path: the file.
            outfit: of receivers that say nothing else; None opens none, so that no secret is needed.

        Raises:
            RouteFault: it cannot be read, or is no TOML.
        """
        self.faults: list[str] = []
        self.urls: list[str] = []
        self.groupings: dict[str, Grouping] = {}
        self._path = path
        said = _read(path)
        for key in said.keys() - set(_SECTIONS):
            self._fault(key, f"is unknown{_meant(key, _SECTIONS)}")
        self.receivers = self._receivers(said.get("receivers", {}), outfit)
        self.routes = self._routes(said.get("routes", []))
        self.inhibition = self._inhibition(said.get("inhibit"))

    @property
    def opened(self) -> list[Receiver]:
        """The receivers that were opened."""
        return [one for one in self.receivers.values() if one is not None]

    def must_be_sound(self) -> Self:
        """Return the file if it has no fault.

        Raises:
            RouteFault: the first fault.
        """
        if self.faults:
            raise RouteFault(self.faults[0])
        return self

    def _receivers(self, tables: Any, outfit: Outfit | None) -> dict[str, Receiver | None]:
        if not isinstance(tables, dict) or not all(isinstance(one, dict) for one in tables.values()):
            self._fault("receivers", "is no table of tables, as in [receivers.NAME]")
            return {}
        found: dict[str, Receiver | None] = {}
        for name, table in tables.items():
            place = f"receivers.{name}"
            found[name] = None
            if not _NAME.fullmatch(name):
                self._fault(place, "is no name of letters, digits, - and _")
                continue
            own = {key: value for key, value in table.items() if key not in GROUPING_KEYS}
            sound = self._has_texts(place, own, (*_RECEIVER_KEYS, *GROUPING_KEYS))
            if len(own) < len(table):
                self._group(name, place, table)
            if sound and outfit is not None:
                try:
                    found[name] = self._opened(name, own, outfit)
                except ReceiverFault as fault:
                    self._fault(place, str(fault))
        return found

    def _opened(self, name: str, table: Mapping[str, str], outfit: Outfit) -> Receiver:
        url = _one_of(table, "url", "url_env", "url_file")
        own = _one_of(table, "secret_env", "secret_file")
        if url is None:
            raise ReceiverFault('lacks "url" (or "url_env", or "url_file")')
        form = table.get("format", "")
        if "format" in table and form not in JSON_FORMS:
            raise ReceiverFault(f"format {form} is none of {', '.join(JSON_FORMS)}")
        receiver = opened(url, outfit if own is None else replace(outfit, secret=secret_of(own)), form)
        receiver.name = name
        self.urls.append(url)
        if name in self.groupings and not receiver.to_people:
            raise ReceiverFault(
                f"{', '.join(GROUPING_KEYS)} are for messages to people, not for {url.partition(':')[0]}:"
            )
        return receiver

    def _inhibition(self, table: Any) -> Inhibition | None:
        try:
            if table is None or isinstance(table, dict):
                return None if table is None else inhibition(table)
            self._fault("inhibit", "is no table")
        except ValueError as exc:
            self._fault(f"inhibit.{exc.args[0]}", exc.args[1])
        return None

    def _group(self, name: str, place: str, table: Mapping[str, Any]) -> None:
        try:
            self.groupings[name] = grouping(table)
        except ValueError as exc:
            self._fault(f"{place}.{exc.args[0]}", exc.args[1])

    def _routes(self, tables: Any) -> list[Route]:
        if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
            self._fault("routes", "is no array of tables, as in [[routes]]")
            return []
        return [self._route(f"routes[{number}]", table) for number, table in enumerate(tables, 1)]

    def _route(self, place: str, table: Mapping[str, Any]) -> Route:
        for key in table.keys() - set(_ROUTE_KEYS):
            self._fault(f"{place}.{key}", f"is unknown{_meant(key, _ROUTE_KEYS)}")
        for name in (to := self._texts(place, table, "to")):
            if name not in self.receivers:
                self._fault(f"{place}.to", f"{name}: no receiver is called so{_meant(name, self.receivers)}")
        if not to and "to" not in table:
            self._fault(place, 'lacks "to"')
        return Route(
            name=self._text(place, table, "name") or place,
            to=to,
            severity=cast("Severity", self._text(place, table, "severity", SEVERITIES)),
            usd=self._usd(place, table),
            window=self._window(place, table),
            goes_on=self._flag(place, table, "continue"),
            **{key: frozenset(self._texts(place, table, key, _CHECKS.get(key))) for key in _SETS},
        )

    def _window(self, place: str, table: Mapping[str, Any]) -> Window | None:
        days = self._texts(place, table, "days", lambda day: day in DAYS)
        hours, zone = self._text(place, table, "hours"), self._text(place, table, "zone")
        begin, end = 0, 24 * 60
        if hours:
            if match := _HOURS.fullmatch(hours):
                one, two, three, four = map(int, match.groups())
                begin, end = one * 60 + two, three * 60 + four
            else:
                self._fault(f"{place}.hours", 'is no span of hours as in "08:00-18:30"')
        try:
            where: dt.tzinfo = ZoneInfo(zone) if zone else dt.UTC
        except (KeyError, OSError, ValueError):
            self._fault(f"{place}.zone", f'{zone}: is no time zone as in "Europe/Zurich"')
            return None
        if not hours and not days:
            return None
        return Window(frozenset(map(DAYS.index, set(days) & set(DAYS) or DAYS)), begin, end, where)

    def _usd(self, place: str, table: Mapping[str, Any]) -> float | None:
        usd = table.get("usd")
        if usd is None:
            return None
        if type(usd) not in (int, float) or not 0 <= usd < 1e90:
            self._fault(f"{place}.usd", "is no amount (USD)")
            return None
        return float(usd)

    def _flag(self, place: str, table: Mapping[str, Any], key: str) -> bool:
        if not isinstance(table.get(key, False), bool):
            self._fault(f"{place}.{key}", "is neither true nor false")
        return table.get(key) is True

    def _text(self, place: str, table: Mapping[str, Any], key: str, known: Sequence[str] = ()) -> str:
        value = table.get(key, "")
        if not isinstance(value, str):
            self._fault(f"{place}.{key}", "is no text")
        elif key in table and known and value not in known:
            self._fault(f"{place}.{key}", f"is none of {', '.join(known)}")
        else:
            return value
        return ""

    def _texts(self, place: str, table: Mapping[str, Any], key: str, good: Any = None) -> tuple[str, ...]:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            self._fault(f"{place}.{key}", 'is no array of texts, as in ["one", "two"]')
            return ()
        if key in table and not value:
            self._fault(f"{place}.{key}", "is empty")
        for one in value:
            if good is not None and not good(one):
                self._fault(f"{place}.{key}", f"{one}: {_WANTED[key]}")
        return tuple(value)

    def _has_texts(self, place: str, table: Mapping[str, Any], known: Sequence[str]) -> bool:
        before = len(self.faults)
        for key, value in table.items():
            if key not in known:
                self._fault(f"{place}.{key}", f"is unknown{_meant(key, known)}")
            elif not isinstance(value, str):
                self._fault(f"{place}.{key}", "is no text")
        return len(self.faults) == before

    def _fault(self, place: str, wrong: str) -> None:
        self.faults.append(f"{self._path}: {place} {wrong}")


_CHECKS = {"chains": NAMES["caip2"]}
_WANTED = {"chains": "is no CAIP-2 chain as in eip155:1", "days": f"is none of {', '.join(DAYS)}"}


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise RouteFault(f"{path}: is larger than {_LARGEST:,} bytes")
        return tomllib.loads(content.decode())
    except OSError as exc:
        raise RouteFault(f"{path}: cannot be read: {exc.strerror}") from exc
    except (ValueError, RecursionError) as exc:
        raise RouteFault(f"{path}: no TOML: {exc}") from exc


def _one_of(table: Mapping[str, str], *keys: str) -> str | None:
    """Return the text that one of several keys says or names; None if there is none of them.

    Raises:
        ReceiverFault: there are two, or what is named cannot be read.
    """
    there = [key for key in keys if key in table]
    if not there:
        return None
    if len(there) > 1:
        raise ReceiverFault(f"has both {there[0]} and {there[1]}")
    (key,) = there
    if key.endswith("_env"):
        if not (text := os.environ.get(table[key], "")):
            raise ReceiverFault(f"{key}: {table[key]} is not set in the environment")
        return text
    if not key.endswith("_file"):
        return table[key]
    try:
        return Path(table[key]).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise ReceiverFault(f"{key}: {table[key]} cannot be read as text") from exc


def _meant(name: str, known: Iterable[str]) -> str:
    there = list(known)
    close = difflib.get_close_matches(name, there, 1)
    return f"; did you mean {close[0]}?" if close else f"; there are: {', '.join(there) or 'none'}"
