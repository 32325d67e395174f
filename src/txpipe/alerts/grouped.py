"""A lane whose receiver gets one message about several alerts."""

from __future__ import annotations

from collections.abc import Sequence

from txpipe.alerts.database import Database
from txpipe.alerts.grouping import Grouping, plan
from txpipe.alerts.lane import IDLE_S, Lane, Patience, World
from txpipe.alerts.receiver import Parcel, Receiver
from txpipe.alerts.spool import Spool

_LOOKED_AT = 5000
"""Alerts that are looked at for one message, at most; the others follow."""


class GroupedLane(Lane):
    """Delivers to one receiver, group by group; when messages went out is kept in the spool."""

    def __init__(
        self, receiver: Receiver, spool: Spool, patience: Patience, world: World, grouping: Grouping
    ) -> None:
        super().__init__(receiver, spool, patience, world)
        self._grouping = grouping
        self._messages = Messages(spool.database, receiver.name)
        self._kin = ""

    def _next(self, now: float) -> tuple[Sequence[Parcel], float]:
        """Return the alerts of the next message, or how long to wait for it."""
        waiting = self._spool.due(self.receiver.name, now, _LOOKED_AT)
        if not waiting:
            return (), IDLE_S
        sent = self._messages.since(now - self._grouping.memory_s)
        found = plan(waiting, sent, self._grouping, now, ends=self.ends)
        self._kin = found.kin
        return found.parcels, min(found.wait_s, IDLE_S)

    def _taken(self, parcels: Sequence[Parcel]) -> None:
        now = self.world.now()
        super()._taken(parcels)
        if parcels:
            self._messages.add(self._kin, now, now - self._grouping.memory_s)


class Messages:
    """When a receiver got a message about which group."""

    def __init__(self, database: Database, receiver: str) -> None:
        self._database = database
        self._receiver = receiver

    def since(self, time: float) -> list[tuple[str, float]]:
        """Return group and time of the messages after a time."""
        with self._database.reading() as db:
            return db.execute(_SINCE, (self._receiver, time)).fetchall()

    def add(self, kin: str, now: float, before: float) -> None:
        """Note one; forget those from before a time."""
        with self._database.writing() as db:
            db.execute(_ADD, (self._receiver, kin, now))
            db.execute(_FORGET, (self._receiver, before))


_SINCE = "SELECT kin, at FROM messages WHERE receiver = ? AND at > ?"
_ADD = "INSERT INTO messages (receiver, kin, at) VALUES (?, ?, ?)"
_FORGET = "DELETE FROM messages WHERE receiver = ? AND at <= ?"
