"""Lines to checked records; every later stage trusts what comes from here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any, TypedDict

import msgspec

from txpipe.errors import RecordFault
from txpipe.fields import FIELDS
from txpipe.record import check, loads
from txpipe.stream import BadLines

Item = tuple[bytes, dict[str, Any]]
"""A line without its newline, byte for byte, and the record it holds."""


def taken(
    lines: Iterable[tuple[int, bytes]], name: str, bad: BadLines, read: Callable[[bytes], Any] = loads
) -> Iterator[Item]:
    """Parse and check every line; report and skip those that are no records.

    Args:
        lines: number and bytes of each, as ``stream.numbered_lines`` gives them.
        name: the input's name for messages.
        bad: takes the reports.
        read: ``loads``; or ``outlines``, where nobody looks into the evidence and the record.

    Yields:
        Alerts and, unchanged, records of every other type, in input order.

    Raises:
        BadLine: at the first bad line, under strict.
    """
    for number, line in lines:
        try:
            record = check(read(line))
        except RecordFault as exc:
            bad.report(name, number, str(exc))
        else:
            yield line, record


_Whole = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)] | None
"""An integer that orjson reads as one, too; for larger ones it is asked itself."""


class _Empty(TypedDict):
    """An object of which no key is looked at."""


def outlines() -> Callable[[bytes], Any]:
    """Return what reads lines as ``loads`` does, but alerts with empty evidence and an empty record.

    They are two thirds of an alert, and hold what takes longest. They must be sound JSON all the same; only
    a number beyond any float, as 1e999, is sound here, as in jq.
    """
    kinds: dict[str, Any] = {"type": Any, "evidence": _Empty, "record": _Empty}
    for key, _, valid, _ in FIELDS["alert"]:
        kinds.setdefault(key, _Whole if "int" in valid else Any)
    make: Any = TypedDict  # its keys are those of fields, which a type checker cannot see
    decode = msgspec.json.Decoder(make("outline", kinds, total=False)).decode

    def read(line: bytes) -> Any:
        if line.isascii():  # of what it passes over, msgspec does not check whether it is UTF-8
            try:
                found = decode(line)
            except (msgspec.MsgspecError, RecursionError):
                return loads(line)  # which says what is wrong, or knows better
            if found.get("type") == "alert":
                return found
        return loads(line)

    return read
