"""txdash: alerts at a steady rate into a store while people look; pages and searches; others at the same.

Those who look are two readers of events, two of Socket.IO and one page in Chromium, on the same two cores.
"""

import contextlib
import http.client
import os
import re
import select
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import dash_clients
import peer_envs
import processes

STORED = 50_000
RATE = 5_000
SECONDS = 60
LOOKING_S = 5.0
ALONE = 100_000
PAGE_LIMIT_MS = 200.0
LATE_LIMIT_S = 5.0
PAINT_LIMIT_S = 2.0
MEMORY_LIMIT_MB = 64.0

SQLITE_UTILS = (["sqlite-utils==3.38"],)
LOOP = """
import json, sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("CREATE TABLE alerts (id TEXT PRIMARY KEY, rule, severity, chain, time, subject, line)")
keys = ("id", "rule", "severity", "chain", "time", "subject")
for lines in iter(lambda: sys.stdin.buffer.readlines(1 << 21), []):
    rows = [(*map(json.loads(line).get, keys), line) for line in lines]
    db.executemany("INSERT OR IGNORE INTO alerts VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    db.commit()
"""

_PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0].startTime"

sys.path.append(str(Path(__file__).resolve().parent.parent))


def run(folder, _options):
    with tempfile.TemporaryDirectory(dir=folder) as place:
        yield from alone(Path(place))
        for kind in ("SQLite", "PostgreSQL"):
            with database(kind, Path(place)) as url:
                if url:
                    yield from asked(kind, url())
                    yield from steady(kind, url())


@contextlib.contextmanager
def database(kind, place):
    """Where to store, a new place at each call; None if there is no such server here."""
    if kind == "SQLite":
        names = iter(range(100))
        yield lambda: str(place / f"{next(names)}.db")
        return
    import postgres_kit

    if postgres_kit.BIN is None:
        yield None
        return
    with postgres_kit.Running() as server:
        yield server.database


def forms():
    """Alerts with gaps for their number, as ``%`` fills them."""
    from dash_kit import numbered
    from examples import line

    number = 0x5EED5EED
    for at in range(44):
        rules, severities = ["listed", "velocity", "drain", "mixer"], ["low", "medium", "high", "critical"]
        made = line(numbered(number) | {"rule": rules[at % 4], "severity": severities[at * 7 % 11 % 4]})
        for form in ("064x", "040x", "032x", "d"):
            made = made.replace(format(number, form).encode(), b"%%(n)%b" % form.encode())
        yield made.replace(str(1_760_000_000 + number).encode(), b"%(time)d")


def alert_lines(count, first=0):
    made = list(forms())
    for number in range(first, first + count):
        yield made[number % 44] % {b"n": number, b"time": 1_760_000_000 + number}


def alone(place):
    """Yield what storing alone costs, beside what else one would store the same lines with."""
    lines = place / "lines.ndjson"
    lines.write_bytes(b"".join(alert_lines(ALONE)))

    def cpu(command):
        return processes.timed(f"{command} < {lines} > /dev/null")[1]

    ours = cpu(f"{processes.script('txdash')} --no-stats --listen off --db {place / 'ours.db'}")
    loop = place / "loop.py"
    loop.write_text(LOOP)
    peers = {"loop of json.loads and executemany": f"{sys.executable} {loop} {place / 'loop.db'}"}
    if utils := peer_envs.python("sqlite-utils", SQLITE_UTILS, ["-m", "sqlite_utils", "--version"]):
        insert = f"insert {place / 'utils.db'} alerts - --nl --pk id"
        peers["sqlite-utils insert --nl"] = f"{utils} -m sqlite_utils {insert}"
    for name, command in peers.items():
        theirs = cpu(command)
        yield {
            "bench": f"{ALONE:,} alerts into SQLite, start and end included",
            "peer": name,
            "ratio": round(theirs / ours, 2),
            "ours": round(ALONE / ours),
            "theirs": round(ALONE / theirs),
            "unit": "alerts/CPU s",
            "note": "ours has the search, filters, revisions, counts",
        }


def start(url):
    command = [processes.script("txdash"), "--listen", "127.0.0.1:0", "--stats"]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        bufsize=0,
        env={**os.environ, "TXDASH_DB": url},
    )
    port = int(re.search(rb"http://127\.0\.0\.1:(\d+)/", process.stderr.readline())[1])
    return process, port


def asked(kind, url):
    """Yield how long pages and searches of STORED alerts take, over HTTP."""
    process, port = start(url)
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
        yield row(f"{kind}: p95 of {name}, of {STORED:,}", PAGE_LIMIT_MS, times[94] * 1000, "ms")
    yield from opened(kind, f"http://127.0.0.1:{port}/")
    process.stdin.close()
    process.wait(60)


