"""The rules that run on a chain, with the settings that hold there."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from txpipe.detect.bounds import Bounds
from txpipe.detect.watch import ConductRule
from txpipe.record import Severity

Values = Mapping[str, Any]
"""Settings that differ from the defaults, by key."""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Which rules about conduct run and how they are set.

    Attributes:
        conduct: the rules, in the order in which they look at a movement.
        severities: what every finding of a rule weighs, by rule id, where somebody decided so.
        tracker: settings of ``Bounds``.
        rules: settings by rule id.
        chains: for a chain (CAIP-2), the same once more: "tracker" or a rule's id to settings.
        more: rules without settings, the same on every chain; they come last.
    """

    conduct: Sequence[type[ConductRule]] = ()
    severities: Mapping[str, Severity] = field(default_factory=dict)
    tracker: Values = field(default_factory=dict)
    rules: Mapping[str, Values] = field(default_factory=dict)
    chains: Mapping[str, Mapping[str, Values]] = field(default_factory=dict)
    more: Sequence[ConductRule] = ()

    def on(self, chain: str) -> tuple[Sequence[ConductRule], Bounds]:
        """Return the rules as they are set on a chain, and what makes a movement remarkable there."""
        own = self.chains.get(chain, {})
        rules = [
            rule(made(**{**self.rules.get(rule.ID, {}), **own.get(rule.ID, {})}))
            if (made := settings_of(rule))
            else rule()
            for rule in self.conduct
        ]
        return [*rules, *self.more], Bounds(**{**self.tracker, **own.get("tracker", {})})


def settings_of(rule: type[ConductRule]) -> type[Any] | None:
    """Return the class of a rule's settings: what its module calls ``Settings``; None if it has none."""
    found: type[Any] | None = getattr(sys.modules[rule.__module__], "Settings", None)
    return found
