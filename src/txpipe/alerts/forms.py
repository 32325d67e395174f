"""The forms in which alerts leave: NDJSON for programs, the rest for people and spreadsheets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from txpipe.alerts.ecs import ecs
from txpipe.alerts.human import coloured, human, plain
from txpipe.alerts.intake import Item
from txpipe.alerts.ocsf import ocsf
from txpipe.alerts.table import cells, csv_row, headings, tsv_row

JSON_FORMS: dict[str, Callable[[bytes, dict[str, Any]], bytes]] = {"ocsf": ocsf, "ecs": ecs}
"""Forms in which other systems take alerts, a line each: of its bytes and what they hold, the line."""

FORMS = ("ndjson", "human", "tsv", "csv", *JSON_FORMS)


def written(items: Iterable[Item], form: str, *, colour: bool = False, width: int = 80) -> Iterator[bytes]:
    """Write records in one of FORMS.

    Args:
        items: checked.
        form: ``ndjson`` writes every record as the bytes it came in; the other forms leave out what they
            do not show. ``tsv`` and ``csv`` start with a line of column names.
        colour: paint the human form.
        width: columns of the human form, at which titles are wrapped.

    Yields:
        Bytes of whole lines, one record's at a time.
    """
    if form == "ndjson":
        return (line + b"\n" for line, _ in items)
    if write := JSON_FORMS.get(form):
        return (write(line, record) for line, record in items if record["type"] == "alert")
    if form == "human":
        paint = coloured if colour else plain
        return _apart(_lines(items, lambda record: human(record, paint, width)))
    return _table(items, csv_row if form == "csv" else tsv_row)


def _apart(shown: Iterator[bytes]) -> Iterator[bytes]:
    """Put a blank line between two."""
    for first in shown:
        yield first
        break
    for following in shown:
        yield b"\n" + following


def _lines(items: Iterable[Item], write: Callable[[dict[str, Any]], str]) -> Iterator[bytes]:
    for _, record in items:
        if shown := write(record):
            yield shown.encode()


def _table(items: Iterable[Item], row: Callable[[list[str]], str]) -> Iterator[bytes]:
    yield row(headings()).encode()
    yield from _lines(items, lambda record: row(cells(record)) if record["type"] == "alert" else "")
