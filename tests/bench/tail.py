"""txtail beside other ways to read a chain: one Anvil, the same blocks, in turns; fails where records differ.

CPU is that of the client alone, user and system, its children included. Peers: a bare loop over http.client
and orjson (the least there is to do), web3.py, and ethereum-etl's stream.
"""

import json
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import busy_node
import peer_envs
import processes
import tail_latency

from node_kit import ANVIL, Anvil

BLOCKS = 100
MORE_BLOCKS = 500
"""Blocks of a second round, in which a command's start hardly counts."""

MORE_TURNS = 7
"""Of that round: on a machine that others share, one turn differs from the next by a fifth."""

A_BLOCK = 120
FLOOR_TX_S = 1000
NEAR = 0.9
"""Backfill: so many transactions a second, or this share of what the bare loop gets from the same node."""


class Differs(Exception):
    """What txtail wrote is not what another tool read from the same node."""


@dataclass
class Client:
    """What reads the blocks.

    Attributes:
        most: Wanted: txtail takes no more than this share of its CPU.
        turns: How often it runs, each time beside txtail.
        synced: For one that goes on for ever: where it notes the last block that it has.
    """

    name: str
    command: list
    most: float = 1.0
    turns: int = 2
    synced: Path | None = None

    def run(self, out, last):
        """Run it up to the last block, its stdout into a file; wall and CPU seconds."""
        if self.synced is not None:
            self.synced.unlink(missing_ok=True)
        with out.open("wb") as file:
            until = None if self.synced is None else lambda: self.is_at(last)
            return processes.spent(list(map(str, self.command)), file, until=until)

    def is_at(self, last):
        return self.synced.exists() and self.synced.read_text().strip() == str(last)


def run(folder, _options):
    if ANVIL is None or not busy_node.TOKEN_CODE.exists():
        print(
            "bench: tail needs Anvil (npm ci --prefix tests/nodes --ignore-scripts) and the code of a token "
            f"({busy_node.TOKEN_CODE}; TXPIPE_DATA names the folder)",
            file=sys.stderr,
        )
        return
    with Anvil() as node:
        earlier = busy_node.fill(node, MORE_BLOCKS, A_BLOCK)
        last = earlier + MORE_BLOCKS - 1
        first = last - BLOCKS + 1
        ours, more = txtail(node.url, first), txtail(node.url, earlier)
        peers = list(clients(node.url, first, last, folder))
        few = yield from costs(ours, peers, folder / "tail.out", last)
        yield from without_start(few, (more, bare(node.url, earlier, last)), folder / "tail.out", last)
        etl = next((one for one in peers if one.synced), None)
        if etl is not None:
            yield same_movements(ours, etl, folder, last)
    yield from tail_latency.run(folder)


def txtail(url, first):
    return Client("txtail", [processes.script("txtail"), "--rpc", url, "--from", first, "--no-follow"])


def bare(url, first, last):
    script = processes.HERE / "tail_clients.py"
    return Client("bare loop", [sys.executable, script, "bare", url, first, last], most=1.5, turns=7)


def clients(url, first, last, folder):
    """Yield what there is to compare with."""
    script = processes.HERE / "tail_clients.py"
    yield bare(url, first, last)
    web3 = peer_envs.python("web3", peer_envs.WEB3, ["-c", "import web3"])
    if web3:
        yield Client("web3.py", [web3, script, "web3", url, first, last], most=0.2)
    etl = peer_envs.python("ethereum-etl", peer_envs.ETHEREUM_ETL, ["-m", "ethereumetl", "--version"])
    if etl:
        synced = folder / "synced.txt"
        stream = [etl, "-m", "ethereumetl", "stream", "-p", url, "-e", "block,transaction,log,token_transfer"]
        pace = ["--lag", 0, "--period-seconds", 1, "--block-batch-size", 10]
        place = ["--start-block", first, "--last-synced-block-file", synced]
        yield Client("ethereum-etl stream", [*stream, *pace, *place], synced=synced)


