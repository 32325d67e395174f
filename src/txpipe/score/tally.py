"""Counting: alerts held against labels, one function a part of the scorecard."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from txpipe.score.found import Alert, Hit
from txpipe.score.numbers import ratio, rounded, spread
from txpipe.score.truth import Instance, Key, Truth, Verdict

Group = tuple[str | None, str | None, Sequence[Instance]]
"""Scenario, variant and the instances of both; None stands for all of them."""
_PER = 10_000


@dataclass(frozen=True, slots=True)
class Delay:
    """How late an instance was found.

    Attributes:
        transactions: its own that went before.
        seconds: from its first transaction to the first alert; None where a label's time is not known.
    """

    transactions: int
    seconds: int | None


def groups(instances: Iterable[Instance]) -> list[Group]:
    """Return all instances, those of each variant, and those of each scenario and variant, by name."""
    held = list(instances)
    by_variant: dict[str, list[Instance]] = {}
    by_both: dict[tuple[str, str], list[Instance]] = {}
    for instance in held:
        by_variant.setdefault(instance.variant, []).append(instance)
        by_both.setdefault((instance.scenario, instance.variant), []).append(instance)
    return [
        (None, None, held),
        *((None, variant, by_variant[variant]) for variant in sorted(by_variant)),
        *((scenario, variant, by_both[scenario, variant]) for scenario, variant in sorted(by_both)),
    ]


def whole(instances: Iterable[Instance]) -> list[Instance]:
    """Return the instances that do not go on behind the end of the stream, as far as labels tell."""
    return [instance for instance in instances if not instance.is_cut]


def recall(instances: Sequence[Instance], hits: Mapping[Key, Hit]) -> dict[str, Any]:
    """Return how many of the whole instances have an alert, of those cut off, and of all transactions."""
    cut = [instance for instance in instances if instance.is_cut]
    return {
        "instances": _found(whole(instances), hits)["instances"],
        "cut_off": _found(cut, hits)["instances"],
        "transactions": _found(instances, hits)["transactions"],
    }


def hit(twins: Sequence[Instance], hits: Mapping[Key, Hit]) -> dict[str, Any]:
    """Return how many benign twins, whole or not, have an alert, and how many of their transactions."""
    return _found(twins, hits)


def _found(instances: Sequence[Instance], hits: Mapping[Key, Hit]) -> dict[str, Any]:
    keys = {key for instance in instances for key in instance.times}
    found = sum(any(key in hits for key in instance.times) for instance in instances)
    return {
        "instances": ratio(found, len(instances)),
        "transactions": ratio(sum(key in hits for key in keys), len(keys)),
    }


def recall_by_rule(group: Group, hits: Mapping[Key, Hit]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield, by name, each rule that found something of a group, and how much; instances as in ``recall``."""
    instances = whole(group[2])
    keys = {key for instance in group[2] for key in instance.times}
    of_keys = Counter(rule for key in keys if key in hits for rule in hits[key].rules)
    of_instances: Counter[str] = Counter()
    for instance in instances:
        of_instances.update(set().union(*(hits[key].rules for key in instance.times if key in hits)))
    for rule in sorted(of_keys):
        yield (
            rule,
            {
                "instances": ratio(of_instances[rule], len(instances)),
                "transactions": ratio(of_keys[rule], len(keys)),
            },
        )


def precision(alerts: Sequence[Alert], severity: int, truth: Truth, benign: int | None) -> dict[str, Any]:
    """Return what alerts of a severity and above are worth: each alert, and each transaction once.

    Args:
        alerts: those that stand.
        severity: rank.
        truth: the labels.
        benign: transactions without a label, which false alerts are measured against.
    """
    keys = [alert.key for alert in alerts if alert.severity >= severity]
    return {
        "alerts": _worth(keys, truth, benign),
        "transactions": _worth(set(keys), truth, benign),
    }


def _worth(keys: Iterable[Key], truth: Truth, benign: int | None) -> dict[str, Any]:
    counts = Counter(truth.verdict(key) for key in keys)
    false = counts[Verdict.FALSE]
    return {
        "precision": ratio(counts[Verdict.TRUE], counts.total()),
        "twin": counts[Verdict.TWIN],
        "false": false,
        "false_per_10k": rounded(_PER * false / benign) if benign else None,
    }


def time_to_detect(instances: Iterable[Instance], hits: Mapping[Key, Hit]) -> dict[str, Any]:
    """Return how late instances were found; ``timed`` is of how many the seconds are known."""
    delays = [found for instance in instances if (found := delay(instance, hits))]
    seconds = [found.seconds for found in delays if found.seconds is not None]
    return {
        "found": len(delays),
        "transactions": spread([found.transactions for found in delays]),
        "timed": len(seconds),
        "seconds": spread(seconds),
    }


def delay(instance: Instance, hits: Mapping[Key, Hit]) -> Delay | None:
    """Return how late an instance was found; None if it was not.

    An alert may come long after its own transaction (when an update made it grave enough): whatever else of
    the instance happened until then went before, too.
    """
    keys, times = instance.ordered()
    found = [(place, hits[key].since) for place, key in enumerate(keys) if key in hits]
    if not found:
        return None
    before = min(max(place, bisect_left(times, since)) for place, since in found)
    return Delay(before, min(since for _, since in found) - times[0] if times else None)
