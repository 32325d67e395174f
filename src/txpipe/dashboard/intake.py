"""Frames from the pipe into the store: lines, records, batches; told back once they are stored."""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from txpipe.dashboard import frames
from txpipe.dashboard.database import StoreFailed
from txpipe.dashboard.retention import Limits
from txpipe.dashboard.store import Store
from txpipe.dashboard.writer import Arrival, arrival
from txpipe.errors import RecordFault
from txpipe.record import check, loads
from txpipe.stream import BOM, MAX_LINE, BadLines

MOST_LINE = MAX_LINE + (64 << 10)
"""Bytes of an alert: it holds a record, which may be as long as a line, and what was found in it."""
_BATCH = 4_000
"""Alerts of one transaction, at most."""
_BATCH_BYTES = 8 << 20
_GATHER_S = 0.02
"""Seconds between two transactions, at least: an alert that comes alone waits for none."""
_LONGEST_S = 0.25
"""Seconds for which a transaction gathers while the input does not pause, once the one before it is done."""
_PRUNE_EVERY_S = 30.0
_AGAIN_S = 1.0
_MOST_KINDS = 50
_KIND_CHARS = 40

_HEAD = b'{"type":"'
_COUNTED = tuple(_HEAD + kind + b'"' for kind in (b"transfer", b"call", b"approval", b"block", b"label"))
"""Beginnings of lines that are only counted, as txpipe's commands write them."""


class Lines:
    """Lines out of consecutive bytes, with the offset at which each ends."""

    def __init__(self, at: int) -> None:
        self.at = at
        self._held = b""
        self._size = 0
        self._cut = False

    def cut(self, data: bytes) -> Iterator[tuple[bytes | None, int]]:
        """Yield (line without its newline, offset behind it); None for one too long or cut by a gap."""
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            whole = self._size + end - start
            line = None if self._cut or whole > MOST_LINE else self._held + data[start:end]
            self._held, self._size, self._cut = b"", 0, False
            start = end + 1
            yield line, self.at + start
        self._size += len(data) - start
        if self._size <= MOST_LINE:
            self._held += data[start:]
        else:
            self._held = b""
        self.at += len(data)

    def gap(self, size: int) -> None:
        """Leave bytes out: the lines at both of its ends are none."""
        self._held, self._size, self._cut = b"", 0, True
        self.at += size

    def rest(self) -> Iterator[tuple[bytes | None, int]]:
        """Yield a last line without a newline."""
        if self._size:
            line = None if self._cut or self._size > MOST_LINE else self._held
            self._held, self._size, self._cut = b"", 0, False
            yield line, self.at


@dataclass(slots=True)
class _Batch:
    """What goes into the store at once.

    Attributes:
        items: alerts and heartbeats.
        severities: of the alerts, for the counters.
        lines: how many there were of any type.
        size: bytes of the items.
        end: offset in the input up to which it is all stored, once this is.
        told: what is said then.
    """

    items: list[Arrival] = field(default_factory=list)
    severities: list[str] = field(default_factory=list)
    lines: int = 0
    size: int = 0
    end: int = 0
    told: dict[str, Any] = field(default_factory=dict)


