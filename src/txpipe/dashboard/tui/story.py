"""All about one alert: what, why, on which numbers and lists, what people made of it, and the raw JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import orjson
from rich.text import Text

from txpipe.alerts.facts import matches, text
from txpipe.alerts.human import facts, moved, standing, what, when, where
from txpipe.dashboard.store import Detail, Store
from txpipe.dashboard.triage import Entry
from txpipe.dashboard.tui.row import Row, row
from txpipe.dashboard.tui.words import FAINT, STYLES, TRIAGED, age
from txpipe.detect.explain import WIDTH, explained
from txpipe.errors import RecordFault
from txpipe.visible import clipped, printable

_HEAD = "bold underline"
_MOST_RAW = 20_000
"""Characters of JSON; a line may have two millions."""
_SOURCE = 200
_INCIDENT = 10
"""Alerts of its incident that are listed."""
_SECTIONS = ("What it looks for", "What it saw:", "What it compared that with:")
_ACTIONS = {
    "acknowledge": "acknowledged",
    "false_positive": "false positive",
    "resolve": "resolved",
    "reopen": "open again",
    "note": "note",
    "undo": "takes back",
}


def chosen_text(found: Row) -> Text:
    """Return some lines about the selected alert: what has no room in the table."""
    said = Text().append(found.title, "bold")
    for name, words in found.parties:
        said.append(f"\n{name:<7} {words}")
    return said.append(f"  {found.chain}")


def read_story(store: Store, alert_id: str, now: float) -> Text | None:
    """Return an alert of the store in full; None if there is none of this id."""
    detail = store.alert(alert_id)
    if detail is None:
        return None
    incident = detail.stored.alert.get("incident")
    page = store.incident(incident, limit=_INCIDENT).alerts if isinstance(incident, str) else []
    return story(detail, [row(each) for each in page], now)


def story(detail: Detail, incident: Sequence[Row], now: float) -> Text:
    """Return an alert in full; all text in it has what is unseen written out.

    Args:
        detail: the alert, its revisions and its triage log.
        incident: the newest alerts of its incident, itself included.
        now: Unix seconds.
    """
    page = Text()
    for part in (
        _what(detail),
        _triage(detail, now),
        _lists(detail),
        _why(detail),
        _incident(detail, incident, now),
        _revisions(detail),
        _raw(detail),
    ):
        page.append_text(part)
    return page


def _what(detail: Detail) -> Text:
    alert = detail.stored.alert
    gone = alert["status"] == "retracted"
    part = Text().append(standing(alert), "strike" if gone else STYLES[alert["severity"]])
    part.append(f"  {when(alert)}  {clipped(alert['rule'], 40)}\n\n").append(f"{what(alert)}\n", "bold")
    if alert.get("shadow") is True:
        part.append("(shadow: on trial, not for action)\n", "yellow")
    part.append(f"{moved(alert)}, {where(alert)}\n\n")
    for name, words in facts(alert):
        if name not in {"because", "list"}:  # sections of their own tell
            part.append(f"{name:<9}", FAINT).append(f"{words}\n")
    return part


def _triage(detail: Detail, now: float) -> Text:
    stored = detail.stored
    part = Text("\n")
    part.append("Triage: ", "bold").append(TRIAGED.get(stored.triage, "nobody has judged it"))
    if stored.triaged_at is not None:
        part.append(f" by {clipped(stored.triaged_by, 40)}, {age(now - stored.triaged_at)} ago")
    part.append("\n")
    for entry in detail.log:
        part.append(f"  {_entry(entry)}\n", "strike" if entry.undone else "")
    return part


def _entry(entry: Entry) -> str:
    said = f" {entry.undoes}" if entry.undoes is not None else ""
    note = f": {clipped(entry.note, 4000)}" if entry.note else ""
    at = datetime.fromtimestamp(entry.at, UTC).strftime("%Y-%m-%d %H:%M:%S")
    action = _ACTIONS.get(entry.action, entry.action)
    return f"{entry.entry}  {at}  {clipped(entry.who, 40)}  {action}{said}{note}"


def _lists(detail: Detail) -> Text:
    found = matches(detail.stored.alert)
    if not found:
        return Text()
    part = Text("\n").append("On lists\n", _HEAD)
    for match in found[:20]:
        name, date, category, label = (clipped(text(match.get(key)), 120) for key in _ENTRY)
        part.append(f"  {name} ({date}): {category}").append(f' "{label}"\n' if label else "\n", "bold")
        for key in ("source", "listed", "delisted", "address", "asset"):
            if value := text(match.get(key)):
                part.append(f"    {key:<9}", FAINT).append(f"{clipped(value, _SOURCE)}\n")
    return part


_ENTRY = ("list", "list_date", "category", "label")


def _why(detail: Detail) -> Text:
    """Tell what the rule looks for, saw, and compared: what ``txdetect --explain`` says."""
    try:
        lines = explained(detail.stored.alert).splitlines()
    except RecordFault as exc:  # an older version's alert
        lines = [f"What it saw: {exc}"]
    begin = next((at for at, line in enumerate(lines) if line.startswith(_SECTIONS)), 0)
    part = Text("\n").append("Why\n", _HEAD)
    for line in _unwrapped(lines[begin:]):
        if line:
            part.append(f"{line}\n", "" if line.startswith(" ") else "bold")
    return part


def _unwrapped(lines: Sequence[str]) -> list[str]:
    """Join lines that were broken where the next word had no room: the terminal breaks them anew."""
    whole: list[str] = []
    last = 0
    for line in lines:
        words = line.split(maxsplit=1)
        if whole and words and words[0] != "-" and line.startswith("  ") and last + 1 + len(words[0]) > WIDTH:
            whole[-1] += f" {line.strip()}"
        else:
            whole.append(line)
        last = len(line)
    return whole


def _incident(detail: Detail, rows: Sequence[Row], now: float) -> Text:
    if len(rows) < 2:
        return Text()
    part = Text("\n").append("The incident's newest alerts\n", _HEAD)
    for each in rows:
        mark = ">" if each.id == detail.stored.alert["id"] else " "
        gone = ", retracted" if each.retracted else ""
        part.append(f"{mark} {age(now - each.received):>4} ").append(each.severity, STYLES[each.severity])
        part.append(f" {each.rule}: {each.title}{gone}\n")
    return part


def _revisions(detail: Detail) -> Text:
    if len(detail.revisions) < 2:
        return Text()
    part = Text("\n").append("Revisions\n", _HEAD)
    for line in _revision_lines(detail):
        part.append(f"  {line}\n")
    return part


def _revision_lines(detail: Detail) -> Iterator[str]:
    for each in detail.revisions[-50:]:
        alert = orjson.loads(each.line)
        at = datetime.fromtimestamp(each.received, UTC).strftime("%Y-%m-%d %H:%M:%S")
        yield f"{each.rev}  {at}  {alert['status']}  {alert['severity']} {alert['score']}"


def _raw(detail: Detail) -> Text:
    part = Text("\n").append("As it came\n", _HEAD)
    pretty = json.dumps(json.loads(detail.stored.line), indent=2, ensure_ascii=False)  # any integer, as it is
    for line in pretty[:_MOST_RAW].split("\n"):
        part.append(f"{printable(line)}\n")
    if len(pretty) > _MOST_RAW:
        part.append(f"... {len(pretty) - _MOST_RAW:,} more characters\n", FAINT)
    return part
