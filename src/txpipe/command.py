"""The click command class: statuses, closed pipes, Ctrl-C; the options that commands share."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar

import click

from txpipe import __version__, stream
from txpipe.errors import ReaderGone, TxpipeError

BAD_INPUT = 1
FOUND = 3
INTERRUPTED = 130
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
        sys.exit(self._status(list(sys.argv[1:] if args is None else args), name))

    def _status(self, args: list[str], name: str) -> int:
        try:
            status = self._guarded(args, name)
        except ReaderGone:
            status = READER_GONE
        except BrokenPipeError:
            status = READER_GONE
        except OSError as exc:
            _say(name, f"<stdout>: cannot be written: {exc.strerror}")
            status = BAD_INPUT
        if status == READER_GONE or not _stdout_flushes():
            _discard_stdout()
            status = status or BAD_INPUT
        return status

    def _guarded(self, args: list[str], name: str) -> int:
        """Run the body; anything that reaches the caller from here is about stdout itself."""
        try:
            try:
                with self.make_context(name, args) as ctx:
                    status = int(self.invoke(ctx) or 0)
            except KeyboardInterrupt:
                status = INTERRUPTED
            except TxpipeError as exc:
                _say(name, str(exc))
                status = exc.status
            if sys.stdout is not None:
                stream.stdout().flush()
                sys.stdout.flush()
        except click.exceptions.Exit as exc:
            sys.stdout.flush()
            return exc.exit_code
        except click.ClickException as exc:
            exc.show()
            return exc.exit_code
        except TxpipeError as exc:  # the flush above
            _say(name, str(exc))
            return exc.status
        return status


def _say(name: str, message: str) -> None:
    click.echo(f"{name}: {message}", err=True)


def _stdout_flushes() -> bool:
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        return False
    return True


def _discard_stdout() -> None:
    """Point fd 1 at devnull, so that the interpreter's last flush has nothing to complain about."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)


def say(message: str) -> None:
    """Write one message for people to stderr, with the running command's name before it."""
    ctx = click.get_current_context(silent=True)
    _say(ctx.info_name or "txpipe" if ctx else "txpipe", message)


def say_if_waiting(path: str) -> None:
    """Tell a person at a terminal that the command reads what they type."""
    if path == "-" and sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty():
        say("reading records from the terminal; end with Ctrl-D (--help shows how to pipe)")


def fail_usage(message: str) -> NoReturn:
    """End with status 2 and click's usage line."""
    raise click.UsageError(message)


version_option = click.version_option(__version__, "--version", message="%(prog)s %(version)s")

strict_option = click.option(
    "--strict", is_flag=True, help="Stop at the first bad line instead of skipping it."
)


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
    return sys.stderr.isatty() if stats is None else stats
