"""Alerts in plain words: what fired, on what numbers, and what would have kept it silent."""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
import textwrap
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from txpipe.detect.names import OF_TXALERT, SHIPPED
from txpipe.detect.plain import MOST_ITEMS, day, filled, kind_of, plain
from txpipe.detect.rules import CONDUCT, RULES
from txpipe.detect.watch import ConductRule
from txpipe.errors import RecordFault
from txpipe.record import check

WIDTH = 96
"""Columns at which lines are broken."""
_MOST_KEYS = 60
_SETTING = re.compile(r"\{thresholds\.(\w+)")
_SHOWN_UNITS = {"seconds": "s", "USD": "usd", "share": "share"}
"""First words of settings' units that say how a number is shown; the number then has the unit in it."""


def explained(alert: Mapping[str, Any], own: Iterable[type[ConductRule]] = ()) -> str:
    """Return an alert in plain words, ending in an empty line.

    What would have kept it silent comes from the rule's own ``SILENT`` lines, filled in with the evidence; a
    rule that this version does not have is explained by its evidence, and that is said.

    Args:
        alert: as txdetect wrote it.
        own: rules of the user's own, from a Python file, whose module has ``SILENT`` or not.

    Raises:
        RecordFault: it is no valid alert.
    """
    if check(dict(alert))["type"] != "alert":
        raise RecordFault("no alert; --explain reads what txdetect wrote")
    evidence = alert["evidence"]
    module = (_modules() | {rule.ID: sys.modules[rule.__module__] for rule in own}).get(alert["rule"])
    sayings = _sayings({"subject": alert["subject"], **evidence}, module)
    state = "" if alert["status"] == "open" else f", {alert['status']}"
    lines = [
        f"{alert['severity'].upper()} {plain(alert['rule'])}, score {alert['score']}{state}",
        *_wrapped(plain(alert["title"]), "", ""),
        f"  {alert['role']}: {plain(alert['subject'])}",
        f"  transaction: {plain(alert['tx'])} on {alert['chain']}, {_when(alert)}",
        *_score(alert),
        *_section("What it looks for", _paragraph(module, "Pattern")),
        "What it saw:",
        *_numbers(evidence),
        *_thresholds(evidence, module, {name for _, names in sayings for name in names}),
        *(_silent(sayings) or _unheard(alert["rule"], evidence)),
        *_section("Honest conduct that looks like it", _paragraph(module, "Known false positives")),
    ]
    return "\n".join(lines) + "\n\n"


def _when(alert: Mapping[str, Any]) -> str:
    at = day(alert["time"])
    return at if alert["block"] is None else f"block {alert['block']}, {at}"


def _score(alert: Mapping[str, Any]) -> Iterator[str]:
    parts = alert.get("parts")
    if isinstance(parts, dict):
        shown = f"score: {alert['score']}, of this account's findings together: {plain(parts)}"
        yield from _wrapped(shown, "  ")
    if "incident" in alert:
        yield f"  incident: {plain(alert['incident'])}"


def _numbers(evidence: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the rule saw, a line a number; rows of a table below one another."""
    for key, value in islice(evidence.items(), _MOST_KEYS):
        if key == "thresholds":
            continue
        if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
            yield f"  {plain(key)}:"
            for row in value[:MOST_ITEMS]:
                yield from _wrapped(plain(row), "    ", "      ")
            if len(value) > MOST_ITEMS:
                yield f"    and {len(value) - MOST_ITEMS:,} more"
        else:
            yield from _wrapped(f"{plain(key)}: {plain(value, kind_of(key))}", "  ")
    if len(evidence) > _MOST_KEYS:
        yield f"  and {len(evidence) - _MOST_KEYS:,} more"


def _thresholds(evidence: Mapping[str, Any], module: Any, told: Container[str]) -> Iterator[str]:
    """Yield the settings that the sentences about silence tell of; all if there are no such sentences."""
    limits = evidence.get("thresholds")
    if not isinstance(limits, dict) or not limits:
        return
    shown = {key: value for key, value in limits.items() if key in told} or limits
    units = {}
    if module and hasattr(module, "Settings"):
        units = {each.name: each.metadata.get("unit", "") for each in dataclasses.fields(module.Settings)}
    yield "What it compared that with:"
    for key, value in islice(shown.items(), _MOST_KEYS):
        first, _, rest = units.get(key, "").partition(" ")
        kind = _SHOWN_UNITS.get(first, kind_of(key))
        unit = rest if first in _SHOWN_UNITS else units.get(key, "")
        text = plain(value, kind) + ("" if unit in {"", "0-1", key} else f" {unit}")
        yield from _wrapped(f"{plain(key)}: {text}", "  ")
    if len(shown) < len(limits):
        more = len(limits) - len(shown)
        yield f"  and {more} more of this rule; txdetect --print-rules has all, with their sources"


def _sayings(values: Mapping[str, Any], module: Any) -> list[tuple[str, list[str]]]:
    """Return the rule's sentences about silence that hold, each with the settings that it tells of."""
    patterns = getattr(module, "SILENT", ())
    return [(line, _SETTING.findall(pattern)) for pattern in patterns if (line := filled(pattern, values))]


def _silent(sayings: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    rows = [row for line, _ in sayings for row in _wrapped(line, "  - ")]
    return ["It would have stayed silent with any of these:", *rows] if rows else []


def _unheard(rule: str, evidence: Mapping[str, Any]) -> Iterator[str]:
    """Yield what can be said of silence where no rule that is at hand tells: it is the user's own."""
    when = evidence.get("when")
    if rule in SHIPPED:
        return
    yield "It would have stayed silent:"
    if rule in OF_TXALERT:
        yield "  had word come in time (txalert --deadman)"
        return
    if isinstance(when, str):
        yield from _wrapped("where this does not hold, as it stands in the rule file (--rules) under", "  ")
        yield from _wrapped(f"[expressions.{plain(rule)}]", "    ")
        yield from _wrapped(f"when = {plain(when)}", "    ")
        return
    yield from _wrapped(
        f"as its author decided: no rule that ships is called {plain(rule)}, so it is your own (--plugin "
        "FILE.py, to be named with --explain, too) and has no SILENT lines, or it is another version's",
        "  ", "  ",
    )  # fmt: skip


def _section(head: str, text: str) -> Iterator[str]:
    if text:
        yield f"{head}:"
        yield from _wrapped(text[:1].upper() + text[1:], "  ", "  ")


def _wrapped(text: str, first: str, hanging: str = "    ") -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=hanging,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _paragraph(module: Any, head: str) -> str:
    """Return a paragraph of a rule's docstring, by its first word or words."""
    doc = inspect.cleandoc(module.__doc__ or "") if module else ""
    found = re.search(rf"^{head}: (.+?)(?:\n\n|\Z)", doc, re.DOTALL | re.MULTILINE)
    return " ".join(found[1].split()).replace("``", "") if found else ""


def _modules() -> dict[str, Any]:
    listed = {rule.ID: sys.modules[type(rule).__module__] for rule in RULES}
    return listed | {rule.ID: sys.modules[rule.__module__] for rule in CONDUCT}
