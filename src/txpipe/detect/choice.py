"""Which rules run: ``--only`` and ``--except``."""

from __future__ import annotations

from collections.abc import Sequence

from txpipe.detect.finding import Rule
from txpipe.detect.rules import RULES
from txpipe.errors import UsageFault


def chosen(only: str | None, leave_out: str | None) -> tuple[Rule, ...]:
    """Return the rules to run, in their own order.

    Args:
        only: comma-separated ids to run, None for all.
        leave_out: comma-separated ids not to run.

    Raises:
        UsageFault: an id that no rule has, or nothing is left.
    """
    wanted = _ids(only) if only is not None else [rule.ID for rule in RULES]
    unwanted = _ids(leave_out) if leave_out is not None else []
    rules = tuple(rule for rule in RULES if rule.ID in wanted and rule.ID not in unwanted)
    if not rules:
        raise UsageFault("--only and --except leave no rule to run")
    return rules


def _ids(text: str) -> Sequence[str]:
    known = [rule.ID for rule in RULES]
    ids = [part.strip() for part in text.split(",") if part.strip()]
    for name in ids:
        if name not in known:
            raise UsageFault(f'no rule is called "{name}"; there are: {", ".join(known)}')
    return ids
