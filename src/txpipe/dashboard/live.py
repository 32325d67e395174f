"""The live feed: what the store has taken, in order, for any number of readers at any pace.

A reader has a place in the order and asks for what comes after it. Nothing is queued for a reader: a slow one
falls behind, reads what memory does not hold any more from the store, and catches up. So neither memory nor
the pipe depends on who reads, and a reader that comes back with its last place has lost nothing.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import orjson

from txpipe.dashboard.writer import Event

_KEPT = 20_000
"""Events that stay in memory."""
_KEPT_BYTES = 32 << 20
_SIGNALS_KEPT = 1_000
"""Events without a number (health, triage) that stay; a reader who misses one asks for the state itself."""

_WRITTEN_KEPT = 16
_WRITTEN_BYTES = 1 << 20
"""Bytes of a batch beyond which it is not kept as it was written."""

GAP = "gap"
"""The kind of event that says what a reader has missed."""

Older = Callable[[int, int], list[Event]]
"""Reads (events after a number, at most so many) from the store."""


class Live:
    """The feed. Events come from any thread; readers live in one asyncio loop.

    Attributes:
        last: number of the newest event.
    """

    def __init__(self, older: Older, last: int = 0) -> None:
        """Begin a feed.

        Args:
            older: gets from the store what is no longer kept here.
            last: number of the newest event in the store.
        """
        self._older = older
        self._lock = threading.Lock()
        self._events: deque[Event] = deque()
        self._bytes = 0
        self._floor = last  # everything after this is in _events
        self.last = last
        self._signals: deque[tuple[int, Event]] = deque(maxlen=_SIGNALS_KEPT)
        self._signalled = 0
        self._waiting: dict[asyncio.AbstractEventLoop, set[asyncio.Event]] = {}
        self._written: OrderedDict[tuple[Any, int, int, int], Any] = OrderedDict()

    def publish(self, events: Sequence[Event], last: int = 0) -> None:
        """Take events that the store has; those with a number in the order of their numbers.

        Args:
            events: in order.
            last: number of the newest event in the store, with those that did not come by here: another
                process has stored them, or a transaction whose end was not heard of. Readers find them there.
        """
        if not events and last <= self.last:
            return
        with self._lock:
            for event in events:
                if not event.seq:
                    self._signalled += 1
                    self._signals.append((self._signalled, event))
                    continue
                if event.seq != self.last + 1:
                    self._pass_over(event.seq - 1)
                self._events.append(event)
                self._bytes += len(event.line)
                self.last = event.seq
            if last > self.last:
                self._pass_over(last)
            while len(self._events) > _KEPT or (self._bytes > _KEPT_BYTES and len(self._events) > 1):
                gone = self._events.popleft()
                self._bytes -= len(gone.line)
                self._floor = gone.seq
            loops = [loop for loop, waiting in self._waiting.items() if waiting]
        for loop in loops:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._wake, loop)

    def _pass_over(self, last: int) -> None:
        """Begin anew behind a number: not all before it is at hand."""
        self._events.clear()
        self._bytes = 0
        self._floor = self.last = last

    def after(self, seq: int, limit: int) -> list[Event]:
        """Return the events that follow a number, at most so many; empty if there are none yet.

        Raises:
            StoreFailed: they are in the store only, and that does not answer.
        """
        held = self._held(seq, limit)
        return self._older(seq, limit) if held is None else held

    def _held(self, seq: int, limit: int) -> list[Event] | None:
        """Return the events that follow a number, out of memory; None if it does not have them all."""
        with self._lock:
            if seq < self._floor:
                return None
            skipped = 0
            if self._events and seq >= self._events[0].seq:
                skipped = min(seq - self._events[0].seq + 1, len(self._events))
                while skipped and self._events[skipped - 1].seq > seq:  # numbers may have gaps
                    skipped -= 1
            # Not islice, which walks there from the oldest: nearly all readers are near the newest.
            return [self._events[at] for at in range(skipped, min(skipped + limit, len(self._events)))]

    def written(self, write: Callable[[list[Event]], Any], batch: list[Event]) -> Any:
        """Return a batch as it goes over some wire, written once for all readers at this place.

        Args:
            write: makes of events, all with numbers, what is sent; bytes, text or a list of them.
            batch: events with numbers, as ``batches`` yields them.
        """
        key = (write, batch[0].seq, batch[-1].seq, len(batch))
        with self._lock:
            if key in self._written:
                return self._written[key]
        made = write(batch)
        if sum(len(event.line) for event in batch) <= _WRITTEN_BYTES:
            with self._lock:
                self._written[key] = made
                while len(self._written) > _WRITTEN_KEPT:
                    self._written.popitem(last=False)
        return made

    def signals_after(self, number: int) -> tuple[int, list[Event]]:
        """Return the last signal's number and the signals that came after one; -1 stands for the last."""
        with self._lock:
            if number < 0:
                return self._signalled, []
            return self._signalled, [event for each, event in self._signals if each > number]

    async def batches(
        self,
        seq: int | None = None,
        limit: int = 200,
        wait_s: float = 0.0,
        *,
        skips: bool = False,
        heard: int = -1,
    ) -> AsyncIterator[list[Event]]:
        """Yield events as they come, several at once where they come fast; for ever.

        Args:
            seq: begin behind this number; None to begin with what comes next.
            limit: events of a batch that have a number.
            wait_s: gather for so long after each batch: a page at 1,000 alerts a second wants ten batches,
                not a thousand.
            skips: once it has caught up, a reader who falls behind further than memory goes is told by
                ``gap`` what it misses, between ``after`` and ``first``, and goes on with the newest.
            heard: begin behind this signal, as ``signals_after`` numbers them; -1 for those that come next.

        Yields:
            Batches, events without a number first; an empty one after 15 seconds of nothing, so that a reader
            can say it is alive.
        """
        at = self.last if seq is None else min(max(seq, 0), self.last)
        heard = self.signals_after(-1)[0] if heard < 0 else heard
        is_there = False
        while True:
            with self._listening() as news:
                last = self.last  # at first, for more may be published at any moment
                heard, batch = self.signals_after(heard)
                events = self._held(at, limit) if at < last else []
                if events is None and skips and is_there:
                    gap = orjson.dumps({"after": at, "first": last + 1})
                    at = last
                    yield [*batch, Event(0, GAP, gap)]
                    continue
                is_there = is_there or events is not None
                if events is None:
                    events = await asyncio.to_thread(self.after, at, limit)
                at = events[-1].seq if events else last  # retention may have taken what was between
                batch += events
                if not batch:
                    if not await _has_come(news):
                        yield []
                    continue
            yield batch
            if wait_s:
                await asyncio.sleep(wait_s)

    def _listening(self) -> _Listening:
        return _Listening(self._waiting, self._lock)

    def _wake(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            waiting = list(self._waiting.get(loop, ()))
        for news in waiting:
            news.set()


_QUIET_S = 15.0


async def _has_come(news: asyncio.Event) -> bool:
    """Wait for news; return whether there was any before it was quiet for long."""
    try:
        await asyncio.wait_for(news.wait(), _QUIET_S)
    except TimeoutError:
        return False
    return True


class _Listening:
    """One reader that wants to be woken, inside ``with``."""

    def __init__(
        self, waiting: dict[asyncio.AbstractEventLoop, set[asyncio.Event]], lock: threading.Lock
    ) -> None:
        self._waiting = waiting
        self._lock = lock
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()

    def __enter__(self) -> asyncio.Event:
        with self._lock:
            self._waiting.setdefault(self._loop, set()).add(self._news)
        return self._news

    def __exit__(self, *_: object) -> None:
        with self._lock:
            waiting = self._waiting.get(self._loop, set())
            waiting.discard(self._news)
            if not waiting:
                self._waiting.pop(self._loop, None)
