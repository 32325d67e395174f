"""The wire types: one JSON object a line; the only module that decides JSON keys.

Shapes follow CAIP-2 (chains), CAIP-19 (assets) and README's "Records". Amounts stay exact at any size: they
are decimal strings, because orjson reads integers of 2^64 and more as floats.
"""

from __future__ import annotations

import hashlib
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
        raise RecordFault(f"no JSON: {exc}") from exc
    if not isinstance(found, dict):
        raise RecordFault("no JSON object")
    return found


def dumps(record: Any) -> bytes:
    """Write one record as a line with its newline; key order is kept."""
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


def check(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record if it is a valid one of its type; unknown types and unknown keys pass.

    Raises:
        RecordFault: says the key, what it holds and what belongs there.
    """
    kind = record.get("type")
    if not isinstance(kind, str):
        raise RecordFault(f'"type" is {_shown(kind)}, not a string')
    for key, required, valid, wanted in _FIELDS.get(kind, ()):
        try:
            value = record[key]
        except KeyError:
            if required:
                raise RecordFault(f'{kind} without "{key}"') from None
            continue
        if not valid(value):
            raise RecordFault(f'"{key}" of a {kind} is {_shown(value)}, not {wanted}')
    return record


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
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


# --- what a field may hold --------------------------------------------------------------------------------

_Check = tuple[str, bool, Callable[[Any], bool], str]
_digits = re.compile(r"-?[0-9]{1,100}").fullmatch
_plain = re.compile(r"-?[0-9]{1,100}(?:\.[0-9]{1,100})?").fullmatch
_caip2 = re.compile(r"[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}").fullmatch
_id = re.compile(r"[0-9a-f]{32}").fullmatch


def _integer(value: Any) -> bool:
    return type(value) is int


def _string(value: Any) -> bool:
    return type(value) is str


def _number(value: Any) -> bool:
    return type(value) is int or type(value) is float


def _strings(value: Any) -> bool:
    return type(value) is list and all(type(item) is str for item in value)


def _height(value: Any) -> bool:
    return value is None or (type(value) is int and value >= 0)


def _party(value: Any) -> bool:
    return value is None or (type(value) is str and value != "")


def _matching(match: Callable[[str], object]) -> Callable[[Any], bool]:
    return lambda value: type(value) is str and match(value) is not None


def _one_of(*allowed: str) -> Callable[[Any], bool]:
    return lambda value: type(value) is str and value in allowed


def _positive(value: Any) -> bool:
    return type(value) is int and value >= 0


def _flag(value: Any) -> bool:
    return type(value) is bool


def _object(value: Any) -> bool:
    return type(value) is dict


def _required(*fields: tuple[str, Callable[[Any], bool], str]) -> tuple[_Check, ...]:
    return tuple((key, True, valid, wanted) for key, valid, wanted in fields)


def _optional(*fields: tuple[str, Callable[[Any], bool], str]) -> tuple[_Check, ...]:
    return tuple((key, False, valid, wanted) for key, valid, wanted in fields)


_CHAIN = ("chain", _matching(_caip2), "a CAIP-2 chain as in eip155:1")
_TIME = ("time", _integer, "Unix seconds as an integer")
_TX = ("tx", _string, "a transaction hash")
_N = ("n", _integer, "an integer")
_HEIGHT = ("block", _height, "a height or null")
_WHOLE = ("value", _matching(_digits), "a string of decimal digits")
_ASSET = ("asset", _string, "a CAIP-19 asset")
_FROM_TO = (("from", _party, "an address or null"), ("to", _party, "an address or null"))
_PLACE = (_CHAIN, _HEIGHT, _TIME, _TX, _N)
_SHOWN_AMOUNT = (("symbol", _string, "a string"), ("amount", _matching(_plain), "a plain decimal string"))
_IN_CALLDATA = (
    ("method", _string, "a 4-byte selector in hex"),
    ("mentions", _strings, "a list of addresses"),
    ("follows", _positive, "a count"),
)
_PENDING = ("pending", _flag, "true or false")
_FAILED = ("failed", _flag, "true or false")
_SUB = ("sub", _positive, "an index")

_FIELDS: dict[str, tuple[_Check, ...]] = {
    "transfer": _required(*_PLACE, *_FROM_TO, _ASSET, _WHOLE)
    + _optional(
        *_SHOWN_AMOUNT,
        ("usd", _number, "a number"),
        _SUB,
        ("inputs", _strings, "a list of addresses"),
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
        ("block", _positive, "a height"),
        _TIME,
        ("hash", _string, "a block hash"),
        ("parent", _string, "a block hash"),
        ("records", _positive, "a count"),
    ),
    "reorg": _required(
        _CHAIN,
        _TIME,
        ("block", _positive, "a height"),
        ("depth", _positive, "a count"),
        ("dropped", _strings, "a list of transaction hashes"),
    ),
    "heartbeat": _required(
        _CHAIN,
        _TIME,
        ("status", _one_of("ok", "stalled", "blind"), "ok, stalled or blind"),
        _HEIGHT,
        ("lag_s", _number, "seconds"),
        ("records", _positive, "a count"),
        ("bad", _positive, "a count"),
        ("source", _string, "a command's name"),
    ),
    "alert": _required(
        ("id", _matching(_id), "32 hex digits"),
        ("status", _one_of("open", "updated", "retracted"), "open, updated or retracted"),
        ("rev", _positive, "a count"),
        ("rule", _string, "a rule's id"),
        ("category", _string, "a category"),
        ("severity", _one_of(*SEVERITIES), "one of " + ", ".join(SEVERITIES)),
        ("score", lambda value: type(value) is int and 0 <= value <= 100, "an integer from 0 to 100"),
        *_PLACE,
        ("subject", _string, "an address"),
        ("role", _one_of("suspect", "victim"), "suspect or victim"),
        ("title", _string, "a sentence"),
        ("evidence", _object, "an object"),
        ("record", _object, "the record that fired"),
    )
    + _optional(
        ("incident", _string, "an incident's id"),
        ("parts", lambda value: type(value) in (list, dict), "the parts of the score"),
        ("shadow", _flag, "true or false"),
    ),
    "label": _required(
        _CHAIN,
        _TX,
        _N,
        ("scenario", _string, "a scenario's name"),
        ("instance", _positive, "a count"),
        ("role", _one_of("attack", "setup", "payoff", "benign-lookalike"), "a label's role"),
        ("fraud", _flag, "true or false"),
    ),
}

TYPES: tuple[str, ...] = tuple(_FIELDS)
"""Every record type that is checked; a record of another type passes unchecked."""


def fields(kind: str) -> Iterable[tuple[str, bool]]:
    """Yield (key, required) of a record type besides ``type``, in their order on the wire."""
    return ((key, required) for key, required, _, _ in _FIELDS[kind])
