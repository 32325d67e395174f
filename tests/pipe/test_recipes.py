"""README's recipes for Kafka and NATS: what is not acknowledged counts as not taken."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import CHECKOUT, script
from examples import ALERT, line
from receiver_kit import closed_port

LONG = "x" * 1_500_000
ALERTS = b"".join(line(ALERT, id=f"{number:032x}", title=LONG * (number == 2)) for number in range(3))


def block(naming):
    """The block of README that names something."""
    text = (CHECKOUT / "README.md").read_text()
    blocks = [found[1] for found in re.finditer(r"^```\w*\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)]
    (found,) = [one for one in blocks if naming in one]
    return found


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{Path(script('txalert')).parent}:{os.environ['PATH']}")


def run(command, data=ALERTS):
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], input=data, capture_output=True, check=False, timeout=120
    )


def at(broker, command):
    """The command with another broker, writing out what that has acknowledged."""
    return command.replace("-b HOST:9092", f"-b {broker} -T")


MOCK = "HOST:9092 -X test.mock.num.brokers=1"
"""librdkafka's own broker for tests, within the process of kcat."""


@pytest.mark.kcat
def test_kafka():
    """Every alert is a message; brokers that are away leave all in the spool, and the run ends with 1."""
    whole, _ = block("kcat").splitlines()
    whole += " --drain 0.5 --no-stats"
    away = run(at(f"127.0.0.1:{closed_port()}", whole))
    assert away.returncode == 1
    assert b"3 alerts not delivered (ended with status 1); kept in spool for the next run" in away.stderr
    there = run(at(MOCK, whole).replace("0.5", "30").replace("--spool spool", "--spool another"))
    assert there.returncode == 0
    assert there.stderr.count(b'{"type":"alert"') == 3


@pytest.mark.kcat
def test_kafka_by_key():
    """With a key, the last revision of an alert is what a compacted topic keeps."""
    _, keyed = block("kcat").splitlines()
    Path("kafka.sh").write_text(at(MOCK, keyed))
    command = "txalert --no-stats --drain 30 --to 'exec:bash -o pipefail kafka.sh'"
    done = run(command, line(ALERT) + line(ALERT, rev=1))
    assert done.returncode == 0
    assert done.stderr.count(f"{ALERT['id']}\t".encode()) == 2
    Path("kafka.sh").write_text(at(f"127.0.0.1:{closed_port()}", keyed))
    assert run("bash -o pipefail kafka.sh").returncode == 1


NATS = """#!/bin/sh
printf '%s\\n' "$*" >> calls
cat >> bodies
[ "$(wc -l < calls)" != 2 ]
"""
"""Notes how it is called, and fails the second time."""


def test_nats():
    """An alert is a process, with its own id for JetStream; the first that fails ends the batch with 1."""
    Path("bin").mkdir()
    Path("bin/nats").write_text(NATS)
    Path("bin/nats").chmod(0o755)
    Path("nats.sh").write_text(block("nats pub"))
    if not shutil.which("jq"):
        pytest.skip("jq is not installed")
    assert run("sh nats.sh").returncode == 1
    calls = Path("calls").read_text().splitlines()
    assert [call.rpartition(" ")[2] for call in calls] == [f"Nats-Msg-Id:{n:032x}:0" for n in range(2)]
    bodies = [json.loads(body) for body in Path("bodies").read_text().replace("}{", "}\n{").splitlines()]
    assert bodies == [ALERT | {"id": f"{n:032x}", "title": ""} for n in range(2)]
