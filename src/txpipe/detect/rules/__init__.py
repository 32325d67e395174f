"""The rules: one module each, one row each in RULES."""

from __future__ import annotations

from txpipe.detect.finding import Rule
from txpipe.detect.rules.listed import Listed
from txpipe.detect.rules.mention import Mention

RULES: tuple[Rule, ...] = (Listed(), Mention())
"""Every rule, in the order in which they look at a record."""
