"""txtail on a real Anvil: reorgs, restarts, kills, nodes that lag, lie, limit or go away."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from conftest import script
from node_kit import Anvil, approve_data, transfer_data
from proxy_kit import MISSING, Proxy, Refusal
from tail_kit import ALICE, BOB, LAZARUS, Following, busy, canonical, held, so_far, tail

pytestmark = pytest.mark.anvil


@pytest.mark.shared_data
def test_same_records_as_txnorm(anvil, data, tmp_path):
    """Live records are those that txnorm makes of the node's raw answers, byte for byte."""
    anvil.fund(ALICE, 10**24)
    token = anvil.deploy_token(ALICE, data / "samples" / "TestToken.bin")
    busy(anvil, 3, token)
    records, said = tail("--rpc", anvil.url, "--from", 1, "--no-follow", "--no-tokens", "--stats")
    assert "4 blocks, 21 records, 0 reorgs (0 blocks dropped)" in said
    raw = tmp_path / "raw.json"
    with raw.open("w") as file:
        for height in range(1, 5):
            receipts = anvil.rpc("eth_getBlockReceipts", hex(height))
            file.write(json.dumps({"result": anvil.block(height)}) + json.dumps({"result": receipts}) + "\n")
    made = subprocess.run([script("txnorm"), "--chain", "eip155:1", raw], capture_output=True, check=True)
    assert [json.loads(line) for line in made.stdout.splitlines()] == records
    assert {one["type"] for one in records} == {"transfer", "call", "approval", "block"}
    coins = [one for one in records if one["type"] == "transfer" and one["n"] == 0]
    assert [int(one["value"]) for one in coins] == [2**64, 2**64 + 1, 2**64 + 2]


@pytest.mark.shared_data
def test_golden_chain(anvil, data):
    """The same script on two nodes gives the same bytes, the first of which are known."""
    streams = []
    for node in (anvil, Anvil().start()):
        node.fund(ALICE, 10**24)
        busy(node, 2, node.deploy_token(ALICE, data / "samples" / "TestToken.bin"))
        args = [script("txtail"), "--rpc", node.url, "--from", "0", "--to", "3", "--no-follow"]
        streams.append(subprocess.run(args, capture_output=True, check=True).stdout)
        node.stop()
    assert streams[0] == streams[1]
    assert json.loads(streams[0].splitlines()[0])["time"] == 1_700_000_000
    assert len(streams[0].splitlines()) == 3 + 1 + 2 * 6


def test_from_to_latest_and_confirmations(anvil):
    """A range, the newest block, and the newest that has enough after it."""
    anvil.mine(9)
    blocks = lambda *args: [one["block"] for one in tail("--rpc", anvil.url, *args)[0]]  # noqa: E731
    assert blocks("--from", 2, "--to", 4) == [2, 3, 4]
    assert blocks("--no-follow") == [9]
    assert blocks("--from", "latest", "--no-follow", "--confirmations", 3) == [6]
    assert blocks("--from", 8, "--no-follow", "--confirmations", 3) == []
    assert blocks("--from", 0, "--to", 12, "--no-follow") == list(range(10))


@pytest.mark.parametrize("depth", [1, 3, 20])
def test_reorg(anvil, tmp_path, depth):
    """Dropped blocks and transactions are named, then the blocks come that took their place."""
    anvil.mine(30)
    busy(anvil, 3)
    with Following(tmp_path / "out", "--rpc", anvil.url, "--from", 0) as following:
        before = following.reaches(33)
        gone = {one["tx"] for one in before if "tx" in one and one["block"] > 33 - depth}
        anvil.reorg(depth)
        anvil.mine(2)
        records = following.reaches(35)
    (reorg,) = [one for one in records if one["type"] == "reorg"]
    assert (reorg["block"], reorg["depth"]) == (34 - depth, depth)
    assert set(reorg["dropped"]) == gone
    assert held(records) == canonical(anvil)
    assert reorg["time"] == next(one["time"] for one in records[records.index(reorg) + 1 :])


