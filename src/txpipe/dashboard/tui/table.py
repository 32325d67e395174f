"""The live table: lines are drawn one by one as they are seen; thousands cost no more than a screenful."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.binding import BindingType
from textual.events import Resize
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from txpipe.dashboard.tui.row import Row
from txpipe.dashboard.tui.words import FAINT, RETRACTED_SIGN, SIGNS, STYLES, TRIAGE, age, fit

_ADDRESS = 42
"""Columns of a hex address: shown whole or not at all, for look-alikes share first and last digits."""
_MARK = "*"
"""What stands before the party that an alert is about."""
_PARTIES = 2 * (_ADDRESS + len(_MARK)) + 3
_WIDE = 131
_WIDEST = 179
"""Columns beside the scroll bar from which on there is room for both parties."""
_RULE, _RULE_WIDE = 12, 17
_SELECTED = Style(reverse=True)
_GAP = " "


class AlertTable(ScrollView, can_focus=True):
    """Alerts, newest first. Nothing is selected until somebody selects: keys must not hit what just came in.

    A selected alert stays selected wherever new ones push it. While none is, the newest ones are in view.

    Attributes:
        rows: what it shows.
        selected: the id of the selected alert; None if none is.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("up,k", "move(-1)", "up"),
        ("down,j", "move(1)", "down"),
        ("pageup", "page(-1)", "page up"),
        ("pagedown", "page(1)", "page down"),
        ("home,g", "newest", "newest"),
        ("escape", "release", "select none"),
        ("end,G", "oldest", "oldest"),
        ("enter", "open", "detail"),
    ]

    class Selected(Message):
        """Another alert is selected, or none."""

    class Opened(Message):
        """The selected alert is to be shown in full."""

    class Bottom(Message):
        """The last line is selected; there may be more in the store."""

    class Resized(Message):
        """The columns have other widths."""

    def __init__(self, now: Callable[[], float]) -> None:
        """Begin empty.

        Args:
            now: Unix seconds, for ages.
        """
        super().__init__()
        self._now = now
        self._places: dict[str, int] = {}
        self.rows: Sequence[Row] = ()
        self.selected: str | None = None

    @property
    def row(self) -> Row | None:
        """The selected line."""
        return None if self.selected is None else self.rows[self._places[self.selected]]

    def show(self, rows: Sequence[Row], *, next_one: bool = False) -> None:
        """Show other lines.

        Args:
            rows: newest first.
            next_one: if the selected alert is not among them, select what stands in its place; else none.
        """
        was = None if self.selected is None else self._places[self.selected]
        self.rows = rows
        self._places = {each.id: at for at, each in enumerate(rows)}
        self.virtual_size = Size(self._room, len(rows))
        if was is None or self.selected is None:
            self.scroll_to(y=0, animate=False)
        elif (at := self._places.get(self.selected)) is not None:
            if at != was:
                self.scroll_to(y=max(0, self.scroll_offset.y + at - was), animate=False, force=True)
        elif next_one and rows:
            self._select(min(was, len(rows) - 1))
        else:
            self.action_release()
        self.refresh()

    def heading(self) -> Text:
        """Return the names of the columns, above their columns."""
        names = (
            f" {'from':<{_ADDRESS}}    to  ({_MARK} whom it is about)" if self._room >= _WIDEST else "subject"
        )
        cells = ("", "age", "severity", "rule", "title", "    usd", names)
        widths = self._widths()
        return Text(_GAP.join(fit(cell, width) for cell, width in zip(cells, widths, strict=False)), FAINT)

    def render_line(self, y: int) -> Strip:
        """Draw one line of what is in view."""
        at = self.scroll_offset.y + y
        width = self._room
        if at >= len(self.rows):
            return Strip.blank(width, self.rich_style)
        each = self.rows[at]
        base = self.rich_style
        if each.id == self.selected:
            base += _SELECTED
        parts = [Segment(text, base + Style.parse(style)) for text, style in self._cells(each)]
        return Strip(parts).adjust_cell_length(width, base)

    @property
    def _room(self) -> int:
        """Columns beside the scroll bar."""
        return self.scrollable_content_region.width

    def _cells(self, each: Row) -> list[tuple[str, str]]:
        """Return the texts of a line with their styles, gaps included."""
        style = FAINT if each.retracted else STYLES[each.severity]
        sign, word = SIGNS[each.severity], each.severity
        if each.retracted:
            sign, word = RETRACTED_SIGN, f"was {each.severity}"
        title = f"(trial) {each.title}" if each.shadow else each.title
        faint = FAINT if each.triage != "open" or each.retracted else ""
        texts = (
            (TRIAGE.get(each.triage, ""), "green"),
            (age(self._now() - each.received).rjust(4), FAINT),
            (f"{sign} {word}", style),
            (each.rule, faint),
            (title, faint),
            (each.usd.rjust(7), faint),
            (_parties(each) if self._room >= _WIDEST else each.subject, faint),
        )
        cells = []
        for (text, look), width in zip(texts, self._widths(), strict=False):
            cells += [(fit(text, width), "" if each.id == self.selected else look), (_GAP, "")]
        return cells

    def _widths(self) -> list[int]:
        """Return the columns' widths; the title gets what is left, addresses room where there is much."""
        wide = self._room >= _WIDE
        widths = [4, 4, 16 if wide else 12, _RULE_WIDE if wide else _RULE, 0, 7]
        widths += [_PARTIES if self._room >= _WIDEST else _ADDRESS] * wide
        widths[4] = max(self._room - sum(widths) - len(widths) + 1, 8)
        return widths

    def on_resize(self, _event: Resize) -> None:
        """Keep the width of what is drawn that of the table."""
        self.virtual_size = Size(self._room, len(self.rows))
        self.post_message(self.Resized())

    def action_move(self, by: int) -> None:
        """Select the alert so many lines below; the first one in view where none was."""
        at = self.scroll_offset.y if self.selected is None else self._places[self.selected] + by
        self._select(at)

    def action_page(self, by: int) -> None:
        """Select the alert a screenful below."""
        self.action_move(by * max(self.size.height - 1, 1))

    def action_newest(self) -> None:
        """Select the newest."""
        self._select(0)

    def action_oldest(self) -> None:
        """Select the oldest of those that are here."""
        self._select(len(self.rows) - 1)

    def action_release(self) -> None:
        """Select none, and follow what comes in."""
        self.selected = None
        self.scroll_to(y=0, animate=False)
        self.refresh()
        self.post_message(self.Selected())

    def action_open(self) -> None:
        """Ask for all about the selected alert; select one first."""
        if self.selected is None:
            self.action_move(0)
        else:
            self.post_message(self.Opened())

    def _select(self, at: int) -> None:
        if not self.rows:
            return
        at = min(max(at, 0), len(self.rows) - 1)
        self.selected = self.rows[at].id
        top, height = self.scroll_offset.y, max(self.size.height, 1)
        if not top <= at < top + height:
            self.scroll_to(y=at if at < top else at - height + 1, animate=False, force=True)
        if at == len(self.rows) - 1:
            self.post_message(self.Bottom())
        self.refresh()
        self.post_message(self.Selected())


def _parties(each: Row) -> str:
    """Return who paid whom, a mark before whom the alert is about; that one alone where it is neither."""
    if each.subject not in {each.source, each.to}:
        return f"{_MARK}{each.subject}"
    marked = [f"{_MARK if one == each.subject else ' '}{one}" for one in (each.source, each.to)]
    return f"{fit(marked[0], _ADDRESS + len(_MARK))} → {marked[1]}"
