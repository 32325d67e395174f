"""The lines at the top: how the sources are, how many alerts there are, what is shown of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from txpipe.alerts.facts import chain, utc
from txpipe.dashboard.beats import SILENT_S
from txpipe.dashboard.rates import Second
from txpipe.dashboard.store import SourceHealth
from txpipe.dashboard.tui.words import FAINT, LOUD, SIGNS, STYLES, age, sparkline
from txpipe.visible import clipped

_NAME = 40


def health(sources: Sequence[SourceHealth], now: float, *, over: bool, width: int) -> Text:
    """Return one line about the sources, those in trouble first and loud.

    Args:
        sources: the last heartbeat of each.
        now: Unix seconds.
        over: the input has ended, and nothing more is to be expected.
        width: columns; sources without room are counted.
    """
    if not sources:
        return Text("no heartbeats: nobody says whether the chain is followed (--heartbeat)", FAINT)
    said = sorted((_source(each, now, over=over) for each in sources), key=lambda each: not each[0])
    line = said[0][1]
    for at, (_, text) in enumerate(said[1:], 1):
        left = f"  +{len(said) - at}"
        if line.cell_len + 3 + text.cell_len + len(left) > width:
            return line.append(left, FAINT)
        line.append("   ").append_text(text)
    return line


def _source(each: SourceHealth, now: float, *, over: bool) -> tuple[bool, Text]:
    """Return whether a source is in trouble, and words about it."""
    name = f"{clipped(chain(each.chain), _NAME)} ({clipped(each.source, _NAME)})"
    block = "no block yet" if each.block is None else f"block {each.block:,}"
    quiet = now - each.seen
    text = Text()
    if each.status != "ok":
        text.append(f" {each.status.upper()} for {age(now - each.since)} ", LOUD)
    elif quiet > SILENT_S and not over:
        text.append(f" SILENT for {age(quiet)} ", LOUD)
    else:
        text.append("ok", "green")
    text.append(f" {name} {block}, {_clock(each)}")
    if over:
        text.append(f", heard {age(quiet)} ago", FAINT)
    if each.bad:
        text.append(f", {each.bad:,} bad lines", "yellow")
    return bool(text.plain.startswith(" ")), text


def _clock(each: SourceHealth) -> str:
    """Say how far a source is behind; of a replay, what its own clock shows."""
    if each.clock == "live":
        return f"lag {each.lag_s:,.0f} s" if each.lag_s < 1000 else f"lag {age(each.lag_s)}"
    at = each.block_time
    return "replay" if at is None else f"replay at {utc(at) or at} UTC"


def counters(counts: dict[str, dict[str, int]]) -> Text:
    """Return one line: alerts by severity, and those nobody has looked at."""
    by = counts.get("severity", {})
    line = Text().append(f"{sum(by.values()):,} alerts", "bold")
    for severity, sign in SIGNS.items():
        if number := by.get(severity, 0):
            line.append("  ").append(f"{sign.strip()} {number:,} {severity}", STYLES[severity])
    return line.append(f"  {counts.get('triage', {}).get('open', 0):,} open")


@dataclass(frozen=True, slots=True)
class State:
    """What is shown, and why not all of it.

    Attributes:
        least: lowest severity that is shown; empty for all.
        text: words that are searched for.
        only_open: those are left out that somebody has triaged.
        shown: lines in the table.
        more: the store has more of them.
        above: lines above those in view while one is selected.
        newer: alerts that came while the table was held; None while it is not.
        over: the input has ended.
        note: the last message; empty if there is none.
        url: where the page is; empty without one.
    """

    least: str = ""
    text: str = ""
    only_open: bool = False
    shown: int = 0
    more: bool = False
    above: int = 0
    newer: int | None = None
    over: bool = False
    note: str = ""
    url: str = ""


def state(now: State, seconds: Sequence[Second] = (), width: int = 0) -> Text:
    """Return one line about what the table shows; where there is room, the last minute's alerts as blocks."""
    line = Text()
    if now.newer is not None:
        line.append(f" PAUSED, {now.newer:,} newer ", LOUD).append("  ")
    if now.over:
        line.append("input ended", "bold").append("  ")
    wanted = [f"{now.least} and above"] * bool(now.least) + ["not triaged"] * now.only_open
    wanted += [f'with "{clipped(now.text, _NAME)}"'] * bool(now.text)
    line.append(f"{', '.join(wanted) or 'all alerts'}: {now.shown:,}{'+' * now.more}")
    if now.above:
        line.append(f"  {now.above:,} newer above, Esc shows them", "bold")
    if now.note:
        line.append("  ").append(now.note, "yellow")
    elif now.url:
        line.append(f"  {now.url}", FAINT)
    arrived = [sum(each.alerts.values()) for each in seconds]
    rate = f" {arrived[-1] if arrived else 0:,}/s"
    if (room := width - line.cell_len - len(rate) - 2) > 0:
        blocks = sparkline(arrived[-room:])
        line.append(blocks.rjust(room + 2), "green").append(rate)
    return line
