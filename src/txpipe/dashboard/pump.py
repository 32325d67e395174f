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
        copy: takes the same bytes as they leave; must not wait.

    Raises:
        InputFailed, SinkFailed, ReaderGone: what one of the two ends said.
    """
    out = _Out(sink, copy)
    held = b""
    while got := source.read(sink.flush):
        cut = got.rfind(b"\n") + 1
        if not cut and len(held) + len(got) <= _HELD:
            held += got
            continue
        whole, held = (held + got[:cut], got[cut:]) if cut else (held + got, b"")
        out.write(whole)
    if held:
        out.write(held)


class _Out:
    """An output whose bytes are copied as they leave: neither Ctrl-C nor a closed pipe comes in between."""

    def __init__(self, sink: Sink, copy: Callable[[bytes], None]) -> None:
        self._sink = sink
        self._copy = copy
        self._data = b""
        sink.before = self._before

    def write(self, data: bytes) -> None:
        self._data = data
        self._sink.write(data)
        self._sink.flush()

    def _before(self) -> None:
        self._copy(self._data)
