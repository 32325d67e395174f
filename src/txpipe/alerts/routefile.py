"""Route files: receivers and routes in TOML, read with every mistake named."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from txpipe.alerts import noisekeys
from txpipe.alerts.forms import JSON_FORMS
from txpipe.alerts.grouping import Grouping
from txpipe.alerts.groupkeys import GROUPING_KEYS, grouping, inhibition
from txpipe.alerts.inhibition import Inhibition
from txpipe.alerts.receiver import Receiver, ReceiverFault, secret_names
from txpipe.alerts.receivers import Outfit, opened
from txpipe.alerts.receivers.webhook import secret_of
from txpipe.alerts.routekeys import CONDITIONS, Keys, meant
from txpipe.alerts.routes import Route
from txpipe.errors import UsageFault

_LARGEST = 1 << 20
_NAME = re.compile(r"[A-Za-z0-9][-_A-Za-z0-9]{0,63}")
_SECTIONS = ("receivers", "routes", "inhibit", "limits", "escalate")
_RECEIVER_KEYS = ("url", "url_env", "url_file", "secret_env", "secret_file", "format")


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
        levels: of growth, by which incidents go to further receivers.
        limits: how many alerts of a kind receivers get.
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
        self._keys = Keys(path, self.faults)
        self._fault = self._keys.fault
        said = _read(path)
        for key in said.keys() - set(_SECTIONS):
            self._fault(key, f"is unknown{meant(key, _SECTIONS)}")
        self.receivers = self._receivers(said.get("receivers", {}), outfit)
        self.routes = self._routes(said)
        self.inhibition = self._inhibition(said.get("inhibit"))
        self.levels = noisekeys.levels(self._keys, said, self.receivers)
        self.limits = noisekeys.limits(self._keys, said, self.receivers)

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
            sound = self._keys.has_texts(place, own, (*_RECEIVER_KEYS, *GROUPING_KEYS))
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

    def _routes(self, said: Mapping[str, Any]) -> list[Route]:
        return [self._route(place, table) for place, table in self._keys.tables(said, "routes")]

    def _route(self, place: str, table: Mapping[str, Any]) -> Route:
        self._keys.known(place, table, (*CONDITIONS, "to", "continue"))
        return Route(
            to=self._keys.receivers(place, table, self.receivers),
            goes_on=self._keys.flag(place, table, "continue"),
            **self._keys.conditions(place, table),
        )


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
        secret_names.add(table[key])
        if not (text := os.environ.get(table[key], "")):
            raise ReceiverFault(f"{key}: {table[key]} is not set in the environment")
        return text
    if not key.endswith("_file"):
        return table[key]
    try:
        return Path(table[key]).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as exc:  # no UTF-8, or a name with U+0000
        raise ReceiverFault(f"{key}: {table[key]} cannot be read as text") from exc
