"""Episodes of silence: each is one alert that opens, and is taken back once word comes again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from txpipe.alerts.database import Database
from txpipe.record import alert_id

RULE, CATEGORY, SEVERITY, SCORE = "deadman", "operations", "high", 100

INPUT = "txpipe:input"
"""In place of a chain: all of the input."""


@dataclass(frozen=True, slots=True)
class Episode:
    """A silence that is an alert.

    Attributes:
        chain: CAIP-2; INPUT is all of the input.
        began: Unix seconds of the last good word before it.
        subject: who is silent.
        block: the last height heard; None if none was.
        is_told: its alert has left.
    """

    chain: str
    began: int
    subject: str
    block: int | None = None
    is_told: bool = False

    def alert(self, status: str, now: int, title: str, evidence: dict[str, Any]) -> dict[str, Any]:
        """Return the alert that opens it, or the one that takes it back.

        Args:
            status: ``open`` or ``retracted``.
            now: Unix seconds.
            title: one plain sentence.
            evidence: the numbers compared.
        """
        tx = f"silence-{self.began}"
        identity = alert_id(RULE, self.chain, tx, self.subject)
        said = "ok" if status == "retracted" else "stalled" if self.chain == INPUT else evidence["says"]
        beat = {
            "type": "heartbeat", "chain": self.chain, "time": now, "status": said, "block": self.block,
            "lag_s": max(0, now - self.began), "records": 0, "bad": 0, "source": "txalert",
        }  # fmt: skip
        return {
            "type": "alert", "id": identity, "status": status, "rev": int(status == "retracted"),
            "rule": RULE, "category": CATEGORY, "severity": SEVERITY, "score": SCORE,
            "chain": self.chain, "block": self.block, "time": now, "tx": tx, "n": 0,
            "subject": self.subject, "role": "victim", "title": title, "evidence": evidence,
            "record": beat, "incident": identity,
        }  # fmt: skip


class Episodes:
    """The silences that are alerts now; kept in a spool, so that a restart says none of them again."""

    def __init__(self, database: Database | None) -> None:
        """Take where they are kept; None keeps them in memory.

        Raises:
            SpoolFailed: the spool cannot be read or written.
        """
        self._database = database
        self._open: dict[str, Episode] = {}
        if database is not None:
            with database.writing() as db:
                db.execute(_TABLE)
            with database.reading() as db:
                rows = db.execute(_ALL).fetchall()
            found = [Episode(chain, began, who, block, bool(told)) for chain, began, who, block, told in rows]
            self._open = {one.chain: one for one in found}

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._open)

    def get(self, chain: str) -> Episode | None:
        """Return the silence of a chain, if it is one."""
        return self._open.get(chain)

    def untold(self) -> list[Episode]:
        """Return those of which an earlier run may not have told."""
        return [one for one in self._open.values() if not one.is_told]

    def keep(self, episode: Episode) -> None:
        """Keep one before it is told."""
        self._open[episode.chain] = episode
        self._write(_KEEP, (episode.chain, episode.began, episode.subject, episode.block, episode.is_told))

    def told(self, episode: Episode) -> None:
        """Note that it has left."""
        self.keep(replace(episode, is_told=True))

    def end(self, chain: str) -> None:
        """Forget one that was taken back."""
        del self._open[chain]
        self._write(_END, (chain,))

    def _write(self, statement: str, values: tuple[object, ...]) -> None:
        if self._database is not None:
            with self._database.writing(durable=True) as db:
                db.execute(statement, values)


_TABLE = (
    "CREATE TABLE IF NOT EXISTS deadman (chain TEXT PRIMARY KEY, began INTEGER NOT NULL,"
    " subject TEXT NOT NULL, block INTEGER, told INTEGER NOT NULL)"
)
_ALL = "SELECT chain, began, subject, block, told FROM deadman ORDER BY began"
_KEEP = "INSERT OR REPLACE INTO deadman (chain, began, subject, block, told) VALUES (?, ?, ?, ?, ?)"
_END = "DELETE FROM deadman WHERE chain = ?"
