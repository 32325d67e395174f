"""Fewer messages to people: what belongs together in one, not too often, and not too many of them.

Nothing is dropped: what is held back comes in the next message, with counts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from txpipe.alerts.queueing import Queue
from txpipe.alerts.receiver import Parcel

AT_ONCE = 5000
"""Alerts that share a message, at most; the others follow."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """When messages about several alerts go out.

    Attributes:
        keys: alerts that agree in all of these share a message; without any, all do.
        wait_s: seconds for which a group that begins waits for more of its kind.
        interval_s: seconds between two messages about one group, at least.
        most: messages in a span; None is any number.
        span_s: seconds of that span.
        repeat_s: seconds after which what still stands is told again; 0 is never.
        reminders: times that it is told again without anything new.
    """

    keys: tuple[str, ...] = ("incident",)
    wait_s: float = 0.0
    interval_s: float = 0.0
    most: int | None = None
    span_s: float = 3600.0
    repeat_s: float = 0.0
    reminders: int = 3

    @property
    def memory_s(self) -> float:
        """Seconds for which messages that went out matter."""
        return self.interval_s + 2 * self.span_s


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send now, or when to look again.

    Attributes:
        parcels: of one message; empty if there is none to send yet.
        kin: names their group; "" is several.
        wait_s: seconds until there may be one.
    """

    parcels: Sequence[Parcel]
    kin: str = ""
    wait_s: float = 0.0


def plan(  # noqa: PLR0913 - what it is decided by
    queue: Queue,
    receiver: str,
    sent: Sequence[tuple[str, float]],
    grouping: Grouping,
    now: float,
    *,
    ends: bool = False,
) -> Plan:
    """Decide on the next message.

    A group is ripe once it has waited, and its last message is long enough ago. Where the limit of messages
    is reached, all waits; then everything goes out as one digest.

    Args:
        queue: where alerts wait.
        receiver: for whom.
        sent: group and time of the messages of the last while.
        grouping: as it was asked for.
        now: Unix seconds.
        ends: the input has ended: nothing more comes that would be worth a wait.
    """
    full_s = room_s(sent, grouping, now)
    if full_s:
        return Plan(queue.due(receiver, now, AT_ONCE)) if ends else Plan((), wait_s=full_s)
    last = {} if ends else _last(sent, grouping, now)
    ripe = {
        name: max(_waited(since, grouping, now), last[name] + grouping.interval_s)
        for name, since in queue.heads(receiver, now, last).items()
    }
    if first := queue.first(receiver, now, last):
        ripe[first[0]] = _waited(first[1], grouping, now)
    if not ripe:
        return Plan((), wait_s=inf)
    name = min(ripe, key=lambda one: ripe[one])
    if not ends and ripe[name] > now:
        return Plan((), wait_s=ripe[name] - now)
    if not ends and grouping.most is not None and _was_full(sent, grouping, ripe[name]):
        return Plan(queue.due(receiver, now, AT_ONCE))
    return Plan(queue.due(receiver, now, AT_ONCE, name), name)


def _last(sent: Sequence[tuple[str, float]], grouping: Grouping, now: float) -> dict[str, float]:
    """Return the groups that do not only wait for more of their kind, and when each had its last message."""
    matter_s = grouping.interval_s if grouping.most is None else grouping.memory_s
    return {name: at for name, at in sorted(sent, key=lambda one: one[1]) if at + matter_s > now}


def room_s(sent: Sequence[tuple[str, float]], grouping: Grouping, now: float) -> float:
    """Return seconds until the limit leaves room for a message; 0 where there is room."""
    recent = sorted(at for _, at in sent if at > now - grouping.span_s)
    if grouping.most is None or len(recent) < grouping.most:
        return 0.0
    return recent[-grouping.most] + grouping.span_s - now


def _waited(since: float, grouping: Grouping, now: float) -> float:
    """Return when what waits since a time has waited; what came before the clock was set back has."""
    return since + grouping.wait_s if since <= now else 0.0


def _was_full(sent: Sequence[tuple[str, float]], grouping: Grouping, since: float) -> bool:
    """Say whether the limit was reached at some time after the first of what waits was ripe."""
    times = sorted(at for _, at in sent)
    return any(
        bisect_right(times, when) - bisect_right(times, when - grouping.span_s) >= (grouping.most or 0)
        for when in [since, *(at for at in times if at > since)]
    )
