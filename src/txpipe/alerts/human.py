"""An alert for a person at a terminal: a headline, the title, then one fact a line, addresses whole.

Addresses are never shortened: poisoners make look-alikes that share the first and last digits.
"""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

from txpipe.alerts.facts import chain, matches, movement, text, utc
from txpipe.visible import clipped

Paint = Callable[[str, str], str]
"""Takes a style and a text, returns the text for the terminal."""

Fact = tuple[str, str]
"""A name and words."""

_STYLES = {  # ECMA-48 SGR
    "critical": "1;97;41",
    "high": "1;31",
    "medium": "1;33",
    "low": "36",
    "info": "2",
    "retracted": "9;2",
    "notice": "1;35",
    "faint": "2",
}
HELD_BACK = "held-back"
"""The rule of an alert that tells of others, which limits have held back."""
_NAME = 128  # longest address family here is Monero's 106; longer text is cut and carries a digest
_TITLE = 240
_LABEL = 80
_EVIDENCE = 160
_MATCHES_SHOWN = 5
_FACTS_SHOWN = 60
"""Facts of the evidence that are shown: an alert may hold a hundred thousand, which no mail takes."""

_NARROWEST = 40
_LOWERED = {
    "calldata-only": "found only in calldata",
    "failed": "the transaction failed",
    "zero-value": "nothing of value moved",
    "before-listing": "before the listing",
}
"""What the rules' words for a step less of severity mean."""


def plain(_style: str, words: str) -> str:
    """Paint nothing."""
    return words


def coloured(style: str, words: str) -> str:
    """Paint with terminal colours."""
    return f"\x1b[{_STYLES[style]}m{words}\x1b[0m"


def human(record: dict[str, Any], paint: Paint, width: int = 80) -> str:
    """Return an alert or the notice of a troubled heartbeat as lines; nothing for other records.

    Args:
        record: checked; all text in it is shown with control characters written out.
        paint: ``plain`` or ``coloured``.
        width: columns; the title is wrapped there, addresses and hashes are never broken.
    """
    kind = record["type"]
    if kind == "alert":
        return "".join(f"{line}\n" for line in _alert(record, paint, width))
    if kind == "heartbeat" and record["status"] != "ok":
        return f"{_heartbeat(record, paint)}\n"
    return ""


def headline(alert: dict[str, Any]) -> str:
    """Return an alert in one line: how grave, which rule, what."""
    return f"{standing(alert)} {clipped(alert['rule'], 40)}: {what(alert)}"


def _alert(alert: dict[str, Any], paint: Paint, width: int) -> Iterator[str]:
    style = "retracted" if alert["status"] == "retracted" else alert["severity"]
    yield f"{paint(style, standing(alert))}  {when(alert)}  {clipped(alert['rule'], 40)}"
    for line in textwrap.wrap(
        what(alert), max(width, _NARROWEST) - 2, break_long_words=False, break_on_hyphens=False
    ):
        yield f"  {line}"
    if alert.get("shadow") is True:
        yield "  (shadow: on trial, not for action)"
    yield f"  {moved(alert)}, {where(alert)}"
    for name, words in facts(alert):
        yield f"  {name:<8} {words}"


def facts(alert: dict[str, Any]) -> Iterator[Fact]:
    """Yield what is known of an alert, a name and words each; addresses and hashes are whole."""
    yield from parties(alert)
    yield from _inputs(alert["record"])
    yield "tx", clipped(alert["tx"], _NAME)
    yield from _listings(alert)
    numbers = _numbers(alert)
    yield from itertools.islice(numbers, _FACTS_SHOWN)
    if next(numbers, None):
        yield "because", "and more, in the alert itself"
    if isinstance(alert.get("incident"), str):
        yield "incident", clipped(alert["incident"], _NAME)


def moved(alert: dict[str, Any]) -> str:
    """Return what moved."""
    return clipped(movement(alert["record"]), _TITLE)


def what(alert: dict[str, Any]) -> str:
    """Return the title without the list entry at its end, where a line of its own says that."""
    title = text(alert["title"])
    for match in matches(alert)[:_MATCHES_SHOWN]:
        name, date, category, label = (
            text(match.get(key)) for key in ("list", "list_date", "category", "label")
        )
        who = f"{label}, " if label else ""
        said = f": {who}{category} on list {name} ({date})"
        if title.endswith(said):
            title = title.removesuffix(said)
            break
    return clipped(title, _TITLE)


