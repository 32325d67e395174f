"""The queue where there is no spool: it ends with the run, and holds no line that nobody waits for."""

from __future__ import annotations

import sqlite3
import threading
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from operator import attrgetter

from txpipe.alerts.database import Database
from txpipe.alerts.known import Known, Revisions
from txpipe.alerts.queueing import PURGED, Queue, Taken
from txpipe.alerts.receiver import Parcel, at_once
from txpipe.alerts.share import Share


class Memory(Queue):
    """The queue in plain dictionaries; what belongs to it is in an SQLite database in memory."""

    def __init__(self) -> None:
        super().__init__(Database(None))
        self._lock = threading.RLock()  # taken before the database's, never after it
        self._last = 0
        self._ids: dict[str, Known | Revisions] = {}
        self._shares: dict[str, Share] = {}
        self._done: list[Known] = []
        self._is_sorted = True

    def take(self, alerts: Iterable[Taken], now: float) -> int:
        """Take alerts, all of them or, where that fails, none; those it knows are not taken again."""
        with self._whole():
            return self._enter(alerts, now)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Take alerts and write what belongs to them, both or, where the body fails, neither."""
        with self._whole(), self.database.writing() as db:
            yield db

    def enter(self, db: sqlite3.Connection, alerts: Iterable[Taken], now: float) -> int:  # noqa: ARG002 - the queue is not in it
        """Do what ``take`` does within ``writing``."""
        return self._enter(alerts, now)

    def group(self, receiver: str, keys: Sequence[str] | None) -> None:
        """Put a receiver's alerts together that agree in these keys, waiting ones, too; None is no more."""
        with self._lock:
            self._share(receiver).group(keys)

    def known(self, keys: Iterable[str]) -> set[str]:
        """Return those of the keys under which it knows an alert."""
        with self._lock:
            return {key for key in keys if self._find(key) is not None}

    def had(self, alert_id: str) -> list[str]:
        """Return the receivers that any known revision of an alert went to."""
        with self._lock:
            found = self._ids.get(alert_id)
            if found is None:
                return []
            return sorted(found.receivers, key=lambda name: self._shares[name].number)

    def due(self, receiver: str, now: float, limit: int, kin: str | None = None) -> list[Parcel]:
        """Return the first alerts that a receiver is to get now, in the order in which they came."""
        with self._lock:
            share = self._share(receiver)
            return at_once(map(share.parcel, islice(share.ready(now, kin), limit)))

    def first(self, receiver: str, now: float, but: Collection[str]) -> tuple[str, float] | None:
        """Return the group that has waited the longest, and since when; None if none waits."""
        with self._lock:
            return self._share(receiver).first(now, but)

    def heads(self, receiver: str, now: float, kins: Iterable[str]) -> dict[str, float]:
        """Return since when the first alert waits, of those of the groups of which any is due."""
        with self._lock:
            share = self._share(receiver)
            found = ((kin, next(share.ready(now, kin), None)) for kin in kins)
            return {kin: share.since(alert) for kin, alert in found if alert is not None}

    def delivered(self, receiver: str, parcels: Sequence[Parcel]) -> None:
        """Note that a receiver has alerts."""
        with self._lock:
            self._settle(receiver, _seqs(parcels))

    def dead(self, receiver: str, parcels: Sequence[Parcel]) -> None:
        """Note that alerts were given up."""
        with self._lock:
            self._bury(receiver, _seqs(parcels))

    def put_off(self, receiver: str, parcels: Sequence[Parcel], due: float) -> None:
        """Let single alerts wait until a time while others go on."""
        with self._lock:
            share = self._share(receiver)
            for parcel in parcels:
                share.put_off(parcel.seq, due)

    def overdue(self, receiver: str, since: float, limit: int) -> list[Parcel]:
        """Return the first alerts that have waited for a receiver from before a time on; see ``due``."""
        with self._lock:
            share = self._share(receiver)
            found = (one for one in share.waiting.values() if share.since(one) < since)
            return at_once(map(share.parcel, islice(found, limit)))

    def waiting(self) -> dict[str, int]:
        """Return how many alerts wait, by receiver; receivers for which none does are left out."""
        return {name: number for name, (number, _) in self.depths().items()}

    def depths(self) -> dict[str, tuple[int, float]]:
        """Return how many alerts wait, and from when on the first has (Unix seconds), by receiver."""
        with self._lock:
            return {
                name: (len(share.waiting), share.since(next(iter(share.waiting.values()))))
                for name, share in self._shares.items()
                if share.waiting
            }

    def receivers(self) -> list[str]:
        """Return the names of all receivers that there have been."""
        with self._lock:
            return list(self._shares)

    def is_waited_for(self, receivers: Iterable[str]) -> bool:
        """Say whether an alert waits for any of some receivers."""
        with self._lock:
            return any(self._share(name).waiting for name in receivers)

    def waiting_bytes(self, receiver: str) -> int:
        """Return how many bytes of alerts wait in memory for a receiver."""
        share = self._shares.get(receiver)
        return 0 if share is None else share.size

    def shed(self, receiver: str) -> int:
        """Give up the first to come of what waits, an eighth of it; return how many alerts."""
        with self._lock:
            waiting = self._share(receiver).waiting
            return self._bury(receiver, list(islice(waiting, (len(waiting) + 7) // 8)))

    def resend(self, letters: Sequence[tuple[str, str, bytes]], now: float) -> int:
        """Let alerts that were given up, or are not known (any more), wait for a receiver again."""
        with self._lock:
            ready = []  # first of all, for a line may be no alert
            for name, key, line in letters:
                keys = self._share(name).keys
                kin = "" if keys is None else Taken(key, line, ()).kin(keys)
                ready.append((name, Parcel(key, line, now, kin=kin)))
            return sum(self._resent(name, parcel) for name, parcel in ready)

    def purge(self, before: float, most: int | None = None) -> bool:
        """Forget some of the alerts that wait for no receiver."""
        with self._lock:
            first = 0 if most is None else self._last - most
            if not self._is_sorted:
                self._done.sort(key=_SEQ)
                self._is_sorted = True
            many = bisect_right(self._done, first, key=_SEQ)
            while many < len(self._done) and self._done[many].taken < before:
                many += 1
            gone = self._done[: min(many, PURGED)]
            del self._done[: len(gone)]
            for alert in gone:
                self._forget(alert)
            return len(gone) == PURGED

    def _share(self, receiver: str) -> Share:
        share = self._shares.get(receiver)
        if share is None:
            share = self._shares[receiver] = Share(receiver, len(self._shares))
        return share

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """Take what the body takes, or nothing of it."""
        with self._lock:
            last = self._last
            try:
                yield
            except BaseException:
                self._undo(last)
                raise

    def _undo(self, last: int) -> None:
        """Forget the alerts behind a place as if they had never come; no other one gets their places."""
        every = (one.alerts.values() if isinstance(one, Revisions) else (one,) for one in self._ids.values())
        late = [alert for alert in chain.from_iterable(every) if alert.seq > last]
        for share in self._shares.values():
            share.leave([seq for seq in share.waiting if seq > last])
        for alert in late:
            self._forget(alert)
        self._done = [alert for alert in self._done if alert.seq <= last]

    def _enter(self, alerts: Iterable[Taken], now: float) -> int:
        before, ids = self._last, self._ids
        last: Sequence[str] = ()
        shares: list[Share] = []
        for one in alerts:
            key = one.key
            alert_id = key.partition(":")[0] if one.alert is None else one.alert["id"]
            if alert_id in ids and self._find(key) is not None:
                continue
            receivers = self._followed(one, alert_id) if one.follows else one.receivers
            if receivers is not last:  # mostly they are those of the alert before
                last, shares = receivers, [self._share(name) for name in receivers]
            self._last += 1
            alert = Known(alert_id, key, one.line if shares else b"", self._last, now, receivers, one.notes)
            for share in shares:
                share.add(one, alert)
            if ids.setdefault(alert_id, alert) is not alert:
                self._revised(alert)
            if not receivers:
                self._done.append(alert)
        return self._last - before

    def _followed(self, one: Taken, alert_id: str) -> Sequence[str]:
        """Return whom an alert goes to that follows another: to whom that went, too."""
        had = self.had(alert_id)
        if one.takes_back and alert_id in self._ids:
            return tuple(had)
        return tuple(dict.fromkeys([*one.receivers, *had]))

    def _find(self, key: str) -> Known | None:
        """Return an alert; None if it is not known."""
        found = self._ids.get(key.partition(":")[0])
        if isinstance(found, Revisions):
            return found.alerts.get(key)
        return found if found is not None and found.key == key else None

    def _revised(self, alert: Known) -> None:
        """Note one more alert of an id."""
        found = self._ids[alert.alert_id]
        if not isinstance(found, Revisions):
            found = self._ids[alert.alert_id] = Revisions(found)
        found.add(alert)

    def _forget(self, alert: Known) -> None:
        """Forget an alert that waits for nobody."""
        found = self._ids.pop(alert.alert_id)
        if isinstance(found, Revisions):
            found.remove(alert)
            if found.alerts:
                self._ids[alert.alert_id] = found

    def _bury(self, receiver: str, seqs: Iterable[int]) -> int:
        """Give alerts up, by their places; return how many waited."""
        gone = self._settle(receiver, seqs)
        alone = (receiver,)
        for alert in gone:
            alert.dead = (*alert.dead, receiver) if alert.dead else alone
        return len(gone)

    def _settle(self, receiver: str, seqs: Iterable[int]) -> list[Known]:
        """Let alerts wait for a receiver no more, by their places; return those that did."""
        gone = self._share(receiver).leave(seqs)
        done = [alert for alert in gone if len(alert.receivers) == 1 or not self._waits(alert)]
        for alert in done:
            alert.line = b""
        if done and self._done and done[0].seq < self._done[-1].seq:
            self._is_sorted = False
        self._done += done
        return gone

    def _waits(self, alert: Known) -> bool:
        """Say whether an alert waits for anybody."""
        return any(alert.seq in self._shares[name].waiting for name in alert.receivers)

    def _resent(self, receiver: str, parcel: Parcel) -> bool:
        """Let an alert wait for a receiver again; say whether it did not, and was not delivered."""
        alert = self._find(parcel.key)
        if alert is None:
            return self._enter([Taken(parcel.key, parcel.line, (receiver,))], parcel.since) > 0
        if receiver in alert.receivers and receiver not in alert.dead:
            return False
        if not self._waits(alert):
            self._done.remove(alert)
        if receiver not in alert.receivers:
            self._went_to(alert, receiver)
        alert.dead = tuple(name for name in alert.dead if name != receiver)
        alert.line = alert.line or parcel.line  # others may wait for it as it came
        self._share(receiver).add_again(alert, parcel.since, parcel.kin)
        return True

    def _went_to(self, alert: Known, receiver: str) -> None:
        """Note one more receiver of an alert that is known."""
        alert.receivers = (*alert.receivers, receiver)
        found = self._ids[alert.alert_id]
        if isinstance(found, Revisions):
            found.went_to(receiver)


def _seqs(parcels: Iterable[Parcel]) -> list[int]:
    return [one.seq for one in parcels]


_SEQ = attrgetter("seq")
