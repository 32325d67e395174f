"""One run of txtail put together: where it goes on, what it writes to, and what it notes at its end."""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from pathlib import Path

from txpipe.chains import ack
from txpipe.chains import cursor as cursors
from txpipe.chains.cursor import Behind, Cursor, Saved
from txpipe.chains.follow import Follower
from txpipe.chains.node_chain import NodeChain
from txpipe.chains.progress import progress
from txpipe.chains.signs import Clock, Signs
from txpipe.chains.tail import Tail
from txpipe.errors import ReaderGone
from txpipe.sink import Sink

DRAIN_S = 10.0
"""Seconds at the end for which the reader may take what is in the pipe, so that the cursor can say so."""


def known(cursor_path: Path | None, ack_path: Path | None) -> dict[str, Saved]:
    """Return where to go on, by chain; it wins over --from, so that a restart is the same command.

    A cursor file is locked until the process ends.

    Raises:
        UsageFault: the file cannot be believed or read, or another txtail uses it.
    """
    if ack_path is not None:
        return ack.load(ack_path)
    if cursor_path is None:
        return {}
    cursors.load(cursor_path)  # before a file is left beside one that is no cursor
    cursors.lock(cursor_path)
    saved = cursors.load(cursor_path)
    return {} if saved is None else {saved.chain: saved}


def signs(saved: dict[str, Saved], stall_s: float, sink: Sink, say: Callable[[str], None]) -> Signs:
    """Return what takes lines and says when none come; of the chain that was saved, if it is one."""
    chain = next(iter(saved)) if len(saved) == 1 else None

    def sleep(seconds: float) -> None:
        _sleep(sink, seconds)

    return Signs(chain, sink, Clock(time.monotonic, time.time, sleep), say, stall_s)


def follower(
    chain: NodeChain, saved: Saved | None, begin: int | None, last: int | None, confirmations: int
) -> Follower:
    """Return what goes from block to block, on from where an earlier run came to if that is known."""
    if saved is None:
        return Follower(chain, begin, last=last, confirmations=confirmations)
    return Follower(
        chain,
        saved.at,
        last=last,
        confirmations=confirmations,
        recent=saved.recent,
        given=saved.given,
        void=saved.void,
    )


def cursor(  # noqa: PLR0913, PLR0917 - what it is of, and who reads
    path: Path, chain: NodeChain, at: int | None, saved: Saved | None, behind: Behind, sink: Sink
) -> Cursor:
    """Return what keeps a cursor file.

    Args:
        path: the file.
        chain: what is followed.
        at: the first height; None is the newest.
        saved: what the file said.
        behind: how far the cursor stays back.
        sink: what the reader takes records from.
    """

    def taken() -> int:
        return sink.handed - cursors.unread(sink.fd)

    made = Cursor(path, chain.chain, chain.genesis, at, taken, time.monotonic, behind)
    if saved is not None and saved.void:
        made.drop(saved.void)
    return made


def tail(  # noqa: PLR0913 - what it follows, and how patiently
    chain: NodeChain,
    found: Follower,
    heard: Signs,
    noted: Cursor | None,
    poll_s: float,
    *,
    pending: bool,
    shows: bool,
) -> Tail:
    """Return what writes the chain out; it shows its progress if people look."""
    made = Tail(found, chain.chain, heard, cursor=noted, poll_s=poll_s, pending=pending)
    made.progress = progress(time.monotonic) if shows else None
    heard.answered()
    return made


def last_word(tailed: Tail, sink: Sink) -> None:
    """Let the reader take what is in the pipe, and note how far it came."""
    deadline = time.monotonic() + DRAIN_S
    while not tailed.is_taken and time.monotonic() < deadline:
        _sleep(sink, 0.02)
    tailed.note()


def _sleep(sink: Sink, seconds: float) -> None:
    """Wait; end where nobody reads any more: nothing is written meanwhile that would tell.

    Raises:
        ReaderGone: the reader closed the pipe.
    """
    poll = select.poll()
    poll.register(sink.fd, 0)
    if any(event & select.POLLERR for _, event in poll.poll(seconds * 1000)):
        raise ReaderGone
