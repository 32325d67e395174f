"""Lines to checked records; every later stage trusts what comes from here."""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any, Literal, Required, TypedDict

import msgspec

from txpipe.errors import RecordFault
from txpipe.fields import FIELDS, NAME_CHARS
from txpipe.record import check, compiled, loads
from txpipe.stream import BadLines

Item = tuple[bytes, dict[str, Any]]
"""A line without its newline, byte for byte, and the record it holds."""


def in_full(line: bytes) -> dict[str, Any]:
    """Return the record that a line holds.

    Raises:
        RecordFault: it holds none.
    """
    return check(loads(line))


def taken(
    batches: Iterable[tuple[int, list[bytes]]],
    name: str,
    bad: BadLines,
    read: Callable[[bytes], Any] = in_full,
) -> Iterator[list[Item]]:
    """Read every line; report and skip those that are no records.

    Args:
        batches: as ``stream.numbered_batches`` gives them.
        name: the input's name for messages.
        bad: takes the reports.
        read: ``in_full``; or ``outlines``, where nobody looks into the evidence and the record.

    Yields:
        Alerts and, unchanged, records of every other type, in input order; those of a batch together.

    Raises:
        BadLine: at the first bad line, under strict, after what came before it.
    """
    for first, lines in batches:
        found: list[Item] = []
        for number, line in enumerate(lines, first):
            try:
                found.append((line, read(line)))
            except RecordFault as exc:  # mostly there are no blank lines: they are looked for last
                if line and not line.isspace():
                    if bad.strict:
                        yield found
                    bad.report(name, number, str(exc))
        yield found


class _Empty(TypedDict):
    """An object of which no key is looked at."""


_Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_KINDS: dict[str, Any] = {
    "type(v) is str": str,
    "type(v) is bool": bool,
    "type(v) is int": Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)],
    "type(v) is int and v >= 0": _Count,
    "type(v) is int and 0 <= v <= 100": Annotated[int, msgspec.Meta(ge=0, le=100)],
    "v is None or type(v) is int and v >= 0": _Count | None,
    "type(v) is dict": _Empty,
    f"type(v) is str and 0 < len(v) <= {NAME_CHARS}": Annotated[
        str, msgspec.Meta(min_length=1, max_length=NAME_CHARS)
    ],
}
"""What decodes fields, by what they may hold; integers that are larger orjson reads in another way."""

_ONE_OF = re.compile(r"type\(v\) is str and v in (\{.*\})")


def outlines() -> Callable[[bytes], Any]:
    """Return what reads lines as ``in_full`` does, but alerts with empty evidence and an empty record.

    They are two thirds of an alert, and hold what takes longest. They must be sound JSON all the same; only
    a number beyond any float, as 1e999, is sound here, as in jq. What a field may hold is looked at while it
    is read, where that can be said so.
    """
    kinds: dict[str, Any] = {"type": Literal["alert"]}
    left = []
    for field in FIELDS["alert"]:
        key, is_required, valid, _ = field
        kind = _kind(valid)
        if kind is None:
            left.append(field)
        kinds[key] = Required[Any if kind is None else kind] if is_required else Any if kind is None else kind
    make: Any = TypedDict  # its keys are those of fields, which a type checker cannot see
    decode = msgspec.json.Decoder(make("outline", kinds, total=False)).decode
    is_good = compiled(left)

    def read(line: bytes) -> Any:
        if line.isascii():  # of what it passes over, msgspec does not check whether it is UTF-8
            try:
                found = decode(line)
                if is_good(found):
                    return found
            except (msgspec.MsgspecError, RecursionError):
                pass
        return in_full(line)  # which says what is wrong, or knows better

    return read


def _kind(valid: str) -> Any:
    """Return the type that decodes what a field may hold; None if none says all of it."""
    if one_of := _ONE_OF.fullmatch(valid):
        return Literal[tuple(ast.literal_eval(one_of[1]))]
    return _KINDS.get(valid)


def reread(line: bytes) -> dict[str, Any]:
    """Parse an alert that was let through, in full.

    A number beyond any float is the largest there is: where alerts are read in outline, nobody looked at it.

    Raises:
        RecordFault: it is no alert that was let through.
    """
    try:
        return loads(line)
    except RecordFault:
        try:
            found = json.loads(line, parse_float=_finite, parse_int=_whole, parse_constant=_none)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise
        return found


def _finite(text: str) -> float:
    return min(max(float(text), -_LARGEST), _LARGEST)


def _whole(text: str) -> int | float:
    """Return an integer of 64 bits as one, others as the nearest float, as orjson does."""
    return int(text) if len(text) < 19 else _finite(text)


def _none(text: str) -> None:
    raise ValueError(text)  # NaN and Infinity are no JSON


_LARGEST = sys.float_info.max
