"""Memory's bound where there is no spool: who takes alerts is waited for, of who does not the oldest go."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from txpipe.alerts.lane import Lane
from txpipe.alerts.queueing import PURGED, Queue

MOST_BYTES = 64 << 20
"""Bytes of alerts that may wait for one receiver: some 60,000 of txdetect's."""

KEPT = 20_000
"""Alerts that stay though they wait for nobody, so that what follows them finds who had them."""

MOVES_S = 2.0
"""Seconds in which a receiver that has too much waiting must take something, to be waited for.
One that sends nothing for longer, for the sake of a group or a limit of messages, is not."""

LOOK_S = 0.05
"""Seconds between two looks whether it has."""


class Crowd:
    """Keeps what waits in memory, and what does not wait any more, within bounds."""

    def __init__(
        self, spool: Queue, wait: Callable[[float], bool], most_bytes: int = MOST_BYTES, kept: int = KEPT
    ) -> None:
        """Take what is to be bounded.

        Args:
            spool: in memory.
            wait: waits so many seconds; returns whether to go on with that.
            most_bytes: that may wait for one receiver.
            kept: alerts that may stay.
        """
        self._spool = spool
        self._wait = wait
        self._most_bytes = most_bytes
        self._kept = kept
        self._new = 0
        self._stuck: dict[str, int] = {}

    def settle(self, lanes: Sequence[Lane], new: int, before: float) -> None:
        """Make room after alerts were taken.

        Args:
            lanes: to the receivers.
            new: how many alerts were taken.
            before: Unix seconds; what is older and waits for nobody is forgotten.

        Raises:
            SpoolFailed: the spool cannot be read or written.
        """
        self._new += new
        while self._new >= PURGED // 2:  # twice as fast as they come: what waits is looked at, too
            self._new -= PURGED // 2
            self._spool.purge(before, self._kept)
        for lane in lanes:
            self._relieve(lane)

    def _relieve(self, lane: Lane) -> None:
        name, left = lane.receiver.name, MOVES_S
        while self._spool.waiting_bytes(name) > self._most_bytes:
            sent = lane.sent
            if lane.trouble or lane.is_stopped or lane.waits_s > MOVES_S or sent == self._stuck.get(name):
                lane.shed(self._most_bytes)
                return
            if not self._wait(LOOK_S):
                return
            left = left - LOOK_S if sent == lane.sent else MOVES_S
            if left <= 0:
                self._stuck[name] = sent  # not waited for again before it has taken something
