"""Delivery beside the pipe: alerts go to the spool before they go on, and from it to every receiver."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence

from txpipe import interrupt
from txpipe.alerts.addressing import Addressing
from txpipe.alerts.crowd import Crowd
from txpipe.alerts.dedupe import Recent, once
from txpipe.alerts.intake import Item
from txpipe.alerts.lane import Lane
from txpipe.alerts.queueing import Queue
from txpipe.alerts.spoolfolder import DEAD

_SPARE = 9.0
"""A look at what waits that found nothing to send yet is followed by none for nine times as long: new alerts
that come by the thousand must not have a large group looked through each time."""

_PURGE_EVERY_S = 10.0
_LOOK_S = 0.05
_LEAVE_S = 1.0


class Courier:
    """Takes alerts and delivers them in threads of its own, one a receiver.

    Attributes:
        lanes: the ways out.
        addressing: who gets what, and how much was kept from receivers.
    """

    def __init__(  # noqa: PLR0913 - what is kept where, for how long, and who gets it
        self,
        spool: Queue,
        lanes: Sequence[Lane],
        addressing: Addressing,
        now: Callable[[], float],
        keep_s: float,
        *,
        is_deduped: bool = False,
    ) -> None:
        """Take where to keep alerts and who gets them.

        Args:
            spool: open.
            lanes: one a receiver.
            addressing: whom alerts go to.
            now: wall time, Unix seconds.
            keep_s: seconds for which delivered alerts are known.
            is_deduped: no alert comes again.
        """
        self.lanes = lanes
        self.addressing = addressing
        self._spool = spool
        self._now = now
        self._keep_s = keep_s
        # memory keeps nothing that is delivered
        self._recent = Recent() if spool.folder is None and not is_deduped else None
        self._purged = 0.0
        self._pending: list[Item] = []
        self._changed = threading.Condition()
        self._over = threading.Event()  # apart from it, for what is taken must not wake who does not listen
        self._crowd = Crowd(spool, self._look_again) if spool.folder is None else None
        self._takes = 0
        self._ends = False
        self._error: BaseException | None = None
        self._threads = [threading.Thread(target=self._run, args=(lane,), daemon=True) for lane in lanes]

    def start(self) -> None:
        """Begin to deliver."""
        for thread in self._threads:
            thread.start()

    def note(self, items: Iterable[Item]) -> None:
        """Note the alerts among records for delivery; ``commit`` makes sure of what was noted."""
        alerts = [item for item in items if item[1]["type"] == "alert"]
        self._pending += alerts if self._recent is None else once(alerts, self._recent)

    def commit(self) -> None:
        """Write what was noted to the spool; called before it leaves for stdout.

        Raises:
            SpoolFailed: the spool takes no more; nothing of what was noted is in it.
            BaseException: delivery to somebody has failed for good; what was noted is in the spool.
        """
        if self._pending:
            self._take()
        self._raise()

    def _take(self) -> None:
        pending, self._pending = self._pending, []
        now = self._now()
        self.addressing.take(pending, now)
        if not 0 <= now - self._purged < _PURGE_EVERY_S:
            more = self._spool.purge(now - self._keep_s)
            self._purged = 0.0 if more else now
        with self._changed:
            self._takes += 1
            self._changed.notify_all()
        if self._crowd is not None:
            self._crowd.settle(self.lanes, len(pending), now - self._keep_s)

    def drain(self, seconds: float) -> None:
        """Wait until everything is delivered, at most for so many seconds.

        Raises:
            SpoolFailed: the spool failed meanwhile.
        """
        self.addressing.tell_due(self._now(), ends=True)
        for lane in self.lanes:
            lane.ends = True
        self._over.set()
        mine = [lane.receiver.name for lane in self.lanes]
        left = seconds
        with self._changed:
            self._changed.notify_all()
            while left > 0 and self._error is None and self._is_awaited(mine):
                self._changed.wait(min(left, _LOOK_S))
                left -= _LOOK_S
        self._raise()

    def _raise(self) -> None:
        """Raise what ended a lane, whose thread has ended the main one by it: not the other way round."""
        error, self._error = self._error, None
        if error is not None:
            raise error from error.__cause__

    def _is_awaited(self, receivers: Sequence[str]) -> bool:
        return self._spool.is_waited_for(receivers) or any(lane.owes() for lane in self.lanes)

    def stop(self) -> None:
        """End delivery; what is under way is broken off."""
        self._over.set()
        with self._changed:
            self._ends = True
            self._changed.notify_all()
        for lane in self.lanes:
            lane.is_stopped = True
            lane.receiver.close()
        last = time.monotonic() + _LEAVE_S  # for all of them: twenty that hang must not add up
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, last - time.monotonic()))

    def left(self) -> list[str]:
        """Return what was not delivered, a sentence a receiver; empty if everything was."""
        waiting = self._spool.waiting()
        troubles = {lane.receiver.name: lane.trouble for lane in self.lanes}
        folder = self._spool.folder
        kept = f"kept in {folder} for the next run" if folder else "lost, for there is no --spool"
        said = [
            f"{name}: {_counted(count)} not delivered{_because(name, troubles)}; {kept}"
            for name, count in sorted(waiting.items())
        ]
        dead = f"they are in {folder / DEAD}" if folder else "lost, for there is no --spool"
        said += [
            f"{lane.receiver.name}: {_counted(lane.lost)} given up; {dead}"
            for lane in self.lanes
            if lane.lost
        ]
        said += [
            f"{lane.receiver.name}: {_counted(lane.crowded_out)} more than memory is to hold; {dead}"
            for lane in self.lanes
            if lane.crowded_out
        ]
        return said

    def _look_again(self, seconds: float) -> bool:
        """Wait for lanes; return whether to go on with that."""
        if self._error is not None or interrupt.held.pending:
            return False
        time.sleep(seconds)
        return True

    def _pause(self, seconds: float, deaf_s: float, takes: int) -> None:
        """Wait, but not beyond the end, nor, after so many seconds, if something was taken since."""
        if deaf_s > 0:
            self._over.wait(deaf_s)
        with self._changed:
            if seconds > deaf_s and not self._ends and takes == self._takes:
                self._changed.wait(seconds - deaf_s)

    def _run(self, lane: Lane) -> None:
        """Deliver to one receiver until the end; an error ends the command, it is not swallowed."""
        try:
            while not self._ends:
                takes = self._takes
                began = time.monotonic()
                self.addressing.tell_due(self._now())
                wait_s = lane.step()
                spent_s = time.monotonic() - began
                self._pause(wait_s, min(wait_s, _SPARE * spent_s), takes)
        except BaseException as exc:  # noqa: BLE001 - raised in the main thread
            if not self._ends:
                self._error = exc
                lane.world.say(f"{lane.receiver.name}: delivery has stopped: {exc}")
                interrupt.end_soon()


def _counted(number: int) -> str:
    return f"{number:,} alert{'s' * (number != 1)}"


def _because(name: str, troubles: dict[str, str]) -> str:
    if name not in troubles:
        return " (no --to names it now)"
    return f" ({troubles[name]})" if troubles[name] else ""