def standing(alert: dict[str, Any]) -> str:
    """Return how grave an alert is, and whether it still holds."""
    severity, rev = alert["severity"], alert["rev"]
    if alert["status"] == "retracted":
        return f"RETRACTED, was {severity} (rev {rev})"
    word = f"{severity.upper()} {alert['score']}"
    if alert["status"] == "updated":
        return f"{word}, updated (rev {rev})"
    return f"{word}, open again (rev {rev})" if rev else word


def when(record: dict[str, Any]) -> str:
    """Return the time of a record."""
    time = utc(record["time"])
    return f"{time} UTC" if time else f"at {record['time']} s of Unix time"


def where(alert: dict[str, Any]) -> str:
    """Return chain and block."""
    height = "pending" if alert["block"] is None else f"block {alert['block']}"
    failed = ", failed" if alert["record"].get("failed") is True else ""
    return f"{chain(alert['chain'])} {height}{failed}"


def parties(alert: dict[str, Any]) -> Iterator[Fact]:
    """Yield the addresses that an alert is about, each whole and with what it is: suspect, victim, listed."""
    subject, evidence, record = alert["subject"], alert["evidence"], alert["record"]
    listed, direction = (text(evidence.get(key)) for key in ("address", "direction"))
    seen = f"listed as {clipped(direction, 40)}" if direction not in ("", "from", "to") else "listed"
    found = [(key, text(record.get(key))) for key in ("from", "to")]
    for key, address in (("subject", subject), ("address", listed)):
        if address not in (other for _, other in found):
            found.append((key, address))
    for key, address in found:
        if address:
            marks = [alert["role"]] * (address == subject) + [seen] * (address == listed)
            yield key, f"{clipped(address, _NAME)}  {', '.join(marks)}".rstrip()


def _inputs(record: dict[str, Any]) -> Iterator[Fact]:
    inputs = record.get("inputs")
    if isinstance(inputs, list) and len(inputs) > 1:
        yield "inputs", f"{len(inputs):,} addresses"


def _listings(alert: dict[str, Any]) -> Iterator[Fact]:
    found = matches(alert)
    for match in found[:_MATCHES_SHOWN]:
        yield "list", _listing(match)
    if len(found) > _MATCHES_SHOWN:
        yield "list", f"and {len(found) - _MATCHES_SHOWN:,} more"


def _listing(match: dict[str, Any]) -> str:
    name, date, category, label, listed, delisted = (
        clipped(text(match.get(key)), _LABEL)
        for key in ("list", "list_date", "category", "label", "listed", "delisted")
    )
    words = [f"{name} ({date}): {category}"]
    words += [f'"{label}"'] * bool(label)
    words += [f"listed {listed}"] * bool(listed)
    words += [f"delisted {delisted}"] * bool(delisted)
    return ", ".join(words)


def _numbers(alert: dict[str, Any]) -> Iterator[Fact]:
    if alert["rule"] == HELD_BACK:
        yield from _held_back(alert["evidence"])
        return
    for key, value in alert["evidence"].items():
        if key == "lowered_by":
            yield "lowered", clipped(_reasons(value), _EVIDENCE)
        elif key == "method" and value in (None, alert["record"].get("method")):
            continue  # the movement says it
        elif key not in ("matches", "address", "direction", "thresholds"):  # txdetect --explain has those
            yield "because", f"{clipped(key, 40)} = {clipped(text(value), _EVIDENCE)}"


def _held_back(evidence: dict[str, Any]) -> Iterator[Fact]:
    """Tell what a digest counts."""
    for key, name in (("severities", "severity"), ("rules", "rule"), ("subjects", "subject")):
        counts = evidence.get(key)
        for item, count in counts.items() if isinstance(counts, dict) else ():
            yield name, f"{clipped(item, _NAME)}  {clipped(text(count), _LABEL)} held back"


def _reasons(value: Any) -> str:
    reasons = value if isinstance(value, list) else [value]
    return ", ".join(_LOWERED.get(text(reason), text(reason)) for reason in reasons)


def _heartbeat(record: dict[str, Any], paint: Paint) -> str:
    status = record["status"]
    height = "no block yet" if record["block"] is None else f"last block {record['block']}"
    says = f"{height}, {record['lag_s']:,} s behind, says {clipped(record['source'], 40)}"
    return f"{paint('notice', status.upper())}  {when(record)}  {chain(record['chain'])}  {says}"
