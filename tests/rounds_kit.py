"""txtail | txdetect on a real node that is reorganised, cut off and killed at random, round by round."""

import json
import random
import signal
import subprocess
import time
from contextlib import ExitStack
from dataclasses import dataclass

from conftest import script
from node_kit import Anvil
from proxy_kit import Proxy, Refusal

DEEPEST = 20
"""Blocks that a reorg takes back at most."""

BACK = 32
"""Blocks that a cursor is behind the newest at most where something is killed. It begins again there, and may
have to take back 20 blocks more: fewer than the 64 that txdetect undoes."""

PATIENCE_S = 60
SETTLED_S = 1.5
WALLETS = [f"0x{number:040x}" for number in range(0xA11CE, 0xA11CE + 12)]
LISTED = WALLETS[:4]
CUT = Refusal(200, b'{"jsonrpc":"2.0",', content_length="1000")


WAYS = {
    "--cursor": lambda state: ["--cursor", state.with_name("cursor"), "--behind", "1.5s"],
    "--ack": lambda state: ["--ack", f"{state}.pos"],
}
"""How txtail knows where to go on: its options, by the state file of txdetect."""

EVERY_S = {"--behind": ("0", "0"), "--ack": ("0", "1.5")}
"""Seconds between saves of the state, in turns: a cursor must stay back by the time between two of them."""


@dataclass
class Result:
    """What came of the rounds.

    Attributes:
        kinds: rounds by what happened in them.
        expected: ids of the alerts of an undisturbed follow of the final chain.
        lost: of them, those that are not open in the end.
        stale: ids that are open in the end and none of them.
        doubled: retractions of an id that was retracted already.
        retracted: ids that were retracted at some time.
        reorgs: that the node made.
        failures: what a command ended with that nobody had killed.
    """

    kinds: dict
    expected: set
    lost: set
    stale: set
    doubled: list
    retracted: set
    reorgs: int
    failures: list
    seconds: float

    @property
    def is_clean(self):
        return not (self.lost or self.stale or self.doubled or self.failures)


class Endpoint(Proxy):
    """A node as a bad line shows it: cut off for some answers, or some blocks behind."""

    def __init__(self, port):
        super().__init__(port, self._changed)
        self.cut = 0
        self.behind = 0

    def _changed(self, method, params, answer):
        if self.cut:
            self.cut -= 1
            return CUT
        found = answer.get("result")
        if self.behind and method == "eth_getBlockByNumber" and params[0] == "latest" and found:
            older = max(0, int(found["number"], 16) - self.behind)
            return self.asked_of_node("eth_getBlockByNumber", hex(older), False)
        return answer

    def asked_of_node(self, method, *params):
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return json.loads(self.node_says(json.dumps(call).encode()))


