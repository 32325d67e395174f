"""Where txtail goes on: by its cursor, which one at a time may use, or by what txdetect has done (--ack)."""

import json
import signal
import subprocess

import pytest

from conftest import script
from node_kit import Anvil, free_port
from tail_kit import ALICE, BOB, Following, busy, canonical, held, tail

pytestmark = pytest.mark.anvil


def heights(records, kind="block"):
    return [one["block"] for one in records if one["type"] == kind]


@pytest.fixture
def pos(tmp_path):
    return tmp_path / "state.pos"


def detected(records, pos):
    """Let txdetect --state take records."""
    lines = b"".join(json.dumps(one).encode() + b"\n" for one in records)
    subprocess.run(
        [script("txdetect"), "--state", pos.with_suffix("")],
        input=lines, capture_output=True, check=True, timeout=60,
    )  # fmt: skip


def test_goes_on_behind_what_was_done(anvil, pos):
    """Whatever was written: the next block is the one behind the last that txdetect has done."""
    busy(anvil, 6)
    first, said = tail("--rpc", anvil.url, "--from", 2, "--no-follow", "--ack", pos)
    assert heights(first) == [2, 3, 4, 5, 6]
    detected(first[:4], pos)
    rest, said = tail("--rpc", anvil.url, "--from", 2, "--no-follow", "--ack", pos)
    assert first[:4] + rest == first
    assert f"goes on from {pos}: eip155:1 block 4" in said
    detected(rest, pos)
    assert tail("--rpc", anvil.url, "--no-follow", "--ack", pos)[0] == []


def test_dropped_meanwhile(anvil, pos):
    """What txdetect holds and the chain does not is taken back first, with its blocks and transactions."""
    busy(anvil, 6)
    first, _ = tail("--rpc", anvil.url, "--from", 0, "--no-follow")
    detected(first, pos)
    gone = {height: anvil.block(height) for height in (4, 5, 6)}
    anvil.reorg(3)
    rest, _ = tail("--rpc", anvil.url, "--no-follow", "--ack", pos)
    (reorg,) = [one for one in rest if one["type"] == "reorg"]
    assert rest[0] == reorg
    assert (reorg["block"], reorg["depth"]) == (4, 3)
    assert reorg["hashes"] == [one["hash"] for one in gone.values()]
    assert reorg["dropped"] == [tx["hash"] for one in gone.values() for tx in one["transactions"]]
    detected(rest, pos)
    assert held(first + rest) == canonical(anvil)
    (last,) = [one for one in json.loads(pos.read_bytes())["eip155:1"]["held"] if one[0] == 6]
    assert last[1] == anvil.block(6)["hash"]


def test_a_block_that_was_cut(anvil, pos):
    """Of a block that was not whole nobody can say which it was: it is taken back and comes again."""
    anvil.fund(ALICE, 10**24)
    sent = [anvil.send(ALICE, BOB, value=10**18 + number) for number in range(3)]
    anvil.mine()
    first, _ = tail("--rpc", anvil.url, "--from", 0, "--no-follow")
    detected(first[:3], pos)
    rest, _ = tail("--rpc", anvil.url, "--no-follow", "--ack", pos)
    assert rest == [
        {"type": "reorg", "chain": "eip155:1", "time": first[-1]["time"], "block": 1, "depth": 1,
         "dropped": sent[:2], "hashes": []},
        *first[1:],
    ]  # fmt: skip


def test_deeper_than_is_known(anvil, pos):
    """A chain of which no block is held any more is said, not followed as if nothing was."""
    busy(anvil, 3)
    detected(tail("--rpc", anvil.url, "--from", 1, "--no-follow")[0], pos)
    anvil.reorg(3)
    assert "below block 1" in tail("--rpc", anvil.url, "--no-follow", "--ack", pos, status=1)[1]


def test_ack_usage(anvil, pos, tmp_path):
    """What cannot be: both, a file of something else, a cursor that is to be there and is not."""
    anvil.mine(2)
    rpc = ("--rpc", anvil.url, "--no-follow")
    cursor = tmp_path / "cursor"
    assert "leave one of them out" in tail(*rpc, "--ack", pos, "--cursor", cursor, status=2)[1]
    assert "there is none yet" in tail(*rpc, "--from", "cursor", "--ack", pos, status=2)[1]
    assert "there is none yet" in tail(*rpc, "--from", "cursor", "--cursor", cursor, status=2)[1]
    assert "there is none yet" in tail(*rpc, "--from", "cursor", status=2)[1]
    first, _ = tail(*rpc, "--from", 0, "--cursor", cursor)
    assert heights(first) == [0, 1, 2]
    assert heights(tail(*rpc, "--from", "cursor", "--cursor", cursor)[0]) == [1, 2]
    detected(first, pos)
    with Anvil(chain_id=137) as other:
        other.mine()
        assert (
            "knows nothing of eip155:137 yet"
            in tail("--rpc", other.url, "--from", "cursor", "--ack", pos, status=2)[1]
        )
        assert heights(tail("--rpc", other.url, "--from", 0, "--no-follow", "--ack", pos)[0]) == [0, 1]
    cursor.with_name("junk").write_text("{")
    assert "is no position of txdetect" in tail(*rpc, "--ack", tmp_path / "junk", status=2)[1]


def test_one_cursor_for_one(anvil, tmp_path):
    """A second txtail on the same file is refused; one that was killed leaves no lock behind."""
    anvil.mine(2)
    cursor = tmp_path / "cursor"
    with Following(tmp_path / "out", "--rpc", anvil.url, "--from", 0, "--cursor", cursor) as following:
        following.reaches(2)
        said = tail("--rpc", anvil.url, "--no-follow", "--cursor", cursor, status=2)[1]
        assert "another txtail uses it; end that one, or give this one a --cursor FILE of its own" in said
        following.process.send_signal(signal.SIGKILL)
        following.process.wait()
        tail("--rpc", anvil.url, "--no-follow", "--cursor", cursor)


def test_a_node_that_is_away_at_the_start(tmp_path):
    """It is waited for, and that is said; with a cursor also as heartbeats, for the chain is known then."""
    cursor, out = tmp_path / "cursor", tmp_path / "out"
    port = free_port()
    args = ["--rpc", f"http://127.0.0.1:{port}", "--cursor", cursor, "--behind", 0, "--stall", 0.2]
    with Following(out, *args, "--from", 0) as following:
        following.until(lambda one: "no node answers" in one.said() and "no connection" in one.said())
        following.until(lambda one: "still no answer from any node" in one.said())
        with Anvil(port=port) as node:
            node.mine(2)
            following.reaches(2)
            assert "a node answers again" in following.said()
    before = len(following.records())
    with Following(out, *args) as following:
        following.until(lambda one: one.records()[-1].get("status") == "blind")
        with Anvil(port=port) as node:
            node.mine(3)
            following.reaches(3)
    beats = [one for one in following.records()[before:] if one["type"] == "heartbeat"]
    assert {one["chain"] for one in beats} == {"eip155:1"}
    assert [beats[0]["status"], beats[-1]["status"]] == ["blind", "ok"]
    assert held(following.records()).keys() == {0, 1, 2, 3}


def test_a_node_that_is_away_and_nobody_waits():
    """With an end in sight, the status says at once that nothing came."""
    for end in (["--no-follow"], ["--to", 5]):
        records, said = tail("--rpc", "http://127.0.0.1:1", "--from", 0, *end, status=1)
        assert records == []
        assert "no connection" in said
