"""The rules about conduct in several processes, each about a share of the accounts (``--jobs``).

Every process reads every line and follows every account, because what one account did decides what is
remarkable about another's movement; only what the rules think and keep of an account is divided. The parent
screens for listed addresses and says what was found, so that alerts are the same, in the same order, as with
one process. It hands windows of lines out through shared memory and gets findings back through pipes.
"""

from __future__ import annotations

import atexit
import mmap
import multiprocessing
import signal
from array import array
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from txpipe.detect.conduct import Conduct
from txpipe.detect.finding import Finding
from txpipe.detect.screener import Screener
from txpipe.detect.watch import NOBODY, Listing
from txpipe.detect.worker import ENDING, Report, work
from txpipe.errors import RecordFault, TxpipeError
from txpipe.stream import MAX_LINE
from txpipe.window import WINDOW

AHEAD = 2
"""Windows that are handed out before the first one's findings must be back."""

_ROOM = MAX_LINE + WINDOW
"""Bytes that a window may have."""

_PLACE = _ROOM + 4 * (_ROOM + 1)
"""Bytes of shared memory for a window and the numbers of lines in it; what is not used takes no memory."""


class WorkerFailed(TxpipeError):
    """A process of --jobs ended before its work was done."""


@dataclass(slots=True)
class Batch:
    """A window that was handed out.

    Attributes:
        lines: its lines.
        first: the number of the first one in the input, from 1.
        todo: numbers of the lines, within it, that the engine must take as a whole.
        found: what the rules about conduct found, by line.
        lacks: what the rules lack.
        refused: why they could not take a line.
    """

    lines: list[bytes]
    first: int
    todo: set[int]
    found: dict[int, list[Finding]] = field(default_factory=dict)
    lacks: list[str] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)


class Crew(Conduct):
    """Stands where the rules about conduct would, and has them asked elsewhere.

    Attributes:
        waiting: windows handed out whose findings are not back.
        at_hand: what was found about the record that the engine takes next.
        refused: why the rules about conduct could not take it; None if they did.
    """

    def __init__(self, conduct: Conduct, screener: Screener, jobs: int) -> None:
        """Take what each process runs, the lists that it looks into, and how many processes there are."""
        super().__init__(conduct.rules_on, None)
        self.limit = conduct.limit
        self.waiting: deque[Batch] = deque()
        self.at_hand: Sequence[Finding] = ()
        self.refused: str | None = None
        self._conduct = conduct
        self._screener = screener
        self._jobs = jobs
        self._links: list[Connection] = []
        self._undone: deque[bool] = deque()
        self._accounts = self._forgot = self._sent = 0

    @property
    def accounts(self) -> int:
        """How many accounts each process keeps."""
        return self._accounts

    @property
    def forgotten(self) -> int:
        """How many accounts each process forgot."""
        return self._forgot

    def start(self) -> None:
        """Start the processes; what they inherit must be in place."""
        context = multiprocessing.get_context("fork")
        self._room = mmap.mmap(-1, AHEAD * _PLACE)
        self._conduct.reorgs = self.reorgs
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        for number in range(self._jobs):
            mine, its = context.Pipe()
            others = [mine, *self._links]  # while one of them is open, nobody sees that the parent is gone
            args = (self._conduct, self._screener, (number, self._jobs), its, others, self._room)
            context.Process(target=work, args=args, daemon=True).start()
            its.close()
            self._links.append(mine)
            atexit.register(mine.close)  # they end by that; what ends processes of Python's is ignored there
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)

    def hand_out(self, text: bytes, fed: list[int], first: int) -> None:
        """Let every process take a window of lines.

        Args:
            text: whole lines, without the last newline.
            fed: numbers of lines that must be parsed as a whole, in order.
            first: the number of the first line in the input.
        """
        place = self._sent % AHEAD * _PLACE
        self._sent += 1
        numbers = array("I", fed).tobytes()
        end = place + len(text)
        self._room[place : end + len(numbers)] = text + numbers
        self.waiting.append(Batch(text.split(b"\n"), first, set(fed)))
        for link in self._links:
            try:
                link.send((place, end, end + len(numbers)))  # little: a send must never wait for a reader
            except OSError as exc:
                raise _ended() from exc

    def collect(self) -> Batch:
        """Return the oldest window with what was found in it."""
        batch = self.waiting.popleft()
        reports = [self._received(link) for link in self._links]
        first = reports[0]
        batch.todo.update(first.odd)
        for at in {at for report in reports for at in report.found}:
            sides = [report.found[at] for report in reports if at in report.found]
            batch.found[at] = [one for _, found in sorted(sides, key=_side) for one in found]
        batch.lacks, batch.refused = first.lacks, first.refused
        self._undone.extend(first.undone)
        self._accounts, self._forgot = first.accounts, first.forgotten
        return batch

    def take(
        self,
        record: dict[str, Any],  # noqa: ARG002 - as of a Conduct that looks itself
        listed: Listing = NOBODY,  # noqa: ARG002
        line: bytes | None = None,  # noqa: ARG002
    ) -> Sequence[Finding]:
        """Return what was found about the record at hand.

        Raises:
            RecordFault: the rules about conduct could not take it.
        """
        if self.refused is not None:
            raise RecordFault(self.refused)
        return self.at_hand

    def undo(self, chain: str, height: int) -> bool:  # noqa: ARG002 - likewise
        """Return whether the processes could undo the reorg at hand as a whole."""
        return self._undone.popleft() if self._undone else True

    def blind_to(self, lines: int) -> Iterator[str]:  # noqa: ARG002 - likewise
        """Yield nothing: what the rules lack comes with a window's findings."""
        yield from ()

    @staticmethod
    def _received(link: Connection) -> Report:
        try:
            report = link.recv()
        except (EOFError, OSError) as exc:
            raise _ended() from exc
        if isinstance(report, Report):
            return report
        if isinstance(report, TxpipeError):
            raise report
        raise RuntimeError(f"in a process of --jobs:\n{report}")


def _ended() -> WorkerFailed:
    return WorkerFailed(
        "a process of --jobs ended before its work was done: out of memory? Each keeps all accounts;"
        " try fewer, or --max-memory"
    )


def _side(one: tuple[int, list[Finding]]) -> int:
    return one[0]
