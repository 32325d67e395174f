"""Where a follower goes on after a restart: never ahead of what its reader has taken from the pipe."""

from __future__ import annotations

import fcntl
import itertools
import os
import stat
import struct
import termios
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from txpipe import lockfile
from txpipe.chains.follow import Place
from txpipe.chains.model import MAX_HEIGHT
from txpipe.errors import UsageFault

FORMAT = "txtail cursor 1"

EVERY_S = 1.0
"""Seconds between two writes of the file."""

MAX_FILE = 1 << 28
"""A larger file is no cursor, and is not read to its end."""


class CursorFault(UsageFault):
    """A cursor file that cannot be believed, read or written."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What a cursor file says.

    Attributes:
        chain: CAIP-2.
        genesis: hash of the chain's first block, if known.
        at: the next height.
        recent: the last blocks before it.
        given: blocks from it on that were given out, or about to be, but perhaps not taken.
        void: blocks from it on that were given out before and dropped, which the reader may not know.
    """

    chain: str
    genesis: str | None
    at: int
    recent: tuple[Place, ...]
    given: tuple[Place, ...]
    void: tuple[Place, ...] = ()


def load(path: Path) -> Saved | None:
    """Return what a cursor file says; None if there is none yet.

    Raises:
        CursorFault: it cannot be read, or is no cursor.
    """
    if path.exists() and not path.is_file():
        raise CursorFault(f"{path}: cannot be read: it is no file")
    try:
        with path.open("rb") as file:
            text = file.read(MAX_FILE + 1)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise CursorFault(f"{path}: cannot be read: {exc.strerror}") from exc
    try:
        return _read(orjson.loads(text))
    except (ValueError, KeyError, TypeError, IndexError) as exc:
        raise CursorFault(
            f"{path}: is no cursor of txtail, or a damaged one; delete it and say --from BLOCK"
        ) from exc


def _read(found: Any) -> Saved:
    """Return what a cursor's JSON says; ValueError, KeyError, TypeError or IndexError if it is none."""
    if found["format"] != FORMAT:
        raise ValueError("another format")
    places, void = places_of(found["places"]), places_of(found["void"])
    at = height_of(found["at"])
    # There may be a gap: a reader that is far behind gets blocks again that are no more remembered.
    if any(one.height >= two.height for one, two in itertools.pairwise(places)):
        raise ValueError("not in order")
    if places and at > places[-1].height + 1:
        raise ValueError("beyond the last block")
    if any(place.height < at for place in void):
        raise ValueError("void before it")
    genesis = found["genesis"]
    return Saved(
        text_of(found["chain"]),
        None if genesis is None else text_of(genesis),
        at,
        tuple(place for place in places if place.height < at),
        tuple(place for place in places if place.height >= at),
        void,
    )


def places_of(found: Any) -> tuple[Place, ...]:
    """Return what JSON says of blocks; ValueError, TypeError or IndexError if it is something else."""
    return tuple(Place(height_of(one[0]), text_of(one[1]), tuple(map(text_of, one[2]))) for one in found)


def height_of(found: Any) -> int:
    """Return a height; ValueError if it is none."""
    if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found < MAX_HEIGHT:
        raise ValueError("no height")
    return found


def text_of(found: Any) -> str:
    """Return a text; TypeError if it is none."""
    if not isinstance(found, str):
        raise TypeError("no text")
    return found


def lock(path: Path) -> Callable[[], None]:
    """Keep other txtail from using a cursor file; returns what lets them use it before the process ends.

    Raises:
        CursorFault: another one uses it, or there is no place for a file beside it.
    """
    try:
        return lockfile.lock(path)
    except lockfile.Unlocked as exc:
        if not exc.is_used:
            raise CursorFault(f"{path}: {exc}") from exc
        raise CursorFault(
            f"{path}: another txtail uses it; end that one, or give this one a --cursor FILE of its own"
        ) from exc


def unread(fd: int) -> int:
    """Return how many bytes that were written to a pipe or socket its reader has not taken; 0 of a file."""
    mode = os.fstat(fd).st_mode
    if not stat.S_ISFIFO(mode) and not stat.S_ISSOCK(mode):
        return 0
    # Of a socket, what its buffers take is told, which is more than the bytes: the cursor stays back.
    asked = termios.TIOCOUTQ if stat.S_ISSOCK(mode) else termios.FIONREAD
    answer = fcntl.ioctl(fd, asked, struct.pack("i", 0))
    waiting: int = struct.unpack("i", answer)[0]
    return waiting


