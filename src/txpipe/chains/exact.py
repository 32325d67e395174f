"""JSON with whole numbers of any size: orjson reads those of 2^64 and more as floats without a word."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import orjson

from txpipe.errors import RecordFault

# 2^64 has 20 digits. A run after a quote is inside a string; one that merely looks like a number there
# costs a second parse, no more.
_long_number = re.compile(rb"[:,\[\s]-?(?:[0-9]{20}|[0-9][0-9.]*[eE]\+?[0-9])").search
_MAX_DIGITS = 1000
_KEPT_DIGITS = 15


def parse(text: bytes) -> Any:
    """Parse one JSON text, whole numbers exact.

    Raises:
        RecordFault: no JSON, invalid UTF-8, NaN, nested too deep, a number of over 1,000 digits.
    """
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        raise RecordFault(f"no JSON: {exc}") from exc
    if not _long_number(text):
        return found
    try:
        return json.loads(text.decode(), parse_int=_whole, parse_float=_unrounded)
    except RecursionError as exc:
        raise RecordFault("no JSON: nested too deep") from exc
    except ValueError as exc:
        raise RecordFault(f"no JSON: {exc}") from exc


def _whole(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise ValueError(f"a number of {len(digits):,} digits")
    return int(digits)


def _unrounded(literal: str) -> int | float:
    """Read 1e+17, as jq writes it, as the whole number it is, unless it has a double's 16 or 17 digits."""
    if len(literal) > _MAX_DIGITS:
        raise ValueError(f"a number of {len(literal):,} digits")
    number = Decimal(literal).normalize()
    digits, exponent = number.as_tuple()[1:]
    if isinstance(exponent, int) and 0 <= exponent < _MAX_DIGITS and len(digits) <= _KEPT_DIGITS:
        return int(number)
    return float(literal)