def test_reorg_deeper_than_remembered(anvil, tmp_path):
    """It ends with an error that names where to begin again."""
    anvil.mine(200)
    following = Following(tmp_path / "out", "--rpc", anvil.url, "--from", 0)
    with following:
        following.reaches(200)
        anvil.reorg(150)
        anvil.mine()
        following.process.wait(30)
        assert following.process.returncode == 1
    assert "below block 72, deeper than the 129 blocks remembered" in following.said()
    assert "--from 72 or before" in following.said()


def test_kill_and_restart(anvil, tmp_path):
    """Killed at any moment and started again: nothing is lost, and what repeats is the same."""
    out, cursor = tmp_path / "out", tmp_path / "cursor"
    busy(anvil, 4)
    for round_ in range(6):
        following = Following(out, "--rpc", anvil.url, "--from", 0, "--cursor", cursor)
        with following:
            time.sleep(0.15 + 0.05 * round_)
            anvil.mine(3)
            if round_ == 3:
                anvil.reorg(2)
            time.sleep(0.05 * round_)
            following.process.kill()
        if round_ == 4:  # while it is down
            anvil.reorg(3)
    anvil.mine()
    top = int(anvil.rpc("eth_blockNumber"), 16)
    with Following(out, "--rpc", anvil.url, "--cursor", cursor) as following:
        records = following.reaches(top)
    assert held(records) == canonical(anvil)
    by_place = {}
    for line in out.read_bytes().splitlines():
        one = json.loads(line)
        if one["type"] != "reorg":
            assert (
                by_place.setdefault((one["type"], one["block"], one.get("hash") or one["tx"]), line) == line
            )


def test_cursor_waits_for_the_reader(anvil, tmp_path):
    """What is still in the pipe is not counted as taken; at the end the reader has all, less --behind."""
    anvil.mine(100)
    cursor = tmp_path / "cursor"
    args = [script("txtail"), "--rpc", anvil.url, "--from", "0", "--cursor", cursor, "--poll", "0.05"]
    process = subprocess.Popen(args, stdout=subprocess.PIPE)
    deadline = time.monotonic() + 20
    while not cursor.exists() or json.loads(cursor.read_text())["places"][-1][0] < 100:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert json.loads(cursor.read_text())["at"] == 0
    for _ in range(50):
        process.stdout.readline()  # buffered: it takes more than that
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    at = json.loads(cursor.read_text())["at"]
    assert 0 < at <= 99
    process.stdout.close()


def test_node_that_loses_its_newest_blocks(tmp_path):
    """A node is killed and comes back without its last blocks; other ones take their place."""
    with Anvil(state=tmp_path / "state.json", save_s=3600) as node:
        node.mine(5)
        node.stop()
        node.start()
        node.mine(2)
        with Following(tmp_path / "out", "--rpc", node.url, "--from", 0, "--stall", 0.3) as following:
            following.reaches(7)
            node.kill()
            following.until(lambda one: "no node answers" in one.said())
            following.until(lambda one: any(r.get("status") == "blind" for r in one.records()))
            node.start()
            busy(node, 4)
            records = following.reaches(9)
        assert held(records) == canonical(node)
        assert [one["block"] for one in records if one["type"] == "reorg"] == [6]
        assert "a node answers again" in following.said()


def test_stall_is_said(anvil, tmp_path):
    """A quiet chain is said on stderr and as a heartbeat; so is its end."""
    anvil.mine(2)
    with Following(tmp_path / "out", "--rpc", anvil.url, "--from", 0, "--stall", 0.2) as following:
        following.until(lambda one: any(r.get("status") == "stalled" for r in one.records()))
        anvil.mine()
        records = following.until(lambda one: any(r.get("status") == "ok" for r in one.records()))
    beats = [one for one in records if one["type"] == "heartbeat"]
    assert (beats[0]["status"], beats[0]["block"], beats[0]["source"]) == ("stalled", 2, "txtail")
    assert beats[-1]["block"] == 3
    assert "no new block for" in following.said()


