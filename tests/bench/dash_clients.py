"""Who looks at txdash while it is under load, each in a process of its own, and when they had heard what."""

import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
NODES = TESTS / "nodes"
EVERY_S = 0.25

sys.path.append(str(TESTS))


class Clients:
    """Two readers of events, two of Socket.IO (one has batches), and a page in Chromium."""

    def __init__(self, port):
        import dash_kit
        from browser_kit import CHROMIUM

        url = f"http://127.0.0.1:{port}"
        commands = {f"SSE {each}": [sys.executable, __file__, "events", url] for each in (1, 2)}
        if dash_kit.SOCKETS:
            for name, batch in (("Socket.IO", False), ("Socket.IO, batches", True)):
                wanted = json.dumps({"url": url, "batch": batch})
                commands[name] = ["node", str(NODES / "follow.mjs"), wanted]
        if CHROMIUM:
            commands["page in Chromium"] = [sys.executable, __file__, "page", url]
        self.processes = {
            name: subprocess.Popen(command, cwd=NODES, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            for name, command in commands.items()
        }
        for each in self.processes.values():
            each.stderr.readline()  # it is there

    def end(self):
        """End them; return how many alerts each has heard, and [seconds, number of the last] in order."""
        for each in self.processes.values():
            each.send_signal(signal.SIGTERM)
        return {name: json.loads(each.communicate(timeout=60)[0]) for name, each in self.processes.items()}


def delays(heard, sent):
    """How late each share of what was sent was heard, in seconds.

    Args:
        heard: [seconds, number of the last] in order.
        sent: the same of the sender, a share after another.
    """
    found, at = [], 0
    for when, number in sent:
        while at < len(heard) and heard[at][1] < number:
            at += 1
        if at < len(heard):
            found.append(heard[at][0] - when)
    return found


def events(url):
    """Read server-sent events as they come; what is in them is a browser's business."""
    host, port = url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)))
    connection.sendall(b"GET /api/v1/events HTTP/1.1\r\nhost: %b\r\n\r\n" % host.encode())
    heard, count, rest = [], 0, b""
    try:
        while got := connection.recv(1 << 20):
            if not heard and not count:
                print("connected", file=sys.stderr, flush=True)
                heard.append((time.monotonic(), 0))
            data = rest + got
            cut = data.rfind(b"\n\n") + 1
            whole, rest = data[:cut], data[cut:]
            if numbers := re.findall(rb"^id: (\d+)$", whole, re.MULTILINE):
                count += len(numbers)
                heard.append((time.monotonic(), int(numbers[-1])))
    finally:
        print(json.dumps({"count": count, "heard": heard}), flush=True)


def page(url):
    """Look at the first page; the newest title in it says how far it is."""
    import browser_kit

    heard = []
    with browser_kit.Browser() as browser:
        shown = browser.visit(url, wait="#counters")
        print("connected", file=sys.stderr, flush=True)
        try:
            while True:
                numbers = [re.search(r"number (\d+)", each) for each in browser_kit.titles(shown)]
                if found := [int(each[1]) + 1 for each in numbers if each]:
                    heard.append((time.monotonic(), max(found)))
                shown.wait_for_timeout(EVERY_S * 1000)
        finally:
            print(json.dumps({"count": len(heard), "heard": heard}), flush=True)


def ended(*_):
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, ended)
    with contextlib.suppress(KeyboardInterrupt):
        {"events": events, "page": page}[sys.argv[1]](sys.argv[2])
