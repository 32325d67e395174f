"""txtail on a real litecoind: blocks, amounts, senders, the pool, reorgs, restarts, kills, odd answers."""

import hashlib
import hmac
import json
import signal
import subprocess
import time
from decimal import Decimal

import pytest

from coin_kit import AUTH, SPENDABLE, Litecoind
from conftest import script
from proxy_kit import MISSING, Proxy, Refusal
from tail_kit import Following, held, so_far, tail
from txpipe import record

pytestmark = pytest.mark.litecoind

REGTEST = "bip122:530827f38f93b43ed12af0b3ad25a288"
AMOUNTS = ("1.00000001", "0.1", "2.50000003", "0.29", "7.77777777", "0.00010001")


def busy(node, blocks=1):
    """Mine blocks of several payments, some of which spend what the same block pays."""
    for _ in range(blocks):
        for kind, amount in zip(("legacy", "p2sh-segwit", "bech32"), AMOUNTS, strict=False):
            node.send(node.address(kind), amount)
        node.mine()


def ends(node, *args):
    """The bytes that txtail writes to its end."""
    args = [script("txtail"), "--rpc", node.url, "--no-follow", *map(str, args)]
    return subprocess.run(args, capture_output=True, check=True, timeout=60).stdout


def with_senders(node, height):
    """A block as verbosity 3 of Bitcoin Core gives it, out of what litecoind tells."""
    block = node.rpc("getblock", node.hash(height), 3)
    for tx in block["tx"]:
        for one in tx["vin"]:
            if "txid" in one:
                spent = node.rpc("getrawtransaction", one["txid"], True)["vout"][one["vout"]]
                one["prevout"] = {"scriptPubKey": spent["scriptPubKey"]}
    return block


def miner(node):
    """The address that the first blocks pay, and so the sender of the first payments."""
    first = node.rpc("getblock", node.hash(1), 2)
    return first["tx"][0]["vout"][0]["scriptPubKey"]["addresses"][0]


def pending(records):
    return [one["tx"] for one in records if one.get("pending") and one["n"] == 0]


def test_same_records_as_txnorm(litecoind, tmp_path):
    """Live records are those that txnorm makes of the node's getblock, byte for byte, senders as well."""
    busy(litecoind, 3)
    raw = tmp_path / "raw.json"
    with raw.open("w") as file:
        for height in range(1, SPENDABLE + 4):
            file.write(json.dumps(with_senders(litecoind, height)) + "\n")
    made = subprocess.run([script("txnorm"), "--chain", REGTEST, raw], capture_output=True, check=True)
    assert ends(litecoind, "--from", 1) == made.stdout
    paid = [one for one in map(json.loads, made.stdout.splitlines()) if one.get("follows") and one["from"]]
    assert len(paid) == 9
    assert {one["chain"] for one in paid} == {REGTEST}


def test_first_block(litecoind):
    """It has no block before it, and says so as its header does."""
    first, closing = [json.loads(line) for line in ends(litecoind, "--from", 0, "--to", 0).splitlines()]
    assert (first["from"], first["value"]) == (None, "5000000000")
    assert (closing["parent"], closing["records"]) == ("0" * 64, 1)
    assert closing["hash"][:32] == REGTEST.partition(":")[2]
    assert record.check(closing)


def test_amounts_are_exact(litecoind):
    """Every output's value is what the node says, to the last base unit."""
    sent = {litecoind.send(litecoind.address(), amount): amount for amount in AMOUNTS}
    (found,) = litecoind.mine()
    exact = json.loads(litecoind.answer("getblock", found, 2), parse_float=Decimal)["result"]
    told = {
        (tx["txid"], out["n"]): (str(int(out["value"] * 10**8)), format(out["value"].normalize(), "f"))
        for tx in exact["tx"]
        for out in tx["vout"]
    }
    records = [json.loads(line) for line in ends(litecoind).splitlines()]
    made = {(one["tx"], one["n"]): (one["value"], one["amount"]) for one in records if "tx" in one}
    assert made == told
    assert {tx for tx, _ in made} > set(sent)
    assert {amount for _, amount in made.values()} > set(sent.values())