def test_second_node_while_the_first_fails(anvil):
    """A node that is down, limits the rate, or answers with a page is passed over for one that works."""
    busy(anvil, 3)
    expected, _ = tail("--rpc", anvil.url, "--from", 0, "--no-follow")
    limit = Refusal(429, b"slow down", retry_after="60")
    page = Refusal(200, b"<html>no node here</html>")
    error = {"error": {"code": -32005, "message": "daily request count exceeded, request rate limited"}}
    for said in (limit, page, Refusal(503), error, {"result": None}, {"result": {"number": "x"}}):
        with Proxy(anvil.port, lambda _method, _params, _answer, said=said: said) as bad:
            records, _ = tail("--rpc", bad.url, "--rpc", anvil.url, "--from", 0, "--no-follow")
            assert records == expected
    assert tail("--rpc", "http://127.0.0.1:1", "--rpc", anvil.url, "--from", 0, "--no-follow")[0] == expected


def test_node_that_lags(anvil):
    """Receipts or logs that are missing, or of another block, are not believed: another node is asked."""
    busy(anvil, 3)
    expected, _ = tail("--rpc", anvil.url, "--from", 0, "--no-follow")

    def empty(method, _params, answer):
        return {"result": []} if method == "eth_getBlockReceipts" else answer

    def other(method, _params, answer):
        if method == "eth_getBlockReceipts":
            for one in answer["result"]:
                one["blockHash"] = "0x" + "12" * 32
        return answer

    for change in (empty, other):
        with Proxy(anvil.port, change) as bad:
            records, _ = tail("--rpc", bad.url, "--rpc", anvil.url, "--from", 0, "--no-follow")
            assert records == expected
            assert "eth_getBlockReceipts" in bad.asked


@pytest.mark.shared_data
def test_empty_logs_are_not_believed(anvil, data):
    """Receipts whose logs are gone, under a header whose bloom says that there are some."""
    anvil.fund(ALICE, 10**24)
    busy(anvil, 2, anvil.deploy_token(ALICE, data / "samples" / "TestToken.bin"))
    expected, _ = tail("--rpc", anvil.url, "--from", 0, "--no-follow")

    def bare(method, _params, answer):
        for one in (answer["result"] or ()) if method == "eth_getBlockReceipts" else ():
            one["logs"] = []
        return answer

    with Proxy(anvil.port, bare) as bad:
        assert tail("--rpc", bad.url, "--rpc", anvil.url, "--from", 0, "--no-follow")[0] == expected


@pytest.mark.shared_data
def test_logs_of_one_transaction_missing(anvil, data):
    """One receipt of several without its logs, or a log out of their midst, is noticed."""
    anvil.fund(ALICE, 10**24)
    token = anvil.deploy_token(ALICE, data / "samples" / "TestToken.bin")
    for number in range(3):
        anvil.send(ALICE, token, data=transfer_data(BOB, 1_000 + number))
    anvil.mine()
    expected, _ = tail("--rpc", anvil.url, "--from", 0, "--no-follow")

    def bare(method, _params, answer):
        for one in (answer["result"] or ())[1:2] if method == "eth_getBlockReceipts" else ():
            one["logs"] = []
        return answer

    def bloomless(method, params, answer):
        for one in bare(method, params, answer)["result"] or () if method == "eth_getBlockReceipts" else ():
            one["logsBloom"] = "0x" + "00" * 256
        return answer

    for change in (bare, bloomless):
        with Proxy(anvil.port, change) as bad:
            assert tail("--rpc", bad.url, "--rpc", anvil.url, "--from", 0, "--no-follow")[0] == expected
            assert (
                "logs of block 2 are not all there"
                in tail("--rpc", bad.url, "--from", 2, "--to", 2, "--stall", 1, status=None)[1]
            )


@pytest.mark.parametrize("odd", [None, 5, -1, True, "x", [], [[]], {}, {"number": 10**30}, {"number": "0x1"}])
def test_odd_blocks(anvil, odd):
    """A node that gives no block, or what is none, is passed over; nothing breaks."""
    anvil.mine(3)
    expected, _ = tail("--rpc", anvil.url, "--from", 0, "--no-follow")

    def change(method, params, answer):
        return {"result": odd} if method == "eth_getBlockByNumber" and params[1] else answer

    with Proxy(anvil.port, change) as bad:
        records, said = tail("--rpc", bad.url, "--rpc", anvil.url, "--from", 0, "--no-follow")
    assert records == expected
    assert "Traceback" not in said


