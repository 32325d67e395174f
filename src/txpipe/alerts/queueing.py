"""A queue of alerts for several receivers: ``spool`` keeps it on disk, ``memory`` for as long as the run.

Every receiver has its own place in it. What was delivered stays for a while, so that an alert that comes
again is known, and what follows it finds who had it. Both answer alike.
"""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self

import msgspec

from txpipe.alerts.database import Database
from txpipe.alerts.intake import reread
from txpipe.alerts.kin import kin_of
from txpipe.alerts.receiver import Parcel

PURGED = 2000
"""Alerts that are looked at in one purge."""


class Taken(msgspec.Struct, frozen=True, gc=False):
    """An alert on its way into the queue.

    Attributes:
        key: ``ID:REV``.
        line: as it came in, without its newline.
        receivers: names of those that are to get it, each once.
        follows: it updates or takes back what was said under the same id, and goes to whom that went, too.
        takes_back: of an id that is known, nobody else needs it.
        notes: why it comes, for some of the receivers.
        alert: what the line holds, where that is at hand: its own keys.
    """

    key: str
    line: bytes
    receivers: Sequence[str]
    follows: bool = False
    takes_back: bool = False
    notes: Mapping[str, str] | None = None
    alert: dict[str, Any] | None = None

    def kin(self, keys: Sequence[str]) -> str:
        """Return what names its group where alerts that agree in these keys are put together."""
        return kin_of(reread(self.line) if self.alert is None else self.alert, keys)


class Queue(ABC):
    """Alerts until every receiver has them; it may be called from several threads.

    Attributes:
        database: where what belongs to them is kept: silences, limits, messages and the like.
        folder: where that is; None in memory.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.folder: Path | None = database.folder

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close it; a later call of another thread may fail with SpoolFailed."""
        self.database.close()

    def take(self, alerts: Iterable[Taken], now: float) -> int:
        """Take alerts, all of them or, where that fails, none; those it knows are not taken again.

        Args:
            alerts: in the order in which they came.
            now: Unix seconds.

        Returns:
            How many were new.

        Raises:
            SpoolFailed: the disk is full, or another refusal.
        """
        with self.writing() as db:
            return self.enter(db, alerts, now)

    @abstractmethod
    def writing(self) -> AbstractContextManager[sqlite3.Connection]:
        """Take alerts and write what belongs to them, both or, where the body fails, neither."""

    @abstractmethod
    def enter(self, db: sqlite3.Connection, alerts: Iterable[Taken], now: float) -> int:
        """Do what ``take`` does within ``writing``."""

    @abstractmethod
    def group(self, receiver: str, keys: Sequence[str] | None) -> None:
        """Put a receiver's alerts together that agree in these keys, waiting ones, too; None is no more."""

    @abstractmethod
    def known(self, keys: Iterable[str]) -> set[str]:
        """Return those of the keys under which it knows an alert."""

    @abstractmethod
    def had(self, alert_id: str) -> list[str]:
        """Return the receivers that any known revision of an alert went to."""

    @abstractmethod
    def due(self, receiver: str, now: float, limit: int, kin: str | None = None) -> list[Parcel]:
        """Return the first alerts that a receiver is to get now, in the order in which they came.

        Of large ones they are fewer than ``limit``: see ``at_once``. With ``kin`` only those of that group.
        """

    @abstractmethod
    def first(self, receiver: str, now: float, but: Collection[str]) -> tuple[str, float] | None:
        """Return the group that has waited the longest, and since when (Unix seconds); None if none waits.

        Args:
            receiver: for whom it waits; its alerts are put together.
            now: Unix seconds; what waits from after it on, since a clock was set back, comes first.
            but: groups that are left out.
        """

    @abstractmethod
    def heads(self, receiver: str, now: float, kins: Iterable[str]) -> dict[str, float]:
        """Return since when the first alert waits, of those of the groups of which any is due."""

    @abstractmethod
    def delivered(self, receiver: str, parcels: Sequence[Parcel]) -> None:
        """Note that a receiver has alerts."""

    @abstractmethod
    def dead(self, receiver: str, parcels: Sequence[Parcel]) -> None:
        """Note that alerts were given up."""

    @abstractmethod
    def put_off(self, receiver: str, parcels: Sequence[Parcel], due: float) -> None:
        """Let single alerts wait until a time while others go on."""

    @abstractmethod
    def overdue(self, receiver: str, since: float, limit: int) -> list[Parcel]:
        """Return the first alerts that have waited for a receiver from before a time on; see ``due``."""

    @abstractmethod
    def waiting(self) -> dict[str, int]:
        """Return how many alerts wait, by receiver; receivers for which none does are left out."""

    @abstractmethod
    def depths(self) -> dict[str, tuple[int, float]]:
        """Return how many alerts wait, and from when on the first has (Unix seconds), by receiver."""

    @abstractmethod
    def receivers(self) -> list[str]:
        """Return the names of all receivers that there have been."""

    @abstractmethod
    def is_waited_for(self, receivers: Iterable[str]) -> bool:
        """Say whether an alert waits for any of some receivers."""

    @abstractmethod
    def waiting_bytes(self, receiver: str) -> int:
        """Return how many bytes of alerts wait in memory for a receiver; 0 on disk, where there is room."""

    @abstractmethod
    def shed(self, receiver: str) -> int:
        """Give up the first to come of what waits in memory, an eighth of it; return how many alerts."""

    @abstractmethod
    def resend(self, letters: Sequence[tuple[str, str, bytes]], now: float) -> int:
        """Let alerts that were given up, or are not known (any more), wait for a receiver again.

        Args:
            letters: receiver, key and line of each.
            now: Unix seconds.

        Returns:
            How many do: those that wait already, or were delivered, do not.
        """

    @abstractmethod
    def purge(self, before: float, most: int | None = None) -> bool:
        """Forget some of the alerts that wait for no receiver; each call goes on where the last one ended.

        Args:
            before: Unix seconds; what was taken earlier is forgotten.
            most: alerts; of more, the first to come are forgotten, old or not. None is any number.

        Returns:
            Whether there may be more of them.
        """
