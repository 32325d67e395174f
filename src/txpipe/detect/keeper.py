"""Keeps a detector's state in a file: at block boundaries, never ahead of what was written out."""

from __future__ import annotations

from collections.abc import Callable
from pickle import UnpicklingError
from typing import Any

from txpipe.detect.account import LAYOUT
from txpipe.detect.engine import Engine
from txpipe.detect.position import Place, Position
from txpipe.detect.state import REMEDY, StateFile
from txpipe.detect.told import Told
from txpipe.errors import StateFault

_UNFIT = (ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError)
"""What state of another version raises where it is put back."""

SHARE_OF_TIME = 10
"""A save that took a second is followed by none for ten: state of millions of accounts takes its time."""


class Keeper:
    """Saves a detector's state now and then, and at the end.

    Attributes:
        unlock: lets others use the file before the process ends.
    """

    unlock: Callable[[], None]

    def __init__(
        self,
        file: StateFile,
        engine: Engine,
        every_s: float,
        flush: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        """Take what to save and where.

        Args:
            file: where state is kept.
            engine: whose state.
            every_s: seconds between saves, at least.
            flush: writes out what was found; called before every save.
            clock: monotonic seconds.
        """
        self._file = file
        self._engine = engine
        self._every_s = every_s
        self._flush = flush
        self._clock = clock
        self._next = clock() + every_s
        self._saved: dict[str, Place] = {}
        self._told = Told(file.path)

    def begin(self, fingerprint: dict[str, Any]) -> str | None:
        """Restore the state if there is some; returns what a user should know of it.

        Args:
            fingerprint: which rules and lists run; JSON data. Others than before go on with what there is.

        Raises:
            StateFault: the file cannot be believed.
        """
        self._fingerprint = fingerprint
        self._engine.position = Position()
        self._file.probe()
        self.unlock = self._file.lock()
        loaded = self._file.load()
        told = self._told.load()
        if loaded is None:
            self._engine.resume(told, is_new=True)
            return None
        header, parts = loaded
        if not isinstance(header, dict) or header.get("layout") != LAYOUT:
            raise StateFault(self._file.path, f"is of another version of txdetect; {REMEDY}")
        try:
            self._engine.restore(parts)
            position = self._engine.position = Position(header["position"])
            self._saved = dict(position.places)
            self._engine.resume(told, is_new=False)
        except (*_UNFIT, UnpicklingError) as exc:
            raise StateFault(self._file.path, f"is of another version of txdetect; {REMEDY}") from exc
        at = ", ".join(f"{chain} block {place[0]:,}" for chain, place in position.places.items())
        changed = sorted(key for key in fingerprint if header["fingerprint"].get(key) != fingerprint[key])
        return f"goes on from {self._file.path} ({at or 'its start'})" + (
            f"; {' and '.join(changed)} changed since" if changed else ""
        )

    def note(self, alert: bytes) -> None:
        """Note an alert that is about to be written out, so that a kill before the next save is no harm."""
        self._told.add(alert)

    def offer(self) -> None:
        """Save if it is time to; call it where a block has ended."""
        if self._clock() >= self._next and not self._engine.waiting:
            self.save()

    def rest(self, wait: Callable[[float], bool]) -> None:
        """Save what the last block changed as soon as it is time to, unless more input comes before.

        Else a state would be as old as the block before the last that came, however long ago that was.

        Args:
            wait: waits so many seconds for input; True as soon as there is some.
        """
        position = self._engine.position
        if position is None or not self._engine.block_ended or self._engine.waiting:
            return
        while position.places != self._saved:
            left = self._next - self._clock()
            if left <= 0:
                self.save()
            elif wait(left):
                return

    def save(self) -> None:
        """Write out what was found, then save."""
        began = self._clock()
        self._flush()
        position = self._engine.position
        header = {
            "position": position.to_say() if position else {},
            "fingerprint": self._fingerprint,
            "layout": LAYOUT,
        }
        self._file.save(header, self._engine.parts())
        self._told.keep(self._engine.unsure())
        self._saved = {} if position is None else dict(position.places)
        ended = self._clock()
        self._next = ended + max(self._every_s, SHARE_OF_TIME * (ended - began))
