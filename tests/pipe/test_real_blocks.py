"""Real blocks through txnorm and txdetect: what lists find in them, and what allow-lists keep quiet."""

import csv
import gzip
import json
import subprocess
from collections import Counter
from importlib import resources

import pytest

from conftest import DATA, script

pytestmark = pytest.mark.shared_data


def records_of(path):
    done = subprocess.run(
        [script("txnorm")], input=gzip.decompress(path.read_bytes()), capture_output=True, check=True
    )
    return done.stdout


def alerts(records, *arguments):
    done = subprocess.run([script("txdetect"), *arguments], input=records, capture_output=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def block_15753009():
    return records_of(DATA / "blocks" / "ethereum_mainnet_jsonrpc_15753009.json.gz")


def test_a_token_recipient_that_only_calldata_shows_is_caught(block_15753009, tmp_path):
    """Without receipts an ERC-20 recipient stands in calldata alone; listing it finds the payment."""
    moved = [json.loads(line) for line in block_15753009.splitlines()]
    parties = Counter(
        each[key]
        for each in moved
        if each["type"] in ("transfer", "call") and each["n"] == 0
        for key in ("from", "to")
    )
    hidden = [
        each["to"]
        for each in moved
        if each["type"] == "transfer" and each["n"] < 0 and not parties[each["to"]]
    ]
    assert len(hidden) > 10
    (tmp_path / "list.txt").write_text("\n".join(hidden) + "\n")
    found = alerts(block_15753009, "--list", str(tmp_path / "list.txt"))
    assert {alert["subject"] for alert in found if alert["rule"] == "listed"} == set(hidden)
    assert all(alert["record"]["n"] < 0 for alert in found if alert["rule"] == "listed")


def test_poisoned_lists_do_not_flood(block_15753009, tmp_path):
    """A list that names token contracts and routers beside real wallets alerts on the wallets only."""
    allow = resources.files("txpipe") / "data" / "allow.csv"
    lines = (line for line in allow.read_text().splitlines() if not line.startswith("#"))
    everyones = [row["address"] for row in csv.DictReader(lines)]
    receivers = Counter(
        json.loads(line)["to"] for line in block_15753009.splitlines() if b'"type":"transfer"' in line
    )
    wallet = next(address for address, _ in receivers.most_common() if address and address not in everyones)
    (tmp_path / "noisy.txt").write_text("\n".join([*everyones, wallet]) + "\n")
    flood = alerts(block_15753009, "--list", str(tmp_path / "noisy.txt"), "--no-default-allow")
    quiet = alerts(block_15753009, "--list", str(tmp_path / "noisy.txt"))
    assert len(flood) > 50 + len(quiet)
    assert {alert["subject"] for alert in quiet} == {wallet}


def test_an_etl_dump_and_its_lists(data, tmp_path):
    """Three ethereum-etl files of the same blocks: a listed token recipient is found once a transaction."""
    files = []
    for kind in ("transactions", "logs", "token_transfers"):
        packed = data / "blocks" / f"ethereum_etl_blocks_17173049_17173050_{kind}.json.gz"
        files.append(tmp_path / f"{kind}.json")
        files[-1].write_bytes(gzip.decompress(packed.read_bytes()))
    transfers = json.loads(files[2].read_text())
    recipient, count = Counter(each["to_address"] for each in transfers).most_common(1)[0]
    (tmp_path / "list.txt").write_text(recipient + "\n")
    records = subprocess.run([script("txnorm"), *map(str, files)], capture_output=True, check=True).stdout
    found = alerts(records, "--list", str(tmp_path / "list.txt"), "--no-default-allow", "--only", "listed")
    named = {
        each["transaction_hash"]
        for each in transfers
        if recipient in (each["to_address"], each["from_address"])
    }
    assert count > 1
    assert named <= {alert["tx"] for alert in found}
    assert len(found) == len({alert["tx"] for alert in found})


def test_bitcoin_outputs(data, tmp_path):
    """A listed output of block 200000 is found, in mainnet's name."""
    records = records_of(data / "blocks" / "bitcoin_mainnet_jsonrpc_200000.json.gz")
    output = next(json.loads(line)["to"] for line in records.splitlines() if json.loads(line).get("to"))
    (tmp_path / "list.txt").write_text(output + "\n")
    found = alerts(records, "--list", str(tmp_path / "list.txt"))
    assert {alert["subject"] for alert in found} == {output}
    assert found[0]["chain"] == "bip122:000000000019d6689c085ae165831e93"
