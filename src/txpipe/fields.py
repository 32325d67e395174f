"""The fields of every record type: their keys and what each may hold, for ``record.check`` to compile."""

from __future__ import annotations

import functools
import re
from typing import Any, Literal

Severity = Literal["info", "low", "medium", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "low", "medium", "high", "critical")

NAME_CHARS = 256
"""Characters of an address or of a transaction's hash: accounts are kept by address, so that their memory has
a bound. CAIP-10 allows an address 128."""

ASSET_CHARS = 512
"""Characters of an asset's name; CAIP-19 allows 258."""

# What a field may hold: an expression over its value v. Exact types, because True is an int to isinstance.

Field = tuple[str, bool, str, str]
_INTEGER = "type(v) is int"
_STRING = "type(v) is str"
_NUMBER = "type(v) is int or type(v) is float"
_FLAG = "type(v) is bool"
_OBJECT = "type(v) is dict"
_STRINGS = "type(v) is list and all(type(item) is str for item in v)"
_NOT_NEGATIVE = "type(v) is int and v >= 0"
_HEIGHT_OR_NULL = "v is None or type(v) is int and v >= 0"
_NAME = f"type(v) is str and 0 < len(v) <= {NAME_CHARS}"
_PARTY = f"v is None or {_NAME}"
_DIGITS = "type(v) is str and digits(v)"
_PLAIN_DECIMAL = "type(v) is str and plain_decimal(v)"


@functools.lru_cache(256)
def _caip2(name: str) -> bool:
    return re.fullmatch(r"[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}", name) is not None


NAMES: dict[str, Any] = {
    "caip2": _caip2,
    "digits": re.compile(r"-?[0-9]{1,100}").fullmatch,
    "plain_decimal": re.compile(r"-?[0-9]{1,100}(?:\.[0-9]{1,100})?").fullmatch,
}


def _one_of(*allowed: str) -> str:
    return f"type(v) is str and v in {set(allowed)!r}"


def _required(*fields: tuple[str, str, str]) -> tuple[Field, ...]:
    return tuple((key, True, valid, wanted) for key, valid, wanted in fields)


def _optional(*fields: tuple[str, str, str]) -> tuple[Field, ...]:
    return tuple((key, False, valid, wanted) for key, valid, wanted in fields)


_CHAIN = ("chain", "type(v) is str and len(v) <= 41 and caip2(v)", "a CAIP-2 chain as in eip155:1")
_TIME = ("time", _INTEGER, "Unix seconds as an integer")
_TX = ("tx", _NAME, f"a transaction hash of at most {NAME_CHARS} characters")
_N = ("n", _INTEGER, "an integer")
_HEIGHT = ("block", _HEIGHT_OR_NULL, "a height or null")
_WHOLE = ("value", _DIGITS, "a string of decimal digits")
_ASSET = (
    "asset",
    f"type(v) is str and len(v) <= {ASSET_CHARS}",
    f"a CAIP-19 asset of at most {ASSET_CHARS} characters",
)
_ADDRESS = f"an address of at most {NAME_CHARS} characters, or null"
_FROM_TO = (("from", _PARTY, _ADDRESS), ("to", _PARTY, _ADDRESS))
_PLACE = (_CHAIN, _HEIGHT, _TIME, _TX, _N)
_SHOWN_AMOUNT = (("symbol", _STRING, "a string"), ("amount", _PLAIN_DECIMAL, "a plain decimal string"))
_IN_CALLDATA = (
    ("method", _STRING, "a 4-byte selector in hex"),
    ("mentions", _STRINGS, "a list of addresses"),
    ("follows", _NOT_NEGATIVE, "a count"),
    ("created", _STRING, "an address"),
)
_INPUTS = ("inputs", _STRINGS, "a list of addresses")
_PENDING = ("pending", _FLAG, "true or false")
_FAILED = ("failed", _FLAG, "true or false")
_SUB = ("sub", _NOT_NEGATIVE, "an index")

FIELDS: dict[str, tuple[Field, ...]] = {
    "transfer": _required(*_PLACE, *_FROM_TO, _ASSET, _WHOLE)
    + _optional(
        *_SHOWN_AMOUNT,
        ("usd", _NUMBER, "a number"),
        _SUB,
        _INPUTS,
        *_IN_CALLDATA,
        _PENDING,
        _FAILED,
    ),
    "call": _required(*_PLACE, *_FROM_TO, _WHOLE) + _optional(_INPUTS, *_IN_CALLDATA, _PENDING, _FAILED),
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
    )
    + _optional(("hashes", _STRINGS, "a list of block hashes")),
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
        ("id", "type(v) is str and len(v) == 32 and not v.strip('0123456789abcdef')", "32 hex digits"),
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
        _PENDING,
    ),
    "label": _required(
        _CHAIN,
        _TX,
        _N,
        ("scenario", _STRING, "a scenario's name"),
        ("instance", _NOT_NEGATIVE, "a count"),
        ("role", _one_of("attack", "setup", "payoff", "benign-lookalike"), "a label's role"),
        ("fraud", _FLAG, "true or false"),
    )
    + _optional(
        ("variant", _one_of("standard", "adaptive"), "standard or adaptive"),
        ("of", _NOT_NEGATIVE, "a count"),
        _TIME,
    ),
}
