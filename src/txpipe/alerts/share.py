"""What waits in memory for one receiver: in the order in which it came, and by group where there are any."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence

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
        self.waiting: dict[int, Known] = {}
        self.size = 0
        self._kins: dict[int, str] = {}
        self._tries: dict[int, int] = {}
        self._again: dict[int, float] = {}
        self._groups: dict[str, _Group] = {}
        self._later: dict[int, float] = {}
        self._latest = 0.0
        self._is_mixed = False
        self._left = 0

    def group(self, keys: Sequence[str] | None) -> None:
        """Put alerts together that agree in these keys, also those that wait; None is no more."""
        if keys == self.keys:
            return
        many = {} if keys is None else self.waiting
        kins = {seq: kin_of(reread(one.line), keys or ()) for seq, one in many.items()}
        self.keys, self._kins, self._groups = keys, {}, {}
        for seq, kin in kins.items():
            self._join(seq, kin)

    def add(self, one: Taken, alert: Known) -> None:
        """Let an alert wait, behind all others.

        Raises:
            RecordFault: its line holds none, and so it has no group; it does not wait then.
        """
        if self.keys is not None:
            self._join(alert.seq, one.kin(self.keys))
        since = alert.taken
        if since != self._latest:
            self._is_mixed = self._is_mixed or since < self._latest  # a clock was set back
            self._latest = since
        self.size += len(alert.line)
        self.waiting[alert.seq] = alert

    def add_again(self, alert: Known, since: float, kin: str) -> None:
        """Let an alert wait again, at its place, from a time (Unix seconds) on, in a group."""
        self.size += len(alert.line)
        self._again[alert.seq] = since
        self._is_mixed = True
        self.waiting = dict(sorted([*self.waiting.items(), (alert.seq, alert)]))
        if self.keys is not None:
            self._join(alert.seq, kin)
            group = self._groups[kin]
            group.seqs = sorted({seq for seq in group.seqs if seq in self.waiting})

    def _join(self, seq: int, kin: str) -> None:
        """Put an alert into a group."""
        self._kins[seq] = kin
        group = self._groups.get(kin)
        if group is None:
            group = self._groups[kin] = _Group()
        group.seqs.append(seq)
        group.count += 1

    def parcel(self, alert: Known) -> Parcel:
        """Return an alert that waits as it goes out."""
        seq, note = alert.seq, "" if alert.notes is None else alert.notes.get(self.name, "")
        kin, tries = self._kins.get(seq, ""), self._tries.get(seq, 0)
        return Parcel(alert.key, alert.line, self.since(alert), tries, seq, note, kin)

    def since(self, alert: Known) -> float:
        """Return from when on an alert has waited, Unix seconds."""
        return self._again.get(alert.seq, alert.taken)

    def leave(self, seqs: Iterable[int]) -> list[Known]:
        """Let alerts wait no more, by their places; return those of them that did."""
        pop = self.waiting.pop
        gone = [found for seq in seqs if (found := pop(seq, None)) is not None]
        self.size -= sum([len(one.line) for one in gone])
        for rare in (self._later, self._tries, self._again):
            if rare:
                for one in gone:
                    rare.pop(one.seq, None)
        if self.keys is not None:
            kins = self._kins
            for kin, number in Counter([kins.pop(one.seq) for one in gone]).items():
                self._part(kin, number)
        self._left += len(gone)
        if self._left > len(self.waiting) // 2 + _GAPS:
            self.waiting, self._left = dict(self.waiting), 0
        return gone

    def put_off(self, seq: int, due: float) -> None:
        """Let an alert wait until a time while others go on."""
        if seq in self.waiting:
            self._later[seq] = due
            self._tries[seq] = self._tries.get(seq, 0) + 1

    def ready(self, now: float, kin: str | None = None) -> Iterator[Known]:
        """Yield what is due, of all or of one group, in order."""
        found = iter(self.waiting.values()) if kin is None else self._of(kin)
        if not self._later:
            return found
        # No rest is so long: what is due still later was put off before the clock was set back.
        last = now + LONGEST_ASKED_S
        return (one for one in found if not now < self._later.get(one.seq, now) <= last)

    def first(self, now: float, but: Collection[str]) -> tuple[str, float] | None:
        """Return the group of what has waited the longest, of all but these; see ``Queue.first``."""
        if self.keys is None:
            return None
        kins = self._kins
        found = ((self.since(one), one.seq) for one in self.ready(now) if kins[one.seq] not in but)
        if self._is_mixed or self._latest > now:
            first = min(found, key=lambda one: (one[0] <= now, *one), default=None)
        else:
            first = next(found, None)
        return None if first is None else (kins[first[1]], first[0])

    def _of(self, kin: str) -> Iterator[Known]:
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
