"""Casting: starts instances of scenarios and honest stories so often that each makes up its share."""

from __future__ import annotations

import heapq
import itertools
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from txpipe.simulate.scenarios.base import Plan, Scenario, Step
from txpipe.simulate.world import World

# Sixteen equally likely gaps of a Poisson process, in units of their mean: instances come at random, but the
# share of transactions is kept in the long run.
_GAPS = (0.03, 0.10, 0.17, 0.25, 0.33, 0.42, 0.52, 0.63, 0.75, 0.90, 1.07, 1.27, 1.52, 1.86, 2.40, 3.78)

_FIRST = 15
"""Transactions that a part is taken to want before it has drawn an instance."""


_GRAIN_S = 12
"""Steps wait in slots as long as the shortest time between two blocks."""


class Story(NamedTuple):
    """Honest conduct of several transactions that belongs to the background.

    Attributes:
        name: names its random stream.
        plan: draws an instance; the steps' roles are ignored.
        share: how many of 10,000 transactions are its own.
    """

    name: str
    plan: Plan
    share: int


class Part(NamedTuple):
    """What casting starts instances of.

    Attributes:
        scenario: name; empty for an honest story, which gets no labels.
        fraud: whether it is one.
        variant: of a fraud.
        plan: draws an instance.
        rng: the part's own random stream.
        share: of all transactions.
    """

    scenario: str
    fraud: bool
    variant: Literal["standard", "adaptive"] | None
    plan: Plan
    rng: random.Random
    share: float


Cue = tuple[Part, int, int, Step]
"""One transaction of one instance (its number, its labelled transactions), when its time has come."""


def parts(scenarios: Sequence[Scenario], stories: Sequence[Story], seed: str, rate: float) -> list[Part]:
    """Lay out who gets which share.

    Args:
        scenarios: in equal shares.
        stories: in the shares that they name.
        seed: begins the names of the random streams.
        rate: fraud's share of all transactions; the look-alikes have the same again.
    """
    found = [
        Part("", False, None, story.plan, random.Random(f"{seed}:honest:{story.name}"), story.share / 10_000)
        for story in stories
    ]
    for scenario in scenarios if rate else ():
        name, attack, twin, adaptive = scenario
        share = rate / len(scenarios)
        half = share / 2 if adaptive else share
        found.append(Part(name, True, "standard", attack, random.Random(f"{seed}:{name}:attack"), half))
        if adaptive:
            rng = random.Random(f"{seed}:{name}:adaptive")
            found.append(Part(name, True, "adaptive", adaptive, rng, half))
        found.append(Part(name, False, None, twin, random.Random(f"{seed}:{name}:twin"), share))
    return found


class Casting:
    """Keeps the running instances and says whose turn it is."""

    def __init__(self, world: World, cast: Sequence[Part]) -> None:
        self._world = world
        self._transactions = 0
        self._numbers = itertools.count()
        self._slot = 0
        self._waiting: defaultdict[int, list[Cue]] = defaultdict(list)
        self._starts = [
            (_FIRST * _GAPS[part.rng.getrandbits(4)] / part.share, place, part)
            for place, part in enumerate(cast)
        ]
        heapq.heapify(self._starts)

    def cues(self, now: int, transactions: int) -> Iterator[Cue]:
        """Yield the transactions that are due.

        Args:
            now: event time of the block about to be written; the first call's is where time begins.
            transactions: in the block before.
        """
        if not self._slot:
            self._origin = now
        self._transactions += transactions
        starts, waiting = self._starts, self._waiting
        reached = (now - self._origin) // _GRAIN_S + 1
        while starts and starts[0][0] <= self._transactions:
            at, place, part = starts[0]
            steps = part.plan(self._world, part.rng)
            price = _labelled(steps) if part.scenario else len(steps)
            gap = _GAPS[part.rng.getrandbits(4)] * max(price, 1)
            heapq.heapreplace(starts, (at + gap / part.share, place, part))
            self._enter(part, steps, now)
        for slot in range(self._slot, reached):
            yield from waiting.pop(slot, ())
        self._slot = reached

    def _enter(self, part: Part, steps: Sequence[Step], now: int) -> None:
        """Queue an instance's steps; it begins with its first, now."""
        if not steps:
            return
        instance, of = (next(self._numbers), _labelled(steps)) if part.scenario else (0, 0)
        began = now - min(step.after_s for step in steps) - self._origin + _GRAIN_S - 1
        for step in steps:
            self._waiting[(began + step.after_s) // _GRAIN_S].append((part, instance, of, step))


def _labelled(steps: Sequence[Step]) -> int:
    """Return how many of an instance's steps get a label."""
    return sum(step.role is not None for step in steps)
