"""What is shown where nothing is."""

from __future__ import annotations

from fastapi import Request
from nicegui import Client, ui

from txpipe.dashboard.board import Board
from txpipe.dashboard.page.frame import frame
from txpipe.dashboard.page.pulse import Pulse
from txpipe.dashboard.page.tags import Tag


def add(board: Board, pulse: Pulse) -> None:
    """Add the page for every path that is none."""

    @ui.page("/{_rest:path}")
    def missing(client: Client, request: Request, _rest: str) -> None:
        client.status_code = 404
        with frame(board, pulse, request, "Nothing here"):
            nothing("This page does not exist.")


def nothing(words: str) -> None:
    """Say that there is nothing, and where to go."""
    with Tag("section", "", "card"):
        Tag("h1", "Nothing here")
        Tag("p", words)
        Tag("a", "All alerts", href="/")
