"""Under which labels a service knows alerts, so that a later run can take them back; kept in the spool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import orjson

from txpipe.alerts.database import Database

Labels = dict[str, str]
Revision = tuple[int, Labels]
"""An alert's ``rev``, and the labels that it had."""

_KEPT_S = 30 * 86_400.0
"""Seconds for which labels are known."""


@runtime_checkable
class Labelling(Protocol):
    """A receiver at which labels name an alert.

    Attributes:
        labelled: the labels that alerts had last; None is known for this run only.
    """

    labelled: Labelled | None


class Labelled:
    """The labels of one receiver's alerts."""

    def __init__(self, database: Database, receiver: str) -> None:
        self._database = database
        self._receiver = receiver

    def find(self, alert_id: str) -> Revision | None:
        """Return the last revision of an alert with its labels; None if none is known."""
        with self._database.reading() as db:
            row = db.execute(_FIND, (self._receiver, alert_id)).fetchone()
        if row is None:
            return None
        rev, labels = orjson.loads(row[0])
        return rev, labels

    def note(self, latest: Mapping[str, Revision], now: float) -> None:
        """Note the labels that alerts have, by id; forget old ones.

        Args:
            latest: revision and labels of each.
            now: wall time, Unix seconds.
        """
        rows = [(self._receiver, alert_id, orjson.dumps(own), now) for alert_id, own in latest.items()]
        with self._database.writing() as db:
            db.executemany(_NOTE, rows)
            db.execute(_FORGET, (self._receiver, now - _KEPT_S))


_FIND = "SELECT labels FROM labels WHERE receiver = ? AND id = ?"
_NOTE = "INSERT OR REPLACE INTO labels (receiver, id, labels, at) VALUES (?, ?, ?, ?)"
_FORGET = "DELETE FROM labels WHERE receiver = ? AND at < ?"
