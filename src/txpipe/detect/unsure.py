"""Alerts of a run that was killed, which the saved state does not know: said again, or taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import orjson

from txpipe.record import dumps

_Alert = dict[str, Any]


class Unsure:
    """What the reader was told last of alerts of which the state says otherwise."""

    def __init__(self) -> None:
        self._of: dict[str, dict[str, _Alert]] = {}
        self._new: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._of)

    def begin(self, told: Iterable[_Alert], is_open: Callable[[str], bool], *, is_new: bool) -> None:
        """Take what was told since the state was saved.

        Args:
            told: alerts in the order in which they were written.
            is_open: whether an alert's id was said by the state, and not taken back.
            is_new: there is no state: an input that begins later tells nothing of earlier blocks.
        """
        last = {one["id"]: one for one in told if one["block"] is not None}
        for name, one in last.items():
            if (one["status"] != "retracted") != is_open(name):
                self._of.setdefault(one["chain"], {})[name] = one
        self._new = set(self._of) if is_new else set()

    def lines(self) -> Iterator[bytes]:
        """Yield what is unsure still."""
        for several in self._of.values():
            yield from map(_line, several.values())

    def heard(self, chain: str, name: str) -> _Alert | None:
        """Note that something is said about an alert; returns what was told last of it, if that is unsure."""
        several = self._of.get(chain, {})
        found = several.pop(name, None)
        if found is not None and not several:
            del self._of[chain]
        return found

    def passed(self, chain: str, height: int) -> Iterator[_Alert]:
        """Yield, once each, what was told last of alerts of blocks below a height: it is not so.

        Args:
            chain: of the record that was taken.
            height: all blocks below it are over.
        """
        several = self._of.get(chain)
        if several is None:
            return
        is_new = chain in self._new
        self._new.discard(chain)
        for name in [name for name, one in several.items() if one["block"] < height]:
            one = self.heard(chain, name)
            if one is not None and not is_new:
                yield one


def turned(told: _Alert, rev: int) -> bytes:
    """Return the next revision of an alert, which says the contrary."""
    return _line(told | {"status": "open" if told["status"] == "retracted" else "retracted", "rev": rev})


def _line(one: _Alert) -> bytes:
    return dumps(one | {"record": orjson.Fragment(dumps(one["record"]).strip())})
