"""txtail: follows a live chain."""

from __future__ import annotations

import gc
import re
import sys
import time
from pathlib import Path

import click

from txpipe.command import (
    BAD_INPUT,
    Number,
    PipeCommand,
    at_end,
    fail_usage,
    is_terminal,
    keep,
    metrics_option,
    prices_option,
    say,
    stats_option,
    stats_wanted,
    version_option,
)
from txpipe.errors import UsageFault
from txpipe.metrics import Exporter
from txpipe.sink import stdout

GARBAGE = 100_000
"""Objects made and not freed by themselves after which cycles are looked for; Python's own number is 700."""

MOST_BEHIND = 64
"""Blocks that --behind may name."""

AT_CURSOR = -1
"""In place of a height: where the cursor is, and nowhere else."""


def _begin(_ctx: click.Context, _param: click.Parameter, text: str) -> int | None:
    """Turn --from into a height; None is the newest block."""
    if text in {"latest", "cursor"}:
        return None if text == "latest" else AT_CURSOR
    if not re.fullmatch("[0-9]{1,15}", text):
        raise click.BadParameter(f"{text!r} is no height, nor latest or cursor")
    return int(text)


def _behind(_ctx: click.Context, _param: click.Parameter, text: str) -> tuple[int, float]:
    """Turn --behind into blocks and seconds, one of which is 0."""
    if re.fullmatch("[0-9]{1,2}", text) and int(text) <= MOST_BEHIND:
        return int(text), 0.0
    if re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,3})?s", text):
        return 0, float(text[:-1])
    raise click.BadParameter(f"{text!r} is neither blocks (0 to {MOST_BEHIND}) nor seconds, as in 30s")


