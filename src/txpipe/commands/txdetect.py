"""txdetect: records in, alerts out."""

from __future__ import annotations

import click

from txpipe import command, stream
from txpipe.detect.choice import chosen
from txpipe.detect.engine import Engine
from txpipe.detect.paths import Reading
from txpipe.detect.screener import Screener
from txpipe.lists.option import ListChoice, list_options
from txpipe.sink import stdout


@click.command(name="txdetect", cls=command.PipeCommand)
@command.file_argument
@list_options
@click.option(
    "--allow-sanctions", is_flag=True, help="Let allow-lists silence entries of category sanctions, too."
)
@click.option("--only", metavar="RULE,...", show_default="every rule", help="Run only these rules.")
@click.option("--except", "leave_out", metavar="RULE,...", help="Run every rule but these.")
@click.option("--exit-status", is_flag=True, help="End with 3 if an alert was written and nothing failed.")
@command.strict_option
@command.stats_option
@command.version_option
def main(  # noqa: PLR0913 - one argument an option
    *,
    file: str,
    lists: ListChoice,
    allow_sanctions: bool,
    only: str | None,
    leave_out: str | None,
    exit_status: bool,
    strict: bool,
    stats: bool | None,
) -> int:
    """Read records from FILE or stdin, write an alert for each risky transaction to stdout.

    \b
    Examples:
      txsim --seed 7 --records 100000 | txdetect --list blocklists/demo.csv | txalert
      zcat block.json.gz | txnorm | txdetect --list 'name=ofac,category=sanctions:sdn.txt'

    Rule "listed" finds parties of movements and approvals that a blocklist names, rule "mention" finds such
    addresses in calldata. With these rules alone only lines that hold a listed address are parsed, the
    others are checked for their framing; --strict parses all.

    It does not convert raw chain data: that is txnorm's. It does not filter, format or deliver alerts: that
    is txalert's. Lists are looked into, compared and compiled by txlist.
    """  # noqa: D301 - \b keeps click from joining the examples' lines
    rules = chosen(only, leave_out)
    block, allow = lists.open(command.say, command.progress_shown())
    if block is None:
        command.say("no --list given: rules listed and mention have nothing to look for")
    sink = stdout()
    bad = stream.BadLines(command.say, strict=strict)
    engine = Engine(rules, Screener(block, allow, allow_sanctions=allow_sanctions))
    command.say_if_waiting(file)
    reading = Reading(engine, stream.open_source(file), bad, sink.flush)
    if command.stats_wanted(stats):
        command.at_end(reading.summary)
    for alert in reading.alerts(block if block and block.scannable and not strict else None):
        sink.write(alert)
    if bad.count:
        return command.BAD_INPUT
    return command.FOUND if exit_status and engine.alerts else 0
