"""Fewer messages to people: what belongs together in one, not too often, and not too many of them.

Nothing is dropped: what is held back comes in the next message, with counts.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from txpipe.alerts.facts import text
from txpipe.alerts.receiver import Parcel
from txpipe.record import loads

SOURCES = ("incident", "subject", "rule", "category", "chain", "severity", "tx")
"""Keys of an alert by which alerts are put together."""

_LONGEST = 256
"""Characters of a name: hundreds of thousands are remembered, and texts of alerts may have a million each."""


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


def kin(line: bytes, keys: Sequence[str]) -> str:
    """Return what names an alert's group; one that lacks a key is a group of its own."""
    return kin_of(loads(line), keys)


def kin_of(alert: dict[str, Any], keys: Sequence[str]) -> str:
    """Return the same of an alert that is parsed."""
    values = [alert.get(key) for key in keys]
    return str(alert["id"]) if None in values else brief("\x1f".join(map(text, values)))


def brief(name: str) -> str:
    """Return a name to remember something by: itself, or the digest of one that is too long for that.

    >>> brief("a" * 256) == "a" * 256, len(brief("a" * 257))
    (True, 64)
    """
    return name if len(name) <= _LONGEST else hashlib.blake2b(name.encode(), digest_size=32).hexdigest()


def plan(
    waiting: Sequence[Parcel],
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
        waiting: alerts in the order in which they came; one or more.
        sent: group and time of the messages of the last while.
        grouping: as it was asked for.
        now: Unix seconds.
        ends: the input has ended: nothing more comes that would be worth a wait.
    """
    groups: dict[str, list[Parcel]] = {}
    for parcel in waiting:
        groups.setdefault(kin(parcel.line, grouping.keys), []).append(parcel)
    last = dict(sorted(sent, key=lambda one: one[1]))
    ripe = {
        name: max(
            _waited(parcels[0], grouping, now), last[name] + grouping.interval_s if name in last else 0.0
        )
        for name, parcels in groups.items()
    }
    full_s = room_s(sent, grouping, now)
    if ends:
        return Plan(waiting) if full_s else _first(groups)
    if full_s:
        return Plan((), wait_s=full_s)
    held = grouping.most is not None and _was_full(sent, grouping, min(ripe.values()))
    if held and min(ripe.values()) <= now:
        return Plan(waiting)
    name = min(ripe, key=lambda one: ripe[one])
    if ripe[name] <= now:
        return Plan(groups[name], name)
    return Plan((), wait_s=ripe[name] - now)


def room_s(sent: Sequence[tuple[str, float]], grouping: Grouping, now: float) -> float:
    """Return seconds until the limit leaves room for a message; 0 where there is room."""
    recent = sorted(at for _, at in sent if at > now - grouping.span_s)
    if grouping.most is None or len(recent) < grouping.most:
        return 0.0
    return recent[-grouping.most] + grouping.span_s - now


def _waited(parcel: Parcel, grouping: Grouping, now: float) -> float:
    """Return when an alert has waited; one from before the clock was set back has."""
    return parcel.since + grouping.wait_s if parcel.since <= now else 0.0


def _first(groups: dict[str, list[Parcel]]) -> Plan:
    name = next(iter(groups))
    return Plan(groups[name], name)


def _was_full(sent: Sequence[tuple[str, float]], grouping: Grouping, since: float) -> bool:
    """Say whether the limit was reached at some time after the first of what waits was ripe."""
    times = sorted(at for _, at in sent)
    return any(
        bisect_right(times, when) - bisect_right(times, when - grouping.span_s) >= (grouping.most or 0)
        for when in [since, *(at for at in times if at > since)]
    )
