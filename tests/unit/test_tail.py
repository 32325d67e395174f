"""A tail that is killed at any write, and a reader that took any part: in the end it holds the chain."""

import json
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from branch_kit import Chain
from txpipe.chains.cursor import Behind, Cursor, load
from txpipe.chains.follow import Block, Follower
from txpipe.chains.nodes import Blind
from txpipe.chains.progress import progress
from txpipe.chains.signs import Clock, Signs
from txpipe.chains.tail import Tail


class Lined(Chain):
    """A chain whose blocks have lines as txtail's have; its nodes may be silent, or lack the newest."""

    silent = False
    lacking = 0

    def head(self):
        if self.silent:
            self.silent = False
            raise Blind("silent", 0.1)
        return super().head()

    def blocks(self, first, last):
        last, self.lacking = last - self.lacking, 0
        return super().blocks(first, last)

    def _block(self, height):
        one = super()._block(height)
        row = {"type": "block", "block": height, "hash": one.hash}
        txs = [json.dumps({"type": "call", "block": height, "tx": tx}).encode() + b"\n" for tx in one.txs]
        lines = b"".join([*txs, json.dumps(row).encode() + b"\n"])
        return Block(height, one.hash, one.parent, one.time, one.txs, lines, len(txs) + 1)


class Killed(Exception):
    """SIGKILL."""


class Pipe:
    """Takes lines, however many at once, up to one at which the process is killed."""

    def __init__(self, deadly):
        self.lines = []
        self.deadly = deadly

    def write(self, data):
        for line in data.splitlines(keepends=True):
            if len(self.lines) == self.deadly:
                raise Killed
            self.lines.append(line)

    def flush(self):
        pass


class Reader:
    """What a reader holds: blocks by height, closed by their record; a reorg undoes from its height on."""

    def __init__(self):
        self.hashes = {}

    def take(self, line):
        one = json.loads(line)
        if one["type"] == "reorg":
            assert one["depth"] > 0
            self.hashes = {height: own for height, own in self.hashes.items() if height < one["block"]}
        elif one["type"] == "block":
            assert self.hashes.get(one["block"], one["hash"]) == one["hash"], "another block, not taken back"
            assert not self.hashes or one["block"] <= max(self.hashes) + 1, "a gap"
            self.hashes[one["block"]] = one["hash"]


def life(chain, path, reader, *, deadly, slow, changes, behind):
    """Run a tail until it is killed, or there is nothing new after the last change."""
    pipe, taken = Pipe(deadly), 0

    def reader_takes():
        """Every look at the pipe finds that the reader took a few lines more."""
        nonlocal taken
        for line in pipe.lines[taken : taken + slow]:
            reader.take(line)
        taken = min(len(pipe.lines), taken + slow)
        return sum(map(len, pipe.lines[:taken]))

    saved = load(path)
    at = saved.at if saved else 0
    known = {"recent": saved.recent, "given": saved.given, "void": saved.void} if saved else {}
    follower = Follower(chain, at, in_flight=3, **known)
    cursor = Cursor(path, "eip155:1", None, at, reader_takes, lambda: 0.0, Behind(behind))
    if saved and saved.void:
        cursor.drop(saved.void)
    now = [0.0]

    def sleep(seconds):
        now[0] += seconds
        if not changes:
            raise StopIteration
        changes.pop(0)(chain)

    clock = Clock(lambda: now[0], lambda: 0.0, sleep)
    signs = Signs("eip155:1", pipe, clock, lambda _: None, 0)
    tail = Tail(follower, "eip155:1", signs, cursor=cursor, poll_s=0.2)
    try:
        tail.run(to_the_end=False)
    except (Killed, StopIteration) as end:
        if isinstance(end, StopIteration):
            tail.note()
            for line in pipe.lines[taken:]:
                reader.take(line)
            return []
    return pipe.lines[taken:]


def grow(count):
    return lambda chain: chain.grow(count, f"g{len(chain.asked)}")


def reorg(depth):
    def change(chain):
        least = min(depth, len(chain.branches) - 1)
        chain.reorg(least, f"r{len(chain.asked)}", least + 1)

    return change


def silent(_count):
    return lambda chain: setattr(chain, "silent", True)


def lacking(count):
    return lambda chain: setattr(chain, "lacking", count)


change = st.builds(
    lambda kind, count: kind(count), st.sampled_from([grow, reorg, silent, lacking]), st.integers(1, 12)
)
lives = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 9), st.lists(change, max_size=6), st.integers(0, 9)),
    max_size=6,
)


@settings(max_examples=300)
@given(lives=lives, behind=st.integers(0, 3))
def test_the_reader_ends_with_the_chain(tmp_path_factory, lives, behind):
    """Killed at any write, with any part of the pipe read: nothing is lost, nothing void stays."""
    path = tmp_path_factory.mktemp("tail") / "cursor"
    chain, reader = Lined(4), Reader()
    for deadly, slow, changes, more in lives:
        left = life(chain, path, reader, deadly=deadly, slow=slow, changes=[*changes], behind=behind)
        for line in left[:more]:  # what the reader still takes of the pipe of the one that was killed
            reader.take(line)
        for one in changes[:2]:
            one(chain)  # while nobody looks
    chain.grow(1, "end")
    chain.silent, chain.lacking = False, 0
    life(chain, path, reader, deadly=None, slow=5, changes=[], behind=behind)
    assert reader.hashes == {height: chain.hash_at(height) for height in range(len(chain.branches))}


def test_progress_is_cleared(capsys):
    """A backfill far behind is shown; once the head is in sight, the line is gone."""
    chain = Chain(60)
    follower = Follower(chain, 0)
    show = progress(time.monotonic)
    follower.step()
    show(follower)
    assert "block 7, 52 to go" in capsys.readouterr().err
    while follower.step():
        pass
    show(follower)
    assert capsys.readouterr().err == "\r"  # and what clears a terminal's line
    show(follower)
    assert capsys.readouterr().err == ""