def test_from_to_latest_and_confirmations(litecoind):
    """A range, the newest block, and the newest that has enough after it."""
    blocks = lambda *args: [  # noqa: E731
        one["block"] for one in tail("--rpc", litecoind.url, *args)[0] if one["type"] == "block"
    ]
    assert blocks("--from", 2, "--to", 4) == [2, 3, 4]
    assert blocks("--no-follow") == [SPENDABLE]
    assert blocks("--no-follow", "--confirmations", 3) == [SPENDABLE - 3]
    assert blocks("--from", 0, "--to", 500, "--no-follow") == list(range(SPENDABLE + 1))


def test_a_new_block_comes_at_once(litecoind, tmp_path):
    """The node says when there is one (waitfornewblock), however seldom it is asked."""
    with Following(tmp_path / "out", "--rpc", litecoind.url, "--poll", 3600) as following:
        following.reaches(SPENDABLE)
        for height in range(SPENDABLE + 1, SPENDABLE + 11):
            litecoind.mine()
            following.until(
                lambda one, at=height: held(one.records()).get(at), seconds=8
            )  # 10 s: asked anyway


def test_without_waitfornewblock(litecoind, tmp_path):
    """A node that does not know it is asked every --poll seconds."""

    def lacks(method, _params, answer):
        return MISSING if method == "waitfornewblock" else answer

    with (
        Proxy(litecoind.port, lacks, auth=AUTH) as proxy,
        Following(tmp_path / "out", "--rpc", proxy.url) as following,
    ):
        following.reaches(SPENDABLE)
        litecoind.mine()
        following.reaches(SPENDABLE + 1)
        assert proxy.asked.count("waitfornewblock") == 1


@pytest.mark.parametrize("word", [{"hash": "00" * 32, "height": 9}, None, {"hash": 5}, "early"])
def test_word_of_no_block(litecoind, tmp_path, word):
    """A node that always says at once that there is a block, or nothing, is asked every --poll instead."""

    def says(body):
        call = json.loads(body)
        if isinstance(call, dict) and call["method"] == "waitfornewblock":
            newest = {"hash": litecoind.rpc("getbestblockhash")}
            return json.dumps({"id": call["id"], "result": newest if word == "early" else word}).encode()
        return proxy.passed_on(body)

    with Proxy(litecoind.port, auth=AUTH) as proxy:
        proxy.answer = says
        with Following(tmp_path / "out", "--rpc", proxy.url) as following:
            following.reaches(SPENDABLE)
            litecoind.mine()
            following.reaches(SPENDABLE + 1)
            asked = len(proxy.asked_for)
            following.until(lambda _: len(proxy.asked) > 40)
    assert len(proxy.asked_for) - asked < 80


@pytest.mark.parametrize("depth", [1, 3, 20])
def test_reorg(litecoind, tmp_path, depth):
    """Dropped blocks and transactions are named, then the blocks come that took their place."""
    busy(litecoind, 3)
    top = SPENDABLE + 3
    with Following(tmp_path / "out", "--rpc", litecoind.url, "--from", 0) as following:
        before = following.reaches(top)
        gone = {one["tx"] for one in before if "tx" in one and one["block"] > top - depth}
        litecoind.reorg(depth)
        records = following.reaches(top + 1)
    (reorg,) = [one for one in records if one["type"] == "reorg"]
    assert (reorg["block"], reorg["depth"]) == (top - depth + 1, depth)
    assert set(reorg["dropped"]) == gone
    assert held(records) == litecoind.canonical()


def test_reorg_to_the_same_height(litecoind, tmp_path):
    """A block that takes another's place is seen though the chain is no longer than before."""
    with Following(tmp_path / "out", "--rpc", litecoind.url) as following:
        following.reaches(SPENDABLE)
        litecoind.reorg(1, further=0)
        records = following.reaches(SPENDABLE, litecoind.hash(SPENDABLE))
    assert [one["depth"] for one in records if one["type"] == "reorg"] == [1]


def test_alert_and_retraction(litecoind, tmp_path):
    """A listed wallet's payment is alerted, taken back by a reorg, and alerted again when mined anew."""
    listed, out = tmp_path / "list.txt", tmp_path / "alerts"
    listed.write_text(f"{miner(litecoind)}\n")
    command = (
        f"{script('txtail')} --rpc {litecoind.url} --poll 0.05 | "
        f"{script('txdetect')} --no-stats --list {listed} --only listed > {out}"
    )
    with subprocess.Popen(["bash", "-c", command], start_new_session=True) as pipe:
        try:
            deadline = time.monotonic() + 30

            def alerts(tx, count):
                found = []
                while len(found) < count:
                    assert time.monotonic() < deadline, found
                    time.sleep(0.02)
                    found = [one for one in so_far(out) if one["tx"] == tx]
                return found

            tx = litecoind.send(litecoind.address(), "1.5")
            litecoind.mine()
            (alert,) = alerts(tx, 1)
            assert (alert["status"], alert["subject"]) == ("open", miner(litecoind))
            assert alert["block"] == SPENDABLE + 1
            litecoind.reorg(1)
            _, taken, again = alerts(tx, 3)
        finally:
            subprocess.run(["kill", "-INT", "--", f"-{pipe.pid}"], check=True)
    assert [(one["status"], one["rev"]) for one in (taken, again)] == [("retracted", 1), ("open", 2)]
    assert taken["id"] == again["id"] == alert["id"]


