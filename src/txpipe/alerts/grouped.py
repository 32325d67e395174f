"""A lane whose receiver gets one message about several alerts."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from txpipe.alerts.database import Database
from txpipe.alerts.grouping import Grouping, plan, room_s
from txpipe.alerts.lane import IDLE_S, Lane, Patience, World
from txpipe.alerts.queueing import Queue
from txpipe.alerts.receiver import NotTaken, Parcel, Receiver
from txpipe.alerts.reminders import Reminders

_PAUSE_S = 0.5
"""Seconds after a look at groups none of which was due: alerts come fast."""


class GroupedLane(Lane):
    """Delivers to one receiver, group by group; when messages went out is kept in the spool."""

    def __init__(
        self, receiver: Receiver, spool: Queue, patience: Patience, world: World, grouping: Grouping
    ) -> None:
        super().__init__(receiver, spool, patience, world)
        self._grouping = grouping
        spool.group(receiver.name, grouping.keys)
        self._messages = Messages(spool.database, receiver.name)
        self._reminders = Reminders(spool.database, receiver.name, grouping) if grouping.repeat_s else None
        self._kin = ""
        self._reminds = False
        self._looks_from = 0.0
        self._most: int | None = None

    def owes(self) -> bool:
        """Say whether a reminder could be sent now."""
        now = self.world.now()
        return (
            self._reminders is not None
            and not self.trouble
            and self._reminders.is_due(now)
            and not room_s(self._sent(now), self._grouping, now)
        )

    def _next(self, now: float) -> tuple[Sequence[Parcel], float]:
        """Return the alerts of the next message, or how long to wait for it; what is new goes first."""
        self._reminds = False
        pause_s = self._looks_from - now
        if 0 < pause_s <= _PAUSE_S and not self.ends:
            return (), pause_s
        sent = self._sent(now)
        wait_s = IDLE_S
        found = plan(self._spool, self.receiver.name, sent, self._grouping, now, ends=self.ends)
        self._kin = found.kin
        self.waits_s = found.wait_s if found.wait_s < inf else 0.0
        if found.parcels:
            return found.parcels[: self._most], 0.0
        if found.wait_s < inf:
            wait_s = min(found.wait_s, IDLE_S)
            self._looks_from = now + min(_PAUSE_S, wait_s)
        if self._reminders is not None and not room_s(sent, self._grouping, now):
            reminder = self._reminders.due(now)
            if reminder is not None:
                self._reminds, self._kin, self.waits_s = True, reminder.kin, 0.0
                return reminder.parcels, 0.0
        return (), wait_s

    def _taken(self, parcels: Sequence[Parcel]) -> None:
        if not parcels:
            return
        now = self.world.now()
        self._most = None
        if self._reminds:
            self._reminded(now)
        else:
            if self._reminders is not None:
                self._reminders.told(parcels, now)  # first: a kill repeats a message rather than forgets it
            super()._taken(parcels)
        self._messages.add(self._kin, now, now - self._grouping.memory_s)

    def _failed(self, parcels: Sequence[Parcel], fault: NotTaken) -> float:
        """Put off what failed; a reminder that is refused for itself is left out.

        Of several alerts, which it is that is refused is found by halves: the others must not wait with it.
        """
        if self._reminds and fault.only_this:
            self.world.say(f"{self.receiver.name}: {fault}, for a reminder; it is left out")
            self._reminded(self.world.now())
            return 0.0
        if fault.only_this and len(parcels) > 1 and not self.is_stopped:
            self._most = len(parcels) // 2
            return 0.0
        return super()._failed(parcels, fault)

    def _reminded(self, now: float) -> None:
        if self._reminders is not None:
            self._reminders.reminded(self._kin, now)

    def _sent(self, now: float) -> list[tuple[str, float]]:
        """Return group and time of the messages that matter still; after a clock was set back none does."""
        return [one for one in self._messages.since(now - self._grouping.memory_s) if one[1] <= now]


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
