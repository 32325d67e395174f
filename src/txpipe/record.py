"""The wire types: one JSON object a line; the only module that decides JSON keys.

Shapes follow CAIP-2 (chains), CAIP-19 (assets) and README's "Records". Amounts stay exact at any size: they
are decimal strings, because orjson reads integers of 2^64 and more as floats.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Callable, Iterable
from typing import Any, Literal, NotRequired, TypedDict

import orjson

from txpipe.errors import RecordFault

Severity = Literal["info", "low", "medium", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "low", "medium", "high", "critical")

Transfer = TypedDict(
    "Transfer",
    {
        "type": Literal["transfer"],
        "chain": str,
        "block": int | None,
        "time": int,
        "tx": str,
        "n": int,
        "from": str | None,
        "to": str | None,
        "asset": str,
        "value": str,
        "symbol": NotRequired[str],
        "amount": NotRequired[str],
        "usd": NotRequired[float],
        "sub": NotRequired[int],
        "inputs": NotRequired[list[str]],
        "method": NotRequired[str],
        "mentions": NotRequired[list[str]],
        "follows": NotRequired[int],
        "pending": NotRequired[bool],
        "failed": NotRequired[bool],
    },
)
"""Value that moved: native coin (n 0), token by log (log index + 1), UTXO output (output index)."""

Call = TypedDict(
    "Call",
    {
        "type": Literal["call"],
        "chain": str,
        "block": int | None,
        "time": int,
        "tx": str,
        "n": int,
        "from": str | None,
        "to": str | None,
        "value": str,
        "method": NotRequired[str],
        "mentions": NotRequired[list[str]],
        "follows": NotRequired[int],
        "pending": NotRequired[bool],
        "failed": NotRequired[bool],
    },
)
"""A transaction that carries no value of its own, or that failed."""

Approval = TypedDict(
    "Approval",
    {
        "type": Literal["approval"],
        "chain": str,
        "block": int | None,
        "time": int,
        "tx": str,
        "n": int,
        "from": str | None,
        "to": str | None,
        "asset": str,
        "value": str,
        "scope": Literal["amount", "all"],
        "via": Literal["approve", "permit", "setApprovalForAll"],
        "symbol": NotRequired[str],
        "amount": NotRequired[str],
        "sub": NotRequired[int],
        "pending": NotRequired[bool],
    },
)
"""The right that an owner (from) gives a spender or operator (to)."""


class Block(TypedDict):
    """Closes a block; ``records`` counts the records of the block before this one."""

    type: Literal["block"]
    chain: str
    block: int
    time: int
    hash: str
    parent: str
    records: int


class Alert(TypedDict):
    """One rule, one transaction, one subject."""

    type: Literal["alert"]
    id: str
    status: Literal["open", "updated", "retracted"]
    rev: int
    rule: str
    category: str
    severity: Severity
    score: int
    chain: str
    block: int | None
    time: int
    tx: str
    n: int
    subject: str
    role: Literal["suspect", "victim"]
    title: str
    evidence: dict[str, Any]
    record: Any


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
            raise RecordFault('no "type"')
        raise RecordFault(f'"type" is {_shown(kind)}, not a string')
    if kind not in _FIELDS:
        return record
    try:
        good = (_TESTS.get(kind) or _test(kind))(record)
    except KeyError:
        good = False
    if not good:
        raise _fault(kind, record)
    return record


def _test(kind: str) -> Callable[[dict[str, Any]], bool]:
    """Compile a type's fields to one function: half the cost of calling a test a field."""
    lines = ["def test(record):"]
    for key, required, valid, _ in _FIELDS[kind]:
        if required:
            lines += [f"    v = record[{key!r}]", f"    if not ({valid}): return False"]
        else:
            lines += [f"    if {key!r} in record:", f"        v = record[{key!r}]"]
            lines += [f"        if not ({valid}): return False"]
    names: dict[str, Any] = dict(_NAMES)
    exec("\n".join([*lines, "    return True"]), names)  # noqa: S102 - made of the constants below
    test: Callable[[dict[str, Any]], bool] = names["test"]
    _TESTS[kind] = test
    return test


