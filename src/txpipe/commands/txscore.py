"""txscore: hold alerts against labels."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from txpipe import command, stream
from txpipe.record import SEVERITIES
from txpipe.sink import open_sink, stdout


@click.command(name="txscore", cls=command.PipeCommand)
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(allow_dash=True))
@click.option(
    "-l",
    "--labels",
    multiple=True,
    required=True,
    metavar="FILE",
    type=click.Path(allow_dash=True),
    help="What is fraud and what only looks like it; once for each run that is pooled.",
)
@click.option(
    "-m",
    "--min-severity",
    type=click.Choice(SEVERITIES),
    default="medium",
    help="Alerts of this severity and above are detections.",
)
@click.option(
    "--records",
    multiple=True,
    metavar="FILE",
    type=click.Path(allow_dash=True),
    help="What txdetect has read: tells how many transactions there were, and times that labels lack.",
)
@click.option(
    "--transactions",
    type=click.IntRange(min=0),
    metavar="N",
    help="How many transactions there were, fraud included; before what --records tells.",
)
@click.option("--shadow", is_flag=True, help="Count alerts of rules on trial, too.")
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(["auto", "ndjson", "human", "markdown"]),
    default="auto",
    help="How the scorecard is written; auto is human at a terminal, ndjson in a pipe or file.",
)
@click.option("--html", metavar="FILE", type=click.Path(), help="Write a page with plots, too.")
@command.strict_option
@command.stats_option
@command.version_option
def main(  # noqa: PLR0913 - one parameter an option
    *,
    files: Sequence[str],
    labels: Sequence[str],
    min_severity: str,
    records: Sequence[str],
    transactions: int | None,
    shadow: bool,
    form: str,
    html: str | None,
    strict: bool,
    stats: bool | None,
) -> int:
    """Read alerts from FILE or stdin, write how good they are to stdout: a scorecard.

    \b
    Example:
      txsim --seed 7 --records 100000 --labels labels.ndjson | tee records.ndjson \\
        | txdetect --list blocklists/demo.csv \\
        | txscore --labels labels.ndjson --records records.ndjson

    Recall by scenario and rule, precision by severity, false alerts in 10,000 benign transactions, benign
    twins hit, time to detect, calibration of scores. An alert is true if its transaction is labelled fraud,
    hits a twin if it is labelled as a look-alike, and is false otherwise. Of an alert's revisions the last
    counts; what was retracted does not. Labels and records are read after the alerts, so that one pipe may
    make all three. It judges no transaction itself: that is txdetect's.
    """  # noqa: D301 - \b keeps click from joining the example's lines
    from txpipe.score import card  # noqa: PLC0415 - not for --help

    inputs = card.Inputs(files or ("-",), labels, records, transactions)
    if inputs.all().count("-") > 1:
        command.fail_usage("stdin can be read once; name a FILE in place of every - but one")
    if html == "-":
        command.fail_usage("--html wants a FILE; stdout has the scorecard itself")
    if html is not None:
        card.require_plots()
    if inputs.all().count("-"):
        command.say_if_waiting("-")
    bad = stream.BadLines(command.say, strict=strict)
    rows = card.scored(inputs, min_severity, shadow=shadow, bad=bad)
    if command.stats_wanted(stats):
        command.at_end(lambda: card.summary(rows, bad.count))
    stdout().write(card.written(rows, _form(form)))
    if html is not None:
        page = open_sink(html)
        page.write(card.as_page(rows))
        page.close()
    return command.BAD_INPUT if bad.count else 0


def _form(form: str) -> str:
    if form != "auto":
        return form
    return "human" if command.is_terminal(sys.stdout) else "ndjson"
