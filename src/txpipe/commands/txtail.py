"""txtail: follows a live chain."""

from __future__ import annotations

import gc
import re
import select
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from txpipe.command import (
    BAD_INPUT,
    Number,
    PipeCommand,
    at_end,
    fail_usage,
    is_terminal,
    keep,
    say,
    stats_option,
    stats_wanted,
    version_option,
)
from txpipe.errors import ReaderGone, UsageFault
from txpipe.sink import stdout

if TYPE_CHECKING:
    from txpipe.chains.cursor import Cursor, Saved
    from txpipe.chains.evm_node import EvmChain
    from txpipe.chains.follow import Follower
    from txpipe.chains.tail import Tail

DRAIN_S = 10.0
"""Seconds at the end for which the reader may take what is in the pipe, so that the cursor can say so."""

GARBAGE = 100_000
"""Objects made and not freed by themselves after which cycles are looked for; Python's own number is 700."""


def _begin(_ctx: click.Context, _param: click.Parameter, text: str) -> int | None:
    """Turn --from into a height; None is the newest block."""
    if text == "latest":
        return None
    if not re.fullmatch("[0-9]{1,15}", text):
        raise click.BadParameter(f"{text!r} is no height, nor latest")
    return int(text)


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
    metavar="BLOCK|latest",
    default="latest",
    callback=_begin,
    help="Where to begin if there is no --cursor file yet; latest is the newest block.",
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
    "--behind",
    metavar="BLOCKS",
    type=click.IntRange(0, 64),
    default=2,
    help="Blocks that the cursor stays back: what the reader took from the pipe it may not have done yet.",
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
    behind: int,
    poll: float,
    stall: float,
    pending: bool,
    stats: bool | None,
) -> int:
    """Follow a live EVM chain and write its blocks as records, one JSON object a line, without a gap.

    \b
    txtail --rpc http://127.0.0.1:8545 | txdetect --list blocklists/demo.csv | txalert
    TXTAIL_RPC=https://… txtail --cursor eth.cursor | txdetect --state eth.state | txalert
    txtail --rpc ws://127.0.0.1:8546 --pending | txdetect --list blocklists/demo.csv | txalert
    txtail --rpc URL --from 23000000 --to 23000099 > records.ndjson

    Over WebSocket and IPC the node itself says when there is a block; over HTTP it is asked every --poll
    seconds. With --pending, transactions are written once before they are mined, too.

    A reorg is seen by the hashes of blocks, up to 128 deep: a "reorg" record names what was dropped, then the
    blocks come that took its place, and txdetect takes back what it had said. Deeper ones end with an error
    that says where to begin again.

    With --cursor the chain goes on after a restart, or a kill, where the reader had taken the last record,
    less --behind blocks: nothing is lost, what comes twice is the same byte for byte, and blocks that were
    written but are no longer part of the chain are taken back first.

    With several --rpc another one is asked when one fails, limits the rate, gives a block without all its
    receipts and logs, or is behind; one of another chain is refused. When none answers, or no block comes
    for --stall seconds, that is said on stderr and as a "heartbeat" record. URLs may hold keys: of them only
    scheme, host and port are ever shown. Give them by TXTAIL_RPC (separated by spaces) rather than on the
    command line, which other users of the machine see for a moment.

    Statuses: 0 done, 1 no node, a node that is of no use, or a block of which no records could be made,
    2 usage, 130 Ctrl-C, 141 the reader went away.
    """  # noqa: D301 - click's mark for text that is not to be wrapped
    if not urls:
        fail_usage("--rpc URL is missing (or TXTAIL_RPC in the environment)")
    if begin is not None and to is not None and begin > to:
        fail_usage(f"--from {begin} is beyond --to {to}")
    saved = _saved(cursor_path)
    chain = _chain(urls, saved, pending=pending)
    at = saved.at if saved else begin
    follower = _follower(chain, saved, at, to, confirmations)
    cursor = None if cursor_path is None else _cursor(cursor_path, chain, follower, saved, behind)
    tail = _tail(chain, follower, cursor, poll, stall, pending=pending)
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
    _last_word(tail)
    return BAD_INPUT if chain.faults else 0


def _saved(path: Path | None) -> Saved | None:
    """Return what the cursor file says; it wins over --from, so that a restart is the same command."""
    if path is None:
        return None
    from txpipe.chains import cursor  # noqa: PLC0415 - --help does not need it

    saved = cursor.load(path)
    if saved is not None:
        say(f"goes on from {path}: {saved.chain} block {saved.at:,}")
    return saved


def _chain(urls: tuple[str, ...], saved: Saved | None, *, pending: bool) -> EvmChain:
    try:
        from txpipe.chains import live  # noqa: PLC0415

        return live.chain(urls, saved, say, time.time, pending=pending)
    except ModuleNotFoundError as exc:
        raise UsageFault(f"{exc.name} is missing: pip install 'txpipe[live]'") from exc


def _follower(
    chain: EvmChain, saved: Saved | None, at: int | None, to: int | None, confirmations: int
) -> Follower:
    from txpipe.chains.follow import Follower  # noqa: PLC0415

    if saved is None:
        return Follower(chain, at, last=to, confirmations=confirmations)
    return Follower(
        chain,
        at,
        last=to,
        confirmations=confirmations,
        recent=saved.recent,
        given=saved.given,
        void=saved.void,
    )


def _cursor(path: Path, chain: EvmChain, follower: Follower, saved: Saved | None, behind: int) -> Cursor:
    from txpipe.chains.cursor import Cursor, unread  # noqa: PLC0415

    sink = stdout()

    def taken() -> int:
        return sink.handed - unread(sink.fd)

    cursor = Cursor(path, chain.chain, chain.genesis, follower.at, taken, time.monotonic, behind)
    if saved is not None and saved.void:
        cursor.drop(saved.void)
    return cursor


def _tail(  # noqa: PLR0913 - what it follows, and how patiently
    chain: EvmChain,
    follower: Follower,
    cursor: Cursor | None,
    poll: float,
    stall: float,
    *,
    pending: bool,
) -> Tail:
    from txpipe.chains.progress import progress  # noqa: PLC0415
    from txpipe.chains.tail import Clock, Tail  # noqa: PLC0415

    clock = Clock(time.monotonic, time.time, _sleep)
    tail = Tail(
        follower,
        chain.chain,
        stdout(),
        clock,
        say,
        cursor=cursor,
        poll_s=poll,
        stall_s=stall,
        pending=pending,
    )
    tail.progress = progress(time.monotonic) if is_terminal(sys.stderr) else None
    return tail


def _sleep(seconds: float) -> None:
    """Wait; end where nobody reads any more: nothing is written meanwhile that would tell.

    Raises:
        ReaderGone: the reader closed the pipe.
    """
    poll = select.poll()
    poll.register(stdout().fd, 0)
    if any(event & select.POLLERR for _, event in poll.poll(seconds * 1000)):
        raise ReaderGone


def _last_word(tail: Tail) -> None:
    """Let the reader take what is in the pipe, and note how far it came."""
    deadline = time.monotonic() + DRAIN_S
    while not tail.is_taken and time.monotonic() < deadline:
        _sleep(0.02)
    tail.note()
