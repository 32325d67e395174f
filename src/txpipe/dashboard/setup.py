"""The dashboard as it was asked for: a buffer, a link, the pipe, and how they end."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from txpipe import interrupt
from txpipe.dashboard.access import hashed
from txpipe.dashboard.buffer import Buffer
from txpipe.dashboard.follow import marks
from txpipe.dashboard.link import Link
from txpipe.dashboard.listen import Listening, listen, listen_as_usual
from txpipe.dashboard.lists import configured as configured_lists
from txpipe.dashboard.options import OFF, Options, configured
from txpipe.dashboard.pump import pump
from txpipe.dashboard.tui import screen as terminal
from txpipe.errors import UsageFault
from txpipe.lists.cache import open_lists
from txpipe.lists.index import Index
from txpipe.lists.inputs import Progress
from txpipe.lists.option import ListChoice
from txpipe.lists.reading import ListSpec
from txpipe.sink import Sink
from txpipe.stream import Source


@dataclass(frozen=True, slots=True)
class Running:
    """A dashboard that is there.

    Attributes:
        buffer: takes what the pipe has passed on.
        link: its process.
        listening: where it serves; None if it does not.
        screen: the terminal that it is shown on; None if it is not.
    """

    buffer: Buffer
    link: Link
    listening: Listening | None
    screen: terminal.Screen | None = None


@contextmanager
def dashboard(
    options: Options,
    lists: ListChoice,
    environ: Mapping[str, str],
    say: Callable[[str], None],
    progress: Progress | None = None,
) -> Iterator[Running]:
    """Start a dashboard; at the end let it store what it has got, and end it.

    Args:
        options: what it is to be.
        lists: blocklists and allow-lists.
        environ: where tokens are.
        say: takes messages for people, from any thread.
        progress: told of the bytes read while lists are compiled.

    Raises:
        TxpipeError: it makes no sense, or cannot start; nothing was read.
    """
    opened = [_listed(each, lists, say, progress) for each in (lists.block, lists.allow)]
    interrupt.held.hurry(_READER_S)
    with _folder() as folder, _screen(options, say) as screen:
        listening = _bound(options)
        try:
            config = configured(options, listening, environ)
            config |= {"db": options.db or str(folder / "dash.db"), "folder": str(folder)}
            config |= {"block": opened[0].config, "allow": opened[1].config}
            config["inherit"] = [each.index.fileno() for each in opened if each.index]
            config["screen"] = screen and screen.says | {"url": listening.url if listening else ""}
            buffer = Buffer(options.buffer)
            heard = screen.say if screen else say
            link = Link(config, buffer, heard, listening.socket.fileno() if listening else None, screen)
            try:
                yield from _running(Running(buffer, link, listening, screen), heard)
            finally:
                buffer.close()
        finally:
            if listening is not None:
                listening.socket.close()


def carry(running: Running, source: Source, sink: Sink, *, keep: bool) -> None:
    """Pass the input on until it ends; then let the reader go, and serve on if that is wanted.

    With a screen, the person at it decides: it stays until they leave it, which ends the input, too.

    Raises:
        InputFailed, SinkFailed, ReaderGone: what one of the pipe's ends said.
    """
    screen = running.screen
    pump(terminal.Left(source, screen) if screen else source, sink, running.buffer.put)
    if not screen and (not keep or running.listening is None):
        return
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sink.fd)  # so that the reader sees the end now
    os.close(null)
    if screen:
        running.link.over()
        while not (screen.wait(None, _LOOK_S) or running.link.wait(0)):
            pass
        return
    while not running.link.wait(_LONGEST_WAIT_S):
        pass


def welcome(listening: Listening, options: Options) -> str:
    """Return what to open, and what to know of it."""
    kept = "" if options.db else " (what it stores goes at the end; --db FILE keeps it)"
    return f"{listening.url}{kept}"


def print_hash(source: BinaryIO, sink: Sink) -> int:
    """Write the hash of a password, one line of input, for a users file.

    Raises:
        UsageFault: there is none.
    """
    password = source.readline().rstrip(b"\r\n")
    if not password:
        raise UsageFault("--hash-password reads a password from stdin: one line")
    sink.write(hashed(password.decode("utf-8", "surrogateescape")).encode() + b"\n")
    return 0


@dataclass(frozen=True, slots=True)
class _Listed:
    """Lists of one kind, opened, and what the dashboard's process is to know of them; None without any."""

    index: Index | None
    config: dict[str, Any] | None


