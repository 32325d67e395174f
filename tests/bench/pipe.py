"""Records a second: the simulator, the three-command pipe and its stages, beside a bare orjson loop."""

import sys

import processes

LOOP = "import sys, orjson\nfor line in sys.stdin.buffer: orjson.loads(line)"
RECORDS = 1_000_000
WANTED = {"txsim": 200_000, "txsim | txdetect | txalert": 100_000}


def run(folder, options):
    count = min(RECORDS, options.records)
    records, alerts, demo = folder / "simulated.ndjson", folder / "alerts.ndjson", folder / "demo.csv"
    sim, detect, alert = (processes.script(name) for name in ("txsim", "txdetect", "txalert"))
    processes.timed(f"{sim} --write-list {demo}")
    make = f"{sim} --seed 7 --records {count}"
    yield rate("txsim", count, processes.best(f"{make} > /dev/null", cores=1), None)
    processes.timed(f"{make} > {records}")
    loop = processes.best(f"{sys.executable} -c '{LOOP}' < {records}", cores=1)
    screen = f"{detect} --list {demo}"
    yield rate("txdetect", count, processes.best(f"{screen} < {records} > {alerts}", cores=1), loop)
    yield rate(
        "txdetect --strict", count, processes.best(f"{screen} --strict < {records} > {alerts}", cores=1), loop
    )
    several = count // 10
    processes.timed(f"{detect} --list {demo} < {records} > {alerts}")
    with alerts.open("rb") as file:
        lines = file.readlines()
    many = folder / "many-alerts.ndjson"
    many.write_bytes(b"".join(lines[at % len(lines)] for at in range(several)))
    yield rate("txalert", several, processes.best(f"{alert} < {many} > /dev/null", cores=1), None)
    whole = processes.best(f"{make} | {screen} | {alert} > /dev/null", cores=2)
    yield rate("txsim | txdetect | txalert", count, whole, None)


def rate(bench, count, seconds, loop):
    wanted = WANTED.get(bench)
    ours = count / seconds
    theirs = count / loop if loop else wanted
    return {
        "bench": bench,
        "peer": "bare orjson loop" if loop else "wanted" if wanted else None,
        "ratio": round(ours / theirs, 2) if theirs else None,
        "ours": round(ours),
        "theirs": round(theirs) if theirs else None,
        "unit": "1/s",
        "note": f"{count:,} records",
    }
