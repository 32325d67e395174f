"""JSON with whole numbers of any size: orjson reads those of 2^64 and more as floats without a word."""

from __future__ import annotations

import math
from typing import Any

import msgspec.json

from txpipe.errors import RecordFault

Text = bytes | bytearray

_MAX_DIGITS = 1000
_KEPT_DIGITS = 15


def parse(text: Text) -> Any:
    """Parse one JSON text, whole numbers exact.

    Raises:
        RecordFault: no JSON, invalid UTF-8, NaN, nested too deep, a number of thousands of digits.
    """
    try:
        return _parsed(text)
    except RecursionError as exc:
        raise RecordFault("no JSON: nested too deep") from exc
    except ValueError as exc:  # msgspec's errors, and those of UTF-8
        raise RecordFault(f"no JSON: {exc}") from exc


def _read(literal: str) -> int | float:
    """Read a number that is not spelled as a whole one.

    1e+17, as jq writes it, is the whole number that it says, unless it has a double's 16 or 17 digits.
    """
    found = float(literal)
    if math.isinf(found):
        raise ValueError("a number beyond a double's range")
    if "e" not in literal and "E" not in literal:
        return found
    if len(literal) > _MAX_DIGITS:
        raise ValueError(f"a number of {len(literal):,} digits")
    from decimal import Decimal  # noqa: PLC0415 - few texts hold such a number

    number = Decimal(literal).normalize()
    digits, exponent = number.as_tuple()[1:]
    if isinstance(exponent, int) and 0 <= exponent < _MAX_DIGITS and len(digits) <= _KEPT_DIGITS:
        return int(number)
    return found


_parsed = msgspec.json.Decoder(float_hook=_read).decode
