"""txsim as a process: readers that leave, Ctrl-C, pace."""

import signal
import subprocess
import time
from pathlib import Path

import orjson
import pytest

from conftest import script


def start(*args, **kwargs):
    return subprocess.Popen(
        [script("txsim"), *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kwargs
    )


def test_reader_that_leaves_ends_it_silently():
    """`txsim | head -1` takes one line and ends txsim with 141, without a word."""
    done = subprocess.run(
        ["bash", "-c", '"$0" --seed 7 | head -1; echo "${PIPESTATUS[0]}"', script("txsim")],
        capture_output=True,
        timeout=30,
        check=True,
    )
    first, status = done.stdout.splitlines()
    assert 20_000_000 < orjson.loads(first)["block"] < 23_000_000
    assert (status, done.stderr) == (b"141", b"")


@pytest.mark.parametrize("pace", [[], ["--rate", "20000"]])
def test_ctrl_c_ends_after_a_whole_line(pace, tmp_path):
    """Ctrl-C ends with 130; what was written are whole lines, and labels of those lines."""
    labels = tmp_path / "labels"
    with start("--fraud-rate", "0.2", "--labels", str(labels), *pace) as process:
        data = process.stdout.read(1_500_000)
        process.send_signal(signal.SIGINT)
        data += process.stdout.read()
        assert process.wait(timeout=30) == 130
        assert process.stderr.read() == b""
    assert data.endswith(b"\n")
    places = {(item["tx"], item["n"]) for item in map(orjson.loads, data.splitlines()) if "tx" in item}
    found = [orjson.loads(line) for line in labels.read_bytes().splitlines()]
    assert found
    assert {(label["tx"], label["n"]) for label in found} <= places


def test_rate_keeps_pace():
    """At 10 a second, 20 records take at least 1.9 s, and the first does not wait for the others.

    From 1970 on, so that there is no prologue, which comes at once.
    """
    began = time.monotonic()
    with start("--start", "0", "--rate", "10", "--records", "20") as process:
        process.stdout.readline()
        assert process.poll() is None
        rest = process.stdout.read()
        ended = time.monotonic()
    assert rest.count(b"\n") == 19
    assert ended - began >= 1.9


def test_written_list_serves_every_seed(tmp_path):
    """--write-list alone writes the list and ends; with --records it writes both."""
    path = tmp_path / "demo.csv"
    alone = subprocess.run([script("txsim"), "--write-list", str(path)], capture_output=True, check=True)
    assert alone.stdout == b""
    written = path.read_bytes()
    both = subprocess.run(
        [script("txsim"), "--seed", "5", "--records", "10", "--write-list", str(path)],
        capture_output=True,
        check=True,
    )
    assert both.stdout.count(b"\n") == 10
    assert path.read_bytes() == written


def test_disk_full_is_a_message():
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [script("txsim"), "--records", "10"], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 1
    assert done.stderr.startswith(b"txsim: <stdout>: cannot be written")
