"""txdash: alerts at a steady rate into a store that is asked meanwhile; pages and searches of many."""

import http.client
import re
import select
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import processes

STORED = 50_000
RATE = 5_000
SECONDS = 60
PAGE_LIMIT_MS = 200.0
MEMORY_LIMIT_MB = 64.0

sys.path.append(str(Path(__file__).resolve().parent.parent))


def run(folder, _options):
    with tempfile.TemporaryDirectory(dir=folder) as place:
        yield from asked(Path(place))
        yield from steady(Path(place))


def alert_lines(count, first=0):
    from dash_kit import numbered
    from examples import line

    rules = ["listed", "velocity", "drain", "mixer"]
    severities = ["low", "medium", "high", "critical"]
    for number in range(first, first + count):
        kinds = {"rule": rules[number % 4], "severity": severities[number * 7 % 11 % 4]}
        yield line(numbered(number) | kinds)


def start(place, name):
    command = [processes.script("txdash"), "--listen", "127.0.0.1:0", "--db", str(place / name), "--stats"]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, bufsize=0
    )
    port = int(re.search(rb"http://127\.0\.0\.1:(\d+)/", process.stderr.readline())[1])
    return process, port


def asked(place):
    """Yield how long pages and searches of STORED alerts take, over HTTP."""
    process, port = start(place, "asked.db")
    for part in alert_lines(STORED):
        write(process, part)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while ask(connection, "/api/v1/health")[1].count(b'"stored":50000') == 0:
        time.sleep(0.1)
    paths = {
        "a page, walking": lambda at: f"/api/v1/alerts?cursor={STORED - 400 * at}",
        "a page of one rule and severity": lambda at: (
            f"/api/v1/alerts?rule=drain&severity=high&cursor={STORED - at}"
        ),
        "a page of high and critical": lambda at: f"/api/v1/alerts?min_severity=high&cursor={STORED - at}",
        "a page of a time": lambda at: (
            f"/api/v1/alerts?since={1_760_000_000 + at}&until={1_760_000_100 + at}"
        ),
        "a search, rare": lambda at: f"/api/v1/alerts?q=0x{at * 97:040x}",
        "a search, frequent": lambda at: f"/api/v1/alerts?q=wallet+pays&cursor={STORED - at}",
        "a search for nothing": lambda at: f"/api/v1/alerts?q=nothing{at}",
        "an address": lambda at: f"/api/v1/alerts?address=0x{at * 31:040x}",
        "an alert": lambda at: f"/api/v1/alerts/{at * 53:032x}",
    }
    for name, path in paths.items():
        times = sorted(ask(connection, path(at))[0] for at in range(1, 101))
        yield row(f"p95 of {name}, of {STORED:,}", PAGE_LIMIT_MS, times[94] * 1000, "ms")
    process.stdin.close()
    process.wait(60)


def ask(connection, path):
    began = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise AssertionError(path, answer.status, body)
    return time.perf_counter() - began, body


def steady(place):
    """Yield what RATE alerts a second for SECONDS do: to the store, to memory, to the pipe."""
    process, port = start(place, "steady.db")
    lines = list(alert_lines(RATE))
    memory, waits, delays = [], [], []
    stop = threading.Event()
    asking = threading.Thread(target=keep_asking, args=(port, stop, delays))
    asking.start()
    began = time.monotonic()
    for second in range(SECONDS):
        for tenth in range(10):
            share = b"".join(
                each.replace(b'"id":"0000', b'"id":"%04x' % second, 1)
                for each in lines[tenth * RATE // 10 : (tenth + 1) * RATE // 10]
            )
            at = time.perf_counter()
            write(process, share)
            waits.append(time.perf_counter() - at)
            select.select([], [], [], max(0, began + second + (tenth + 1) / 10 - time.monotonic()))
        memory.append(resident_mb(process.pid))
    stop.set()
    asking.join()
    process.stdin.close()
    said = process.stderr.read().decode()
    status = process.wait()
    stored = int(re.search(r"([\d,]+) alerts", said)[1].replace(",", ""))
    seconds = time.monotonic() - began
    yield row("alerts stored of those sent", RATE * SECONDS, stored, "alerts")
    yield row("exit status and losses", 1, 1 - status, "of 1")
    yield row("alerts/s, the last one stored", RATE, stored / seconds, "alerts/s")
    half = len(memory) // 2
    yield row(
        "growth of memory in the second half", MEMORY_LIMIT_MB, max(memory[half:]) - max(memory[:half]), "MB"
    )
    yield row("memory of both processes", 400.0, max(memory), "MB")
    yield row(
        "p99 of a write of 500 alerts into the pipe",
        100.0,
        sorted(waits)[len(waits) * 99 // 100] * 1000,
        "ms",
    )
    yield row("p95 of a page meanwhile", PAGE_LIMIT_MS, sorted(delays)[len(delays) * 95 // 100] * 1000, "ms")


def keep_asking(port, stop, delays):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while not stop.wait(0.1):
        delays.append(ask(connection, "/api/v1/alerts?min_severity=high")[0])


def write(process, data):
    view = memoryview(data)
    while view:
        view = view[process.stdin.write(view) :]


def resident_mb(pid):
    """Memory of a process and its children, in MB."""
    total = 0
    for each in (pid, *children(pid)):
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{each}/status").read_text())
        total += int(found[1]) if found else 0
    return total / 1000


def children(pid):
    return [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]


def row(name, limit, found, unit):
    ratio = limit / max(found, 0.001) if unit in {"ms", "MB"} else found / limit
    return {
        "bench": name,
        "peer": "limit",
        "ratio": round(ratio, 2),
        "ours": round(found, 1),
        "theirs": float(limit),
        "unit": unit,
    }
