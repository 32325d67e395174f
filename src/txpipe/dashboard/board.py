"""What the API and the page stand on: the store, the lists, and who may do what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from txpipe.dashboard.access import Access
from txpipe.dashboard.lists import Lists
from txpipe.dashboard.states import State
from txpipe.dashboard.store import Store
from txpipe.lists.index import Index
from txpipe.lists.verdict import verdict

_MOST_LISTS = 100


@dataclass(frozen=True, slots=True)
class Board:
    """Everything that a request may need.

    Attributes:
        store: the alerts.
        block: the blocklists.
        allow: the allow-lists.
        state: what txdetect knows.
        access: who may look.
        read_only: nobody may triage.
        hosts: names under which it may be asked for, beside addresses and localhost.
        origins: other sites whose pages may ask, as ``https://soc.example``.
        now: Unix seconds.
        began: Unix seconds of the start.
    """

    store: Store
    block: Lists
    allow: Lists
    state: State
    access: Access
    read_only: bool
    hosts: frozenset[str]
    origins: frozenset[str]
    now: Callable[[], float]
    began: float

    def screen(self, address: str) -> dict[str, Any]:
        """Return the verdict of the lists on an address, as ``txlist check`` has it, and its exposure.

        ``checked`` has the name, the date and the number of entries of each blocklist; ``exposure`` is as
        ``State.exposure`` has it.
        """
        block = self.block.index
        found = verdict(address, block, self.allow.index)
        return found | {"checked": _checked(block), "exposure": self.state.exposure(address)}


def _checked(block: Index | None) -> list[dict[str, Any]]:
    found: dict[tuple[str, str], int] = {}
    for each in block.lists if block else ():
        key = each["list"], each["list_date"]
        found[key] = found.get(key, 0) + each["entries"]
    return [
        {"list": name, "list_date": date, "entries": count}
        for (name, date), count in list(found.items())[:_MOST_LISTS]
    ]
