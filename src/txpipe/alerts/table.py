"""An alert as one row of CSV or TSV: a fixed set of columns, one alert a line."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from txpipe.alerts.facts import matches, text, utc
from txpipe.visible import visible

_PLAIN_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_FORMULA = r"[\s\"]*[=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212]"
"""A spreadsheet computes a cell that starts so (OWASP, "CSV Injection"), full-width and small forms too."""
_COMPUTED = re.compile(_FORMULA)
_AFTER_SPLIT = re.compile(f";(?={_FORMULA})")
"""Where the decimal point is a comma, spreadsheets split at semicolons, inside quotes too."""


def _own(key: str) -> Callable[[dict[str, Any]], str]:
    return lambda alert: text(alert.get(key))


def _of_record(key: str) -> Callable[[dict[str, Any]], str]:
    return lambda alert: text(alert["record"].get(key))


def _of_evidence(key: str) -> Callable[[dict[str, Any]], str]:
    return lambda alert: text(alert["evidence"].get(key))


def _of_matches(key: str) -> Callable[[dict[str, Any]], str]:
    return lambda alert: "; ".join(text(match.get(key)) for match in matches(alert))


def _time(alert: dict[str, Any]) -> str:
    time = utc(alert["time"])
    return f"{time.replace(' ', 'T')}Z" if time else str(alert["time"])


COLUMNS: tuple[tuple[str, Callable[[dict[str, Any]], str]], ...] = (
    *((key, _own(key)) for key in ("id", "status", "rev")),
    ("time", _time),
    *((key, _own(key)) for key in ("severity", "score", "rule", "category", "chain", "block", "tx", "n")),
    *((key, _own(key)) for key in ("subject", "role", "title")),
    *((key, _of_record(key)) for key in ("from", "to", "asset", "symbol", "value", "amount", "usd")),
    *((key, _of_evidence(key)) for key in ("address", "direction")),
    ("lists", _of_matches("list")),
    ("list_dates", _of_matches("list_date")),
    ("list_categories", _of_matches("category")),
    ("labels", _of_matches("label")),
    ("listed", _of_matches("listed")),
    ("incident", _own("incident")),
)
"""Heading and content; several list entries share a cell, separated by ``; ``."""


def cells(alert: dict[str, Any]) -> list[str]:
    """Return a row's cells: one line each, and none that a spreadsheet would compute."""
    return [_guarded(visible(read(alert))) for _, read in COLUMNS]


def headings() -> list[str]:
    """Return the column names."""
    return [name for name, _ in COLUMNS]


def csv_row(row: list[str]) -> str:
    """Join cells as RFC 4180 has it, with a newline alone."""
    return ",".join(_quoted(cell) for cell in row) + "\n"


def tsv_row(row: list[str]) -> str:
    r"""Join cells with tabs; a tab or newline inside a cell was written out as ``\t`` or ``\n``."""
    return "\t".join(row) + "\n"


def _guarded(cell: str) -> str:
    if _PLAIN_NUMBER.fullmatch(cell):
        return cell
    cell = _AFTER_SPLIT.sub(";'", cell)
    return f"'{cell}" if _COMPUTED.match(cell) else cell


def _quoted(cell: str) -> str:
    if any(mark in cell for mark in '",;'):
        doubled = cell.replace('"', '""')
        return f'"{doubled}"'
    return cell
