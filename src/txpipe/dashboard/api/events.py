"""The live feed as server-sent events: curl and every browser read them, and come back without a loss.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

import orjson
from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse

from txpipe.dashboard.api import answers
from txpipe.dashboard.board import Board
from txpipe.dashboard.guard import asking
from txpipe.dashboard.live import GAP
from txpipe.dashboard.writer import Event

router = APIRouter(prefix="/api/v1", tags=["live"])

_RETRY_MS = 500
_BATCH = 500

_Number = Annotated[str | None, Query(pattern="^[0-9]{1,18}$", description="begin behind this event")]


@router.get(
    "/events", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}}
)
async def events(
    request: Request,
    after: _Number = None,
    skip: Annotated[bool, Query(description="rather the newest than all")] = False,  # noqa: FBT002 - a parameter
    last_event_id: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    """Stream events: ``alert``, ``retraction`` (with ids), ``triage``, ``health`` and ``gap`` (without).

    ``health`` is a heartbeat as it came, and beside it ``clock`` (``live`` or ``replay``) and ``block_time``
    (Unix seconds of the last block, null before the first): a source of a replay is behind nobody's clock.
    It begins with what comes next; behind ``Last-Event-ID``, which browsers send when they come back, or
    ``after``. ``after=0`` begins with the oldest alert in the store. ``gap`` says what was forgotten before.
    With ``skip`` a reader who is too slow is told with ``gap`` what it misses and goes on with the newest.
    """
    asked = last_event_id if last_event_id and last_event_id.isdecimal() else after
    stream = _stream(request, answers.board(request), int(asked[:18]) if asked else None, skip)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


async def _stream(request: Request, board: Board, after: int | None, skip: bool) -> AsyncIterator[bytes]:  # noqa: FBT001
    store = board.store
    yield b"retry: %d\n\n" % _RETRY_MS
    if after is not None and (gap := await asyncio.to_thread(store.forgotten, after)):
        yield written([Event(0, GAP, orjson.dumps(gap))])
    async for batch in store.live.batches(after, _BATCH, skips=skip):
        if asking(board.access, request.headers) is None:  # the session has ended
            return
        signals = [event for event in batch if not event.seq]
        alerts = batch[len(signals) :]
        yield written(signals) if signals else b"" if alerts else b":\n\n"
        if alerts:
            yield store.live.written(written, alerts)


def written(events: list[Event]) -> bytes:
    """Return events as they go over the wire."""
    return b"".join(map(_written, events))


def _written(event: Event) -> bytes:
    head = b"id: %d\n" % event.seq if event.seq else b""
    line = event.line
    if b"\r" in line or b"\n" in line:  # white space in JSON, the end of a field here
        line = line.replace(b"\r", b" ").replace(b"\n", b" ")
    return b"%bevent: %b\ndata: %b\n\n" % (head, event.kind.encode(), line)
