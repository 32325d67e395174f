"""How many came in, second by second, over the last minutes: for counters and sparklines."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

KEPT_S = 300


@dataclass(slots=True)
class Second:
    """What came in within one second.

    Attributes:
        at: Unix seconds, whole.
        alerts: by severity, retractions under ``retracted``.
        records: lines of any kind.
    """

    at: int
    alerts: Counter[str] = field(default_factory=Counter)
    records: int = 0


class Rates:
    """Counts by the second. Any thread.

    Attributes:
        alerts: all since the start, by severity, retractions under ``retracted``.
        records: lines of any kind since the start.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._seconds: deque[Second] = deque(maxlen=KEPT_S)
        self.alerts: Counter[str] = Counter()
        self.records = 0

    def add(self, alerts: Iterable[str], records: int) -> None:
        """Count alerts by severity, and lines."""
        found = Counter(alerts)
        with self._lock:
            at = int(self._now())
            if not self._seconds or at > self._seconds[-1].at:  # a clock that runs back counts into the last
                self._seconds.append(Second(at))
            self._seconds[-1].alerts.update(found)
            self._seconds[-1].records += records
            self.alerts.update(found)
            self.records += records

    def seconds(self, last: int = 60) -> list[Second]:
        """Return the last whole seconds, the oldest first, those without anything included.

        Args:
            last: how many, at most KEPT_S.
        """
        last = min(max(last, 1), KEPT_S)
        with self._lock:
            now = int(self._now())
            held = {each.at: Second(each.at, Counter(each.alerts), each.records) for each in self._seconds}
        return [held.get(at) or Second(at) for at in range(now - last, now)]
