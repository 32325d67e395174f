"""One record's way through an idle txdetect: from the write to its alert, beside jq --unbuffered."""

import json
import os
import shutil
import subprocess
import time

import corpus
import processes

ROUNDS = 2000
PAUSE_S = 0.001
LIMIT_MS = 5.0


def run(folder, _options):
    bad = corpus.addresses(1, 1000)
    blocklist = folder / "small.txt"
    blocklist.write_text("\n".join(bad) + "\n")
    ours = waits([processes.script("txdetect"), "--list", f"category=scam:{blocklist}"], bad)
    yield report("limit", ours, LIMIT_MS)
    if shutil.which("jq"):
        listed = json.dumps(dict.fromkeys(bad, True))
        peer = waits(["jq", "-c", "--unbuffered", "--argjson", "set", listed, "select($set[.to])"], bad)
        yield report("jq --unbuffered", ours, percentile(peer, 99))


def waits(command, bad):
    """Return milliseconds from each record's write to its alert's newline, one at a time."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    found = []
    for number in range(ROUNDS):
        record = corpus.TRANSFER % (
            1,
            1_760_000_000,
            f"{number:064x}",
            "0x" + "ab" * 20,
            bad[number % 1000],
            1,
        )
        start = time.perf_counter()
        os.write(process.stdin.fileno(), record.encode())
        got = b""
        while not got.endswith(b"\n"):
            got += os.read(process.stdout.fileno(), 1 << 16)
        found.append((time.perf_counter() - start) * 1000)
        time.sleep(PAUSE_S)
    process.stdin.close()
    process.wait()
    return sorted(found[10:])


def percentile(values, percent):
    return values[min(len(values) - 1, len(values) * percent // 100)]


def report(peer, ours, theirs):
    p50, p99 = percentile(ours, 50), percentile(ours, 99)
    return {
        "bench": "one record's alert, p99",
        "peer": peer,
        "ratio": round(theirs / p99, 2),
        "ours": round(p99, 3),
        "theirs": round(theirs, 3),
        "unit": "ms",
        "note": f"p50 {p50:.3f} ms, idle pipe, {ROUNDS:,} records",
    }
