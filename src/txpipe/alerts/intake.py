"""Lines to checked records; every later stage trusts what comes from here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from txpipe.errors import RecordFault
from txpipe.record import check, loads
from txpipe.stream import BadLines

Item = tuple[bytes, dict[str, Any]]
"""A line without its newline, byte for byte, and the record it holds."""


def taken(lines: Iterable[tuple[int, bytes]], name: str, bad: BadLines) -> Iterator[Item]:
    """Parse and check every line; report and skip those that are no records.

    Args:
        lines: number and bytes of each, as ``stream.numbered_lines`` gives them.
        name: the input's name for messages.
        bad: takes the reports.

    Yields:
        Alerts and, unchanged, records of every other type, in input order.

    Raises:
        BadLine: at the first bad line, under strict.
    """
    for number, line in lines:
        try:
            record = check(loads(line))
        except RecordFault as exc:
            bad.report(name, number, str(exc))
        else:
            yield line, record
