"""Which alerts are let through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from txpipe.alerts.intake import Item
from txpipe.record import SEVERITIES


@dataclass(frozen=True, slots=True)
class Selection:
    """Conditions that an alert must meet, all of them; an empty set is no condition.

    Attributes:
        severities: wire words.
        rules: ids.
        chains: CAIP-2 names.
    """

    severities: frozenset[str] = frozenset()
    rules: frozenset[str] = frozenset()
    chains: frozenset[str] = frozenset()

    def admits(self, alert: dict[str, Any]) -> bool:
        """Say whether a checked alert meets every condition."""
        return (
            (not self.severities or alert["severity"] in self.severities)
            and (not self.rules or alert["rule"] in self.rules)
            and (not self.chains or alert["chain"] in self.chains)
        )


def at_least(severity: str) -> frozenset[str]:
    """Return a severity and all above it; nothing, which is no condition, for the lowest."""
    rank = [str(word) for word in SEVERITIES].index(severity)
    return frozenset(SEVERITIES[rank:]) if rank else frozenset()


def selected(items: list[Item], selection: Selection) -> list[Item]:
    """Return the alerts that the selection admits, and every record that is no alert."""
    if selection == _ALL:
        return items
    admits = selection.admits
    return [item for item in items if item[1]["type"] != "alert" or admits(item[1])]


_ALL = Selection()
