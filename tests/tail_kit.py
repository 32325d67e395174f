"""Runs of txtail on a real node for the tests: to the end, or followed into a file."""

import json
import os
import signal
import subprocess
import time

from conftest import script
from node_kit import approve_data, transfer_data

ALICE, BOB = "0x" + "aa" * 20, "0x" + "bb" * 20
LAZARUS = "0x098b716b8aaf21512996dc57eb0615e2383e2f96"


def tail(*args, env=None, status=0):
    """Run txtail to its end, or (status None) for three seconds; returns records and stderr."""
    done = subprocess.run(
        [*(() if status is not None else ("timeout", "-s", "INT", "3")), script("txtail"), *map(str, args)],
        capture_output=True,
        timeout=60,
        check=False,
        env=None if env is None else {**os.environ, **env},
    )
    assert status is None or done.returncode == status, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr.decode()


def so_far(path):
    """Records in a file that is still written; of its last line there may be a part only: left out."""
    whole = path.read_bytes().rpartition(b"\n")[0] if path.exists() else b""
    return [json.loads(line) for line in whole.splitlines()]


class Following:
    """A txtail that follows a node into a file; ``with`` ends it."""

    def __init__(self, path, *args):
        self.path = path
        self.args = [script("txtail"), "--poll", "0.05", *map(str, args)]

    def __enter__(self):
        with self.path.open("ab") as out, self.path.with_suffix(".err").open("ab") as err:
            self.process = subprocess.Popen(self.args, stdout=out, stderr=err)
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(20) in {130, -signal.SIGKILL, 1}

    def records(self):
        return so_far(self.path)

    def said(self):
        return self.path.with_suffix(".err").read_text()

    def until(self, wanted, seconds=20):
        """Wait until the records, or what was said, are as wanted."""
        deadline = time.monotonic() + seconds
        while not wanted(self):
            assert time.monotonic() < deadline, (self.records()[-3:], self.said())
            assert self.process.poll() is None or wanted(self), self.said()
            time.sleep(0.02)
        return self.records()

    def reaches(self, height, hash_=None):
        """Wait until a block is written; of this hash if one is given."""
        return self.until(
            lambda one: any(
                record["type"] == "block"
                and record["block"] == height
                and (hash_ is None or record["hash"] == hash_)
                for record in one.records()
            )
        )


def held(records):
    """What a reader holds in the end: hash by height."""
    hashes = {}
    for one in records:
        if one["type"] == "reorg":
            hashes = {height: own for height, own in hashes.items() if height < one["block"]}
        elif one["type"] == "block":
            assert hashes.get(one["block"], one["hash"]) == one["hash"]
            hashes[one["block"]] = one["hash"]
    return hashes


def canonical(node):
    return {height: node.block(height)["hash"] for height in range(int(node.rpc("eth_blockNumber"), 16) + 1)}


def busy(node, blocks=6, token=None):
    """Mine blocks with payments of coin and token, one of them of more than 2^64 base units."""
    node.fund(ALICE, 10**24)
    for number in range(blocks):
        node.send(ALICE, BOB, value=2**64 + number)
        if token:
            node.send(ALICE, token, data=transfer_data(BOB, 1_000 + number))
            node.send(ALICE, token, data=approve_data(BOB, 2**256 - 1))
        node.mine()
