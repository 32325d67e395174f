"""The page: alerts as they come, one alert, one address, and what people make of them; NiceGUI on the app.

Everything it shows is text: elements have texts and attributes, never markup made of data. What comes in
goes to a browser in batches, the next one when it has drawn the last (``feed``). The browser's own part,
which is small, is ``static/page.js`` and what that imports.
"""

from __future__ import annotations

import logging

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import PlainTextResponse, Response
from nicegui import app as pages
from nicegui import core, ui
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp

from txpipe.dashboard.api.sockets import PlainPacket
from txpipe.dashboard.board import Board
from txpipe.dashboard.page import alert, listing, login, missing, subject
from txpipe.dashboard.page.frame import FILES, STATIC
from txpipe.dashboard.page.policy import Policy
from txpipe.dashboard.page.pulse import Pulse
from txpipe.errors import SinkFailed

_RECONNECT_S = 15.0
"""For so long a client's place is kept when its connection is gone; then its page loads again."""
_MESSAGES_KEPT = 50


def mount(app: FastAPI, board: Board) -> None:
    """Add the page to an application that the guard stands before.

    Args:
        app: has the API's routes already; the page gets all others.
        board: what is shown.
    """
    logging.getLogger("nicegui").setLevel(
        logging.ERROR
    )  # addresses that somebody asked for are in its warnings
    app.add_api_route("/api/{_rest:path}", _no_such_call, include_in_schema=False)
    login.add(app, board)
    pulse = Pulse(board)
    pages.add_static_files(FILES, STATIC)
    listing.add(board, pulse)
    alert.add(board, pulse)
    subject.add(board, pulse)
    missing.add(board, pulse)
    pages.add_middleware(Policy)
    pages.add_exception_handler(SinkFailed, _away)
    core.sio.packet_class = PlainPacket
    ui.run_with(
        app,
        title="txdash",
        favicon=(STATIC / "favicon.svg").read_text(encoding="utf-8").strip(),
        dark=None,
        language="en-US",
        reconnect_timeout=_RECONNECT_S,
        message_history_length=_MESSAGES_KEPT,
        binding_refresh_interval=None,
        gzip_middleware_factory=_gzip,
        tailwind=False,
        show_welcome_message=False,
    )


def _gzip(app: ASGIApp) -> GZipMiddleware:
    return GZipMiddleware(app, minimum_size=1000, compresslevel=3)


def _away(_request: Request, error: Exception) -> Response:
    """Say that the store does not answer; the page comes again by itself."""
    headers = {"cache-control": "no-store", "refresh": "5"}
    return PlainTextResponse(f"txdash: {error}\n", 503, headers)


def _no_such_call(_rest: str) -> None:
    raise HTTPException(404, "the API has nothing there; see /api/v1/openapi.json")
