"""Which message of a service told of which alert, so that an update changes it; kept in the spool."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from txpipe.alerts.database import Database
from txpipe.record import SEVERITIES

_MOST = 2**63 - 1
"""The greatest number that SQLite keeps whole."""

_KEPT_S = 30 * 86_400.0
"""Seconds for which messages are known."""

_KEPT = 100_000
"""Alerts of one receiver of which the message is known; of more, those told of first are forgotten."""

_PRUNE_EVERY = 1000


@dataclass(frozen=True, slots=True)
class Handle:
    """A message that was sent.

    Attributes:
        message: the service's id of it.
        rev: of the alert that it tells of.
        severity: of that, as a place in SEVERITIES.
        is_alone: it tells of no other alert.
        at: when it was sent or changed, Unix seconds.
    """

    message: str
    rev: int
    severity: int
    is_alone: bool
    at: float


@runtime_checkable
class Changing(Protocol):
    """A receiver that changes what it has sent.

    Attributes:
        handles: which message told of which alert; None is not known.
    """

    handles: Handles | None


class Handles:
    """The messages of one receiver."""

    def __init__(self, database: Database, receiver: str, kept: int = _KEPT) -> None:
        """Take where they are kept, of which receiver, and of how many alerts about."""
        self._database = database
        self._receiver = receiver
        self._kept = kept
        self._noted = 0

    def find(self, alert_id: str) -> Handle | None:
        """Return the message that told of an alert last; None if none is known."""
        with self._database.reading() as db:
            row = db.execute(_FIND, (self._receiver, alert_id)).fetchone()
        return row and Handle(row[0], row[1], row[2], bool(row[3]), row[4])

    def forget(self, alert_id: str) -> None:
        """Forget the message that told of an alert: it is there no more."""
        with self._database.writing() as db:
            db.execute("DELETE FROM handles WHERE receiver = ? AND id = ?", (self._receiver, alert_id))

    def note(self, alerts: Iterable[dict[str, Any]], message: str, now: float, *, is_alone: bool) -> None:
        """Note a message about alerts; forget old ones.

        Args:
            alerts: that it tells of.
            message: the service's id.
            now: wall time, Unix seconds.
            is_alone: it tells of no other alert.
        """
        rows = [
            (
                self._receiver,
                alert["id"],
                message,
                min(alert["rev"], _MOST),
                SEVERITIES.index(alert["severity"]),
                is_alone,
                now,
            )
            for alert in alerts
        ]
        with self._database.writing() as db:
            db.executemany(_NOTE, rows)
            db.execute("DELETE FROM handles WHERE receiver = ? AND at < ?", (self._receiver, now - _KEPT_S))
            self._noted += len(rows)
            if self._noted >= min(_PRUNE_EVERY, self._kept):
                self._noted = 0
                db.execute(_FORGET, (self._receiver, self._kept))


_FIND = "SELECT message, rev, severity, is_alone, at FROM handles WHERE receiver = ? AND id = ?"
_FORGET = (
    "DELETE FROM handles WHERE receiver = ?1 AND at <="
    " (SELECT at FROM handles WHERE receiver = ?1 ORDER BY at DESC LIMIT 1 OFFSET ?2)"
)
_NOTE = (
    "INSERT OR REPLACE INTO handles (receiver, id, message, rev, severity, is_alone, at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)