def _fault(kind: str, record: dict[str, Any]) -> RecordFault:
    """Say what is wrong with the first field that is not as it should be."""
    for key, required, valid, wanted in _FIELDS[kind]:
        if key not in record:
            if required:
                return RecordFault(f'{kind} without "{key}"')
        elif not eval(valid, dict(_NAMES), {"v": record[key]}):  # noqa: S307 - a constant below
            article = "an" if kind[0] == "a" else "a"
            return RecordFault(f'"{key}" of {article} {kind} is {_shown(record[key])}, not {wanted}')
    raise AssertionError(kind)


def alert_id(rule: str, chain: str, tx: str, subject: str) -> str:
    """Return the 32 hex digits that name an alert: the same facts give the same id on every run."""
    text = f"{rule}\x1f{chain}\x1f{tx}\x1f{subject}"
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def decimal(value: int, decimals: int) -> str:
    """Write an integer of base units as a plain decimal, exact, without exponent or trailing zeros.

    >>> decimal(1250000000000000000, 18)
    '1.25'
    """
    if decimals <= 0:
        return str(value * 10**-decimals)
    sign, digits = ("-", str(-value)) if value < 0 else ("", str(value))
    digits = digits.rjust(decimals + 1, "0")
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}".rstrip("0").rstrip(".")


def _shown(value: object) -> str:
    if isinstance(value, (dict, list)):  # which may be nested deeper than can be written
        return "an object" if isinstance(value, dict) else "an array"
    text = json.dumps(value[:60] if isinstance(value, str) else value)
    return text if len(text) <= 60 else f"{text[:57]}..."


# What a field may hold: an expression over its value v. Exact types, because True is an int to isinstance.

_Field = tuple[str, bool, str, str]
_INTEGER = "type(v) is int"
_STRING = "type(v) is str"
_NUMBER = "type(v) is int or type(v) is float"
_FLAG = "type(v) is bool"
_OBJECT = "type(v) is dict"
_STRINGS = "type(v) is list and all(type(item) is str for item in v)"
_NOT_NEGATIVE = "type(v) is int and v >= 0"
_HEIGHT_OR_NULL = "v is None or type(v) is int and v >= 0"
_PARTY = "v is None or type(v) is str and v != ''"
_DIGITS = "type(v) is str and digits(v)"
_PLAIN_DECIMAL = "type(v) is str and plain_decimal(v)"


@functools.lru_cache(256)
def _caip2(name: str) -> bool:
    return re.fullmatch(r"[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}", name) is not None


_NAMES: dict[str, Any] = {
    "caip2": _caip2,
    "digits": re.compile(r"-?[0-9]{1,100}").fullmatch,
    "plain_decimal": re.compile(r"-?[0-9]{1,100}(?:\.[0-9]{1,100})?").fullmatch,
    "hex32": re.compile(r"[0-9a-f]{32}").fullmatch,
}


def _one_of(*allowed: str) -> str:
    return f"type(v) is str and v in {set(allowed)!r}"


def _required(*fields: tuple[str, str, str]) -> tuple[_Field, ...]:
    return tuple((key, True, valid, wanted) for key, valid, wanted in fields)


def _optional(*fields: tuple[str, str, str]) -> tuple[_Field, ...]:
    return tuple((key, False, valid, wanted) for key, valid, wanted in fields)


_CHAIN = ("chain", "type(v) is str and len(v) <= 41 and caip2(v)", "a CAIP-2 chain as in eip155:1")
_TIME = ("time", _INTEGER, "Unix seconds as an integer")
_TX = ("tx", _STRING, "a transaction hash")
_N = ("n", _INTEGER, "an integer")
_HEIGHT = ("block", _HEIGHT_OR_NULL, "a height or null")
_WHOLE = ("value", _DIGITS, "a string of decimal digits")
_ASSET = ("asset", _STRING, "a CAIP-19 asset")
_FROM_TO = (("from", _PARTY, "an address or null"), ("to", _PARTY, "an address or null"))
_PLACE = (_CHAIN, _HEIGHT, _TIME, _TX, _N)
_SHOWN_AMOUNT = (("symbol", _STRING, "a string"), ("amount", _PLAIN_DECIMAL, "a plain decimal string"))
_IN_CALLDATA = (
    ("method", _STRING, "a 4-byte selector in hex"),
    ("mentions", _STRINGS, "a list of addresses"),
    ("follows", _NOT_NEGATIVE, "a count"),
)
_PENDING = ("pending", _FLAG, "true or false")
_FAILED = ("failed", _FLAG, "true or false")
_SUB = ("sub", _NOT_NEGATIVE, "an index")

