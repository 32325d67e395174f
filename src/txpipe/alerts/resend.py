"""Dead letters back into the spool."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from txpipe.alerts import deadletters
from txpipe.alerts.deadletters import Letter
from txpipe.alerts.spool import Spool
from txpipe.errors import RecordFault
from txpipe.stream import BadLines


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


def resent(found: Iterable[Letter], spool: Spool, now: Callable[[], float]) -> tuple[int, int]:
    """Let dead letters wait for their receivers again.

    Returns:
        How many do, and how many were delivered or wait already.
    """
    again = known = 0
    for letter in found:
        if spool.resend(letter.receiver, letter.key, letter.line, now()):
            again += 1
        else:
            known += 1
    return again, known
