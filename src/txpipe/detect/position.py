"""How far an input was taken, chain by chain, so that a restart on the same input skips what is covered."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

from txpipe.record import dumps

REORGS = 1024
"""Reorg records of a chain by which a repeated one is known."""

AHEAD = 64
"""Heights of a chain's records, above those that came later, by which a repeated one is known."""

Place = tuple[int, str, int, bool]
"""Height, hash (of a closed block), records taken in it, whether it is closed."""


class Position:
    """How far each chain was taken.

    Attributes:
        places: by chain.
        skipped: records that an earlier run had taken.
    """

    def __init__(
        self,
        places: dict[str, Place] | None = None,
        reorgs: dict[str, list[str]] | None = None,
        ahead: dict[str, list[int]] | None = None,
    ) -> None:
        """Begin at the start, or where an earlier run had come to.

        Args:
            places: by chain.
            reorgs: digests of the last reorg records taken, by chain: the same input has them again, another
                has its own.
            ahead: heights above the place, by chain, of records taken before it.
        """
        self.places = dict(places or {})
        self.reorgs = {chain: list(digests) for chain, digests in (reorgs or {}).items()}
        self.ahead = {chain: list(heights) for chain, heights in (ahead or {}).items()}
        self.skipped = 0
        self._until = dict(self.places)
        self._before = {chain: Counter(digests) for chain, digests in self.reorgs.items()}
        self._above = {chain: frozenset(heights) for chain, heights in self.ahead.items()}
        self._seen: dict[str, tuple[int, int]] = {}

    @classmethod
    def said(cls, said: dict[str, dict[str, Any]]) -> Position:
        """Begin where ``to_say`` said that an earlier run had come to."""
        places = {chain: (at["block"], at["hash"], at["records"], at["closed"]) for chain, at in said.items()}
        reorgs = {chain: at["reorgs"] for chain, at in said.items()}
        return cls(places, reorgs, {chain: at["ahead"] for chain, at in said.items()})

    def to_say(self) -> dict[str, dict[str, Any]]:
        """Return it as JSON data: by chain, block (height), hash, records, closed, reorgs, ahead."""
        return {
            chain: dict(zip(("block", "hash", "records", "closed"), place, strict=True))
            | {"reorgs": self.reorgs.get(chain, []), "ahead": self.ahead.get(chain, [])}
            for chain, place in self.places.items()
        }

    def passes(self, chain: str, height: int) -> bool:
        """Note a movement, call or approval that is mined; whether an earlier run had taken it already."""
        if chain in self._until and self._covers(chain, height):
            return True
        self._took(chain, height)
        return False

    def covers(self, record: dict[str, Any]) -> bool:
        """Say whether an earlier run took a record; call it once for each record of the input, in order.

        Pending records are never covered.
        """
        chain = record.get("chain")
        until = self._until.get(chain) if type(chain) is str else None
        height = record.get("block")
        if type(chain) is not str or type(height) is not int:
            return False
        if record["type"] == "reorg":
            before, digest = self._before.get(chain), _digest(record)
            if before is not None and before[digest]:
                before[digest] -= 1
                return True
            self._until.pop(chain, None)
            return False
        return until is not None and self._covers(chain, height)

    def _covers(self, chain: str, height: int) -> bool:
        until = self._until[chain]
        if height > until[0]:
            if height in self._above.get(chain, ()):
                self.skipped += 1
                return True
            del self._until[chain]
            return False
        seen = self._seen.get(chain, (-1, 0))
        count = seen[1] + 1 if seen[0] == height else 1
        self._seen[chain] = (height, count)
        if height < until[0] or until[3] or count <= until[2]:
            self.skipped += 1
            return True
        del self._until[chain]
        return False

    def take(self, record: dict[str, Any]) -> None:
        """Note a record that was taken."""
        height = record.get("block")
        if type(height) is not int:
            return
        chain = record["chain"]
        if record["type"] == "reorg":
            self.reorgs[chain] = [*self.reorgs.get(chain, ()), _digest(record)][-REORGS:]
            self.ahead.pop(chain, None)
            self.places[chain] = (height - 1, "", 0, True)
            return
        if record["type"] == "block":
            self._moved(chain, height)
            self.places[chain] = (height, record["hash"], 0, True)
            return
        self._took(chain, height)

    def _took(self, chain: str, height: int) -> None:
        place = self.places.get(chain)
        if place is not None and place[0] == height:
            self.places[chain] = (height, "", place[2] + 1, False)
            return
        self._moved(chain, height)
        self.places[chain] = (height, "", 1, False)

    def _moved(self, chain: str, height: int) -> None:
        """Remember the height that a chain comes back from, forget those that it reached again."""
        place, ahead = self.places.get(chain), self.ahead.get(chain)
        if place is not None and place[0] > height:
            self.ahead[chain] = [*dict.fromkeys((*(ahead or ()), place[0]))][-AHEAD:]
        elif ahead is not None:
            self.ahead[chain] = [one for one in ahead if one > height]


def _digest(record: dict[str, Any]) -> str:
    return hashlib.blake2b(dumps(record), digest_size=8).hexdigest()
