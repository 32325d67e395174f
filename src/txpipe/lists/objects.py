"""Lists in JSON: an array, one object a line, or an object that holds either."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from txpipe.errors import ListFault
from txpipe.lists import words
from txpipe.lists.entry import Entry
from txpipe.lists.reading import Reading, holds_address
from txpipe.stream import MAX_LINE, TooLong, too_long

_RECORDS = ("transfer", "call", "approval", "block", "reorg", "heartbeat", "alert", "label")

WHOLE_LIMIT = 32 << 20
"""Bytes of a JSON document, unpacked, that is read in one piece; longer lists come as NDJSON."""

_CONTAINERS = 1_000_000
"""Brackets in such a document: an empty array takes three bytes in the file and 70 in memory."""


def read_ndjson(path: str, batches: Iterable[bytes | TooLong], reading: Reading) -> Iterator[Entry]:
    """Read one JSON object, or string, a line."""
    number = 0
    for batch in batches:
        if isinstance(batch, TooLong):
            number += 1
            reading.faults.report(f"{path}:{number}", too_long(batch, MAX_LINE))
            continue
        for line in batch[:-1].split(b"\n"):
            number += 1
            if not line or line.isspace():
                continue
            try:
                value = orjson.loads(line)
            except orjson.JSONDecodeError as exc:
                reading.faults.report(f"{path}:{number}", f"no JSON: {exc}")
                continue
            entry = _entry(f"{path}:{number}", value, reading)
            if entry:
                yield entry


def read_json(path: str, content: bytes, reading: Reading) -> Iterator[Entry]:
    """Read an array of strings or objects, or an object with one such array or with addresses as its keys.

    Raises:
        ListFault: no JSON, too much of it, or nothing in it that can be a list.
    """
    if content.count(b"[") + content.count(b"{") > _CONTAINERS:
        raise ListFault(path, f"has more than {_CONTAINERS:,} arrays and objects; give it as NDJSON or CSV")
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError as exc:
        raise ListFault(path, f"is no JSON: {exc}") from exc
    for number, value in enumerate(_rows(path, found, reading), 1):
        entry = _entry(f"{path}#{number}", value, reading)
        if entry:
            yield entry


def _rows(path: str, found: Any, reading: Reading) -> Iterable[Any]:
    if isinstance(found, list):
        return found
    if not isinstance(found, dict):
        raise ListFault(path, "holds neither a JSON array nor objects")
    if is_record(found):
        return [found]
    date = found.get("date") or found.get("lastmod") or found.get("updated")
    if isinstance(date, str | int):
        reading.date = words.day(str(date)) or ""
    keyed = {key: value for key, value in found.items() if holds_address(key)}
    arrays = [value for key, value in found.items() if isinstance(value, list) and key not in keyed]
    if len(arrays) == 1:
        return itertools.chain(arrays[0], _keyed(keyed))
    if "address" in words.roles(tuple(found)):
        return itertools.chain([found], _keyed(keyed))
    return _keyed(found)


def _keyed(found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a row for each key that is an address, or stands before an object that names one."""
    for key, value in found.items():
        if not isinstance(value, dict):
            yield {"address": key, "label": value}
            continue
        own = row_of(value).get("address", key)
        if own != key and holds_address(key):
            yield value
        yield value | {"address": key} if holds_address(key) else {"address": key} | value


def _entry(place: str, value: Any, reading: Reading) -> Entry | None:
    if isinstance(value, str):
        return reading.entry(place, {"address": value})
    if not isinstance(value, dict):
        reading.faults.report(place, "is neither a string nor an object")
        return None
    row = row_of(value)
    if not row.get("address"):
        reading.records += is_record(value)
        reading.faults.report(place, "names no address")
        return None
    return reading.entry(place, row)


def is_record(value: Mapping[str, Any]) -> bool:
    """Tell whether an object is a record of a txpipe stream; those name accounts, but list none."""
    return value.get("type") in _RECORDS and "chain" in value


def row_of(value: Mapping[str, Any]) -> dict[str, str]:
    """Pick the texts of an object by role; numbers count as text, of an array the strings."""
    values = list(value.values())
    found = ((role, _text(values[at])) for role, at in words.roles(tuple(value)).items())
    return {role: text for role, text in found if text}


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ", ".join(item for item in value[:20] if isinstance(item, str))
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""
