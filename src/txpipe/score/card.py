"""From inputs to a scorecard, and the scorecard in its forms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from txpipe.errors import UsageFault
from txpipe.record import dumps
from txpipe.score import page, plots, table
from txpipe.score.found import Found
from txpipe.score.intake import Intake
from txpipe.score.report import Evidence, Row, rows
from txpipe.score.truth import Truth, Verdict
from txpipe.score.volume import Volume
from txpipe.stream import BadLines

require_plots = plots.require


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a scorecard is made of; - is stdin.

    Attributes:
        alerts: files.
        labels: files, one a run.
        records: files; may be none.
        transactions: how many there were; None is what the records tell.
    """

    alerts: Sequence[str]
    labels: Sequence[str]
    records: Sequence[str] = ()
    transactions: int | None = None

    def all(self) -> list[str]:
        """Return every file."""
        return [*self.alerts, *self.labels, *self.records]


def scored(inputs: Inputs, min_severity: str, *, shadow: bool, bad: BadLines) -> list[Row]:
    """Read everything and return the scorecard.

    Args:
        inputs: where from; alerts first, since labels and records may be made by the same pipe.
        min_severity: from which on an alert is a detection.
        shadow: count rules on trial.
        bad: takes reports of bad lines, and notices.

    Raises:
        UsageFault: an input holds something else, or the numbers contradict each other.
        InputFailed: an input cannot be read.
        BadLine: at the first bad line, under strict.
    """
    intake, found, truth = Intake(bad), Found(min_severity, shadow=shadow), Truth()
    intake.alerts(inputs.alerts, found)
    intake.labels(inputs.labels, truth)
    volume = Volume(truth)
    intake.records(inputs.records, volume)
    _doubts(inputs, truth, found, volume, bad.say)
    return rows(Evidence(truth, found, min_severity, *_traffic(inputs, truth, volume)))


def _traffic(inputs: Inputs, truth: Truth, volume: Volume) -> tuple[int | None, int | None]:
    """Return how many transactions there were and how many of these have no label, as far as anybody told.

    Raises:
        UsageFault: there were fewer than are labelled.
    """
    labelled = len(truth.transactions())
    if inputs.transactions is None:
        benign = volume.transactions - (labelled - len(volume.unseen))
        return (volume.transactions, max(benign, 0)) if inputs.records else (None, None)
    if inputs.transactions < labelled:
        told = f"--transactions {inputs.transactions}: fewer than the {labelled:,} that are labelled"
        raise UsageFault(f"{told}; it counts every transaction of the stream, fraud included")
    return inputs.transactions, inputs.transactions - labelled


def _doubts(inputs: Inputs, truth: Truth, found: Found, volume: Volume, say: Callable[[str], None]) -> None:
    """Say what makes the scorecard less than it looks: files of different runs, a number nobody told."""
    alerts = found.counted()
    if inputs.transactions is None and not inputs.records:
        say("false alerts in 10,000 benign transactions: unknown without --records FILE or --transactions N")
    if inputs.records and volume.unseen:
        missing = f"{len(volume.unseen):,} of {len(truth.transactions()):,}"
        say(f"{missing} labelled transactions are not in the records; are both of the same run?")
    if alerts and all(truth.verdict(alert.key) is Verdict.FALSE for alert in alerts):
        say("no alert names a labelled transaction; are alerts and labels of the same run?")


def written(card: Sequence[Row], form: str) -> bytes:
    """Return a scorecard as ``ndjson``, ``human`` or ``markdown``."""
    if form == "ndjson":
        return b"".join(map(dumps, card))
    shown = table.human if form == "human" else table.markdown
    return "".join(shown(table.sections(card))).encode()


def as_page(card: Sequence[Row]) -> bytes:
    """Return a scorecard as a page with plots; ``require_plots`` says whether that is possible."""
    return page.page(table.sections(card), plots.figures(card))


def summary(card: Sequence[Row], bad: int) -> str:
    """Return one line for people."""
    first = card[0]
    row = next(row for row in card if row["part"] == "recall")
    found, cut = row["instances"], row["cut_off"]
    parts = [
        f"{found['hits']:,} of {found['of']:,} fraud instances found",
        *([f"{cut['hits']:,} of {cut['of']:,} that are cut off"] if cut["of"] else []),
        f"{first['alerts']:,} alerts on {first['alerted_transactions']:,} transactions",
        f"{first['labels']:,} labels",
    ]
    return "; ".join([*parts, f"{bad:,} bad lines"] if bad else parts)
