"""How much traffic there was: transactions of a stream of records, counted without keeping them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from txpipe.score.truth import Key, Truth

_MOVEMENTS = frozenset(("transfer", "call", "approval"))


class Volume:
    """Counts transactions by their ``n`` = 0 record, of which every transaction has one.

    Where no record has it (logs alone), each change of transaction counts: records of one follow one another.
    A pending transaction counts when it is mined, and one that a reorg dropped does not.
    """

    def __init__(self, truth: Truth) -> None:
        """Take the labels, whose missing times records may tell; they must be settled."""
        self.records = 0
        self._truth = truth
        self._unseen = truth.transactions()
        self._untimed = truth.untimed()
        self._mined = 0
        self._changes = 0
        self._last: dict[str, str] = {}

    def read(self, records: Iterable[dict[str, Any]]) -> None:
        """Take checked records of any type."""
        for record in records:
            if record["type"] in _MOVEMENTS:
                self._take(record)
            elif record["type"] == "reorg" and self._mined:
                self._mined -= len(record["dropped"])

    def _take(self, record: dict[str, Any]) -> None:
        self.records += 1
        chain, tx = record["chain"], record["tx"]
        pending = record.get("pending", False)
        self._mined += record["n"] == 0 and not pending
        if self._last.get(chain) != tx:
            self._last[chain] = tx
            self._changes += 1
            self._unseen.discard((chain, tx))
        if not pending and (chain, tx) in self._untimed:
            self._untimed.discard((chain, tx))
            self._truth.set_time((chain, tx), record["time"])

    @property
    def transactions(self) -> int:
        """Transactions so far."""
        return self._mined or self._changes

    @property
    def unseen(self) -> set[Key]:
        """Labelled transactions that no record told of."""
        return self._unseen
