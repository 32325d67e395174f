"""What a scenario is: a plan of transactions over event time, drawn from a stream of its own."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from txpipe.simulate.conduct import Draft
from txpipe.simulate.world import World

Role = Literal["attack", "setup", "payoff", "benign-lookalike"]


class Step(NamedTuple):
    """One transaction of an instance.

    Attributes:
        after_s: seconds of event time since the instance began.
        role: as in the label.
        draft: the transaction; ``conduct`` draws the usual kinds.
    """

    after_s: int
    role: Role
    draft: Draft


Plan = Callable[[World, random.Random], Sequence[Step]]
"""Draws one instance: whom it concerns, what happens when. At least one step, in any order."""


class Scenario(NamedTuple):
    """One typology and the honest conduct that looks like it.

    Attributes:
        name: as in the label.
        attack: draws an instance of the fraud.
        twin: draws an instance of the look-alike.
    """

    name: str
    attack: Plan
    twin: Plan


def pause_s(rng: random.Random) -> int:
    """Draw seconds until an instance's next step: half a minute to half an hour, short ones more often."""
    return 30 + (rng.getrandbits(5) << rng.getrandbits(3) % 6)