def opened(kind, url):
    """Yield how long a browser that was never here takes for the page, the slowest of five."""
    import browser_kit

    if browser_kit.CHROMIUM is None:
        return
    painted, filled = [], []
    with browser_kit.Browser() as browser:
        for _ in range(5):
            began = time.perf_counter()
            page = browser.visit(url, wait=".ag-row")
            filled.append(time.perf_counter() - began)
            painted.append(page.evaluate(_PAINTED) / 1000)
    yield row(f"{kind}: first paint of the page, of {STORED:,}", PAINT_LIMIT_S, max(painted), "s")
    yield row(f"{kind}: first alerts on the page, of {STORED:,}", PAINT_LIMIT_S, max(filled), "s")


def ask(connection, path):
    began = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise AssertionError(path, answer.status, body)
    return time.perf_counter() - began, body


def steady(kind, url):
    """Yield what RATE alerts a second for SECONDS do: to the store, to memory, to the pipe, to who looks."""
    process, port = start(url)
    clients = dash_clients.Clients(port)
    memory, waits, delays, sent = [], [], [], []
    stop = threading.Event()
    asking = threading.Thread(target=keep_asking, args=(port, stop, delays))
    asking.start()
    began = time.monotonic()
    for tenth in range(SECONDS * 10):
        first = tenth * RATE // 10
        share = b"".join(alert_lines(RATE // 10, first))
        select.select([], [], [], max(0, began + tenth / 10 - time.monotonic()))
        at = time.monotonic()
        write(process, share)
        waits.append(time.monotonic() - at)
        sent.append((at, first + RATE // 10))
        if tenth % 10 == 9:
            memory.append([resident_mb(each) for each in (process.pid, *children(process.pid))])
    stop.set()
    asking.join()
    late = stored_after(port)
    memory.append([resident_mb(each) for each in (process.pid, *children(process.pid))])
    spent = sum(cpu_s(each) for each in (process.pid, *children(process.pid)))
    select.select([], [], [], 2)
    heard = clients.end()
    process.stdin.close()
    said = process.stderr.read().decode()
    status = process.wait()
    yield from told(kind, said, status, late, memory, waits, delays)
    per_alert = spent / RATE / SECONDS * 1e6
    yield row(f"{kind}: CPU of both processes for an alert, those who look served", 200.0, per_alert, "us")
    yield from reached(kind, heard, sent)


def stored_after(port):
    """Wait until everything is stored; return after how many seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    began = time.monotonic()
    while b'"stored":%d,' % (RATE * SECONDS) not in ask(connection, "/api/v1/health")[1]:
        time.sleep(0.02)
    return time.monotonic() - began


def told(kind, said, status, late, memory, waits, delays):
    """Yield what the load did to store, memory, pipe and pages."""
    stored = int(re.search(r"([\d,]+) alerts", said)[1].replace(",", ""))
    half = (
        [sum(each) for each in memory[: len(memory) // 2]],
        [sum(each) for each in memory[len(memory) // 2 :]],
    )
    yield row(f"{kind}: alerts stored of those sent", RATE * SECONDS, stored, "alerts")
    yield row(f"{kind}: exit status and losses", 1, 1 - status, "of 1")
    yield row(f"{kind}: the last one stored after", LATE_LIMIT_S, late, "s")
    yield row(f"{kind}: memory at half, of both processes", 400.0, max(half[0]), "MB")
    yield row(f"{kind}: memory at the end", 400.0, sum(memory[-1]), "MB")
    yield row(f"{kind}: growth in the second half", MEMORY_LIMIT_MB, max(half[1]) - max(half[0]), "MB")
    yield row(
        f"{kind}: p99 of a write of {RATE // 10} alerts into the pipe",
        100.0,
        percentile(waits, 99) * 1000,
        "ms",
    )
    yield row(f"{kind}: p95 of a page meanwhile", PAGE_LIMIT_MS, percentile(delays, 95) * 1000, "ms")


def reached(kind, heard, sent):
    """Yield when those who look had what was sent, and how much of it."""
    for name, found in heard.items():
        late = dash_clients.delays(found["heard"], sent)
        note = f"{found['count']:,} looks" if "Chromium" in name else f"{found['count']:,} alerts"
        for part in (95, 50):
            value = percentile(late, part) if late else float("inf")
            yield row(f"{kind}: p{part} from pipe to {name}", LOOKING_S, value, "s") | {
                "note": f"{note}, {len(late) * 100 // len(sent)} % of shares seen"
            }


def percentile(values, part):
    return sorted(values)[len(values) * part // 100]


def keep_asking(port, stop, delays):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while not stop.wait(0.1):
        delays.append(ask(connection, "/api/v1/alerts?min_severity=high")[0])


def write(process, data):
    view = memoryview(data)
    while view:
        view = view[process.stdin.write(view) :]


def resident_mb(pid):
    """Memory of a process, in MB."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1000 if found else 0.0


def cpu_s(pid):
    """CPU seconds of a process so far, its own and the system's for it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def children(pid):
    return [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]


def row(name, limit, found, unit):
    ratio = limit / max(found, 0.001) if unit in {"us", "ms", "MB", "s"} else found / limit
    return {
        "bench": name,
        "peer": "limit",
        "ratio": round(ratio, 2),
        "ours": round(found, 2),
        "theirs": float(limit),
        "unit": unit,
    }
