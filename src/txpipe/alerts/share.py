"""What waits in memory for one receiver: in the order in which it came, and by group where there are any."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence

from msgspec.structs import replace

from txpipe.alerts.intake import reread
from txpipe.alerts.kin import kin_of
from txpipe.alerts.receiver import Parcel
from txpipe.alerts.rest import LONGEST_ASKED_S

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
        number: its place among the receivers.
        keys: alerts that agree in these are put together; None puts none together.
        waiting: what waits, by its place, in order; a plain dict would find its first one slowly.
        size: bytes of the alerts that wait.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.keys: Sequence[str] | None = None
        self.waiting: OrderedDict[int, Parcel] = OrderedDict()
        self.size = 0
        self._groups: dict[str, _Group] = {}
        self._later: dict[int, float] = {}
        self._latest = 0.0
        self._is_mixed = False

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
                self._join(seq, kin)

    def add(self, parcel: Parcel) -> None:
        """Let an alert wait, behind all others."""
        seq, since = parcel.seq, parcel.since
        if since != self._latest:
            self._is_mixed = self._is_mixed or since < self._latest  # a clock was set back
            self._latest = since
        self.size += len(parcel.line)
        self.waiting[seq] = parcel
        if self.keys is not None:
            self._join(seq, parcel.kin)

    def add_again(self, parcel: Parcel) -> None:
        """Let an alert wait again, at its place."""
        self.add(parcel)
        self._is_mixed = True
        self.waiting = OrderedDict(sorted(self.waiting.items()))
        if self.keys is not None:
            group = self._groups[parcel.kin]
            group.seqs = sorted({seq for seq in group.seqs if seq in self.waiting})

    def leave(self, seq: int) -> Parcel | None:
        """Let an alert wait no more; return it, None if it does not wait."""
        parcel = self.waiting.pop(seq, None)
        if parcel is None:
            return None
        self.size -= len(parcel.line)
        if self._later:
            self._later.pop(seq, None)
        if self.keys is not None:
            self._part(parcel.kin)
        return parcel

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

    def _join(self, seq: int, kin: str) -> None:
        group = self._groups.get(kin)
        if group is None:
            group = self._groups[kin] = _Group()
        group.seqs.append(seq)
        group.count += 1

    def _part(self, kin: str) -> None:
        """Note that one of a group, which is taken out of what waits, waits no more."""
        group = self._groups[kin]
        group.count -= 1
        if not group.count:
            del self._groups[kin]
        elif len(group.seqs) > 2 * group.count + _SLACK:
            group.seqs = [seq for seq in group.seqs if seq in self.waiting]