@pytest.mark.parametrize("odd", [None, 5, True, "x", {}, [5], [{}], [[]], [None]])
def test_odd_receipts(anvil, odd):
    """The same of receipts."""
    busy(anvil, 2)
    expected, _ = tail("--rpc", anvil.url, "--from", 0, "--no-follow")

    def change(method, _params, answer):
        return {"result": odd} if method == "eth_getBlockReceipts" else answer

    with Proxy(anvil.port, change) as bad:
        records, said = tail("--rpc", bad.url, "--rpc", anvil.url, "--from", 0, "--no-follow")
    assert records == expected
    assert "Traceback" not in said


def test_node_that_claims_too_much(anvil):
    """A node that says it is far ahead and has no blocks does not keep another one's from coming."""
    anvil.mine(5)
    expected, _ = tail("--rpc", anvil.url, "--from", 0, "--no-follow")

    def boast(method, params, answer):
        if method == "eth_getBlockByNumber" and params[0] == "latest":
            answer["result"]["number"] = "0x1f4"
        return answer

    with Proxy(anvil.port, boast) as bad:
        records, _ = tail("--rpc", bad.url, "--rpc", anvil.url, "--from", 0, "--to", 5)
    assert records == expected


def test_receipts_one_by_one(anvil):
    """A node without eth_getBlockReceipts is asked for each transaction's, and gives the same records."""
    busy(anvil, 3)
    expected, _ = tail("--rpc", anvil.url, "--from", 0, "--no-follow")

    def without(method, _params, answer):
        return MISSING if method == "eth_getBlockReceipts" else answer

    with Proxy(anvil.port, without) as old:
        assert tail("--rpc", old.url, "--from", 0, "--no-follow")[0] == expected
        assert old.asked.count("eth_getTransactionReceipt") == 3


def test_batches_that_are_refused(anvil):
    """A node that takes no batches is asked one by one."""
    anvil.mine(5)
    expected, _ = tail("--rpc", anvil.url, "--from", 0, "--no-follow")
    with Proxy(anvil.port) as single:
        no = b'{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no batches"}}'
        single.answer = lambda body: no if body.startswith(b"[") else single.passed_on(body)
        assert tail("--rpc", single.url, "--from", 0, "--no-follow")[0] == expected


def test_node_of_another_chain(anvil, tmp_path):
    """It is refused, as the second node and for a cursor of another chain."""
    cursor = tmp_path / "cursor"
    anvil.mine(2)
    tail("--rpc", anvil.url, "--from", 0, "--no-follow", "--cursor", cursor)
    with Anvil(chain_id=137) as other:
        other.mine(50)
        records, said = tail(
            "--rpc", "http://127.0.0.1:1", "--rpc", anvil.url, "--rpc", other.url, "--no-follow"
        )
        assert [one["chain"] for one in records] == ["eip155:1"]
        assert f"{other.url} is of eip155:137, not of eip155:1: not asked any more" in said
        _, said = tail("--rpc", other.url, "--cursor", cursor, status=2)
        assert "the cursor is of eip155:1, the node of eip155:137" in said


def test_first_block_that_is_not_there_yet(anvil):
    """It is waited for, or with --no-follow nothing is written; either way that is said at once."""
    anvil.mine(2)
    records, said = tail("--rpc", anvil.url, "--from", 1000, "--no-follow")
    assert (records, said) == ([], "txtail: block 1,000 is not there yet: the newest is 2\n")
    assert tail("--rpc", anvil.url, "--from", 3, "--no-follow") == ([], "")