def test_kill_and_restart(litecoind, tmp_path):
    """Killed at any moment and started again: nothing is lost, and what repeats is the same."""
    out, cursor = tmp_path / "out", tmp_path / "cursor"
    busy(litecoind, 2)
    for round_ in range(5):
        following = Following(out, "--rpc", litecoind.url, "--from", 0, "--cursor", cursor)
        with following:
            following.until(lambda _, blocks=30 * round_: out.read_bytes().count(b'"type":"block"') > blocks)
            busy(litecoind)
            if round_ == 2:
                litecoind.reorg(2)
            if round_ == 3:
                following.reaches(litecoind.height())
            following.process.kill()
        if round_ == 3:  # while it is down
            litecoind.reorg(3)
    litecoind.mine()
    with Following(out, "--rpc", litecoind.url, "--cursor", cursor) as following:
        records = following.reaches(litecoind.height())
    assert held(records) == litecoind.canonical()
    lines = {}
    for line in out.read_bytes().splitlines():
        one = json.loads(line)
        if one["type"] != "reorg":
            place = one["type"], one["block"], one.get("hash") or (one["tx"], one["n"], one["time"])
            assert lines.setdefault(place, line) == line
    # What an earlier reorg dropped is taken back with it where the reader may not have heard of that.
    assert any(one["type"] == "reorg" and one["depth"] >= 3 for one in records)


def test_node_that_loses_its_newest_blocks(tmp_path):
    """A node is killed and comes back without its last blocks; other ones take their place."""
    with Litecoind(tmp_path / "node") as node:
        node.mine(5)
        node.stop()
        node.start()
        lost = node.mine(2)
        with Following(tmp_path / "out", "--rpc", node.url, "--from", 0, "--stall", 0.3) as following:
            following.reaches(7)
            node.kill()
            following.until(lambda one: "no node answers" in one.said())
            following.until(lambda one: any(r.get("status") == "blind" for r in one.records()))
            node.start()
            if node.height() == 7:  # it had written them in time
                node.rpc("invalidateblock", lost[0])
            node.mine(3)
            records = following.reaches(8)
        assert held(records) == node.canonical()
        assert [one["block"] for one in records if one["type"] == "reorg"] == [6]
        assert "a node answers again" in following.said()


def test_pending(litecoind, tmp_path):
    """Each is written once, with its senders, though what it spends may wait, too; and when it is mined."""
    busy(litecoind)
    before = int(time.time())
    with Following(tmp_path / "out", "--rpc", litecoind.url, "--pending") as following:
        following.reaches(SPENDABLE + 1)
        sent = [litecoind.send(litecoind.address(), "1.5") for _ in range(4)]
        following.until(lambda one: set(sent) <= set(pending(one.records())))
        litecoind.mine()
        records = following.reaches(SPENDABLE + 2)
    assert sorted(pending(records)) == sorted(sent)
    seen = {(one["tx"], one["n"]): one for one in records if one.get("pending")}
    mined = {
        (one["tx"], one["n"]): one for one in records if one.get("block") == SPENDABLE + 2 and "n" in one
    }
    for place, one in seen.items():
        assert one["block"] is None
        assert one["from"]
        assert before <= one["time"] <= time.time()
        alike = {key: value for key, value in one.items() if key not in {"block", "time", "pending"}}
        assert alike == {key: value for key, value in mined[place].items() if key not in {"block", "time"}}