class Pipeline:
    """txtail | txdetect, started again and again; every txdetect writes into a file of its own."""

    def __init__(self, folder, urls, resume):
        self.folder = folder
        self.state = folder / "state"
        self.outs = []
        self.failures = []
        rpc = [part for url in urls for part in ("--rpc", url)]
        self._tail = [script("txtail"), *rpc, "--from", "0", "--poll", "0.05", *resume]
        (folder / "list.txt").write_text("".join(f"{one}\n" for one in LISTED))
        self._detect = [script("txdetect"), "--no-stats", "--list", f"category=scam:{folder / 'list.txt'}"]

    def start(self):
        self.outs.append(self.folder / f"alerts.{len(self.outs)}")
        every_s = EVERY_S[self._tail[-2]][len(self.outs) % 2]
        kept = ["--state", str(self.state), "--state-every", every_s]
        with self.outs[-1].open("wb") as out, (self.folder / "err").open("ab") as err:
            self.tail = subprocess.Popen(list(map(str, self._tail)), stdout=subprocess.PIPE, stderr=err)
            self.detect = subprocess.Popen(
                [*self._detect, *kept], stdin=self.tail.stdout, stdout=out, stderr=err
            )
        self.tail.stdout.close()

    def kill(self, *names):
        """Send SIGKILL to one or both; wait for the ends of both."""
        for name in names:
            getattr(self, name).send_signal(signal.SIGKILL)
        self._ended("tail", {-signal.SIGKILL} if "tail" in names else {141})
        # What was cut in the midst of a line is a bad line to the one that reads on.
        self._ended("detect", {-signal.SIGKILL} if "detect" in names else {0, 1})

    def stop(self):
        """End txtail with Ctrl-C, and txdetect by the end of its input."""
        self.tail.send_signal(signal.SIGINT)
        self._ended("tail", {130})
        self._ended("detect", {0})

    def _ended(self, name, statuses):
        process = getattr(self, name)
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.returncode not in statuses:
            self.failures.append(f"{name} ended with {process.returncode}")

    def place(self):
        """The height and hash that txdetect has saved."""
        try:
            said = json.loads(self.state.with_name("state.pos").read_bytes())["eip155:1"]
        except (FileNotFoundError, KeyError):
            return None, None
        return said["block"], said["hash"]

    def catches_up(self, node):
        """Wait until the state is of the node's newest block; whether that came about.

        A state is saved where a block ends and enough time is over, so that further blocks are needed.
        """
        deadline = time.monotonic() + PATIENCE_S
        while not self.is_at(node.block(), 0.5):
            if time.monotonic() > deadline or {self.tail.poll(), self.detect.poll()} != {None}:
                self.failures.append(f"at {self.place()} after all: {self.said()}")
                return False
            node.mine()
        return True

    def is_at(self, head, seconds):
        """Wait so long, or until the state is of a block; whether it is."""
        wanted, end = (int(head["number"], 16), head["hash"]), time.monotonic() + seconds
        while (here := self.place() == wanted) is False and time.monotonic() < end:
            time.sleep(0.02)
        return here

    def is_near(self, height):
        """Wait until a cursor, if there is one, is not too far behind a height; whether that came about."""
        path, deadline = self.folder / "cursor", time.monotonic() + PATIENCE_S
        while path.exists() and json.loads(path.read_bytes())["at"] < height - BACK:
            if time.monotonic() > deadline or {self.tail.poll(), self.detect.poll()} != {None}:
                return False
            time.sleep(0.02)
        return True

    def said(self):
        return (self.folder / "err").read_text()[-2000:]

    def expected(self, url):
        """The ids that the chain as it is gives, followed without a break."""
        tail = subprocess.Popen(
            [script("txtail"), "--rpc", url, "--from", "0", "--no-follow"], stdout=subprocess.PIPE
        )
        done = subprocess.run(self._detect, stdin=tail.stdout, capture_output=True, timeout=600, check=True)
        tail.stdout.close()
        if tail.wait(PATIENCE_S):
            raise RuntimeError(f"an undisturbed txtail ended with {tail.returncode}")
        return {json.loads(line)["id"] for line in done.stdout.splitlines()}

    def alerts(self):
        """All alerts in the order in which they were written; the line that a kill cut is none."""
        for out in self.outs:
            for line in out.read_bytes().splitlines(keepends=True):
                if line.endswith(b"\n"):
                    yield json.loads(line)


