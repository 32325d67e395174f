"""The live feed as Socket.IO events, for any front end with the stock client.

Each client has a place in the feed and a task that sends what follows at the client's pace: what waits in its
connection is bounded, and one that takes nothing for a minute is let go; it comes back with its place.
Packets are made once for all clients at the same place: python-socketio's ``emit`` makes them for each.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Callable
from typing import Any

import orjson
import socketio
from engineio.packet import MESSAGE, Packet
from socketio import packet
from starlette.types import ASGIApp

from txpipe.dashboard.access import Person
from txpipe.dashboard.api.strangers import Strangers, end
from txpipe.dashboard.board import Board
from txpipe.dashboard.guard import MOST_BODY, MOST_STREAMS, asking, known_host, known_origin
from txpipe.dashboard.live import GAP
from txpipe.dashboard.writer import Event
from txpipe.errors import SinkFailed

_BATCH = 200
_STUCK_S = 60.0
_SPACE = "/"


class _Json:
    """JSON as python-socketio wants it, by orjson.

    python-socketio keeps one for all servers of a process: the page's (NiceGUI), whose keys are numbers, too.
    """

    @staticmethod
    def dumps(value: Any, **_: Any) -> str:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()

    @staticmethod
    def loads(text: str | bytes, **_: Any) -> Any:
        return orjson.loads(text)


class PlainPacket(packet.Packet):
    """A packet as clients may send it; any other is a farewell.

    Attachments would be kept until all have come, as many as a client says; and events of these names would
    call what is called when somebody connects, with what the client says.
    """

    def decode(self, encoded_packet: Any) -> int:
        """Read a packet."""
        try:
            attachments = packet.Packet.decode(self, encoded_packet)
            good = not attachments and (self.packet_type != packet.EVENT or _is_event(self.data))
        except (ValueError, TypeError, IndexError, RecursionError):
            good = False
        if not good:
            self.packet_type, self.namespace, self.data = packet.DISCONNECT, None, None
        return 0


def _is_event(data: Any) -> bool:
    named = isinstance(data, list) and bool(data) and isinstance(data[0], str)
    return named and data[0] not in {"connect", "disconnect"}


def sockets(board: Board) -> ASGIApp:
    """Return the application behind ``/socket.io/``.

    Events: ``alert`` and ``retraction`` (the alert, its number), ``triage``, ``health`` and ``gap`` (the
    object). A client may connect with ``auth: {token, after, skip, batch}``: a token where one is asked for;
    the number of the last event that it has; whether it wants the newest rather than all, where it is too
    slow; and whether it wants several at once, as ``batch``: a list of [event, object, number or null].
    """

    def from_here(origin: str | None, environ: dict[str, Any]) -> bool:
        return origin is not None and known_origin(origin, environ.get("HTTP_HOST", ""), board.origins)

    server = socketio.AsyncServer(
        async_mode="asgi",
        cors_allowed_origins=from_here,
        json=_Json,
        serializer=PlainPacket,
        max_http_buffer_size=MOST_BODY,
        logger=False,
        engineio_logger=False,
    )
    clients: dict[str, asyncio.Task[None]] = {}

    async def connect(sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        auth = auth if isinstance(auth, dict) else {}
        if not known_host(environ.get("HTTP_HOST", ""), board.hosts):
            raise socketio.exceptions.ConnectionRefusedError("this name is not known here")
        if _person(environ, auth, board) is None:
            raise socketio.exceptions.ConnectionRefusedError("who are you? connect with auth: {token}")
        if len(clients) >= MOST_STREAMS:
            raise socketio.exceptions.ConnectionRefusedError("too many connections; try again later")
        may_look = functools.partial(_person, environ, auth, board)
        clients[sid] = asyncio.create_task(_serve(server, sid, board, auth, may_look))

    async def disconnect(sid: str, _reason: str = "") -> None:
        if task := clients.pop(sid, None):
            task.cancel()

    server.on("connect", connect)
    server.on("disconnect", disconnect)
    return Strangers(server, socketio.ASGIApp(server, socketio_path="socket.io"))


def _person(environ: dict[str, Any], auth: dict[str, Any], board: Board) -> Person | None:
    """Return who connects, as of now: by the request's headers, or by the connection's token."""
    token = auth.get("token")
    headers = {
        "authorization": environ.get("HTTP_AUTHORIZATION", ""),
        "cookie": environ.get("HTTP_COOKIE", ""),
    }
    known = asking(board.access, headers)
    return known or (board.access.by_token(token) if isinstance(token, str) else None)


def _place(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value < 2**62 else None


async def _serve(
    server: Any, sid: str, board: Board, auth: dict[str, Any], may_look: Callable[[], Person | None]
) -> None:
    """Send what follows a number until the client is gone, is stuck, or may not look any more."""
    connection = server.manager.eio_sid_from_sid(sid, _SPACE)
    live, after = board.store.live, _place(auth.get("after"))
    write = _batched if auth.get("batch") is True else _packets
    with contextlib.suppress(TimeoutError, SinkFailed):
        if after is not None and (gap := await asyncio.to_thread(board.store.forgotten, after)):
            await _send(server, connection, write([Event(0, GAP, orjson.dumps(gap))]))
        async for batch in live.batches(after, _BATCH, skips=auth.get("skip") is True):
            if may_look() is None:
                break
            signals = [event for event in batch if not event.seq]
            packets = write(signals) if signals else []
            if alerts := batch[len(signals) :]:
                packets = packets + live.written(write, alerts)
            await _send(server, connection, packets)
    await end(server, connection)


def _packets(events: list[Event]) -> list[Packet]:
    return [_packet([event.kind, *_data(event)]) for event in events]


def _batched(events: list[Event]) -> list[Packet]:
    told = [[event.kind, orjson.Fragment(event.line), event.seq or None] for event in events]
    return [_packet(["batch", told])]


def _data(event: Event) -> list[Any]:
    line = orjson.Fragment(event.line)
    return [line, event.seq] if event.seq else [line]


def _packet(event: list[Any]) -> Packet:
    # https://socket.io/docs/v4/socket-io-protocol/: 2 is an event, in the first namespace
    return Packet(MESSAGE, "2" + orjson.dumps(event).decode())


async def _send(server: Any, connection: str, packets: list[Packet]) -> None:
    """Send packets and wait until the connection has taken them.

    Raises:
        TimeoutError: it does not.
    """
    found = server.eio.sockets.get(connection)
    if found is not None:
        for each in packets:
            await found.send(each)
        await asyncio.wait_for(found.queue.join(), _STUCK_S)
