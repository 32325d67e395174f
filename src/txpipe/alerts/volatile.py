"""What a spool in memory holds: how many bytes wait for whom, and no line that nobody waits for."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence

from txpipe.alerts.receiver import Parcel


class Volatile:
    """Counts the bytes that wait in a spool in memory; to be used within its transactions.

    Attributes:
        waiting: bytes of the alerts that wait, by receiver.
    """

    def __init__(self) -> None:
        self.waiting: Counter[str] = Counter()

    def entered(self, db: sqlite3.Connection, receivers: Sequence[str], last: int) -> None:
        """Note that the alerts behind a place were written, for receivers or for none."""
        if not receivers:
            db.execute(_EMPTY_BEHIND, (last,))
            return
        size = db.execute(_SIZE_BEHIND, (last,)).fetchone()[0]
        self.waiting.update(dict.fromkeys(receivers, size))

    def left(self, db: sqlite3.Connection, receiver: str, parcels: Sequence[Parcel], changed: int) -> None:
        """Note that alerts do not wait for a receiver any more.

        Args:
            db: in a transaction.
            receiver: its name.
            parcels: the alerts.
            changed: how many of them waited until now.
        """
        self.waiting[receiver] -= sum(len(parcel.line) for parcel in parcels)
        if changed < len(parcels):  # some had been given up meanwhile
            self._count(db, receiver)
        db.executemany(_EMPTY, [(parcel.seq,) for parcel in parcels])

    def shed(self, db: sqlite3.Connection, receiver: str) -> int:
        """Give up an eighth of the alerts that wait for a receiver, the first to come; return how many."""
        count = db.execute(_WAIT, (receiver,)).fetchone()[0]
        given_up = db.execute(_SHED, (receiver, (count + 7) // 8)).rowcount
        self._count(db, receiver)
        db.execute(_EMPTY_BEFORE, (db.execute(_NEXT, (receiver,)).fetchone()[0],))
        return given_up

    def _count(self, db: sqlite3.Connection, receiver: str) -> None:
        self.waiting[receiver] = db.execute(_SIZE, (receiver,)).fetchone()[0]


_EMPTY_BEHIND = "UPDATE alerts SET line = x'' WHERE seq > ?"
_SIZE_BEHIND = "SELECT coalesce(sum(length(line)), 0) FROM alerts WHERE seq > ?"
_EMPTY = (
    "UPDATE alerts SET line = x'' WHERE seq = ?"
    " AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.seq = alerts.seq AND d.state = 0)"
)
_EMPTY_BEFORE = (
    "UPDATE alerts SET line = x'' WHERE seq < ? AND length(line) > 0"
    " AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.seq = alerts.seq AND d.state = 0)"
)
_WAIT = (
    "SELECT count(*) FROM deliveries INDEXED BY waiting"
    " WHERE receiver = (SELECT number FROM receivers WHERE name = ?) AND state = 0"
)
_SIZE = (
    "SELECT coalesce(sum(length(a.line)), 0) FROM deliveries d INDEXED BY waiting"
    " JOIN alerts a ON a.seq = d.seq"
    " WHERE d.receiver = (SELECT number FROM receivers WHERE name = ?) AND d.state = 0"
)
_SHED = (
    "UPDATE deliveries SET state = 2 WHERE receiver = (SELECT number FROM receivers WHERE name = ?1)"
    " AND seq IN (SELECT seq FROM deliveries INDEXED BY waiting"
    " WHERE receiver = (SELECT number FROM receivers WHERE name = ?1) AND state = 0 ORDER BY seq LIMIT ?2)"
)
_NEXT = (
    "SELECT coalesce((SELECT seq FROM deliveries INDEXED BY waiting"
    " WHERE receiver = (SELECT number FROM receivers WHERE name = ?) AND state = 0"
    " ORDER BY seq LIMIT 1), 9223372036854775807)"
)