@click.command("txtail", cls=PipeCommand)
@click.option(
    "--rpc",
    "urls",
    metavar="URL",
    multiple=True,
    envvar="TXTAIL_RPC",
    help="A node's JSON-RPC: http(s), ws(s), or an IPC socket's path; again for others of the same chain.  "
    "[env: TXTAIL_RPC]",
)
@click.option(
    "--from",
    "begin",
    metavar="BLOCK|latest|cursor",
    default="latest",
    callback=_begin,
    help="Where to begin if there is no --cursor or --ack file yet: at a height, at the newest block "
    "(latest), or not at all, with an error (cursor).",
)
@click.option("--to", metavar="BLOCK", type=click.IntRange(min=0), help="End after this block.")
@click.option(
    "--no-follow", is_flag=True, help="End at the block that is the newest now instead of waiting for more."
)
@click.option(
    "--confirmations",
    metavar="N",
    type=click.IntRange(0, 100_000),
    default=0,
    help="Blocks that must follow one before it is written: fewer reorgs, later alerts.",
)
@click.option(
    "--cursor",
    "cursor_path",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Note here how far the reader has taken the records, and go on from there.",
)
@click.option(
    "--ack",
    "ack_path",
    metavar="FILE.pos",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Go on from what a txdetect --state FILE behind the pipe has done, instead of a --cursor.",
)
@click.option(
    "--behind",
    metavar="BLOCKS|SECONDSs",
    default="2",
    callback=_behind,
    help="How far the --cursor stays back (30s: what was taken in 30 seconds): what the reader took from the "
    "pipe it may not have done yet.",
)
@click.option(
    "--poll",
    metavar="SECONDS",
    type=Number(min=0.05, max=3600),
    default=1.0,
    help="Look for a new block so often where the node does not send word of it.",
)
@click.option(
    "--stall",
    metavar="SECONDS",
    type=Number(min=0),
    default=60.0,
    help="Say that no new block came for so long, on stderr and as a heartbeat; 0 is never.",
)
@click.option(
    "--pending",
    is_flag=True,
    help='Write transactions that wait to be mined, too, marked "pending": true.',
)
@click.option(
    "--tokens/--no-tokens",
    "names",
    default=True,
    help="Ask tokens that the shipped table lacks for symbol and decimals.",
)
@click.option(
    "--token-cache",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    show_default="by chain, in $XDG_CACHE_HOME/txpipe",
    help="Keep there what tokens answered first, which counts from then on.",
)
@prices_option
@click.option(
    "--usd",
    type=click.Choice(["chainlink"]),
    help="Read USD prices on the chain, at each block: Chainlink's feeds of major coins.",
)
@click.option(
    "--feed",
    "feeds",
    metavar="ASSET=ADDRESS",
    multiple=True,
    help="With --usd chainlink, read a further feed for an asset (CAIP-19); repeatable.",
)
@metrics_option
@stats_option
@version_option
def main(  # noqa: PLR0913 - one parameter an option
    *,
    urls: tuple[str, ...],
    begin: int | None,
    to: int | None,
    no_follow: bool,
    confirmations: int,
    cursor_path: Path | None,
    ack_path: Path | None,
    behind: tuple[int, float],
    poll: float,
    stall: float,
    pending: bool,
    names: bool,
    token_cache: Path | None,
    prices: str | None,
    usd: str | None,
    feeds: tuple[str, ...],
    metrics: Exporter,
    stats: bool | None,
) -> int:
    """Follow a live chain and write its blocks as records, one JSON object a line, without a gap.

    The chain is an EVM one, or Bitcoin, Litecoin and kin (the RPC of Bitcoin Core): the node is asked.

    \b
    txtail --rpc http://127.0.0.1:8545 | txdetect --list blocklists/demo.csv | txalert
    TXTAIL_RPC=https://… txtail --ack eth.state.pos | txdetect --state eth.state | txalert
    txtail --rpc ws://127.0.0.1:8546 --pending | txdetect --list blocklists/demo.csv | txalert
    txtail --rpc http://USER:PASSWORD@127.0.0.1:8332 --pending | txdetect --list my.csv | txalert
    txtail --rpc URL --from 23000000 --to 23000099 > records.ndjson
    txtail --rpc URL --usd chainlink --prices my.ndjson | txdetect | txalert

    Over WebSocket and IPC the node itself says when there is a block, as does one of Bitcoin's kind
    (waitfornewblock); over HTTP it is asked every --poll seconds. With --pending, transactions are written
    once before they are mined, too.

    A reorg is seen by the hashes of blocks, up to 128 deep: a "reorg" record names what was dropped, then the
    blocks come that took its place, and txdetect takes back what it had said. Deeper ones end with an error
    that says where to begin again.

    With --ack the chain goes on after a restart, or a kill of either, right behind what txdetect --state has
    done; with --cursor, for other readers, where the reader had taken the last record, less --behind blocks,
    and what comes twice is the same byte for byte. Blocks that were written but are no longer part of the
    chain are taken back first.

    Tokens that the shipped table lacks are asked for symbol and decimals, once; what they answer first is
    kept in --token-cache and counts from then on. Transfers have "usd" by --prices, else by Chainlink's feed
    for the asset (--usd chainlink, --feed), read at the block itself, else by a peg to the dollar. A feed
    that is stale, or of a block whose state the node does not keep, gives none, which is said.

    With several --rpc another one is asked when one fails, limits the rate, gives a block without all its
    receipts and logs, or is behind; one of another chain is refused. When none answers, or no block comes
    for --stall seconds, that is said on stderr and as a "heartbeat" record, and it goes on trying; only with
    --to or --no-follow no answer at the start ends it. URLs may hold keys: of them only
    scheme, host and port are ever shown. Give them by TXTAIL_RPC (separated by spaces) rather than on the
    command line, which other users of the machine see for a moment.

    Statuses: 0 done, 1 no node, a node that is of no use, or a block of which no records could be made,
    2 usage, 130 Ctrl-C, 141 the reader went away.
    """  # noqa: D301 - click's mark for text that is not to be wrapped
    _check(urls, begin, to, cursor_path, ack_path, usd, feeds)
    from txpipe.chains import counts, live, live_run  # noqa: PLC0415 - --help does not need them
    from txpipe.chains.cursor import Behind  # noqa: PLC0415
    from txpipe.chains.lookups import Wishes  # noqa: PLC0415

    known = live_run.known(cursor_path, ack_path)
    if begin == AT_CURSOR and not known:
        fail_usage(
            "--from cursor: there is none yet; say --from BLOCK or latest once, with --cursor or --ack"
        )
    signs = live_run.signs(known, stall, stdout(), say)
    metrics.show(lambda: counts.of_signs(signs, time.time()))
    metrics.start()
    wait = None if no_follow or to is not None else signs.await_node
    of_file = None if cursor_path is None else next(iter(known.values()), None)
    wishes = Wishes(names, token_cache, prices, bool(usd), feeds)
    chain = live.chain(urls, of_file, say, time.time, pending=pending, wishes=wishes, wait=wait)
    metrics.show(lambda: counts.of_chain(chain))
    saved = known.get(chain.chain)
    if saved is not None:
        say(f"goes on from {cursor_path or ack_path}: {saved.chain} block {saved.at:,}")
    elif begin == AT_CURSOR:
        raise UsageFault(f"--from cursor: {ack_path} knows nothing of {chain.chain} yet; say --from BLOCK")
    follower = live_run.follower(chain, saved, begin, to, confirmations)
    cursor = None
    if cursor_path is not None:
        cursor = live_run.cursor(cursor_path, chain, follower.at, saved, Behind(*behind), stdout())
    shows = is_terminal(sys.stderr)
    tail = live_run.tail(chain, follower, signs, cursor, poll, pending=pending, shows=shows)
    keep(tail)
    gc.freeze()  # what the start made stays; blocks make no cycles, so that few looks for them are enough
    gc.set_threshold(GARBAGE)
    if stats_wanted(stats):
        at_end(lambda: str(tail.counts))
    try:
        tail.run(to_the_end=no_follow)
    except KeyboardInterrupt:
        tail.note()
        raise
    live_run.last_word(tail, stdout())
    return BAD_INPUT if chain.faults else 0


def _check(  # noqa: PLR0913, PLR0917 - options that must fit one another
    urls: tuple[str, ...],
    begin: int | None,
    to: int | None,
    cursor_path: Path | None,
    ack_path: Path | None,
    usd: str | None,
    feeds: tuple[str, ...],
) -> None:
    """End with a usage error where options contradict one another, or one is missing."""
    if not urls:
        fail_usage("--rpc URL is missing (or TXTAIL_RPC in the environment)")
    if begin is not None and to is not None and begin > to:
        fail_usage(f"--from {begin} is beyond --to {to}")
    if cursor_path is not None and ack_path is not None:
        fail_usage("--cursor and --ack both say where to go on: leave one of them out")
    if feeds and not usd:
        fail_usage("--feed is of use with --usd chainlink only")
