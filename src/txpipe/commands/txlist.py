"""txlist: compiles, checks, sums up and compares lists of addresses."""

from __future__ import annotations

import datetime as dt
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from txpipe import command, stream
from txpipe.lists import verdict
from txpipe.lists.cache import compile_lists, open_lists
from txpipe.lists.index import Index
from txpipe.lists.option import ListChoice, ListType, list_options, skip_bad_option
from txpipe.lists.reading import ListSpec
from txpipe.record import dumps
from txpipe.sink import Sink, stdout


@click.group(name="txlist", cls=command.PipeGroup)
@command.version_option
def main() -> None:
    """Work on lists of addresses: blocklists, allow-lists, sanctions lists.

    \b
    Examples:
      txlist compile sdn_advanced.xml.bz2 scams.csv -o lists.txindex
      txlist check --list lists.txindex 0x098b716b8aaf21512996dc57eb0615e2383e2f96

    A FILE is plain text (one address a line), CSV with a header, JSON, NDJSON, a GraphSense TagPack or OFAC's
    SDN_ADVANCED.XML, each also as .gz or .bz2, or an index compiled from these. Rows that are no entries
    are reported and skipped. It screens no transactions: that is txdetect's.
    """  # noqa: D301 - \b keeps click from joining the example's lines


@main.command("compile")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=ListType())
@click.option("-o", "--output", required=True, metavar="INDEX", help="The index to write.")
@skip_bad_option
@command.stats_option
def compile_(files: tuple[ListSpec, ...], output: str, *, skip_bad_lists: bool, stats: bool | None) -> int:
    """Compile lists to one index, which opens in milliseconds.

    \b
    Example:
      txlist compile name=ofac:sdn_advanced.xml.bz2 scams.csv -o lists.txindex

    FILE may carry settings: name=...,category=...,date=...:FILE. Ends with 1 if rows were skipped; the
    index is written all the same.
    """  # noqa: D301
    progress = command.progress_shown()
    index = compile_lists(files, Path(output), say=command.say, skip_bad=skip_bad_lists, progress=progress)
    if command.stats_wanted(stats):
        counts = (
            command.counted(index.addresses, "address", "addresses"),
            command.counted(index.bad_rows, "bad row"),
        )
        command.say(f"{output}: {', '.join(counts)}")
    return command.BAD_INPUT if index.bad_rows else 0


@main.command()
@click.argument("addresses", nargs=-1, metavar="[ADDRESS]...")
@list_options
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="Judge listing and delisting dates as of this day.",
)
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(["auto", "ndjson", "human"]),
    default="auto",
    help="How verdicts are written; auto is human at a terminal, ndjson in a pipe or file.",
)
@click.option(
    "--exit-status",
    is_flag=True,
    help="End with 3 if an address is listed, else with 1 if one could not be checked.",
)
def check(
    addresses: tuple[str, ...], lists: ListChoice, as_of: dt.datetime | None, form: str, *, exit_status: bool
) -> int:
    """Read addresses, from the command line or one a line from stdin; write a verdict for each.

    \b
    Example:
      txlist check --list ofac.txindex < wallets.txt | jq -c 'select(.verdict != "not listed")'

    A verdict is "listed", "not listed", or "unchecked" where no list could have known: no address, or a
    family of addresses that no list holds. Allow-lists do not change it: their entries are shown, and
    "allowed" says whether they silence the address in txdetect (sanctions they do not).
    """  # noqa: D301
    if not lists.block:
        command.fail_usage("nothing to check against: give a blocklist with --list FILE")
    block, allow = lists.open(command.say, command.progress_shown())
    sink = stdout()
    bad = stream.BadLines(command.say)
    write = _written(form)
    said: Counter[str] = Counter()
    for text in _addresses(addresses, sink, bad):
        result = verdict.verdict(text, block, allow, as_of.date().isoformat() if as_of else "")
        said[result["verdict"]] += 1
        sink.write(write(result))
    unchecked = said[verdict.UNCHECKED] if exit_status else 0
    if unchecked:
        command.say(f"{command.counted(unchecked, 'address', 'addresses')} could not be checked")
    if bad.count or (unchecked and not said[verdict.LISTED]):
        return command.BAD_INPUT
    return command.FOUND if exit_status and said[verdict.LISTED] else 0


@main.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=ListType())
@skip_bad_option
def stats(files: tuple[ListSpec, ...], *, skip_bad_lists: bool) -> None:
    """Sum up lists: entries, address families, dates, categories.

    \b
    Example:
      txlist stats blocklists/*.csv

    A table at a terminal, NDJSON in a pipe.
    """  # noqa: D301
    index = _index(files, skip_bad=skip_bad_lists)
    if command.is_terminal(sys.stdout):
        _write(f"{line}\n".encode() for line in verdict.table(index))
    else:
        _write(map(dumps, verdict.summaries(index)))


@main.command()
@click.argument("old", metavar="OLD", type=ListType())
@click.argument("new", metavar="NEW", type=ListType())
@click.option("--exit-status", is_flag=True, help="End with 3 if the lists differ.")
def diff(old: ListSpec, new: ListSpec, *, exit_status: bool) -> int:
    """Compare two versions of a list; write one record for each address that was added, removed or changed.

    \b
    Example:
      txlist diff sdn_2024.txt sdn_2025.txt | jq -r 'select(.change == "removed").address'

    Names and dates of the lists themselves are no difference.
    """  # noqa: D301
    differing = _write(map(dumps, verdict.changes(_index((old,)), _index((new,)))))
    return command.FOUND if exit_status and differing else 0


def _written(form: str) -> Callable[[dict[str, Any]], bytes]:
    """Return what turns a verdict into a line."""
    if form == "human" or (form == "auto" and command.is_terminal(sys.stdout)):
        return lambda result: f"{verdict.line(result)}\n".encode()
    return dumps


def _index(specs: tuple[ListSpec, ...], *, skip_bad: bool = False) -> Index:
    return open_lists(specs, say=command.say, skip_bad=skip_bad, progress=command.progress_shown())


def _write(lines: Iterable[bytes]) -> int:
    sink = stdout()
    count = 0
    for count, line in enumerate(lines, 1):  # noqa: B007 - the last number is the result
        sink.write(line)
    return count


def _addresses(given: tuple[str, ...], sink: Sink, bad: stream.BadLines) -> Iterator[str]:
    """Yield the addresses of the command line, or stdin's lines as they come."""
    if given and given != ("-",):
        yield from given
        return
    command.say_if_waiting("-")
    for _, line in stream.numbered_lines(stream.open_source("-"), sink.flush, bad):
        yield line.decode("utf-8", "replace").strip()
