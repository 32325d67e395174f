"""A scorecard for people: the same sections as text in columns, or as Markdown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from txpipe.visible import clipped

_NAME_WIDTH = 40
_UNKNOWN = "-"
_MARKUP = re.compile(r"([\\`*_\[\]<>|~#&!$@:.])")
"""What Markdown may take for markup, a link or a mention."""


@dataclass(frozen=True, slots=True)
class Section:
    """One table.

    Attributes:
        title: heading.
        note: what the numbers mean, in a sentence.
        headings: of the columns; the first ``texts`` of them hold text, the others numbers.
        texts: see above.
        lines: cells, as they are; none is safe to show as markup.
    """

    title: str
    note: str
    headings: tuple[str, ...]
    texts: int
    lines: Sequence[tuple[str, ...]]


_Cells = Callable[[dict[str, Any]], tuple[str, ...]]
_SHARES = ("instances", "recall (95 %)", "transactions", "recall (95 %)")
_RECALL = ("instances", "recall (95 %)", "cut off", "transactions", "recall (95 %)")
_HIT = ("instances", "hit (95 %)", "transactions", "hit (95 %)")
_WORTH = ("alerts", "true", "twin", "false", "precision (95 %)", "false/10k", "tx precision", "tx false/10k")
_LATE = ("found", "tx median", "tx p90", "timed", "s median", "s p90")
_FACTS = (
    ("min_severity", "detections are alerts from severity"),
    ("labels", "labels"),
    ("instances", "fraud instances"),
    ("cut_off", "of these cut off by the end of the stream"),
    ("fraud_transactions", "fraud transactions"),
    ("twin_instances", "benign twins"),
    ("twin_transactions", "benign twins' transactions"),
    ("transactions", "all transactions"),
    ("benign_transactions", "benign transactions without a label"),
    ("alerts", "alerts that stand"),
    ("alerted_transactions", "transactions with an alert"),
    ("retracted", "alerts retracted"),
    ("shadow", "alerts of rules on trial"),
)


def sections(rows: Sequence[dict[str, Any]]) -> Iterator[Section]:
    """Yield the tables of a scorecard; one without lines is left out."""
    facts = [(said, _count(row[key])) for row in rows for key, said in _FACTS if row["part"] == "summary"]
    yield Section("Scorecard", "", ("", ""), 1, facts)
    for part, title, note, headings, texts, cells in _TABLES:
        lines = [cells(row) for row in rows if row["part"] == part]
        if lines:
            yield Section(title, note, headings, texts, lines)
    yield from (_calibration(row) for row in rows if row["part"] == "calibration" and row["alerts"])


def human(tables: Iterable[Section]) -> Iterator[str]:
    """Yield each table as lines in columns, a blank line between two."""
    for number, table in enumerate(tables):
        shown = [line for line in (table.headings, *table.lines) if any(line)]
        widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
        text = [f"{table.title}: {table.note}" if table.note else table.title]
        for line in shown:
            cells = zip(line, widths, range(len(line)), strict=True)
            padded = (c.ljust(w) if place < table.texts else c.rjust(w) for c, w, place in cells)
            text.append(f"  {'  '.join(padded)}".rstrip())
        yield "\n" * bool(number) + "\n".join(text) + "\n"


def markdown(tables: Iterable[Section]) -> Iterator[str]:
    """Yield each table as GitHub's Markdown, under a heading of bold text."""
    for number, table in enumerate(tables):
        rule = tuple("---" if place < table.texts else "---:" for place in range(len(table.headings)))
        lines = [
            tuple(_literal(cell) for cell in line[: table.texts]) + line[table.texts :]
            for line in table.lines
        ]
        text = [f"**{table.title}**" + f": {table.note}" * bool(table.note), ""]
        text += [f"| {' | '.join(line)} |" for line in (table.headings, rule, *lines)]
        yield "\n" * bool(number) + "\n".join(text) + "\n"


def _literal(cell: str) -> str:
    return _MARKUP.sub(r"\\\1", cell)


