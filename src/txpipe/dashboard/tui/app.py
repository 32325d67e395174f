"""The application: the store on a terminal, and keys that filter and triage."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar, Literal

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.events import Key, Resize
from textual.widgets import Static

from txpipe.dashboard.store import Filter, Store
from txpipe.dashboard.triage import NOTE, NOTE_CHARS
from txpipe.dashboard.tui import head, stopping
from txpipe.dashboard.tui.judge import Judge
from txpipe.dashboard.tui.keys import BINDINGS, STYLE
from txpipe.dashboard.tui.outside import Outside, Place
from txpipe.dashboard.tui.pages import Page, Prompt, Question, help_text, hints
from txpipe.dashboard.tui.row import FIRST, MOST, Reader
from txpipe.dashboard.tui.story import chosen_text, read_story
from txpipe.dashboard.tui.table import AlertTable
from txpipe.errors import TxpipeError
from txpipe.fields import SEVERITIES
from txpipe.visible import clipped, printable

End = Literal["quit", "interrupt", "over"]
"""How a person leaves: with q, or with Ctrl-C; or that nothing is left to do, whoever still looks."""

_REFRESH_S = 0.5
_TICK_S = 0.25
_TOLD_TICKS = 40
"""Ticks for which a message stays."""
_HEAD_TICKS = 4
_REPAINT_TICKS = 8
_LINES = ("health", "counters", "state", "heading", "chosen", "keys")
_LEAST = ("", *SEVERITIES[1:])


class DashApp(App[End]):
    """The screen.

    Attributes:
        table: the alerts, whatever page is above them.
    """

    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = "AlertTable"
    CSS = STYLE
    BINDINGS: ClassVar[list[BindingType]] = [*BINDINGS]

    def __init__(self, store: Store, outside: Outside, now: Callable[[], float], place: Place) -> None:
        """Prepare.

        Args:
            store: what is shown.
            outside: what goes on around it.
            now: Unix seconds.
            place: where it runs.
        """
        super().__init__(ansi_color=True if os.environ.get("NO_COLOR") is not None else None)
        self.table = AlertTable(now)
        self._lines = {name: Static(id=name, markup=False) for name in _LINES}
        self._store = store
        self._reader = Reader(store)
        self._outside = outside
        self._now = now
        self._place = place
        self._judge = Judge(store, place.who)
        self._wanted = Filter()
        self._state = head.State(url=place.url)
        self._most = FIRST
        self._held_at: int | None = None
        self._told = 0
        self._ticks = 0
        self._reading = asyncio.Lock()

    def compose(self) -> ComposeResult:
        """Put lines above and below the table."""
        lines = self._lines
        yield from (lines["health"], lines["counters"], lines["state"], lines["heading"])
        yield self.table
        yield from (lines["chosen"], lines["keys"])

    def on_mount(self) -> None:
        """Begin to follow the store."""
        if not self.is_headless:
            stopping.heed(self)
        self.set_interval(_TICK_S, self._tick)
        self.run_worker(self._follow(), exclusive=False)

    def on_resize(self, event: Resize) -> None:
        """Fit the keys to the terminal."""
        self._line("keys", hints(event.size.width))

    def on_alert_table_resized(self) -> None:
        """Put the names of the columns above them."""
        self._line("heading", self.table.heading())

    def _line(self, name: str, text: Text) -> None:
        self._lines[name].update(text)

    async def _follow(self) -> None:
        """Read anew whenever the store has something new, at most twice a second."""
        seq = self._store.live.last  # what comes while it reads is read again, not missed
        await self._read()
        async for batch in self._store.live.batches(seq, wait_s=_REFRESH_S):
            if batch:
                await self._read()

    async def _read(self, *, next_one: bool = False) -> None:
        """Show what the store has; while the table is held, only that there is more."""
        async with self._reading:
            if self._held_at is None:
                try:
                    rows = await asyncio.to_thread(self._reader.read, self._wanted, self._most + 1)
                except TxpipeError as exc:
                    self._tell(f"{exc}; what is shown may be old")
                    return
                self._state = replace(self._state, more=len(rows) > self._most)
                self.table.show(rows[: self._most], next_one=next_one)
            await self._read_page()
            await self._read_head()

    async def _read_page(self) -> None:
        """Show the alert that is open as it is now."""
        page = self._page
        text = await self._story(page.alert) if page and page.alert else None
        if page and text is not None and page.is_attached and page.is_mounted:  # it may have been left
            page.show(text)

    @property
    def _page(self) -> Page | None:
        """The page above the table, whatever is above that."""
        return next((each for each in self.screen_stack if isinstance(each, Page)), None)

    async def _read_head(self) -> None:
        width = self.size.width
        try:
            sources = await asyncio.to_thread(self._store.health)
            counts = await asyncio.to_thread(self._store.counts)
        except TxpipeError as exc:
            self._tell(f"{exc}; what is shown may be old")
            return
        self._line("health", head.health(sources, self._now(), over=self._outside.over, width=width))
        self._line("counters", head.counters(counts))
        self._show_state()

    def _show_state(self) -> None:
        newer = None if self._held_at is None else self._store.live.last - self._held_at
        above = self.table.scroll_offset.y if self.table.selected else 0
        self._state = replace(
            self._state, shown=len(self.table.rows), newer=newer, over=self._outside.over, above=above
        )
        self._line("state", head.state(self._state, self._store.rates.seconds(60), self.size.width))
        chosen, found = self._lines["chosen"], self.table.row
        chosen.set_class(found is None, "none")
        if found is not None:
            chosen.update(chosen_text(found))
        if self._page and self._page.is_mounted:
            self._page.say(self._state.note)

    async def _tick(self) -> None:
        """Let ages grow, and hear what goes on outside."""
        if self._outside.done:
            self.exit("over")
            return
        if self._outside.over and isinstance(self.screen, Question):
            self.screen.dismiss(True)  # nothing goes on any more that leaving would end
        if self._outside.said:
            self._tell(self._outside.said)
            self._outside.said = ""
        self._told += 1
        if self._told > _TOLD_TICKS and self._state.note:
            self._state = replace(self._state, note="")
        self._ticks += 1
        if self._ticks % _REPAINT_TICKS == 0:  # other commands of the pipeline write to the terminal, too
            self.screen.refresh(layout=True)
        if self._ticks % _HEAD_TICKS == 0:
            await self._read_head()
            self.table.refresh()
        else:
            self._show_state()

    def _tell(self, message: str) -> None:
        self._state = replace(self._state, note=clipped(printable(message), 200))
        self._told = 0
        self._show_state()

    def on_alert_table_selected(self) -> None:
        """Show more of the selected alert."""
        self._show_state()

    async def on_alert_table_bottom(self) -> None:
        """Read more where there is more."""
        if self._state.more and self._most < MOST and self._held_at is None:
            self._most = min(self._most + FIRST, MOST)
            await self._read()

    async def on_alert_table_opened(self) -> None:
        """Show all about the selected alert."""
        if self.table.selected is not None:
            text = await self._story(self.table.selected)
            if text is not None:
                await self.push_screen(Page(text, self.table.selected))

    async def _story(self, alert_id: str) -> Text | None:
        try:
            return await asyncio.to_thread(read_story, self._store, alert_id, self._now())
        except TxpipeError as exc:
            self._tell(str(exc))
            return None

    def on_key(self, event: Key) -> None:
        """Give a line what no widget took: over a slow link keys come in bundles, before it had the focus."""
        if isinstance(self.screen, Prompt):
            self.screen.take(event)

    def action_interrupt(self) -> None:
        """Leave as with Ctrl-C."""
        self.exit("interrupt")

    def action_stop(self) -> None:
        """Stop as with Ctrl-Z."""
        stopping.stop(self)

    def action_leave(self) -> None:
        """Leave, after a question where somebody behind the pipe still waits for more."""
        if self._place.pipes and not self._outside.over:
            ask = "The input goes on, and who reads it ends with this. q: end it  Esc: stay"
            self.push_screen(Question(ask), lambda yes: self.exit("quit") if yes else None)
        else:
            self.exit("quit")

    def action_keys(self) -> None:
        """Show what the keys do."""
        self.push_screen(Page(help_text()))

    def action_search(self) -> None:
        """Search for words."""
        self.push_screen(Prompt("search: words, an address, a hash", self._wanted.text), self._searched)

    async def _searched(self, text: str | None) -> None:
        if text is not None:
            await self._want(replace(self._wanted, text=text.strip()))

    async def action_least(self) -> None:
        """Show alerts from the next severity on only, and after the last all."""
        least = _LEAST[(_LEAST.index(self._state.least) + 1) % len(_LEAST)]
        self._state = replace(self._state, least=least)
        wanted = SEVERITIES[SEVERITIES.index(least) :] if least else ()
        await self._want(replace(self._wanted, severities=wanted))

    async def action_only_open(self) -> None:
        """Leave out what was triaged, or not."""
        await self._want(replace(self._wanted, triage=() if self._wanted.triage else ("open",)))

    async def _want(self, wanted: Filter) -> None:
        self._wanted, self._most, self._held_at = wanted, FIRST, None
        self._state = replace(self._state, text=wanted.text, only_open=bool(wanted.triage))
        self.table.action_release()
        await self._read()

    async def action_hold(self) -> None:
        """Hold the table still, or let it go."""
        self._held_at = self._store.live.last if self._held_at is None else None
        await self._read()

    def _target(self) -> str | None:
        """Return the alert that a key is about, if there is one and this person may."""
        found = self.screen.alert if isinstance(self.screen, Page) else self.table.selected
        if self._place.read_only:
            self._tell("--read-only: nobody may triage")
        elif found is None:
            self._tell("no alert is selected: Up and Down select one")
        else:
            return found
        return None

    async def action_say(self, action: str) -> None:
        """Say of the alert what to make of it."""
        if (alert_id := self._target()) is not None:
            await self._judged(self._judge.say, alert_id, action)

    def action_note(self) -> None:
        """Ask for a note on the alert."""
        if (alert_id := self._target()) is None:
            return

        async def noted(text: str | None) -> None:
            if text and text.strip():
                await self._judged(self._judge.say, alert_id, NOTE, text)

        self.push_screen(Prompt("note", most=NOTE_CHARS), noted)

    async def action_undo(self) -> None:
        """Take back what was said last of the alert."""
        if (alert_id := self._target()) is not None:
            await self._judged(self._judge.undo, alert_id)

    async def _judged(self, judge: Callable[..., str], *said: str) -> None:
        try:
            self._tell(await asyncio.to_thread(judge, *said))
        except TxpipeError as exc:
            self._tell(str(exc))
            return
        await self._read(next_one=True)
