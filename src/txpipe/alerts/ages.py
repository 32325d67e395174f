"""How long ago something was, where the clock on the wall may have been set forward since."""

from __future__ import annotations

from collections.abc import Callable

_JUMP_S = 60.0
"""Seconds by which the wall's clock must get ahead of time between two looks, to have been set."""


class Ages:
    """Follows two clocks, to tell a clock that was set forward (or a computer that slept) from time."""

    def __init__(self, now: Callable[[], float], ticks: Callable[[], float]) -> None:
        """Take the clocks.

        Args:
            now: wall time, Unix seconds.
            ticks: seconds since some time; nobody sets it.
        """
        self._now, self._ticks = now, ticks
        self._seen = now(), ticks()
        self._jumps: list[tuple[float, float]] = []

    def ago(self, seconds: float) -> float:
        """Return what the wall's clock showed so many seconds ago; to be called now and then.

        A jump from before the first call is not known: then the clock is believed.
        """
        now, ticks = self._now(), self._ticks()
        ahead_s = (now - self._seen[0]) - (ticks - self._seen[1])
        self._seen = now, ticks
        if ahead_s > _JUMP_S:
            self._jumps.append((now, ahead_s))
        then = now - seconds
        for at, size_s in reversed(self._jumps):
            if then < at:
                then -= size_s
        return then
