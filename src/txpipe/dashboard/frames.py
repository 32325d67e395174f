"""What the command and its dashboard say to each other: frames one way, NDJSON the other."""

from __future__ import annotations

import os
import select
import struct
from collections.abc import Iterator

CONFIG = b"C"
"""JSON: what the dashboard is to do; the first frame."""
DATA = b"D"
"""Bytes of the input, consecutive, cut anywhere."""
GAP = b"G"
"""JSON: bytes of the input that are missing here, because nobody had room for them."""
END = b"E"
"""The input has ended."""
OVER = b"O"
"""The input has ended, and who looks on may go on looking; END comes later."""

_HEAD = struct.Struct("<cI")
_READ = 1 << 18


def frame(kind: bytes, payload: bytes | memoryview = b"") -> list[bytes | memoryview]:
    """Return the parts of a frame, for ``os.writev``."""
    return [_HEAD.pack(kind, len(payload)), payload]


class Frames:
    """Frames out of a pipe.

    Attributes:
        fd: the pipe's end.
        over: OVER was among them.
    """

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.over = False
        self._held = bytearray()
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)

    def ready(self, seconds: float = 0.0) -> bool:
        """Whether something can be read, at the latest after so many seconds; the end counts."""
        return len(self._held) >= _HEAD.size or bool(self._poll.poll(seconds * 1000))

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield (kind, payload) until the other end is closed; a frame cut short is dropped."""
        while True:
            while len(self._held) < _HEAD.size:
                if not self._more():
                    return
            kind, size = _HEAD.unpack_from(self._held)
            while len(self._held) < _HEAD.size + size:
                if not self._more():
                    return
            payload = bytes(memoryview(self._held)[_HEAD.size : _HEAD.size + size])
            del self._held[: _HEAD.size + size]
            self.over = self.over or kind == OVER
            yield kind, payload

    def _more(self) -> bool:
        got = os.read(self.fd, _READ)
        self._held += got
        return bool(got)
