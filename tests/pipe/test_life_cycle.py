"""One alert's life from a real node to a chat: pending, mined, gone in a reorg; one alarm, one notice."""

import json
import subprocess
import time
from pathlib import Path

import pytest

import chat_kit
from conftest import script
from node_kit import Anvil
from receiver_kit import Hook
from tail_kit import BOB, LAZARUS

pytestmark = pytest.mark.anvil


@pytest.fixture
def node():
    with Anvil() as started:
        yield started


def until(condition, seconds=60):
    """Wait until something holds, and return it."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.02)
    return found


@pytest.mark.parametrize("kind", [chat_kit.Discord, chat_kit.Slack, chat_kit.Telegram])
def test_from_the_pool_to_a_reorg(node, tmp_path, monkeypatch, kind):
    """What is seen pending is one message: changed when it is mined, taken back when it is undone."""
    monkeypatch.chdir(tmp_path)
    Path("list.txt").write_text(f"{LAZARUS}\n")
    node.fund(LAZARUS)
    node.mine()
    tail = [script("txtail"), "--rpc", node.url, "--pending", "--poll", "0.05"]
    detect = [script("txdetect"), "--list", "list.txt", "--only", "listed", "--heartbeat", "0.2", "-"]
    with kind() as service, Hook() as hook, Path("out").open("wb") as out:
        alert = [script("txalert"), "--spool", "s", "--to", service.address, "--to", hook.url]
        with (
            subprocess.Popen(alert, stdin=subprocess.PIPE, stdout=out) as alerting,
            subprocess.Popen(detect, stdin=subprocess.PIPE, stdout=alerting.stdin) as detecting,
            subprocess.Popen(tail, stdout=detecting.stdin) as tailing,
        ):
            alerting.stdin.close()
            detecting.stdin.close()
            until(lambda: b'"block":1' in Path("out").read_bytes())  # it follows, and looks at the pool
            tx = node.send(LAZARUS, BOB, value=10**18)
            until(lambda: "pending" in service.messages.get(1000, ""))
            node.mine()
            until(lambda: "updated (rev 1)" in service.messages[1000])
            mined = dict(service.messages)
            node.reorg(1)
            node.mine()
            until(lambda: len(service.messages) == 2)
            tailing.terminate()
    lines = [json.loads(row) for row in Path("out").read_bytes().splitlines()]
    found = [one for one in lines if one["type"] == "alert"]
    assert [(one["status"], one["rev"], one["block"]) for one in found] == [
        ("open", 0, None),
        ("updated", 1, 2),
        ("retracted", 2, 2),
    ]
    assert {one["tx"] for one in found} == {tx}
    assert [json.loads(got.body)["status"] for got in hook.got] == ["open", "updated", "retracted"]
    assert list(mined) == [1000]
    assert "block 2" in mined[1000]
    assert all(text.startswith("RETRACTED") for text in service.messages.values())
