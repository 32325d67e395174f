"""Why an alert is there, in the words of ``txdetect --explain``, in sections."""

from __future__ import annotations

from typing import Any

from txpipe.detect.explain import explained
from txpipe.errors import RecordFault

Section = tuple[str, str]
"""A head and a text of several lines."""

_HEADS = (
    "What it looks for",
    "What it saw",
    "What it compared that with",
    "It would have stayed silent with any of these",
    "Honest conduct that looks like it",
)


def reasons(alert: dict[str, Any]) -> list[Section]:
    """Return the sections that there are; none for what is no valid alert any more."""
    try:
        lines = explained(alert).splitlines()
    except RecordFault:
        return []
    sections: list[tuple[str, list[str]]] = []
    for line in lines:
        if (head := line.rstrip(":")) in _HEADS and line.endswith(":"):
            sections.append((head, []))
        elif sections:
            sections[-1][1].append(line.removeprefix("  "))
    return [(head, "\n".join(body).strip("\n")) for head, body in sections]
