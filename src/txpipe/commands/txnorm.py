"""txnorm: turns other tools' chain data into records."""

from __future__ import annotations

import functools
import time

import click

from txpipe import stream
from txpipe.chains import chain, documents, join
from txpipe.command import (
    BAD_INPUT,
    PipeCommand,
    at_end,
    say,
    say_if_waiting,
    stats_option,
    stats_wanted,
    strict_option,
    version_option,
)
from txpipe.errors import BadLine
from txpipe.sink import stdout


def _missed(bad: stream.BadLines, tx: str, reason: str) -> None:
    """Count a transaction of which something was left out as bad: no clean end."""
    bad.count += 1
    if bad.strict:
        raise BadLine(tx, reason)
    say(f"{tx}: {reason}")


@click.command("txnorm", cls=PipeCommand)
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(allow_dash=True))
@click.option(
    "--chain",
    "given",
    metavar="CAIP2",
    help="Chain of data that does not name its own, as in eip155:137; data that names another is bad.",
)
@click.option(
    "--window",
    metavar="BLOCKS",
    type=click.IntRange(min=0),
    default=join.WINDOW,
    help="Blocks held while their receipts and logs come in; 0 lets a block go without them.",
)
@click.option(
    "--max-document",
    metavar="BYTES",
    type=click.IntRange(min=1),
    default=documents.MAX_DOCUMENT,
    help="Size of one document (block, answer, line) beyond which it is refused.",
)
@strict_option
@stats_option
@version_option
def main(  # noqa: PLR0913 - one parameter an option
    *,
    files: tuple[str, ...],
    given: str | None,
    window: int,
    max_document: int,
    strict: bool,
    stats: bool | None,
) -> int:
    """Turn raw chain data from FILEs (or stdin) into records, one JSON object a line.

    It tells these apart by itself, as lines, pretty-printed, concatenated or in arrays: JSON-RPC blocks with
    full transactions (eth_getBlockByNumber, cast block --full --json), eth_getBlockReceipts, eth_getLogs,
    single transactions and receipts; ethereum-etl's and bitcoin-etl's stream items and export files (JSON,
    CSV); Bitcoin Core's getblock 2 and 3; cryo's JSON and CSV. Records and objects of an unknown "type"
    pass unchanged.

    \b
    printf '{"txid":"%064d","time":1,"vin":[],"vout":[{"n":0,"value":1.5}]}' 1 | txnorm
    zcat block.json.gz | txnorm | txdetect --list blocklists/demo.csv | txalert
    txnorm transactions.json logs.json > records.ndjson

    A block that names no chain is of --chain, else of the chain that the same input named before, else of
    eip155:1 (Bitcoin's main net), with a notice. The native coin of a chain that the shipped table lacks is
    called slip44:60, without symbol and amount; its value is exact. Bitcoin inputs tell their addresses in
    getblock 3 only (Core 23 or newer); without them "from" is null, and a notice says so.

    Token movements come from receipts, logs or token_transfer items where the input holds any of a block,
    else from calldata (n is negative then; transferFrom and approve do not tell an amount from a token's id:
    their asset is of kind "token" unless the shipped table knows it). Parts of a block may come apart, within
    --window blocks of one input; several FILEs are read side by side. A block leaves as soon as nothing of it
    can be missing. A receipt without its transaction gives only what its logs show.

    It does not follow a node (txtail does), does not unpack (zcat does) and asks nobody for what is missing.

    Statuses: 0 done, 1 a document was bad and skipped (or an input failed, or a transaction mentions more
    addresses than a record holds), 2 usage, 130 Ctrl-C, 141 the reader went away.
    """  # noqa: D301 - click's mark for text that is not to be wrapped
    from txpipe.chains.making import Making  # noqa: PLC0415 - --help does not need it
    from txpipe.chains.normalize import Normalizer, merged  # noqa: PLC0415
    from txpipe.chains.tokens import Tokens  # noqa: PLC0415

    bad = stream.BadLines(say, strict=strict)
    missed = functools.partial(_missed, bad)
    making = Making(chain.ChainOf(given, say), Tokens.shipped(), lambda: int(time.time()), say, missed)
    sink = stdout()
    paths = files or ("-",)
    say_if_waiting(paths[0])
    normalizer = Normalizer(making, bad.report, window)
    sources = [stream.open_source(path) for path in paths]
    inputs = [(one.name, documents.documents(one, sink.flush, max_document)) for one in sources]
    if stats_wanted(stats):
        at_end(lambda: f"{normalizer.counts}, {bad.count:,} bad")
    for line in merged(inputs, normalizer):
        sink.write(line)
    return BAD_INPUT if bad.count else 0
