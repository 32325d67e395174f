"""What all pages have around them: head, search, health of the sources, who looks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fastapi import Request
from nicegui import Client, ui

from txpipe.dashboard.access import LOCAL, Person
from txpipe.dashboard.board import Board
from txpipe.dashboard.guard import asking
from txpipe.dashboard.page.feed import Heart, Life, Task
from txpipe.dashboard.page.pulse import Pulse
from txpipe.dashboard.page.tags import Tag
from txpipe.visible import clipped

_MANY = 100
"""Pages from which on those that were asked for and never connected go soon: each has a megabyte."""
_UNSEEN_S = 10.0
_TITLE = 80

STATIC = Path(__file__).parent / "static"


def _files() -> str:
    """Return the path of the browser's part, another one whenever any of its files is another."""
    digest = hashlib.sha256()
    for each in sorted(STATIC.iterdir()):
        digest.update(each.name.encode() + each.read_bytes())
    return f"/static/{digest.hexdigest()[:12]}"


FILES = _files()
"""Where the files of STATIC are served: what one imports of another is of the same version."""

_MODULES = sorted(each.name for each in STATIC.glob("*.js") if each.name not in {"page.js", "login.js"})
_HEAD = (
    f'<link rel="stylesheet" href="{FILES}/page.css">'
    + "".join(f'<link rel="modulepreload" href="{FILES}/{each}">' for each in _MODULES)
    + f'<script type="module" src="{FILES}/page.js"></script>'
)


@contextmanager
def frame(board: Board, pulse: Pulse, request: Request, title: str, *tasks: Task) -> Iterator[None]:
    """Make a page; what is made within is its main part.

    Args:
        board: what is shown.
        pulse: how it is.
        request: asked for it.
        title: of the window.
        tasks: go on while somebody looks.
    """
    client = ui.context.client
    if len(Client.instances) > _MANY:
        Client.prune_instances(client_age_threshold=_UNSEEN_S)
    client.title = f"{clipped(title, _TITLE)} · txdash"
    ui.add_head_html(_HEAD)
    Life(client, Heart(client, pulse, lambda: who(board, request) is not None), *tasks)
    Tag("a", "Skip to the content", "skip", href="#main")
    with Tag("header", "", "top"):
        Tag("a", "txdash", "brand", href="/", aria_label="txdash, all alerts")
        _search()
        _switches(who(board, request))
    Tag("div", "", "trouble", id="trouble", role="alert")
    for news in ("news", "news-sources"):
        Tag("span", "", "unseen", id=news, role="status")
    with Tag("section", "", "strip", aria_label="Sources and traffic"):
        Tag("div", "", "sources", id="sources", role="group", aria_label="Sources")
        Tag("div", "", "counters", id="counters", role="group", aria_label="Alerts by severity")
        with Tag("details", "", "stalls hidden", id="stalls"):
            Tag("summary", "")
            Tag("ol", "", "", id="stall-list", aria_label="When sources were not ok, the last first")
        Tag("div", "", "sparks", id="sparks", role="group", aria_label="The last two minutes")
    with Tag("main", "", "main", id="main", tabindex="-1"):
        yield


def _search() -> None:
    with Tag("form", "", "search", action="/", method="get", role="search", id="search"):
        Tag("label", "Search alerts", "unseen", for_="q")
        Tag(
            "input",
            id="q",
            name="q",
            type="search",
            maxlength=256,
            autocomplete="off",
            spellcheck="false",
            placeholder="Address, transaction, rule, words   /",
        )


def _switches(person: Person | None) -> None:
    with Tag("div", "", "switches"):
        for name, label in (("bell", "Notify"), ("sound", "Sound"), ("theme", "Theme")):
            Tag("button", label, "switch", type="button", id=f"switch-{name}", aria_pressed="false")
        if person is not None:
            Tag("span", f"{person.name} ({person.role})", "person", title="who you are here")
            if person != LOCAL:
                Tag("button", "Log out", "switch", type="button", id="log-out")


def who(board: Board, request: Request) -> Person | None:
    """Return who looks, as of now: a session may have ended since the page was made."""
    return asking(board.access, request.headers)
