"""Who may look and who may judge: tokens, users with passwords, sessions; or everybody on this machine."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import secrets
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from txpipe.errors import UsageFault

VIEWER = "viewer"
ANALYST = "analyst"
ROLES = (VIEWER, ANALYST)

_N, _R, _P = 1 << 15, 8, 1
"""Costs of scrypt (RFC 7914): 32 MiB and some 80 ms a try; OWASP's password storage cheat sheet."""
_SALT_BYTES = 16
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_SESSION_S = 12 * 3600.0
_MOST_SESSIONS = 1_000
_TRIES = 10
"""Tries of one address within _TRIES_S."""
_TRIES_NAME = 50
"""The same for one name: more, so that no single address can keep somebody out."""
_TRIES_S = 60.0
_AT_ONCE = 2
_MOST_WAITING = 8
"""Passwords looked at, or waiting for that: each holds one of the threads that answer all requests."""
_MOST_PEERS = 10_000
_LEAST_TOKEN = 16


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks.

    Attributes:
        name: as shown in the triage log.
        role: viewer or analyst.
    """

    name: str
    role: str

    @property
    def may_triage(self) -> bool:
        """Whether this one may say what to make of an alert."""
        return self.role == ANALYST


LOCAL = Person("local", ANALYST)
"""Whoever sits at this machine, where nothing else is asked for."""


class TooManyTries(Exception):
    """Somebody guesses passwords."""


@dataclass(slots=True)
class Access:
    """Checks who asks. Any thread.

    Attributes:
        tokens: by SHA-256 of the token.
        users: by name, role and hash of the password.
        now: seconds of any clock that does not run back.
    """

    tokens: dict[bytes, Person]
    users: dict[str, tuple[str, str]]
    now: Callable[[], float]
    _sessions: dict[bytes, tuple[Person, float]] = field(default_factory=dict)
    _tries: dict[str, deque[float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _busy: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(_AT_ONCE))
    _places: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(_MOST_WAITING))

    @property
    def is_open(self) -> bool:
        """Whether nothing is asked for."""
        return not self.tokens and not self.users

    def by_token(self, token: str) -> Person | None:
        """Return whose token it is."""
        digest = _digest(token)
        found = None
        for known, person in self.tokens.items():
            if hmac.compare_digest(known, digest):
                found = person
        return found

    def by_session(self, session: str) -> Person | None:
        """Return who logged in under a cookie's value."""
        with self._lock:
            found = self._sessions.get(_digest(session))
        return found[0] if found and found[1] > self.now() else None

    def log_in(self, name: str, password: str, peer: str) -> tuple[Person, str] | None:
        """Check a password; return who it is and the value of a cookie.

        Args:
            name: the user's.
            password: as typed.
            peer: address of who asks; tries are counted by it and by the name.

        Raises:
            TooManyTries: within the last minute, or at this moment.
        """
        role, known = self.users.get(name, (VIEWER, _NOBODY))
        if not self._places.acquire(blocking=False):
            raise TooManyTries
        try:
            self._count_try(f"peer {_network(peer)}", f"name {name[:64]}")
            with self._busy:  # each takes memory and a core
                right = verify(password, known)
        finally:
            self._places.release()
        if not right or name not in self.users:
            return None
        return self._begun(Person(name, role))

    def log_in_by_token(self, token: str, peer: str) -> tuple[Person, str] | None:
        """Check a token; return whose it is and the value of a cookie.

        Args:
            token: as pasted.
            peer: address of who asks; tries are counted by it.

        Raises:
            TooManyTries: within the last minute.
        """
        self._count_try(f"peer {_network(peer)}")
        person = self.by_token(token)
        return None if person is None else self._begun(person)

    def _begun(self, person: Person) -> tuple[Person, str]:
        """Begin a session."""
        session = secrets.token_urlsafe(32)
        with self._lock:
            while len(self._sessions) >= _MOST_SESSIONS:
                self._sessions.pop(next(iter(self._sessions)))
            self._sessions[_digest(session)] = person, self.now() + _SESSION_S
        return person, session

    def log_out(self, session: str) -> None:
        """Forget a session."""
        with self._lock:
            self._sessions.pop(_digest(session), None)

    def _count_try(self, *keys: str) -> None:
        now = self.now()
        with self._lock:
            if len(self._tries) > _MOST_PEERS:
                self._tries = {key: each for key, each in self._tries.items() if each[-1] > now - _TRIES_S}
            for key in keys:
                most = _TRIES_NAME if key.startswith("name ") else _TRIES
                tries = self._tries.setdefault(key, deque(maxlen=most))
                if len(tries) == most and tries[0] > now - _TRIES_S:
                    raise TooManyTries
                tries.append(now)