class Rounds:
    """A chain, its two endpoints, and what happens to them."""

    def __init__(self, folder, seed, resume, stack):
        self.rng = random.Random(seed)
        self.node = stack.enter_context(Anvil(state=folder / "anvil.json", save_s=100_000))
        self.near, self.far = (stack.enter_context(Endpoint(self.node.port)) for _ in range(2))
        self.pipe = Pipeline(folder, [self.near.url, self.far.url], resume)
        self.reorgs = 0
        self.kinds = {}
        self._loaded = 0
        for wallet in WALLETS:
            self.node.fund(wallet, 10**24)

    def play(self):
        """One round: payments, something bad at a random moment, more payments."""
        self.pay(self.rng.randint(1, 3))
        bad = self.rng.choice([
            *(self.tail_killed, self.detect_killed, self.both_killed, self.reorganised, self.reorganised),
            *(self.cut_off, self.node_killed, self.lags),
        ])  # fmt: skip
        self.kinds[bad.__name__] = self.kinds.get(bad.__name__, 0) + 1
        if self.rng.random() < 0.7:
            self.pipe.is_at(self.node.block(), SETTLED_S)  # so that there is something to take back
        bad()
        self.pay(self.rng.randint(0, 2))

    def pay(self, blocks):
        """Mine blocks with payments, among which some of listed wallets."""
        for _ in range(blocks):
            for _ in range(self.rng.randint(0, 4)):
                sender, receiver = self.rng.sample(WALLETS, 2)
                self.node.send(sender, receiver, value=self.rng.randint(1, 10**19))
            self.node.mine()

    def pause(self, most_s=0.15):
        """Let the pipeline come to any point."""
        time.sleep(self.rng.uniform(0, most_s))

    def reorganised(self):
        deepest = min(DEEPEST, int(self.node.rpc("eth_blockNumber"), 16) - self._loaded)
        if deepest > 0:
            self.pause()
            self.node.reorg(self.rng.randint(1, deepest))
            self.reorgs += 1
            self.pause()

    def tail_killed(self):
        self._killed("tail")

    def detect_killed(self):
        self._killed("detect")

    def both_killed(self):
        self._killed("tail", "detect")

    def _killed(self, *names):
        """Kill at any moment, also while they start; something may happen while they are down."""
        self.pipe.is_near(int(self.node.rpc("eth_blockNumber"), 16))
        self.pause(self.rng.choice([0.1, 1.0]))
        if self.pipe.detect.poll() is None and self.pipe.tail.poll() is None:
            self.pipe.kill(*names)
        if self.rng.random() < 0.5:
            self.reorganised()
            self.pay(self.rng.randint(0, 2))
        self.pipe.start()

    def cut_off(self):
        self.near.cut = self.rng.randint(1, 4)
        self.far.cut = self.rng.randint(0, 4)
        self.pause(0.3)

    def lags(self):
        """The second endpoint is behind, and the first fails, so that it is asked."""
        self.far.behind = self.rng.randint(1, 6)
        self.near.cut = 2
        self.pay(1)
        self.pause(0.5)
        self.far.behind = 0

    def node_killed(self):
        """Saved, then killed some blocks later: it comes back without them."""
        self.node.stop()
        self.node.start()
        self._loaded = int(self.node.rpc("eth_blockNumber"), 16)
        self.pay(self.rng.randint(0, 3))
        self.pause(0.5)
        self.node.kill()
        self.pause(0.1)
        self.node.start()

    def heal(self):
        self.near.cut = self.far.cut = self.far.behind = 0
        # What a node lost is outgrown, so that nobody can take it for one that lags.
        self.node.mine(DEEPEST)


def play(folder, rounds, seed, resume):
    """Play rounds and compare what was said with what the final chain gives.

    Args:
        folder: an empty one.
        rounds: how many.
        seed: of what happens; when it happens to whom is up to the machine.
        resume: takes the state file; gives options of txtail that tell where to go on after a restart.
    """
    begun = time.monotonic()
    with ExitStack() as stack:
        game = Rounds(folder, seed, resume(folder / "state"), stack)
        game.pipe.start()
        try:
            for _ in range(rounds):
                game.play()
            game.heal()
            game.pipe.catches_up(game.node)
            game.pipe.stop()
        finally:
            for process in (game.pipe.tail, game.pipe.detect):
                process.kill()
                process.wait()
        expected = game.pipe.expected(game.node.url)
        return judged(game, expected, time.monotonic() - begun)


def judged(game, expected, seconds):
    """Hold what was said against what should have been."""
    status, doubled, retracted, seen = {}, [], set(), set()
    for alert in game.pipe.alerts():
        name, delivery = alert["id"], (alert["id"], alert["rev"], alert["status"])
        if delivery[2] == "retracted" and status.get(name) == "retracted" and delivery not in seen:
            doubled.append(name)
        if delivery[2] == "retracted":
            retracted.add(name)
        seen.add(delivery)
        status[name] = delivery[2]
    open_ = {name for name, last in status.items() if last != "retracted"}
    lost, stale = expected - open_, open_ - expected
    return Result(
        *(game.kinds, expected, lost, stale, doubled, retracted, game.reorgs, game.pipe.failures, seconds)
    )
