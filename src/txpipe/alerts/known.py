"""What is known in memory of an alert, and of several of one id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec


class Known(msgspec.Struct, gc=False):
    """An alert that is known.

    Attributes:
        alert_id: its id.
        key: ``ID:REV``.
        line: as it came in, without its newline, for as long as somebody waits for it.
        seq: its place in the queue.
        taken: Unix seconds.
        receivers: whom it goes or went to.
        notes: why it comes, for some of them.
        dead: those for whom it was given up.
    """

    alert_id: str
    key: str
    line: bytes
    seq: int
    taken: float
    receivers: Sequence[str]
    notes: Mapping[str, str] | None = None
    dead: tuple[str, ...] = ()


class Revisions:
    """The alerts of one id where there are several.

    Attributes:
        alerts: by key.
        receivers: how many of them went to whom.
    """

    __slots__ = ("alerts", "receivers")

    def __init__(self, first: Known) -> None:
        self.alerts: dict[str, Known] = {}
        self.receivers: dict[str, int] = {}
        self.add(first)

    def add(self, alert: Known) -> None:
        """Note one more."""
        self.alerts[alert.key] = alert
        for name in alert.receivers:
            self.went_to(name)

    def went_to(self, receiver: str) -> None:
        """Note that one of them went to one more receiver."""
        self.receivers[receiver] = self.receivers.get(receiver, 0) + 1

    def remove(self, alert: Known) -> None:
        """Forget one of them."""
        del self.alerts[alert.key]
        for name in alert.receivers:
            number = self.receivers.pop(name) - 1
            if number:
                self.receivers[name] = number