def test_pending_alert_is_upgraded(litecoind, tmp_path):
    """A listed wallet's payment is alerted while it waits, and the same alert confirms when it is mined."""
    listed = tmp_path / "list.txt"
    listed.write_text(f"{miner(litecoind)}\n")
    detect = [script("txdetect"), "--list", listed, "--only", "listed", "-"]
    with subprocess.Popen(detect, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as detector:
        args = [script("txtail"), "--rpc", litecoind.url, "--pending", "--poll", "0.05"]
        litecoind.mine()
        tx = litecoind.send(litecoind.address(), "1.5")
        with subprocess.Popen(args, stdout=detector.stdin) as tailing:
            detector.stdin.close()
            first = json.loads(detector.stdout.readline())
            litecoind.mine()
            second = json.loads(detector.stdout.readline())
            tailing.send_signal(signal.SIGINT)
    assert (first["tx"], first["block"], first["status"], first["rev"]) == (tx, None, "open", 0)
    assert (second["id"], second["block"], second["status"]) == (first["id"], SPENDABLE + 2, "updated")
    assert second["rev"] == 1


def test_no_word_of_pending_transactions(litecoind, tmp_path):
    """A node that does not tell its pool is followed all the same, and that is said once."""

    def lacks(method, _params, answer):
        return Refusal(403) if method == "getrawmempool" else answer

    with (
        Proxy(litecoind.port, lacks, auth=AUTH) as proxy,
        Following(tmp_path / "out", "--rpc", proxy.url, "--pending") as following,
    ):
        following.reaches(SPENDABLE)
        following.until(lambda one: "nothing of pending transactions" in one.said())
        litecoind.mine(3)
        following.reaches(SPENDABLE + 3)
        said = following.said()
    assert said.count("it tells nothing of pending transactions") == 1
    assert "no node answers" not in said


def test_without_txindex(tmp_path):
    """Senders that the node cannot tell are null, which is said once; others are known from what came by."""
    with Litecoind(tmp_path / "node", args=("-txindex=0",)) as node:
        node.mine(SPENDABLE)
        busy(node)
        records, said = tail("--rpc", node.url, "--no-follow")
        senders = [one["from"] for one in records if one.get("follows")]
        assert senders.count(None) == 2  # the coinbase, and what spends one of an older block
        assert len(senders) == 4
        assert said.count("senders are not screened") == 1
        assert "-txindex" in said
        records, said = tail("--rpc", node.url, "--from", 0, "--no-follow")
        assert [one["from"] for one in records if one.get("follows")].count(None) == SPENDABLE + 1
        assert "screened" not in said
        with Following(tmp_path / "out", "--rpc", node.url, "--pending") as following:
            tx = node.send(node.address(), "1.5")
            following.until(lambda one: pending(one.records()) == [tx])
            node.mine()
            records = following.reaches(SPENDABLE + 2)
        assert None not in {one["from"] for one in records if one.get("tx") == tx}


def test_hidden_outputs(tmp_path):
    """Litecoin's MWEB: transactions and outputs that hide what they move are neither lost nor made up."""
    with Litecoind(tmp_path / "node") as node:
        node.mine(431)
        peg_in = node.send(node.address("mweb"), "5.5")
        node.mine(2)
        with Following(tmp_path / "out", "--rpc", node.url, "--from", 431, "--pending") as following:
            following.reaches(433)
            hidden = node.send(node.address("mweb"), "1.25")
            following.until(lambda one: hidden in pending(one.records()))
            node.mine()
            records = following.reaches(434)
            said = following.said()
    assert {one["value"] for one in records if one.get("tx") == hidden} == {"0"}
    assert {one["from"] for one in records if one.get("tx") == hidden} == {None}
    assert any(one["from"] for one in records if one.get("tx") == peg_in)
    assert held(records) == {height: held(records)[height] for height in range(431, 435)}
    assert said == ""


def whitelisted(methods):
    """Arguments that give a user ``reader`` those methods only."""
    digest = hmac.new(b"ab", b"pass", hashlib.sha256).hexdigest()
    return (f"-rpcauth=reader:ab${digest}", f"-rpcwhitelist=reader:{methods}", "-rpcwhitelistdefault=0")


def test_user_who_may_ask_little(tmp_path):
    """What -rpcwhitelist does not allow is done without: four methods are enough to follow."""
    methods = "getblockhash,getbestblockhash,getblockheader,getblock"
    with Litecoind(tmp_path / "node", args=("-txindex=1", *whitelisted(methods))) as node:
        node.mine(SPENDABLE)
        busy(node)
        url = node.url.replace(AUTH, "reader:pass")
        records, said = tail("--rpc", url, "--no-follow", "--from", SPENDABLE)
        assert [one["block"] for one in records if one["type"] == "block"] == [SPENDABLE, SPENDABLE + 1]
        assert said.count("senders are not screened") == 1
        assert "no node answers" not in said


def test_wrong_password(litecoind):
    """It is said, without it; another node is asked."""
    wrong = litecoind.url.replace(AUTH, "tail:s3cretwrong")
    said = tail("--rpc", wrong, "--no-follow", status=1)[1]
    assert f"http://127.0.0.1:{litecoind.port}: HTTP 401: it wants another key" in said
    records, told = tail("--rpc", wrong, "--rpc", litecoind.url, "--no-follow")
    assert [one["block"] for one in records if one["type"] == "block"] == [SPENDABLE]
    assert "s3cret" not in said + told


def test_node_of_another_chain(litecoind, tmp_path):
    """It is refused, as the second node and for a cursor of another chain."""
    cursor = tmp_path / "cursor"
    tail("--rpc", litecoind.url, "--no-follow", "--cursor", cursor)

    def other(method, params, answer):
        return {"result": "12" * 32} if (method, params) == ("getblockhash", [0]) else answer

    def fails(_method, _params, answer):
        return Refusal(503) if failing else answer

    failing = False
    with Proxy(litecoind.port, other, auth=AUTH) as bad, Proxy(litecoind.port, fails, auth=AUTH) as good:
        said = tail("--rpc", bad.url, "--no-follow", "--cursor", cursor, status=2)[1]
        assert f"the cursor is of {REGTEST}, the node of bip122:{'12' * 16}" in said
        with Following(tmp_path / "out", "--rpc", good.url, "--rpc", bad.url) as following:
            following.reaches(SPENDABLE)
            failing = True
            following.until(lambda one: "not asked any more" in one.said())
            assert f"is of bip122:{'12' * 16}, not of {REGTEST}" in following.said()


@pytest.mark.anvil
def test_node_of_another_kind(litecoind, anvil, tmp_path):
    """An EVM node beside one of Bitcoin's kind is refused, and the other way round."""
    anvil.mine(1)
    cursor = tmp_path / "cursor"
    records, _ = tail("--rpc", litecoind.url, "--rpc", anvil.url, "--no-follow", "--cursor", cursor)
    assert {one["chain"] for one in records} == {REGTEST}
    assert [one["chain"] for one in tail("--rpc", anvil.url, "--rpc", litecoind.url, "--no-follow")[0]] == [
        "eip155:1"
    ]
    assert "the cursor is of bip122" in tail("--rpc", anvil.url, "--cursor", cursor, status=2)[1]


ODD = [None, "x", [None], {"txid": 5}, {"hash": [], "height": {}, "tx": [{}]}]


@pytest.mark.parametrize("method", ["getblock", "getblockheader", "getbestblockhash", "getrawtransaction"])
def test_odd_answers(litecoind, method):
    """A node that answers with what makes no sense is passed over for one that works; nothing breaks."""
    busy(litecoind)
    expected, _ = tail("--rpc", litecoind.url, "--from", SPENDABLE, "--no-follow")
    for odd in ODD:

        def changed(asked, _params, answer, odd=odd):
            return {"result": odd} if asked == method else answer

        with Proxy(litecoind.port, changed, auth=AUTH) as bad:
            urls = ["--rpc", bad.url, "--rpc", litecoind.url]
            records, said = tail(*urls, "--from", SPENDABLE, "--no-follow")
        assert "Traceback" not in said
        if method == "getrawtransaction" and records != expected:
            assert len(records) == len(expected)  # it may say that it does not know whom inputs spend
            assert "senders are not screened" in said
        else:
            assert records == expected


def test_prices_from_a_file(litecoind, tmp_path):
    """Outputs are worth what a file says of the coin; there is no feed to ask."""
    litecoind.mine()
    args = ["--rpc", litecoind.url, "--no-follow"]
    bare, _ = tail(*args)
    moved = [one for one in bare if one["type"] == "transfer"]
    prices = tmp_path / "prices"
    prices.write_text(json.dumps({"asset": moved[0]["asset"], "usd": 100}) + "\n")
    priced, _ = tail(*args, "--prices", prices)
    assert [one["usd"] for one in priced if one["type"] == "transfer"] == [
        100 * int(one["value"]) / 10**8 for one in moved
    ]
    assert [{key: one[key] for key in one if key != "usd"} for one in priced] == bare
    assert "there are no contracts" in tail(*args, "--usd", "chainlink", status=2)[1]
