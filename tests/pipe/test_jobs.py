"""txdetect --jobs: the same alerts as one process, in the same order, whatever the input and its pace."""

import contextlib
import itertools
import os
import signal
import subprocess
import time
from pathlib import Path

import orjson
import pytest

from conftest import script
from detect_kit import Story, address

MOST_OPEN = 4
"""Alerts about a transaction whose further records are announced, on the two chains of the input."""

LISTS = ("--list", "blocklists/demo.csv", "--no-stats")


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """Return a file with much fraud on two chains by turns, and with lines of every odd kind in it."""
    path = tmp_path_factory.mktemp("jobs") / "records.ndjson"
    made = subprocess.run(
        [script("txsim"), "--seed", "12", "-n", "30000", "--fraud-rate", "0.2", "--tps", "0.3", "--no-stats"],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    lines = []
    for number, line in enumerate(made.stdout.splitlines(keepends=True)):
        lines.append(line)
        if number % 3 == 0:
            lines.append(line.replace(b'"chain":"eip155:1"', b'"chain":"eip155:56"'))
        lines += odd(number, line)
    path.write_bytes(b"".join(lines))
    return path


def odd(number, line):
    """Return lines that are no plain movements, now and then."""
    record = orjson.loads(line)
    if number % 997 == 500:
        return [b"\n", b"{junk\n", line.replace(b'"block"', b'"blok"'), b'{"type":"future"}\n', b"\xff\n"]
    if number % 1499 == 7 and record["type"] == "transfer":
        pending = record | {"block": None, "tx": f"0x{number:064x}", "pending": True}
        failed = record | {"failed": True, "tx": f"0x{number + 1:064x}"}
        return [orjson.dumps(one) + b"\n" for one in (pending, failed)]
    if number % 7001 == 7000:
        reorg = {"type": "reorg", "chain": record["chain"], "time": record["time"], "dropped": []}
        return [orjson.dumps(reorg | {"block": max(0, record["block"] - 3), "depth": 3}) + b"\n"]
    return []


def detect(*arguments, status=0, **more):
    done = subprocess.run(
        [script("txdetect"), *LISTS, *map(str, arguments)],
        capture_output=True,
        timeout=100,
        check=False,
        **more,
    )
    assert (done.returncode, b"Traceback" in done.stderr) == (status, False), done.stderr[-2000:]
    return done


@pytest.fixture(scope="module")
def alone(records):
    """Return what one process says of the records."""
    done = detect(records, status=1)
    assert len(done.stdout.splitlines()) > 300
    return done


@pytest.mark.parametrize("jobs", [2, 3, 5])
def test_the_same_alerts(records, alone, jobs):
    """Byte for byte, and every bad line is named with its number."""
    done = detect("--jobs", jobs, records, status=1)
    assert done.stdout == alone.stdout
    assert done.stderr == alone.stderr


def test_every_rule_is_in_it(alone):
    """The comparison would not see much if some rules never spoke."""
    rules = {orjson.loads(line)["rule"] for line in alone.stdout.splitlines()}
    assert len(rules) >= 16


def test_strict_stops_at_the_same_line(records):
    """What stood before the first bad line is said, nothing after it."""
    one, two = (detect("--strict", "--jobs", jobs, records, status=1) for jobs in (1, 2))
    assert (two.stdout, two.stderr) == (one.stdout, one.stderr)


def test_alerts_do_not_wait_for_more_input(records):
    """A stream that pauses has its alerts out at once, and its order stays."""
    content = records.read_bytes()[:3_000_000]
    expected = detect(input=content[: content.rfind(b"\n") + 1], status=1).stdout
    with subprocess.Popen(
        [script("txdetect"), *LISTS, "--jobs", "2"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        process.stdin.write(content)
        process.stdin.flush()
        got = b""
        while len(got) < len(expected):
            got += os.read(process.stdout.fileno(), 1 << 20)
        assert got == expected
        process.kill()


def workers(pid):
    children = Path(f"/proc/{pid}/task/{pid}/children")
    if not children.exists():
        pytest.skip("this system does not say who its processes' children are")
    return [int(child) for child in children.read_text().split()]


def started(count):
    process = subprocess.Popen(
        [script("txdetect"), *LISTS, "--jobs", str(count)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    process.stdin.write(b'{"type":"heartbeat"}\n')
    process.stdin.flush()
    end = time.monotonic() + 20
    while len(workers(process.pid)) < count and time.monotonic() < end:
        time.sleep(0.02)
    return process


def test_a_process_that_dies_is_no_silence():
    """Whoever counts on alerts learns that nobody looks any more."""
    process = started(2)
    os.kill(workers(process.pid)[1], signal.SIGKILL)
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(b'{"type":"heartbeat"}\n' * 100)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert b"a process of --jobs ended before its work was done" in errors


@pytest.mark.parametrize("whom", [os.kill, os.killpg])
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_nobody_is_left_behind(sent, whom):
    """However the command ends, its processes end with it; in good order where the whole group is asked."""
    process = started(3)
    left = workers(process.pid)
    whom(process.pid, sent)
    _, errors = process.communicate(timeout=30)
    assert errors == b""
    assert process.returncode == (-sent if sent == signal.SIGKILL else 128 + sent)
    end = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in left) and time.monotonic() < end:
        time.sleep(0.02)
    assert [pid for pid in left if Path(f"/proc/{pid}").exists()] == []


def test_ctrl_c_says_nothing_false(records, alone):
    """What is out when it comes is what one process would have said first, and what waited for its rest."""
    for seconds in (0.7, 1.0, 1.3):
        with subprocess.Popen(
            [script("txdetect"), *LISTS, "--jobs", "2", records],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        ) as process:  # fmt: skip
            time.sleep(seconds)
            process.send_signal(signal.SIGINT)
            said = process.communicate(timeout=30)[0].splitlines()
        pairs = itertools.zip_longest(said, alone.stdout.splitlines()[: len(said)])
        same = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
        waited = [orjson.loads(line) for line in said[same:]]
        assert len(waited) <= MOST_OPEN
        assert all(one["record"].get("follows") or one["rule"] == "approval-phishing" for one in waited)


@pytest.mark.parametrize("option", [("--state", "state"), ("--shadow", "rules.toml")])
def test_what_it_does_not_go_with(option, tmp_path):
    """Refused at once, with the remedy."""
    done = detect("--jobs", 2, option[0], tmp_path / option[1], "-", status=2, input=b"")
    assert b"works with one process only; leave out --jobs" in done.stderr


def test_the_same_lines_are_bad(tmp_path):
    """What only the rules about conduct cannot take is named, and ends the run with 1."""
    path = tmp_path / "records"
    records = (
        Story().coin(*map(address, "ab"), 5).coin(*map(address, "bc"), 5).coin(*map(address, "cd"), 5).records
    )
    records[1]["time"] = 2**63
    path.write_bytes(b"".join(orjson.dumps(record) + b"\n" for record in records))
    alone, shared = (detect("--jobs", jobs, path, status=1).stderr for jobs in (1, 2))
    assert b"records:2: too odd" in alone
    assert shared == alone
