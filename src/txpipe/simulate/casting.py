"""Casting: starts instances of scenarios so often that they make up their share of all transactions."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from txpipe.simulate.scenarios.base import Plan, Scenario, Step
from txpipe.simulate.world import World

# Sixteen equally likely gaps of a Poisson process, in units of their mean: instances come at random, but the
# share of transactions is kept in the long run.
_GAPS = (0.03, 0.10, 0.17, 0.25, 0.33, 0.42, 0.52, 0.63, 0.75, 0.90, 1.07, 1.27, 1.52, 1.86, 2.40, 3.78)


class Cue(NamedTuple):
    """One transaction of one instance, when its time has come."""

    scenario: str
    instance: int
    fraud: bool
    step: Step


class _Part:
    """One scenario, or its twin, with a random stream of its own."""

    def __init__(self, name: str, plan: Plan, rng: random.Random, *, fraud: bool) -> None:
        self.name = name
        self.fraud = fraud
        self._plan = plan
        self._rng = rng
        self._credit = 0.0
        self._price = 0.0
        self._next: Sequence[Step] = ()

    def starts(self, world: World, transactions: float) -> Iterator[Sequence[Step]]:
        """Yield the instances that begin, given how many transactions more the part may have."""
        self._credit += transactions
        while True:
            if not self._next:
                self._next = self._plan(world, self._rng)
                self._price = len(self._next) * _GAPS[self._rng.getrandbits(4)]
            if self._credit < self._price:
                return
            self._credit -= self._price
            yield self._next
            self._next = ()


class Casting:
    """Keeps the running instances and says whose turn it is."""

    def __init__(self, world: World, scenarios: Sequence[Scenario], seed: str, fraud_rate: float) -> None:
        """Take the share of all transactions that fraud has; the look-alikes have the same again."""
        self._world = world
        self._share = fraud_rate / len(scenarios)
        self._parts = [
            _Part(
                scenario.name,
                plan,
                random.Random(f"{seed}:{scenario.name}:{kind}"),
                fraud=plan is scenario.attack,
            )
            for scenario in scenarios
            for kind, plan in (("attack", scenario.attack), ("twin", scenario.twin))
        ]
        self._numbers = itertools.count()
        self._order = itertools.count()
        self._waiting: list[tuple[int, int, Cue]] = []

    def cues(self, now: int, transactions: int) -> list[Cue]:
        """Return the transactions that are due.

        Args:
            now: event time of the block about to be written.
            transactions: in the block before.
        """
        if self._share:
            for part in self._parts:
                for steps in part.starts(self._world, self._share * transactions):
                    self._enter(part, steps, now)
        due = []
        while self._waiting and self._waiting[0][0] <= now:
            due.append(heapq.heappop(self._waiting)[2])
        return due

    def _enter(self, part: _Part, steps: Sequence[Step], now: int) -> None:
        """Queue an instance's steps; it begins with its first, now."""
        instance = next(self._numbers)
        began = now - min(step.after_s for step in steps)
        for step in steps:
            cue = Cue(part.name, instance, part.fraud, step)
            heapq.heappush(self._waiting, (began + step.after_s, next(self._order), cue))