def _network(peer: str) -> str:
    """Return whose address it is: of IPv6 somebody has 2^64 (RFC 6177)."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return peer[:64]
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else peer


def hashed(password: str) -> str:
    """Return the hash of a password, for a users file."""
    salt = secrets.token_bytes(_SALT_BYTES)
    return f"scrypt${_N}${_R}${_P}${salt.hex()}${_scrypt(password, salt, _N, _R, _P).hex()}"


def verify(password: str, known: str) -> bool:
    """Say whether a password is the one behind a hash."""
    _, n, r, p, salt, digest = known.split("$")
    found = _scrypt(password, bytes.fromhex(salt), int(n), int(r), int(p))
    return hmac.compare_digest(found, bytes.fromhex(digest))


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    data = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(data, salt=salt, n=n, r=r, p=p, maxmem=256 << 20, dklen=32)


_NOBODY = f"scrypt${_N}${_R}${_P}${'00' * _SALT_BYTES}${'00' * 32}"
"""A hash that no password has: a name that does not exist takes as long as one that does."""
_HASH = re.compile(r"scrypt\$(\d{1,7})\$(\d{1,2})\$(\d{1,2})\$[0-9a-f]{16,128}\$[0-9a-f]{64}")


def read_users(path: str) -> dict[str, tuple[str, str]]:
    """Read a users file: ``NAME ROLE HASH`` a line, # begins a comment.

    Raises:
        UsageFault: it cannot be read, or a line is none; never with the hash.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "is no text"
        raise UsageFault(f"{path}: cannot be read: {reason}") from exc
    found: dict[str, tuple[str, str]] = {}
    for number, line in enumerate(lines, 1):
        words = line.split("#", 1)[0].split()
        if not words:
            continue
        if len(words) != 3 or not _NAME.fullmatch(words[0]) or words[1] not in ROLES or not _sound(words[2]):
            raise UsageFault(
                f"{path}:{number}: not NAME ROLE HASH; ROLE is viewer or analyst, HASH what"
                " txdash --hash-password prints"
            )
        if words[0] in found:
            raise UsageFault(f"{path}:{number}: {words[0]} is there twice")
        found[words[0]] = words[1], words[2]
    if not found:
        raise UsageFault(f"{path}: names nobody")
    return found


def _sound(text: str) -> bool:
    """Say whether a hash can be computed at a cost that a server can bear."""
    match = _HASH.fullmatch(text)
    if match is None:
        return False
    n, r, p = (int(each) for each in match.groups())
    return n > 1 and not n & (n - 1) and 1 <= r <= 32 and 1 <= p <= 16 and 128 * n * r <= 128 << 20


def token_digest(token: str, variable: str) -> str:
    """Return what is kept of a token.

    Raises:
        UsageFault: it is short enough to be guessed.
    """
    if len(token) < _LEAST_TOKEN:
        raise UsageFault(f"{variable}: a token has {_LEAST_TOKEN} characters or more; openssl rand -hex 32")
    return _digest(token).hex()


def access(config: dict[str, Any], now: Callable[[], float]) -> Access:
    """Return what a configuration (``tokens``, ``users``) asks for."""
    tokens = {bytes.fromhex(digest): Person(name, role) for digest, name, role in config["tokens"]}
    return Access(tokens, {name: (role, hash_) for name, role, hash_ in config["users"]}, now)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
