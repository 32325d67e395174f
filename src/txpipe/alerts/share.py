"""What waits in memory for one receiver: in the order in which it came, and by group where there are any."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence

from msgspec.structs import replace

from txpipe.alerts.intake import reread
from txpipe.alerts.kin import kin_of
from txpipe.alerts.known import Known
from txpipe.alerts.queueing import Taken
from txpipe.alerts.receiver import Parcel
from txpipe.alerts.rest import LONGEST_ASKED_S

_GAPS = 1000
"""Entries that a dict may have lost, beside half as many as it has: it finds its first one behind them."""

_SLACK = 16
"""Places of a group that may be of nobody beside as many as wait."""


class _Group:
    """Places of the alerts that agree; those that wait no more stay among them for a while.

    Attributes:
        seqs: in order.
        count: how many of them wait.
    """

    __slots__ = ("count", "seqs")

    def __init__(self) -> None:
        self.seqs: list[int] = []
        self.count = 0


class Share:
    """One receiver's place in the queue.

    Attributes:
        name: the receiver's.
        number: its place among the receivers.
        keys: alerts that agree in these are put together; None puts none together.
        waiting: what waits, by its place, in order.
        size: bytes of the alerts that wait.
    """

    def __init__(self, name: str, number: int) -> None:
        self.name, self.number = name, number
        self.keys: Sequence[str] | None = None
        self.waiting: dict[int, Parcel] = {}
        self.size = 0
        self._groups: dict[str, _Group] = {}
        self._later: dict[int, float] = {}
        self._latest = 0.0
        self._is_mixed = False
        self._left = 0

    def group(self, keys: Sequence[str] | None) -> None:
        """Put alerts together that agree in these keys, also those that wait; None is no more."""
        if keys == self.keys:
            return
        kins = {
            seq: "" if keys is None else kin_of(reread(one.line), keys) for seq, one in self.waiting.items()
        }
        self.keys, self._groups = keys, {}
        for seq, kin in kins.items():
            self.waiting[seq] = replace(self.waiting[seq], kin=kin)
            if keys is not None:
                group = self._groups.setdefault(kin, _Group())
                group.seqs.append(seq)
                group.count += 1

    def add(self, one: Taken, alert: Known) -> None:
        """Let an alert wait, behind all others.

        Raises:
            RecordFault: its line holds none, and so it has no group; it does not wait then.
        """
        kin = "" if self.keys is None else one.kin(self.keys)
        note = "" if one.notes is None else one.notes.get(self.name, "")
        self._put(Parcel(one.key, one.line, alert.taken, 0, alert.seq, note, kin, alert))

    def add_again(self, parcel: Parcel) -> None:
        """Let an alert wait again, at its place."""
        self._put(parcel)
        self._is_mixed = True
        self.waiting = dict(sorted(self.waiting.items()))
        if self.keys is not None:
            group = self._groups[parcel.kin]
            group.seqs = sorted({seq for seq in group.seqs if seq in self.waiting})

    def _put(self, parcel: Parcel) -> None:
        seq, since = parcel.seq, parcel.since
        if since != self._latest:
            self._is_mixed = self._is_mixed or since < self._latest  # a clock was set back
            self._latest = since
        self.size += len(parcel.line)
        self.waiting[seq] = parcel
        if self.keys is not None:
            group = self._groups.get(parcel.kin)
            if group is None:
                group = self._groups[parcel.kin] = _Group()
            group.seqs.append(seq)
            group.count += 1

    def leave(self, parcels: Iterable[Parcel]) -> list[Parcel]:
        """Let alerts wait no more; return those of them that did."""
        pop = self.waiting.pop
        gone = [found for one in parcels if (found := pop(one.seq, None)) is not None]
        self.size -= sum([len(one.line) for one in gone])
        if self._later:
            for one in gone:
                self._later.pop(one.seq, None)
        if self.keys is not None:
            for kin, number in Counter([one.kin for one in gone]).items():
                self._part(kin, number)
        self._left += len(gone)
        if self._left > len(self.waiting) // 2 + _GAPS:
            self.waiting, self._left = dict(self.waiting), 0
        return gone

    def put_off(self, seq: int, due: float) -> None:
        """Let an alert wait until a time while others go on."""
        parcel = self.waiting.get(seq)
        if parcel is not None:
            self._later[seq] = due
            self.waiting[seq] = replace(parcel, tries=parcel.tries + 1)

    def ready(self, now: float, kin: str | None = None) -> Iterator[Parcel]:
        """Yield what is due, of all or of one group, in order."""
        found = iter(self.waiting.values()) if kin is None else self._of(kin)
        if not self._later:
            return found
        # No rest is so long: what is due still later was put off before the clock was set back.
        last = now + LONGEST_ASKED_S
        return (one for one in found if not now < self._later.get(one.seq, now) <= last)

    def first(self, now: float, but: Collection[str]) -> Parcel | None:
        """Return the first of what has waited the longest, of groups but these; see ``Queue.first``."""
        if self.keys is None:
            return None
        found = (one for one in self.ready(now) if one.kin not in but)
        if self._is_mixed or self._latest > now:
            return min(found, key=lambda one: (one.since <= now, one.since, one.seq), default=None)
        return next(found, None)

    def _of(self, kin: str) -> Iterator[Parcel]:
        """Yield what waits of a group, in order."""
        group, waiting = self._groups.get(kin), self.waiting
        return iter(()) if group is None else (waiting[seq] for seq in group.seqs if seq in waiting)

    def _part(self, kin: str, number: int) -> None:
        """Note that some of a group, which are taken out of what waits, wait no more."""
        group = self._groups[kin]
        group.count -= number
        if not group.count:
            del self._groups[kin]
        elif len(group.seqs) > 2 * group.count + _SLACK:
            group.seqs = [seq for seq in group.seqs if seq in self.waiting]