class Intake:
    """Takes the input in and stores it: one thread reads on while another waits for the database.

    Attributes:
        counts: lines by type of record.
    """

    def __init__(
        self, store: Store, limits: Limits, tell: Callable[[dict[str, Any]], None], at: int, line: int
    ) -> None:
        """Begin.

        Args:
            store: takes the alerts.
            limits: what the store may hold.
            tell: takes what the command is to know.
            at: offset of the first byte to come.
            line: number of the last line before that.
        """
        self._store = store
        self._limits = limits
        self._tell = tell
        self._line = line
        self._lines = Lines(at)
        self._batch = _Batch(end=at)
        self._bad = BadLines(lambda message: tell({"say": message}), fate="passed on, not stored")
        self._prune_at = 0.0
        self._handed = time.monotonic()
        self._due: queue.Queue[_Batch | bool | BaseException] = queue.Queue(1)
        self.counts: Counter[str] = Counter()

    def run(self, source: frames.Frames) -> bool:
        """Take frames until the input ends; return whether it did, or the pipe broke off."""
        reading = threading.Thread(target=self._read_all, args=(source,), name="txdash-reader", daemon=True)
        reading.start()
        wait_s = 0.0
        while True:
            try:
                found = self._due.get(timeout=wait_s)
            except queue.Empty:
                wait_s = self._idle()
                continue
            if isinstance(found, BaseException):
                raise found
            if isinstance(found, bool):
                return found
            self._keep(found)
            wait_s = self._idle()
            self._due.task_done()

    def _read_all(self, source: frames.Frames) -> None:
        """Read frames to the end; what comes out of it goes to the thread that stores."""
        try:
            self._due.put(self._read_frames(source))
        except BaseException as exc:  # noqa: BLE001 - raised by the other thread
            self._due.put(exc)

    def _read_frames(self, source: frames.Frames) -> bool:
        for kind, payload in source:
            if kind == frames.DATA:
                self._take(self._lines.cut(payload))
            elif kind == frames.GAP:
                self._hand()
                self._lines.gap(orjson.loads(payload)["size"])
                self._batch.end = self._lines.at
            elif kind in {frames.OVER, frames.END}:
                self._take(self._lines.rest())
                self._batch.end = self._lines.at
                self._hand()
                if kind == frames.END:
                    return True
            self._hand_if_due(source)
        self._hand()
        return False

    def _take(self, lines: Iterator[tuple[bytes | None, int]]) -> None:
        for line, end in lines:
            self._line += 1
            batch = self._batch
            batch.lines += 1
            batch.end = end
            self._read(line, batch)
            if len(batch.items) >= _BATCH or batch.size >= _BATCH_BYTES:
                self._hand()

    def _read(self, line: bytes | None, batch: _Batch) -> None:
        if line is None:
            self._bad.report("<stdin>", self._line, f"line over the limit of {MOST_LINE:,} bytes, or cut")
            return
        if self._line == 1:
            line = line.removeprefix(BOM)
        if line.startswith(_COUNTED):
            self.counts[line[len(_HEAD) : line.index(b'"', len(_HEAD))].decode()] += 1
            return
        line = line.rstrip(b"\r")
        if not line or line.isspace():
            return
        try:
            record = check(loads(line))
        except RecordFault as exc:
            self._bad.report("<stdin>", self._line, str(exc))
            return
        kind = record["type"]
        shown = kind[:_KIND_CHARS]  # every answer to the command has the counts
        self.counts[shown if shown in self.counts or len(self.counts) < _MOST_KINDS else "other"] += 1
        if (found := arrival(line, record)) is not None:
            batch.items.append(found)
            batch.size += len(line)
        if kind == "alert":
            batch.severities.append("retracted" if record["status"] == "retracted" else record["severity"])

    def _hand_if_due(self, source: frames.Frames) -> None:
        """Give what has come to the thread that stores, if the input pauses, or does not for long.

        What comes while that thread has something to do is one batch.
        """
        waited = time.monotonic() - self._handed
        if waited > _LONGEST_S and not self._due.unfinished_tasks:
            self._hand()
            return
        wait_s = max(_GATHER_S - waited, 0)
        while not source.ready(wait_s):
            if not self._due.unfinished_tasks:
                self._hand()
                return
            wait_s = _GATHER_S

    def _hand(self) -> None:
        """Give what has come to the thread that stores; wait while that has one more beside what it does."""
        batch = self._batch
        self._batch = _Batch(end=batch.end)
        batch.told = {
            "ack": batch.end,
            "line": self._line,
            "bad": self._bad.count,
            "counts": dict(self.counts),
        }
        self._due.put(batch)
        self._handed = time.monotonic()

    def _keep(self, batch: _Batch) -> None:
        """Store a batch, however often it takes, and say so."""
        said = False
        while batch.items:
            try:
                self._store.take(batch.items)
                break
            except StoreFailed as exc:
                if not said:
                    self._tell({"say": f"{exc}; nothing is stored until that is mended, the pipe goes on"})
                said = True
                time.sleep(_AGAIN_S)
        if said:
            self._tell({"say": "the store takes alerts again"})
        self._store.rates.add(batch.severities, batch.lines)
        batch.told["counts"] |= {"stored": self._store.stored, "repeated": self._store.repeated}
        self._tell(batch.told)

    def _idle(self) -> float:
        """Take a share of what is too old or too much out of the store, now and then.

        What is taken out takes half of the time at most: what comes in goes on.

        Returns:
            Seconds after which there is more to do.
        """
        began = time.monotonic()
        if began >= self._prune_at:
            rest = _PRUNE_EVERY_S
            try:
                if self._store.prune(self._limits) or self._store.shrink():
                    rest = time.monotonic() - began
            except StoreFailed as exc:
                self._tell({"say": f"{exc}; old alerts stay until that is mended"})
            self._prune_at = time.monotonic() + rest
        return max(self._prune_at - time.monotonic(), 0.0)
