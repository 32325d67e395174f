"""The rules about conduct in several processes, each about a share of the accounts (``--jobs``).

Every process reads every line and follows every account, because what one account did decides what is
remarkable about another's movement; only what the rules think and keep of an account is divided. The parent
screens for listed addresses and says what was found, so that alerts are the same, in the same order, as with
one process. It hands windows of lines out through shared memory and gets findings back through pipes.
"""

from __future__ import annotations

import mmap
import multiprocessing
import os
import signal
import traceback
from array import array
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from typing import Any

from txpipe.detect.conduct import Conduct
from txpipe.detect.finding import Finding
from txpipe.detect.places import is_blank
from txpipe.detect.screener import Screener
from txpipe.detect.watch import NOBODY, Listing
from txpipe.errors import RecordFault, TxpipeError
from txpipe.record import check, loads
from txpipe.stream import MAX_LINE
from txpipe.window import WINDOW

AHEAD = 2
"""Windows that are handed out before the first one's findings must be back."""

_ROOM = MAX_LINE + WINDOW
"""Bytes that a window may have."""

_PLACE = _ROOM + 4 * (_ROOM + 1)
"""Bytes of shared memory for a window and the numbers of lines in it; what is not used takes no memory."""

_MOVES = frozenset({"transfer", "call", "approval"})

_Found = dict[int, tuple[int, list[Finding]]]
"""By line: whether the share holds the receiver only (1) or the sender (0), and what was found."""


class WorkerFailed(TxpipeError):
    """A process of --jobs ended before its work was done."""


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a window's lines.

    Attributes:
        odd: numbers of lines that are no plain movements: the parent must look at them.
        found: by line.
        undone: for each reorg among the lines, whether all of it could be undone.
        accounts: accounts kept.
        forgotten: accounts forgotten.
        lacks: what the rules lack on this input, as far as it was not said.
        refused: why the rules about conduct could not take a line, by its number.
    """

    odd: list[int]
    found: _Found
    undone: list[bool]
    accounts: int
    forgotten: int
    lacks: list[str]
    refused: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class Worker:
    """One process's part: every account is followed, those of its share are judged."""

    conduct: Conduct
    screener: Screener
    lines: int = 0
    _report: Report = field(default_factory=lambda: Report([], {}, [], 0, 0, []))

    def work(self, text: bytes, fed: Sequence[int]) -> Report:
        """Take the lines of a window.

        Args:
            text: whole lines, without the last newline.
            fed: numbers of those in which lists may name somebody, in order.
        """
        lines = text.split(b"\n")
        report = self._report = Report([], {}, [], 0, 0, [])
        at = 0
        for stop in (*fed, len(lines)):
            while at < stop:
                for move, found in self.conduct.run(lines, at, stop):
                    self._keep(move.at, found)
                at = self.conduct.taken
                while at < stop and is_blank(lines[at]):
                    at += 1
                if at < stop:
                    report.odd.append(at)
                    self._take(lines[at], at)
                    at += 1
            if at < len(lines):
                self._take(lines[at], at)
                at += 1
        self.lines += len(lines)
        conduct = self.conduct
        lacks = list(conduct.blind_to(self.lines))
        return replace(report, accounts=conduct.accounts, forgotten=conduct.forgotten, lacks=lacks)

    def _take(self, line: bytes, at: int) -> None:
        """Take a line of any kind, as ``Engine.feed`` does."""
        try:
            record = check(loads(line))
        except RecordFault:
            return
        if record["type"] == "reorg":
            self._report.undone.append(self.conduct.undo(record["chain"], record["block"]))
        elif record["type"] in _MOVES and record["block"] is not None and not record.get("failed"):
            try:
                self._keep(at, self.conduct.take(record, self.screener.listing(record), line))
            except RecordFault as fault:
                self._report.refused[at] = str(fault)

    def _keep(self, at: int, found: Sequence[Finding]) -> None:
        if found:
            share, move = self.conduct.share, self.conduct.move
            self._report.found[at] = (int(share is not None and not share(move.sender.address)), list(found))


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
        super().__init__(conduct.rules_on, screener.allows)
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
        for number in range(self._jobs):
            mine, its = context.Pipe()
            others = [mine, *self._links]  # while one of them is open, nobody sees that the parent is gone
            args = (self._conduct, self._screener, (number, self._jobs), its, others, self._room)
            context.Process(target=_work, args=args, daemon=True).start()
            its.close()
            self._links.append(mine)

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


def _work(  # noqa: PLR0913, PLR0917 - what a process is given
    conduct: Conduct,
    screener: Screener,
    share: tuple[int, int],
    link: Connection,
    others: list[Connection],
    room: mmap.mmap,
) -> None:
    """Run a process: windows in, reports out, until the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends the run
    for other in others:
        other.close()
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    number, jobs = share
    conduct.share = lambda address: hash(address) % jobs == number  # children of one process hash alike
    worker = Worker(conduct, screener)
    while True:
        try:
            start, middle, end = link.recv()
        except (EOFError, OSError):
            return
        try:
            report: Any = worker.work(room[start:middle], array("I", room[middle:end]))
        except TxpipeError as exc:
            report = exc
        except Exception:  # noqa: BLE001 - the parent raises it
            report = traceback.format_exc()
        try:
            link.send(report)
        except OSError:  # the parent had enough
            return
