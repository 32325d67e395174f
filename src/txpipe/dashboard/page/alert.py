"""The page of an alert: what, why, the way of the money, what people say of it."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from fastapi import Request
from nicegui import Client, ui

from txpipe.alerts.facts import chain, matches, movement, text, utc
from txpipe.dashboard.board import Board
from txpipe.dashboard.page.drawing import draw
from txpipe.dashboard.page.feed import WAIT_S, place
from txpipe.dashboard.page.frame import frame
from txpipe.dashboard.page.listing import MARKS
from txpipe.dashboard.page.missing import nothing
from txpipe.dashboard.page.money import money
from txpipe.dashboard.page.pulse import Pulse
from txpipe.dashboard.page.reasons import reasons
from txpipe.dashboard.page.tags import Tag, address, incident_path, raw, transaction, when
from txpipe.dashboard.page.verdicts import Verdicts
from txpipe.dashboard.store import Detail, Store

_MOST_BESIDES = 12
_MOST_JSON = 200_000


def add(board: Board, pulse: Pulse) -> None:
    """Add the page."""

    @ui.page("/alerts/{alert_id}")
    async def alert(client: Client, request: Request, alert_id: str) -> None:
        store = board.store
        view = _View(board, request, alert_id)
        watch = Watch(client, store, alert_id, view.redraw)
        detail = await asyncio.to_thread(store.alert, alert_id)
        if detail is None:
            client.status_code = 404
            with frame(board, pulse, request, "No such alert"):
                nothing("No alert has this id; retention may have taken it.")
            return
        with frame(board, pulse, request, detail.stored.alert["title"], watch):
            view.build()
            await view.show(detail)


class Watch:
    """Waits for news of one alert."""

    def __init__(
        self, client: Client, store: Store, alert_id: str, told: Callable[[], Awaitable[None]]
    ) -> None:
        """Prepare, before the alert is read; ``told`` is called after each news from now on."""
        self._client = client
        self._store = store
        self._sought = alert_id.encode()
        self._place = place(store.live)
        self._told = told
        self._owes = False

    async def run(self) -> None:
        """Go on until the client is gone; where it ended before, the alert is told as it is by now."""
        live = self._store.live
        if self._owes:
            self._place = place(live)
            await self._told()
        self._owes = True
        seq, heard = self._place
        async for batch in live.batches(seq, wait_s=WAIT_S, heard=heard):
            if self._client.is_deleted:
                return
            if any(self._sought in each.line for each in batch):
                await self._told()


class _View:
    """What is shown of an alert, and anew when something changes; but for a note that is being typed."""

    def __init__(self, board: Board, request: Request, alert_id: str) -> None:
        self._board = board
        self._id = alert_id
        self._verdicts = Verdicts(board, request, alert_id, self.redraw)

    def build(self) -> None:
        """Make the places that are filled."""
        with Tag("div", "", "stack"):
            self._top = Tag("div")
            with Tag("div", "", "two"):
                self._left = Tag("div", "", "stack")
                with Tag("div", "", "stack"):
                    self._verdicts.build()
                    self._right = Tag("div", "", "stack")

    async def redraw(self) -> None:
        detail = await asyncio.to_thread(self._board.store.alert, self._id)
        if detail is not None and not self._top.is_deleted:
            await self.show(detail)

    async def show(self, detail: Detail) -> None:
        why = await asyncio.to_thread(reasons, detail.stored.alert)
        besides = await asyncio.to_thread(_besides, self._board.store, detail)
        now = self._board.now()
        for each in (self._top, self._left, self._right):
            each.clear()
        with self._top:
            _head(detail, now)
        with self._left:
            _flow(detail.stored.alert)
            _lists(detail.stored.alert)
            _why(why)
            _json(detail)
        self._verdicts.draw(detail)
        with self._right:
            _incident(detail.stored.alert, besides, now)
            _history(detail, now)


def _besides(store: Store, detail: Detail) -> list[dict[str, Any]]:
    incident = detail.stored.alert.get("incident")
    if not incident:
        return []
    found = store.incident(incident, limit=_MOST_BESIDES + 1).alerts
    return [{"at": each.received, **each.alert} for each in found if each.num != detail.stored.num]


def _head(detail: Detail, now: float) -> None:
    alert, record = detail.stored.alert, detail.stored.alert["record"]
    gone = alert["status"] == "retracted"
    with Tag("section", "", f"card{' struck' * gone}"):
        with Tag("div", "", "headline"):
            severity = alert["severity"]
            Tag("span", f"{MARKS[severity]} {severity}", f"badge sev-{severity}")
            Tag("span", f"score {alert['score']}", "faint")
            Tag("span", f"{alert['rule']} · {alert['category']} · {chain(alert['chain'])}", "faint")
            if gone:
                Tag("b", f"⊘ retracted{_because(alert)}", "sev-high")
            if alert.get("shadow") is True:
                Tag("span", "rule on trial", "faint")
        Tag("h1", alert["title"])
        with Tag("dl", "", "facts"):
            _fact(alert["role"].capitalize(), lambda: address(alert["subject"], alert["chain"]))
            _fact("Moved", lambda: Tag("span", movement(record)))
            for key in ("from", "to"):
                if party := text(record.get(key)):
                    _fact(key.capitalize(), functools.partial(address, party, alert["chain"]))
            _fact("Transaction", lambda: transaction(alert["tx"], alert["chain"]))
            _fact("Block", lambda: Tag("span", f"{_block(alert)}, {utc(alert['time']) or alert['time']} UTC"))
            _fact("Arrived", lambda: when(detail.stored.received, now))


def _because(alert: dict[str, Any]) -> str:
    reason = text(alert["evidence"].get("retracted") or alert["evidence"].get("reason"))
    return f": {reason}" if reason else ": no longer true on the chain or the lists"


def _block(alert: dict[str, Any]) -> str:
    return "pending" if alert["block"] is None else str(alert["block"])


def _fact(name: str, value: Callable[[], object]) -> None:
    Tag("dt", name)
    with Tag("dd"):
        value()


def _flow(alert: dict[str, Any]) -> None:
    found = money(alert)
    if found.payments:
        with Tag("section", "", "card", aria_label="The way of the money"):
            Tag("h2", "The way of the money")
            draw(found, alert["subject"], alert["chain"])


def _lists(alert: dict[str, Any]) -> None:
    entries = matches(alert)
    for key in ("origin", "match"):
        if isinstance(one := alert["evidence"].get(key), dict):
            entries.append(one)
    if entries:
        with Tag("section", "", "card", aria_label="List entries"):
            Tag("h2", "On these lists")
            list_table(entries)


def list_table(entries: list[dict[str, Any]]) -> None:
    """Make a table of list entries, with where each comes from."""
    with (
        Tag("div", "", "scroll", tabindex="0", role="group", aria_label="List entries"),
        Tag("table", "", "list"),
    ):
        with Tag("thead"), Tag("tr"):
            for head in ("List", "Of", "Category", "Label", "Listed", "Delisted", "Source"):
                Tag("th", head, scope="col")
        with Tag("tbody"):
            for each in entries[:50]:
                with Tag("tr"):
                    for key in ("list", "list_date", "category", "label", "listed", "delisted"):
                        Tag("td", text(each.get(key)))
                    with Tag("td"):
                        _source(text(each.get("source")))


def _source(source: str) -> None:
    if source.startswith(("https://", "http://")):
        Tag("a", source, href=source, target="_blank", rel="noopener noreferrer")
    else:
        Tag("span", source)


def _why(sections: list[tuple[str, str]]) -> None:
    if sections:
        with Tag("section", "", "card stack", aria_label="Why"):
            for head, body in sections:
                with Tag("div"):
                    Tag("h2", head)
                    raw("pre", body)


def _incident(alert: dict[str, Any], besides: list[dict[str, Any]], now: float) -> None:
    if not alert.get("incident"):
        return
    with Tag("section", "", "card", aria_label="Incident"):
        Tag("h2", "Incident")
        if not besides:
            Tag("p", "No other alert belongs to it.", "faint")
        with Tag("ol", "", "log"):
            for each in besides[:_MOST_BESIDES]:
                with Tag("li"):
                    Tag("span", f"{MARKS[each['severity']]} {each['severity']} ", f"sev-{each['severity']}")
                    Tag(
                        "a",
                        each["title"],
                        "undone" if each["status"] == "retracted" else "",
                        href=f"/alerts/{each['id']}",
                    )
                    Tag("span", " ")
                    when(each["at"], now)
        if besides:
            Tag("a", "All of this incident", href=incident_path(alert["incident"]))


def _history(detail: Detail, now: float) -> None:
    if len(detail.revisions) < 2:
        return
    with Tag("section", "", "card", aria_label="Revisions"):
        Tag("h2", "Revisions")
        with Tag("ol", "", "log"):
            for each in reversed(detail.revisions[-20:]):
                held = orjson.loads(each.line)
                with Tag("li"):
                    Tag("span", f"rev {each.rev}: {held['status']}, {held['severity']}, {_block(held)} ")
                    when(each.received, now)


def _json(detail: Detail) -> None:
    try:
        shown = orjson.dumps(detail.stored.alert, option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONEncodeError:  # nested deeper than it writes
        shown = detail.stored.line.decode()
    shown = shown[:_MOST_JSON]
    with Tag("section", "", "card", aria_label="JSON"), Tag("details"):
        Tag("summary", "The alert as JSON")
        with Tag("p"):
            Tag("button", "copy", "copy", type="button", data_copy_from="json", aria_label="Copy the JSON")
            Tag("a", " from the API", href=f"/api/v1/alerts/{detail.stored.alert['id']}")
        raw("pre", shown, "raw mono").props('id=json tabindex="0"')
