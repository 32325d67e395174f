"""txalertctl: looks after what txalert delivers."""

from __future__ import annotations

import time
from pathlib import Path

import click

from txpipe import command, stream
from txpipe.alerts import resend as resending
from txpipe.alerts.spool import Spool
from txpipe.sink import stdout

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

    It delivers nothing itself: that is txalert's.
    """  # noqa: D301 - \b keeps click from joining the example's lines


@main.command("resend")
@command.file_argument
@_spool_option
@command.strict_option
def resend(file: str, folder: Path, *, strict: bool) -> int:
    """Read dead letters from FILE or stdin and let txalert send them again.

    \b
    Example:
      txalertctl resend --spool /var/spool/txalert /var/spool/txalert/dead.ndjson

    Only what was given up, or is no longer known, is sent again: a second resend of the same file changes
    nothing. FILE stays as it is; delete it once it has been looked at. A txalert that runs begins at once,
    another with its next start.
    """  # noqa: D301
    command.say_if_waiting(file)
    bad = stream.BadLines(command.say, strict=strict)
    source = stream.open_source(file)
    lines = stream.numbered_lines(source, stdout().flush, bad, _MAX_LINE)
    with Spool(folder, make=False) as spool:
        again, known = resending.resent(resending.letters(lines, source.name, bad), spool, time.time)
    command.say(f"{command.counted(again, 'alert')} to be sent again, {known:,} delivered or waiting")
    return command.BAD_INPUT if bad.count else 0
