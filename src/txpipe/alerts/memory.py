"""The queue where there is no spool: it ends with the run, and holds no line that nobody waits for."""

from __future__ import annotations

import sqlite3
import threading
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

from msgspec.structs import replace

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
        self._alerts: dict[int, Known] = {}
        self._ids: dict[str, int | Revisions] = {}
        self._shares: dict[str, Share] = {}
        self._done: list[int] = []

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
            return {key for key in keys if self._seq(key) is not None}

    def had(self, alert_id: str) -> list[str]:
        """Return the receivers that any known revision of an alert went to."""
        with self._lock:
            found = self._ids.get(alert_id)
            if found is None:
                return []
            names = self._alerts[found].receivers if isinstance(found, int) else found.receivers
            return sorted(names, key=lambda name: self._shares[name].number)

    def due(self, receiver: str, now: float, limit: int, kin: str | None = None) -> list[Parcel]:
        """Return the first alerts that a receiver is to get now, in the order in which they came."""
        with self._lock:
            return at_once(islice(self._share(receiver).ready(now, kin), limit))

    def first(self, receiver: str, now: float, but: Collection[str]) -> tuple[str, float] | None:
        """Return the group that has waited the longest, and since when; None if none waits."""
        with self._lock:
            found = self._share(receiver).first(now, but)
            return None if found is None else (found.kin, found.since)

    def heads(self, receiver: str, now: float, kins: Iterable[str]) -> dict[str, float]:
        """Return since when the first alert waits, of those of the groups of which any is due."""
        with self._lock:
            share = self._share(receiver)
            found = ((kin, next(share.ready(now, kin), None)) for kin in kins)
            return {kin: parcel.since for kin, parcel in found if parcel is not None}

    def delivered(self, receiver: str, parcels: Sequence[Parcel]) -> None:
        """Note that a receiver has alerts."""
        with self._lock:
            self._settle(receiver, [parcel.seq for parcel in parcels])

    def dead(self, receiver: str, parcels: Sequence[Parcel]) -> None:
        """Note that alerts were given up."""
        with self._lock:
            self._bury(receiver, [parcel.seq for parcel in parcels])

    def put_off(self, receiver: str, parcels: Sequence[Parcel], due: float) -> None:
        """Let single alerts wait until a time while others go on."""
        with self._lock:
            share = self._share(receiver)
            for parcel in parcels:
                share.put_off(parcel.seq, due)

    def overdue(self, receiver: str, since: float, limit: int) -> list[Parcel]:
        """Return the first alerts that have waited for a receiver from before a time on; see ``due``."""
        with self._lock:
            found = (one for one in self._share(receiver).waiting.values() if one.since < since)
            return at_once(islice(found, limit))

    def waiting(self) -> dict[str, int]:
        """Return how many alerts wait, by receiver; receivers for which none does are left out."""
        return {name: number for name, (number, _) in self.depths().items()}

    def depths(self) -> dict[str, tuple[int, float]]:
        """Return how many alerts wait, and from when on the first has (Unix seconds), by receiver."""
        with self._lock:
            return {
                name: (len(share.waiting), next(iter(share.waiting.values())).since)
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
        return self._share(receiver).size

    def shed(self, receiver: str) -> int:
        """Give up the first to come of what waits, an eighth of it; return how many alerts."""
        with self._lock:
            share = self._share(receiver)
            return self._bury(receiver, list(islice(share.waiting, (len(share.waiting) + 7) // 8)))

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
            first = 0 if most is None else next(reversed(self._alerts), 0) - most
            self._done.sort()  # of one receiver it is in order already
            many = bisect_right(self._done, first)
            while many < len(self._done) and self._alerts[self._done[many]].taken < before:
                many += 1
            gone = self._done[: min(many, PURGED)]
            del self._done[: len(gone)]
            for seq in gone:
                self._forget(seq)
            return len(gone) == PURGED

    def _share(self, receiver: str) -> Share:
        share = self._shares.get(receiver)
        if share is None:
            share = self._shares[receiver] = Share(len(self._shares))
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
        for seq in range(last + 1, self._last + 1):
            for name in self._alerts[seq].receivers:
                self._shares[name].leave(seq)
            self._forget(seq)
        self._done = [seq for seq in self._done if seq <= last]

    def _enter(self, alerts: Iterable[Taken], now: float) -> int:
        before, ids = self._last, self._ids
        for one in alerts:
            alert_id = one.key.partition(":")[0]
            if alert_id not in ids or self._seq(one.key) is None:
                self._add(one, alert_id, now)
        return self._last - before

    def _add(self, one: Taken, alert_id: str, now: float) -> None:
        """Take an alert that is not known."""
        key, line, notes = one.key, one.line, one.notes
        receivers = self._followed(one, alert_id) if one.follows else one.receivers
        seq = self._last + 1
        places = []
        for name in receivers:  # first of all, for a line may be no alert
            share = self._shares.get(name) or self._share(name)
            kin = "" if share.keys is None else one.kin(share.keys)
            note = "" if notes is None else notes.get(name, "")
            places.append((share, Parcel(key, line, now, 0, seq, note, kin)))
        alert = self._alerts[seq] = Known(key, now, receivers, notes)
        self._note(alert_id, seq, alert)
        self._last = seq
        for share, parcel in places:
            share.add(parcel)
        if not receivers:
            self._done.append(seq)

    def _followed(self, one: Taken, alert_id: str) -> Sequence[str]:
        """Return whom an alert goes to that follows another: to whom that went, too."""
        had = self.had(alert_id)
        if one.takes_back and alert_id in self._ids:
            return tuple(had)
        return tuple(dict.fromkeys([*one.receivers, *had]))

    def _seq(self, key: str) -> int | None:
        """Return the place of an alert; None if it is not known."""
        found = self._ids.get(key.partition(":")[0])
        if isinstance(found, Revisions):
            return found.seqs.get(key)
        return found if found is not None and self._alerts[found].key == key else None

    def _note(self, alert_id: str, seq: int, alert: Known) -> None:
        """Note under its id that an alert is known."""
        found = self._ids.get(alert_id)
        if found is None:
            self._ids[alert_id] = seq
        elif isinstance(found, Revisions):
            found.add(alert, seq)
        else:
            several = self._ids[alert_id] = Revisions(self._alerts[found], found)
            several.add(alert, seq)

    def _forget(self, seq: int) -> None:
        """Forget an alert that waits for nobody."""
        alert = self._alerts.pop(seq)
        alert_id = alert.key.partition(":")[0]
        found = self._ids[alert_id]
        if isinstance(found, Revisions):
            found.remove(alert)
            if found.seqs:
                return
        del self._ids[alert_id]

    def _bury(self, receiver: str, seqs: Iterable[int]) -> int:
        """Give alerts up; return how many waited."""
        gone = self._settle(receiver, seqs)
        for seq in gone:
            self._alerts[seq].dead += (receiver,)
        return len(gone)

    def _settle(self, receiver: str, seqs: Iterable[int]) -> list[int]:
        """Let alerts wait for a receiver no more; return those that did."""
        share = self._share(receiver)
        gone = [seq for seq in seqs if share.leave(seq) is not None]
        self._done += [seq for seq in gone if not self._waits(seq)]
        return gone

    def _waits(self, seq: int) -> bool:
        """Say whether an alert waits for anybody."""
        receivers = self._alerts[seq].receivers
        return any(seq in self._shares[name].waiting for name in receivers)

    def _resent(self, receiver: str, parcel: Parcel) -> bool:
        """Let an alert wait for a receiver again; say whether it did not, and was not delivered."""
        share, seq = self._share(receiver), self._seq(parcel.key)
        if seq is None:
            return self._enter([Taken(parcel.key, parcel.line, (receiver,))], parcel.since) > 0
        alert = self._alerts[seq]
        if receiver in alert.receivers and receiver not in alert.dead:
            return False
        if not self._waits(seq):
            self._done.remove(seq)
        if receiver not in alert.receivers:
            self._went_to(alert, receiver)
        alert.dead = tuple(name for name in alert.dead if name != receiver)
        share.add_again(replace(parcel, seq=seq, note=(alert.notes or {}).get(receiver, "")))
        return True

    def _went_to(self, alert: Known, receiver: str) -> None:
        """Note one more receiver of an alert that is known."""
        alert.receivers = (*alert.receivers, receiver)
        found = self._ids[alert.key.partition(":")[0]]
        if isinstance(found, Revisions):
            found.went_to(receiver)
