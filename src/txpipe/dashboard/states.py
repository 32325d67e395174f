"""What a txdetect state says of an address: exposure to listed wallets, score, incident; follows the file.

The state is read by a process of its own (``apart``) and never locked; it may be as large as it likes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from txpipe.dashboard.apart import STATE, Apart, Refused
from txpipe.dashboard.digest import Digest
from txpipe.dashboard.follow import Follower
from txpipe.lists import words

_REST = 10.0
"""A reading that took a second is followed by none for ten, as txdetect saves."""

TAINTED = "tainted"
REPORTED = "reported"
CLEAR = "nothing known"
UNKNOWN = "unknown"


class State:
    """What is known of a state file."""

    def __init__(self, path: str, folder: Path, apart: Apart, say: Callable[[str], None]) -> None:
        """Prepare; ``start`` reads it, and again whenever it changes.

        Args:
            path: the file; empty for none.
            folder: for what is made.
            apart: reads it.
            say: takes messages for people.
        """
        self._path = path
        self._to = folder / "state"
        self._apart = apart
        self._say = say
        self._digest: Digest | None = None
        self._told = ""
        self._follower = Follower([path], [None], self._renew, _REST)

    def start(self) -> None:
        """Follow the file from now on; it may come later."""
        if self._path:
            self._follower.start()

    def stop(self) -> None:
        """End."""
        self._apart.stop()
        self._follower.stop()

    def exposure(self, text: str) -> dict[str, Any]:
        """Say how an address stands: ``verdict``, ``reason``, ``blocks`` and, by chain, ``accounts``.

        The verdict is TAINTED where it holds funds of listed wallets, REPORTED where rules spoke of it or it
        is part of an incident, CLEAR where txdetect knows it and nothing more, else UNKNOWN with a reason.
        """
        digest = self._digest
        said: dict[str, Any] = {"verdict": UNKNOWN, "reason": None, "blocks": {}, "accounts": []}
        if digest is None:
            return said | {"reason": "the state is not read yet" if self._path else "no --state was given"}
        said["blocks"] = digest.blocks
        address = words.address(text)
        accounts = said["accounts"] = digest.find(address)
        if accounts:
            tainted = any("tainted_usd" in each for each in accounts)
            said["verdict"] = TAINTED if tainted else REPORTED
        elif not digest.knows(address):
            said["reason"] = "txdetect has not seen it, or has forgotten it"
        elif digest.left_out:
            said["reason"] = f"there was no room for {digest.left_out:,} accounts of the state; it may be one"
        else:
            said["verdict"] = CLEAR
        return said

    def _renew(self) -> None:
        """Read the state; one that cannot be used is said once, and the last one stays."""
        if not Path(self._path).exists():
            return
        try:
            about = self._apart.run({"job": STATE, "path": self._path, "to": str(self._to)}, self._say)
            self._digest = Digest(self._to, about)
            told = ""
        except (Refused, OSError, sqlite3.Error) as exc:
            stays = "what was read of it before stays" if self._digest else "nothing is known of exposure"
            told = f"--state {exc}; {stays}"
        if told and told != self._told and not self._apart.stopped:
            self._say(told)
        self._told = told
