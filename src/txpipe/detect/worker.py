"""One process of ``--jobs``: it follows every account and judges its share (see ``crew``)."""

from __future__ import annotations

import mmap
import os
import signal
import traceback
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from typing import Any

from txpipe.detect.conduct import Conduct
from txpipe.detect.finding import Finding
from txpipe.detect.places import is_blank
from txpipe.detect.screener import Screener
from txpipe.errors import RecordFault, TxpipeError
from txpipe.record import check, loads

_MOVES = frozenset({"transfer", "call", "approval"})

_Found = dict[int, tuple[int, list[Finding]]]
"""By line: whether the share holds the receiver only (1) or the sender (0), and what was found."""


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


ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that may come to the whole group: the parent ends the run, and begins it with them blocked."""


def work(  # noqa: PLR0913, PLR0917 - what a process is given
    conduct: Conduct,
    screener: Screener,
    share: tuple[int, int],
    link: Connection,
    others: list[Connection],
    room: mmap.mmap,
) -> None:
    """Run a process: windows in, reports out, until the parent is gone."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
    for other in others:
        other.close()
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    place, jobs = share
    conduct.share = lambda address: hash(address) % jobs == place  # children of one process hash alike
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
