"""What the dashboard has not stored yet: in memory to a bound, on disk to another, then left out and counted.

Nothing here waits for anybody: the pipe goes first. Bytes stay until the dashboard says that they are stored,
so that one that was killed gets them again.
"""

from __future__ import annotations

import os
import tempfile
import threading
from bisect import bisect_right
from collections import deque
from contextlib import suppress
from dataclasses import dataclass

MEMORY = 16 << 20
"""Bytes kept in memory."""

_JOINED = 256 << 10
"""Bytes of pieces on disk that are kept as one: of lines that come one by one there would be millions."""

_OVERHEAD = 200
"""Bytes that a piece takes beside its own."""


@dataclass(slots=True)
class Piece:
    """A piece of the input.

    Attributes:
        at: offset of its first byte in the input.
        size: bytes.
        data: the bytes; None if they are on disk or lost.
        place: where they are on disk; None if they are not.
    """

    at: int
    size: int
    data: bytes | None
    place: int | None = None

    @property
    def lost(self) -> bool:
        """Whether nobody had room for it."""
        return self.data is None and self.place is None


class Buffer:
    """The pieces between what was passed on and what is stored. Any thread.

    Attributes:
        taken: bytes put in so far.
        stored: offset up to which everything is stored, or lost.
        lost: bytes that had no room, or that the disk did not give back.
        unread: those of them that the disk did not give back.
        lost_lines: ends of lines among those that had no room.
    """

    def __init__(self, disk: int, memory: int = MEMORY) -> None:
        """Begin empty.

        Args:
            disk: bytes of a file without a name in the temporary folder, made when it is needed.
            memory: bytes in memory.
        """
        self._disk = disk
        self._memory = memory
        self._in_memory = 0
        self._pieces: deque[Piece] = deque()
        self._on_disk: deque[Piece] = deque()
        self._changed = threading.Condition()
        self._file: int | None = None
        self._next_place = 0
        self._ended = False
        self.taken = 0
        self.stored = 0
        self.lost = 0
        self.unread = 0
        self.lost_lines = 0

    def put(self, data: bytes) -> None:
        """Take bytes; never waits for the dashboard."""
        with self._changed:
            piece = Piece(self.taken, len(data), None)
            self.taken += len(data)
            if self._in_memory + len(data) + _OVERHEAD <= self._memory:
                piece.data = data
                self._in_memory += len(data) + _OVERHEAD
            elif (place := self._spilled(data)) is not None:
                if self._joined(place, len(data)):
                    return
                piece.place = place
                self._on_disk.append(piece)
            else:
                self._lose(piece, data)
                return
            self._pieces.append(piece)
            self._changed.notify_all()

    def refuse(self) -> None:
        """Take nothing any more: nobody is there to store it."""
        with self._changed:
            self._memory = self._disk = -1

    def end(self) -> None:
        """Say that nothing more comes."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def next(self, at: int, seconds: float) -> tuple[int, bytes | None] | None:
        """Return what follows an offset: where the next piece begins behind it, and bytes, None where lost.

        Args:
            at: offset, of what was stored or of a piece's end.
            seconds: wait so long for one.

        Returns:
            None if there is none yet; (at, b"") at the end of the input.
        """
        with self._changed:
            if at >= self.taken and not self._ended:
                self._changed.wait(seconds)
            if at >= self.taken:
                return (at, b"") if self._ended else None
            piece = self._piece(at)
            data = self._bytes(piece, at - piece.at)
            if data is None and not piece.lost:
                self._give_up(piece, at)
            return piece.at + piece.size, data

    def store(self, at: int) -> None:
        """Let go of what is stored: everything before an offset."""
        with self._changed:
            self.stored = max(self.stored, at)
            while self._pieces and self._pieces[0].at + self._pieces[0].size <= at:
                gone = self._pieces.popleft()
                if gone.data is not None:
                    self._in_memory -= gone.size + _OVERHEAD
                elif gone.place is not None:
                    self._on_disk.popleft()
                    self._shrink()
            self._changed.notify_all()

    def unstored(self) -> int:
        """Return how many bytes were taken and are neither stored nor lost."""
        with self._changed:
            return sum(
                piece.size - max(0, self.stored - piece.at) for piece in self._pieces if not piece.lost
            )

    def close(self) -> None:
        """Give the file's room back."""
        with self._changed:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def _piece(self, at: int) -> Piece:
        place = bisect_right(self._pieces, at, key=lambda piece: piece.at) - 1
        if place < 0:
            raise AssertionError(at)
        return self._pieces[place]

    def _bytes(self, piece: Piece, start: int) -> bytes | None:
        """Return a piece's bytes from a place on; None if it is lost, or the disk does not give them back."""
        if piece.data is not None:
            return piece.data[start:]
        if self._file is None or piece.place is None:
            return None
        try:
            data = os.pread(self._file, piece.size - start, piece.place + start)
        except OSError:
            return None
        return data if len(data) == piece.size - start else None

    def _give_up(self, piece: Piece, at: int) -> None:
        """Count what the disk does not give back; how many lines it was, nobody knows."""
        self.unread += piece.at + piece.size - at
        self.lost += piece.at + piece.size - at
        piece.place = None
        self._on_disk = deque(each for each in self._on_disk if each is not piece)
        self._shrink()

    def _joined(self, place: int, size: int) -> bool:
        """Make bytes on disk part of the last piece, if they follow it there; return whether they do."""
        last = self._pieces[-1] if self._pieces else None
        if last is None or last.place is None or last.place + last.size != place or last.size >= _JOINED:
            return False
        last.size += size
        self._changed.notify_all()
        return True

    def _lose(self, piece: Piece, data: bytes) -> None:
        """Count what has no room; what is lost in one go is one piece."""
        self.lost += piece.size
        self.lost_lines += data.count(b"\n")
        if self._pieces and self._pieces[-1].lost:
            self._pieces[-1].size += piece.size
        else:
            self._pieces.append(piece)
        self._changed.notify_all()

    def _spilled(self, data: bytes) -> int | None:
        """Write bytes into the file, round and round; None where there is no room."""
        place = self._room(len(data))
        if place is None:
            return None
        try:
            if self._file is None:
                with tempfile.TemporaryFile(prefix="txdash.") as file:
                    self._file = os.dup(file.fileno())
            if os.pwrite(self._file, data, place) < len(data):
                return None
        except OSError:
            return None
        self._next_place = place + len(data)
        return place

    def _room(self, size: int) -> int | None:
        if not self._on_disk:
            return 0 if size <= self._disk else None
        first = self._on_disk[0].place or 0
        if self._next_place > first:  # what is held lies between: free are the file's end and its beginning
            if self._next_place + size <= self._disk:
                return self._next_place
            return 0 if size < first else None
        return self._next_place if self._next_place + size < first else None

    def _shrink(self) -> None:
        """Give the room of a file that holds nothing back to the disk."""
        if self._file is not None and not self._on_disk:
            self._next_place = 0
            with suppress(OSError):  # a disk that fails keeps it
                os.ftruncate(self._file, 0)
