"""Whole lines in one buffer that is used again and again: input for array operations, without a copy."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from txpipe.stream import BOM, MAX_LINE, Source, TooLong

WINDOW = 1 << 21
"""Bytes asked of a read by ``windows``: large enough that array operations pay, small enough for caches.

No more than a line may have: so a line that begins and ends within one read is never over the limit."""

PARSED_WINDOW = 1 << 18
"""The same where every line is parsed: its lines, as objects, leave room for accounts in the caches."""

PADDING = 64
"""Readable bytes that a window's buffer has behind its last line."""


def windows(
    source: Source, before_block: Callable[[], None], max_line: int = MAX_LINE, size: int = WINDOW
) -> Iterator[tuple[bytearray, int] | TooLong]:
    """Cut an input into batches of whole lines in one buffer that is used again and again.

    As ``batches``, without a copy for each: the buffer is valid until the next item is asked for.

    Args:
        source: the input; it is read to its end and closed.
        before_block: called before every read.
        max_line: bytes a line may have.
        size: bytes asked of a read, WINDOW at most.

    Yields:
        (buffer, size): whole lines, each ended by a newline, and PADDING bytes of anything behind; or a
        TooLong in place of a line over the limit.

    Raises:
        InputFailed: the input broke off.
    """
    try:
        yield from _refilled(source, before_block, max_line, size)
    finally:
        if source.fd > 2:
            os.close(source.fd)


def _refilled(
    source: Source, before_block: Callable[[], None], max_line: int, size: int
) -> Iterator[tuple[bytearray, int] | TooLong]:
    buffer = bytearray(max_line + size + PADDING)
    view = memoryview(buffer)
    held = 0  # bytes of a line that has not ended yet, at the front
    lost = 0  # bytes of it that were thrown away, once it is over the limit
    fresh = True
    while got := source.read_into(view[held : held + size], before_block):
        end = held + got
        new = max(0, held - len(BOM))  # no newline stands before
        if fresh and (end >= len(BOM) or buffer.find(b"\n", new, end) >= 0):
            fresh = False
            end -= _drop(buffer, len(BOM), end) if buffer.startswith(BOM, 0, end) else 0
        first = buffer.find(b"\n", new, end)
        if first >= 0 and lost + first > max_line:
            yield TooLong(lost + first)
            end -= _drop(buffer, first + 1, end)
            lost = new = 0
        cut = buffer.rfind(b"\n", new, end) + 1
        if cut:
            yield buffer, cut
            _drop(buffer, cut, end)
        held = end - cut
        if lost or held > max_line:
            held, lost = 0, lost + held
    if lost:
        yield TooLong(lost)
    elif held:
        buffer[held] = ord("\n")
        yield buffer, held + 1


def _drop(buffer: bytearray, size: int, end: int) -> int:
    """Move what lies behind the first bytes to the front; return their number."""
    buffer[: end - size] = buffer[size:end]
    return size
