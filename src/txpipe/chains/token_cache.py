"""What tokens said of themselves, kept: asked once, a token keeps its name, whatever it says later.

A file for one chain: a line that says of which, then a line a token. Several processes may use it at once:
each adds lines under a lock and first takes over what others have added.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from txpipe.chains.model import account, small
from txpipe.chains.token_symbol import tamed
from txpipe.chains.tokens import MAX_DECIMALS, Token
from txpipe.errors import RecordFault, UsageFault

FORMAT = "txtail tokens 1"

MOST = 100_000
"""Tokens kept; beyond, the older half is forgotten. 40 MB of memory."""

LOCK_S = 5.0
"""Seconds for which a file that another process has locked is waited for."""

LOOK_S = 0.02

MAX_FILE = 1 << 26
"""A larger file is no such file."""

Said = Token | None
"""What a contract says of itself; None if it tells no decimals, which every token has that has amounts."""


def said(symbol: bytes, decimals: int) -> Token:
    """Return a token as its contract spells it."""
    return Token("", tamed(symbol), decimals, pegged=False)


class Unkept:
    """Keeps what contracts said for the run only.

    Attributes:
        known: what is settled, by contract; the same dict for good.
    """

    def __init__(self) -> None:
        self.known: dict[str, Said] = {}

    def settle(self, found: dict[str, Said]) -> None:
        """Keep what contracts said."""
        self.known |= found
        for one in list(self.known)[: max(0, len(self.known) - MOST)]:
            del self.known[one]


class TokenCache:
    """Keeps one file.

    Attributes:
        known: what is settled, by contract, the oldest first; the same dict for good.
    """

    def __init__(
        self,
        path: Path,
        chain: str,
        genesis: str | None,
        say: Callable[[str], None],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take the file, which is made once there is something to keep, and what it says.

        Args:
            path: of it.
            chain: CAIP-2.
            genesis: hash of the chain's first block, if known.
            say: takes a message for people.
            sleep: waits so many seconds.

        Raises:
            UsageFault: it is of another chain, or cannot be read or written.
        """
        self._path = path.resolve()
        self._head = {"format": FORMAT, "chain": chain, "genesis": genesis}
        self._say = say
        self._sleep = sleep
        self._patience_s = LOCK_S
        self._place = (0, 0)
        self._unkept: dict[str, Said] = {}
        self.known: dict[str, Said] = {}
        try:
            self._open()
        except BlockingIOError as exc:
            say(f"{path}: {exc.strerror}; token names are kept there once it is not")
        except OSError as exc:
            raise UsageFault(f"{path}: token names cannot be kept there: {exc.strerror}") from exc

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            is_regular = stat.S_ISREG(self._path.stat().st_mode)
        except FileNotFoundError:
            if not os.access(self._path.parent, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES)) from None
            return
        if not is_regular:
            raise UsageFault(f"{self._path}: is no regular file; name one")
        self.settle({})

    def settle(self, found: dict[str, Said]) -> None:
        """Keep what contracts said, unless it is settled already, by whichever process.

        Raises:
            OSError: the file cannot be written; what was found is known all the same.
        """
        try:
            with self._locked() as file:
                is_sound = self._catch_up(file)
                new = {one: token for one, token in found.items() if one not in self.known} | self._unkept
                self.known |= new
                if len(self.known) > MOST:
                    for one in list(self.known)[: -MOST // 2]:
                        del self.known[one]
                    is_sound = False
                if is_sound:
                    self._add(file, new)
                else:
                    self._begin_anew()
                self._unkept = {}
        finally:
            for one, token in found.items():
                if one not in self.known:
                    self.known[one] = self._unkept[one] = token
            for one in list(self._unkept)[: max(0, len(self._unkept) - MOST)]:
                del self._unkept[one]

    @contextmanager
    def _locked(self) -> Iterator[BinaryIO]:
        """Open the file that the path names now, alone."""
        while True:
            with self._path.open("a+b") as file:
                self._lock(file)
                if self._is_named(file):
                    yield file
                    return

    def _lock(self, file: BinaryIO) -> None:
        """Lock the file; who had to wait in vain once looks only once from then on, until it can.

        Raises:
            BlockingIOError: another process keeps it locked.
        """
        left_s, self._patience_s = self._patience_s, 0.0
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as exc:
                if left_s <= 0:
                    raise BlockingIOError(exc.errno, "it is locked by another process") from exc
                self._sleep(LOOK_S)
                left_s -= LOOK_S
            else:
                self._patience_s = LOCK_S
                return

    def _is_named(self, file: BinaryIO) -> bool:
        """Whether nobody replaced the file while the lock was waited for."""
        try:
            named = self._path.stat()
        except FileNotFoundError:
            return False
        return os.path.samestat(named, os.fstat(file.fileno()))

    def _catch_up(self, file: BinaryIO) -> bool:
        """Read what was added since this process last looked; False if the file is to be begun anew."""
        status = os.fstat(file.fileno())
        inode, end = self._place
        if inode != status.st_ino or end > status.st_size:
            end = 0
        file.seek(end)
        body = file.read(MAX_FILE + 1)
        whole = body[: body.rfind(b"\n") + 1]
        lines = whole.splitlines()
        is_ours = end > 0 or not body or (len(body) <= MAX_FILE and self._is_ours(lines))
        if not is_ours:
            self._set_aside()
            return False
        if len(whole) < len(body):  # who wrote it was stopped in the midst of a line
            file.truncate(end + len(whole))
        self._place = status.st_ino, end + len(whole)
        return self._read(lines)

    def _is_ours(self, lines: list[bytes]) -> bool:
        """Whether the first of a file's lines, which is taken away, is that of such a file.

        Raises:
            UsageFault: it is of another chain.
        """
        head = _loads(lines.pop(0)) if lines else {}
        if head.get("format") != FORMAT:
            return False
        genesis, own = head.get("genesis"), self._head["genesis"]
        if head.get("chain") != self._head["chain"] or (genesis and own and genesis != own):
            raise UsageFault(f"{self._path}: is of another chain: take another --token-cache file")
        return True

    def _read(self, lines: Iterable[bytes]) -> bool:
        """Take lines; False if some do not read."""
        bad = 0
        for line in lines:
            try:
                contract, token = _parsed(_loads(line))
            except RecordFault:
                bad += 1
            else:
                self.known.setdefault(contract, token)
        if bad:
            self._say(f"{self._path}: {bad:,} lines do not read; begun anew without them")
        return not bad

    def _set_aside(self) -> None:
        """Move a file away that is damaged, or none of ours."""
        aside = self._path.with_name(f"{self._path.name}.damaged")
        self._path.replace(aside)
        self._say(f"{self._path}: holds no names of tokens; begun anew, the old file is {aside.name}")

    def _begin_anew(self) -> None:
        """Replace the file at once by one that holds what is known."""
        beside = self._path.with_name(f".{self._path.name}.new")
        with beside.open("wb") as file:
            file.write(_line(self._head) + b"".join(_lines(self.known)))
            file.flush()
            os.fsync(file.fileno())
            self._place = os.fstat(file.fileno()).st_ino, file.tell()
        beside.replace(self._path)

    def _add(self, file: BinaryIO, new: dict[str, Said]) -> None:
        if self._place[1] and not new:
            return
        head = b"" if self._place[1] else _line(self._head)
        file.write(head + b"".join(_lines(new)))
        file.flush()
        os.fsync(file.fileno())
        self._place = os.fstat(file.fileno()).st_ino, file.tell()


def _line(one: dict[str, Any]) -> bytes:
    return orjson.dumps(one) + b"\n"


def _lines(known: dict[str, Said]) -> Iterator[bytes]:
    for contract, token in known.items():
        told = {} if token is None else {"symbol": token.symbol, "decimals": token.decimals}
        yield _line({"address": contract, **told})


def _loads(line: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _parsed(one: dict[str, Any]) -> tuple[str, Said]:
    contract = account(one.get("address"), "address")
    if "decimals" not in one:
        return contract, None
    decimals, symbol = small(one["decimals"], "decimals"), one.get("symbol")
    if decimals > MAX_DECIMALS or not isinstance(symbol, str):
        raise RecordFault("no symbol and decimals")
    return contract, said(symbol.encode("utf-8", "replace"), decimals)
