"""What labels say: which transactions are fraud, which only look like it, and which run each belongs to."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

Key = tuple[str, str]
"""A transaction: chain and hash."""


class Verdict(Enum):
    """What an alert on a transaction is."""

    TRUE = "true"
    TWIN = "twin"
    FALSE = "false"


@dataclass(slots=True)
class Instance:
    """One run of a scenario, or of its benign twin.

    Attributes:
        scenario: name.
        variant: how it was committed.
        fraud: false for a twin.
        of: its transactions when it is whole; 0 if no label tells.
        is_cut: whether some of them are not in the labels; known after ``settle``.
        times: its transactions as the labels order them, with event seconds where they are known.
    """

    scenario: str
    variant: str
    fraud: bool
    of: int = 0
    is_cut: bool = False
    times: dict[Key, int | None] = field(default_factory=dict)

    def ordered(self) -> tuple[list[Key], list[int]]:
        """Return its transactions and times in order of time; as labelled, and no times, if one has none."""
        times = [time for time in self.times.values() if time is not None]
        if len(times) < len(self.times):
            return list(self.times), []
        # Sorting is stable: within a block, whose transactions share a time, the labels' order counts.
        return [key for key, _ in sorted(self.times.items(), key=_time)], sorted(times)


def _time(item: tuple[Key, int | None]) -> int:
    return item[1] or 0


class Truth:
    """Every label of one or several runs.

    Attributes:
        labels: how many were taken.
        instances: in the order in which they begin; complete after ``settle``.
    """

    def __init__(self) -> None:
        self.labels = 0
        self.instances: list[Instance] = []
        self._named: dict[tuple[str, str, str, int, bool], Instance] = {}
        self._holding: dict[Key, list[Instance]] = {}

    def add(self, run: str, label: dict[str, Any]) -> None:
        """Take a checked label.

        Args:
            run: whose numbers of instances count from 0; the labels' file.
            label: with ``variant``, ``of`` and ``time`` where it has them.
        """
        self.labels += 1
        scenario, variant, fraud = label["scenario"], label.get("variant", "standard"), label["fraud"]
        name = (run, scenario, variant, label["instance"], fraud)
        instance = self._named.get(name)
        if instance is None:
            instance = self._named[name] = Instance(scenario, variant, fraud)
            self.instances.append(instance)
        instance.of = max(instance.of, label.get("of", 0))
        key = (label["chain"], label["tx"])
        if key not in instance.times:
            self._holding.setdefault(key, []).append(instance)
            instance.times[key] = label.get("time")
        elif instance.times[key] is None:
            instance.times[key] = label.get("time")

    def settle(self) -> int:
        """Let fraud win where a transaction is labelled both ways; returns how many transactions were."""
        for instance in self.instances:
            instance.is_cut = len(instance.times) < instance.of
        disputed = 0
        for key, holders in self._holding.items():
            frauds = [instance for instance in holders if instance.fraud]
            if frauds and len(frauds) < len(holders):
                disputed += 1
                for instance in holders:
                    if not instance.fraud:
                        del instance.times[key]
                self._holding[key] = frauds
        self.instances = [instance for instance in self.instances if instance.times]
        return disputed

    def verdict(self, key: Key) -> Verdict:
        """Return what an alert on this transaction is."""
        holders = self._holding.get(key)
        if not holders:
            return Verdict.FALSE
        return Verdict.TRUE if holders[0].fraud else Verdict.TWIN

    def transactions(self) -> set[Key]:
        """Return every labelled transaction."""
        return set(self._holding)

    def untimed(self) -> set[Key]:
        """Return the labelled transactions whose time some label does not tell."""
        return {key for instance in self.instances for key, time in instance.times.items() if time is None}

    def set_time(self, key: Key, time: int) -> None:
        """Fill in a time that a label did not tell."""
        for instance in self._holding[key]:
            if instance.times[key] is None:
                instance.times[key] = time
