"""txalertctl: looks after what txalert delivers."""

from __future__ import annotations

import datetime as dt
import functools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from txpipe import command, stream
from txpipe.duration import Duration
from txpipe.errors import UsageFault
from txpipe.record import SEVERITIES, Severity, dumps
from txpipe.sink import stdout

if TYPE_CHECKING:
    from txpipe.alerts.silence import Silences

_MAX_LINE = stream.MAX_LINE + (128 << 10)
"""Bytes of a dead letter: it holds an alert, which may be a little longer than a line."""

_spool_option = click.option(
    "--spool",
    "folder",
    metavar="DIR",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The spool of txalert.",
)


@click.group(name="txalertctl", cls=command.PipeGroup)
@command.version_option
def main() -> None:
    """Read and write a spool of txalert, which may run meanwhile.

    \b
    Example:
      txalertctl resend --spool /var/spool/txalert /var/spool/txalert/dead.ndjson

    route-test reads alerts and a route file instead. It delivers nothing itself: that is txalert's.
    """  # noqa: D301 - \b keeps click from joining the example's lines


@main.command("resend")
@command.file_argument
@_spool_option
@click.option(
    "--to",
    metavar="NAME",
    help="Send them to this receiver, as messages of txalert name it, in place of their own: its URL, and "
    "thereby its name, has changed.",
)
@command.strict_option
def resend(file: str, folder: Path, to: str | None, *, strict: bool) -> int:
    """Read dead letters from FILE or stdin and let txalert send them again.

    \b
    Example:
      txalertctl resend --spool /var/spool/txalert /var/spool/txalert/dead.ndjson

    Only what was given up, or is no longer known, is sent again: a second resend of the same file changes
    nothing. FILE stays as it is; delete it once it has been looked at. A txalert that runs begins at once,
    another with its next start.
    """  # noqa: D301
    from txpipe.alerts import resend as resending  # noqa: PLC0415 - --help needs no SQLite
    from txpipe.alerts.spool import Spool  # noqa: PLC0415

    command.say_if_waiting(file)
    bad = stream.BadLines(command.say, strict=strict)
    source = stream.open_source(file)
    lines = stream.numbered_lines(source, stdout().flush, bad, _MAX_LINE)
    with Spool(folder, make=False) as spool:
        again, known = resending.resent(resending.letters(lines, source.name, bad), spool, time.time, to)
    command.say(f"{command.counted(again, 'alert')} to be sent again, {known:,} delivered or waiting")
    return command.BAD_INPUT if bad.count else 0


@main.command("route-test")
@command.file_argument
@click.option(
    "--routes",
    "path",
    metavar="FILE",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The route file of txalert; its receivers are not opened, so that no secret is needed.",
)
@click.option(
    "--at",
    metavar="TIME",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%SZ"]),
    help="Ask as if it were this time (UTC), as in 2026-11-28T22:30:00Z.",
    show_default="now",
)
@command.strict_option
def route_test(file: str, path: Path, at: dt.datetime | None, *, strict: bool) -> int:
    """Read alerts from FILE or stdin and write who would get each, and why, as text.

    \b
    Example:
      txalertctl route-test --routes routes.toml < alert.json

    Nothing is delivered.
    """  # noqa: D301
    from txpipe.alerts import intake, routetest  # noqa: PLC0415
    from txpipe.alerts.routefile import RouteFile  # noqa: PLC0415
    from txpipe.alerts.routes import Routes  # noqa: PLC0415

    routes = Routes(RouteFile(path, None).must_be_sound().routes, (), time.time)
    now = time.time() if at is None else at.replace(tzinfo=dt.UTC).timestamp()
    command.say_if_waiting(file)
    sink = stdout()
    bad = stream.BadLines(command.say, strict=strict)
    source = stream.open_source(file)
    batches = stream.numbered_batches(source, sink.flush, bad, _MAX_LINE)
    for items in intake.taken(batches, source.name, bad):
        for text in routetest.explained(items, routes, now):
            sink.write(text)
    return command.BAD_INPUT if bad.count else 0


