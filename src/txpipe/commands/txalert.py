"""txalert: alerts in, those let through out."""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import click

from txpipe import command, stream
from txpipe.alerts import counts, forms, select
from txpipe.alerts.option import DeliveryChoice, delivery_options
from txpipe.alerts.passage import Passage
from txpipe.alerts.receiver import shown
from txpipe.chains.masked import mask
from txpipe.detect.names import unknown
from txpipe.errors import UsageFault
from txpipe.metrics import Exporter
from txpipe.record import SEVERITIES
from txpipe.sink import Sink, stdout

if TYPE_CHECKING:
    from txpipe.alerts.deliver import Delivery

_CHAIN = re.compile(r"[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}")


@click.command(name="txalert", cls=command.PipeCommand)
@command.file_argument
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(["auto", *forms.FORMS]),
    default="auto",
    help="How alerts are written; auto is human at a terminal, ndjson in a pipe or file.",
)
@click.option(
    "--color",
    "colour",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    help="Colours of the human format; auto asks for a terminal and no NO_COLOR.",
)
@click.option(
    "-m",
    "--min-severity",
    type=click.Choice(SEVERITIES),
    default=SEVERITIES[0],
    help="Let through alerts of this severity and above.",
)
@click.option("-r", "--rule", "rules", multiple=True, metavar="RULE,...", help="Only these rules' alerts.")
@click.option(
    "-c", "--chain", "chains", multiple=True, metavar="CAIP2,...", help="Only these chains' alerts."
)
@click.option(
    "--dedupe", is_flag=True, help="Let an alert (by id and rev) through once, of the last 200,000."
)
@click.option(
    "--deadman",
    "deadman_s",
    type=command.Number(min=0.1),
    metavar="SECONDS",
    show_default="never",
    help="Make an alert of nothing that comes for so long, and of heartbeats that say stalled or blind.",
)
@delivery_options
@click.option(
    "--check", "check_routes", is_flag=True, help="Say what is wrong with the --routes file and end."
)
@click.option(
    "--exit-status", is_flag=True, help="End with 3 if an alert was let through and nothing failed."
)
@command.strict_option
@command.metrics_option
@command.stats_option
@command.version_option
def main(  # noqa: PLR0913 - one argument an option
    *,
    file: str,
    form: str,
    colour: str,
    min_severity: str,
    rules: Sequence[str],
    chains: Sequence[str],
    dedupe: bool,
    deadman_s: float | None,
    delivery: DeliveryChoice,
    check_routes: bool,
    exit_status: bool,
    strict: bool,
    metrics: Exporter,
    stats: bool | None,
) -> int:
    """Read alerts from FILE or stdin, write those let through to stdout.

    \b
    Examples:
      txsim --records 100000 | txdetect --list blocklists/demo.csv | txalert -m high
      txalert < alerts.ndjson | jq -c 'select(.type == "heartbeat" and .status != "ok")'
      txalert --spool /var/spool/txalert --to https://soc.example/hook < alerts.ndjson > /dev/null

    In ndjson an alert is passed on byte for byte; records of other types (heartbeat, reorg, ...) pass
    too, whatever the filters. The other formats leave them out; human tells of a stalled or blind source.
    Text from chains and lists is shown with control characters written out. ocsf and ecs are for SIEMs.

    With --to what is let through is delivered, too, beside the pipe: a receiver that is slow or down delays
    neither stdout nor another receiver. URL is https://HOST/PATH or http://HOST/PATH (each alert posted as
    it is, with an Idempotency-Key of id and rev), file:PATH (appended, as NDJSON;
    file:PATH?rotate=100M&keep=5), exec:COMMAND (fed NDJSON; status 0 says that it has them), syslog:,
    syslog:/PATH, syslog:udp://HOST or syslog:tcp://HOST (RFC 5424), alertmanager:http://HOST:9093
    (Prometheus), postgresql://USER@HOST/DATABASE, sqlite:///PATH, discord:https://discord.com/api/webhooks/...,
    slack:https://TOKEN@slack.com/api?channel=ID, telegram:https://api.telegram.org/botTOKEN?chat_id=ID, or a
    URL of Apprise (mailto://, msteams://, ...). URLs may hold secrets, which are never shown. Give them by
    TXALERT_TO (separated by spaces) rather than on the command line, which other users of the machine see
    for a moment. ecs+ or ocsf+ before https, http, file, exec or syslog delivers that form
    (ecs+file:alerts.ndjson).

    With --deadman SECONDS silence is an alert, too, of rule "deadman": when nothing comes for so long, not
    even a heartbeat, or a chain's heartbeats say stalled or blind for so long. It goes to stdout, whatever
    the filters, and to receivers at once, and is taken back when word comes again. The end of input is an
    end, not silence: let something else see that the commands run. With --spool a restart does not repeat it.

    With --routes FILE receivers and who gets what stand in a TOML file; --to gets everything. txalertctl
    route-test says who would get an alert, and why.

    With --spool an alert is on disk before it leaves for stdout, and a kill at any moment loses none: the
    next run with the same --spool goes on, and may send again, under the same key, what a receiver was just
    taking. What --drain leaves is kept, said, and ends with 1. txalertctl sends dead letters again. It
    judges no records: that is txdetect's.
    """  # noqa: D301 - \b keeps click from joining the examples' lines
    if check_routes:
        return _checked(delivery)
    wanted = select.Selection(select.at_least(min_severity), _rules(rules), _chains(chains))
    sink = stdout()
    bad = stream.BadLines(command.say, strict=strict)
    writer = forms.Writer(_form(form), colour=_colour(colour), width=_width())
    command.say_if_waiting(file)
    passage = Passage(stream.open_source(file), sink, bad, writer, wanted, dedupe=dedupe)
    if command.stats_wanted(stats):
        command.at_end(passage.tally.summary)
    metrics.show(lambda: counts.of_passage(passage))
    with _running(delivery, sink, is_deduped=dedupe) as running:
        if running:
            metrics.show(lambda: counts.of_delivery(running, time.time()))
        metrics.start()
        passage.run(running, deadman_s)
    if bad.count or (running and running.failed):
        return command.BAD_INPUT
    return command.FOUND if exit_status and passage.tally.passed else 0


