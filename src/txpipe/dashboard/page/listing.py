"""The first page: what is on fire."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import Request
from nicegui import Client, ui

from txpipe.alerts.facts import chain
from txpipe.dashboard.board import Board
from txpipe.dashboard.page.feed import Feed, first
from txpipe.dashboard.page.frame import frame
from txpipe.dashboard.page.pulse import Pulse
from txpipe.dashboard.page.table import table
from txpipe.dashboard.page.tags import Tag
from txpipe.dashboard.page.wanted import STATUSES, TRIAGE, wanted
from txpipe.fields import SEVERITIES

MARKS = {"critical": "◆", "high": "▲", "medium": "■", "low": "●", "info": "○"}
"""A shape for each severity; the browser's part has the same."""
_MOST_CHOICES = 100


def add(board: Board, pulse: Pulse) -> None:
    """Add the page."""

    @ui.page("/")
    async def listing(client: Client, request: Request) -> None:
        asked = wanted(request.url.query)
        feed = Feed(client, board, asked)
        found = await first(board, asked)
        counts = await asyncio.to_thread(board.store.counts)
        with frame(board, pulse, request, "Alerts", feed):
            Tag("h1", "Alerts", "unseen")
            _filters(counts)
            table(feed, found)

        async def changed(event: Any) -> None:
            if isinstance(event.args, str):
                feed.choose(wanted(event.args))
                await feed.renew()

        ui.on("filter", changed)


def _filters(counts: dict[str, dict[str, int]]) -> None:
    with Tag("form", "", "filters", id="filters", aria_label="Filters"):
        with Tag("fieldset", "", "chips"):
            Tag("legend", "Severity", "unseen")
            for severity in reversed(SEVERITIES):
                with Tag("label", "", f"chip sev-{severity}"):
                    Tag("input", type="checkbox", name="severity", value=severity)
                    Tag("span", f"{MARKS[severity]} {severity}")
        _choice("rule", "Rule", {each: each for each in counts["rule"]})
        _choice("chain", "Chain", {each: chain(each) for each in counts["chain"]})
        _choice("triage", "Triage", {each: each.replace("_", " ") for each in TRIAGE})
        _choice("status", "Status", {each: each for each in STATUSES})
        Tag("a", "", "about hidden", id="about", href="/")
        Tag("button", "Clear", "switch", type="button", id="clear")


def _choice(name: str, label: str, values: dict[str, str]) -> None:
    with Tag("label", "", "choice"):
        Tag("span", label, "unseen")
        with Tag("select", "", name=name, aria_label=label):
            Tag("option", f"any {label.lower()}", value="")
            for value in sorted(values)[:_MOST_CHOICES]:
                Tag("option", values[value], value=value)
