"""One transaction of a story, and how stories are drawn: what scenarios and honest business share."""

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
        role: as in the label; None is an honest act that belongs to the story and gets no label: a victim's
            ordinary payments, an intended payee being paid.
        draft: the transaction; ``conduct`` draws the usual kinds.
    """

    after_s: int
    role: Role | None
    draft: Draft


Plan = Callable[[World, random.Random], Sequence[Step]]
"""Draws one instance: whom it concerns, what happens when; in any order.

A scenario's has at least one step with a role. An empty plan says that nobody can be cast now (no elder is
left).
"""


def pause_s(rng: random.Random) -> int:
    """Draw seconds until an instance's next step: half a minute to half an hour, short ones more often."""
    return 30 + (rng.getrandbits(5) << rng.getrandbits(3) % 6)


def between(rng: random.Random, low: int, high: int) -> int:
    """Draw an integer from low to high, both included."""
    return low + (rng.getrandbits(32) * (high - low + 1) >> 32)


def stretched(rng: random.Random, low: int, high: int) -> int:
    """Draw an integer from low to high, small ones more often."""
    return low + (rng.getrandbits(16) * rng.getrandbits(16) * (high - low + 1) >> 32)
