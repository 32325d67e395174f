"""What the API and the page stand on: the store, the lists, and who may do what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from txpipe.dashboard.access import Access
from txpipe.dashboard.store import Store
from txpipe.lists.index import Index
from txpipe.lists.verdict import verdict


@dataclass(frozen=True, slots=True)
class Board:
    """Everything that a request may need.

    Attributes:
        store: the alerts.
        block: the blocklists; None without any.
        allow: the allow-lists; None without any.
        access: who may look.
        read_only: nobody may triage.
        hosts: names under which it may be asked for, beside addresses and localhost.
        origins: other sites whose pages may ask, as ``https://soc.example``.
        now: Unix seconds.
        began: Unix seconds of the start.
    """

    store: Store
    block: Index | None
    allow: Index | None
    access: Access
    read_only: bool
    hosts: frozenset[str]
    origins: frozenset[str]
    now: Callable[[], float]
    began: float

    def screen(self, address: str) -> dict[str, Any]:
        """Return the verdict of the lists on an address, as ``txlist check`` has it."""
        return verdict(address, self.block, self.allow)
