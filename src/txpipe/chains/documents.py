"""Documents from a byte input: JSON texts of any layout, or CSV rows."""

from __future__ import annotations

import codecs
import csv
import functools
import os
from collections.abc import Callable, Iterable, Iterator

from txpipe.chains.split import Splitter, Text
from txpipe.errors import InputFailed
from txpipe.stream import Source

MAX_DOCUMENT = 64 << 20
"""Bytes one document may have: a mainnet block with its receipts has up to about 15 MB."""

# Magic numbers: RFC 1952, bzip2's and xz's file format, RFC 8878.
_PACKED = (
    (b"\x1f\x8b", "gzip", "zcat"),
    (b"BZh", "bzip2", "bzcat"),
    (b"\x28\xb5\x2f\xfd", "zstd", "zstdcat"),
    (b"\xfd7zXZ\x00", "xz", "xzcat"),
)
_CSV_COLUMNS = frozenset(
    {
        "hash",
        "transaction_hash",
        "block_number",
        "block_hash",
        "number",
        "from_address",
        "to_address",
        "log_index",
    }
)
_HEADER_LIMIT = 1 << 16


def documents(
    source: Source, before_block: Callable[[], None], max_document: int = MAX_DOCUMENT
) -> Iterator[Text]:
    """Yield every document of an input, which is read to its end and closed.

    Args:
        source: the input.
        before_block: called before every read, which may wait.
        max_document: bytes a document may have; a longer one is refused without being held.

    Raises:
        InputFailed: the input broke off, or is compressed.
    """
    try:
        chunks = iter(functools.partial(source.read, before_block), b"")
        yield from texts(chunks, source.name, max_document)
    finally:
        if source.fd > 2:
            os.close(source.fd)


def texts(chunks: Iterable[bytes], name: str, max_document: int = MAX_DOCUMENT) -> Iterator[Text]:
    """Yield every document of a byte stream, whatever its chunks.

    Raises:
        InputFailed: it is compressed.
    """
    rest = iter(chunks)
    head = b""
    for chunk in rest:
        head = (head + chunk).removeprefix(codecs.BOM_UTF8)
        for magic, what, remedy in _PACKED:
            if head.startswith(magic):
                raise InputFailed(f"{name}: is compressed with {what}; pipe it through {remedy}")
        start = head.lstrip()
        if len(head) >= 6 and (start[:1] in (b"{", b"[") or b"\n" in start or len(head) > _HEADER_LIMIT):
            break
    if _is_header(head.lstrip().split(b"\n", 1)[0]):
        yield from _rows(head, rest, max_document)
        return
    splitter = Splitter(max_document)
    yield from splitter.feed(head)
    for chunk in rest:
        yield from splitter.feed(chunk)
    yield from splitter.finish()


def _is_header(line: bytes) -> bool:
    columns = line.decode("utf-8", "replace").strip().split(",")
    return len(columns) > 1 and not _CSV_COLUMNS.isdisjoint(columns)


def _rows(head: bytes, rest: Iterator[bytes], max_document: int) -> Iterator[Text]:
    """Read CSV with a header line; a repeated or another header line (concatenated files) takes over."""
    faults: list[Text] = []
    reader = csv.reader(_lines(head, rest, max_document, faults))
    header: list[str] = []
    while True:
        try:
            row = _next_row(reader, max_document)
        except csv.Error as exc:
            faults.append(Text(reader.line_num, 0, b"", fault=f"no CSV: {exc}"))
            continue
        yield from faults
        faults.clear()
        if row is None:
            return
        if not row:
            continue
        if not header or (not _CSV_COLUMNS.isdisjoint(row) and len(row) > 1):
            header = [cell.strip() for cell in row]
        elif len(row) != len(header):
            reason = f"{len(row)} columns, the header has {len(header)}"
            yield Text(reader.line_num, 0, b"", fault=reason)
        else:
            value = {key: cell for key, cell in zip(header, row, strict=True) if cell != ""}
            yield Text(reader.line_num, 0, b"", value)


def _next_row(reader: Iterator[list[str]], longest: int) -> list[str] | None:
    """Read a row; the limit of a field is the csv module's own, and others of the process read CSV too."""
    before = csv.field_size_limit(longest)
    try:
        return next(reader, None)
    finally:
        csv.field_size_limit(before)


def _lines(head: bytes, rest: Iterator[bytes], max_document: int, faults: list[Text]) -> Iterator[str]:
    """Cut decoded lines; one over the limit or no UTF-8 becomes a fault and an empty line."""
    held, dropped, line = bytearray(head), 0, 0
    ended = False
    while not ended:
        start = 0
        while (end := held.find(b"\n", start)) >= 0:
            line += 1
            yield _decoded(bytes(held[start : end + 1]), dropped, max_document, line, faults)
            start, dropped = end + 1, 0
        del held[:start]
        if len(held) > max_document:
            dropped += len(held)
            held.clear()
        chunk = next(rest, b"")
        ended = not chunk
        held += chunk
    if held or dropped:
        yield _decoded(bytes(held), dropped, max_document, line + 1, faults)


def _decoded(raw: bytes, dropped: int, max_document: int, line: int, faults: list[Text]) -> str:
    if len(raw) + dropped > max_document:
        reason = f"over the limit of {max_document:,} bytes a line; --max-document raises it"
    else:
        try:
            return raw.decode()
        except UnicodeDecodeError:
            reason = "no UTF-8"
    faults.append(Text(line, 0, b"", fault=reason))
    return "\n"
