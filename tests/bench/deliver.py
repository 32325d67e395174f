"""Alerts through txalert: to stdout, past receivers that take, fail or are away, and through kills."""

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import processes

import outage_kit
from receiver_kit import closed_port

ALERTS = 1_000_000
SPOOLED = 200_000
KILLS = 100
DEDUPED_LIMIT = 100_000
SPOOLED_LIMIT = 5_000
MEMORY_LIMIT = 300.0
HOUR, INCIDENTS, ALLOWED = 18_000, 600, 400
"""An hour of alerts, five a second; requests that the service allows in a second when it is back."""

GROUPED = """
[receivers.chat]
url = "json://127.0.0.1:{port}/"
group = ["subject"]
wait = "1h"
[[routes]]
to = ["chat"]
"""

SLOW = "exec:sh -c 'cat > /dev/null; sleep 0.02'"
"""Takes some 20,000 alerts a second, and makes the input wait."""


def run(folder, _options):
    alerts = folder / "alerts.ndjson"
    write(alerts, ALERTS)
    command = processes.script("txalert")
    times = [processes.timed(f"{command} --dedupe {alerts} > /dev/null") for _ in "123"]
    wall, cpu = map(min, zip(*times, strict=True))
    yield row("alerts/s by the clock, --dedupe to stdout", DEDUPED_LIMIT, ALERTS / wall, "alerts/s")
    yield row("alerts/s of a core, --dedupe to stdout", DEDUPED_LIMIT, ALERTS / cpu, "alerts/s")
    yield row("memory of that", MEMORY_LIMIT, peak(f"--dedupe {alerts}", folder), "MB")
    dead = f"--dedupe --to http://127.0.0.1:{closed_port()}/ --drain 0 {alerts}"
    yield row("memory, a dead receiver, no --spool", MEMORY_LIMIT, peak(dead, folder), "MB")
    file = f"--dedupe --to file:/dev/null {alerts}"
    yield row("memory, a file as receiver, no --spool", MEMORY_LIMIT, peak(file, folder), "MB")
    spooled = folder / "spooled.ndjson"
    write(spooled, SPOOLED)
    yield from groups(folder, alerts)
    with tempfile.TemporaryDirectory(dir=folder) as spool:
        args = f"--spool {spool} --to file:/dev/null --drain 0 {spooled} || true"
        seconds, _ = processes.timed(f"{command} {args} > /dev/null")
    yield row("alerts/s, into a spool", SPOOLED_LIMIT, SPOOLED / seconds, "alerts/s")
    yield row("kill -9 rounds without a loss", KILLS, kills(), "rounds")
    yield from outage(folder)


def groups(folder, alerts):
    """All go past a receiver that puts them together, alone and beside others; without a spool."""
    command = processes.script("txalert")
    for name, more, limit in (
        ("a group", "", DEDUPED_LIMIT),
        ("a group and a file", f"--to file:{folder}/delivered", None),
        ("a group, a file and two that are dead", _dead(2, f"--to file:{folder}/delivered"), None),
        ("a group and one that is slow", f"--to {shlex.quote(SLOW)}", None),
    ):
        routes = folder / "grouped.toml"
        routes.write_text(GROUPED.format(port=closed_port()))
        grouped = f"--dedupe --routes {routes} {more} --drain 0 {alerts}"
        times = [
            processes.timed(f"{command} {grouped} > /dev/null || true") for _ in ("123" if limit else "1")
        ]
        wall, cpu = map(min, zip(*times, strict=True))
        yield row(f"alerts/s by the clock, --dedupe and {name}", limit, ALERTS / wall, "alerts/s")
        yield row(f"alerts/s of a core, --dedupe and {name}", limit, ALERTS / cpu, "alerts/s")
        yield row(f"memory of that, {name}", MEMORY_LIMIT, peak(grouped, folder), "MB")
        (folder / "delivered").unlink(missing_ok=True)


def _dead(count, more):
    return " ".join([more, *(f"--to http://127.0.0.1:{closed_port()}/" for _ in range(count))])


def outage(folder):
    """Receivers are down for an hour's worth of alerts, then back."""
    with tempfile.TemporaryDirectory(dir=folder) as own:
        found = outage_kit.play(Path(own), HOUR, INCIDENTS, ALLOWED)
    if found.status or found.lost or found.told != HOUR:
        raise RuntimeError(f"an outage lost alerts: {found}")
    yield row("outage: alerts of an hour that were lost", None, found.lost, "alerts", f"{HOUR:,} came")
    yield row("outage: seconds until they were all delivered", HOUR / ALLOWED, found.drain_s, "s")
    yield row("outage: requests while it was down", None, found.down, "requests", f"{found.intake_s:.1f} s")
    refused = f"{found.refused:,} over the {ALLOWED} that it allows"
    yield row("outage: most requests in a second after it", ALLOWED, found.peak, "requests", refused)
    most = outage_kit.MOST_MESSAGES
    yield row("outage: messages to people in the hour after it", most, found.messages, "messages", found.last)


def peak(args, folder):
    """Return the most memory of a txalert, which may end with 1: not all was delivered."""
    command = f"{processes.script('txalert')} {args} > {folder}/out || true"
    return processes.peak_bytes(f"bash -c {shlex.quote(command)}") / 1e6


def write(path, count):
    """Write alerts that differ by id, as large as those of txdetect; every tenth comes twice."""
    sys.path.append(str(Path(__file__).resolve().parent.parent))
    from examples import ALERT, line

    head, tail = line(ALERT).split(ALERT["id"].encode())
    with path.open("wb") as file:
        for number in range(count):
            file.write(b"%b%032x%b" % (head, number - (number % 10 == 9), tail))


def row(name, limit, found, unit, note=None):
    less = unit in {"MB", "s", "requests", "messages"}
    return {
        "bench": name,
        "peer": "limit" if limit else "none",
        "ratio": round(limit / found if less else found / limit, 2) if limit else None,
        "ours": round(found, 1),
        "theirs": None if limit is None else float(limit),
        "unit": unit,
        "note": note,
    }


def kills():
    test = Path(__file__).resolve().parent.parent / "pipe" / "test_deliver.py"
    command = [sys.executable, "-m", "pytest", "-q", "-k", "kill_at_any_moment", str(test)]
    subprocess.run(command, check=True, stdout=sys.stderr, env={**os.environ, "TXPIPE_KILLS": str(KILLS)})
    return KILLS
