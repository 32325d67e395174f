"""Who gets an alert: silences, then inhibition, then routes, then limits; escalation adds receivers."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from txpipe.alerts.deadletters import key
from txpipe.alerts.escalation import Escalation
from txpipe.alerts.heldback import HeldBack
from txpipe.alerts.inhibition import Inhibitor
from txpipe.alerts.intake import Item
from txpipe.alerts.limits import Limiter
from txpipe.alerts.queueing import Queue, Taken
from txpipe.alerts.silence import Silences, muting

Router = Callable[[dict[str, Any]], Sequence[str]]
"""Says which receivers, by name, an alert goes to."""


@dataclass(frozen=True, slots=True)
class Restraint:
    """What keeps alerts from receivers, or brings them to more; None is nothing.

    Attributes:
        inhibitor: which alerts others mute.
        limiter: how many there may be of one kind.
        escalation: who gets one of an incident that grows, whatever the others say.
    """

    inhibitor: Inhibitor | None = None
    limiter: Limiter | None = None
    escalation: Escalation | None = None


class Addressing:
    """Takes alerts into the spool, each for its receivers; what it decides by is kept there, too.

    Attributes:
        muted: alerts that silences have kept from receivers.
        inhibited: alerts that graver ones have.
        held_back: counts of those that limits have, for digests.
    """

    def __init__(
        self, spool: Queue, router: Router, restraint: Restraint, named: Collection[str] = ()
    ) -> None:
        """Take where to write, and who gets what.

        Args:
            spool: open.
            router: says who.
            restraint: what keeps alerts from them.
            named: the receivers that there are now; empty is not known.
        """
        self.muted = 0
        self.inhibited = 0
        self.held_back = HeldBack()
        self._spool = spool
        self._router = router
        self._inhibitor = restraint.inhibitor
        self._limiter = restraint.limiter
        self._escalation = restraint.escalation
        self._named = named
        self._silences = Silences(spool.database)
        self._had: dict[str, set[str]] = {}

    def take(self, items: Sequence[Item], now: float) -> None:
        """Write alerts to the spool.

        Args:
            items: alerts in the order in which they came.
            now: wall time, Unix seconds.

        Raises:
            SpoolFailed: nothing of them is written.
        """
        muted: list[int] = []
        # in memory there is none: it is another command that writes them
        silences = [] if self._spool.folder is None else self._silences.holding(now)
        known, is_counting = self._known(items), self._is_counting
        if not is_counting and self._inhibitor is None and not silences:
            self._spool.take(list(self._plain(items)), now)
            return
        with self._spool.writing() as db:
            taken = []
            for line, alert in items:
                name = key(alert)
                if name in known:
                    taken.append(Taken(name, line, ()))
                elif silences and (silence := muting(silences, alert)):
                    muted.append(silence.number)
                    taken.append(Taken(name, line, ()))
                else:
                    taken.append(self._addressed(db, name, line, alert, now))
                    if is_counting:
                        known.add(name)
            self._had.clear()
            self._spool.enter(db, taken, now)
            self._save(db, now)
        self.muted += len(muted)
        self._silences.count(muted)

    def _plain(self, items: Sequence[Item]) -> Iterator[Taken]:
        """Yield what ``_addressed`` returns where nothing keeps alerts from receivers, but fast."""
        router = self._router
        for line, alert in items:
            receivers = router(alert)
            if alert["rev"] == 0 and alert["status"] == "open":
                yield Taken(alert["id"] + ":0", line, receivers, alert=alert)
            else:
                takes_back = alert["status"] == "retracted" and not self._is_orphan(alert)
                yield Taken(key(alert), line, receivers, True, takes_back, None, alert)

    def tell_due(self, now: float, *, ends: bool = False) -> None:
        """Put the digests that are due into the spool's queue, all of them where the input ends.

        Any thread may call it; also without limits, for an earlier run may have had some.
        """
        with self._spool.database.reading() as db:
            if not self.held_back.due(db, now, ends=ends):
                return
        with self._spool.writing() as db:
            self._spool.enter(db, list(self.held_back.digests(db, now, ends=ends)), now)

    @property
    def _is_counting(self) -> bool:
        """Whether an alert that comes again must not be counted again."""
        return self._limiter is not None or self._escalation is not None

    def _known(self, items: Sequence[Item]) -> set[str]:
        """Return the keys of alerts that come again."""
        return self._spool.known(key(alert) for _, alert in items) if self._is_counting else set()

    def _save(self, db: sqlite3.Connection, now: float) -> None:
        """Write what it decides by, and the digests that are due."""
        if self._inhibitor is not None:
            self._inhibitor.save(db)
        if self._limiter is not None:
            self._limiter.save(db)
            self.held_back.save(db, now)
            self._spool.enter(db, list(self.held_back.digests(db, now)), now)

    def _addressed(
        self, db: sqlite3.Connection, name: str, line: bytes, alert: dict[str, Any], now: float
    ) -> Taken:
        """Return an alert that no silence mutes with its receivers."""
        notes = None if self._escalation is None else self._escalation.reached(db, alert, now)
        if self._inhibitor is not None and self._inhibitor.mutes(alert):
            self.inhibited += 1
            return Taken(name, line, tuple(notes or ()), notes=notes, alert=alert)
        takes_back = alert["status"] == "retracted" and not self._is_orphan(alert)
        follows = alert["rev"] > 0 or alert["status"] != "open"
        receivers = self._router(alert)
        if self._limiter is not None and alert["status"] != "retracted":
            receivers = self._within_limits(self._limiter, line, alert, receivers, now, follows=follows)
        if notes:
            receivers = tuple(dict.fromkeys([*receivers, *notes]))
        return Taken(name, line, receivers, follows, takes_back, notes, alert)

    def _is_orphan(self, alert: dict[str, Any]) -> bool:
        """Say whether nobody who had an alert is a receiver still: by another name or URL somebody may be."""
        had = self._spool.had(alert["id"]) if self._named else []
        return bool(had) and not any(name in self._named for name in had)

    def _within_limits(  # noqa: PLR0913 - what it is decided by
        self,
        limiter: Limiter,
        line: bytes,
        alert: dict[str, Any],
        receivers: Sequence[str],
        now: float,
        *,
        follows: bool,
    ) -> Sequence[str]:
        """Return the receivers for which no limit holds an alert back; what they have had goes on to them."""
        self.held_back.clock(alert)
        had = self._had.setdefault(alert["id"], set(self._spool.had(alert["id"]) if follows else ()))
        kept = []
        for receiver in receivers:
            limit = None if receiver in had else limiter.holding(alert, receiver, now)
            if limit is None:
                kept.append(receiver)
            else:
                self.held_back.add(limit, receiver, line, alert)
        had.update(kept)
        return kept
