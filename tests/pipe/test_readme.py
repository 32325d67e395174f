"""README's command lines run as pasted, in a folder that holds the files they name."""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent.parent
README = (CHECKOUT / "README.md").read_text()
ELSEWHERE = ("make ", "ssh ", "15 * * * *", "pip ")
HASH = "0x" + "11" * 32
LISTED = "0x098b716b8aaf21512996dc57eb0615e2383e2f96"


def command_lines():
    blocks = re.findall(r"^```sh\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.splitlines()]
    return [line for line in lines if not line.startswith(ELSEWHERE)]


def transaction(number, **changes):
    return {
        "hash": f"0x{number:064x}",
        "from": "0x" + "a1" * 20,
        "to": LISTED,
        "value": "0xde0b6b3a7640000",
        "input": "0x",
        "chainId": "0x1",
        "blockNumber": "0x10",
        "transactionIndex": hex(number),
    } | changes


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Everything that README's lines read."""
    path = tmp_path_factory.mktemp("readme")
    block = {
        "number": "0x10",
        "hash": "0x" + "11" * 32,
        "parentHash": "0x" + "22" * 32,
        "timestamp": "0x68e77b00",
        "transactions": [transaction(0), transaction(1, to="0x" + "b2" * 20)],
    }
    (path / "block.json.gz").write_bytes(gzip.compress(json.dumps(block).encode()))
    for name, keys in {
        "blocks.json": {"number": 16, "hash": HASH, "parent_hash": HASH, "timestamp": 1_760_000_000},
        "logs.json": {
            "log_index": 0,
            "transaction_hash": f"0x{0:064x}",
            "block_number": 16,
            "address": "0x" + "cc" * 20,
            "data": "0x",
            "topics": [],
        },
        "transactions.json": {
            "hash": f"0x{0:064x}",
            "block_number": 16,
            "block_timestamp": 1_760_000_000,
            "from_address": "0x" + "a1" * 20,
            "to_address": LISTED,
            "value": 10**19 * 3,
            "input": "0x",
        },
    }.items():
        (path / name).write_text(json.dumps(keys) + "\n")
    shutil.copytree(CHECKOUT / "blocklists", path / "blocklists")
    run("txsim --records 20000 > records.ndjson", path)
    run("txdetect --list blocklists/demo.csv < records.ndjson > alerts.ndjson", path)
    run("txlist compile blocklists/notable.csv blocklists/demo.csv -o lists.txindex", path)
    run("txdetect --print-rules > rules.toml", path)
    return path


def run(line, folder):
    env = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    return subprocess.run(
        ["timeout", "--signal=INT", "4" if "--rate" in line else "60", "bash", "-o", "pipefail", "-c", line],
        cwd=folder,
        env=env,
        capture_output=True,
        check=False,
    )


@pytest.mark.parametrize("line", command_lines())
def test_readme_line_runs(line, folder):
    """It ends as README says and writes something, and nothing goes wrong on stderr."""
    if "jq" in line and not shutil.which("jq"):
        pytest.skip("jq is not installed")
    alerts = (folder / "alerts.ndjson").read_text().splitlines()  # another line may have written others
    mine = {json.loads(alert)["record"]["from"] for alert in alerts}
    (folder / "mine.json").write_text(json.dumps(sorted(mine)))
    done = run(line, folder)
    endless = "--rate" in line
    expected = 124 if endless else 3 if "--exit-status" in line and "||" not in line else 0
    assert done.returncode == expected, done.stderr.decode()
    assert b"Traceback" not in done.stderr
    written = re.search(r"(?<!\|) >>? (\S+)$", line)
    assert (folder / written[1]).stat().st_size if written else done.stdout or "-o" in line


def test_there_are_lines_to_run():
    assert len(command_lines()) > 10


FILE = re.compile(
    r"(?<![\w/.])[\w./-]+\.(?:csv|txt|xml|json|ndjson|toml|html|txindex|txpipe|py)(?:\.gz|\.bz2)?\b"
)
MAKES = re.compile(r"(?:>|>>|\btee|-o|--html|--state|txsim .*--labels) +(\S+)")


def test_files_are_there():
    """A file that a line reads is in the checkout, or a line made it, or the text has said what it is."""
    known, lost = set(), []
    for prose, kind, block in re.findall(r"(.*?)^```(\w*)\n(.*?)^```", README, re.DOTALL | re.MULTILINE):
        known |= {name for said in re.findall(r"`[^`]+`", prose) for name in FILE.findall(said)}
        for line in block.splitlines() if kind == "sh" else ():
            made = set(MAKES.findall(line))
            named = {name for name in FILE.findall(line) if not name.startswith("/")}
            lost += [name for name in named - made - known if not (CHECKOUT / name).exists()]
            known |= made
    assert lost == []


def python_block(naming):
    (block,) = [
        block
        for block in re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
        if naming in block
    ]
    return block


def stream(folder, *options):
    return run(f"txsim --seed 7 -n 20000 --no-stats {' '.join(options)}", folder).stdout


def test_detector_in_python(folder):
    """README's lines of Python find in a simulated stream what txdetect finds."""
    (folder / "records.ndjson").write_bytes(stream(folder, "--fraud-rate 0.05"))
    code = python_block("Detector(")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True, timeout=60
    )
    found = run("txdetect --no-stats --list blocklists/demo.csv records.ndjson", folder).stdout.splitlines()
    alerts = [json.loads(line) for line in found]
    assert len(alerts) > 50
    assert done.stdout.splitlines() == [f"{alert['severity']} {alert['title']}" for alert in alerts]


def test_plugin(folder):
    """README's rule in Python runs beside the others."""
    (folder / "night.py").write_text(python_block("class NightPayments"))
    (folder / "records.ndjson").write_bytes(stream(folder, "--start 2025-10-10T01:00:00Z"))
    done = run("txdetect --plugin night.py --no-stats records.ndjson", folder)
    rules = {json.loads(line)["rule"] for line in done.stdout.splitlines()}
    assert "night-payments" in rules
