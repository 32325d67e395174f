"""How far an input was taken, chain by chain, so that a restart skips what an earlier run had taken.

The same input again is known by a chain's first record; then as many of the chain's records are skipped as
were taken, whatever their heights. In another input (one that goes on, or begins later) heights tell; and so
they do from where an input that began like an earlier one has a reorg that the earlier one had not there, as
has a chain that is followed again from the same block.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

from txpipe.detect.held import Held
from txpipe.record import dumps

REORGS = 64
"""Reorg records of a chain by which a repeated one is known in another input."""

Place = tuple[int, str, int, bool]
"""Height, hash (of a closed block), records taken in it, whether it is closed."""

_NEWS = "news"
"""In place of the digest of a reorg that drops a block which is held: an earlier one may have said the same,
but what came after that one is dropped, too."""

_PLACE = ("block", "hash", "records", "closed")


class Position:
    """How far each chain was taken.

    Attributes:
        places: by chain.
        skipped: records that an earlier run had taken.
        doubts: why the input may not be one that goes on from an earlier run's, for people; said once each.
    """

    def __init__(self, said: dict[str, dict[str, Any]] | None = None) -> None:
        """Begin at the start, or where ``to_say`` said that an earlier run had come to."""
        said = said or {}
        self.places: dict[str, Place] = {chain: _place(at) for chain, at in said.items()}
        self.skipped = 0
        self.doubts: list[str] = []
        self._reorgs = {
            chain: [(str(one), int(at)) for one, at in of["reorgs"]] for chain, of in said.items()
        }
        self._first: dict[str, str] = {chain: at["first"] for chain, at in said.items()}
        self._taken: dict[str, int] = {chain: at["taken"] for chain, at in said.items()}
        self._held = {chain: Held(at["held"], at["txs"]) for chain, at in said.items()}
        self._begun: set[str] = set()
        self._left: dict[str, int] = {}  # records to skip, of the same input
        self._marks: dict[str, tuple[int, dict[int, str]]] = {}  # where it has reorgs, from which place on
        self._until: dict[str, Place] = {}  # heights to skip, of another one
        self._seen: dict[str, tuple[int, int]] = {}
        self._before: dict[str, Counter[str]] = {}
        self._other: set[str] = set()  # whose blocks were others

    def to_say(self) -> dict[str, dict[str, Any]]:
        """Return it as JSON data.

        By chain: block (height), hash, records, closed; held (the last closed blocks: height, hash,
        transactions), txs (of the open block); first (what names the first record of the input), taken
        (records of the chain since then), reorgs (digests of the last ones, and how many records stood before
        each in the input; -1 of an earlier one).
        """
        return {
            chain: dict(zip(_PLACE, place, strict=True))
            | {"held": self._of(chain).to_say(), "txs": self._of(chain).txs}
            | {"first": self._first.get(chain, ""), "taken": self._taken.get(chain, 0)}
            | {"reorgs": self._reorgs.get(chain, [])}
            for chain, place in self.places.items()
        }

    def passes(self, chain: str, height: int, tx: str) -> bool:
        """Note a movement, call or approval that is mined; whether an earlier run had taken it already."""
        if chain not in self._begun:
            self._begin(chain, height, tx)
        if chain in self._left and self._is_same(chain, None):
            return self._skip(chain)
        self._taken[chain] += 1
        if chain in self._until and self._covers(chain, height):
            return True
        self._took(chain, height, tx)
        return False

    def covers(self, record: dict[str, Any]) -> bool:
        """Say whether an earlier run took a record; call it once for each record of the input, in order.

        Pending records are never covered.
        """
        chain, height = record.get("chain"), record.get("block")
        if type(chain) is not str or type(height) is not int:
            return False
        digest = _digest(record) if record["type"] == "reorg" else None
        if chain not in self._begun:
            self._begin(chain, height, str(digest or record.get("tx") or record.get("hash")))
        is_news = digest is not None and self._of(chain).has(record.get("hashes"))
        if chain in self._left and self._is_same(chain, _NEWS if is_news else digest):
            return self._skip(chain)
        self._taken[chain] += 1
        if digest is None:
            if chain not in self._until or not self._covers(chain, height):
                return False
            if record["type"] == "block":
                self._compare(chain, height, record["hash"])
            return True
        before = self._before.get(chain)
        if before is not None and before[digest] and not is_news:
            before[digest] -= 1
            return True
        self._goes_on(chain)
        return False

    def take(self, record: dict[str, Any]) -> None:
        """Note a record that was taken, after ``covers``."""
        height = record.get("block")
        if type(height) is not int:
            return
        chain = record["chain"]
        if record["type"] == "reorg":
            mark = (_digest(record), self._taken[chain] - 1)
            self._reorgs[chain] = [*self._reorgs.get(chain, ()), mark][-REORGS:]
            self.places[chain] = (height - 1, "", 0, True)
            self._of(chain).drop(height)
        elif record["type"] == "block":
            if self.places.get(chain, (-1,))[0] != height:
                self._of(chain).txs.clear()
            self.places[chain] = (height, record["hash"], 0, True)
            self._of(chain).close(height, record["hash"])
        else:
            self._took(chain, height, record["tx"])

    def _of(self, chain: str) -> Held:
        held = self._held.get(chain)
        if held is None:
            held = self._held[chain] = Held()
        return held

    def _begin(self, chain: str, height: int, name: str) -> None:
        """Look at a chain's first record: is it the input of an earlier run?"""
        self._begun.add(chain)
        first = f"{height} {name}"
        if self._taken.get(chain) and self._first.get(chain) == first:
            self._left[chain] = self._taken[chain]
            places = {at: digest for digest, at in self._reorgs.get(chain, ()) if at >= 0}
            self._marks[chain] = (min(places) if len(places) == REORGS else 0, places)
            return
        self._first[chain], self._taken[chain] = first, 0
        self._go_by_height(chain)
        place = self.places.get(chain)
        if place is not None and height > place[0] + place[3]:
            self.doubts.append(
                f"{chain}: the input begins at block {height:,}, the state ends "
                f"{'with' if place[3] else 'within'} block {place[0]:,}: records between them are missing"
            )

    def _go_by_height(self, chain: str) -> None:
        """Skip what is not above the place from here on; no reorg of the earlier input stands in it."""
        if chain in self.places:
            self._until[chain] = self.places[chain]
        reorgs = self._reorgs.get(chain, [])
        self._before[chain] = Counter(digest for digest, _ in reorgs)
        taken = self._taken[chain]
        self._reorgs[chain] = [(digest, at if at < taken else -1) for digest, at in reorgs]

    def _is_same(self, chain: str, digest: str | None) -> bool:
        """Whether the input that began as an earlier one goes on like it; if not, heights tell from now on.

        Args:
            chain: of the record.
            digest: of a reorg; None of any other record.
        """
        known_from, marks = self._marks[chain]
        at = self._taken[chain] - self._left[chain]
        if at < known_from or marks.get(at) == digest:
            return True
        del self._left[chain]
        self._taken[chain] = at
        self._go_by_height(chain)
        return False

    def _skip(self, chain: str) -> bool:
        self.skipped += 1
        self._left[chain] -= 1
        if not self._left[chain]:
            del self._left[chain]
        return True

    def _covers(self, chain: str, height: int) -> bool:
        until = self._until[chain]
        if height > until[0]:
            self._goes_on(chain)
            return False
        seen = self._seen.get(chain, (-1, 0))
        count = seen[1] + 1 if seen[0] == height else 1
        self._seen[chain] = (height, count)
        if height < until[0] or until[3] or count <= until[2]:
            self.skipped += 1
            return True
        self._goes_on(chain)
        return False

    def _goes_on(self, chain: str) -> None:
        """Take all that comes of a chain from here on, also reorgs that look like earlier ones."""
        self._until.pop(chain, None)
        self._before.pop(chain, None)

    def _compare(self, chain: str, height: int, named: str) -> None:
        """Look whether a block that is passed over is the one that was taken; it is gone by now."""
        held = self._of(chain).named(height)
        if held is not None and held != named and chain not in self._other:
            self._other.add(chain)
            self.doubts.append(
                f"{chain}: block {height:,} of the input is {named}, of the state {held}, and no reorg said "
                "so: from there on alerts may be missing, or of a block that is none"
            )

    def _took(self, chain: str, height: int, tx: str) -> None:
        place = self.places.get(chain)
        if place is not None and place[0] == height:
            taken = place[2] + 1
            self._of(chain).add(tx)
        else:
            taken = 1
            self._of(chain).begin(tx)
        self.places[chain] = (height, "", taken, False)


def _place(at: dict[str, Any]) -> Place:
    return at["block"], at["hash"], at["records"], at["closed"]


def _digest(record: dict[str, Any]) -> str:
    return hashlib.blake2b(dumps(record), digest_size=8).hexdigest()
