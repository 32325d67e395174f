"""One browser's share of the live feed: batches at its own pace, and nothing queued for it.

The next batch goes when the browser has drawn the last one. A browser that falls far behind is given the
newest alerts anew instead of all that it missed; they are a filter away.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Protocol

import orjson
from nicegui import Client

from txpipe.dashboard.board import Board
from txpipe.dashboard.live import Live
from txpipe.dashboard.page.cells import Row, row, stored_row
from txpipe.dashboard.page.pulse import Pulse
from txpipe.dashboard.page.wanted import passes
from txpipe.dashboard.query import Filter, Page
from txpipe.dashboard.store import ALERT, RETRACTION, TRIAGE, Event
from txpipe.errors import SinkFailed

WAIT_S = 0.1
_BATCH = 500
_FAR_BEHIND = 5_000
FIRST = 200
"""Alerts that a page begins with."""
_ANSWER_S = 20.0
_LEAVE_S = 2.0
_LOOK_S = 2.0
"""Seconds to look for what is rare among millions, before a page shows what was found so far."""
_AGAIN_S = 2.0
_MOST_LOOKED_UP = 50


class Task(Protocol):
    """Something that goes on while a browser looks."""

    async def run(self) -> None:
        """Go on until cancelled."""


class Life:
    """Runs tasks while a client lives: from its first connection until it is gone for good."""

    def __init__(self, client: Client, *tasks: Task) -> None:
        """Tie tasks to a client; a connection that comes back finds them still there."""
        self._client = client
        self._tasks = tasks
        self._running: list[asyncio.Task[None]] = []
        client.on_connect(self._begin)
        client.on_delete(self._end)

    def _begin(self) -> None:
        if not self._running and not self._client.is_deleted:
            self._running = [asyncio.create_task(_guarded(each), name="txdash-page") for each in self._tasks]

    def _end(self) -> None:
        for each in self._running:
            each.cancel()


async def _guarded(task: Task) -> None:
    """Run a task again when the store was away, or when a browser did not answer in time."""
    while True:
        try:
            await task.run()
        except (SinkFailed, TimeoutError):
            await asyncio.sleep(_AGAIN_S)
        else:
            return


class Heart:
    """Tells a browser once a second how it is, and sends it away when its session has ended."""

    def __init__(self, client: Client, pulse: Pulse, may_look: Callable[[], bool]) -> None:
        self._client = client
        self._pulse = pulse
        self._may_look = may_look

    async def run(self) -> None:
        """Go on until the client is gone."""
        while not self._client.is_deleted:
            if not self._may_look():
                with contextlib.suppress(TimeoutError):  # whether it goes or not
                    await asyncio.wait_for(call(self._client, "leave", {}), _LEAVE_S)
                self._client.delete()
                return
            await call(self._client, "pulse", await self._pulse.now())
            await asyncio.sleep(1.0)


class Feed:
    """Tells a browser of alerts that pass its filter.

    Attributes:
        wanted: the filter.
    """

    def __init__(self, client: Client, board: Board, wanted: Filter) -> None:
        """Prepare, before what the page shows is read: it tells of what comes from now on.

        Args:
            client: the browser's.
            board: has the store.
            wanted: which alerts.
        """
        self.wanted = wanted
        self._client = client
        self._board = board
        self._owes = False
        self._unanswered = 0
        self._seq, self._heard = place(board.store.live)

    def choose(self, wanted: Filter) -> None:
        """Show other alerts from now on."""
        self.wanted = wanted

    async def run(self) -> None:
        """Go on until the client is gone; from the batch on that was not told when it ended last.

        A batch told twice changes nothing, and the table holds it while it stands still; one that gets no
        answer twice is not told again.
        """
        live = self._board.store.live
        while not self._client.is_deleted:
            if self._owes or self._unanswered > 1 or self._is_far_behind():
                await self.renew()
            heard = self._heard
            async for batch in live.batches(self._seq, _BATCH, WAIT_S, heard=heard):
                if live.last - self._seq > _FAR_BEHIND:
                    break
                wanted = self.wanted
                if (news := await self._news(batch)) and wanted is self.wanted:
                    self._unanswered += 1
                    await call(self._client, "feed", news)
                    self._unanswered = 0
                self._seq = max((each.seq for each in batch), default=0) or self._seq
                self._heard = heard = heard + sum(not each.seq for each in batch)

    def _is_far_behind(self) -> bool:
        """Say whether too much was not told, or signals that memory does not hold any more."""
        live = self._board.store.live
        number, kept = live.signals_after(self._heard)
        return live.last - self._seq > _FAR_BEHIND or number - self._heard > len(kept)

    async def renew(self) -> None:
        """Give the browser the newest alerts in place of what it has."""
        self._owes = True
        self._seq, self._heard = place(self._board.store.live)
        found = await first(self._board, self.wanted)
        await call(self._client, "renew", {"rows": [*map(stored_row, found.alerts)], "next": found.next})
        self._owes, self._unanswered = False, 0

    async def older(self, before: int) -> None:
        """Give the browser what came before an alert."""
        found = await asyncio.to_thread(self._board.store.page, self.wanted, before, FIRST, _LOOK_S)
        await call(self._client, "older", {"rows": [*map(stored_row, found.alerts)], "next": found.next})

    async def _news(self, batch: list[Event]) -> dict[str, Any]:
        rows: dict[str, Row] = {}
        triage = []
        known = await asyncio.to_thread(self._known, batch)
        for event in batch:
            if event.kind == TRIAGE:
                said = orjson.loads(event.line)
                triage.append(said["id"])
            elif event.kind in {ALERT, RETRACTION}:
                alert = orjson.loads(event.line)
                state, by, received = known.get(alert["id"], (None, "", self._board.now()))
                state = "open" if state is None and not alert["rev"] else state
                if passes(self.wanted, alert, state):
                    rows[alert["id"]] = row(alert, received, state, by)
        marks = await asyncio.to_thread(self._marks, triage) if triage else []
        return {"rows": [*rows.values()], "marks": marks} if rows or marks else {}

    def _known(self, batch: list[Event]) -> dict[str, tuple[str, str, float]]:
        """Return what people said of alerts that are revised, for those that there is time for."""
        ids: dict[str, None] = {}
        for event in batch:
            if event.kind in {ALERT, RETRACTION} and b'"rev":0' not in event.line:
                ids[orjson.loads(event.line)["id"]] = None
        found = {}
        for each in list(ids)[:_MOST_LOOKED_UP]:
            if detail := self._board.store.alert(each):
                stored = detail.stored
                found[each] = stored.triage, stored.triaged_by, stored.received
        return found

    def _marks(self, ids: list[str]) -> list[dict[str, Any]]:
        """Return what counts of alerts that somebody said something of, and whether they are still wanted."""
        marks = []
        for each in dict.fromkeys(ids[-_MOST_LOOKED_UP:]):
            if detail := self._board.store.alert(each):
                stored = detail.stored
                keep = passes(self.wanted, stored.alert, stored.triage)
                marks.append({"row": stored_row(stored), "keep": keep})
        return marks


def place(live: Live) -> tuple[int, int]:
    """Return where the live feed is: the numbers of its newest event and of its newest signal."""
    return live.last, live.signals_after(-1)[0]


async def first(board: Board, wanted: Filter) -> Page:
    """Return the alerts that a page begins with."""
    return await asyncio.to_thread(board.store.page, wanted, None, FIRST, _LOOK_S)


async def call(client: Client, name: str, what: dict[str, Any]) -> None:
    """Have the browser's part do something, and wait until it has.

    Args:
        client: the browser's.
        name: one of the functions of ``static/page.js``.
        what: its argument; JSON, in which nothing can end the call or begin another.

    Raises:
        TimeoutError: it did not answer.
    """
    if not client.is_deleted:
        await client.run_javascript(f"txdash.{name}({orjson.dumps(what).decode()})", timeout=_ANSWER_S)
