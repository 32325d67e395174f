"""txdetect: records in, alerts out."""

from __future__ import annotations

import functools
import gc
import time
from typing import Any

import click

from txpipe import command, stream
from txpipe.clock import Clock
from txpipe.descriptor import ready
from txpipe.lists.option import ListChoice, list_options
from txpipe.metrics import Exporter
from txpipe.sink import stdout


@click.command(name="txdetect", cls=command.PipeCommand)
@command.file_argument
@list_options
@click.option(
    "--allow-sanctions", is_flag=True, help="Let allow-lists silence entries of category sanctions, too."
)
@click.option("--only", metavar="RULE,...", show_default="every rule", help="Run only these rules.")
@click.option("--except", "leave_out", metavar="RULE,...", help="Run every rule but these.")
@click.option("--rules", "rule_file", metavar="FILE", help="Take settings of rules from a TOML file.")
@click.option(
    "--shadow",
    "shadow_file",
    metavar="FILE",
    help='Run a second rule file on trial: write what it says otherwise, too, marked "shadow": true.',
)
@click.option(
    "--plugin", "plugins", multiple=True, metavar="FILE.py", help="Run rules of your own, too; repeatable."
)
@command.prices_option
@click.option("--check", "check_rules", is_flag=True, help="Say what is wrong with the rule file and end.")
@click.option("--print-rules", is_flag=True, help="Write all settings with their defaults as TOML and end.")
@click.option("--explain", is_flag=True, help="Read alerts instead; say in plain words why each was made.")
@click.option(
    "--max-memory",
    type=click.IntRange(min=1),
    metavar="MB",
    help="Keep the accounts that rules about conduct remember within so much memory; the least recently "
    "active are forgotten first.",
)
@click.option("--state", metavar="FILE", help="Keep what is known in FILE, and go on from there next time.")
@click.option(
    "--state-every",
    type=command.Number(min=0),
    default=10,
    metavar="SECONDS",
    help="Save the state at most so often.",
)
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=1, max=64),
    default=1,
    metavar="N",
    help="Share the accounts among N processes; alerts stay the same, each process takes the whole memory.",
)
@click.option(
    "--heartbeat",
    "beat_s",
    type=command.Number(min=0.1),
    metavar="SECONDS",
    show_default="alerts only",
    help="Write a heartbeat for each chain so often, even when nothing comes; pass on reorgs and heartbeats.",
)
@click.option(
    "--stall",
    "stall_s",
    type=command.Number(min=0),
    default=60,
    metavar="SECONDS",
    help="In heartbeats, call a chain stalled if none of its records came for so long; 0 is never.",
)
@click.option("--exit-status", is_flag=True, help="End with 3 if an alert was written and nothing failed.")
@command.strict_option
@command.metrics_option
@command.stats_option
@command.version_option
def main(  # noqa: PLR0913 - one argument an option that is not the detector's
    *,
    file: str,
    lists: ListChoice,
    allow_sanctions: bool,
    check_rules: bool,
    print_rules: bool,
    explain: bool,
    beat_s: float | None,
    stall_s: float,
    exit_status: bool,
    strict: bool,
    metrics: Exporter,
    stats: bool | None,
    **options: Any,
) -> int:
    """Read records from FILE or stdin, write an alert for each risky transaction to stdout.

    \b
    Examples:
      txsim --seed 7 --records 100000 | txdetect --list blocklists/demo.csv | txalert
      zcat block.json.gz | txnorm | txdetect --list blocklists/notable.csv
      txdetect --print-rules > rules.toml; txsim -n 9999 | txdetect --rules rules.toml --except velocity

    Rule "listed" finds parties of movements and approvals that a blocklist names, rule "mention" finds such
    addresses in calldata. The other rules need no list: they follow every account's conduct. Without them
    (--only listed,mention) only lines that hold a listed address are parsed, the others are checked for
    their framing; --strict checks every key of every line.

    With --heartbeat SECONDS somebody downstream can tell silence from nothing found: beside alerts there are
    heartbeat records (status ok, stalled or blind; last block, seconds behind), and those of upstream and
    reorgs pass byte for byte, a reorg before the alerts that it takes back.

    It does not convert raw chain data: that is txnorm's. It does not filter, format or deliver alerts: that
    is txalert's. Lists are looked into, compared and compiled by txlist.
    """  # noqa: D301 - \b keeps click from joining the examples' lines
    from txpipe.detect import asked, counts, pulse, setup  # noqa: PLC0415 - every rule, not for --help

    wanted = setup.Options(**options)
    if wanted.rule_file or wanted.plugins:
        gc.set_threshold(100_000, 50, 100)  # millions of accounts, and hardly a cycle
    else:
        gc.disable()  # our own code makes no cycles; looking for them takes 3 % of the time
    if print_rules:
        return asked.print_rules(stdout())
    if check_rules:
        return asked.check_rules(wanted.rule_file, command.say)
    if explain:
        return asked.explain(file, command.say, stdout(), wanted.plugins)
    rules = wanted.rules()
    block, allow = lists.open(command.say, command.progress_shown())
    if block is None and (said := setup.idle_without_lists(rules)):
        command.say(said)
    sink = stdout()
    screener = setup.Screener(block, allow, allow_sanctions=allow_sanctions)
    detector = wanted.detector(rules, screener, command.say)
    keeper = wanted.keeper(detector, sink.flush, setup.fingerprint(rules, block, allow), command.say)
    command.keep(detector)
    command.say_if_waiting(file)
    bad = stream.BadLines(command.say, strict=strict)
    reading = wanted.reading(detector, stream.open_source(file), bad, sink.flush, keeper)
    if beat_s is not None:
        clock = Clock(time.monotonic, time.time, functools.partial(ready, reading.source.fd))
        reading.listen(pulse.Pulse(beat_s, stall_s, sink, clock))
    metrics.show(lambda: counts.of_reading(reading, time.time()))
    reading.begun = metrics.start
    command.at_end(reading.remarks)
    if command.stats_wanted(stats):
        command.at_end(reading.summary)
    for alert in reading.alerts(block, strict=strict):
        sink.write(alert)
    if bad.count:
        return command.BAD_INPUT
    return command.FOUND if exit_status and detector.alerts else 0
