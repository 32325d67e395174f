"""A grave alert mutes its lesser kin for a while: whoever looks into the one finds the others."""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from txpipe.alerts.database import Database
from txpipe.alerts.kin import kin_of
from txpipe.record import SEVERITIES, Severity

_KEPT = 100_000
"""Kin that are remembered; the ones that have been grave the longest ago are forgotten first."""


@dataclass(frozen=True, slots=True)
class Inhibition:
    """Which alerts mute which.

    Attributes:
        by: the lowest severity that mutes.
        mutes: the highest severity that is muted.
        equal: keys in which both agree; an alert that lacks one has no kin.
        for_s: seconds from the grave one's time on, as the alerts tell it.
    """

    by: Severity = "critical"
    mutes: Severity = "medium"
    equal: tuple[str, ...] = ("incident",)
    for_s: float = 3600.0


class Inhibitor:
    """Tells which alerts are muted by one that came before; ``save`` writes what it knows to the spool."""

    def __init__(self, inhibition: Inhibition, database: Database, kept: int = _KEPT) -> None:
        """Take what mutes what, and which grave alerts are known.

        Args:
            inhibition: as it was asked for.
            database: of the spool.
            kept: kin that are remembered at most.
        """
        self._inhibition = inhibition
        self._kept = kept
        self._touched: set[str] = set()
        with database.reading() as db:
            rows = db.execute("SELECT kin, time, id FROM graves ORDER BY rowid").fetchall()
        self._grave: OrderedDict[str, tuple[float, str]] = OrderedDict(
            (kin, (time, alert_id)) for kin, time, alert_id in rows
        )

    def mutes(self, alert: dict[str, Any]) -> bool:
        """Take the next alert and say whether it is muted; a retraction never is.

        A grave alert that is retracted, or is no longer as grave, mutes no longer, least of all itself.
        """
        wanted = self._inhibition
        kin = f"{','.join(wanted.equal)}\x1e{kin_of(alert, wanted.equal)}"
        severity = SEVERITIES.index(alert["severity"])
        is_grave = severity >= SEVERITIES.index(wanted.by) and alert["status"] != "retracted"
        if not is_grave and kin in self._grave and self._grave[kin][1] == alert["id"]:
            del self._grave[kin]
            self._touched.add(kin)
            return False
        if alert["status"] == "retracted":
            return False
        if is_grave:
            self._remember(kin, alert)
            return False
        if severity > SEVERITIES.index(wanted.mutes) or kin not in self._grave:
            return False
        return bool(0 <= alert["time"] - self._grave[kin][0] <= wanted.for_s)

    def save(self, db: sqlite3.Connection) -> None:
        """Write what has changed since the last call."""
        for kin in self._touched:
            db.execute("DELETE FROM graves WHERE kin = ?", (kin,))
            if kin in self._grave:
                db.execute("INSERT INTO graves (kin, time, id) VALUES (?, ?, ?)", (kin, *self._grave[kin]))
        self._touched = set()

    def _remember(self, kin: str, alert: dict[str, Any]) -> None:
        self._grave[kin] = (float(alert["time"]), alert["id"])
        self._grave.move_to_end(kin)
        self._touched.add(kin)
        if len(self._grave) > self._kept:
            self._touched.add(self._grave.popitem(last=False)[0])
