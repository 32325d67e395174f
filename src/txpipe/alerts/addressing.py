"""Who gets an alert: silences, then inhibition, then routes, then limits."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from txpipe.alerts.deadletters import key
from txpipe.alerts.heldback import HeldBack
from txpipe.alerts.inhibition import Inhibitor
from txpipe.alerts.intake import Item
from txpipe.alerts.limits import Limiter
from txpipe.alerts.silence import Silence, Silences, muting
from txpipe.alerts.spool import Spool, Taken

Router = Callable[[dict[str, Any]], Sequence[str]]
"""Says which receivers, by name, an alert goes to."""


@dataclass(frozen=True, slots=True)
class Restraint:
    """What keeps alerts from receivers; None is nothing.

    Attributes:
        inhibitor: which alerts others mute.
        limiter: how many there may be of one kind.
    """

    inhibitor: Inhibitor | None = None
    limiter: Limiter | None = None


class Addressing:
    """Takes alerts into the spool, each for its receivers; what it decides by is kept there, too.

    Attributes:
        muted: alerts that silences have kept from receivers.
        inhibited: alerts that graver ones have.
        held_back: counts of those that limits have, for digests.
    """

    def __init__(self, spool: Spool, router: Router, restraint: Restraint) -> None:
        self.muted = 0
        self.inhibited = 0
        self.held_back = HeldBack()
        self._spool = spool
        self._router = router
        self._inhibitor = restraint.inhibitor
        self._limiter = restraint.limiter
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
        silences = self._silences.holding(now)
        known = self._known(items)
        taken = [
            Taken(name, item[0], ()) if name in known else self._addressed(name, item, silences, muted, now)
            for name, item in ((key(item[1]), item) for item in items)
        ]
        self._had.clear()
        self._spool.take(taken, now, self._saving(now))
        self.muted += len(muted)
        self._silences.count(muted)

    def tell_due(self, now: float, *, ends: bool = False) -> None:
        """Put the digests that are due into the spool's queue, all of them where the input ends.

        Any thread may call it; also without limits, for an earlier run may have had some.
        """
        with self._spool.database.reading() as db:
            if not self.held_back.due(db, now, ends=ends):
                return
        self._spool.take((), now, lambda db: self.held_back.digests(db, now, ends=ends))

    def _known(self, items: Sequence[Item]) -> set[str]:
        """Return the keys of alerts that come again, which must not be counted again."""
        if self._limiter is None:
            return set()
        return self._spool.known(key(item[1]) for item in items)

    def _saving(self, now: float) -> Callable[[sqlite3.Connection], Iterable[Taken]]:
        def save(db: sqlite3.Connection) -> Iterator[Taken]:
            if self._inhibitor is not None:
                self._inhibitor.save(db)
            if self._limiter is not None:
                self._limiter.save(db)
                self.held_back.save(db, now)
                yield from self.held_back.digests(db, now)

        return save

    def _addressed(
        self, name: str, item: Item, silences: Sequence[Silence], muted: list[int], now: float
    ) -> Taken:
        """Return an alert with its receivers; one that a silence mutes has none."""
        line, alert = item
        if silence := muting(silences, alert):
            muted.append(silence.number)
            return Taken(name, line, ())
        if self._inhibitor is not None and self._inhibitor.mutes(alert):
            self.inhibited += 1
            return Taken(name, line, ())
        takes_back = alert["status"] == "retracted"
        follows = alert["rev"] > 0 or alert["status"] != "open"
        receivers = self._router(alert)
        if self._limiter is not None and not takes_back:
            receivers = self._within_limits(self._limiter, item, receivers, now, follows=follows)
        return Taken(name, line, receivers, follows, takes_back)

    def _within_limits(
        self, limiter: Limiter, item: Item, receivers: Sequence[str], now: float, *, follows: bool
    ) -> Sequence[str]:
        """Return the receivers for which no limit holds an alert back; what they have had goes on to them."""
        line, alert = item
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