_FIELDS: dict[str, tuple[_Field, ...]] = {
    "transfer": _required(*_PLACE, *_FROM_TO, _ASSET, _WHOLE)
    + _optional(
        *_SHOWN_AMOUNT,
        ("usd", _NUMBER, "a number"),
        _SUB,
        ("inputs", _STRINGS, "a list of addresses"),
        *_IN_CALLDATA,
        _PENDING,
        _FAILED,
    ),
    "call": _required(*_PLACE, *_FROM_TO, _WHOLE) + _optional(*_IN_CALLDATA, _PENDING, _FAILED),
    "approval": _required(
        *_PLACE,
        *_FROM_TO,
        _ASSET,
        _WHOLE,
        ("scope", _one_of("amount", "all"), "amount or all"),
        ("via", _one_of("approve", "permit", "setApprovalForAll"), "approve, permit or setApprovalForAll"),
    )
    + _optional(*_SHOWN_AMOUNT, _SUB, _PENDING),
    "block": _required(
        _CHAIN,
        ("block", _NOT_NEGATIVE, "a height"),
        _TIME,
        ("hash", _STRING, "a block hash"),
        ("parent", _STRING, "a block hash"),
        ("records", _NOT_NEGATIVE, "a count"),
    ),
    "reorg": _required(
        _CHAIN,
        _TIME,
        ("block", _NOT_NEGATIVE, "a height"),
        ("depth", _NOT_NEGATIVE, "a count"),
        ("dropped", _STRINGS, "a list of transaction hashes"),
    ),
    "heartbeat": _required(
        _CHAIN,
        _TIME,
        ("status", _one_of("ok", "stalled", "blind"), "ok, stalled or blind"),
        _HEIGHT,
        ("lag_s", _NUMBER, "seconds"),
        ("records", _NOT_NEGATIVE, "a count"),
        ("bad", _NOT_NEGATIVE, "a count"),
        ("source", _STRING, "a command's name"),
    ),
    "alert": _required(
        ("id", "type(v) is str and hex32(v)", "32 hex digits"),
        ("status", _one_of("open", "updated", "retracted"), "open, updated or retracted"),
        ("rev", _NOT_NEGATIVE, "a count"),
        ("rule", _STRING, "a rule's id"),
        ("category", _STRING, "a category"),
        ("severity", _one_of(*SEVERITIES), "one of " + ", ".join(SEVERITIES)),
        ("score", "type(v) is int and 0 <= v <= 100", "an integer from 0 to 100"),
        *_PLACE,
        ("subject", _STRING, "an address"),
        ("role", _one_of("suspect", "victim"), "suspect or victim"),
        ("title", _STRING, "a sentence"),
        ("evidence", _OBJECT, "an object"),
        ("record", _OBJECT, "the record that fired"),
    )
    + _optional(
        ("incident", _STRING, "an incident's id"),
        ("parts", "type(v) is list or type(v) is dict", "the parts of the score"),
        ("shadow", _FLAG, "true or false"),
    ),
    "label": _required(
        _CHAIN,
        _TX,
        _N,
        ("scenario", _STRING, "a scenario's name"),
        ("instance", _NOT_NEGATIVE, "a count"),
        ("role", _one_of("attack", "setup", "payoff", "benign-lookalike"), "a label's role"),
        ("fraud", _FLAG, "true or false"),
    ),
}

_TESTS: dict[str, Callable[[dict[str, Any]], bool]] = {}

TYPES: tuple[str, ...] = tuple(_FIELDS)
"""Every record type that is checked; a record of another type passes unchecked."""


def fields(kind: str) -> Iterable[tuple[str, bool]]:
    """Yield (key, required) of a record type besides ``type``, in their order on the wire."""
    return ((key, required) for key, required, _, _ in _FIELDS[kind])
