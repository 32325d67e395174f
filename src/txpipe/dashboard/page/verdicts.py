"""What people say of an alert: buttons, a note, and the log with its way back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Request

from txpipe.dashboard.board import Board
from txpipe.dashboard.page.frame import who
from txpipe.dashboard.page.tags import Tag, when
from txpipe.dashboard.store import Detail
from txpipe.dashboard.triage import NOTE, NOTE_CHARS, UNDO, Entry, TriageFault
from txpipe.errors import SinkFailed
from txpipe.visible import clipped

STATE_WORDS = {
    "open": "open: nobody has looked at it yet",
    "acknowledged": "✓ acknowledged",
    "false_positive": "✗ false positive",
    "resolved": "✔ resolved",
}
_ACTS = (  # action, words, key, shown in these states
    ("acknowledge", "Acknowledge", "a", ("open",)),
    ("false_positive", "False positive", "f", ("open", "acknowledged", "resolved")),
    ("resolve", "Resolved", "r", ("open", "acknowledged", "false_positive")),
    ("reopen", "Reopen", "o", ("acknowledged", "false_positive", "resolved")),
)
_SAID = {
    "acknowledge": "acknowledged it",
    "false_positive": "called it a false positive",
    "resolve": "resolved it",
    "reopen": "opened it again",
    "note": "noted",
    "undo": "took back",
}
_PROBLEM = 300


class Verdicts:
    """The box beside an alert."""

    def __init__(
        self, board: Board, request: Request, alert_id: str, redraw: Callable[[], Awaitable[None]]
    ) -> None:
        """Prepare.

        Args:
            board: has the store.
            request: asked for the page, and says who.
            alert_id: the alert's.
            redraw: shows the alert as it is then.
        """
        self._board = board
        self._request = request
        self._id = alert_id
        self._redraw = redraw

    def build(self) -> None:
        """Make the box, and the places in it that are filled."""
        with Tag("section", "", "card", aria_label="Triage"):
            Tag("h2", "Triage")
            self._top, self._note, self._acts = Tag("div"), Tag("div"), Tag("div")
            self._problem = Tag("p", "", "said", role="alert")
            self._log = Tag("div")

    def draw(self, detail: Detail) -> None:
        """Fill the box; a note that is being typed stays, a problem goes."""
        state, refusal = detail.stored.triage, self._refusal()
        self._problem.text = ""
        for each in (self._top, self._acts, self._log):
            each.clear()
        with self._top:
            by = f" by {detail.stored.triaged_by}" if detail.stored.triaged_by else ""
            Tag("p", f"{STATE_WORDS[state]}{by}", "verdict", id="state")
            if refusal:
                Tag("p", refusal, "faint")
        if refusal:
            self._note.clear()
        elif not self._note.default_slot.children:
            self._ask()
        if not refusal:
            self._buttons(state)
        with self._log, Tag("ol", "", "log"):
            for entry in reversed(detail.log):
                self._entry(entry, detail.log)

    def _ask(self) -> None:
        with self._note:
            Tag("label", "Note (why, or what was done)", for_="note")
            Tag("textarea", id="note", rows=3, maxlength=NOTE_CHARS)

    def _buttons(self, state: str) -> None:
        with self._acts, Tag("div", "", "acts"):
            shown = [each for each in _ACTS if state in each[3]]
            for place, (action, words, key, _) in enumerate(shown):
                button = Tag("button", words, f"act{' main-act' * (place == 0)}", type="button", data_key=key)
                with button:
                    Tag("kbd", key, aria_hidden="true")
                self._act(button, action)
            self._act(Tag("button", "Only the note", "act", type="button"), NOTE)

    def _act(self, button: Tag, action: str, undoes: int | None = None) -> None:
        async def act(event: Any) -> None:
            note = event.args if isinstance(event.args, str) else ""
            await self._say(action, note, undoes)

        button.on("click", act, js_handler="() => emit(txdash.note())")

    def _entry(self, entry: Entry, log: list[Entry]) -> None:
        with Tag("li"):
            with Tag("div", "", "undone" if entry.undone else ""):
                Tag("b", entry.who)
                Tag("span", f" {_words(entry, log)} ")
                when(entry.at, self._board.now())
                if entry.note:
                    Tag("p", entry.note)
            if entry.undone:
                Tag("span", "taken back", "faint")
            elif entry.action != UNDO and not self._refusal():
                self._act(
                    Tag("button", "Undo", "copy", type="button", aria_label=f"Undo: {entry.action}"),
                    UNDO,
                    entry.entry,
                )

    def _refusal(self) -> str:
        if self._board.read_only:
            return "This dashboard is read-only."
        person = who(self._board, self._request)
        if person is None:
            return "The session has ended; log in again."
        return "" if person.may_triage else "Viewers only look."

    async def _say(self, action: str, note: str, undoes: int | None) -> None:
        """Say something in the name of who looks, if that one still may; a problem is said in the box."""
        person = who(self._board, self._request)
        self._problem.text = problem = ""  # the same once more is read out once more
        try:
            if person is not None and not self._refusal():
                await asyncio.to_thread(self._board.store.triage, self._id, action, person.name, note, undoes)
                self._note.clear()  # said
                self._ask()
        except (TriageFault, SinkFailed) as exc:
            problem = str(exc)
        try:
            await self._redraw()
        except SinkFailed as exc:
            problem = problem or f"{exc}; what is shown may be old"
        self._problem.text = clipped(problem, _PROBLEM)


def _words(entry: Entry, log: list[Entry]) -> str:
    if entry.action != UNDO:
        return _SAID[entry.action]
    undone = next((each for each in log if each.entry == entry.undoes), None)
    return f"took back: {_SAID[undone.action]}" if undone else _SAID[UNDO]
