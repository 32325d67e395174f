"""What a scenario is: plans of transactions over event time, drawn from streams of their own."""

from __future__ import annotations

from typing import NamedTuple

from txpipe.simulate.step import Plan, Role, Step, between, pause_s, stretched


class Scenario(NamedTuple):
    """One typology and the honest conduct that looks like it.

    Attributes:
        name: as in the label.
        attack: draws an instance of the fraud.
        twin: draws an instance of the look-alike.
        adaptive: draws an instance of the fraud by somebody careful: slower, split, mixed into normal use.
    """

    name: str
    attack: Plan
    twin: Plan
    adaptive: Plan | None = None


__all__ = ["Plan", "Role", "Scenario", "Step", "between", "pause_s", "stretched"]