@dataclass(frozen=True, slots=True)
class Behind:
    """How far a cursor stays back, for a reader that may lose what it took and has not done.

    Attributes:
        blocks: below the last one that the reader took.
        seconds: since the reader took it.
    """

    blocks: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class _Void:
    """Blocks that were dropped.

    Attributes:
        places: the lowest first.
        told: size of the output once that is said; None before.
        since: when it was seen that the reader had taken it; None before.
    """

    places: tuple[Place, ...]
    told: int | None = None
    since: float | None = None


class Cursor:
    """Keeps a cursor file.

    It is written before blocks are given out, so that a later run knows what it may have to take back, and
    now and then after, once the reader has taken them.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what a cursor is of
        self,
        path: Path,
        chain: str,
        genesis: str | None,
        at: int | None,
        taken: Callable[[], int],
        clock: Callable[[], float],
        behind: Behind = Behind(),
    ) -> None:
        """Take where to write it.

        Args:
            path: the file.
            chain: CAIP-2.
            genesis: hash of the chain's first block, if known.
            at: the first height that will be given out; None if that is the newest, whichever it is.
            taken: returns how many bytes of the output its reader has taken so far.
            clock: monotonic seconds.
            behind: how far the cursor stays back.
        """
        self._path = path.resolve()
        self._head = {"format": FORMAT, "chain": chain, "genesis": genesis}
        self._taken = taken
        self._clock = clock
        self._behind = behind
        self._first = at
        self._at = at
        self._marks: deque[tuple[int, int]] = deque()
        self._seen: deque[tuple[float, int]] = deque()
        self._void: list[_Void] = []
        self._next = clock()

    def mark(self, size: int, at: int) -> None:
        """Note how many bytes have been written once everything before a height is out."""
        self._marks.append((size, at))

    def drop(self, places: tuple[Place, ...]) -> None:
        """Go back below blocks that were given out and are to be dropped; they are kept until that is taken.

        Args:
            places: the lowest first.
        """
        height = places[0].height
        self._void.append(_Void(places))
        self._marks = deque(mark for mark in self._marks if mark[1] <= height)
        self._seen = deque(seen for seen in self._seen if seen[1] <= height)
        self._at = height if self._at is None else min(self._at, height)
        self._first = height if self._first is None else min(self._first, height)

    def told(self, size: int) -> None:
        """Note how many bytes have been written once all that was dropped is said."""
        self._void = [replace(one, told=size) if one.told is None else one for one in self._void]

    @property
    def is_current(self) -> bool:
        """Whether the reader has taken all that was written."""
        return not self._marks or self._marks[-1][0] <= self._taken()

    def offer(self, places: Sequence[Place]) -> None:
        """Write the file if it is time to, and there is something new to say."""
        now = self._clock()
        if now < self._next:
            return
        self._look(now)
        if self._seen and self._seen[0][0] <= now - self._behind.seconds:
            self.save(places)

    def _look(self, now: float) -> None:
        """Look how far the reader is."""
        taken = self._taken()
        while self._marks and self._marks[0][0] <= taken:
            self._seen.append((now, self._marks.popleft()[1]))
        self._void = [
            replace(one, since=now)
            if one.since is None and one.told is not None and one.told <= taken
            else one
            for one in self._void
        ]

    def save(self, places: Sequence[Place]) -> None:
        """Write the file.

        Args:
            places: the last blocks that were, or are about to be, given out; one or more.
        """
        if self._first is None or self._at is None:
            self._first = self._at = places[0].height
        now = self._clock()
        self._look(now)
        before = now - self._behind.seconds
        while self._seen and self._seen[0][0] <= before:
            self._at = self._seen.popleft()[1]
        at = max(self._first, self._at - self._behind.blocks)
        # Who has not done all that it took may not have done a reorg that stood in it either.
        reach = at if self._behind.blocks else MAX_HEIGHT
        self._void = [
            one
            for one in self._void
            if one.since is None or one.since > before or one.places[0].height >= reach
        ]
        # What is dropped once more, by a later run, is named once: else every restart would double it.
        dropped_once = {place for one in self._void for place in one.places}
        void = sorted(dropped_once, key=lambda one: (one.height, one.hash))
        at = min(at, void[0].height) if void else at
        body = {**self._head, "at": at, "places": _plain(places), "void": _plain(void)}
        try:
            self._write(orjson.dumps(body) + b"\n")
        except OSError as exc:
            raise CursorFault(f"{self._path}: cannot be written: {exc.strerror}") from exc
        self._next = self._clock() + EVERY_S

    def _write(self, body: bytes) -> None:
        """Replace the file at once: whoever is killed leaves the old one or the new one."""
        beside = self._path.with_name(f".{self._path.name}.new")
        try:
            with beside.open("wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._path)
        finally:
            beside.unlink(missing_ok=True)


def _plain(places: Iterable[Place]) -> list[Any]:
    return [[one.height, one.hash, one.txs] for one in places]
