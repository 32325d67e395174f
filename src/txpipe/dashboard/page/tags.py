"""Elements of a page that hold text and attributes; nothing here takes markup."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote

from nicegui.elements.mixins.text_element import TextElement

from txpipe.alerts.facts import utc
from txpipe.dashboard.page.explorers import address_link, tx_link
from txpipe.visible import clipped

_LONGEST = 2000


class Tag(TextElement):
    """An HTML or SVG element."""

    def __init__(self, tag: str, text: str = "", classes: str = "", **attributes: object) -> None:
        """Make one within the element that is open.

        Args:
            tag: its name.
            text: what it says; what nobody can see in it is written out.
            classes: CSS classes.
            attributes: by name, ``_`` for ``-`` (one at the end goes); those that are None are left out.
        """
        super().__init__(tag=tag, text=clipped(text, _LONGEST))
        if classes:
            self.classes(classes)
        for name, value in attributes.items():
            if value is not None:
                self._props[name.rstrip("_").replace("_", "-")] = value


def raw(tag: str, text: str, classes: str = "") -> Tag:
    """Make an element whose text keeps its lines."""
    made = Tag(tag, "", classes)
    made.text = text
    return made


def when(seconds: float, now: float) -> Tag:
    """Make a time: how long ago, all of it in the title; the browser goes on counting."""
    said = utc(int(seconds)) or str(int(seconds))
    return Tag(
        "time", ago(now - seconds), "ago", title=f"{said} UTC", data_at=int(seconds), datetime=iso(seconds)
    )


def iso(seconds: float) -> str:
    """Return Unix seconds as RFC 3339, or nothing for what no calendar has."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC).isoformat()
    except (OverflowError, ValueError, OSError):
        return ""


def ago(seconds: float) -> str:
    """Return a span in its largest unit, as the browser's part writes it, too."""
    left = max(int(seconds), 0)
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if left >= size:
            return f"{left // size} {unit}"
    return f"{left} s"


def copy_button(value: str, what: str) -> None:
    """Make a button that copies a text."""
    Tag("button", "copy", "copy", type="button", data_copy=value, aria_label=f"Copy {what}")


def address(value: str, chain: str, *, short: bool = False) -> None:
    """Make an address: whole, for look-alikes share ends; leading to its page, with copy and explorer."""
    shown = shortened(value) if short else value
    with Tag("span", "", "id"):
        Tag("a", shown, "mono", href=address_path(value), title=value)
        if not short:
            copy_button(value, "address")
            explorer(address_link(chain, value))


def transaction(value: str, chain: str) -> None:
    """Make a transaction's hash, with copy and explorer."""
    with Tag("span", "", "id"):
        Tag("a", value, "mono", href=search_path(value), title="its alerts")
        copy_button(value, "transaction hash")
        explorer(tx_link(chain, value))


def explorer(link: str) -> None:
    """Make a link to an explorer, which learns nothing of where it was followed; nothing of an empty one."""
    if link:
        host = link.split("/")[2]
        Tag("a", f"{host} ↗", "out", href=link, target="_blank", rel="noopener noreferrer")


def address_path(value: str) -> str:
    """Return the path of an address's page."""
    return f"/address/{_quoted(value)}"


def incident_path(name: str) -> str:
    """Return the path of an incident's alerts."""
    return f"/?incident={_quoted(name)}"


def search_path(text: str) -> str:
    """Return the path of a search."""
    return f"/?q={_quoted(text)}"


def _quoted(text: str) -> str:
    return quote(text.encode("utf-8", "replace"), safe="")


def shortened(value: str) -> str:
    """Return an address with its middle left out, where it has no room; poisoners match fewer digits."""
    return value if len(value) <= 22 else f"{value[:10]}…{value[-8:]}"
