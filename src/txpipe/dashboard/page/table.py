"""The table of alerts, which is alive: AG Grid, fed in transactions; every cell is text."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from txpipe.dashboard.page.cells import stored_row
from txpipe.dashboard.page.feed import Feed
from txpipe.dashboard.page.tags import Tag
from txpipe.dashboard.query import Page


def table(feed: Feed, found: Page) -> None:
    """Make the table and what belongs to it.

    Args:
        feed: fills it further.
        found: what it begins with.
    """
    with Tag("div", "", "bar"):
        Tag("span", "", "shown", id="shown")
        Tag("button", "Pause", "switch", type="button", id="pause")
        Tag("button", "", "pill hidden", type="button", id="pill")
    options = _options([stored_row(each) for each in found.alerts])
    grid = ui.aggrid(options, theme="balham", auto_size_columns=False)
    grid.classes("grid").props('role="region" aria-label="Alerts, newest first"')
    more = Tag("button", "Older alerts", "switch older", type="button", id="older")
    if found.next is None:
        more.classes("hidden")
    else:
        more.props(f"data-next={found.next}")

    async def older(event: Any) -> None:
        if type(event.args) is int and 0 < event.args < 2**62:
            await feed.older(event.args)

    ui.on("older", older)


def _options(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "columnDefs": _columns(),
        "defaultColDef": {"sortable": True, "resizable": True, "suppressHeaderMenuButton": True},
        "rowData": rows,
        ":getRowId": "p => p.data.id",
        ":rowClassRules": "txdash.rowClasses",
        ":onGridReady": "txdash.ready",
        ":onBodyScroll": "txdash.scrolled",
        ":onCellKeyDown": "txdash.key",
        ":onRowDoubleClicked": "p => txdash.open(p.data.id)",
        "suppressCellFocus": False,
        "enableBrowserTooltips": True,
        "enableCellTextSelection": True,
        "ensureDomOrder": True,
        "suppressFieldDotNotation": True,
        "animateRows": False,
        "rowHeight": 30,
        "headerHeight": 30,
        "overlayNoRowsTemplate": "No alert yet that passes the filter.",
    }


def _columns() -> list[dict[str, Any]]:
    return [
        {"field": "sev", "headerName": "Severity", "width": 100} | _as("severity") | {"colId": "sev"},
        {"field": "title", "headerName": "What happened", "flex": 5, "minWidth": 220}
        | {":cellRenderer": "txdash.title", ":tooltipValueGetter": "p => p.data.title"},
        {"field": "rule", "headerName": "Rule", "width": 128},
        {"field": "what", "headerName": "Moved", "flex": 3, "minWidth": 236}
        | {":tooltipValueGetter": "p => p.data.what"},
        {
            "colId": "parties",
            "headerName": "From → to: ⚑ suspect, ✚ victim",
            "width": 344,
            "cellClass": "mono",
        }
        | {":cellRenderer": "txdash.parties.cell", ":valueGetter": "txdash.parties.text"}
        | {":tooltipValueGetter": "txdash.parties.title"},
        {"field": "chain", "headerName": "Chain", "width": 92},
        {"field": "at", "headerName": "Age", "width": 66} | _as("age"),
        {"field": "triage", "headerName": "State", "width": 126} | _as("state"),
    ]


def _as(kind: str) -> dict[str, Any]:
    """Return how a column is shown: text, classes and title by functions of the browser's part."""
    return {
        ":valueFormatter": f"txdash.{kind}.text",
        ":cellClass": f"txdash.{kind}.classes",
        ":tooltipValueGetter": f"txdash.{kind}.title",
        ":comparator": f"txdash.{kind}.compare",
    }
