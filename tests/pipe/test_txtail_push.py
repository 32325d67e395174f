"""txtail over WebSocket and IPC on a real Anvil: told of blocks, cut off and back, pending transactions."""

import json
import subprocess
import time

import pytest

from conftest import script
from node_kit import Anvil, transfer_data
from proxy_kit import MISSING, Proxy
from tail_kit import ALICE, BOB, LAZARUS, Following, busy, canonical, held, tail

pytestmark = pytest.mark.anvil

FOR_EVER = ("--poll", 3600)  # so that only the node's own word can bring the next block in time


@pytest.fixture
def node(tmp_path):
    with Anvil(args=["--ipc", str(tmp_path / "ipc")]) as started:
        yield started


def ways(node):
    """The ways to a node that it can push over."""
    return [node.url.replace("http", "ws"), node.process.args[-1]]


def test_same_records_on_every_way(node):
    """WebSocket and IPC give what HTTP gives, byte for byte."""
    busy(node, 12)
    found = [tail("--rpc", url, "--from", 0, "--no-follow")[0] for url in (node.url, *ways(node))]
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 25


@pytest.mark.parametrize("way", [0, 1])
def test_told_of_blocks_and_reorgs(node, tmp_path, way):
    """Nobody looks for blocks: the node sends word, also of a reorg."""
    busy(node, 4)
    with Following(tmp_path / "out", *FOR_EVER, "--rpc", ways(node)[way], "--from", 0) as follower:
        follower.reaches(4)
        node.mine()
        follower.reaches(5)
        node.reorg(3)
        node.mine()
        follower.reaches(6, node.block(6)["hash"])
        assert held(follower.records()) == canonical(node)
        assert [one["depth"] for one in follower.records() if one["type"] == "reorg"] == [3]


@pytest.mark.parametrize("way", [0, 1])
def test_node_that_is_killed(tmp_path, way):
    """A broken connection is said, opened again, and word of blocks comes over it; nothing is missing."""
    with Anvil(state=tmp_path / "state", args=["--ipc", str(tmp_path / "ipc")]) as node:
        busy(node, 3)
        node.stop()
        node.start()
        with Following(tmp_path / "out", *FOR_EVER, "--rpc", ways(node)[way], "--from", 0) as follower:
            follower.reaches(3)
            node.stop()
            follower.until(lambda one: "no node answers" in one.said())
            node.start()
            follower.until(lambda one: "a node answers again" in one.said())
            node.mine()
            follower.reaches(4)
            node.mine()
            records = follower.reaches(5)
    assert [one["block"] for one in records if one["type"] == "block"] == list(range(6))
    assert [one["status"] for one in records if one["type"] == "heartbeat"][-1] == "ok"


def test_stall_is_said_although_the_node_is_live(node, tmp_path):
    """A node that keeps its connection and sends nothing is no reason to be silent."""
    busy(node, 1)
    with Following(tmp_path / "out", "--rpc", ways(node)[0], "--from", 0, "--stall", 1) as follower:
        follower.until(lambda one: "no new block for 1 s; the last was 1" in one.said())
        node.mine()
        records = follower.until(lambda one: one.records()[-1].get("status") == "ok")
    assert {"stalled", "ok"} == {one["status"] for one in records if one["type"] == "heartbeat"}


def pending(records):
    return [one["tx"] for one in records if one.get("pending")]


@pytest.mark.parametrize("way", ["ws", "ipc", "http", "hashes"])
def test_pending_transactions(node, tmp_path, way):
    """Each is written once when it is first seen, with block null, and again when it is mined."""
    busy(node, 1)

    def lacks(method, _params, answer):
        lacks.filters += method == "eth_newPendingTransactionFilter"
        if method == "eth_getFilterChanges":
            lacks.asked += 1
            if lacks.asked == 2:
                return {"error": {"code": -32000, "message": "filter not found"}}
        return answer

    lacks.asked = lacks.filters = 0
    with Proxy(node.port, lacks) as proxy:
        url = {"ws": ways(node)[0], "ipc": ways(node)[1], "http": node.url, "hashes": proxy.url}[way]
        with Following(tmp_path / "out", "--rpc", url, "--pending") as follower:
            follower.reaches(1)
            if way == "hashes":  # the filter was forgotten, and there is another one
                follower.until(lambda _: lacks.filters == 2)
            sent = [node.send(ALICE, BOB, value=2**64 + number) for number in range(3)]
            sent += [node.send(ALICE, BOB, data=transfer_data(BOB, 5))]
            follower.until(lambda one: set(sent) <= set(pending(one.records())))
            node.mine()
            records = follower.reaches(2)
    seen = [one for one in records if one.get("pending")]
    assert [one["tx"] for one in seen if one["n"] == 0] == sent
    assert all(one["block"] is None for one in seen)
    assert {one["value"] for one in seen if one["type"] == "transfer" and one["n"] == 0} == {
        str(2**64 + number) for number in range(3)
    }
    mined = [one["tx"] for one in records if one.get("block") == 2 and one.get("n") == 0]
    assert mined == sent


def test_no_word_of_pending_transactions(node, tmp_path):
    """A node that knows no such thing is followed all the same, and that is said once."""
    busy(node, 1)

    def lacks(method, _params, answer):
        return MISSING if method == "eth_newPendingTransactionFilter" else answer

    with (
        Proxy(node.port, lacks) as proxy,
        Following(tmp_path / "out", "--rpc", proxy.url, "--pending", "--from", 0) as follower,
    ):
        follower.reaches(1)
        node.mine(3)
        follower.reaches(4)
        said = follower.said()
    assert said.count("it tells nothing of pending transactions") == 1


def test_pending_alert_is_upgraded(node, tmp_path):
    """A listed wallet's payment is alerted while it waits, and the same alert confirms when it is mined."""
    node.fund(LAZARUS)
    node.mine()
    listed = tmp_path / "list.txt"
    listed.write_text(f"{LAZARUS}\n")
    detect = [script("txdetect"), "--list", listed, "--only", "listed", "--heartbeat", "0.2", "-"]
    with subprocess.Popen(detect, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as detector:
        args = [script("txtail"), "--rpc", ways(node)[0], "--pending"]
        with subprocess.Popen(args, stdout=detector.stdin) as tailing:
            detector.stdin.close()
            said(detector, "heartbeat")  # a block came: the node was asked for word of what is pending before
            tx = node.send(LAZARUS, BOB, value=10**18)
            first = said(detector, "alert")
            node.mine()
            second = said(detector, "alert")
            tailing.terminate()
    assert (first["tx"], first["block"], first["status"], first["rev"]) == (tx, None, "open", 0)
    assert (second["id"], second["block"], second["status"]) == (first["id"], 2, "updated")
    assert second["rev"] == 1


def said(detector, kind, seconds=30):
    """Return the next record of a kind; heartbeats keep coming meanwhile."""
    end = time.monotonic() + seconds
    while (one := json.loads(detector.stdout.readline()))["type"] != kind:
        assert time.monotonic() < end
    return one
