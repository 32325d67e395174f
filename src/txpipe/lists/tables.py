"""Lists in lines: plain text and CSV."""

from __future__ import annotations

import csv
import itertools
import re
from collections import deque
from collections.abc import Iterable, Iterator

from txpipe.errors import ListFault
from txpipe.lists import words
from txpipe.lists.entry import Addresses, Entry
from txpipe.lists.reading import Reading, holds_address
from txpipe.stream import MAX_LINE, TooLong, too_long

_RUN = re.compile(rb"(?:0x[0-9a-fA-F]{40}\r?\n)+")
_FIELD_LIMIT = 1 << 17
_SEPARATORS = ",\t;|"
_QUOTED_LINES = 8
"""Lines one quoted field may span; a quote that stays open hides no more rows than its own."""


def read_plain(
    path: str, batches: Iterable[bytes | TooLong], reading: Reading
) -> Iterator[Entry | Addresses]:
    """Read one address a line, with ``#`` comments on lines of their own or behind an address.

    Args:
        path: the file's name in messages.
        batches: whole lines, as from ``stream.cut_lines``.
        reading: takes headers and bad lines.

    Yields:
        Runs of hex addresses together, everything else one by one.
    """
    number = 0
    for batch in batches:
        if isinstance(batch, TooLong):
            number += 1
            reading.faults.report(f"{path}:{number}", too_long(batch, MAX_LINE))
            continue
        at = 0
        while at < len(batch):
            if run := _RUN.match(batch, at):
                addresses = run[0].lower().split()
                number += len(addresses)
                at = run.end()
                yield Addresses(reading.shared(), addresses)
                continue
            end = batch.index(b"\n", at)
            number += 1
            entry = _plain_line(f"{path}:{number}", batch[at:end].decode("utf-8", "replace").strip(), reading)
            if entry:
                yield entry
            at = end + 1


def _plain_line(place: str, line: str, reading: Reading) -> Entry | None:
    if not line:
        return None
    if line.startswith("#"):
        reading.comment(place, line)
        return None
    address, _, comment = line.partition("#")
    return reading.entry(place, {"address": address, "label": comment})


def read_csv(path: str, batches: Iterable[bytes | TooLong], reading: Reading) -> Iterator[Entry]:
    """Read rows under a header that names an address column (``words.ROLES``); ``#`` lines are comments.

    Raises:
        ListFault: the header names no address column, or holds an address and is none.
    """
    lines = _lines(path, batches, reading)
    header, separator, first = _header(path, lines, reading)
    columns = words.roles(tuple(header))
    if "address" not in columns:
        seen = ", ".join(words.clean(name, 30) for name in header[:12])
        raise ListFault(path, f"its header names no address column; it has: {seen}")
    wanted = columns["address"]
    for number, row in _rows(path, itertools.chain(first, lines), separator, reading):
        place = f"{path}:{number}"
        if len(row) <= wanted:
            reading.faults.report(place, f"has {len(row)} columns, the address is column {wanted + 1}")
            continue
        entry = reading.entry(place, {role: row[at] for role, at in columns.items() if at < len(row)})
        if entry:
            yield entry


def csv_header(line: str) -> tuple[list[str], str]:
    """Split a header at the separator that gives the most columns."""
    separator = max(_SEPARATORS, key=line.count)
    try:
        return next(csv.reader([line], delimiter=separator), []), separator
    except csv.Error:
        return [line], separator


def _header(
    path: str, lines: Iterator[tuple[int, str]], reading: Reading
) -> tuple[list[str], str, list[tuple[int, str]]]:
    for number, line in lines:
        if line.startswith("#"):
            reading.comment(f"{path}:{number}", line.strip())
        elif line.strip():
            if holds_address(line):
                raise ListFault(path, "has an address in its first line; begin with a line of column names")
            return *csv_header(line), []
    raise ListFault(path, "is empty")


def _lines(path: str, batches: Iterable[bytes | TooLong], reading: Reading) -> Iterator[tuple[int, str]]:
    """Number the lines; one over the limit is reported."""
    number = 0
    for batch in batches:
        if isinstance(batch, TooLong):
            number += 1
            reading.faults.report(f"{path}:{number}", too_long(batch, MAX_LINE))
            continue
        for line in batch[:-1].split(b"\n"):
            number += 1
            yield number, line.decode("utf-8", "replace").rstrip("\r")


def _rows(
    path: str, lines: Iterator[tuple[int, str]], separator: str, reading: Reading
) -> Iterator[tuple[int, list[str]]]:
    """Cut lines into fields; a line with an odd number of quotes takes further ones until it is even.

    Two stray quotes some lines apart must not swallow the entries between them: where a field over several
    lines holds an address, each line is a row.
    """
    ahead: deque[tuple[int, str]] = deque()
    while ahead or _fill(ahead, lines):
        number, line = ahead[0]
        if '"' not in line or line.startswith("#"):
            ahead.popleft()
            if line.strip() and not line.startswith("#"):
                yield number, line.split(separator)
            continue
        taken = _quoted(ahead, lines)
        if not taken:
            ahead.popleft()
            reading.faults.report(f"{path}:{number}", "a quote is not closed")
            continue
        parts = [ahead.popleft() for _ in range(taken)]
        try:
            rows = _cut([line for _, line in parts], separator)
        except csv.Error as exc:
            rows, reason = [], str(exc)
        else:
            reason = _swallowed(rows)
        if not reason:
            yield from ((number, row) for row in rows)
        elif taken == 1:
            reading.faults.report(f"{path}:{number}", reason)
        else:
            reading.faults.report(f"{path}:{number}", reason, "its lines are read singly")
            yield from _singly(path, parts, separator, reading)


def _cut(lines: Iterable[str], separator: str) -> list[list[str]]:
    csv.field_size_limit(_FIELD_LIMIT)  # the module's one limit, which others may have changed
    return list(csv.reader([f"{line}\n" for line in lines], delimiter=separator, skipinitialspace=True))


def _swallowed(rows: Iterable[Iterable[str]]) -> str:
    """Say that a field over several lines holds an address; empty if none does."""
    fields = (field for row in rows for field in row if "\n" in field.rstrip("\n"))
    return "a quoted field over several lines holds an address" if any(map(holds_address, fields)) else ""


def _singly(
    path: str, lines: Iterable[tuple[int, str]], separator: str, reading: Reading
) -> Iterator[tuple[int, list[str]]]:
    for number, line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        try:
            yield from ((number, row) for row in _cut([line], separator))
        except csv.Error as exc:
            reading.faults.report(f"{path}:{number}", str(exc))


def _fill(ahead: deque[tuple[int, str]], lines: Iterator[tuple[int, str]]) -> bool:
    line = next(lines, None)
    if line:
        ahead.append(line)
    return line is not None


def _quoted(ahead: deque[tuple[int, str]], lines: Iterator[tuple[int, str]]) -> int:
    """Count the lines up to which the number of quotes is even; 0 if there are too many."""
    quotes = 0
    for taken in range(_QUOTED_LINES):
        if taken == len(ahead) and not _fill(ahead, lines):
            return 0
        quotes += ahead[taken][1].count('"')
        if quotes % 2 == 0:
            return taken + 1
    return 0
