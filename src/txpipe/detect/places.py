"""Places in raw bytes: where lines start that must be parsed as a whole."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from txpipe.lists.index import Index
from txpipe.window import PARSED_WINDOW

if TYPE_CHECKING:
    from txpipe.detect.screen import Scanner

_SEARCHED_BYTES = 4 << 30
"""A file of this size is searched in about a second once it is in memory."""


def may_hold(fd: int, text: bytes) -> bool:
    """Say whether an input may hold a text; only a file that is there as a whole, not huge, can say no."""
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode) or status.st_size > _SEARCHED_BYTES:
        return True
    at = os.lseek(fd, 0, os.SEEK_CUR)
    rare = text[-2:-1]  # one byte is searched for at twice the speed; records hardly hold a "g"
    buffer = bytearray(PARSED_WINDOW + len(text))
    while (size := os.preadv(fd, [buffer], at)) >= len(text):
        if buffer.find(rare, 0, size) >= 0 and buffer.find(text, 0, size) >= 0:
            return True
        at += PARSED_WINDOW
    return False


def scanner_of(index: Index, buffer: bytearray) -> Scanner:
    """Return what searches a buffer for the addresses of an index."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # no linear algebra here: start no threads for it
    from txpipe.detect.screen import Scanner  # noqa: PLC0415 - numpy costs 80 ms

    return Scanner(index, buffer)


def first_lines(buffer: bytearray, size: int, count: int) -> set[int]:
    """Return where the first lines start, as many as asked for."""
    starts: set[int] = set()
    at = 0
    while at < size and len(starts) < count:
        starts.add(at)
        at = buffer.find(b"\n", at, size) + 1
    return starts


def last_lines(buffer: bytearray, size: int, count: int) -> list[bytes]:
    """Return the last lines, as many as asked for."""
    at = size - 1
    for _ in range(count):
        at = buffer.rfind(b"\n", 0, at)
        if at < 0:
            break
    return bytes(memoryview(buffer)[at + 1 : size - 1]).split(b"\n")


def suspects(text: bytes, scanner: Scanner | None, buffer: bytearray, size: int) -> list[int]:
    """Return the numbers, from 0, of the lines of a window in which lists may name somebody.

    Args:
        text: the window.
        scanner: searches ``buffer``; None if there are no lists.
        buffer: holds the window.
        size: of the window.
    """
    if scanner is None:
        return []
    hits = {buffer.rfind(b"\n", 0, place) + 1 for place in scanner.candidates(size)}
    return numbers(text, sorted(hits | lines_with(b"\\", buffer, size)))


def numbers(text: bytes, starts: list[int]) -> list[int]:
    """Return the numbers, from 0, of the lines that start at these places, given in order."""
    found, number, at = [], 0, 0
    for start in starts:
        number += text.count(b"\n", at, start)
        at = start
        found.append(number)
    return found


def lines_with(text: bytes, buffer: bytearray, size: int) -> set[int]:
    """Return where the lines start that hold a text."""
    starts = set()
    at = buffer.find(text, 0, size)
    while at >= 0:
        starts.add(buffer.rfind(b"\n", 0, at) + 1)
        at = buffer.find(text, buffer.find(b"\n", at, size), size)
    return starts


def is_blank(line: bytes) -> bool:
    """Whether a line says nothing."""
    return not line or line.isspace()
