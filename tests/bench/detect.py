"""Rules about conduct: all of them on one core beside a bare orjson loop; memory an account."""

import importlib.util
import os
import random
import subprocess
import sys
import time
from collections import Counter

import processes
import windows

LOOP = "import sys, orjson\nfor line in sys.stdin.buffer: orjson.loads(line)"
WORLDS = 7
"""Simulated worlds in the stream: together 2,000,000 records over some 400,000 accounts."""

WANTED = 0.15
"""Share of a bare loop's speed that is asked for; 0.30 is the aim."""

ACCOUNTS = 5_000_000
MOST_BYTES = 800
"""An account may take: 5,000,000 in 4 GB."""


def run(folder, options):
    records = folder / "crowd.ndjson"
    detect, sim = processes.script("txdetect"), processes.script("txsim")
    if not records.exists():
        crowd(records, sim, options.records)
    loop = f"{sys.executable} -c '{LOOP}' < {records}"
    alerts = folder / "conduct-alerts.ndjson"
    ours = f"{detect} --no-stats < {records} > {alerts}"
    mine, theirs = processes.in_turns(ours, loop, 6, cores=1)
    yield {
        "bench": "txdetect, every rule",
        "peer": "bare orjson loop",
        "ratio": round(theirs / mine, 3),
        "ours": round(options.records / mine),
        "theirs": round(options.records / theirs),
        "unit": "1/s",
        "note": f"{options.records:,} records, {accounts(records):,} accounts; wanted {WANTED}",
    }
    yield in_processes(records, detect, options.records)
    yield in_sql(records, alerts, mine, options.records)
    yield from memory(folder, detect)


def in_processes(records, detect, size):
    """Measure --jobs beside one process."""
    command = f"{detect} --no-stats < {records} > /dev/null"
    one, two = processes.in_turns(command, f"{command} --jobs 2", 2)
    return {
        "bench": "txdetect --jobs 2",
        "peer": "txdetect --jobs 1",
        "ratio": round(one / two, 3),
        "ours": round(size / two),
        "theirs": round(size / one),
        "unit": "1/s",
        "note": f"{os.cpu_count()} cores; every process follows every account",
    }


def crowd(path, sim, size):
    """Write the records of several simulated worlds on one chain, block by block in turn: many accounts."""
    each = -(-size // WORLDS)
    worlds = [
        subprocess.Popen([sim, "--seed", str(31 + number), "-n", str(each)], stdout=subprocess.PIPE)
        for number in range(WORLDS)
    ]
    left = size
    with path.open("wb") as file:
        while worlds and left:
            for world in list(worlds):
                block = list(until_block(world.stdout))[:left]
                file.writelines(block)
                left -= len(block)
                if not block:
                    worlds.remove(world)
                    world.wait()


def until_block(lines):
    """Yield lines up to the end of a block."""
    for line in lines:
        yield line
        if line.startswith(b'{"type":"block"'):
            return


def in_sql(records, alerts, mine, size):
    """Measure rules of the same names as SQL, once, on all cores."""
    row = {"bench": "txdetect, every rule", "peer": f"DuckDB windows, {len(windows.RULES)} rules"}
    if not importlib.util.find_spec("duckdb"):
        return row | {"ratio": None, "note": "not installed"}
    out = alerts.with_name("windows-alerts.ndjson")
    start = time.perf_counter()
    peak = processes.peak_bytes(f"{sys.executable} {processes.HERE / 'windows.py'} {records} {out}")
    theirs = time.perf_counter() - start
    ours, found = by_rule(alerts), by_rule(out)
    counts = ", ".join(f"{rule} {ours[rule]}/{found[rule]}" for rule in windows.RULES)
    return row | {
        "ratio": round(theirs / mine, 3),
        "ours": round(size / mine),
        "theirs": round(size / theirs),
        "unit": "1/s",
        "note": f"one run, all cores, no stream, {peak / 1e9:.1f} GB; alerts ours/theirs: {counts}",
    }


def by_rule(path):
    """Count the alerts of each rule."""
    import orjson

    with path.open("rb") as lines:
        return Counter(orjson.loads(line)["rule"] for line in lines)


def accounts(records):
    """Count the distinct addresses that take part in movements."""
    import orjson

    seen = set()
    with records.open("rb") as file:
        for line in file:
            record = orjson.loads(line)
            seen.update((record.get("from"), record.get("to")))
    return len(seen - {None})


def memory(folder, detect):
    """Measure what an account takes: a stream in which every account is new."""
    path = folder / "accounts.ndjson"
    if not path.exists():
        rng = random.Random(5)
        with path.open("w") as file:
            for at in range(ACCOUNTS // 2):
                digits = rng.randbytes(72).hex()
                file.write(
                    f'{{"type":"transfer","chain":"eip155:1","block":{at // 200},'
                    f'"time":{1_760_000_000 + at // 5},"tx":"0x{digits[:64]}","n":0,'
                    f'"from":"0x{digits[64:104]}","to":"0x{digits[104:144]}","asset":"eip155:1/slip44:60",'
                    f'"symbol":"ETH","value":"1000000000000000000","usd":3000.0}}\n'
                )
    peak = processes.peak_bytes(f"{detect} --no-stats < {path} > /dev/null")
    floor = processes.peak_bytes(f"{detect} --no-stats < /dev/null > /dev/null")
    each = (peak - floor) / ACCOUNTS
    yield {
        "bench": "memory an account",
        "peer": "limit",
        "ratio": round(each / MOST_BYTES, 2),
        "ours": round(each),
        "theirs": MOST_BYTES,
        "unit": "bytes",
        "note": f"{ACCOUNTS:,} accounts that moved once, {peak / 1e9:.2f} GB in all",
    }
