"""Dead letters back into the spool."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from txpipe.alerts import deadletters
from txpipe.alerts.deadletters import Letter
from txpipe.alerts.queueing import Queue
from txpipe.errors import RecordFault, UsageFault
from txpipe.stream import BadLines

_ROOM = 1 << 20
"""Bytes of alerts that share one write to the disk."""


def letters(lines: Iterable[tuple[int, bytes]], name: str, bad: BadLines) -> Iterator[Letter]:
    """Read dead letters; report and skip lines that hold none.

    Args:
        lines: number and bytes of each.
        name: the input's name for messages.
        bad: takes the reports.

    Raises:
        BadLine: at the first bad line, under strict.
    """
    for number, line in lines:
        try:
            letter = deadletters.read(line)
        except RecordFault as exc:
            bad.report(name, number, str(exc))
        else:
            yield letter


def resent(
    found: Iterable[Letter], spool: Queue, now: Callable[[], float], to: str | None = None
) -> tuple[int, int]:
    """Let dead letters wait for their receivers again.

    Args:
        found: the letters.
        spool: where they wait.
        now: wall time, Unix seconds.
        to: the receiver that gets them in place of their own, which may be called otherwise by now.

    Returns:
        How many do, and how many were delivered or wait already.

    Raises:
        UsageFault: the spool knows no receiver of that name.
    """
    if to is not None and to not in (names := spool.receivers()):
        raise UsageFault(f"--to {to}: no receiver is called so; the spool knows {', '.join(names) or 'none'}")
    again = known = 0
    for batch in _batches(found):
        sent = spool.resend([(to or one.receiver, one.key, one.line) for one in batch], now())
        again += sent
        known += len(batch) - sent
    return again, known


def _batches(found: Iterable[Letter]) -> Iterator[list[Letter]]:
    """Yield letters in batches that share a write to the disk; of large ones they are fewer."""
    batch: list[Letter] = []
    size = 0
    for letter in found:
        batch.append(letter)
        size += len(letter.line)
        if size >= _ROOM:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
