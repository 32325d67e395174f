"""Silences: what nobody is to be told of for a while, and why; kept in the spool."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from txpipe.address import canonical
from txpipe.alerts.database import Database
from txpipe.record import SEVERITIES, Severity


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a silence is about: an alert must meet all of it; an empty tuple is no condition.

    Attributes:
        rules: ids.
        chains: CAIP-2 names.
        subjects: addresses, in any spelling.
        categories: as in the alert.
        incidents: as in the alert.
        up_to: the highest severity.
    """

    rules: tuple[str, ...] = ()
    chains: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    incidents: tuple[str, ...] = ()
    up_to: Severity = "critical"

    def __post_init__(self) -> None:
        """Spell subjects as alerts do: people paste addresses with the capitals of a checksum (EIP-55)."""
        object.__setattr__(self, "subjects", tuple(map(canonical, self.subjects)))

    @property
    def is_empty(self) -> bool:
        """Whether it is about nothing in particular."""
        return not (self.rules or self.chains or self.subjects or self.categories or self.incidents)

    def met(self, alert: dict[str, Any]) -> bool:
        """Say whether a checked alert meets it."""
        return (
            (not self.rules or alert["rule"] in self.rules)
            and (not self.chains or alert["chain"] in self.chains)
            and (not self.subjects or alert["subject"] in self.subjects)
            and (not self.categories or alert["category"] in self.categories)
            and (not self.incidents or alert.get("incident") in self.incidents)
            and SEVERITIES.index(alert["severity"]) <= SEVERITIES.index(self.up_to)
        )


@dataclass(frozen=True, slots=True)
class Silence:
    """One silence.

    Attributes:
        number: what it is called.
        reason: why, for people.
        begins: Unix seconds.
        ends: Unix seconds.
        conditions: what it is about.
        muted: alerts that it has kept from people so far.
    """

    number: int
    reason: str
    begins: float
    ends: float
    conditions: Conditions = field(default_factory=Conditions)
    muted: int = 0

    def shown(self) -> dict[str, Any]:
        """Return it as JSON data; conditions that are none are left out."""
        conditions = {key: value for key, value in asdict(self.conditions).items() if value}
        times = {"begins": int(self.begins), "ends": int(self.ends)}
        return {"type": "silence", "number": self.number, "reason": self.reason, **times, **conditions} | {
            "muted": self.muted
        }


class Silences:
    """The silences of a spool."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, reason: str, begins: float, ends: float, conditions: Conditions) -> int:
        """Keep a silence; return its number."""
        row = (reason, begins, ends, orjson.dumps(asdict(conditions)).decode())
        with self._database.writing(durable=True) as db:
            return int(db.execute(_ADD, row).fetchone()[0])

    def all(self) -> list[Silence]:
        """Return every silence, the oldest first."""
        with self._database.reading() as db:
            rows = db.execute(_ALL).fetchall()
        return [
            Silence(number, reason, begins, ends, _conditions(text), muted)
            for number, reason, begins, ends, text, muted in rows
        ]

    def holding(self, now: float) -> list[Silence]:
        """Return those that hold at a time."""
        return [one for one in self.all() if one.begins <= now < one.ends]

    def expire(self, number: int, now: float) -> bool:
        """End a silence; return whether there was one that had not ended."""
        with self._database.writing(durable=True) as db:
            return db.execute(_EXPIRE, (now, number, now)).rowcount > 0

    def count(self, muted: Iterable[int]) -> None:
        """Note that alerts were muted, the number of the silence of each."""
        counts = Counter(muted)
        if counts:
            with self._database.writing() as db:
                db.executemany(_COUNT, [(count, number) for number, count in counts.items()])


def muting(silences: Iterable[Silence], alert: dict[str, Any]) -> Silence | None:
    """Return the first silence that mutes an alert; None if there is none.

    A retraction is never muted: whoever was alarmed must learn that there was nothing.
    """
    if alert["status"] == "retracted":
        return None
    return next((one for one in silences if one.conditions.met(alert)), None)


def _conditions(text: str) -> Conditions:
    found = orjson.loads(text)
    up_to = found.pop("up_to")
    return Conditions(**{key: tuple(value) for key, value in found.items()}, up_to=up_to)


_ALL = "SELECT number, reason, begins, ends, conditions, muted FROM silences ORDER BY number"
_ADD = "INSERT INTO silences (reason, begins, ends, conditions) VALUES (?, ?, ?, ?) RETURNING number"
_EXPIRE = "UPDATE silences SET ends = ? WHERE number = ? AND ends > ?"
_COUNT = "UPDATE silences SET muted = muted + ? WHERE number = ?"
