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

_PROSE = (_HEADS[0], *_HEADS[3:])


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
    return [(head, "\n".join(_flowing(head, body)).strip("\n")) for head, body in sections]


def _flowing(head: str, lines: list[str]) -> list[str]:
    """Undo the terminal's line breaks in prose and in the items of lists: a browser has its own."""
    if head not in _PROSE:
        return lines
    found: list[str] = []
    for line in lines:
        begins = not line.strip() or line.startswith("- ") or not found or not found[-1].strip()
        found[-1:] = [*found[-1:], line] if begins else [f"{found[-1]} {line.strip()}"]
    return found
