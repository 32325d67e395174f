"""One receiver's way out: what is due is sent, what failed is tried again, what waits too long is dropped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import random
from time import monotonic, time

from txpipe.alerts import deadletters
from txpipe.alerts.ages import Ages
from txpipe.alerts.queueing import Queue
from txpipe.alerts.receiver import NotTaken, Parcel, Receiver
from txpipe.alerts.rest import rest_s
from txpipe.alerts.spoolfolder import DEAD

IDLE_S = 1.0
"""Seconds after which the spool is asked again for what another process (txalertctl) put into it."""

_CROWDED = "more waits for it than memory is to hold: the oldest is given up; --spool DIR would keep it"
_REFUSALS = 10
"""Alerts in a row that a receiver refuses, each for itself, before it is the receiver that is left alone."""

GIVEN_UP = 500
"""Alerts that are given up at once."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long failures are borne.

    Attributes:
        first_s: seconds of the first rest after a failure, at its longest.
        give_up_s: seconds after which an alert that fails is given up.
    """

    first_s: float = 1.0
    give_up_s: float = 86_400.0


@dataclass(frozen=True, slots=True)
class World:
    """What a lane knows of the world: wall time in Unix seconds, chance, and people.

    Attributes:
        say: writes a message; it may be called from any thread.
        ticks: seconds since some time, by a clock that nobody sets.
    """

    say: Callable[[str], None]
    now: Callable[[], float] = field(default=time)
    random: Callable[[], float] = field(default=random)
    ticks: Callable[[], float] = field(default=monotonic)


def bury(spool: Queue, receiver: str, reason: str, parcels: Sequence[Parcel], now: float) -> None:
    """Give alerts up: they are dead letters where the spool has a folder."""
    if spool.folder is not None:
        deadletters.append(spool.folder / DEAD, receiver, reason, parcels, now)
    spool.dead(receiver, parcels)


class Lane:
    """Delivers to one receiver; other lanes may do the same to others at the same time.

    Attributes:
        receiver: whom to.
        sent: alerts that it has taken.
        lost: alerts that were given up.
        crowded_out: alerts that were given up because memory is not to hold more.
        results: how often it was sent something, by what came of it: taken, refused, failed.
        trouble: why it did not take the last; "" if it did.
        world: time, chance and people.
        waits_s: seconds for which it lets alerts wait of its own will, when it looked last.
        ends: nothing more comes.
        is_stopped: what is under way is broken off, which says nothing of the receiver.
    """

    def __init__(self, receiver: Receiver, spool: Queue, patience: Patience, world: World) -> None:
        self.receiver = receiver
        self.sent = 0
        self.lost = 0
        self.results = {"taken": 0, "refused": 0, "failed": 0}
        self.trouble = ""
        self.crowded_out = 0
        self.waits_s = 0.0
        self._spool = spool
        self._patience = patience
        self.world = world
        self.ends = self.is_stopped = False
        self._ages = Ages(world.now, world.ticks)
        self._failures = self._refusals = 0
        self._rests_until = self._rest = 0.0

    def step(self) -> float:
        """Send what is due, once.

        Returns:
            Seconds until it is worth while to call again: 0 after something was sent.

        Raises:
            SpoolFailed: the spool cannot be read or written.
        """
        now = self.world.now()
        self._ages.ago(0)  # sees a clock that was set before the next alert comes
        # A clock that was set back must not make a rest of years.
        rests_s = min(self._rests_until - now, self._rest)
        if rests_s > 0:
            return rests_s
        parcels, wait_s = self._next(now)
        if not parcels:
            return wait_s
        try:
            self.receiver.send(parcels)
        except NotTaken as fault:
            self.results["refused" if fault.only_this else "failed"] += 1
            self._taken(parcels[: fault.taken])
            return self._failed(parcels[fault.taken :], fault)
        self.results["taken"] += 1
        self._taken(parcels)
        if self._failures:
            self.world.say(f"{self.receiver.name}: takes alerts again")
        self._failures, self.trouble = 0, ""
        return 0.0

    def shed(self, most_bytes: int) -> None:
        """Give up the first to come of what waits, until no more than so many bytes do; while it sends.

        Raises:
            SpoolFailed: the spool cannot be read or written.
        """
        name = self.receiver.name
        while self._spool.waiting_bytes(name) > most_bytes:
            if not self.crowded_out:
                self.world.say(f"{name}: {_CROWDED}")
            self.crowded_out += self._spool.shed(name)

    def owes(self) -> bool:
        """Say whether it has something to send now that does not wait in the spool."""
        return False

    def _next(self, now: float) -> tuple[Sequence[Parcel], float]:
        """Return what to send now, or how long to wait for something."""
        return self._spool.due(self.receiver.name, now, self.receiver.batch), IDLE_S

    def _taken(self, parcels: Sequence[Parcel]) -> None:
        if parcels:
            self._spool.delivered(self.receiver.name, parcels)
            self.sent += len(parcels)
            self._refusals = 0

    def _failed(self, parcels: Sequence[Parcel], fault: NotTaken) -> float:
        """Put off what failed, and give up what has waited too long."""
        if self.is_stopped:
            return IDLE_S
        now, name = self.world.now(), self.receiver.name
        old = self._ages.ago(self._patience.give_up_s)
        self.trouble = str(fault)
        if fault.only_this:
            parcels = parcels[:1]
            rest = rest_s(parcels[0].tries + 1, self._patience.first_s, fault.wait_s, self.world.random)
            self._spool.put_off(name, parcels, now + rest)
            self._give_up([one for one in parcels if one.since <= old], now)
            self._refusals += 1
            if self._refusals < _REFUSALS:
                self.world.say(f"{name}: {fault}, for alert {parcels[0].key}; it is tried again")
                return 0.0
        self._failures += 1
        if self._failures == 1:
            self.world.say(f"{name}: {fault}; what is for it is kept and tried again")
        rest = rest_s(self._failures, self._patience.first_s, fault.wait_s, self.world.random)
        self._rests_until, self._rest = now + rest, rest
        if fault.only_this:
            return rest
        while parcels := self._spool.overdue(name, old, GIVEN_UP):
            self._give_up(parcels, now)
        return rest

    def _give_up(self, parcels: Sequence[Parcel], now: float) -> None:
        """Note alerts as dead letters; without a folder they are counted as lost."""
        if not parcels:
            return
        name = self.receiver.name
        bury(self._spool, name, self.trouble, parcels, now)
        if not self.lost:
            self.world.say(f"{name}: gives no sign of taking them; its oldest alerts are given up")
        self.lost += len(parcels)