def test_secrets_are_not_shown(anvil, tmp_path):
    """A key in the URL's path, query or user goes to the node and nowhere else."""
    anvil.mine(2)
    cursor = tmp_path / "cursor"

    def echo(method, _params, answer):
        error = {"error": {"code": -32000, "message": "key s3cretkey12345 of /v2/s3cretkey12345 is over"}}
        return answer if method in {"eth_chainId", "eth_getBlockByNumber"} and not failing else error

    failing = False
    with Proxy(anvil.port, echo) as node:
        url = node.url.replace("//", "//user:s3cretpass@") + "/v2/s3cretkey12345?key=s3cretquery1"
        args = ["--from", "0", "--no-follow", "--cursor", cursor, "--stats"]
        records, said = tail(*args, env={"TXTAIL_RPC": url})
        assert len(records) == 3
        assert node.asked_for[0][0] == "/v2/s3cretkey12345?key=s3cretquery1"
        assert node.asked_for[0][1].startswith("Basic ")
        shown = [json.dumps(records), said, cursor.read_text()]
        failing = True
        shown.append(tail(*args[:-3], env={"TXTAIL_RPC": url}, status=1)[1])
        assert "key … of … is over" in shown[-1]
    assert not any("s3cret" in text for text in shown)


def test_secrets_are_not_in_the_list_of_processes(anvil, tmp_path):
    """Of a URL on the command line, what others see is overwritten at the start."""
    anvil.mine(1)
    urls = [anvil.url.replace("//", "//user:s3cretpass@"), f"{anvil.url}/v2/s3cretkey?x=s3cret"]
    with Following(tmp_path / "out", "--rpc", urls[0], f"--rpc={urls[1]}", "--from", 0) as follower:
        follower.reaches(1)
        shown = Path(f"/proc/{follower.process.pid}/cmdline").read_text()
    assert "s3cret" not in shown
    assert f"{anvil.url}***" in shown
    assert shown.split("\0")[-3:] == ["--from", "0", ""]


def test_usage(anvil, tmp_path):
    """Mistakes are named with what to do; the URL is not shown."""
    assert "--rpc URL is missing" in tail(status=2)[1]
    assert (
        "begins with http://, https://, ws:// or wss://, or the path"
        in tail("--rpc", "ftp://x/s3cret", status=2)[1]
    )
    assert "no height, nor latest or cursor" in tail("--rpc", anvil.url, "--from", "-3", status=2)[1]
    cursor = tmp_path / "cursor"
    cursor.write_text("{}")
    assert "is no cursor of txtail" in tail("--rpc", anvil.url, "--cursor", cursor, status=2)[1]
    assert "no connection" in tail("--rpc", "http://127.0.0.1:1", "--no-follow", status=1)[1]


def test_reader_that_goes_away(anvil):
    """head -1 ends it, though no new block comes."""
    anvil.mine(1)
    done = subprocess.run(
        ["bash", "-c", f"{script('txtail')} --rpc {anvil.url} --from 0 | head -1; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 141
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.shared_data
def test_from_the_node_to_the_alert(anvil, data, checkout, tmp_path):
    """A payment and an unlimited approval of a listed wallet are alerted; a reorg takes the alerts back."""
    anvil.fund(LAZARUS)
    token = anvil.deploy_token(LAZARUS, data / "samples" / "TestToken.bin")
    anvil.send(LAZARUS, BOB, value=10**16)
    anvil.send(LAZARUS, token, data=approve_data(ALICE, 2**256 - 1))
    anvil.mine()
    out = tmp_path / "alerts"
    command = (
        f"{script('txtail')} --rpc {anvil.url} --from 0 --poll 0.05 | {script('txdetect')} --no-stats "
        f"--list {checkout}/blocklists/notable.csv | {script('txalert')} > {out}"
    )
    with subprocess.Popen(["bash", "-c", command], start_new_session=True) as pipe:
        deadline = time.monotonic() + 30

        def alerts(count):
            while len(found := so_far(out)) < count:
                assert time.monotonic() < deadline, found
                time.sleep(0.05)
            return found

        open_ = [one for one in alerts(3) if one["rule"] == "listed"]
        assert {one["subject"] for one in open_} == {LAZARUS}
        assert {one["severity"] for one in open_} == {"critical"}
        anvil.reorg(1)
        anvil.mine()
        taken_back = [one for one in alerts(5) if one["status"] == "retracted"]
        assert {one["block"] for one in taken_back} == {2}
        os.killpg(pipe.pid, signal.SIGINT)
