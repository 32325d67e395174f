"""Reminders of what people were told of and nothing has been taken back of; kept in the spool.

Alertmanager's ``repeat_interval`` is the model: a group that was told and still stands is told again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import starmap

from txpipe.alerts.database import Database
from txpipe.alerts.grouping import Grouping
from txpipe.alerts.human import HELD_BACK
from txpipe.alerts.intake import reread
from txpipe.alerts.kin import kin_of
from txpipe.alerts.receiver import Parcel, at_once
from txpipe.alerts.silence import Silences, muting
from txpipe.duration import span

_KEPT = 50_000
"""Alerts that are remembered for one receiver; of more, groups told the longest ago go first."""
_SHOWN = 5000


@dataclass(frozen=True, slots=True)
class Reminder:
    """What is told again.

    Attributes:
        kin: names the group.
        parcels: its alerts that stand.
    """

    kin: str
    parcels: Sequence[Parcel]


class Reminders:
    """What one receiver was told of and is to be reminded of."""

    def __init__(self, database: Database, receiver: str, grouping: Grouping, kept: int = _KEPT) -> None:
        """Take where that is kept.

        Args:
            database: of the spool.
            receiver: its name.
            grouping: how alerts are put together, and how often they are repeated.
            kept: alerts that are remembered at most.
        """
        self._database = database
        self._receiver = receiver
        self._grouping = grouping
        self._kept = kept
        self._silences = Silences(database)

    def told(self, parcels: Sequence[Parcel], now: float) -> None:
        """Note what was told: the time to the next reminder begins anew, and so does their number.

        An alert that is taken back stands no longer; a group of which none stands is not repeated. A revision
        that was told later than one after it, for the receiver refused it or it came late, changes nothing.
        """
        name = self._receiver
        kins: set[str] = set()
        left: set[str] = set()  # a revision may be of another group than what it follows
        with self._database.writing() as db:
            for parcel in _latest(parcels):
                alert = reread(parcel.line)
                kins.add(kin := kin_of(alert, self._grouping.keys))
                if alert["rev"] < self._told_rev(db, alert["id"]):
                    continue
                left.update(was for (was,) in db.execute(_WAS, (name, alert["id"])))
                if alert["status"] == "retracted" or alert["rule"] == HELD_BACK:  # nobody takes a digest back
                    db.execute(_DROP, (name, alert["id"]))
                else:
                    db.execute(_STAND, (name, alert["id"], kin, parcel.key, parcel.line))
            db.executemany(_TOLD, [(name, kin, now, now) for kin in sorted(kins)])
            db.executemany(_FALLEN, [(name, kin) for kin in kins | left])
            over = db.execute(_COUNT, (name,)).fetchone()[0] - self._kept
            while over > 0:
                (oldest,) = db.execute(_OLDEST, (name,)).fetchone()
                over -= db.execute(_DROP_KIN, (name, oldest)).rowcount
                db.execute(_END, (name, oldest))

    def due(self, now: float) -> Reminder | None:
        """Return the reminder that has been due the longest; None if none is.

        A silence that holds by then ends the reminders of what it mutes.
        """
        while found := self._first(now):
            kin, began, given = found
            most = self._grouping.reminders
            if given >= most:  # an earlier run was to give more
                self._end(kin)
            elif alerts := self._standing(kin, now):
                note = f"Reminder {given + 1} of {most}, first told {span(max(0.0, now - began))} ago"
                return Reminder(kin, [Parcel(key, line, now, note=note) for key, line in alerts])
        return None

    def is_due(self, now: float) -> bool:
        """Say whether any is due."""
        return self._first(now) is not None

    def reminded(self, kin: str, now: float) -> None:
        """Note that a reminder was given; the last one of a group ends it."""
        with self._database.writing() as db:
            db.execute(_REMINDED, (now, self._receiver, kin))
            (given,) = db.execute(_GIVEN, (self._receiver, kin)).fetchone() or (0,)
        if given >= self._grouping.reminders:
            self._end(kin)

    def _told_rev(self, db: sqlite3.Connection, alert_id: str) -> int:
        """Return the last revision of an alert that the receiver is known to have; -1 for none."""
        keys = db.execute(_HAS, (self._receiver, f"{alert_id}:", f"{alert_id};"))
        return max((_rev(key) for (key,) in keys), default=-1)

    def _end(self, kin: str) -> None:
        with self._database.writing() as db:
            db.execute(_DROP_KIN, (self._receiver, kin))
            db.execute(_END, (self._receiver, kin))

    def _first(self, now: float) -> tuple[str, float, int] | None:
        with self._database.reading() as db:
            row = db.execute(_DUE, (self._receiver, now - self._grouping.repeat_s)).fetchone()
            # A clock that was set back must not put them off for years; by a little it may be at any time.
            row = row or db.execute(_AHEAD, (self._receiver, now + self._grouping.repeat_s)).fetchone()
        return row and (row[0], row[1], row[2])

    def _standing(self, kin: str, now: float) -> list[tuple[str, bytes]]:
        """Return the alerts of a group that are not muted by now; those that are, are forgotten."""
        with self._database.writing() as db:
            stand = at_once(starmap(Parcel, db.execute(_STANDING, (self._receiver, kin, _SHOWN))))
            silences = self._silences.holding(now)
            kept = []
            for one in stand:
                if muting(silences, alert := reread(one.line)):
                    db.execute(_DROP, (self._receiver, alert["id"]))
                else:
                    kept.append((one.key, one.line))
            db.execute(_FALLEN, (self._receiver, kin))
        return kept


def forget(database: Database, receiver: str) -> None:
    """Forget what a receiver would be reminded of, for it has no ``repeat`` any more.

    If it gets one again, what was taken back meanwhile must not come up, nor months of it at once.
    """
    with database.writing() as db:
        db.execute("DELETE FROM standing WHERE receiver = ?", (receiver,))
        db.execute("DELETE FROM groups WHERE receiver = ?", (receiver,))


def _latest(parcels: Sequence[Parcel]) -> list[Parcel]:
    """Return the last revision of every alert."""
    found: dict[str, Parcel] = {}
    for parcel in parcels:
        alert_id = parcel.key.partition(":")[0]
        if alert_id not in found or _rev(parcel.key) >= _rev(found[alert_id].key):
            found[alert_id] = parcel
    return list(found.values())


def _rev(key: str) -> int:
    return int(key.partition(":")[2])


_HAS = (
    "SELECT a.key FROM alerts a JOIN deliveries d ON d.seq = a.seq JOIN receivers r ON r.number = d.receiver"
    " WHERE r.name = ? AND d.state = 1 AND a.key >= ? AND a.key < ?"
)
_STAND = "INSERT OR REPLACE INTO standing (receiver, id, kin, key, line) VALUES (?, ?, ?, ?, ?)"
_DROP = "DELETE FROM standing WHERE receiver = ? AND id = ?"
_DROP_KIN = "DELETE FROM standing WHERE receiver = ? AND kin = ?"
_COUNT = "SELECT count(*) FROM standing WHERE receiver = ?"
_STANDING = "SELECT key, line FROM standing INDEXED BY standing_kin WHERE receiver = ? AND kin = ? LIMIT ?"
_TOLD = (
    "INSERT INTO groups (receiver, kin, began, told, reminders) VALUES (?, ?, ?, ?, 0)"
    " ON CONFLICT DO UPDATE SET told = excluded.told, reminders = 0"
)
_REMINDED = "UPDATE groups SET told = ?, reminders = reminders + 1 WHERE receiver = ? AND kin = ?"
_WAS = "SELECT kin FROM standing WHERE receiver = ? AND id = ?"
_DUE = "SELECT kin, began, reminders FROM groups WHERE receiver = ? AND told <= ? ORDER BY told LIMIT 1"
_AHEAD = "SELECT kin, began, reminders FROM groups WHERE receiver = ? AND told > ? ORDER BY told LIMIT 1"
_OLDEST = "SELECT kin FROM groups WHERE receiver = ? ORDER BY told LIMIT 1"
_GIVEN = "SELECT reminders FROM groups WHERE receiver = ? AND kin = ?"
_END = "DELETE FROM groups WHERE receiver = ? AND kin = ?"
_FALLEN = (
    "DELETE FROM groups WHERE receiver = ?1 AND kin = ?2 AND NOT EXISTS"
    " (SELECT 1 FROM standing s WHERE s.receiver = ?1 AND s.kin = ?2)"
)
