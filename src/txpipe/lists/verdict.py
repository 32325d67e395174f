"""What lists say: of an address, of themselves, and of each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from txpipe.address import family
from txpipe.lists import words
from txpipe.lists.entry import Entry
from txpipe.lists.index import Index
from txpipe.lists.reading import unusable
from txpipe.visible import clipped

LISTED: Literal["listed"] = "listed"
NOT_LISTED = "not listed"
UNCHECKED = "unchecked"

_SANCTIONS = "sanctions"
_WIDTH = len(NOT_LISTED)
_NAME = 128
_FIELDS = ("list", "list_date", "category", "label", "listed", "delisted", "asset", "source")


def verdict(text: str, block: Index | None, allow: Index | None, day: str = "") -> dict[str, Any]:
    """Say whether an address is listed.

    Args:
        text: an address in any spelling.
        block: the blocklists; None if there are none.
        allow: the allow-lists; None if there are none. Their entries are shown as ``allow_entries``; they do
            not change the verdict, ``allowed`` says whether they silence it in txdetect.
        day: judge the entries' dates as of that day, YYYY-MM-DD; empty for now, when what was delisted no
            longer counts.

    Returns:
        A ``verdict`` record. "not listed" only where some list holds addresses of this family; elsewhere
        "unchecked" with a reason: no answer is not a clean one.
    """
    address = words.address(text)
    found = block.find(address) if block else ()
    result: dict[str, Any] = {"type": "verdict", "address": address}
    if any(entry.active(day) for entry in found):
        result["verdict"] = LISTED
    elif reason := _unchecked(address, block):
        result |= {"verdict": UNCHECKED, "reason": reason}
    else:
        result["verdict"] = NOT_LISTED
    result["entries"] = [_shown(entry) | {"active": entry.active(day)} for entry in found]
    allowing = allow.find(address) if allow else ()
    result["allowed"] = bool(allowing) and not any(_unsilenced(entry, day) for entry in found)
    if allowing:
        result["allow_entries"] = [_shown(entry) | {"active": entry.active(day)} for entry in allowing]
    return result


def _unsilenced(entry: Entry, day: str) -> bool:
    """Tell whether an entry counts in spite of allow-lists, as ``detect.screener`` has it."""
    delisted = entry.delisted and not (day and day < entry.delisted)
    return entry.category == _SANCTIONS and not delisted


def line(result: dict[str, Any]) -> str:
    """Return a verdict as one line for people."""
    said = result["verdict"]
    shown = f"{said.upper() if said == LISTED else said:<{_WIDTH}}  {clipped(result['address'], _NAME)}"
    if "reason" in result:
        shown += f"  {result['reason']}"
    entries = result["entries"]
    if entries:
        first = next((entry for entry in entries if entry["active"]), entries[0])
        shown += f"  {_told(first)}"
        if len(entries) > 1:
            shown += f"; and {len(entries) - 1:,} more"
    if result["allowed"]:
        shown += f"; allowed by {result['allow_entries'][0]['list']}"
    return shown


def _told(entry: dict[str, Any]) -> str:
    parts = [f"{entry['list']} ({entry['list_date']}): {entry['category']}"]
    if label := entry.get("label"):
        parts.append(f'"{label}"')
    parts += [f"{key} {entry[key]}" for key in ("listed", "delisted") if key in entry]
    return ", ".join(parts)


def _unchecked(address: str, block: Index | None) -> str:
    if reason := unusable(address):
        return reason
    if block is None:
        return "no list was given"
    return "" if block.covers(address) else f"no list holds {family(address)} addresses"


def _shown(entry: Entry) -> dict[str, Any]:
    return {name: value for name in _FIELDS if (value := getattr(entry, name))}


def summaries(index: Index) -> Iterator[dict[str, Any]]:
    """Yield a ``list`` record for each list, and each category within it, of an index."""
    for each in index.lists:
        yield {"type": "list"} | each


def table(index: Index) -> Iterator[str]:
    """Yield the same as lines for people, with a header and a sum."""
    rows = [("list", "date", "category", "entries", "families")]
    for each in index.lists:
        families = ", ".join(f"{name} {count:,}" for name, count in each["families"].items())
        rows.append((each["list"], each["list_date"], each["category"], f"{each['entries']:,}", families))
    widths = [max(len(row[at]) for row in rows) for at in range(4)]
    for row in rows:
        left = "  ".join(text.ljust(width) for text, width in zip(row, widths[:3], strict=False))
        yield f"{left}  {row[3].rjust(widths[3])}  {row[4]}"
    yield f"{index.addresses:,} distinct addresses"


def changes(old: Index, new: Index) -> Iterator[dict[str, Any]]:
    """Yield a ``change`` record for each address whose entries differ, in the order of addresses.

    Names and dates of the lists themselves do not count as differences: they are two versions of one.
    """
    found: dict[str, dict[str, Any]] = {}
    for entry in new.entries():
        before, after = old.find(entry.address), new.find(entry.address)
        if not before:
            found[entry.address] = {"change": "added", "entries": after}
        elif set(map(_content, before)) != set(map(_content, after)):
            found[entry.address] = {"change": "changed", "entries": after, "was": before}
    for entry in old.entries():
        if not new.find(entry.address):
            found[entry.address] = {"change": "removed", "was": old.find(entry.address)}
    for address, change in sorted(found.items()):
        yield {"type": "change", "address": address} | {
            key: value if isinstance(value, str) else [_shown(entry) for entry in value]
            for key, value in change.items()
        }


def _content(entry: Entry) -> tuple[str, ...]:
    return entry.category, entry.label, entry.listed, entry.delisted, entry.asset, entry.source
