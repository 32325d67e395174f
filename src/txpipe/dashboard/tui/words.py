"""Short words for narrow columns: ages, amounts, how grave."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size

SIGNS = {"critical": "!!!", "high": "!! ", "medium": "!  ", "low": "-  ", "info": ".  "}
"""How grave, for those who see no colours."""

STYLES = {
    "critical": "bold white on red",
    "high": "bold red",
    "medium": "yellow",
    "low": "cyan",
    "info": "dim",
}
RETRACTED_SIGN = "x  "
LOUD = "bold reverse"
FAINT = "dim"

TRIAGE = {"open": "", "acknowledged": "ack", "false_positive": "f+", "resolved": "done"}
TRIAGED = {"acknowledged": "acknowledged", "false_positive": "false positive", "resolved": "resolved"}

_BLOCKS = "▁▂▃▄▅▆▇█"


def age(seconds: float) -> str:
    """Return a time span in four columns at most: 12s, 59m, 23h, 999d, 27y."""
    whole = max(int(seconds), 0)
    for size, unit, most in ((1, "s", 60), (60, "m", 60), (3600, "h", 24), (86_400, "d", 1000)):
        if whole < size * most:
            return f"{whole // size}{unit}"
    return f"{min(whole // 31_557_600, 999)}y"


def usd(value: object) -> str:
    """Return an amount of US dollars in seven columns: 954, 16.3k, 1.2M; nothing for what is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:  # noqa: PLR0124 - nan
        return ""
    size = abs(value)
    if size < 9_999.5:
        return f"{value:,.0f}" if size >= 100 else f"{value:.2f}"
    for unit, name in ((1e3, "k"), (1e6, "M"), (1e9, "G"), (1e12, "T")):
        if size < unit * 999.95:
            return f"{value / unit:.1f}{name}"
    return "> 1000T" if value > 0 else "<-1000T"


def fit(text: str, width: int) -> str:
    """Return text in exactly so many columns, wide characters counted as two; what is cut ends in …."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return f"{set_cell_size(text, width - 1)}…"


def sparkline(values: list[int]) -> str:
    """Return a column of blocks a value, the largest one full; a blank for nothing."""
    most = max(values, default=0)
    return "".join(_BLOCKS[-(-value * 8 // most) - 1] if value else " " for value in values)
