"""What a dashboard keeps of a txdetect state: on disk, looked up by address, however large the state is.

Of a state of gigabytes most accounts have nothing against them. Of those only a hash of eight bytes is kept,
so that "nothing is known against it" and "it is not known" stay two answers.
"""

from __future__ import annotations

import bisect
import contextlib
import hashlib
import itertools
import mmap
import sqlite3
import threading
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

from txpipe.detect.standing import Standing, standings
from txpipe.errors import StateFault

MOST_HELD = 1_000_000
"""Accounts with something against them that are kept; of the rest only that there is something."""
_HASH_BYTES = 8
_MOST_CHAINS = 64
_TABLE = (
    "CREATE TABLE standing (address TEXT, chain TEXT, facts BLOB, PRIMARY KEY (address, chain)) WITHOUT ROWID"
)
_FIND = "SELECT chain, facts FROM standing WHERE address = ? ORDER BY chain LIMIT ?"


def write(path: Path, to: Path, most: int = MOST_HELD) -> dict[str, Any]:
    """Read a state file once, and write what is kept of it: ``to``, and ``to.known`` with the hashes.

    Memory is some megabytes and eight bytes an account.

    Args:
        path: the state file.
        to: a file to make.
        most: accounts with something against them that are kept.

    Returns:
        ``blocks`` (by chain), ``accounts``, ``held`` and ``left_out``, as ``Digest`` has them.

    Raises:
        StateFault: there is none, or it cannot be believed.
    """
    found = standings(path)
    if found is None:
        raise StateFault(path, "is not there any more")
    blocks, accounts = found
    known: array[int] = array("Q")
    left_out = 0
    for leftover in (to, _known(to)):
        leftover.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(to)) as database, database:
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("PRAGMA synchronous = OFF")
        database.execute(_TABLE)
        against = _against(accounts, known)
        for some in iter(lambda: list(itertools.islice(against, 10_000)), []):
            room = max(most - _rows(database), 0)
            left_out += max(len(some) - room, 0)
            database.executemany("INSERT OR REPLACE INTO standing VALUES (?, ?, ?)", some[:room])
        held = _rows(database)
    import numpy as np  # noqa: PLC0415 - sorts in place, at once

    np.frombuffer(known, np.uint64).sort()
    _known(to).write_bytes(known)
    return {"blocks": blocks, "accounts": len(known), "held": held, "left_out": left_out}


def _against(accounts: Iterable[Standing], known: array[int]) -> Iterator[tuple[str, str, bytes]]:
    """Note every account in ``known``; yield those with something against them as rows."""
    for each in accounts:
        known.append(_hash(each.address))
        if each.facts is not None:
            yield each.address, each.chain, orjson.dumps(each.facts)


def _rows(database: sqlite3.Connection) -> int:
    return int(database.execute("SELECT count(*) FROM standing").fetchone()[0])


class Digest:
    """What was kept of a state file. Any thread.

    Attributes:
        blocks: the last block that txdetect had taken, by chain.
        accounts: accounts that txdetect knew.
        left_out: accounts with something against them for which there was no room.
    """

    def __init__(self, path: Path, about: dict[str, Any]) -> None:
        """Open what ``write`` made, and take its files out of their folder: they go with this.

        Raises:
            OSError, sqlite3.Error: it cannot be opened.
        """
        self.blocks: dict[str, int] = about["blocks"]
        self.accounts: int = about["accounts"]
        self.left_out: int = about["left_out"]
        self._lock = threading.Lock()
        self._database = sqlite3.connect(
            f"{path.as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
        )
        self._database.execute(_FIND, ("", 1)).fetchall()
        with _known(path).open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if about["accounts"] else b""
        self._hashes = memoryview(self._map).cast("Q")
        for each in (path, _known(path)):
            each.unlink()

    def find(self, address: str) -> list[dict[str, Any]]:
        """Return what there is against an address in canonical spelling, by chain."""
        text = address.encode("utf-8", "replace").decode()
        with self._lock:
            rows = self._database.execute(_FIND, (text, _MOST_CHAINS)).fetchall()
        return [{"chain": chain} | orjson.loads(facts) for chain, facts in rows]

    def knows(self, address: str) -> bool:
        """Whether txdetect knew an address, as far as it had not forgotten it."""
        sought = _hash(address)
        at = bisect.bisect_left(self._hashes, sought)
        return at < len(self._hashes) and self._hashes[at] == sought


def _known(path: Path) -> Path:
    return path.with_name(path.name + ".known")


def _hash(address: str) -> int:
    data = address.encode("utf-8", "replace")
    return int.from_bytes(hashlib.blake2b(data, digest_size=_HASH_BYTES).digest(), "little")
