"""Which format a list has, told by its content, and its entries."""

from __future__ import annotations

import re
from collections.abc import Iterator

import orjson

from txpipe.errors import ListFault
from txpipe.lists import objects, ofac, tables, tagpack, words
from txpipe.lists.entry import Addresses, Entry
from txpipe.lists.inputs import Input, Progress
from txpipe.lists.reading import Faults, ListSpec, Reading, holds_address, unusable
from txpipe.stream import cut_lines

_HEAD = 1 << 16
_BOM = b"\xef\xbb\xbf"
_TAGPACK = re.compile(rb"^(?:tags|title|creator|label|lastmod|description):(?:\s|$)", re.MULTILINE)
_TABLE = re.compile(r"\.(?:csv|tsv)(?:\.(?:gz|bz2))?$", re.IGNORECASE)


def read(
    source: Input, spec: ListSpec, faults: Faults, progress: Progress | None = None
) -> Iterator[Entry | Addresses]:
    """Read a list of any format.

    Args:
        source: the file.
        spec: name, category and date that were asked for.
        faults: where bad rows go.
        progress: told of the bytes read.

    Yields:
        Entries in the file's order, canonical, not yet freed of duplicates.

    Raises:
        ListFault: the file is of no known format, or not one entry in it is usable.
    """
    some = False
    reading = Reading(spec, faults)
    for item in _items(source, reading, progress):
        if not some:
            some = True
            faults.release()
        yield item
    if not some:
        raise ListFault(source.path, reading.why_none())
    reading.tell_default()


def _items(source: Input, reading: Reading, progress: Progress | None) -> Iterator[Entry | Addresses]:
    path = source.path
    head = source.head(_HEAD).removeprefix(_BOM)
    form = detect(path, head)
    if form == "ofac":
        return ofac.read_ofac(path, source.chunks(progress), reading)
    if form == "tagpack":
        return tagpack.read_tagpack(path, source.whole(tagpack.WHOLE_LIMIT, progress), reading)
    if form == "json":
        content = source.whole(objects.WHOLE_LIMIT, progress).removeprefix(_BOM)
        return objects.read_json(path, content, reading)
    batches = cut_lines(source.chunks(progress))
    if form == "ndjson":
        return objects.read_ndjson(path, batches, reading)
    if form == "csv":
        return tables.read_csv(path, batches, reading)
    return tables.read_plain(path, batches, reading)


def detect(path: str, head: bytes) -> str:
    """Name the format of a file by its first bytes.

    Args:
        path: its name; decides only whether lines without a known address column are a table, and for an
            empty file's message.
        head: the first bytes, unpacked, without byte order mark.

    Returns:
        ``ofac``, ``tagpack``, ``json``, ``ndjson``, ``csv`` or ``plain``.

    Raises:
        ListFault: there is nothing in it but space.
    """
    start = head.lstrip()
    if not start:
        raise ListFault(path, "is empty")
    if start.startswith(b"<"):
        return "ofac"
    if start.startswith(b"["):
        return "json"
    if start.startswith(b"{"):
        return _objects(start)
    lines = [line for line in start.decode("utf-8", "replace").splitlines() if line.strip()]
    first = next((line for line in lines if not line.startswith("#")), "")
    if not _is_entry(first) and "address" in words.roles(tuple(tables.csv_header(first)[0])):
        return "csv"
    if len(_TAGPACK.findall(head)) >= 2 or (first.strip() == "---" and _TAGPACK.search(head)):
        return "tagpack"
    return "csv" if first and _TABLE.search(path) else "plain"


def _is_entry(line: str) -> bool:
    """Tell an address from a header: the comment behind it may hold commas and the word wallet."""
    address, mark, _ = line.partition("#")
    return holds_address(line) or (bool(mark) and not unusable(words.address(address)))


def _objects(start: bytes) -> str:
    """Tell one JSON object a line from one JSON object in all."""
    lines = [line for line in start.split(b"\n") if not line.isspace() and line]
    if len(lines) > 1:
        try:
            orjson.loads(lines[0])
        except orjson.JSONDecodeError:
            return "ndjson" if lines[1].startswith(b"{") else "json"
        return "ndjson"
    return "json"
