"""Socket.IO connections of those who have not said who they are: few, and not for long.

A client says who it is only once it is connected. Until then it costs memory, and anybody may ask.
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qs

import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

_MOST = 400
"""Connections at all; a client that polls has one, too, while no request of it is there."""
_PATIENCE_S = 10.0
_LOOK_S = 1.0


class Strangers:
    """Socket.IO's application behind two bounds."""

    def __init__(self, server: Any, app: ASGIApp) -> None:
        """Stand before ``app``, which is ``server``'s."""
        self._server = server
        self._app = app
        self._since: dict[str, float] = {}
        self._looking: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or refuse a new connection where there are too many."""
        if "sid" not in parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=100):
            if len(self._server.eio.sockets) >= _MOST:
                await _refuse(scope, receive, send)
                return
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._look())
        await self._app(scope, receive, send)

    async def _look(self) -> None:
        """Let go of those who have been strangers for too long, while there are connections."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_LOOK_S)
            sockets = self._server.eio.sockets
            known = self._server.manager.sid_from_eio_sid
            strangers = [each for each in sockets if known(each, "/") is None]
            self._since = {each: self._since.get(each, loop.time()) for each in strangers}
            for each, since in self._since.items():
                if loop.time() - since > _PATIENCE_S:
                    await end(self._server, each)
            if not sockets:
                return


async def end(server: Any, connection: str) -> None:
    """Close a connection, not only its namespace: from that alone the stock client does not come back."""
    found = server.eio.sockets.get(connection)
    if found is None:
        return
    if found.upgraded:
        await found.queue.put(None)  # ends what writes to the WebSocket, which then is closed
    else:
        await found.close(wait=False)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1013})
        return
    body = orjson.dumps({"error": "too many connections; try again later"})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": body})
