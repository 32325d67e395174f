"""Screening records against a large list: txdetect on one core, peers on all, outputs compared."""

import importlib.util
import json
import sys

import corpus
import peers
import processes

HITS = 0.001


def run(folder, options):
    blocklist = corpus.listed(folder, options.list_size)
    records = corpus.transfers(folder, options.records, options.list_size, HITS)
    index, ours = folder / "list.txindex", folder / "ours.ndjson"
    processes.timed([processes.script("txlist"), "compile", str(blocklist), "-o", str(index)])
    command = f"{processes.script('txdetect')} --only listed,mention --list {index} < {records} > {ours}"
    seconds = processes.best(command, times=2, cores=1)
    expected = keys(ours, alert=True)
    work = f"{records.stat().st_size / 1e6:,.0f} MB, {len(expected):,} hits"
    cached = processes.best(command.replace(str(index), str(blocklist)), times=2, cores=1)
    yield row("text list, cached", seconds, cached, work)
    for name, times, peer in commands(folder, records, blocklist):
        out = folder / "theirs.ndjson"
        if peer is None:
            yield {"bench": "screen", "peer": name, "ratio": None, "note": "not installed"}
            continue
        mine, theirs = processes.in_turns(command, peer, times)
        found = keys(out)
        if found != expected:
            raise RuntimeError(f"{name} found {len(found)} records, txdetect {len(expected)}: not the same")
        yield row(name, mine, theirs, work)


def row(name, ours, theirs, note):
    return {
        "bench": "screen",
        "peer": name,
        "ratio": round(theirs / ours, 2),
        "ours": round(ours, 3),
        "theirs": round(theirs, 3),
        "unit": "s",
        "note": note,
    }


def commands(folder, records, blocklist):
    """Yield (name, runs, command or None) of every peer."""
    out = folder / "theirs.ndjson"
    for name in peers.LIBRARIES:
        package = {"python orjson + set": "orjson"}.get(name, name.split(",")[0])
        command = [
            sys.executable,
            str(processes.HERE / "peers.py"),
            name,
            str(records),
            str(blocklist),
            str(out),
        ]
        slow = package == "orjson"
        yield name, 1 if slow else 5, command if importlib.util.find_spec(package) else None
    for name, text in peers.COMMANDS.items():
        command = text.format(records=records, list=blocklist, out=out)
        yield name, 1, command if processes.installed(command) else None


def keys(path, *, alert=False):
    """Return the (tx, n) of every record in an output."""
    with path.open() as lines:
        found = [json.loads(line) for line in lines]
    return {
        (each["record"]["tx"], each["record"]["n"]) if alert else (each["tx"], each["n"]) for each in found
    }
