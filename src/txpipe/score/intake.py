"""Files to what they hold: alerts, labels, records; each says what it wanted where it got something else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from txpipe.alerts.intake import taken
from txpipe.detect.names import OF_TXALERT
from txpipe.errors import UsageFault
from txpipe.score.found import Found
from txpipe.score.truth import Truth
from txpipe.score.volume import Volume
from txpipe.stream import MAX_LINE, BadLines, numbered_batches, open_source

_MAX_ALERT = MAX_LINE + (64 << 10)
"""Bytes of an alert: it holds a record, which may be as long as a line, and what was found in it."""
_RECORDS = ("transfer", "call", "approval", "block")


@dataclass(slots=True)
class Intake:
    """Reads inputs one after another.

    Attributes:
        bad: takes the reports of lines that are no records.
    """

    bad: BadLines
    _kinds: Counter[str] = field(default_factory=Counter)

    def alerts(self, paths: Sequence[str], found: Found) -> None:
        """Read alerts to the end; what txalert says itself, and records of other types, are passed over.

        Raises:
            UsageFault: an input holds records or labels, and not a single alert.
            InputFailed: it cannot be read.
        """
        for path in paths:
            for record in self._records(path, _MAX_ALERT):
                if record["type"] == "alert" and record["rule"] not in OF_TXALERT:
                    found.add(record)
            if not self._kinds["alert"] and (kind := self._other("label", *_RECORDS)):
                remedy = "name it with --labels" if kind == "labels" else "txdetect makes alerts of them"
                raise UsageFault(f"{_shown(path)}: holds {kind}, not alerts; {remedy}")

    def labels(self, paths: Sequence[str], truth: Truth) -> None:
        """Read labels; each file is a run of its own, in which instances are counted from 0.

        Raises:
            UsageFault: a file without a single label.
            InputFailed: it cannot be read.
        """
        for path in paths:
            for record in self._records(path):
                if record["type"] == "label":
                    truth.add(path, record)
            if not self._kinds["label"]:
                kind = self._other("alert", *_RECORDS)
                holds = f"holds {kind}, not labels" if kind else "holds no label"
                raise UsageFault(f"{_shown(path)}: {holds}; labels come from txsim --labels FILE")
        disputed = truth.settle()
        if disputed:
            what = "1 transaction is" if disputed == 1 else f"{disputed:,} transactions are"
            self.bad.say(f"{what} labelled both fraud and not; fraud it is")

    def records(self, paths: Sequence[str], volume: Volume) -> None:
        """Read records, of which nothing is kept but counts and the times that labels lack.

        Raises:
            UsageFault: a file without a single record.
            InputFailed: it cannot be read.
        """
        for path in paths:
            volume.read(self._records(path))
            if not self._other(*_RECORDS):
                raise UsageFault(f"{_shown(path)}: holds no record; --records wants what txdetect has read")

    def _records(self, path: str, max_line: int = MAX_LINE) -> Iterator[dict[str, Any]]:
        """Yield the valid records of an input, counted by type."""
        self._kinds.clear()
        source = open_source(path)
        batches = numbered_batches(source, _nothing, self.bad, max_line)
        for _, record in chain.from_iterable(taken(batches, source.name, self.bad)):
            self._kinds[record["type"] if record["type"] in _KNOWN else ""] += 1
            yield record

    def _other(self, *kinds: str) -> str:
        """Return what the last input holds of some types: the word for it, "" for nothing."""
        for kind in kinds:
            if self._kinds[kind]:
                return "records" if kind in _RECORDS else f"{kind}s"
        return ""


_KNOWN = frozenset(("alert", "label", *_RECORDS))


def _nothing() -> None:
    """Nothing waits to be flushed: the scorecard comes at the end."""


def _shown(path: str) -> str:
    return "<stdin>" if path == "-" else path
