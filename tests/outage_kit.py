"""An outage: alerts come while their receivers are down, then these are back; what they see is counted."""

import json
import os
import select
import subprocess
import threading
import time
from collections import Counter
from dataclasses import dataclass

from conftest import script
from examples import ALERT, line
from receiver_kit import TAKEN, Hook

MOST_MESSAGES = 20
"""Messages to people in an hour, as the route file has it."""

ROUTES = """
[receivers.soc]
url = "{soc}"
[receivers.chat]
url = "{chat}"
group = ["incident"]
limit = "{most}/1h"
[[routes]]
to = ["soc", "chat"]
"""


class Service:
    """A web service that is down at first, and then allows so many requests in a second (429 beyond)."""

    def __init__(self, most_a_second):
        self._most = most_a_second
        self._lock = threading.Lock()
        self.is_up = False
        self.down = 0
        self.seconds = Counter()
        self.refused = 0

    def answer(self, _request):
        with self._lock:
            if not self.is_up:
                self.down += 1
                return 503
            second = int(time.monotonic())
            self.seconds[second] += 1
            if self._most is None or self.seconds[second] <= self._most:
                return TAKEN
            self.refused += 1
            return 429, {"retry-after": "1"}


@dataclass(frozen=True)
class Outage:
    """What was seen of one.

    Attributes:
        status: of txalert.
        intake_s: seconds until stdout had all alerts, with all receivers down.
        drain_s: seconds from the return of the receivers until a webhook had them all.
        down: requests while it was down.
        refused: requests after that beyond what it allows.
        peak: most requests in a second.
        lost: alerts that it never had.
        repeated: alerts that it had twice.
        messages: to people in that time.
        last: title of the message at the end of input, which brings the rest.
        told: alerts that all messages are about.
    """

    status: int
    intake_s: float
    drain_s: float
    down: int
    refused: int
    peak: int
    lost: int
    repeated: int
    messages: int
    last: str
    told: int


def play(folder, alerts, incidents, most_a_second):
    """Let so many alerts of so many incidents come during an outage; return what became of them."""
    soc, chat = Service(most_a_second), Service(None)
    with Hook(soc.answer) as hook, Hook(chat.answer) as people:
        text = ROUTES.format(soc=hook.url, chat=people.url.replace("http", "json", 1), most=MOST_MESSAGES)
        (folder / "routes.toml").write_text(text)
        args = ["--routes", "routes.toml", "--spool", "spool", "--retry", "1", "--drain", "600"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        began = time.monotonic()
        with subprocess.Popen([script("txalert"), *args], cwd=folder, **pipes) as process:
            data = b"".join(_alert(number, f"i{number % incidents}") for number in range(alerts))
            feeder = threading.Thread(target=_fed, args=(process.stdin, data))
            feeder.start()
            _read(process.stdout.fileno(), alerts)
            intake_s, began = time.monotonic() - began, time.monotonic()
            feeder.join()
            soc.is_up = chat.is_up = True
            wanted = {f"{number:032x}:0" for number in range(alerts)}
            hook.wait(lambda hook: len(hook.taken) >= alerts and wanted <= set(hook.taken), 600)
            drain_s = time.monotonic() - began
            people.wait(lambda people: len(people.taken) >= MOST_MESSAGES, 60)
            messages = len(people.taken)
            process.stdin.close()
            process.stdout.read()
        taken = Counter(hook.taken)
        told = [json.loads(got.body) for got in people.got[chat.down :]]
    return Outage(
        process.returncode,
        intake_s,
        drain_s,
        soc.down,
        soc.refused,
        max(soc.seconds.values()),
        len(wanted - taken.keys()),
        sum(taken.values()) - len(taken),
        messages,
        told[-1]["title"],
        sum(_about(one["title"]) for one in told),
    )


def _alert(number, incident):
    return line(ALERT, id=f"{number:032x}", incident=incident)


def _about(title):
    """How many alerts a message is about."""
    words = title.split()
    return int(words[0].replace(",", "")) if words[1].startswith("alerts") else 1


def _fed(pipe, data):
    pipe.write(data)
    pipe.flush()


def _read(fd, lines, seconds=300):
    """Read so many lines."""
    deadline = time.monotonic() + seconds
    while lines > 0:
        assert select.select([fd], [], [], deadline - time.monotonic())[0], f"{lines} lines did not come"
        lines -= os.read(fd, 1 << 20).count(b"\n")
