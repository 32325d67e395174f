"""Spans of time as people write them: ``90s``, ``15m``, ``24h``, ``7d``."""

from __future__ import annotations

import re
from typing import Any

import click

_SPAN = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(text: str) -> float | None:
    """Return how many seconds a text such as ``15m`` says; None if it says no span of time.

    >>> seconds("1.5h")
    5400.0
    """
    match = _SPAN.fullmatch(text)
    return float(match[1]) * _SECONDS[match[2]] if match else None


def span(seconds: float) -> str:
    """Return a length of time as people say it, to a tenth.

    >>> span(7200), span(5316), span(200_000), span(20)
    ('2 hours', '1.5 hours', '2.3 days', 'a minute')
    """
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            count = f"{seconds / size:.1f}".removesuffix(".0")
            return f"{count} {unit}{'' if count == '1' else 's'}"
    return "a minute"


class Duration(click.ParamType[float]):
    """A click type that gives seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Parse the option's value; a fault ends with usage."""
        if isinstance(value, float):
            return value
        found = seconds(value)
        if found is None:
            self.fail(f"{value!r} is no span of time as in 90s, 15m, 24h or 7d", param, ctx)
        return found
