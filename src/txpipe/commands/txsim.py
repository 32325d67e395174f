"""txsim: simulate a realistic, seeded, labelled stream of chain traffic."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import Any

import click

from txpipe import command
from txpipe.sink import open_sink, stdout


def _event_time(_ctx: click.Context, _param: click.Parameter, text: str) -> int:
    """Turn Unix seconds, or ISO 8601 (UTC unless it says otherwise), into Unix seconds."""
    if re.fullmatch("[0-9]{1,12}", text):
        return int(text)
    try:
        at = datetime.fromisoformat(text)
    except ValueError as exc:
        raise click.BadParameter(
            f"{text!r} is neither Unix seconds nor a time like 2025-10-09T08:53:20Z"
        ) from exc
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())


def _evm_chain(_ctx: click.Context, _param: click.Parameter, text: str) -> str:
    if not re.fullmatch("eip155:[0-9]{1,32}", text):
        raise click.BadParameter(f"{text!r} is no EVM chain like eip155:1")
    return text


@click.command("txsim", cls=command.PipeCommand)
@click.option("-s", "--seed", type=click.IntRange(min=0), default=0, metavar="N", help="Choose the stream.")
@click.option(
    "-n", "--records", type=click.IntRange(min=0), metavar="N", help="End after N records of any type."
)
@click.option(
    "--duration",
    type=command.Number(min=0),
    metavar="SECONDS",
    help="End after so much simulated time, counted from --start.",
)
@click.option(
    "-r",
    "--rate",
    type=command.Number(min=0),
    default=0,
    metavar="RECORDS/S",
    help="Keep pace with the wall clock from --start on; 0 is as fast as possible.",
)
@click.option(
    "--start",
    callback=_event_time,
    default="2025-10-09T08:53:20Z",
    metavar="TIME",
    help="Event time of the main part's first block: ISO 8601 or Unix seconds.",
)
@click.option(
    "--tps",
    type=command.Number(min=0, min_open=True, max=1000),
    default=1,
    metavar="TX/S",
    help="Mean transactions per second of simulated time.",
)
@click.option(
    "--chain",
    callback=_evm_chain,
    default="eip155:1",
    metavar="CAIP-2",
    help="Chain that records name; tokens, contracts and prices stay Ethereum's.",
)
@click.option(
    "--fraud-rate",
    type=command.Number(min=0, max=0.4),
    default=0.005,
    metavar="SHARE",
    help="Share of transactions that belong to fraud; benign look-alikes have the same again.",
)
@click.option(
    "--labels",
    type=click.Path(),
    metavar="FILE",
    help="Write what is fraud and what looks like it, as NDJSON.",
)
@click.option(
    "--write-list",
    type=click.Path(allow_dash=True),
    metavar="FILE",
    help="Write the list of the listed wallets (CSV); ends there unless --records or --duration is given.",
)
@command.stats_option
@command.version_option
def main(  # noqa: PLR0913 - one parameter an option
    *,
    records: int | None,
    duration: float | None,
    rate: float,
    labels: str | None,
    write_list: str | None,
    stats: bool | None,
    **settings: Any,
) -> int:
    """Simulate a chain: write records of invented traffic, with fraud in it, to stdout.

    Reads nothing. The same seed and version give the same bytes on every machine, and a longer run begins
    with the bytes of a shorter one. Without --records and --duration it goes on until Ctrl-C or until its
    reader leaves.

    \b
      txsim --seed 7 --records 100000 | txdetect --list blocklists/demo.csv | txalert
      txsim --seed 7 --records 100000 --labels labels.ndjson > records.ndjson
      txsim --rate 2000 --fraud-rate 0.05 | txdetect --list blocklists/demo.csv | txalert

    Some transactions belong to fraud: payments to the wallets of blocklists/demo.csv (the same for every
    seed), poisoned addresses, drained wallets, layering and more; as many only look like it. Records do not
    say which; --labels does. About 2,000 records of the year before --start come first. Wallets, prices and
    hashes are invented; contracts of well-known tokens and services are Ethereum's real ones, and the coin
    is ETH: with another --chain, tokens, contracts and prices stay Ethereum's.

    It does not follow a real chain (txtail), convert real data (txnorm) or find anything (txdetect).
    """  # noqa: D301 - \b keeps click from joining the example's lines
    from txpipe.simulate import emit, listed, simulator  # noqa: PLC0415 - not for --help

    if write_list is not None:
        emit.write_file(write_list, listed.as_csv())
        if records is None and duration is None:
            return 0
    totals = emit.Totals(time.monotonic)
    if command.stats_wanted(stats):
        command.at_end(totals.summary)
    sinks = emit.Sinks(stdout(), None if labels is None else open_sink(labels))
    pace = emit.Pace(rate, time.monotonic, time.sleep, settings["start"]) if rate else None
    blocks = simulator.blocks(simulator.Settings(**settings))
    bounded = emit.bounded(blocks, records, duration, settings["start"])
    emit.emit(bounded, sinks, pace, totals)
    return 0
