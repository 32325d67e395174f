"""The detector in Python says what txdetect says."""

import gc
import subprocess

import orjson
import pytest

import txpipe
from conftest import script
from detect_kit import Story, address
from txpipe.errors import RecordFault, UsageFault


@pytest.fixture(scope="module")
def stream(tmp_path_factory):
    """Return simulated records, and what txdetect says of them."""
    path = tmp_path_factory.mktemp("detector") / "records.ndjson"
    made = subprocess.run(
        [script("txsim"), "--seed", "5", "-n", "20000", "--fraud-rate", "0.1", "--no-stats"],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    path.write_bytes(made.stdout)
    said = subprocess.run(
        [script("txdetect"), "--no-stats", "--list", "blocklists/demo.csv", path],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    return path, [orjson.loads(line) for line in said.stdout.splitlines()]


def test_same_alerts(stream):
    """Lines, or objects, give the alerts of the command, in its order."""
    path, said = stream
    assert len(said) > 50
    with path.open("rb") as lines:
        assert list(txpipe.Detector(lists=["blocklists/demo.csv"]).alerts(lines)) == said
    records = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    assert list(txpipe.Detector(lists=["blocklists/demo.csv"]).alerts(records)) == said


def test_no_cycles(stream):
    """txdetect looks for no garbage: there is none, whatever the lines."""
    path, said = stream
    detector = txpipe.Detector(lists=["blocklists/demo.csv"])
    lines = path.read_bytes().splitlines()
    gc.collect()
    gc.disable()
    try:
        count = 0
        for line in lines:
            count += len(detector.feed(line))
            with pytest.raises(RecordFault):
                detector.feed(line[:-20])
        detector.end()
        assert gc.collect() < 100  # a line and what it leads to would be thousands
    finally:
        gc.enable()
    assert count > len(said) / 2


def test_one_at_a_time(stream):
    """Fed one record after the other, it says the same."""
    path, said = stream
    detector = txpipe.Detector(lists=["blocklists/demo.csv"])
    found = [alert for line in path.read_bytes().splitlines() for alert in detector.feed(line)]
    assert found + detector.end() == said


def test_faults():
    """A record that is none, and a rule that is none, are errors that name what is wrong."""
    with pytest.raises(RecordFault, match='no "type"'):
        txpipe.Detector().feed({"from": "0x"})
    with pytest.raises(UsageFault, match='no rule is called "nonsense"'):
        txpipe.Detector(only="nonsense")


def test_a_bad_record_loses_no_alert_of_the_one_before(tmp_path):
    """What it ends the waiting of comes with the next record."""
    wallet = address("listed")
    listed = tmp_path / "listed.txt"
    listed.write_text(f"{wallet}\n")
    detector = txpipe.Detector(lists=[listed])
    waits, late, good = (
        Story()
        .coin(wallet, address("a"), 5)
        .coin(*map(address, "bc"), 5)
        .coin(*map(address, "de"), 5)
        .records
    )
    assert detector.feed(waits | {"follows": 1}) == []
    with pytest.raises(RecordFault, match="too odd"):
        detector.feed(late | {"time": 2**63})
    assert [alert["rule"] for alert in detector.feed(good)] == ["listed"]
    assert detector.end() == []
