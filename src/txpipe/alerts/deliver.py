"""Puts delivery together as it was asked for, and ends it with a word on what was not delivered."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from txpipe import interrupt
from txpipe.alerts import lock, reminders
from txpipe.alerts.addressing import Addressing, Restraint
from txpipe.alerts.courier import Courier
from txpipe.alerts.escalation import Escalation
from txpipe.alerts.grouped import GroupedLane
from txpipe.alerts.handles import Changing, Handles
from txpipe.alerts.inhibition import Inhibitor
from txpipe.alerts.labelled import Labelled, Labelling
from txpipe.alerts.lane import GIVEN_UP, Lane, Patience, World, bury
from txpipe.alerts.limits import Limiter
from txpipe.alerts.memory import Memory
from txpipe.alerts.option import DeliveryChoice
from txpipe.alerts.queueing import Queue
from txpipe.alerts.receiver import Receiver, ReceiverFault
from txpipe.alerts.receivers import Outfit, opened
from txpipe.alerts.receivers.webhook import secret_of
from txpipe.alerts.routefile import RouteFile
from txpipe.alerts.routes import Routes
from txpipe.alerts.spool import Spool
from txpipe.alerts.spoolfolder import DEAD
from txpipe.alerts.words import Template
from txpipe.sink import Sink

_KEPT_IN_MEMORY_S = 5.0
"""Seconds for which what is delivered stays in memory: thousands of alerts a second must not fill it."""

_ROOM = 1 << 19
"""Bytes of alerts that share one write to the disk where they come fast."""


@dataclass(slots=True)
class Delivery:
    """A delivery that goes on, and what was not delivered once it has ended.

    Attributes:
        courier: takes alerts.
        spool: where they wait.
        routes: say who gets which.
        failed: something was not delivered.
        in_full: alerts must be read with their evidence and record.
    """

    courier: Courier
    spool: Queue
    routes: Routes
    failed: bool = False
    in_full: bool = False


@contextmanager
def delivery(
    choice: DeliveryChoice, sink: Sink, say: Callable[[str], None], *, is_deduped: bool = False
) -> Iterator[Delivery]:
    """Deliver while the body runs, then wait for what is under way, and say what is left.

    Args:
        choice: as it was asked for.
        sink: whatever leaves by it is in the spool before.
        say: writes a message; from any thread.
        is_deduped: no alert comes again.

    Raises:
        SpoolFault: the spool cannot be used; ReceiverFault: a receiver makes no sense.
    """
    outfit = _outfit(choice)
    receivers = _receivers(choice, outfit)
    file = None if choice.routes is None else RouteFile(choice.routes, outfit).must_be_sound()
    everything = [receiver.name for receiver in receivers]
    routes = Routes([] if file is None else file.routes, everything, time.time)
    held = None if choice.spool is None else lock.lock(choice.spool)
    spool = Memory() if choice.spool is None else Spool(choice.spool)
    lanes = _lanes(choice, receivers, file, spool, World(say))
    keep_s = choice.keep_s if choice.spool else min(choice.keep_s, _KEPT_IN_MEMORY_S)
    names = {lane.receiver.name for lane in lanes}
    addressing = Addressing(spool, routes.receivers, _restraint(file, spool), names)
    courier = Courier(spool, lanes, addressing, time.time, keep_s, is_deduped=is_deduped)
    failed = _bury_strangers(spool, lanes, time.time() - choice.give_up_s, say)
    running = Delivery(courier, spool, routes, failed, in_full=file is not None and _reads_records(file))
    sink.before, sink.room = courier.commit, _ROOM
    courier.start()
    try:
        yield from _run(running, choice.drain_s, sink, say)
    finally:
        _say_held_back(courier, routes, say)
        spool.close()
        if held is not None:
            lock.unlock(held)


def _run(running: Delivery, drain_s: float, sink: Sink, say: Callable[[str], None]) -> Iterator[Delivery]:
    """Deliver while the caller works; however that ends, what was finished is taken, and drained."""
    try:
        yield running
    except interrupt.Ended:  # as at the end of input: a supervisor that stops us gives time for it
        raise
    except KeyboardInterrupt:
        drain_s = 0
        raise
    finally:
        courier = running.courier
        try:
            sink.flush()
            courier.drain(drain_s)
        finally:
            courier.stop()
            sink.before = None
            for sentence in courier.left():
                running.failed = True
                say(sentence)


def route_file(path: Path, choice: DeliveryChoice) -> RouteFile:
    """Read a route file as a delivery does, its receivers included.

    Raises:
        RouteFault: it cannot be read.
    """
    return RouteFile(path, _outfit(choice))


def _outfit(choice: DeliveryChoice) -> Outfit:
    text = choice.secret()
    outfit = Outfit(None if text is None else secret_of(text), spool=choice.spool)
    if choice.title is not None:
        outfit = replace(outfit, title=Template("--title", choice.title).filled)
    if choice.body is not None:
        outfit = replace(outfit, body=Template("--body", choice.body).filled)
    return outfit


def _receivers(choice: DeliveryChoice, outfit: Outfit) -> list[Receiver]:
    """Return the receivers of --to."""
    receivers = [_named_by_to(choice.urls, at, outfit) for at in range(len(choice.urls))]
    names = [receiver.name for receiver in receivers]
    for name in names:
        if names.count(name) > 1:
            raise ReceiverFault(f"--to {name}: is named twice")
    return receivers


def _named_by_to(urls: Sequence[str], at: int, outfit: Outfit) -> Receiver:
    """Open one; of several, which may be secret, a fault says the place of the URL."""
    try:
        return opened(urls[at], outfit)
    except ReceiverFault as fault:
        if len(urls) == 1:
            raise
        raise ReceiverFault(f"--to number {at + 1}: {fault}") from fault


def _restraint(file: RouteFile | None, spool: Queue) -> Restraint:
    """Return what a route file says is to be kept from receivers."""
    if file is None:
        return Restraint()
    return Restraint(
        None if file.inhibition is None else Inhibitor(file.inhibition, spool.database),
        Limiter(file.limits, spool.database) if file.limits else None,
        Escalation(file.levels) if file.levels else None,
    )


def _reads_records(file: RouteFile) -> bool:
    """Say whether a route file looks at the worth of what moved: all else are an alert's own keys."""
    conditions = [*file.routes, *(limit.about for limit in file.limits)]
    return bool(file.levels) or any(one.usd is not None for one in conditions)