def _running(
    choice: DeliveryChoice, sink: Sink, *, is_deduped: bool
) -> AbstractContextManager[Delivery | None]:
    if not choice.is_wanted:
        return nullcontext()
    from txpipe.alerts.deliver import delivery  # noqa: PLC0415 - a filter needs no SQLite and no HTTP

    mask({url: shown(url) for url in choice.urls})
    return delivery(choice, sink, command.teller(), is_deduped=is_deduped)


def _checked(choice: DeliveryChoice) -> int:
    if choice.routes is None:
        command.fail_usage("--check needs --routes FILE")
    from txpipe.alerts import deliver, routetest  # noqa: PLC0415

    file = deliver.route_file(choice.routes, choice)
    for line in routetest.checked(choice.routes, file):
        command.say(line)
    return UsageFault.status if file.faults else 0


def _form(form: str) -> str:
    if form != "auto":
        return form
    return "human" if command.is_terminal(sys.stdout) else "ndjson"


def _width() -> int:
    return shutil.get_terminal_size().columns if command.is_terminal(sys.stdout) else 80


def _colour(colour: str) -> bool:
    if colour != "auto":
        return colour == "always"
    willing = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return command.is_terminal(sys.stdout) and willing


def _names(values: Sequence[str], option: str) -> frozenset[str]:
    names = [name.strip() for value in values for name in value.split(",")]
    if not all(names):
        command.fail_usage(f"{option} has an empty name in it")
    return frozenset(names)


def _rules(values: Sequence[str]) -> frozenset[str]:
    """Take names of rules, a user's own included; a misspelt one would match nothing, silently."""
    names = _names(values, "--rule")
    for name in sorted(names):
        if said := unknown(name):
            command.say(f"--rule: {said}")
    return names


def _chains(values: Sequence[str]) -> frozenset[str]:
    names = _names(values, "--chain")
    for name in sorted(names):
        if not _CHAIN.fullmatch(name):
            command.fail_usage(f"--chain {name}: not a CAIP-2 chain; write eip155:1 for Ethereum's main net")
    return names
