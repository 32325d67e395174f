"""From a block that is mined to its alert on txdetect's stdout: txtail | txdetect, one block at a time."""

import json
import os
import random
import select
import subprocess
import sys
import time

import busy_node
import processes

from node_kit import Anvil

ROUNDS = 60
SKIPPED = 5
POLL_S = 0.05
LIMIT_MS = 50
PATIENCE_S = 20
WAYS = {"http polling": "http", "WebSocket": "ws"}
"""How the node is asked, and the scheme of its URL."""


def run(folder):
    """Yield the waits of every way that this txtail knows."""
    listed, *others = busy_node.owners(20)
    blocklist = folder / "one.txt"
    blocklist.write_text(f"{listed}\n")
    for way, scheme in WAYS.items():
        with Anvil() as node:
            node.fund(listed)
            url = f"{scheme}://127.0.0.1:{node.port}"
            with Pipe(url, f"category=scam:{blocklist}") as pipe:
                try:
                    yield report(way, waits(node, pipe, listed, others))
                except Gone as exc:
                    print(f"bench: tail: no figure for {scheme}://: {exc}", file=sys.stderr)


def waits(node, pipe, sender, others):
    """Milliseconds from a block's mining to its alert: (from the call's return, from the call), sorted."""
    rng, found = random.Random(6), []
    for number in range(ROUNDS + SKIPPED):
        tx = node.send(sender, others[number % len(others)], value=10**15 + number)
        time.sleep(rng.uniform(0.1, 0.1 + POLL_S))  # at any point between two looks
        begun = time.perf_counter()
        node.rpc("evm_mine")
        mined = time.perf_counter()
        came = pipe.alert(tx)
        found.append(((came - mined) * 1000, (came - begun) * 1000))
    return [sorted(one[side] for one in found[SKIPPED:]) for side in (0, 1)]


def report(way, found):
    after, whole = found
    median, p95 = (after[len(after) * share // 100] for share in (50, 95))
    return {
        "bench": "tail: mined to alert, median",
        "peer": f"limit, {way}",
        "ratio": round(LIMIT_MS / median, 2),
        "ours": round(median, 2),
        "theirs": LIMIT_MS,
        "unit": "ms",
        "note": f"p95 {p95:.1f} ms; counted from before evm_mine: median {whole[len(whole) // 2]:.1f} ms; "
        f"--poll {POLL_S:g}, {ROUNDS} rounds, through txdetect",
    }


class Pipe:
    """txtail | txdetect on a node, and their alerts; ``with`` ends it."""

    def __init__(self, url, blocklist):
        self._tail = [processes.script("txtail"), "--rpc", url, "--poll", str(POLL_S)]
        self._detect = [processes.script("txdetect"), "--no-stats", "--list", blocklist]
        self._rest = b""

    def __enter__(self):
        self.tail = subprocess.Popen(self._tail, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.detect = subprocess.Popen(self._detect, stdin=self.tail.stdout, stdout=subprocess.PIPE)
        self.tail.stdout.close()
        return self

    def __exit__(self, *_):
        for process in (self.tail, self.detect):
            process.terminate()
            process.wait(PATIENCE_S)
        self.tail.stderr.close()
        self.detect.stdout.close()

    def alert(self, tx):
        """Wait for the alert of a transaction; the time when it was there.

        Raises:
            Gone: The pipe ended before.
        """
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if not select.select([self.detect.stdout], [], [], 0.2)[0]:
                continue
            got = os.read(self.detect.stdout.fileno(), 1 << 16)
            came = time.perf_counter()
            if not got:
                raise Gone(self.tail.stderr.read().decode().strip()[-200:])
            *lines, self._rest = (self._rest + got).split(b"\n")
            if any(json.loads(line).get("tx") == tx for line in lines):
                return came
        raise RuntimeError(f"no alert of {tx} in {PATIENCE_S} s")


class Gone(Exception):
    """txtail ended: it does not know such a URL, say."""
