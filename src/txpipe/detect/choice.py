"""Which rules run: ``--only`` and ``--except``."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from typing import NamedTuple

from txpipe.detect.finding import Rule
from txpipe.detect.rules import CONDUCT, RULES
from txpipe.detect.watch import ConductRule
from txpipe.errors import UsageFault


class Chosen(NamedTuple):
    """The rules to run, in their own order: those about lists, those about conduct; ids of the user's own."""

    lists: tuple[Rule, ...]
    conduct: tuple[type[ConductRule], ...]
    own: frozenset[str]


def chosen(
    only: str | None, leave_out: str | None, disabled: Collection[str] = (), own: Sequence[str] = ()
) -> Chosen:
    """Return the rules to run.

    Args:
        only: comma-separated ids to run, None for all that are not disabled.
        leave_out: comma-separated ids not to run.
        disabled: ids that a rule file turns off.
        own: ids of the user's own rules.

    Raises:
        UsageFault: an id that no rule has, or nothing is left.
    """
    every = [*known(), *own]
    wanted = _ids(only, every) if only is not None else [name for name in every if name not in disabled]
    unwanted = _ids(leave_out, every) if leave_out is not None else []
    ids = {name for name in wanted if name not in unwanted}
    rules = Chosen(
        tuple(rule for rule in RULES if rule.ID in ids),
        tuple(rule for rule in CONDUCT if rule.ID in ids),
        frozenset(ids.intersection(own)),
    )
    if not any(rules):
        raise UsageFault("--only, --except and the rule file leave no rule to run")
    return rules


def known() -> list[str]:
    """Return the ids of all rules."""
    return [*(rule.ID for rule in RULES), *(rule.ID for rule in CONDUCT)]


def _ids(text: str, every: Sequence[str]) -> Sequence[str]:
    ids = [part.strip() for part in text.split(",") if part.strip()]
    for name in ids:
        if name not in every:
            close = difflib.get_close_matches(name, every, 1)
            meant = f"did you mean {close[0]}?" if close else f"there are: {', '.join(every)}"
            raise UsageFault(f'no rule is called "{name}"; {meant}')
    return ids
