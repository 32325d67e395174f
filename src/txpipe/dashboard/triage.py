"""What people make of alerts: a log that only grows; what counts is what was said last and not taken back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import sqlalchemy as sa

from txpipe.dashboard import tables, tally
from txpipe.dashboard.database import Database
from txpipe.errors import UsageFault

STATES = {
    "acknowledge": "acknowledged",
    "false_positive": "false_positive",
    "resolve": "resolved",
    "reopen": "open",
}
"""What an action makes of an alert; a note leaves it as it is."""

NOTE = "note"
UNDO = "undo"
ACTIONS: tuple[str, ...] = (*STATES, NOTE, UNDO)
NOTE_CHARS = 4000
WHO_CHARS = 100
MOST_ENTRIES = 1000
"""Entries of one alert."""


class TriageFault(UsageFault):
    """Something that cannot be said of an alert."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log.

    Attributes:
        entry: its number.
        action: of ACTIONS.
        note: why; may be empty.
        who: who said it.
        at: Unix seconds.
        undoes: of an undo, the entry that it takes back.
        undone: it was taken back.
    """

    entry: int
    action: str
    note: str
    who: str
    at: float
    undoes: int | None
    undone: bool


class Triage:
    """Reads and writes the log."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    def log(self, num: int) -> list[Entry]:
        """Return the entries of an alert, the oldest first."""
        with self._database.reading() as connection:
            return _log(connection, num)

    def add(
        self, alert_id: str, action: str, who: str, note: str = "", undoes: int | None = None
    ) -> Entry | None:
        """Say something of an alert.

        Args:
            alert_id: its id.
            action: of ACTIONS.
            who: who says it.
            note: why; cut at NOTE_CHARS.
            undoes: for an undo, the entry to take back.

        Returns:
            The new entry; None if there is no such alert.

        Raises:
            TriageFault: an unknown action, an empty note, or nothing to undo.
            StoreFailed: it could not be stored.
        """
        if action not in ACTIONS:
            raise TriageFault(f'action "{action[:40]}" is none of {", ".join(ACTIONS)}')
        if action == NOTE and not note.strip():
            raise TriageFault("a note says something")
        with self._database.writing() as connection:
            num = connection.execute(
                sa.select(tables.alerts.c.num).where(tables.alerts.c.id == alert_id)
            ).scalar()
            if num is None:
                return None
            said = Entry(
                0, action, _kept(note, NOTE_CHARS), _kept(who, WHO_CHARS), self._now(), undoes, undone=False
            )
            return _added(connection, num, said)


def _added(connection: sa.Connection, num: int, said: Entry) -> Entry:
    log = _log(connection, num)
    if len(log) >= MOST_ENTRIES:
        raise TriageFault(f"an alert has {MOST_ENTRIES:,} entries at most")
    if said.action == UNDO:
        if said.undoes is None:
            raise TriageFault("an undo names in undoes the entry of the alert's log that it takes back")
        target = next((each for each in log if each.entry == said.undoes), None)
        if target is None or target.undone or target.action == UNDO:
            raise TriageFault(f"entry {said.undoes} of this alert is none that can be undone")
    last = connection.execute(sa.select(sa.func.max(tables.triage.c.entry))).scalar() or 0
    entry = replace(said, entry=last + 1, undoes=said.undoes if said.action == UNDO else None)
    values = {name: getattr(entry, name) for name in ("entry", "action", "note", "who", "at", "undoes")}
    connection.execute(sa.insert(tables.triage), values | {"num": num})
    _settle(connection, num)
    return entry


def _kept(text: str, limit: int) -> str:
    return text.strip().replace("\x00", "\ufffd")[:limit]


def _log(connection: sa.Connection, num: int) -> list[Entry]:
    table = tables.triage
    found = connection.execute(sa.select(table).where(table.c.num == num).order_by(table.c.entry)).all()
    undone = {each.undoes for each in found}
    return [
        Entry(each.entry, each.action, each.note, each.who, each.at, each.undoes, undone=each.entry in undone)
        for each in found
    ]


def _settle(connection: sa.Connection, num: int) -> None:
    """Write what counts now beside the alert, where filters look."""
    said = [each for each in _log(connection, num) if each.action in STATES and not each.undone]
    last = said[-1] if said else None
    state = STATES[last.action] if last else "open"
    is_open = last is None or state == "open"
    before = connection.execute(
        sa.select(tables.alerts.c.triage).where(tables.alerts.c.num == num)
    ).scalar_one()
    changes: tally.Changes = Counter({("triage", state): 1})
    changes["triage", before] -= 1
    tally.change(connection, changes)
    connection.execute(
        sa.update(tables.alerts)
        .where(tables.alerts.c.num == num)
        .values(
            triage=state,
            triaged_by="" if is_open else last.who if last else "",
            triaged_at=None if is_open or last is None else last.at,
        )
    )
