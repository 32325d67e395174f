"""A scorecard's figures, drawn by matplotlib as SVG."""

from __future__ import annotations

import importlib
import io
import logging
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from txpipe.errors import UsageFault
from txpipe.score.table import group_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_GROUPS = 40
"""Bars of a figure; the tables have all."""
_SETTINGS: Any = {
    "text.parse_math": False,  # a $ in a name is a $
    "svg.hashsalt": "txpipe",  # the same numbers, the same bytes
    "font.family": "DejaVu Sans",  # comes with matplotlib: no search of the system's fonts
    "font.size": 9,
}
_BLUE, _RED, _GREY = "#63b3ed", "#ed8936", "#a0aec0"


def require() -> None:
    """Make sure that figures can be drawn, before any work is done.

    Raises:
        UsageFault: matplotlib is not installed.
    """
    # It says on stderr, as a warning, that it builds its cache of fonts.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    try:
        importlib.import_module("matplotlib.figure")
    except ImportError as exc:
        raise UsageFault("--html draws with matplotlib: pip install 'txpipe[plots]'") from exc


def figures(rows: Sequence[dict[str, Any]]) -> list[tuple[str, bytes]]:
    """Return title and SVG of each figure; one without anything to show is left out."""
    drawn = [
        ("Recall of instances, with 95 % intervals", _recall(rows)),
        ("Precision by severity, with 95 % intervals", _precision(rows)),
        ("Calibration: score and share of true alerts", _calibration(rows)),
        ("Time to detect: median and 90th percentile", _time_to_detect(rows)),
    ]
    return [(title, svg) for title, svg in drawn if svg]


def _drawn(draw: Any, panels: int, height: float) -> bytes:
    """Return the SVG of a figure whose axes ``draw`` fills."""
    import matplotlib as mpl  # noqa: PLC0415 - an extra
    from matplotlib.figure import Figure  # noqa: PLC0415

    with mpl.rc_context(_SETTINGS), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of glyphs that the font has not: names are anybody's text
        figure = Figure(figsize=(8, height), layout="constrained")
        draw(*figure.subplots(1, panels, squeeze=False)[0])
        out = io.BytesIO()
        figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()


def _groups(rows: Sequence[dict[str, Any]], part: str, key: str) -> list[dict[str, Any]]:
    """Return a part's rows of one scenario and variant that have something to show, the last on top."""
    shown = [row for row in rows if row["part"] == part and row["scenario"] is not None and row[key]]
    return shown[:_MOST_GROUPS][::-1]


def _names(axes: Axes, groups: Sequence[dict[str, Any]]) -> None:
    names = [" / ".join(group_name(row)) for row in groups]
    axes.set_yticks(range(len(groups)), names)
    axes.set_ylim(-0.6, len(groups) - 0.4)
    axes.grid(axis="x", alpha=0.3)


def _intervals(ratios: Sequence[dict[str, Any]]) -> tuple[list[float], list[list[float]]]:
    """Return shares in percent and how far their intervals reach below and above."""
    shares = [100 * one["share"] for one in ratios]
    below = [max(100 * (one["share"] - one["low"]), 0) for one in ratios]
    above = [max(100 * (one["high"] - one["share"]), 0) for one in ratios]
    return shares, [below, above]


def _height(groups: Sequence[Any]) -> float:
    return 1.2 + 0.28 * len(groups)


def _recall(rows: Sequence[dict[str, Any]]) -> bytes:
    groups = [row for row in _groups(rows, "recall", "instances") if row["instances"]["of"]]

    def draw(axes: Axes) -> None:
        shares, reach = _intervals([row["instances"] for row in groups])
        colours = [_RED if row["variant"] == "adaptive" else _BLUE for row in groups]
        axes.barh(range(len(groups)), shares, xerr=reach, color=colours, ecolor="black", capsize=2)
        _names(axes, groups)
        axes.set_xlim(0, 101)
        axes.set_xlabel("% of instances found")

    return _drawn(draw, 1, _height(groups)) if groups else b""


def _precision(rows: Sequence[dict[str, Any]]) -> bytes:
    shown = [row for row in rows if row["part"] == "precision" and row["alerts"]["precision"]["of"]]

    def draw(axes: Axes) -> None:
        shares, reach = _intervals([row["alerts"]["precision"] for row in shown])
        names = [f"{row['severity']}+\n({row['alerts']['precision']['of']:,})" for row in shown]
        axes.bar(names, shares, yerr=reach, color=_BLUE, ecolor="black", capsize=3, width=0.6)
        axes.set_ylim(0, 101)
        axes.set_ylabel("% of alerts that are true")
        axes.grid(axis="y", alpha=0.3)

    return _drawn(draw, 1, 3) if shown else b""


def _calibration(rows: Sequence[dict[str, Any]]) -> bytes:
    bins = [
        one for row in rows if row["part"] == "calibration" for one in row["bins"] if one["score"] is not None
    ]

    def draw(axes: Axes) -> None:
        shares, reach = _intervals([one["true"] for one in bins])
        scores = [one["score"] for one in bins]
        axes.plot([0, 100], [0, 100], "--", color=_GREY, label="a score that means its percent")
        axes.errorbar(scores, shares, yerr=reach, fmt="o-", color=_BLUE, capsize=3, label="alerts")
        axes.set_xlim(0, 101)
        axes.set_ylim(0, 101)
        axes.set_xlabel("mean score of a bin of ten")
        axes.set_ylabel("% true")
        axes.legend()

    return _drawn(draw, 1, 4) if bins else b""


def _time_to_detect(rows: Sequence[dict[str, Any]]) -> bytes:
    groups = _groups(rows, "time_to_detect", "found")

    def draw(left: Axes, right: Axes) -> None:
        for axes, key, unit in ((left, "transactions", "own transactions before"), (right, "seconds", "s")):
            timed = [(place, row[key]) for place, row in enumerate(groups) if row[key]["median"] is not None]
            places = [place for place, _ in timed]
            for mark, which, colour, size in (("|", "p90", _RED, 16), ("o", "median", _BLUE, 7)):
                late = [one[which] for _, one in timed]
                axes.plot(late, places, mark, color=colour, label=which, markersize=size, mew=2)
            axes.margins(x=0.1)
            axes.set_xlim(left=min(0, axes.get_xlim()[0]))
            _names(axes, groups)
            axes.set_xlabel(unit)
        right.set_yticklabels([])
        left.legend()

    return _drawn(draw, 2, _height(groups) + 0.3) if groups else b""
