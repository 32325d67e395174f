"""Signs of life of txdetect: heartbeats while it reads, however silent its input, and what it passes on."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from txpipe.clock import Clock
from txpipe.errors import RecordFault
from txpipe.record import check, dumps, loads
from txpipe.sink import Sink

CHAINS = 64
"""Chains that have a heartbeat; a stream that names more loses the one that was silent longest."""

LOOKED_AT = 256
"""Lines at the end of a read that are searched for block records: a block of txtail's ends with one. Looking
at all lines would cost some per cent of a long run's time."""

_NEWEST = 2**53
_SIGN = b'"parent"'
"""A key that only block records have."""


@dataclass(slots=True)
class _Chain:
    """What is known of a chain.

    Attributes:
        came: monotonic seconds at which its last record, or good word from upstream, was seen.
        block: height of the last one.
        time: Unix seconds of that; None if unknown.
        said: status that upstream gave last; records of blocks make it ok.
    """

    came: float
    block: int | None = None
    time: int | None = None
    said: str = "ok"


class Pulse:
    """Writes a heartbeat for each chain seen, every so many seconds, and passes upstream's and reorgs on."""

    def __init__(self, every_s: float, stall_s: float, sink: Sink, clock: Clock) -> None:
        """Take how often, and where to.

        Args:
            every_s: seconds between heartbeats.
            stall_s: seconds without a record of a chain's blocks that make it stalled; 0 is never.
            sink: takes lines; alerts leave through it, too.
            clock: tells time.
        """
        self._every_s = every_s
        self._stall_s = stall_s
        self._sink = sink
        self._clock = clock
        self._next = clock.now() + every_s
        self._chains: OrderedDict[str, _Chain] = OrderedDict()
        self._latest: dict[str, Any] | None = None
        self._passed: dict[bytes, tuple[str, str]] = {}
        self._beats = 0

    def idle(self, records: int, bad: int, seconds: float = math.inf) -> bool:
        """Write out what there is; then wait until there is input, with a heartbeat whenever it is time.

        Args:
            records: lines taken so far, all chains' and upstream's heartbeats.
            bad: lines among the input that were not taken.
            seconds: how long to wait at most.

        Returns:
            Whether there is input.
        """
        end = self._clock.now() + seconds
        if self._latest is not None:
            self._note(self._latest)
            self._latest = None
        self._passed.clear()
        self._sink.flush()
        while (left := self._next - (now := self._clock.now())) <= 0 or not self._clock.ready(
            max(0.0, min(left, end - now))
        ):
            if left <= 0:
                self._beat(records - self._beats, bad)
                self._sink.flush()
                self._next = self._clock.now() + self._every_s
            elif self._clock.now() >= end:
                return False
        return True

    def hear(self, record: dict[str, Any], line: bytes) -> None:
        """Look at a record that was parsed, in its order; pass it on if it is a heartbeat.

        Args:
            record: checked.
            line: what it was read from.
        """
        kind = record["type"]
        if kind == "heartbeat":
            if self._latest is not None:
                self._note(self._latest)
                self._latest = None
            self.pass_on(line)
            self._beats += 1
            self._passed[line] = (record["chain"], record["status"])
            self._heed(record)
        elif kind == "block":
            self._note(record)
        else:
            self._latest = record

    def look(self, lines: Sequence[bytes]) -> None:
        """Look at the end of the lines of a read, most of which nobody parsed as a whole.

        Args:
            lines: all of them, or the last LOOKED_AT; one or more.
        """
        self._latest = None
        passed = self._passed
        tail = lines[-LOOKED_AT:]
        signs = [line for line in tail[:-1] if _SIGN in line or (passed and line in passed)]
        for line in (*signs, tail[-1]):
            if line in passed:
                chain, status = passed[line]
                self._chain(chain).said = status
                continue
            try:
                self._note(check(loads(line)))
            except RecordFault:  # said elsewhere, if it matters
                continue
        passed.clear()

    def pass_on(self, line: bytes) -> None:
        """Write a line as it came."""
        self._sink.write(line + b"\n")

    def _note(self, record: dict[str, Any]) -> None:
        """Note a record of a block: its chain is alive."""
        block = record.get("block")
        if record["type"] not in _OF_BLOCKS or block is None:
            return
        found = self._chain(record["chain"])
        found.came, found.said = self._clock.now(), "ok"
        found.block, found.time = block, record["time"]

    def _heed(self, beat: dict[str, Any]) -> None:
        """Note what upstream says of a chain."""
        found = self._chain(beat["chain"])
        found.said = beat["status"]
        if found.said == "ok":
            found.came = self._clock.now()
        if found.block is None:
            found.block = beat["block"]
        lag_s = beat["lag_s"]
        if found.time is None and 0 < lag_s < _NEWEST:
            found.time = beat["time"] - int(lag_s)

    def _chain(self, name: str) -> _Chain:
        found = self._chains.get(name)
        if found is None:
            if len(self._chains) >= CHAINS:
                self._chains.popitem(last=False)
            found = self._chains[name] = _Chain(self._clock.now())
        self._chains.move_to_end(name)
        return found

    def _beat(self, records: int, bad: int) -> None:
        now = int(self._clock.unix())
        for name in sorted(self._chains):
            one = self._chains[name]
            self._sink.write(
                dumps({
                    "type": "heartbeat",
                    "chain": name,
                    "time": now,
                    "status": self._status(one),
                    "block": one.block,
                    "lag_s": 0 if one.time is None else max(0, now - max(0, one.time)),
                    "records": records,
                    "bad": bad,
                    "source": "txdetect",
                })
            )  # fmt: skip

    def _status(self, one: _Chain) -> str:
        """Upstream's word holds until records come; a silence that it said nothing of is a stall."""
        if one.said != "ok" or not self._stall_s:
            return one.said
        return "stalled" if self._clock.now() - one.came >= self._stall_s else "ok"


_OF_BLOCKS = frozenset({"transfer", "call", "approval", "block"})
