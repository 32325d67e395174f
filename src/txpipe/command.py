"""The click command class: statuses, closed pipes, Ctrl-C; the options that commands share."""

from __future__ import annotations

import contextlib
import functools
import io
import math
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TextIO, TypeVar

import click

from txpipe import __version__, interrupt
from txpipe.errors import ReaderGone, TxpipeError
from txpipe.metrics import Exporter, Place
from txpipe.sink import Sink, closed_stdout, stdout
from txpipe.visible import printable

BAD_INPUT = 1
FOUND = 3
INTERRUPTED = interrupt.STATUS
READER_GONE = 141

_F = TypeVar("_F", bound=Callable[..., Any])


class PipeCommand(click.Command):
    """A command whose body returns its exit status (None for 0) and may raise TxpipeError.

    Plain click answers a closed reader with 1 or, on little output, with noise and 120, and a full disk
    with 120; here stdout is flushed before the status is decided, and only this class turns errors into
    messages and statuses.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("context_settings", {})
        kwargs["context_settings"] = {
            "help_option_names": ["-h", "--help"],
            "max_content_width": 100,
            "show_default": True,
            **kwargs["context_settings"],
        }
        super().__init__(*args, **kwargs)

    def main(  # type: ignore[override]
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> Any:
        """Run and exit; shell completion and callers who want the result go click's way."""
        name = self.name or "txpipe"
        completing = f"_{name.replace('-', '_').upper()}_COMPLETE" in os.environ
        if completing or not extra.get("standalone_mode", True):
            return super().main(args, prog_name or name, **extra)
        status = self._status(list(sys.argv[1:] if args is None else args), name)
        if _KEPT:
            os._exit(status)
        sys.exit(status)

    def _status(self, args: list[str], name: str) -> int:
        """Run the body, flush stdout, let the reports follow what they are about."""
        interrupt.install()
        if sys.stdout is not None:
            sys.stdout = _Text(stdout())
        reports: list[Callable[[], str]] = []
        try:
            status = self._result(args, name, reports)
            status = _flushed(name) or status
            for report in reports:
                for line in report().splitlines():
                    _say(name, line)
        except ReaderGone:
            status = READER_GONE
        except KeyboardInterrupt as came:  # a second one: the reader is stuck
            status = interrupt.status_of(came)
        except Exception:  # a bug keeps its traceback, and what was finished before it counts
            with contextlib.suppress(ReaderGone):
                _flushed(name)
            raise
        if status in interrupt.STATUSES:
            interrupt.ignore()
        _settle_stderr()
        return status

    def _result(self, args: list[str], name: str, reports: list[Callable[[], str]]) -> int:
        """Return the status that the body or its failure asks for."""
        try:
            with self.make_context(name, args) as ctx:
                ctx.meta[_REPORTS] = reports
                return int(self.invoke(ctx) or 0)
        except KeyboardInterrupt as came:
            return interrupt.status_of(came)
        except click.exceptions.Exit as exc:  # --help and --version
            return exc.exit_code if sys.stdout is not None else _failed(name, closed_stdout())
        except TxpipeError as exc:
            return _failed(name, exc)
        except click.ClickException as exc:
            with contextlib.suppress(OSError):
                exc.show()
            return exc.exit_code
        except Exception as exc:
            if interrupt.caused(exc):
                return INTERRUPTED
            raise


class PipeGroup(PipeCommand, click.Group):
    """A command with subcommands; the status of the subcommand is that of the command."""

    command_class = PipeCommand


class _Text(io.TextIOBase):
    """Text to stdout by way of its sink, whose errors tell a closed reader and a full disk from the rest."""

    encoding = "utf-8"
    errors = "strict"

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def write(self, text: str) -> int:
        self._sink.write(text.encode("utf-8", "backslashreplace"))
        return len(text)

    def flush(self) -> None:
        self._sink.flush()

    def isatty(self) -> bool:
        return os.isatty(self._sink.fd)

    def fileno(self) -> int:
        return self._sink.fd


_REPORTS = "txpipe.reports"

_KEPT: list[object] = []


def keep(large: object) -> None:
    """Keep an object until the process ends, and end it then without taking anything apart.

    Of millions of accounts that alone would take a tenth of the time. What was written is flushed before.
    """
    _KEPT.append(large)


def at_end(report: Callable[[], str]) -> None:
    """Say a summary once stdout has been flushed: at the end of input, after an error and after Ctrl-C.

    Args:
        report: called once, with the counts as they are then; one line, or several, or nothing to say.
    """
    click.get_current_context().meta[_REPORTS].append(report)


