"""What limits held back, until it is told: one digest a limit and receiver, an alert like any other.

A digest is due when the alerts' own time is a window past the first that was held back, when as much wall
time has gone by, or at the end of input. It enters the spool's queue in one step with the end of its counts.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from txpipe.alerts.human import HELD_BACK
from txpipe.alerts.intake import Item, reread
from txpipe.alerts.limits import Limit
from txpipe.alerts.queueing import Taken
from txpipe.record import SEVERITIES, dumps

_APART = 500
"""Rules and subjects that are told apart in one digest; others are counted together."""
_SHOWN = 10
_COUNTED = (("severities", "severity"), ("rules", "rule"), ("subjects", "subject"))
_OTHERS = "others"
_KEPT_KEYS = ("type", "severity", "score", "chain", "block", "time", "tx", "n", "subject", "role", "record")


_New = tuple[Limit, list[Item]]


class HeldBack:
    """The counts of what is held back, in the spool.

    Attributes:
        counts: alerts held back in this run, by limit.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._new: dict[tuple[str, str], _New] = {}
        self._clocks: dict[str, float] = {}

    def add(self, limit: Limit, receiver: str, line: bytes, alert: dict[str, Any]) -> None:
        """Note an alert that a limit held back from a receiver."""
        self.counts[limit.about.name] += 1
        self._new.setdefault((limit.about.name, receiver), (limit, []))[1].append((line, alert))

    def clock(self, alert: dict[str, Any]) -> None:
        """Note how late it is on an alert's chain."""
        self._clocks[alert["chain"]] = float(alert["time"])

    def save(self, db: sqlite3.Connection, now: float) -> None:
        """Write what is new.

        Args:
            db: in a transaction.
            now: wall time, Unix seconds.
        """
        new, self._new = self._new, {}
        for key, (limit, items) in new.items():
            _count(db, key, limit, items, now)

    def due(self, db: sqlite3.Connection, now: float, *, ends: bool = False) -> list[tuple[str, str]]:
        """Return limit and receiver of digests that are due; all of them where nothing more comes."""
        rows = db.execute("SELECT limit_name, receiver, chain, first, for_s, since FROM held").fetchall()
        return [
            (name, receiver)
            for name, receiver, chain, first, for_s, since in rows
            if ends
            or self._clocks.get(chain, first) - first >= for_s
            or abs(now - since) >= for_s  # the wall's clock, too, may be set back
        ]

    def digests(self, db: sqlite3.Connection, now: float, *, ends: bool = False) -> Iterator[Taken]:
        """Yield the digests that are due, and end their counts; in a transaction."""
        for limit, receiver in self.due(db, now, ends=ends):
            yield _digest(db, limit, receiver)


def _count(
    db: sqlite3.Connection, key: tuple[str, str], limit: Limit, items: Sequence[Item], now: float
) -> None:
    """Add to the counts of a limit and receiver."""
    row = db.execute("SELECT counts, gravest FROM held WHERE limit_name = ? AND receiver = ?", key).fetchone()
    gravest, first = items[0]
    if row is None:
        kind = {"type": limit.kind, "count": limit.count, "seconds": limit.for_s, "track": limit.track}
        counts: dict[str, Any] = {"limit": kind, "held_back": 0, "first": first["time"]}
        db.execute(_BEGIN, (*key, first["chain"], float(first["time"]), limit.for_s, now))
    else:
        counts, gravest = orjson.loads(row[0]), row[1]
    weight = _weight(reread(gravest))
    for line, alert in items:
        if _weight(alert) > weight:
            gravest, weight = line, _weight(alert)
        for name, item in _COUNTED:
            there, value = counts.setdefault(name, {}), alert[item]
            value = value if value in there or len(there) < _APART else _OTHERS
            there[value] = there.get(value, 0) + 1
    counts["held_back"] += len(items)
    counts["last"] = items[-1][1]["time"]
    db.execute(_UPDATE, (orjson.dumps(counts), gravest, *key))


def _digest(db: sqlite3.Connection, name: str, receiver: str) -> Taken:
    """End the counts of a limit and receiver; return the alert that tells of them."""
    key = (name, receiver)
    row = db.execute(_TAKE_OUT, key).fetchone()
    alert, counts, since = reread(row[0]), orjson.loads(row[1]), row[2]
    number = counts["held_back"]
    about = f"{name}\x1f{receiver}\x1f{since!r}\x1f{alert['id']}:{alert['rev']}"
    alert_id = hashlib.blake2b(about.encode(), digest_size=16).hexdigest()
    digest = {key: alert[key] for key in _KEPT_KEYS} | {
        "id": alert_id,
        "status": "open",
        "rev": 0,
        "rule": HELD_BACK,
        "category": "digest",
        "title": f"{number:,} alert{'s' * (number != 1)} held back by the limit {name}, this the gravest",
        "evidence": {
            **counts,
            "rules": _top(counts["rules"]),
            "subjects": _top(counts["subjects"]),
            "gravest": {"id": alert["id"], "rule": alert["rule"], "title": alert["title"]},
        },
    }
    return Taken(f"{alert_id}:0", dumps(digest)[:-1], (receiver,))


def _top(counts: dict[str, int]) -> dict[str, int]:
    """Return the most frequent, most first, and how many others there were."""
    ranked = sorted(counts.items(), key=lambda pair: (pair[0] == _OTHERS, -pair[1]))
    rest = sum(count for _, count in ranked[_SHOWN:])
    return dict(ranked[:_SHOWN]) | ({_OTHERS: rest} if rest else {})


def _weight(alert: dict[str, Any]) -> tuple[int, float]:
    return SEVERITIES.index(alert["severity"]), alert["score"]


_TAKE_OUT = "DELETE FROM held WHERE limit_name = ? AND receiver = ? RETURNING gravest, counts, since"
_BEGIN = (
    "INSERT INTO held (limit_name, receiver, chain, first, for_s, since, counts, gravest)"
    " VALUES (?, ?, ?, ?, ?, ?, '', '')"
)
_UPDATE = "UPDATE held SET counts = ?, gravest = ? WHERE limit_name = ? AND receiver = ?"
