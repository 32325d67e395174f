"""Escalation: an incident that grows goes to further receivers, once a level, and says why."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from txpipe.alerts.kin import kin_of
from txpipe.record import SEVERITIES, Severity
from txpipe.visible import clipped

_KEPT_S = 7 * 86_400.0
"""Seconds of wall time for which an incident is remembered after its last alert."""

_KEPT = 100_000
"""Alerts of incidents that are remembered; of more, incidents that were quiet the longest are forgotten."""

_MOST_USD = 1e90
"""USD from which on an amount makes no sense and is none."""

_PRUNE_EVERY = 5000
_TAKEN_BACK = "retracted at "
"""In place of a movement: an earlier revision that comes late counts no more."""

_NO_SEVERITY = len(SEVERITIES)


@dataclass(frozen=True, slots=True)
class Level:
    """How far an incident must have grown; any of the conditions is enough.

    Attributes:
        name: for people; levels of one file have different ones.
        to: names of the further receivers.
        by: keys of an alert; alerts that agree in all of them are one incident.
        count: alerts in it, not counting retracted ones; None is no condition.
        usd: worth of the transactions that they are about, each once; None is no condition.
        severity: that an incident has risen to which began below it; None is no condition.
    """

    name: str
    to: tuple[str, ...]
    by: tuple[str, ...] = ("incident",)
    count: int | None = None
    usd: float | None = None
    severity: Severity | None = None


@dataclass(slots=True)
class _Growth:
    """An incident so far; severities are places in SEVERITIES; its last alert may be taken back already."""

    count: int = 0
    usd: float = 0.0
    began: int = _NO_SEVERITY
    reached: tuple[str, ...] = ()
    is_taken_back: bool = False


class Escalation:
    """Follows incidents in the spool's tables; what is reached is not reached again, over restarts, too."""

    def __init__(self, levels: Sequence[Level], kept: int = _KEPT) -> None:
        """Take levels; ``kept`` is the number of alerts that are remembered at most."""
        self._levels = levels
        self._kept = kept
        self._since_pruned = 0

    def reached(self, db: sqlite3.Connection, alert: dict[str, Any], now: float) -> dict[str, str]:
        """Take the next alert; return the receivers that it goes to beside others, and why, for people.

        Args:
            db: in a transaction.
            alert: checked.
            now: wall time, Unix seconds.
        """
        if not self._since_pruned:
            db.execute(_BY_WORTH)
        found: dict[str, str] = {}
        for by in dict.fromkeys(level.by for level in self._levels):
            kin = f"{','.join(by)}\x1e{kin_of(alert, by)}"
            growth = _grown(db, kin, alert)
            for level in self._levels:
                reasons = _reasons(level, growth, alert) if level.by == by else []
                if reasons and level.name not in growth.reached:
                    growth.reached = (*growth.reached, level.name)
                    note = f"Escalated ({clipped(level.name, 80)}): {', '.join(reasons)}"
                    found |= {name: note for name in level.to if name not in found}
            reached = orjson.dumps(growth.reached)
            db.execute(_SAVE, (kin, growth.count, growth.usd, growth.began, reached, now))
        self._prune(db, now)
        return found

    def _prune(self, db: sqlite3.Connection, now: float) -> None:
        """Forget incidents that have been quiet for long, now and then."""
        self._since_pruned += 1
        if self._since_pruned % _PRUNE_EVERY != 1:
            return
        db.execute("DELETE FROM growth WHERE at < ?", (now - _KEPT_S,))
        over = db.execute("SELECT count(*) FROM members").fetchone()[0] - self._kept
        for kin, size in db.execute(_QUIET).fetchall() if over > 0 else ():
            if over <= 0:
                break
            db.execute("DELETE FROM growth WHERE kin = ?", (kin,))
            over -= size
        db.execute("DELETE FROM members WHERE kin NOT IN (SELECT kin FROM growth)")


def _grown(db: sqlite3.Connection, kin: str, alert: dict[str, Any]) -> _Growth:
    """Return an incident with an alert, with an update in its place, or without one that is retracted."""
    row = db.execute("SELECT count, usd, began, reached FROM growth WHERE kin = ?", (kin,)).fetchone()
    growth = _Growth(row[0], row[1], row[2], tuple(orjson.loads(row[3]))) if row else _Growth()
    gone = db.execute("DELETE FROM members WHERE kin = ? AND id = ? RETURNING place, usd", (kin, alert["id"]))
    back = alert["rev"] if alert["status"] == "retracted" else -1
    for place, usd in gone.fetchall():
        if place.startswith(_TAKEN_BACK):
            back = max(back, int(place.removeprefix(_TAKEN_BACK)))
            continue
        growth.count -= 1
        growth.usd -= max(0.0, usd - _worth(db, kin, place))
    growth.is_taken_back = back >= alert["rev"]
    if growth.is_taken_back:
        db.execute(_JOIN, (kin, alert["id"], f"{_TAKEN_BACK}{back}", 0.0))
    else:
        place, usd = f"{alert['chain']} {alert['tx']} {alert['n']}", _usd(alert)
        growth.count += 1
        growth.usd += max(0.0, usd - _worth(db, kin, place))
        db.execute(_JOIN, (kin, alert["id"], place, usd))
        if growth.began == _NO_SEVERITY:
            growth.began = SEVERITIES.index(alert["severity"])
    return growth


def _worth(db: sqlite3.Connection, kin: str, place: str) -> float:
    """Return the worth of a movement as the alerts of an incident have it; 0 if none is about it."""
    row = db.execute("SELECT max(usd) FROM members WHERE kin = ? AND place = ?", (kin, place)).fetchone()
    return float(row[0] or 0.0)


def _usd(alert: dict[str, Any]) -> float:
    usd = alert["record"].get("usd")
    return float(usd) if type(usd) in (int, float) and 0 <= usd < _MOST_USD else 0.0


def _reasons(level: Level, growth: _Growth, alert: dict[str, Any]) -> list[str]:
    """Return the conditions of a level that hold, in words."""
    if growth.is_taken_back:
        return []
    found = []
    if level.count is not None and growth.count >= level.count:
        found.append(f"{growth.count:,} alerts")
    if level.usd is not None and growth.usd >= level.usd:
        found.append(f"{growth.usd:,.0f} USD in all")
    if level.severity is not None:
        wanted = SEVERITIES.index(level.severity)
        if growth.began < wanted <= SEVERITIES.index(alert["severity"]):
            found.append(f"from {SEVERITIES[growth.began]} to {alert['severity']}")
    return found


_BY_WORTH = "CREATE INDEX IF NOT EXISTS members_worth ON members (kin, place, usd)"
"""Thousands of alerts on one movement: the greatest worth of them must not be looked for among all."""

_SAVE = (
    "INSERT INTO growth (kin, count, usd, began, reached, at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
    " SET count = excluded.count, usd = excluded.usd, began = excluded.began, reached = excluded.reached,"
    " at = excluded.at"
)
_JOIN = "INSERT INTO members (kin, id, place, usd) VALUES (?, ?, ?, ?)"
_QUIET = (
    "SELECT g.kin, count(m.id) FROM growth g LEFT JOIN members m ON m.kin = g.kin"
    " GROUP BY g.kin ORDER BY g.at"
)