def group_name(row: dict[str, Any]) -> tuple[str, str]:
    """Return a row's scenario and variant as they are shown."""
    scenario, variant = row["scenario"], row["variant"]
    return (
        "all" if scenario is None else clipped(scenario, _NAME_WIDTH),
        "all" if variant is None else clipped(variant, _NAME_WIDTH),
    )


def _share(ratio: dict[str, Any]) -> str:
    if ratio["share"] is None:
        return _UNKNOWN
    return f"{100 * ratio['share']:.1f} % ({100 * ratio['low']:.0f}-{100 * ratio['high']:.0f})"


def _counted(ratio: dict[str, Any]) -> tuple[str, str]:
    return f"{ratio['hits']:,}/{ratio['of']:,}", _share(ratio)


def _count(value: float | str | None) -> str:
    if value is None or isinstance(value, str):
        return value or _UNKNOWN
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def _recall(row: dict[str, Any]) -> tuple[str, ...]:
    return (*_counted(row["instances"]), *_counted(row["transactions"]))


def _found(row: dict[str, Any]) -> tuple[str, ...]:
    cut = row["cut_off"]
    shown = f"{cut['hits']:,}/{cut['of']:,}" if cut["of"] else _UNKNOWN
    return (*group_name(row), *_counted(row["instances"]), shown, *_counted(row["transactions"]))


def _group(row: dict[str, Any]) -> tuple[str, ...]:
    return (*group_name(row), *_recall(row))


def _rule(row: dict[str, Any]) -> tuple[str, ...]:
    return (clipped(row["rule"], _NAME_WIDTH), *_group(row))


def _worth(row: dict[str, Any]) -> tuple[str, ...]:
    alerts, keys = row["alerts"], row["transactions"]
    total = alerts["precision"]
    counts = (total["of"], total["hits"], alerts["twin"], alerts["false"])
    return (
        *map(_count, counts),
        _share(total),
        _count(alerts["false_per_10k"]),
        _share(keys["precision"]),
        _count(keys["false_per_10k"]),
    )


def _late(row: dict[str, Any]) -> tuple[str, ...]:
    moved, seconds = row["transactions"], row["seconds"]
    values = (row["found"], moved["median"], moved["p90"], row["timed"], seconds["median"], seconds["p90"])
    return (*group_name(row), *map(_count, values))


def _calibration(row: dict[str, Any]) -> Section:
    lines = [
        (f"{one['from']}-{one['to']}", _count(one["true"]["of"]), _count(one["score"]), _share(one["true"]))
        for one in row["bins"]
        if one["true"]["of"]
    ]
    note = f"how often alerts of a score are true; Brier {row['brier']:.3f}, ECE {row['ece']:.3f} (0 is best)"
    return Section("Calibration", note, ("score", "alerts", "mean score", "true (95 %)"), 1, lines)


_TABLES: tuple[tuple[str, str, str, tuple[str, ...], int, _Cells], ...] = (
    (
        "recall",
        "Recall",
        "what was found; instances that go on behind the end of the stream apart, as cut off",
        ("scenario", "variant", *_RECALL),
        2,
        _found,
    ),
    ("twins_hit", "Benign twins hit", "the fewer the better", ("scenario", "variant", *_HIT), 2, _group),
    (
        "time_to_detect",
        "Time to detect",
        "an instance's transactions, and seconds, before its first alert",
        ("scenario", "variant", *_LATE),
        2,
        _late,
    ),
    (
        "precision",
        "Precision",
        "alerts of a severity and above",
        ("severity", *_WORTH),
        1,
        lambda row: (row["severity"], *_worth(row)),
    ),
    (
        "rule_precision",
        "Precision by rule",
        "its alerts of a severity and above",
        ("rule", "severity", *_WORTH),
        2,
        lambda row: (clipped(row["rule"], _NAME_WIDTH), row["severity"], *_worth(row)),
    ),
    (
        "rule_recall",
        "Recall by rule",
        "which rule found what",
        ("rule", "scenario", "variant", *_SHARES),
        3,
        _rule,
    ),
)