def _say_held_back(courier: Courier, routes: Routes, say: Callable[[str], None]) -> None:
    """Say which alerts were meant for nobody: nothing vanishes silently."""
    addressing = courier.addressing
    for count, why in (
        (addressing.muted, "muted; why: txalertctl silence list"),
        (addressing.inhibited, "muted by graver ones of their kind ([inhibit] of the route file)"),
        *((count, f"held back by the limit {name}") for name, count in addressing.held_back.counts.items()),
        (routes.unmet if routes.routes else 0, "met no route; a last one without conditions takes all"),
    ):
        if count:
            say(f"{count:,} alert{'s' * (count != 1)} {why}")


def _bury_strangers(spool: Queue, lanes: list[Lane], since: float, say: Callable[[str], None]) -> bool:
    """Give up what has waited too long for receivers that nobody names any more; say whether any has."""
    any_lost = False
    for name in sorted(spool.waiting().keys() - {lane.receiver.name for lane in lanes}):
        lost = 0
        while old := spool.overdue(name, since, GIVEN_UP):
            bury(spool, name, "no receiver is called so", old, time.time())
            lost += len(old)
        any_lost = any_lost or lost > 0
        if lost:
            say(
                f"{name}: no receiver is called so; {lost:,} of its alerts given up, in {spool.folder}/{DEAD}"
            )

    return any_lost


def _lanes(
    choice: DeliveryChoice, receivers: list[Receiver], file: RouteFile | None, spool: Queue, world: World
) -> list[Lane]:
    """Return a lane for every receiver, of --to and of the route file."""
    patience = Patience(choice.retry_s, choice.give_up_s)
    lanes = [Lane(receiver, spool, patience, world) for receiver in receivers]
    for receiver in file.opened if file is not None else ():
        grouping = file.groupings.get(receiver.name) if file is not None else None
        lanes.append(
            Lane(receiver, spool, patience, world)
            if grouping is None
            else GroupedLane(receiver, spool, patience, world, grouping)
        )
        if grouping is None:
            spool.group(receiver.name, None)
    for lane in lanes:
        grouping = file.groupings.get(lane.receiver.name) if file is not None else None
        if grouping is None or not grouping.repeat_s:
            reminders.forget(spool.database, lane.receiver.name)
        if isinstance(lane.receiver, Changing):
            lane.receiver.handles = Handles(spool.database, lane.receiver.name)
        if isinstance(lane.receiver, Labelling) and spool.folder is not None:
            lane.receiver.labelled = Labelled(spool.database, lane.receiver.name)
    return lanes
