"""The page of an address: what the lists say, how exposed it is, its alerts."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from fastapi import Request
from nicegui import Client, ui

from txpipe.dashboard.board import Board
from txpipe.dashboard.page.alert import list_table
from txpipe.dashboard.page.explorers import address_link
from txpipe.dashboard.page.exposure import exposure
from txpipe.dashboard.page.feed import Feed, first
from txpipe.dashboard.page.frame import frame
from txpipe.dashboard.page.pulse import Pulse
from txpipe.dashboard.page.table import table
from txpipe.dashboard.page.tags import Tag, copy_button, explorer
from txpipe.dashboard.query import Filter, Page
from txpipe.errors import ListFault
from txpipe.fields import SEVERITIES

_EXPOSURE = "exposure"
_MOST_CHAINS = 5
_MOST_LISTS = 20


def add(board: Board, pulse: Pulse) -> None:
    """Add the page."""

    @ui.page("/address/{address}")
    async def subject(client: Client, request: Request, address: str) -> None:
        address = address.strip()[:256]
        asked = Filter(address=address)
        feed = Feed(client, board, asked)
        found = await first(board, asked)
        about = replace(asked, rules=[_EXPOSURE], subject=address)
        exposed = await asyncio.to_thread(board.store.page, about, None, 100)
        screened = await asyncio.to_thread(_screened, board, address)
        with frame(board, pulse, request, address[:20], feed):
            _head(address, screened, sorted({each.alert["chain"] for each in found.alerts}))
            exposure(screened["exposure"], exposed)
            with Tag("section", "", "stack", aria_label="Alerts"):
                Tag("h2", _counted(found))
                table(feed, found)


def _screened(board: Board, address: str) -> dict[str, Any]:
    try:
        return board.screen(address)
    except ListFault as exc:
        nothing = {"verdict": "unchecked", "reason": str(exc), "entries": [], "allowed": [], "checked": []}
        return nothing | {"exposure": board.state.exposure(address)}


def _head(address: str, screened: dict[str, Any], chains: list[str]) -> None:
    with Tag("section", "", "card", aria_label="Verdict"):
        with Tag("span", "", "id"):
            Tag("h1", address, "mono")
            copy_button(address, "address")
            for chain in chains[:_MOST_CHAINS]:
                explorer(address_link(chain, address))
        verdict = screened["verdict"]
        words = {
            "listed": "◆ listed",
            "not listed": "○ not on the lists that are loaded",
            "unchecked": "? unchecked: no list that is loaded holds such addresses",
        }
        kind = {"listed": "listed", "not listed": "clean"}.get(verdict, "")
        Tag("p", words.get(verdict, verdict), f"verdict {kind}")
        if reason := screened.get("reason"):
            Tag("p", str(reason), "faint")
        if screened.get("allowed"):
            Tag("p", "An allow-list names it.", "faint")
        if screened["entries"]:
            list_table(screened["entries"])
        if screened["checked"]:
            names = [f"{each['list']} ({each['list_date']})" for each in screened["checked"][:_MOST_LISTS]]
            more = len(screened["checked"]) - len(names)
            Tag(
                "p",
                f"Looked into: {', '.join(names)}{f' and {more} more' if more else ''}",
                "faint",
                id="checked",
            )


def _counted(found: Page) -> str:
    counts = dict.fromkeys(reversed(SEVERITIES), 0)
    for one in found.alerts:
        counts[one.alert["severity"]] += one.alert["status"] != "retracted"
    said = ", ".join(f"{count} {severity}" for severity, count in counts.items() if count)
    more = " of the newest" if found.next else ""
    return f"Its alerts, as this page began: {said or 'none'}{more}"
