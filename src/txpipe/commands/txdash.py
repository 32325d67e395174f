"""txdash: what comes in goes out untouched, is stored, and is shown live."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from txpipe import command, stream
from txpipe.lists.option import ListChoice, list_options
from txpipe.sink import stdout


class _Size(click.ParamType[int]):
    """Bytes, as in 500M or 2G."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the bytes."""
        from txpipe.dashboard.options import parse_size  # noqa: PLC0415 - not for --help

        if isinstance(value, int):
            return value
        try:
            return parse_size(value)
        except ValueError as exc:
            self.fail(str(exc), param, ctx)


@click.command(name="txdash", cls=command.PipeCommand)
@command.file_argument
@click.option(
    "--db",
    metavar="FILE|URL",
    envvar="TXDASH_DB",
    default="",
    show_default="a store that goes at the end",
    help="Keep alerts in an SQLite file, or in PostgreSQL (postgresql://USER@HOST/DATABASE).",
)
@click.option(
    "-l",
    "--listen",
    metavar="ADDR:PORT",
    default="",
    show_default="127.0.0.1:8377, or a free port",
    help="Serve there; port 0 is any free one, off only stores.",
)
@click.option(
    "--tui",
    is_flag=True,
    help="Show the alerts in this terminal until q; ? tells the keys. Serves only with --listen, and writes "
    "nothing where stdout is the terminal.",
)
@click.option(
    "--keep/--no-keep",
    default=None,
    show_default="at a terminal",
    help="Go on serving when the input has ended, until Ctrl-C.",
)
@click.option("--retain-days", type=command.Number(min=0.01), metavar="DAYS", help="Forget older alerts.")
@click.option(
    "--retain-size",
    type=_Size(),
    metavar="SIZE",
    help="Forget the oldest alerts of a larger store; 1M or more.",
)
@click.option(
    "--buffer",
    type=_Size(),
    default="1G",
    metavar="SIZE",
    help="What waits to be stored has room in memory (16M), then in a temporary file of so many bytes; the "
    "rest is passed on, not stored, and said.",
)
@list_options
@click.option(
    "--state",
    metavar="FILE",
    default="",
    show_default="none",
    help="A txdetect --state file, only read: what it knows of an address is part of the verdict on it.",
)
@click.option(
    "--users",
    metavar="FILE",
    default="",
    show_default="nobody",
    help="Who may log in: NAME ROLE HASH a line.",
)
@click.option("--hash-password", is_flag=True, help="Read a password from stdin, print its hash, and end.")
@click.option("--read-only", is_flag=True, help="Nobody may triage.")
@click.option(
    "--host", "hosts", multiple=True, metavar="NAME", help="A name it is asked for under; repeatable."
)
@click.option(
    "--allow-origin", "origins", multiple=True, metavar="URL", help="A site whose pages may ask; repeatable."
)
@command.stats_option
@command.version_option
def main(
    *,
    file: str,
    lists: ListChoice,
    keep: bool | None,
    hash_password: bool,
    stats: bool | None,
    **options: Any,
) -> int:
    """Read alerts and records from FILE or stdin, write them to stdout untouched; store and show the alerts.

    \b
    Examples:
      txsim --records 20000 | txdetect --list blocklists/demo.csv | txdash --listen off --db dash.db | txalert
      txtail --rpc URL | txdetect --heartbeat 1 --list my.csv | txdash --db dash.db --list my.csv | txalert
      txdash --db dash.db --keep < /dev/null > /dev/null
      txsim --rate 300 | txdetect --list blocklists/demo.csv | txdash --tui

    The page's address is said on stderr. Under /api/v1 there are alerts, triage, the verdict of the lists on
    an address, health, metrics and the live feed (README, txdash).

    The pipe goes first: it is not slowed by a dashboard that is slow, and not broken by one that dies, which
    is started again and stores what it missed. Lines that are no records pass, too; they are said, and end
    with 1.

    Without a token it listens to this machine only. Tokens are in TXDASH_TOKEN and TXDASH_VIEWER_TOKEN, a
    store's URL in TXDASH_DB, never on the command line. It judges and filters nothing: that is txdetect's
    and txalert's.
    """  # noqa: D301 - \b keeps click from joining the examples' lines
    from txpipe.dashboard import options as asked  # noqa: PLC0415 - not for --help
    from txpipe.dashboard import setup  # noqa: PLC0415
    from txpipe.dashboard.tui import screen as terminal  # noqa: PLC0415

    if hash_password:
        return setup.print_hash(sys.stdin.buffer, stdout())
    wanted = asked.Options(**options)
    wanted.check()
    asked.hide(wanted)
    sink = terminal.sink() if wanted.tui else stdout()
    source = terminal.source(file) if wanted.tui else stream.open_source(file)
    shown = command.progress_shown()
    with setup.dashboard(wanted, lists, os.environ, command.teller(), shown) as running:
        if command.stats_wanted(stats):
            command.at_end(lambda: setup.summary(running))
        if running.listening is not None and not wanted.tui:
            command.say(setup.welcome(running.listening, wanted))
        if not wanted.tui:
            command.say_if_waiting(file)
        setup.carry(running, source, sink, keep=command.is_terminal(sys.stderr) if keep is None else keep)
    return command.BAD_INPUT if running.link.told.bad or setup.losses(running) else 0
