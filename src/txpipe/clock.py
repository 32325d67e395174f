"""Time for what waits for input: of this machine, of the world, and the wait itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """Time as what waits for input needs it.

    Attributes:
        now: monotonic seconds.
        unix: Unix seconds.
        ready: waits at most so many seconds for input; whether there is some, or its end.
    """

    now: Callable[[], float]
    unix: Callable[[], float]
    ready: Callable[[float], bool]
