"""Values of evidence as people read them: durations, dollars, shares, dates; and rules' sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import islice
from string import Formatter
from typing import Any

from txpipe.visible import printable

LONGEST = 400
"""Characters of a value that are shown."""

MOST_ITEMS = 12
"""Items of a list or an object that are shown."""

_DEEPEST = 4
_SPANS = (("day", 86400), ("h", 3600), ("min", 60), ("s", 1))
_TIMES = frozenset({
    "time", "first", "last", "approved", "first_seen", "lot_time", "receiver_first", "bought", "sold",
})  # fmt: skip
_SHARES = frozenset({"remainder", "peeled"})


def plain(value: Any, kind: str = "", deep: int = 0) -> str:
    """Return a value on one line, without anything unseen, at most LONGEST characters long.

    Args:
        value: anything that JSON can hold.
        kind: what ``kind_of`` its key says.
        deep: how many lists and objects it lies in.
    """
    if isinstance(value, (dict, list)):
        if deep > _DEEPEST:
            return "..."
        items = value.items() if isinstance(value, dict) else ((None, item) for item in value)
        rows = list(islice(items, MOST_ITEMS))
        more = f" and {len(value) - MOST_ITEMS:,} more" if len(value) > MOST_ITEMS else ""
        return _cut(", ".join(_item(key, item, kind, deep) for key, item in rows)) + more
    if value is None or isinstance(value, bool):
        return {None: "unknown", True: "yes", False: "no"}[value]
    if isinstance(value, str):
        return _cut(value)
    return _KINDS.get(kind, _number)(value)


def kind_of(key: str) -> str:
    """Return what kind of number a key of evidence holds: ``s``, ``usd``, ``share``, ``time`` or "".

    >>> kind_of("kept_s"), kind_of("least_usd"), kind_of("part")
    ('s', 'usd', '')
    """
    if key in _TIMES:
        return "time"
    if key in _SHARES or key.startswith("share_"):
        return "share"
    last = key.rpartition("_")[2]
    return {"seconds": "s"}.get(last, last if last in _KINDS else "")


def day(time: float) -> str:
    """Return Unix seconds as a date, if the calendar has it."""
    try:
        return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return f"time {time}"


def filled(pattern: str, values: Mapping[str, Any]) -> str:
    """Return a rule's sentence with values of the evidence in it; "" if one is lacking or unknown.

    ``{key}`` and ``{thresholds.key}`` are shown as their last name says, or as the kind behind a colon does:
    ``{part:share}``. Of a list, ``.0`` and ``.-1`` are items, and another name picks that key of each.
    ``{payers:count}`` is its length. ``{tainted:if}`` and ``{tainted:unless}`` show nothing; the sentence is
    left out unless the value is true, or is false or lacking.
    """
    try:
        return printable(_Sentence().vformat(pattern, (), values))
    except (LookupError, TypeError, ValueError):
        return ""


class _Sentence(Formatter):
    """Looks placeholders up in the evidence, nothing else, and shows what it finds."""

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> Any:  # noqa: ARG002 - Formatter's
        """Return the value, None if there is none, and the last name of ``key.key.key``."""
        keys = field_name.split(".")
        value: Any = kwargs
        try:
            for key in keys:
                if isinstance(value, list):
                    value = value[int(key)] if key.lstrip("-").isdecimal() else [one[key] for one in value]
                else:
                    value = value[key]
        except (LookupError, TypeError, ValueError):
            value = None
        named = next(key for key in reversed(keys) if not key.lstrip("-").isdecimal())
        return (value, named), field_name

    def format_field(self, value: Any, format_spec: str) -> str:
        """Show a value, or decide whether the sentence is said."""
        found, key = value
        if format_spec in {"if", "unless"}:
            if bool(found) is (format_spec == "if"):
                return ""
            raise LookupError(key)
        if found is None:
            raise LookupError(key)
        return f"{len(found):,}" if format_spec == "count" else plain(found, format_spec or kind_of(key))


def _item(key: str | None, item: Any, kind: str, deep: int) -> str:
    if key is None:
        return plain(item, kind, deep + 1)
    text = plain(item, kind_of(key), deep + 1)
    return text if key == "usd" else f"{_cut(key)} {text}"


def _cut(text: str) -> str:
    shown = printable(text[:LONGEST])
    return shown if len(text) <= LONGEST >= len(shown) else f"{shown[: LONGEST - 3]}..."


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.10g}"


_FOREVER_S = _MOST_USD = 1e15


def _span(seconds: float) -> str:
    """Return a length of time in its two largest units.

    >>> _span(5084), _span(2_592_000)
    ('1 h 24 min', '30 days')
    """
    if not 0 <= seconds < _FOREVER_S:
        return f"{_number(seconds)} s"
    left, parts = int(seconds), []
    for name, size in _SPANS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count:,} {name}{'s' if name == 'day' and count > 1 else ''}")
    return " ".join(parts[:2]) or "0 s"


def _money(usd: float) -> str:
    if not abs(usd) < _MOST_USD:
        return f"{_number(usd)} USD"
    text = f"{usd:,.2f}".removesuffix(".00")
    return f"{text if usd == 0 or abs(usd) >= 0.01 else f'{usd:.3g}'} USD"


def _percent(share: float) -> str:
    return f"{100 * share:,.4g} %" if abs(share) < 100 else f"{_number(share)} times"


_KINDS: Mapping[str, Callable[[Any], str]] = {"s": _span, "usd": _money, "share": _percent, "time": day}
