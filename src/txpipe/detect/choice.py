"""Which rules run: ``--only`` and ``--except``."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from txpipe.detect.conduct import ConductRule
from txpipe.detect.finding import Rule
from txpipe.detect.rules import CONDUCT, RULES
from txpipe.errors import UsageFault


class Chosen(NamedTuple):
    """The rules to run, in their own order: those about lists and those about conduct."""

    lists: tuple[Rule, ...]
    conduct: tuple[type[ConductRule], ...]


def chosen(only: str | None, leave_out: str | None, disabled: Collection[str] = ()) -> Chosen:
    """Return the rules to run.

    Args:
        only: comma-separated ids to run, None for all that are not disabled.
        leave_out: comma-separated ids not to run.
        disabled: ids that a rule file turns off.

    Raises:
        UsageFault: an id that no rule has, or nothing is left.
    """
    wanted = _ids(only) if only is not None else [name for name in known() if name not in disabled]
    unwanted = _ids(leave_out) if leave_out is not None else []
    ids = {name for name in wanted if name not in unwanted}
    rules = Chosen(
        tuple(rule for rule in RULES if rule.ID in ids), tuple(rule for rule in CONDUCT if rule.ID in ids)
    )
    if not any(rules):
        raise UsageFault("--only, --except and the rule file leave no rule to run")
    return rules


def known() -> list[str]:
    """Return the ids of all rules."""
    return [*(rule.ID for rule in RULES), *(rule.ID for rule in CONDUCT)]


def _ids(text: str) -> Sequence[str]:
    ids = [part.strip() for part in text.split(",") if part.strip()]
    for name in ids:
        if name not in known():
            raise UsageFault(f'no rule is called "{name}"; there are: {", ".join(known())}')
    return ids
