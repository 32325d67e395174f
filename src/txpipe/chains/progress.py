"""How far a backfill is, for people at a terminal."""

from __future__ import annotations

from collections.abc import Callable

import click

from txpipe.chains.follow import Follower

IN_SIGHT = 16
"""With fewer blocks to go there is no progress to show."""

SHOWN_S = 0.5
"""Seconds between two looks at the progress."""


def progress(clock: Callable[[], float]) -> Callable[[Follower], None]:
    """Return what shows on stderr, in place, how far a backfill is; once the chain is caught up, nothing.

    Args:
        clock: monotonic seconds.
    """
    began, shown, first = clock(), 0.0, -1

    def show(follower: Follower) -> None:
        nonlocal shown, first
        now, at, head = clock(), follower.at, follower.head
        if at is None or head is None:
            return
        first = at if first < 0 else first
        goal = head.height if follower.last is None else min(head.height, follower.last)
        left, rate = goal - at + 1, (at - first) / max(now - began, 0.001)
        if left <= IN_SIGHT:
            if shown:
                click.echo("\r\x1b[K", err=True, nl=False)
            shown = 0.0
        elif now - shown >= SHOWN_S:
            shown = now
            rest = f", {left / rate:,.0f} s left" if rate else ""
            text = f"block {at - 1:,}, {left:,} to go, {rate:,.0f} blocks/s{rest}"
            click.echo(f"\r{text}\x1b[K", err=True, nl=False)

    return show
