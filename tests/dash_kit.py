"""Alerts for the dashboard's tests: as many as one likes, different, the same every time."""

import contextlib
import http.client
import os
import random
import re
import select
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import orjson

from examples import ALERT, TRANSFER, line

NODES = Path(__file__).resolve().parent / "nodes"
SOCKETS = shutil.which("node") is not None and (NODES / "node_modules" / "socket.io-client").is_dir()
SEVERITIES = ("info", "low", "medium", "high", "critical")


def numbered(number):
    """The alert of a number: its own id, transaction, subject and time."""
    tx = f"0x{number:064x}"
    return ALERT | {
        "id": f"{number:032x}",
        "tx": tx,
        "time": 1_760_000_000 + number,
        "subject": f"0x{number:040x}",
        "title": f"Pays wallet number {number}",
        "record": ALERT["record"] | {"tx": tx, "from": f"0x{number:040x}"},
    }


def alerts_like(count, seed=7):
    """Alerts that differ in everything that one filters by."""
    rng = random.Random(seed)
    for number in range(count):
        made = numbered(number) | {
            "severity": rng.choice(SEVERITIES),
            "rule": rng.choice(["listed", "velocity", "drain", "mixer"]),
            "category": rng.choice(["scam", "theft", "sanctions"]),
            "status": rng.choice(["open", "updated", "retracted"]),
            "chain": rng.choice(["eip155:1", "eip155:137"]),
            "subject": f"0x{number % 13:040x}",
            "incident": f"{number % 11:032x}",
        }
        yield made | {"shadow": True} if number % 17 == 0 else made


def users(folder, role):
    """Make a users file in which Ann has a role and the password "correct horse"; return its name."""
    made = subprocess.run(
        [Path(sys.executable).parent / "txdash", "--hash-password"],
        input=b"correct horse",
        capture_output=True,
        check=True,
        timeout=60,
    )
    (folder / "users").write_text(f"# who\nann {role} {made.stdout.decode()}")
    return "users"


HEIST = "0x" + "7" * 40
TAINTED_ONE, NEXT, HONEST, PAYER = (f"0x{digit * 40}" for digit in "abcd")


def tainted_state(folder):
    """A real txdetect's state: HEIST paid TAINTED_ONE 8,000 USD, half went on to NEXT; PAYER paid HONEST."""
    (folder / "my.csv").write_text(f"# date: 2026-03-04\naddress,category,label\n{HEIST},theft,Heist\n")
    paid = ((HEIST, TAINTED_ONE, 8000.0), (TAINTED_ONE, NEXT, 4000.0), (PAYER, HONEST, 500.0))
    records = [
        TRANSFER
        | {"block": number, "time": 1_760_000_000 + 12 * number, "tx": f"0x{number:064x}"}
        | {"from": source, "to": to, "usd": usd}
        for number, (source, to, usd) in enumerate(paid, 100)
    ]
    command = [Path(sys.executable).parent / "txdetect", "--list", "my.csv", "--state", "S"]
    data = b"".join(map(line, records))
    subprocess.run(command, input=data, cwd=folder, stdout=subprocess.DEVNULL, timeout=60, check=True)
    return folder / "S"


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self):
        self.now = 1_800_000_000.0

    def __call__(self):
        return self.now


def taken(*records):
    """What the store takes for some records."""
    return [(orjson.dumps(record), record) for record in records]


def ids(page):
    """The ids of a page's alerts."""
    return [each.alert["id"] for each in page.alerts]


def passes(alert, wanted):
    """Whether an alert passes a filter, words left out, as one would find out by looking."""
    columns = {
        "severities": "severity",
        "rules": "rule",
        "chains": "chain",
        "statuses": "status",
        "categories": "category",
    }
    for name, key in columns.items():
        if getattr(wanted, name) and alert[key] not in getattr(wanted, name):
            return False
    for name in ("subject", "tx", "incident"):
        if getattr(wanted, name) and alert[name] != getattr(wanted, name):
            return False
    if wanted.address and wanted.address.encode() not in orjson.dumps(alert):
        return False
    if wanted.shadow is not None and alert.get("shadow", False) != wanted.shadow:
        return False
    return (wanted.since or 0) <= alert["time"] < (wanted.until or 2**60)


