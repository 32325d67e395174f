"""What txalert counts, for Prometheus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from txpipe.metrics import Metric, count, gauge
from txpipe.visible import clipped

if TYPE_CHECKING:
    from txpipe.alerts.deliver import Delivery
    from txpipe.alerts.passage import Passage

_NAME = 64


def of_passage(passage: Passage) -> Iterator[Metric]:
    """Yield what came in and what was let through."""
    tally, deadman = passage.tally, passage.deadman
    passed: Counter[tuple[str, ...]] = Counter()
    for (severity, rule), number in tally.by_rule.items():
        passed[clipped(rule, _NAME), severity] += number
    yield count("alerts_read_total", "Alerts that came in.", tally.seen)
    yield Metric("alerts_total", "Alerts let through.", passed, ("rule", "severity"))
    yield count("alerts_retracted_total", "Those of them that take one back.", tally.retracted)
    yield count("bad_lines_total", "Lines that were no records.", tally.bad.count)
    if deadman is not None:
        yield gauge("input_silent_seconds", "For how long nothing has come.", deadman.silent_s)
        yield gauge("deadman_alerts", "Silences that are alerts now.", deadman.open)


def of_delivery(running: Delivery, now: float) -> Iterator[Metric]:
    """Yield what was delivered, and what waits.

    Args:
        running: the delivery.
        now: Unix seconds.

    Raises:
        SpoolFailed: the spool cannot be read.
    """
    lanes, addressing = running.courier.lanes, running.courier.addressing
    one = ("receiver",)
    sent = {(lane.receiver.name,): float(lane.sent) for lane in lanes}
    yield Metric("delivered_alerts_total", "Alerts that a receiver has taken.", sent, one)
    results = {
        (lane.receiver.name, result): float(number)
        for lane in lanes
        for result, number in lane.results.items()
    }
    about = "Attempts to deliver one or more alerts: taken, failed, or refused for what is in them."
    yield Metric("deliveries_total", about, results, ("receiver", "result"))
    lost = {(lane.receiver.name,): float(lane.lost + lane.crowded_out) for lane in lanes}
    yield Metric("dead_letters_total", "Alerts that were given up.", lost, one)
    fine = {(lane.receiver.name,): float(not lane.trouble) for lane in lanes}
    yield Metric("receiver_up", "Whether a receiver took what it was sent last.", fine, one, "gauge")
    waits = {(lane.receiver.name,): (0, now) for lane in lanes}
    waits |= {(name,): found for name, found in running.spool.depths().items()}
    depths = {name: float(depth) for name, (depth, _) in waits.items()}
    yield Metric("spool_alerts", "Alerts that wait for a receiver.", depths, one, "gauge")
    ages = {name: max(0.0, now - since) for name, (_, since) in waits.items()}
    yield Metric("spool_oldest_seconds", "For how long the first of them has waited.", ages, one, "gauge")
    silent = {
        ("silence",): float(addressing.muted),
        ("inhibition",): float(addressing.inhibited),
        ("limit",): float(sum(addressing.held_back.counts.values())),
        ("no_route",): float(running.routes.unmet if running.routes.routes else 0),
    }
    yield Metric("muted_alerts_total", "Alerts that were kept from receivers.", silent, ("by",))