def _listed(
    specs: Sequence[ListSpec], choice: ListChoice, say: Callable[[str], None], progress: Progress | None
) -> _Listed:
    if not specs:
        return _Listed(None, None)
    seen = marks([each.path for each in specs])
    index = open_lists(specs, say=say, skip_bad=choice.skip_bad, progress=progress)
    return _Listed(index, configured_lists(index, specs, seen, skip_bad=choice.skip_bad))


def _bound(options: Options) -> Listening | None:
    where = options.listen
    if where == OFF or (options.tui and not where):
        return None
    return listen(where) if where else listen_as_usual()


def _running(running: Running, say: Callable[[str], None]) -> Iterator[Running]:
    """Let the pipe go on; however it ends, have what was passed on stored, and say what was not."""
    link = running.link
    link.start()
    most_s = float("inf")
    try:
        yield running
    except KeyboardInterrupt:
        most_s = _LEAVING_S
        raise
    except BaseException:
        most_s = _FAILING_S
        raise
    finally:
        link.finish(most_s)
        for loss in losses(running):
            say(loss)


_LONGEST_WAIT_S = 3600.0
_LOOK_S = 0.5
"""Seconds after which it is seen that nothing is behind a screen any more."""
_READER_S = 2.0
"""Seconds that a reader who is slow has to take what was read, once a signal ends the command."""
_LEAVING_S = 7.0
"""Seconds after a signal in which what was passed on is still stored; with the reader's less than the ten
that ``docker stop`` gives."""
_FAILING_S = 60.0
"""The same where the reader went away, or the pipe broke otherwise."""


@contextmanager
def _screen(options: Options, say: Callable[[str], None]) -> Iterator[terminal.Screen | None]:
    """Yield the terminal, where it is to be shown there."""
    if not options.tui:
        yield None
        return
    with terminal.screen({"read_only": options.read_only}, say) as screen:
        yield screen


@contextmanager
def _folder() -> Iterator[Path]:
    """Yield a folder for what goes at the end."""
    folder = tempfile.mkdtemp(prefix="txdash.")
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def summary(running: Running) -> str:
    """Return what became of the input, in one line."""
    told = running.link.told
    counts = told.counts
    other = sum(
        count for name, count in counts.items() if name not in {"alert", "heartbeat", "stored", "repeated"}
    )
    again = f" ({counts.get('repeated', 0):,} were there already)" if counts.get("repeated") else ""
    return (
        f"{counts.get('alert', 0):,} alerts{again}, {counts.get('heartbeat', 0):,} heartbeats stored; "
        f"{other:,} other records passed on; {told.bad:,} bad lines"
    )


def losses(running: Running) -> list[str]:
    """Return what was passed on and not stored, in sentences; empty if all was."""
    buffer = running.buffer
    said = []
    if over := buffer.lost - buffer.unread:
        said.append(
            f"{buffer.lost_lines:,} lines ({over:,} bytes) were passed on and not stored: the "
            "dashboard was slow or away for longer than --buffer has room"
        )
    if buffer.unread:
        why = "the temporary file does not give them back"
        said.append(f"{buffer.unread:,} bytes were passed on and not stored: {why}")
    if left := buffer.unstored():
        said.append(f"{left:,} bytes were passed on and not stored any more at the end")
    return said