class Dash:
    """A real txdash with its input open; use it in a ``with``.

    Attributes:
        url: where it serves; "" if it does not.
        process: the command.
    """

    def __init__(self, *args, env=None, output=subprocess.PIPE):
        self._args = args
        self._env = {**os.environ, **(env or {})}
        self._output = output

    def __enter__(self):
        self.process = subprocess.Popen(
            [str(Path(sys.executable).parent / "txdash"), "--no-stats", *self._args],
            stdin=subprocess.PIPE,
            stdout=self._output,
            stderr=subprocess.PIPE,
            env=self._env,
            bufsize=0,
        )
        self.said = []
        self._news = threading.Condition()
        self._ear = threading.Thread(target=self._listen, daemon=True)
        self._ear.start()
        self.url = ""
        if "off" not in self._args:
            self.url = self.heard(r"http://\S+/")[0].rstrip("/")
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            if not self.process.stdin.closed:
                self.process.stdin.close()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise
        self._ear.join(10)
        for stream in (self.process.stdout, self.process.stderr, self.process.stdin):
            if stream is not None:
                stream.close()
        said = "".join(self.said)
        assert kind is not None or "Traceback" not in said, said

    def _listen(self):
        for said in self.process.stderr:
            with self._news:
                self.said.append(said.decode())
                self._news.notify_all()

    def heard(self, pattern, seconds=30):
        """Wait until something is said on stderr; return the match."""
        with self._news:
            assert self._news.wait_for(
                lambda: re.search(pattern, "".join(self.said)) or self.process.poll() is not None, seconds
            ), f"nothing like {pattern} in {self.said}"
            match = re.search(pattern, "".join(self.said))
            assert match, f"ended with {self.process.poll()}: {self.said}"
            return match

    def feed(self, *records):
        """Write records into it."""
        self.write(b"".join(line(record) for record in records))

    def write(self, data):
        view = memoryview(data)
        while view:
            view = view[self.process.stdin.write(view) :]

    def end(self, seconds=60):
        """End the input; return status and what was said."""
        self.process.stdin.close()
        status = self.process.wait(seconds)
        self._ear.join(10)
        return status, "".join(self.said)

    def child(self):
        """The process id of the dashboard behind the pipe."""
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            with contextlib.suppress(OSError):  # a thread may end while one looks
                if found := (task / "children").read_text().split():
                    return int(found[0])
        return None

    def ask(self, path, method="GET", json=None, headers=None, expect=200):
        """Ask the API; return the parsed answer."""
        data = None if json is None else orjson.dumps(json)
        given = {**({"content-type": "application/json"} if data else {}), **(headers or {})}
        status, _, body = self.raw(path, method, data, given)
        assert status == expect, (status, body)
        return orjson.loads(body)

    def raw(self, path, method="GET", body=None, headers=None):
        """Ask anything; return status, headers and body."""
        host, port = self.url.removeprefix("http://").rsplit(":", 1)
        connection = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def until(self, path, condition, seconds=30):
        """Ask until the answer is as it should be; return it."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.ask(path)
            if condition(found):
                return found
            assert time.monotonic() < deadline, f"{path} never came to that: {str(found)[:500]}"
            select.select([], [], [], 0.02)


def stored_lines(path):
    """Every revision in an SQLite store, in the order of arrival; none where there is no store yet."""
    if not Path(path).exists():
        return []
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)
    try:
        return [bytes(row[0]) for row in connection.execute("SELECT line FROM revisions ORDER BY seq")]
    except sqlite3.OperationalError as exc:
        if "no such table" in str(exc):
            return []
        raise
    finally:
        connection.close()


class Events:
    """A reader of server-sent events, as browsers are; use it in a ``with``."""

    def __init__(self, dash, after=None, headers=None):
        self._dash = dash
        self._headers = {**(headers or {}), **({"last-event-id": str(after)} if after is not None else {})}

    def __enter__(self):
        host, port = self._dash.url.removeprefix("http://").rsplit(":", 1)
        self.connection = http.client.HTTPConnection(host, int(port), timeout=30)
        self.connection.request("GET", "/api/v1/events", headers=self._headers)
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200, self.answer.read()
        return self

    def __exit__(self, *_):
        self.connection.close()

    def __iter__(self):
        event = {}
        for raw in self.answer:
            text = raw.decode().rstrip("\n")
            if text and not text.startswith(":"):
                key, _, value = text.partition(": ")
                event[key] = value
            elif event.get("data"):
                yield event
                event = {}


class Subscriber:
    """The stock Socket.IO client in node; use it in a ``with``."""

    def __init__(self, dash, **wanted):
        self._wanted = {"url": dash.url, **wanted}

    def __enter__(self):
        self.process = subprocess.Popen(
            ["node", "subscribe.mjs", orjson.dumps(self._wanted).decode()], cwd=NODES, stdout=subprocess.PIPE
        )
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def heard(self, key, seconds=60):
        """Wait until it says something of a kind; return that."""
        deadline = time.monotonic() + seconds
        while True:
            left = deadline - time.monotonic()
            ready = select.select([self.process.stdout], [], [], max(left, 0))[0]
            assert ready, f"never said {key}"
            said = self.process.stdout.readline()
            assert said, f"ended without {key}"
            found = orjson.loads(said)
            if key in found:
                return found
