"""Alerts through txalert: deduplicated to stdout, into a spool on disk, and killed while a receiver flaps."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import processes

ALERTS = 1_000_000
SPOOLED = 200_000
KILLS = 100
DEDUPED_LIMIT = 100_000
SPOOLED_LIMIT = 5_000


def run(folder, _options):
    alerts = folder / "alerts.ndjson"
    write(alerts, ALERTS)
    cpu = min(
        processes.timed(f"{processes.script('txalert')} --dedupe {alerts} > /dev/null")[1] for _ in "123"
    )
    yield row("alerts/s of a core, --dedupe to stdout", DEDUPED_LIMIT, ALERTS / cpu, "alerts/s")
    peak = processes.peak_bytes(f"{processes.script('txalert')} --dedupe {alerts} > {folder}/out")
    yield row("memory of that", 300.0, peak / 1e6, "MB")
    spooled = folder / "spooled.ndjson"
    write(spooled, SPOOLED)
    with tempfile.TemporaryDirectory(dir=folder) as spool:
        args = f"--spool {spool} --to file:/dev/null --drain 0 {spooled} || true"
        seconds, _ = processes.timed(f"{processes.script('txalert')} {args} > /dev/null")
    yield row("alerts/s, into a spool", SPOOLED_LIMIT, SPOOLED / seconds, "alerts/s")
    yield row("kill -9 rounds without a loss", KILLS, kills(), "rounds")


def write(path, count):
    """Write alerts that differ by id, as large as those of txdetect; every tenth comes twice."""
    sys.path.append(str(Path(__file__).resolve().parent.parent))
    from examples import ALERT, line

    head, tail = line(ALERT).split(ALERT["id"].encode())
    with path.open("wb") as file:
        for number in range(count):
            file.write(b"%b%032x%b" % (head, number - number % 10 % 2, tail))


def row(name, limit, found, unit):
    ratio = limit / found if unit == "MB" else found / limit
    return {
        "bench": name,
        "peer": "limit",
        "ratio": round(ratio, 2),
        "ours": round(found, 1),
        "theirs": float(limit),
        "unit": unit,
    }


def kills():
    test = Path(__file__).resolve().parent.parent / "pipe" / "test_deliver.py"
    command = [sys.executable, "-m", "pytest", "-q", "-k", "kill_at_any_moment", str(test)]
    subprocess.run(command, check=True, stdout=sys.stderr, env={**os.environ, "TXPIPE_KILLS": str(KILLS)})
    return KILLS
