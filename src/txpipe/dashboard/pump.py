"""The pipe through txdash: bytes from its input to its output, untouched, and a copy for the dashboard."""

from __future__ import annotations

from collections.abc import Callable

from txpipe.sink import Sink
from txpipe.stream import MAX_LINE, Source

_HELD = MAX_LINE + (64 << 10)
"""Bytes of a line that has not ended which are held back, so that Ctrl-C cuts no line in two."""


def pump(source: Source, sink: Sink, copy: Callable[[bytes], None]) -> None:
    """Copy an input to an output, whole lines at a time, until it ends.

    Args:
        source: the input.
        sink: the output; what was read leaves at once.
        copy: takes the same bytes once they are out; must not wait.

    Raises:
        InputFailed, SinkFailed, ReaderGone: what one of the two ends said.
    """
    held = b""
    while got := source.read(sink.flush):
        cut = got.rfind(b"\n") + 1
        if not cut and len(held) + len(got) <= _HELD:
            held += got
            continue
        out, held = (held + got[:cut], got[cut:]) if cut else (held + got, b"")
        _out(out, sink, copy)
    if held:
        _out(held, sink, copy)


def _out(data: bytes, sink: Sink, copy: Callable[[bytes], None]) -> None:
    sink.write(data)
    sink.flush()
    copy(data)
