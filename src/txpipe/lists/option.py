"""The list options: ``--list`` and ``--allow``, what they may hold, and the indexes they come to."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from txpipe.lists import words
from txpipe.lists.cache import open_lists
from txpipe.lists.index import Index
from txpipe.lists.inputs import Progress
from txpipe.lists.reading import UNDATED, ListSpec

_F = TypeVar("_F", bound=Callable[..., Any])
_SETTINGS = re.compile(r"(?P<settings>[a-z_-]+=[^:/]*):(?P<path>.+)", re.DOTALL)
_EXTENSIONS = re.compile(
    r"(?:\.(?:txt|text|list|lst|csv|tsv|json|ndjson|jsonl|yaml|yml|xml|txindex|idx|index|bz2|gz))+$",
    re.IGNORECASE,
)
_KEYS = ("name", "category", "date")


def parse_list(text: str, default_category: str = "scam") -> ListSpec:
    """Read ``FILE`` or ``name=…,category=…,date=…:FILE``.

    Args:
        text: the option's value; a file whose name looks like settings is written ``./FILE``.
        default_category: category of rows for which neither option nor file says one.

    Raises:
        ValueError: an unknown key, an empty value, a mistyped category or an impossible date.
    """
    match = _SETTINGS.fullmatch(text)
    path = match["path"] if match else text
    found: dict[str, str] = {}
    for part in match["settings"].split(",") if match else ():
        key, _, value = part.partition("=")
        if key not in _KEYS or key in found:
            raise ValueError(f'"{part}" is none of name=…, category=…, date=… (a file is written ./{text})')
        if not words.clean(value):
            raise ValueError(f'"{key}=" says nothing')
        found[key] = words.clean(value)
    category = words.category(found.get("category", ""))
    if meant := words.meant_category(category):
        raise ValueError(f'category "{category}" is unknown; did you mean {meant}?')
    date = found.get("date", "")
    if date and not re.fullmatch(r"\d{4}-\d\d-\d\d", words.day(date) or "") and date != UNDATED:
        raise ValueError(f'date "{date}" is no day as in 2025-11-19')
    if not path:
        raise ValueError("names no file")
    return ListSpec(
        path,
        found.get("name") or list_name(path),
        category,
        date if date == UNDATED else words.day(date) or "",
        default_category,
        renamed="name" in found,
    )


def list_name(path: str) -> str:
    """Name a list after its file, without extensions; ``-`` is stdin."""
    name = Path(path).name
    return "stdin" if path == "-" else words.clean(_EXTENSIONS.sub("", name) or name, 64)


class ListType(click.ParamType[ListSpec]):
    """A click type that gives a ListSpec."""

    name = "list"

    def __init__(self, default_category: str = "scam") -> None:
        self.default_category = default_category

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> ListSpec:
        """Parse the option's value; a fault ends with usage."""
        if isinstance(value, ListSpec):
            return value
        try:
            return parse_list(value, self.default_category)
        except ValueError as exc:
            self.fail(str(exc), param, ctx)


@dataclass(frozen=True, slots=True)
class ListChoice:
    """The lists that a command was given.

    Attributes:
        block: blocklists in the order given.
        allow: allow-lists, the shipped one first unless it was turned off.
        skip_bad: go on without a list that has no usable entry.
    """

    block: tuple[ListSpec, ...]
    allow: tuple[ListSpec, ...]
    skip_bad: bool = False

    def open(
        self, say: Callable[[str], None], progress: Progress | None = None
    ) -> tuple[Index | None, Index | None]:
        """Open all blocklists as one index and all allow-lists as another; None where there are none.

        Raises:
            ListFault: a list cannot be used, and skip_bad is off.
        """
        return self._index(self.block, say, progress), self._index(self.allow, say, progress)

    def _index(
        self, specs: tuple[ListSpec, ...], say: Callable[[str], None], progress: Progress | None
    ) -> Index | None:
        return open_lists(specs, say=say, skip_bad=self.skip_bad, progress=progress) if specs else None


def default_allow() -> ListSpec:
    """Return the shipped allow-list: major tokens, routers, burn addresses, precompiles."""
    path = Path(__file__).parent.parent / "data" / "allow.csv"
    return ListSpec(str(path), "txpipe-allow", default_category="allow")


skip_bad_option = click.option(
    "--skip-bad-lists",
    is_flag=True,
    help="Go on without a list that has no usable entry instead of ending with status 2.",
)


def list_options(function: _F) -> _F:
    """Add --list, --allow, --no-default-allow and --skip-bad-lists; the body gets ``lists``, a ListChoice."""

    @functools.wraps(function)
    def with_choice(
        *args: Any,
        list_: tuple[ListSpec, ...],
        allow: tuple[ListSpec, ...],
        default_allow_: bool,
        skip_bad_lists: bool,
        **kwargs: Any,
    ) -> Any:
        shipped = (default_allow(),) if default_allow_ else ()
        return function(*args, lists=ListChoice(list_, shipped + allow, skip_bad_lists), **kwargs)

    for option in reversed(_OPTIONS):
        with_choice = option(with_choice)
    return with_choice  # type: ignore[return-value]


_OPTIONS = (
    click.option(
        "--list",
        "list_",
        type=ListType(),
        multiple=True,
        metavar="[name=...,category=...,date=...:]FILE",
        help="A blocklist, text or compiled; repeatable.",
    ),
    click.option(
        "--allow",
        type=ListType("allow"),
        multiple=True,
        metavar="[name=...,category=...,date=...:]FILE",
        help="An allow-list, which wins over blocklists in txdetect, but for sanctions; repeatable.",
    ),
    click.option(
        "--default-allow/--no-default-allow",
        "default_allow_",
        default=True,
        help="Use the shipped allow-list of tokens, routers, burn addresses and precompiles.",
    ),
    skip_bad_option,
)