@main.group("silence", cls=command.PipeGroup)
def silence() -> None:
    """Write which alerts nobody is to be told of for a while, and read which those are.

    \b
    Example:
      txalertctl silence add --spool DIR --for 2h --reason 'planned sweep' --incident 5f1c

    What a silence mutes is still written to stdout and kept in the spool, but not delivered, nor later on.
    Retractions of what was delivered are never muted.
    """  # noqa: D301


@contextmanager
def _silences(folder: Path) -> Iterator[Silences]:
    from txpipe.alerts.silence import Silences  # noqa: PLC0415
    from txpipe.alerts.spool import Spool  # noqa: PLC0415

    with Spool(folder, make=False) as spool:
        yield Silences(spool.database)


_many = functools.partial(click.option, multiple=True, help="Only this; repeatable.")


@silence.command("add")
@_spool_option
@click.option("--for", "for_s", metavar="DURATION", type=Duration(), required=True, help="How long it holds.")
@click.option("--reason", metavar="TEXT", required=True, help="Why; kept with it.")
@_many("--rule", "rules", metavar="RULE")
@_many("--chain", "chains", metavar="CAIP2")
@_many("--subject", "subjects", metavar="ADDRESS")
@_many("--category", "categories", metavar="CATEGORY")
@_many("--incident", "incidents", metavar="INCIDENT")
@click.option("--up-to", type=click.Choice(SEVERITIES), default="critical", help="Only up to this severity.")
def add(folder: Path, for_s: float, reason: str, *, up_to: Severity, **about: tuple[str, ...]) -> int:
    """Keep a silence, write it to stdout.

    \b
    Example:
      txalertctl silence add --spool DIR --for 8h --reason 'known payout' --rule velocity --up-to medium

    An alert is muted if it meets every kind of condition. A txalert that runs heeds it at once.
    """  # noqa: D301
    from txpipe.alerts.silence import Conditions  # noqa: PLC0415

    for text in (reason, *(value for values in about.values() for value in values)):
        if not text.strip() or not _is_utf8(text):
            command.fail_usage(f"{text!r} is empty, or no UTF-8")
    if not for_s:
        command.fail_usage("--for 0s mutes nothing")
    conditions = Conditions(**about, up_to=up_to)
    if conditions.is_empty:
        command.fail_usage(
            "it would mute everything: name a --rule, --chain, --subject, --category or --incident"
        )
    now = time.time()
    with _silences(folder) as silences:
        number = silences.add(reason, now, now + for_s, conditions)
        stdout().write(dumps(next(one for one in silences.all() if one.number == number).shown()))
    return 0


def _is_utf8(text: str) -> bool:
    """Say whether a text is one; surrogates stand for bytes of the command line that are none (PEP 383)."""
    return not any("\ud800" <= char <= "\udfff" for char in text)


@silence.command("list")
@_spool_option
@click.option("--all", "every", is_flag=True, help="Those that have ended, too.")
def list_(folder: Path, *, every: bool) -> int:
    """Write the silences that hold, one JSON object a line, with how many alerts each has muted.

    \b
    Example:
      txalertctl silence list --spool DIR --all | jq -r '[.number, .reason, .muted] | @tsv'
    """  # noqa: D301
    with _silences(folder) as silences:
        for one in silences.all() if every else silences.holding(time.time()):
            stdout().write(dumps(one.shown()))
    return 0


@silence.command("expire")
@_spool_option
@click.argument("number", type=click.IntRange(1, 2**63 - 1), metavar="NUMBER")
def expire(folder: Path, number: int) -> int:
    """Write the end of a silence: what comes from now on is delivered.

    \b
    Example:
      txalertctl silence expire --spool DIR 3
    """  # noqa: D301
    with _silences(folder) as silences:
        if not silences.expire(number, time.time()):
            raise UsageFault(f"no silence {number} holds; txalertctl silence list --all shows all")
    return 0
