"""The forms in which alerts leave: NDJSON for programs, the rest for people and spreadsheets."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from txpipe.alerts.ecs import ecs
from txpipe.alerts.human import coloured, human, plain
from txpipe.alerts.intake import Item
from txpipe.alerts.ocsf import ocsf
from txpipe.alerts.table import cells, csv_row, headings, tsv_row

JSON_FORMS: dict[str, Callable[[bytes, dict[str, Any]], bytes]] = {"ocsf": ocsf, "ecs": ecs}
"""Forms in which other systems take alerts, a line each: of its bytes and what they hold, the line."""

FORMS = ("ndjson", "human", "tsv", "csv", *JSON_FORMS)


class Writer:
    """Writes records in one of FORMS, one at a time.

    Attributes:
        head: what stands before all; ``tsv`` and ``csv`` start with a line of column names.
        is_plain: it looks at no record.
    """

    def __init__(self, form: str, *, colour: bool = False, width: int = 80) -> None:
        """Take the form.

        Args:
            form: ``ndjson`` writes every record as the bytes it came in; the other forms leave out what they
                do not show.
            colour: paint the human form.
            width: columns of the human form, at which titles are wrapped.
        """
        self.head = b""
        self.is_plain = form == "ndjson"
        self._write: Callable[[Item], bytes] | None = None
        if form == "human":
            paint = coloured if colour else plain
            self._write = _Apart(lambda record: human(record, paint, width)).write
        elif form in JSON_FORMS:
            self._write = functools.partial(_shaped, JSON_FORMS[form])
        elif form != "ndjson":
            row = csv_row if form == "csv" else tsv_row
            self.head = row(headings()).encode()
            self._write = functools.partial(_row, row)

    def written(self, items: Sequence[Item]) -> bytes:
        """Return what records are in this form, whole lines; nothing of those that it does not show."""
        if self._write is None:
            return b"\n".join([*[line for line, _ in items], b""])
        return b"".join(map(self._write, items))


class _Apart:
    """Puts a blank line between two."""

    def __init__(self, show: Callable[[dict[str, Any]], str]) -> None:
        self._show = show
        self._between = b""

    def write(self, item: Item) -> bytes:
        shown = self._show(item[1]).encode()
        if not shown:
            return b""
        before, self._between = self._between, b"\n"
        return before + shown


def _shaped(shape: Callable[[bytes, dict[str, Any]], bytes], item: Item) -> bytes:
    return shape(*item) if item[1]["type"] == "alert" else b""


def _row(row: Callable[[list[str]], str], item: Item) -> bytes:
    return row(cells(item[1])).encode() if item[1]["type"] == "alert" else b""
