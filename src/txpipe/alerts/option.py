"""The options by which alerts are delivered."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from txpipe.alerts.receiver import ReceiverFault
from txpipe.command import Number
from txpipe.duration import Duration

_F = TypeVar("_F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class DeliveryChoice:
    """How a command was asked to deliver.

    Attributes:
        urls: of the receivers.
        spool: folder of what is not delivered yet; None is in memory.
        drain_s: seconds at the end of input.
        give_up_s: seconds after which an alert that fails is given up.
        retry_s: seconds of the first rest after a failure.
        keep_s: seconds for which delivered alerts are known.
        secret_file: holds the secret that signs what webhooks are sent.
        title: template of titles of messages to people.
        body: template of their bodies.
        routes: file that says who gets what.
    """

    urls: tuple[str, ...]
    spool: Path | None
    drain_s: float
    give_up_s: float
    retry_s: float
    keep_s: float
    secret_file: Path | None
    title: str | None
    body: str | None
    routes: Path | None

    @property
    def is_wanted(self) -> bool:
        """Whether anything is to be delivered."""
        return bool(self.urls or self.spool or self.routes)

    def secret(self) -> str | None:
        """Return the text of the secret: the file's, else that of TXALERT_SECRET; None if there is none.

        Raises:
            ReceiverFault: the file cannot be read.
        """
        if self.secret_file is None:
            return os.environ.get("TXALERT_SECRET") or None
        try:
            return self.secret_file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as exc:
            raise ReceiverFault(f"--secret-file {self.secret_file}: cannot be read as text") from exc


def delivery_options(function: _F) -> _F:
    """Add --to, --spool and what belongs to them; the body gets ``delivery``, a DeliveryChoice."""

    @functools.wraps(function)
    def with_choice(*args: Any, **kwargs: Any) -> Any:
        own = {name: kwargs.pop(name) for name in DeliveryChoice.__dataclass_fields__}
        return function(*args, delivery=DeliveryChoice(**own), **kwargs)

    for option in reversed(_OPTIONS):
        with_choice = option(with_choice)
    return with_choice  # type: ignore[return-value]


class _Folder(click.ParamType[Path]):
    """A folder that is named; what is not one is said where it is opened."""

    name = "folder"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path; "", as of a variable that is not set, would be the folder at hand."""
        if not str(value):
            self.fail("is empty; name a folder, or leave the option out", param, ctx)
        return Path(value)


spool_option = click.option(
    "--spool",
    metavar="DIR",
    type=_Folder(),
    help="Keep alerts here until every receiver has them, and for --keep, so that none is sent twice. "
    "Without it they are kept in memory, and a kill loses what is not delivered.",
)

_OPTIONS = (
    click.option(
        "--to",
        "urls",
        metavar="URL",
        multiple=True,
        envvar="TXALERT_TO",
        help="Deliver everything to this receiver; repeatable.  [env: TXALERT_TO]",
    ),
    click.option(
        "--routes",
        metavar="FILE",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Deliver as this TOML file says: receivers, and which alerts go to which.",
    ),
    spool_option,
    click.option(
        "--drain",
        "drain_s",
        metavar="SECONDS",
        type=Number(min=0, max=86_400),
        default=10.0,
        help="Wait so long at the end of input for what is not delivered yet.",
    ),
    click.option(
        "--give-up",
        "give_up_s",
        metavar="DURATION",
        type=Duration(),
        default="24h",
        help="Make an alert that cannot be delivered for so long a dead letter, in DIR/dead.ndjson.",
    ),
    click.option(
        "--retry",
        "retry_s",
        metavar="SECONDS",
        type=Number(min=0.01, max=3600),
        default=1.0,
        help="Rest so long after a first failure; the rest doubles up to 5 minutes.",
    ),
    click.option(
        "--keep",
        "keep_s",
        metavar="DURATION",
        type=Duration(),
        default="7d",
        help="Know alerts in the spool for so long; without --spool the last 200,000 are known.",
    ),
    click.option(
        "--secret-file",
        metavar="FILE",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Sign what webhooks are sent with the secret in this file, else with TXALERT_SECRET.",
    ),
    click.option(
        "--title",
        metavar="TEMPLATE",
        help="Title of messages to people: text with keys of an alert in braces.",
    ),
    click.option("--body", metavar="TEMPLATE", help="Their body, likewise; {details} is what human shows."),
)
