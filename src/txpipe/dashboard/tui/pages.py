"""The screens beside the table: one alert in full, the keys, a line to type into, a question."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.events import Key
from textual.screen import ModalScreen, Screen
from textual.widgets import Input, Static

KEYS = (
    ("Up Down j k", "select an alert; Home, End, Page Up, Page Down"),
    ("Esc", "select none: the table follows what comes in; leave a page"),
    ("Enter", "all about the selected alert: what, why, numbers, lists, raw JSON"),
    ("/", "search: words, addresses, hashes, or their beginnings; empty ends it"),
    ("f", "show all, low, medium, high, critical and above"),
    ("t", "leave out what somebody has triaged"),
    ("a", "acknowledge"),
    ("p", "false positive"),
    ("r", "resolved"),
    ("u", "undo: take back what was said last of the alert"),
    ("n", "note"),
    ("Space", "hold the table still, and let it go again"),
    ("q", "quit; on a page: back"),
    ("Ctrl-C", "end the whole pipeline, as anywhere; Ctrl-Z: stop it, until fg"),
)
"""Every key and what it does."""

_SHORT = (
    "Enter detail",
    "/ search",
    "f filter",
    "a ack",
    "p false pos.",
    "r resolved",
    "n note",
    "q quit",
    "u undo",
    "t open only",
    "Space pause",
)


def hints(width: int) -> Text:
    """Return the keys in one line, as many as there is room for, and the one that tells of all."""
    line = Text("? help", "bold")
    for each in _SHORT:
        if line.cell_len + 2 + len(each) > width:
            break
        line.append("  ").append(each, "not bold")
    return line


class Page(Screen[None]):
    """Text to scroll through, by keys of its own: nothing in it has the focus.

    Attributes:
        alert: id of the alert that it tells of; None for none.
    """

    AUTO_FOCUS = ""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,enter,backspace,q,question_mark", "app.pop_screen", "back"),
        ("down,j", "scroll(1)", "down"),
        ("up,k", "scroll(-1)", "up"),
        ("pagedown,space", "leap(1)", "page down"),
        ("pageup", "leap(-1)", "page up"),
        ("home,g", "far(-1)", "top"),
        ("end,G", "far(1)", "bottom"),
    ]

    def __init__(self, text: Text, alert: str | None = None) -> None:
        super().__init__()
        self._text = text
        self._note = ""
        self.alert = alert

    def compose(self) -> ComposeResult:
        """Put the text above one line of keys."""
        with VerticalScroll():
            yield Static(self._text, id="text", markup=False)
        yield Static(self._keys(), id="keys", markup=False)

    def _keys(self) -> Text:
        judged = "  a ack  p false pos.  r resolved  u undo  n note" if self.alert else ""
        return Text(f"Esc back  Up Down scroll{judged}", "bold")

    def show(self, text: Text) -> None:
        """Show other text in the same place."""
        if text != self._text:
            self._text = text
            self.query_one("#text", Static).update(text)

    def say(self, note: str) -> None:
        """Show a message in place of the keys; the keys again for an empty one."""
        if note != self._note:
            self._note = note
            said = Text(note, "bold yellow") if note else self._keys()
            self.query_one("#keys", Static).update(said)

    def action_scroll(self, by: int) -> None:
        """Scroll by lines."""
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)

    def action_leap(self, by: int) -> None:
        """Scroll by screenfuls."""
        box = self.query_one(VerticalScroll)
        box.scroll_relative(y=by * max(box.size.height - 1, 1), animate=False)

    def action_far(self, where: int) -> None:
        """Scroll to an end."""
        box = self.query_one(VerticalScroll)
        box.scroll_to(y=0 if where < 0 else box.max_scroll_y, animate=False)


def help_text() -> Text:
    """Return what the keys do and the signs mean."""
    page = Text().append("Keys\n\n", "bold underline")
    for key, does in KEYS:
        page.append(f"{key:<13}", "bold").append(f"{does}\n")
    page.append("\nSigns\n\n", "bold underline")
    page.append("!!! critical  !! high  ! medium  - low  . info  x retracted\n")
    page.append("ack acknowledged  f+ false positive  done resolved  (trial) not for action\n\n")
    page.append("Mark text with the mouse: it is the terminal's own.\n")
    return page


class Prompt(ModalScreen[str | None]):
    """One line to type into; Esc gives None."""

    AUTO_FOCUS = "Input"

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss(None)", "cancel")]

    def __init__(self, label: str, value: str = "", most: int = 200) -> None:
        super().__init__()
        self._label = label
        self._field = Input(value, max_length=most, compact=True, select_on_focus=False)

    def compose(self) -> ComposeResult:
        """Put label and line at the bottom, over the page that asks."""
        yield Static(Text(self._label, "bold"), id="label", markup=False)
        yield self._field

    def take(self, event: Key) -> None:
        """Take a character that was typed before the line had the focus."""
        if event.is_printable and event.character:
            self._field.insert_text_at_cursor(event.character)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer with what was typed."""
        self.dismiss(event.value)


class Question(ModalScreen[bool]):
    """A question that q answers with yes and Esc, Enter or Space with no."""

    AUTO_FOCUS = ""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("q,y", "dismiss(True)", "yes"),
        ("escape,n,enter,space", "dismiss(False)", "no"),
    ]

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        """Put the question at the bottom."""
        yield Static(Text(self._text, "bold reverse"), id="label", markup=False)
