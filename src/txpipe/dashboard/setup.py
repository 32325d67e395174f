"""The dashboard as it was asked for: options to a configuration, a buffer and a link."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from txpipe.chains.masked import mask
from txpipe.dashboard.access import ANALYST, VIEWER, hashed, read_users, token_digest
from txpipe.dashboard.buffer import Buffer
from txpipe.dashboard.link import Link
from txpipe.dashboard.listen import Listening, listen, listen_as_usual
from txpipe.dashboard.pump import pump
from txpipe.dashboard.tui import screen as terminal
from txpipe.dashboard.where import is_url, without_secrets
from txpipe.errors import UsageFault
from txpipe.lists.index import Index
from txpipe.sink import Sink
from txpipe.stream import Source

TOKEN = "TXDASH_TOKEN"  # noqa: S105 - the variable's name
VIEWER_TOKEN = "TXDASH_VIEWER_TOKEN"  # noqa: S105
OFF = "off"

_DAY_S = 86_400.0
_SIZE = re.compile(r"(\d{1,9})([KMGT]?)", re.IGNORECASE)
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?", re.IGNORECASE)
_NEEDED = ("sqlalchemy", "alembic", "fastapi", "uvicorn", "socketio")


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for on the command line.

    Attributes:
        db: a file, a PostgreSQL URL, or empty for a store that goes at the end.
        listen: ADDRESS:PORT, off, or empty for the usual place.
        buffer: bytes on disk that wait to be stored.
        retain_days: days that alerts are kept; None for ever.
        retain_size: bytes that the store may have; None for any.
        users: a users file, or empty.
        read_only: nobody may triage.
        hosts: names under which it may be asked for.
        origins: sites whose pages may ask.
        tui: it is shown on the terminal, and served only where that was asked for.
    """

    db: str
    listen: str
    buffer: int
    retain_days: float | None
    retain_size: int | None
    users: str
    read_only: bool
    hosts: tuple[str, ...]
    origins: tuple[str, ...]
    tui: bool

    def check(self) -> None:
        """Refuse what makes no sense, before lists are compiled.

        Raises:
            UsageFault: it neither stores nor serves, or the extra is not installed.
        """
        absent = [name for name in _NEEDED if find_spec(name) is None]
        if absent:
            raise UsageFault(f"needs {', '.join(absent)}: pip install 'txpipe[dash]'")
        if self.tui and find_spec("textual") is None:
            raise UsageFault("--tui needs textual: pip install 'txpipe[dash,tui]'")
        if self.listen == OFF and not self.db and not self.tui:
            raise UsageFault("--listen off needs --db: it would neither store nor serve")


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
    lists: tuple[Index | None, Index | None],
    environ: Mapping[str, str],
    say: Callable[[str], None],
) -> Iterator[Running]:
    """Start a dashboard; at the end let it store what it has got, and end it.

    Args:
        options: what it is to be.
        lists: blocklists and allow-lists.
        environ: where tokens are.
        say: takes messages for people, from any thread.

    Raises:
        TxpipeError: it makes no sense, or cannot start; nothing was read.
    """
    with _place(options.db) as (db, temporary), _screen(options, say) as screen:
        listening = _bound(options)
        try:
            config = _config(options, listening, environ) | {"db": db, "temporary": temporary}
            config |= {
                name: index.path if index else None
                for name, index in zip(("block", "allow"), lists, strict=True)
            }
            config["screen"] = screen and screen.says | {"url": listening.url if listening else ""}
            buffer = Buffer(options.buffer)
            heard = screen.say if screen else say
            link = Link(config, buffer, heard, listening.socket.fileno() if listening else None, screen)
            try:
                yield from _running(Running(buffer, link, listening, screen))
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


def hide(options: Options) -> None:
    """Take a password in a store's URL out of what other users of the machine see of this process."""
    if is_url(options.db):
        mask({options.db: without_secrets(options.db)})


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


def _bound(options: Options) -> Listening | None:
    where = options.listen
    if where == OFF or (options.tui and not where):
        return None
    return listen(where) if where else listen_as_usual()


def _running(running: Running) -> Iterator[Running]:
    link = running.link
    link.start()
    try:
        yield running
    except KeyboardInterrupt:
        link.finish(_LEAVING_S)
        raise
    except BaseException:
        link.finish(_FAILING_S)
        raise
    link.finish()


_LONGEST_WAIT_S = 3600.0
_LOOK_S = 0.5
"""Seconds after which it is seen that nothing is behind a screen any more."""
_LEAVING_S = 10.0
"""Seconds after Ctrl-C in which what was passed on is still stored."""
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
def _place(db: str) -> Iterator[tuple[str, bool]]:
    """Yield where the store is and whether it goes at the end."""
    if db:
        yield db, False
        return
    folder = tempfile.mkdtemp(prefix="txdash.")
    try:
        yield str(Path(folder) / "dash.db"), True
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _config(options: Options, listening: Listening | None, environ: Mapping[str, str]) -> dict[str, Any]:
    tokens = [
        [token_digest(environ[name], name), role, role]
        for name, role in ((TOKEN, ANALYST), (VIEWER_TOKEN, VIEWER))
        if environ.get(name)
    ]
    users = read_users(options.users) if options.users else {}
    if listening is not None and not listening.is_loopback and not (tokens or users):
        raise UsageFault(
            f"--listen {options.listen}: others can reach it; it needs {TOKEN} in the environment, or --users"
        )
    return {
        "age_s": None if options.retain_days is None else options.retain_days * _DAY_S,
        "size": options.retain_size,
        "tokens": tokens,
        "users": [[name, role, hash_] for name, (role, hash_) in users.items()],
        "read_only": options.read_only,
        "hosts": [_host(name) for name in options.hosts],
        "origins": [_origin(url) for url in options.origins],
    }


def _host(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise UsageFault(f"--host {name[:80]}: write a name as in dash.example.org")
    return name.lower()


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path not in {"", "/"}:
        raise UsageFault(
            f"--allow-origin {url[:80]}: write scheme, host and port, as in https://soc.example.org"
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "")


def parse_size(text: str) -> int:
    """Read bytes as in ``500M`` or ``2G``.

    Raises:
        ValueError: it is no size.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f'"{text}" is no size as in 500M or 2G')
    return int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}[match[2].upper()]


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
    if buffer.lost:
        said.append(
            f"{buffer.lost_lines:,} lines ({buffer.lost:,} bytes) were passed on and not stored: the "
            "dashboard was slow or away for longer than --buffer has room"
        )
    if left := buffer.unstored():
        said.append(f"{left:,} bytes were passed on and not stored any more at the end")
    return said
