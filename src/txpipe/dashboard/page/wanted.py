"""The filter in the page's address: read from it, and asked of alerts that come in."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from txpipe.address import canonical
from txpipe.dashboard import rows
from txpipe.dashboard.query import Filter
from txpipe.fields import SEVERITIES

TRIAGE = ("open", "acknowledged", "false_positive", "resolved")
STATUSES = ("open", "updated", "retracted")
_MOST_VALUES = 50
_MOST_CHARS = 256


def wanted(query: str) -> Filter:
    """Return the filter that a query string asks for, by the API's names; what makes no sense is left out."""
    try:
        given = parse_qs(query[:8_000].removeprefix("?"), max_num_fields=200)
    except ValueError:
        return Filter()

    def values(key: str, allowed: tuple[str, ...] = ()) -> tuple[str, ...]:
        found = [each[:_MOST_CHARS] for each in given.get(key, ())[:_MOST_VALUES] if each]
        return tuple(each for each in dict.fromkeys(found) if not allowed or each in allowed)

    def value(key: str) -> str:
        return (values(key) or ("",))[0].strip()

    return Filter(
        severities=values("severity", SEVERITIES),
        rules=values("rule"),
        chains=values("chain"),
        statuses=values("status", STATUSES),
        triage=values("triage", TRIAGE),
        categories=values("category"),
        subject=value("subject"),
        tx=value("tx"),
        address=value("address"),
        incident=value("incident"),
        text=value("q"),
    )


def passes(filter_: Filter, alert: dict[str, Any], triage: str | None) -> bool:
    """Say whether an alert that comes in is wanted, as the store would.

    Args:
        filter_: the filter.
        alert: as it came.
        triage: what is known of it; None where nothing is, and then it does not matter.
    """
    if filter_ == _ALL:
        return True
    row = rows.row(alert)
    chosen = (
        (filter_.severities, "severity"),
        (filter_.rules, "rule"),
        (filter_.chains, "chain"),
        (filter_.statuses, "status"),
        (filter_.categories, "category"),
    )
    if any(values and row[key] not in map(rows.name, values) for values, key in chosen):
        return False
    exact = ((canonical(filter_.subject), "subject"), (filter_.tx, "tx"), (filter_.incident, "incident"))
    if any(value and row[key] != rows.name(value) for value, key in exact):
        return False
    if filter_.triage and triage is not None and triage not in filter_.triage:
        return False
    return _has_words(filter_, row["search"].split())


_ALL = Filter()


def _has_words(filter_: Filter, words: list[str]) -> bool:
    whole = rows.words(canonical(filter_.address)) + rows.words(filter_.tx)
    begun = rows.sought(filter_.text)
    return set(whole) <= set(words) and all(any(each.startswith(one) for each in words) for one in begun)
