"""The wire types: one JSON object a line; with ``fields`` the only module that decides JSON keys.

Shapes follow CAIP-2 (chains), CAIP-19 (assets) and README's "Records". Amounts stay exact at any size: they
are decimal strings, because orjson reads integers of 2^64 and more as floats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal, NotRequired, TypedDict

import orjson

from txpipe.errors import RecordFault
from txpipe.fields import FIELDS, NAMES, SEVERITIES, Field, Severity


class Label(TypedDict):
    """What the simulator knows of a record; never part of the record itself."""

    type: Literal["label"]
    chain: str
    tx: str
    n: int
    scenario: str
    instance: int
    role: Literal["attack", "setup", "payoff", "benign-lookalike"]
    fraud: bool
    variant: NotRequired[Literal["standard", "adaptive"]]
    of: NotRequired[int]
    time: NotRequired[int]


def loads(line: bytes) -> dict[str, Any]:
    """Parse one line to a JSON object.

    Of duplicate keys the last one counts, as in jq and in most readers downstream.

    Raises:
        RecordFault: no JSON, no object, invalid UTF-8, NaN, nested too deep.
    """
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError as exc:
        raise RecordFault(f"no JSON: {exc.msg} at column {exc.colno}") from exc
    if not isinstance(found, dict):
        raise RecordFault("no JSON object")
    return found


def dumps(record: Any) -> bytes:
    """Write one record as a line with its newline; key order is kept.

    Raises:
        RecordFault: nested deeper than orjson writes (254 levels), although it reads 1,024.
    """
    try:
        return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError as exc:
        raise RecordFault(f"cannot be written: {exc}") from exc


def check(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record if it is a valid one of its type; unknown types and unknown keys pass.

    Raises:
        RecordFault: says the key, what it holds and what belongs there.
    """
    kind = record.get("type")
    if type(kind) is not str:
        if "type" not in record:
            raise RecordFault('no "type", so no record; raw chain data becomes records through txnorm')
        raise RecordFault(f'"type" is {_shown(kind)}, not a string')
    if kind not in FIELDS:
        return record
    try:
        good = (_TESTS.get(kind) or _test(kind))(record)
    except KeyError:
        good = False
    if not good:
        raise _fault(kind, record)
    return record


def _test(kind: str) -> Callable[[dict[str, Any]], bool]:
    _TESTS[kind] = test = compiled(FIELDS[kind])
    return test


def compiled(fields: Iterable[Field]) -> Callable[[dict[str, Any]], bool]:
    """Compile fields to one function, which says whether a record has them as they should be.

    That is half the cost of calling a test a field. Where one that is required lacks, it raises KeyError.
    """
    lines = ["def test(record):"]
    for key, required, valid, _ in fields:
        if required:
            lines += [f"    v = record[{key!r}]", f"    if not ({valid}): return False"]
        else:
            lines += [f"    if {key!r} in record:", f"        v = record[{key!r}]"]
            lines += [f"        if not ({valid}): return False"]
    names: dict[str, Any] = dict(NAMES)
    exec("\n".join([*lines, "    return True"]), names)  # noqa: S102 - made of the constants of fields
    test: Callable[[dict[str, Any]], bool] = names["test"]
    return test


def _fault(kind: str, record: dict[str, Any]) -> RecordFault:
    """Say what is wrong with the first field that is not as it should be."""
    for key, required, valid, wanted in FIELDS[kind]:
        if key not in record:
            if required:
                return RecordFault(f'{kind} without "{key}"')
        elif not eval(valid, dict(NAMES), {"v": record[key]}):  # noqa: S307 - a constant of fields
            article = "an" if kind[0] == "a" else "a"
            return RecordFault(f'"{key}" of {article} {kind} is {_shown(record[key])}, not {wanted}')
    raise AssertionError(kind)


def alert_id(rule: str, chain: str, tx: str, subject: str) -> str:
    """Return the 32 hex digits that name an alert: the same facts give the same id on every run."""
    import hashlib  # noqa: PLC0415 - only alerts need it, and every command starts

    text = f"{rule}\x1f{chain}\x1f{tx}\x1f{subject}"
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def decimal(value: int, decimals: int) -> str:
    """Write an integer of base units as a plain decimal, exact, without exponent or trailing zeros.

    >>> decimal(1250000000000000000, 18)
    '1.25'
    """
    if decimals <= 0:
        return str(value * 10**-decimals)
    return f"-{placed(str(-value), decimals)}" if value < 0 else placed(str(value), decimals)


def placed(digits: str, decimals: int) -> str:
    """Write a number of base units, given as digits, as ``decimal`` does; of one decimal or more."""
    digits = digits.rjust(decimals + 1, "0")
    part = digits[-decimals:].rstrip("0")
    return f"{digits[:-decimals]}.{part}" if part else digits[:-decimals]


def _shown(value: object) -> str:
    if isinstance(value, (dict, list)):  # which may be nested deeper than can be written
        return "an object" if isinstance(value, dict) else "an array"
    import json  # noqa: PLC0415 - see above

    text = json.dumps(value[:60] if isinstance(value, str) else value)
    return text if len(text) <= 60 else f"{text[:57]}..."


_TESTS: dict[str, Callable[[dict[str, Any]], bool]] = {}

TYPES: tuple[str, ...] = tuple(FIELDS)
"""Every record type that is checked; a record of another type passes unchecked."""


def fields(kind: str) -> Iterable[tuple[str, bool]]:
    """Yield (key, required) of a record type besides ``type``, in their order on the wire."""
    return ((key, required) for key, required, _, _ in FIELDS[kind])


__all__ = [
    "SEVERITIES",
    "TYPES",
    "Label",
    "Severity",
    "alert_id",
    "check",
    "decimal",
    "dumps",
    "fields",
    "loads",
]
