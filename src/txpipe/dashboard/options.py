"""What was asked for on the command line, and the configuration of the dashboard's process."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from txpipe.chains.masked import mask
from txpipe.dashboard.access import ANALYST, VIEWER, read_users, token_digest
from txpipe.dashboard.listen import Listening
from txpipe.dashboard.where import is_url, without_secrets
from txpipe.errors import UsageFault

TOKEN = "TXDASH_TOKEN"  # noqa: S105 - the variable's name
VIEWER_TOKEN = "TXDASH_VIEWER_TOKEN"  # noqa: S105
OFF = "off"

_DAY_S = 86_400.0
_LEAST_KEPT = 1 << 20
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
        state: a txdetect state file, or empty.
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
    state: str
    users: str
    read_only: bool
    hosts: tuple[str, ...]
    origins: tuple[str, ...]
    tui: bool

    def check(self) -> None:
        """Refuse what makes no sense, before lists are compiled.

        Raises:
            UsageFault: it neither stores nor serves, the extra is not installed, or the state is no file.
        """
        absent = [name for name in _NEEDED if find_spec(name) is None]
        if absent:
            raise UsageFault(f"needs {', '.join(absent)}: pip install 'txpipe[dash]'")
        if self.tui and find_spec("textual") is None:
            raise UsageFault("--tui needs textual: pip install 'txpipe[dash,tui]'")
        if self.state and Path(self.state).exists() and not Path(self.state).is_file():
            raise UsageFault(f"--state {self.state}: is no regular file; name the one that txdetect writes")
        if self.retain_size is not None and self.retain_size < _LEAST_KEPT:
            raise UsageFault("--retain-size: an empty store has some 200 KB; write 1M or more")
        if self.listen == OFF and not self.db and not self.tui:
            raise UsageFault("--listen off needs --db: it would neither store nor serve")


def configured(options: Options, listening: Listening | None, environ: Mapping[str, str]) -> dict[str, Any]:
    """Return what the dashboard's process is to know of the options; JSON data, secrets only as digests.

    Raises:
        UsageFault: others could reach it and nobody is asked who they are, or a name or a site is none.
    """
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
        "state": options.state,
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


def hide(options: Options) -> None:
    """Take a password in a store's URL out of what other users of the machine see of this process."""
    if is_url(options.db):
        mask({options.db: without_secrets(options.db)})
