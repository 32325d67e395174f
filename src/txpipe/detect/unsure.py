"""Alerts of a run that was killed, which the saved state does not know: said again, or taken back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from txpipe.record import dumps

_Alert = dict[str, Any]

Told = list[_Alert]
"""One alert as it was told last, before it perhaps as it was told before with the contrary status. Noted is
not written: a kill may come in between, so that the reader may know any of them, or none."""


class Unsure:
    """What the reader may have been told of alerts since the state was saved."""

    def __init__(self) -> None:
        self._of: dict[str, dict[str, Told]] = {}
        self._new: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._of)

    def begin(self, told: Iterable[_Alert], *, is_new: bool) -> None:
        """Take what was told since the state was saved.

        Args:
            told: alerts in the order in which they were noted.
            is_new: there is no state: an input that begins later tells nothing of earlier blocks.
        """
        for one in told:
            if one["block"] is None:
                continue
            several = self._of.setdefault(one["chain"], {}).setdefault(one["id"], [])
            several[:] = [*(other for other in several if is_open(other) != is_open(one)), one]
        self._new = set(self._of) if is_new else set()

    def lines(self) -> Iterator[bytes]:
        """Yield what is unsure still."""
        for several in self._of.values():
            for told in several.values():
                yield from map(line_of, told)

    def heard(self, chain: str, name: str) -> Told:
        """Note that something is said about an alert; returns what may have been told of it."""
        several = self._of.get(chain, {})
        found = several.pop(name, [])
        if found and not several:
            del self._of[chain]
        return found

    def passed(self, chain: str, height: int) -> Iterator[Told]:
        """Yield, once each, what may have been told of alerts of blocks below a height; nobody said it again.

        Args:
            chain: of the record that was taken.
            height: all blocks below it are over.
        """
        several = self._of.get(chain)
        if several is None:
            return
        is_new = chain in self._new
        self._new.discard(chain)
        for name in [name for name, told in several.items() if told[-1]["block"] < height]:
            told = self.heard(chain, name)
            if not is_new:
                yield told


def is_open(one: _Alert) -> bool:
    """Whether an alert is not taken back."""
    return bool(one["status"] != "retracted")


def revision(told: Told, rev: int, *, opens: bool) -> int:
    """Return the revision under which something is said of an alert.

    Of two with the same number a reader takes the first only.

    Args:
        told: what may have been told of it; empty if that is sure.
        rev: the revision by what the state knows.
        opens: whether it is said, not taken back.
    """
    if not told or (opens and all(map(is_open, told))):
        return rev  # if it was told, it is told again
    last = told[-1]
    return max(rev, int(last["rev"]) + (is_open(last) != opens))


def line_of(one: _Alert) -> bytes:
    """Return an alert that was read from a line as a line."""
    return dumps(one | {"record": orjson.Fragment(dumps(one["record"]).strip())})