def _flushed(name: str) -> int:
    """Flush stdout and return the status of that: 0, or that of a failure that was said.

    Raises:
        ReaderGone: the reader closed the pipe.
    """
    try:
        if sys.stdout is not None:
            stdout().flush()
    except TxpipeError as exc:
        return _failed(name, exc)
    return 0


def _failed(name: str, error: TxpipeError) -> int:
    _say(name, str(error))
    return error.status


def _say(name: str, message: str) -> None:
    """Write to stderr; if nobody can read it there, the work goes on without."""
    text = "\n".join(printable(line) for line in message.split("\n"))
    with contextlib.suppress(OSError):
        click.echo(f"{name}: {text}", err=True)


def _settle_stderr() -> None:
    """Let the interpreter's last flush find nothing to complain about: it would end with 120."""
    try:
        if sys.stderr is not None:
            sys.stderr.flush()
    except OSError:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)
        os.close(null)


def say(message: str) -> None:
    """Write one message for people to stderr, with the running command's name before it."""
    ctx = click.get_current_context(silent=True)
    _say(ctx.find_root().info_name or "txpipe" if ctx else "txpipe", message)


def teller() -> Callable[[str], None]:
    """Return what ``say`` is to threads, which know no running command."""
    name = click.get_current_context().find_root().info_name or "txpipe"
    return lambda message: _say(name, message)


def say_if_waiting(path: str) -> None:
    """Tell a person at a terminal that the command reads what they type."""
    if path == "-" and is_terminal(sys.stdin) and is_terminal(sys.stderr):
        say("reading records from the terminal; end with Ctrl-D (--help shows how to pipe)")


def progress_shown() -> Callable[[str, int, int], None] | None:
    """Return what shows how far a file has been read, in place on stderr; None if nobody sits there."""
    if not is_terminal(sys.stderr):
        return None
    shown = -1

    def show(path: str, position: int, size: int) -> None:
        nonlocal shown
        percent = 100 * position // max(size, 1)
        if percent != shown:
            shown = percent
            text = "" if percent >= 100 else f"reading {printable(path)}: {percent} %"
            click.echo(f"\r{text}\x1b[K", err=True, nl=False)

    return show


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number and its noun: ``1 alert``, ``2 alerts``; ``many`` where it is not one and an s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def fail_usage(message: str) -> NoReturn:
    """End with status 2 and click's usage line."""
    raise click.UsageError(message)


class Number(click.FloatRange):
    """A finite number within a range: nan compares as within any, and inf as within one without an end."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number.

        Raises:
            click.BadParameter: it is none, is not finite, or is out of range.
        """
        number = click.FLOAT.convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is no finite number.", param, ctx)
        return super().convert(number, param, ctx)


version_option = click.version_option(__version__, "--version", message="%(prog)s %(version)s")

strict_option = click.option(
    "--strict", is_flag=True, help="Stop at the first bad line instead of skipping it."
)


prices_option = click.option(
    "--prices", metavar="FILE", help="Take USD prices (NDJSON: asset, usd, time) from a file."
)


def metrics_option(function: _F) -> _F:
    """Add --metrics; the body gets ``metrics``, an Exporter that does nothing unless it was asked to."""

    @functools.wraps(function)
    def with_exporter(*args: Any, metrics: tuple[str, int] | None, **kwargs: Any) -> Any:
        name = click.get_current_context().find_root().info_name or "txpipe"
        return function(*args, metrics=Exporter(metrics, name, say), **kwargs)

    return click.option(
        "--metrics",
        type=Place(),
        metavar="[ADDR:]PORT",
        show_default="none",
        help="Show counts to Prometheus at http://ADDR:PORT/metrics, of this machine if no ADDR is given; "
        "port 0 is any free one, which is said.",
    )(with_exporter)  # type: ignore[return-value]


def file_argument(function: _F) -> _F:
    """Add the optional FILE argument; - is stdin."""
    return click.argument("file", default="-", metavar="[FILE]", type=click.Path(allow_dash=True))(function)


def stats_option(function: _F) -> _F:
    """Add --stats/--no-stats: a summary on stderr at the end, by default at a terminal only."""
    return click.option(
        "--stats/--no-stats",
        default=None,
        show_default="at a terminal",
        help="End with a summary line on stderr.",
    )(function)


def stats_wanted(stats: bool | None) -> bool:  # noqa: FBT001 - it is the option's value
    """Resolve --stats: what was said, else whether stderr is a terminal."""
    return is_terminal(sys.stderr) if stats is None else stats


def is_terminal(file: TextIO | None) -> bool:
    """Say whether a person sits at a standard stream; a closed one is None."""
    return file is not None and file.isatty()
