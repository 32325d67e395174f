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
from txpipe.dashboard.page.feed import Feed, first
from txpipe.dashboard.page.frame import frame
from txpipe.dashboard.page.listing import MARKS
from txpipe.dashboard.page.pulse import Pulse
from txpipe.dashboard.page.table import table
from txpipe.dashboard.page.tags import Tag, copy_button, explorer
from txpipe.dashboard.query import Filter, Page
from txpipe.errors import ListFault
from txpipe.fields import SEVERITIES

_EXPOSURE = "exposure"
_MOST_CHAINS = 5


def add(board: Board, pulse: Pulse) -> None:
    """Add the page."""

    @ui.page("/address/{address}")
    async def subject(client: Client, request: Request, address: str) -> None:
        address = address.strip()[:256]
        asked = Filter(address=address)
        feed = Feed(client, board, asked, board.store.live.last)
        found = await first(board, asked)
        about = replace(asked, rules=[_EXPOSURE], subject=address)
        exposure = await asyncio.to_thread(board.store.page, about, None, 100)
        screened = await asyncio.to_thread(_screened, board, address)
        with frame(board, pulse, request, address[:20], feed):
            _head(address, screened, sorted({each.alert["chain"] for each in found.alerts}))
            _exposed(exposure)
            with Tag("section", "", "stack", aria_label="Alerts"):
                Tag("h2", _counted(found))
                table(feed, found)


def _screened(board: Board, address: str) -> dict[str, Any]:
    try:
        return board.screen(address)
    except ListFault as exc:
        return {"verdict": "unchecked", "reason": str(exc), "entries": [], "allowed": []}


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


def _exposed(found: Page) -> None:
    """Say how much of what it got came from listed wallets, as far as alerts tell."""
    with Tag("section", "", "card", aria_label="Exposure"):
        Tag("h2", "Exposure")
        told = [each.alert for each in found.alerts if each.alert["status"] != "retracted"]
        if not told:
            Tag("p", "No alert tells of funds that came to it from a listed wallet over others.", "faint")
        for alert in told[:10]:
            severity = alert["severity"]
            with Tag("p"):
                Tag("span", f"{MARKS[severity]} {severity} ", f"sev-{severity}")
                Tag("a", alert["title"], href=f"/alerts/{alert['id']}")


def _counted(found: Page) -> str:
    counts = dict.fromkeys(reversed(SEVERITIES), 0)
    for one in found.alerts:
        counts[one.alert["severity"]] += one.alert["status"] != "retracted"
    said = ", ".join(f"{count} {severity}" for severity, count in counts.items() if count)
    more = " of the newest" if found.next else ""
    return f"Its alerts: {said}{more}" if said else "No alerts"