def costs(ours, peers, out, last):
    """Yield CPU, and what waiting for the node leaves in wall time; return ours and the first peer's."""
    least = None
    for peer in peers:
        turns = [(ours.run(out, last), peer.run(out, last)) for _ in range(peer.turns)]
        shares = sorted(mine[1] / other[1] for mine, other in turns)
        mine, other = (min(turn[side][1] for turn in turns) for side in (0, 1))
        yield {
            "bench": "tail: CPU of the client",
            "peer": peer.name,
            "ratio": round(other / mine, 2),
            "ours": round(mine, 3),
            "theirs": round(other, 3),
            "unit": "s",
            "note": f"txtail takes {median(shares):.2f} of it ({shares[0]:.2f} to {shares[-1]:.2f} in "
            f"{len(turns)} turns), wanted <= {peer.most:g}; {BLOCKS} blocks of {A_BLOCK} transactions, start "
            "included",
        }
        if peer is peers[0]:
            yield backfill(turns)
            least = mine, other
    return least


def without_start(few, both, out, last):
    """Yield CPU for more blocks, and for a block: what each block beyond the first hundred costs."""
    turns = [tuple(client.run(out, last)[1] for client in both) for _ in range(MORE_TURNS)]
    more = tuple(min(turn[side] for turn in turns) for side in (0, 1))
    a_block = tuple((many - some) / (MORE_BLOCKS - BLOCKS) for many, some in zip(more, few, strict=True))
    rows = (
        ("", more, "s", f"{MORE_BLOCKS} blocks of {A_BLOCK} transactions, start included"),
        (", a block", [1000 * one for one in a_block], "ms", "of each block beyond the first 100: no start"),
    )
    for name, (mine, other), unit, note in rows:
        yield {
            "bench": f"tail: CPU of the client{name}",
            "peer": both[1].name,
            "ratio": round(other / mine, 2),
            "ours": round(mine, 3),
            "theirs": round(other, 3),
            "unit": unit,
            "note": f"txtail takes {mine / other:.2f} of it, wanted <= {both[1].most:g}; {note}",
        }


def backfill(turns):
    """Compare wall times, most of which is waiting for the node."""
    mine, other = (BLOCKS * A_BLOCK / min(turn[side][0] for turn in turns) for side in (0, 1))
    return {
        "bench": "tail: backfill",
        "peer": "bare loop",
        "ratio": round(mine / other, 2),
        "ours": round(mine),
        "theirs": round(other),
        "unit": "tx/s",
        "note": f"wanted {FLOOR_TX_S:,} tx/s or {NEAR:.0%} of the bare loop, which waits for the node",
    }


def same_movements(ours, etl, folder, last):
    """Count the movements of coins and tokens that both found.

    Raises:
        Differs: One has a movement that the other has not.
    """
    found = []
    for client, read in ((ours, movement), (etl, etl_movement)):
        client.run(folder / "tail.out", last)
        with (folder / "tail.out").open() as lines:
            found.append(Counter(one for line in lines if (one := read(json.loads(line))) is not None))
    mine, theirs = found
    for name, differing in (("misses", theirs - mine), ("has, but the other not,", mine - theirs)):
        if differing:
            shown = "\n".join(map(str, [*differing][:5]))
            raise Differs(
                f"txtail {name} {differing.total():,} of {theirs.total():,} movements, such as\n{shown}"
            )
    large = sum(value >= 2**64 for *_, value in mine.elements())
    return {
        "bench": "tail: movements",
        "peer": etl.name,
        "ratio": round(mine.total() / theirs.total(), 4),
        "ours": mine.total(),
        "theirs": theirs.total(),
        "unit": "transfers",
        "note": f"0 missing, 0 more, by (tx, from, to, token, value); {large:,} of 2^64 base units and more",
    }


def movement(one):
    """What one of txtail's records moves; None if it is no transfer."""
    if one["type"] != "transfer":
        return None
    kind, _, token = one["asset"].partition("/")[2].partition(":")
    return one["tx"], one["from"], one["to"], "coin" if kind == "slip44" else token, int(one["value"])


def etl_movement(one):
    """What one of ethereum-etl's items moves, in the same form; one that failed moves nothing."""
    parties = one.get("from_address"), one.get("to_address")
    if one["type"] == "transaction" and one["value"] and one["receipt_status"] == 1:
        return one["hash"], *parties, "coin", one["value"]
    if one["type"] == "token_transfer":
        return one["transaction_hash"], *parties, one["token_address"].lower(), one["value"]
    return None
