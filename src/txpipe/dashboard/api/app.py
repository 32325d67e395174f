"""The whole application: API, sockets and, where it is there, the page, behind the guard."""

from __future__ import annotations

import importlib.util

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import PlainTextResponse, Response
from starlette.exceptions import HTTPException

import txpipe
from txpipe.dashboard.api import alerts, answers, events, screening, shapes, sockets, state
from txpipe.dashboard.board import Board
from txpipe.dashboard.guard import Guard
from txpipe.errors import ListFault, SinkFailed

PAGE = "txpipe.dashboard.page"
_ABOUT = "txdash: the API is at /api/v1, its description at /api/v1/openapi.json\n"


def build(board: Board) -> Guard:
    """Return the application that serves a board."""
    app = FastAPI(
        title="txdash",
        version=txpipe.__version__,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # their pages load code from elsewhere
        redoc_url=None,
        responses={"4XX": {"model": shapes.Problem}, "503": {"model": shapes.Problem}},
    )
    app.state.board = board
    for each in (alerts, screening, state, events):
        app.include_router(each.router)
    app.add_exception_handler(HTTPException, _refusal)
    app.add_exception_handler(RequestValidationError, _nonsense)
    app.add_exception_handler(SinkFailed, _failure)
    app.add_exception_handler(ListFault, _failure)
    if board.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=sorted(board.origins),
            allow_methods=["GET", "POST"],
            allow_headers=["authorization", "content-type", "last-event-id"],
        )
    if importlib.util.find_spec(PAGE) is None:
        app.add_api_route("/", _about, include_in_schema=False)
    else:
        importlib.import_module(PAGE).mount(app, board)
    return Guard(app, sockets.sockets(board), board)


async def _refusal(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    headers = dict(error.headers) if error.headers else None
    return answers.json({"error": error.detail}, error.status_code, headers)


async def _nonsense(_request: Request, error: Exception) -> Response:
    """Say which value of a request makes no sense, and why."""
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return answers.json({"error": f"{where}: {first['msg']}"}, 422)


async def _failure(_request: Request, error: Exception) -> Response:
    """A store that is away, or a list that is damaged: no fault of who asks, and said."""
    return answers.json({"error": str(error)}, 503)


def _about() -> Response:
    return PlainTextResponse(_ABOUT)
