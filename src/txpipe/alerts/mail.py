"""The HTML of a mail about alerts: a heading, one fact a line, nothing to click at.

Styles are inline, since mail programs drop others. Lines are blocks with a bold name rather than rows of a
table: Apprise makes the plain part of the mail of this one, and writes every cell of a table on its own line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Any

from txpipe.alerts.digest import counts, gravest
from txpipe.alerts.facts import text as plain
from txpipe.alerts.human import facts, headline, moved, standing, what, when, where
from txpipe.alerts.words import defanged
from txpipe.visible import clipped

_SHOWN = 20
_HUES = {  # text, ground: contrast of 5:1 and more (WCAG 2.2, 1.4.3)
    "critical": ("#9b1c1c", "#fdecec"),
    "high": ("#a13a00", "#fff1e6"),
    "medium": ("#7a5200", "#fff8e1"),
    "low": ("#1c5a8a", "#eaf4fc"),
    "info": ("#4a5560", "#f1f3f5"),
    "retracted": ("#4a5560", "#f1f3f5"),
}
_PAGE = (
    "font-family:Arial,Helvetica,sans-serif;font-size:14px;line-height:1.5;max-width:760px;padding:12px;"
    "color:#1f2933;background:#ffffff"  # both, or a dark mail program shows dark on dark
)
_FONT = "font-family:Menlo,Consolas,monospace;font-size:13px;word-break:break-all"
_HEAD = "display:inline-block;width:108px;text-indent:0;color:#4a5560"
_MOVES = {"transfer": "Amount", "approval": "Approval", "call": "Call"}
_NAMES = {
    "from": "From",
    "to": "To",
    "subject": "Subject",
    "address": "Listed address",
    "inputs": "Inputs",
    "tx": "Transaction",
    "list": "List",
    "because": "Why",
    "lowered": "Lowered, for",
    "incident": "Incident",
}
_WRITTEN = frozenset(("list", "lowered", "inputs"))
"""Facts that are words; the others hold addresses, hashes and numbers."""


def page(alerts: Sequence[dict[str, Any]]) -> str:
    """Return the HTML about one alert or several: the gravest in full, the others a line each.

    All text of an alert is taken apart as in other messages (``defanged``), then escaped.
    """
    first, *others = gravest(alerts)
    body = [*_several(alerts), *_whole(first), *_lines(others), _foot(first)]
    return f'<div style="{_PAGE}">{"".join(body)}</div>'


def _several(alerts: Sequence[dict[str, Any]]) -> Iterator[str]:
    if len(alerts) > 1:
        yield _block("font-size:16px;font-weight:bold", f"{len(alerts):,} alerts")
        yield _block("margin:0 0 14px", counts(alerts))


def _whole(alert: dict[str, Any]) -> Iterator[str]:
    text, ground = _hue(alert)
    head = _block(f"font-weight:bold;color:{text}", f"{standing(alert)} \u00b7 {clipped(alert['rule'], 40)}")
    head += _block("font-size:19px;line-height:1.35;font-weight:bold", what(alert))
    if alert.get("shadow") is True:
        head += _block("font-style:italic", "On trial (shadow), not for action")
    yield f'<div style="border-left:6px solid {text};background:{ground};padding:10px 14px">{head}</div>'
    moves = _MOVES.get(plain(alert["record"].get("type")), "Record")
    rows = [_row(moves, _safe(moved(alert))), _row("When", f"{when(alert)}, {_safe(where(alert))}")]
    before = ""
    for name, words in facts(alert):
        rows.append(_row(_NAMES.get(name, name) if name != before else "", _shown(name, words)))
        before = name
    yield f'<div style="padding:10px 0 2px 20px">{"".join(rows)}</div>'


def _shown(name: str, words: str) -> str:
    """Return the words of a fact: hashes and numbers as they are typed, the marks of an address apart."""
    if name in _WRITTEN:
        return _safe(words)
    exact, _, marks = words.partition("  ")
    mark = f' <b style="color:#9b1c1c">{_safe(marks)}</b>' if marks else ""
    return f'<span style="{_FONT}">{_safe(exact)}</span>{mark}'


def _row(name: str, shown: str) -> str:
    """Return a line of name and words, in columns where the mail program has room and knows how."""
    head = f'<b style="{_HEAD}">{name} </b>' if name else ""
    return f'<div style="padding:2px 0 2px 108px;text-indent:{-108 if name else 0}px">{head}{shown}</div>'


def _lines(others: Iterable[dict[str, Any]]) -> Iterator[str]:
    shown = list(others)
    for alert in shown[:_SHOWN]:
        text, _ = _hue(alert)
        tx = f'<div style="{_FONT};color:#5c6770">{_safe(clipped(alert["tx"], 128))}</div>'
        words = f"{_safe(headline(alert))}{tx}"
        yield f'<div style="border-left:3px solid {text};margin:8px 0;padding:1px 12px">{words}</div>'
    if len(shown) > _SHOWN:
        yield _block("margin:8px 0", f"and {len(shown) - _SHOWN:,} more")


def _foot(alert: dict[str, Any]) -> str:
    words = f"txalert, alert {alert['id']}, revision {alert['rev']}. Nothing here is a link."
    return _block("margin-top:14px;font-size:12px;color:#5c6770", words)


def _hue(alert: dict[str, Any]) -> tuple[str, str]:
    return _HUES["retracted" if alert["status"] == "retracted" else alert["severity"]]


def _block(style: str, words: str) -> str:
    return f'<div style="{style}">{_safe(words)}</div>'


def _safe(words: str) -> str:
    return escape(defanged(words), quote=True)
