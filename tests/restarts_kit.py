"""txtail | txdetect in one process, on a chain and a clock of their own, killed at random.

Follower, cursor, detector and state files are the real ones; the pipe is a list, a kill is an exception.
"""

import hashlib
import random
from collections import deque

import orjson

from txpipe.chains import ack
from txpipe.chains.cursor import Behind, Cursor, load
from txpipe.chains.follow import Block, Follower, Head
from txpipe.chains.signs import Clock, Signs
from txpipe.chains.tail import Tail
from txpipe.detect import setup
from txpipe.detect.keeper import Keeper
from txpipe.detect.state import StateFile

CHAIN = "eip155:1"
BEGUN = 1_760_000_000
WALLETS = [f"0x{number:040x}" for number in range(0xA11CE, 0xA11CE + 12)]
DEEPEST = 20
COIN = {"asset": f"{CHAIN}/slip44:60", "symbol": "ETH"}
BEHIND = Behind(seconds=1.5)
OPTIONS = setup.Options()
RULES = OPTIONS.rules()


def detector():
    engine = OPTIONS.detector(RULES, setup.Screener(None), print)
    engine.conduct.reorgs = True
    return engine


class Fork:
    """A chain that is paid on and reorganised, and its node."""

    is_live = False

    def __init__(self, rng):
        self._rng = rng
        self._txs = 0
        self.kept = []
        self._mine([])

    def pay(self, count):
        for _ in range(count):
            self._mine([self._payment() for _ in range(self._rng.randint(0, 4))])

    def reorganise(self, depth):
        depth = min(depth, len(self.kept) - 1)
        del self.kept[len(self.kept) - depth :]
        for _ in range(depth):
            self._mine([])

    def _payment(self):
        coins = self._rng.choice([1.0, 1.0, 2.0, self._rng.randint(1, 1000) / 100])
        return (*self._rng.sample(WALLETS, 2), coins)

    def _mine(self, payments):
        height = len(self.kept)
        common = {"chain": CHAIN, "block": height, "time": BEGUN + 12 * height}
        records = []
        for sender, receiver, coins in payments:
            self._txs += 1
            one = {"type": "transfer"} | common | {"tx": f"0x{self._txs:064x}", "n": 0, "from": sender}
            one |= {"to": receiver, **COIN, "value": f"{int(coins * 100)}{'0' * 16}"}
            records.append(one | {"amount": f"{coins:.2f}", "usd": coins * 3000})
        parent = self.kept[-1].hash if height else "0x0"
        named = "0x" + hashlib.sha256(parent.encode() + orjson.dumps(records)).hexdigest()
        closing = {"type": "block"} | common | {"hash": named, "parent": parent, "records": len(records)}
        lines = b"".join(orjson.dumps(one) + b"\n" for one in (*records, closing))
        txs = tuple(one["tx"] for one in records)
        self.kept.append(Block(height, named, parent, common["time"], txs, lines, len(records) + 1))

    def head(self):
        last = self.kept[-1]
        return Head(last.height, last.hash, last.time)

    def hash_at(self, height):
        return self.kept[height].hash

    def blocks(self, first, last):
        return self.kept[first : last + 1]


class Killed(Exception):
    """SIGKILL, of one or both."""


class Done(Exception):
    """All was taken."""


class Pipe:
    """Takes lines; flushed ones may be read."""

    def __init__(self, flushed):
        self.lines, self._parts, self._flushed = [], [], flushed

    def write(self, data):
        self._parts += data.splitlines(keepends=True)

    def flush(self):
        self.lines += self._parts
        self._parts = []
        self._flushed()


class Detect:
    """A txdetect --state: what it read waits, what it found is written now and then."""

    def __init__(self, state, game):
        self.game, self.waiting, self._found = game, deque(), []
        self.engine = detector()
        self.keeper = Keeper(StateFile(state), self.engine, 0.0, self._save, lambda: game.now)
        self.keeper.begin({})

    def _save(self):
        self.flush()
        self.game.now += self.game.save_s

    def flush(self):
        self.game.out += self._found
        self._found = []

    def work(self, most):
        """Take some of the lines that were read; save where the command would."""
        for _ in range(min(most, len(self.waiting))):
            for alert in self.engine.feed(self.waiting.popleft()[:-1]):
                self.keeper.note(alert)
                self._found.append(alert)
            if self.engine.block_ended:
                self.keeper.offer()
        if not self.waiting:
            self.flush()
            self.rest()

    def rest(self):
        if not self.waiting:
            self.keeper.rest(lambda _seconds: True)

    def end(self):
        self.work(len(self.waiting))
        self._found += self.engine.end()
        self.keeper.save()


class Game:
    """Lives of a pipeline, one after the other, on one chain.

    Attributes:
        out: all alerts, as written.
        now: monotonic seconds.
        save_s: seconds that a save takes.
        undone_in_part: reorgs, of all lives that were not killed.
    """

    def __init__(self, folder, seed, way):
        self._rng = random.Random(seed)
        self._state, self._cursor, self._way = folder / "state", folder / "cursor", way
        self.chain = Fork(self._rng)
        self.out, self.now, self.undone_in_part = [], 0.0, 0
        self.save_s = self._rng.choice([0.005, 0.02, 0.05])

    def play(self, lives):
        """Let it live and be killed so often, and once to the end."""
        for _ in range(lives):
            self._live(is_last=False)
            self.chain.pay(self._rng.choice([0, 0, 1, 3]))
            if self._rng.random() < 0.3:
                self.chain.reorganise(self._rng.randint(1, DEEPEST))
        self.chain.pay(DEEPEST)
        self._live(is_last=True)

    def _live(self, *, is_last):
        self._slow = 0 if is_last else self._rng.choice([0, 0, 3, 10])
        self._left = 60 if is_last else None
        self._taken = 0
        self._pipe = Pipe(self._flushed)
        self._detect = Detect(self._state, self)
        try:
            self._tail().run(to_the_end=False)
        except Done:
            self._read()
            self._detect.end()
        except Killed as exc:
            if exc.args == ("tail",):
                self._slow = 0
                self._read()
                self._detect.end()
            else:
                self._detect.work(self._rng.choice([0, 1, 3, 30]))
                if self._rng.random() < 0.5:
                    self._detect.flush()
        self._detect.keeper.unlock()
        self.undone_in_part += self._detect.engine.undone_in_part

    def _tail(self):
        known = load(self._cursor) if self._way == "cursor" else ack.load(self._state).get(CHAIN)
        at = known.at if known else 0
        before = {"recent": known.recent, "given": known.given, "void": known.void} if known else {}
        cursor = None
        if self._way == "cursor":
            cursor = Cursor(self._cursor, CHAIN, None, at, self._looked, lambda: self.now, BEHIND)
            if known and known.void:
                cursor.drop(known.void)
        clock = Clock(lambda: self.now, lambda: 0.0, self._sleep)
        signs = Signs(CHAIN, self._pipe, clock, lambda _: None, 0)
        return Tail(Follower(self.chain, at, **before), CHAIN, signs, cursor=cursor, poll_s=0.05)

    def _read(self):
        """Let txdetect read all that is in the pipe, unless it is starting still."""
        if self._slow:
            self._slow -= 1
            return
        self._detect.waiting.extend(self._pipe.lines[self._taken :])
        self._taken = len(self._pipe.lines)

    def _looked(self):
        if self._rng.random() < 0.5:
            self._read()
        return sum(map(len, self._pipe.lines[: self._taken]))

    def _flushed(self):
        if self._rng.random() < 0.2:
            self._happens()

    def _sleep(self, seconds):
        self.now += seconds
        self._detect.rest()
        self._happens()

    def _happens(self):
        """Read, work, mine, reorganise or kill."""
        if self._left is not None:
            self._read()
            self._detect.work(len(self._detect.waiting))
            self._left -= 1
            if not self._left:
                raise Done
            return
        if self._rng.random() < 0.6:
            self._read()
        if self._rng.random() < 0.6:
            self._detect.work(self._rng.choice([1, 5, 100, 1000]))
        chance = self._rng.random()
        if chance < 0.10:
            self.chain.pay(self._rng.randint(1, 3))
        elif chance < 0.13:
            self.chain.reorganise(self._rng.randint(1, DEEPEST))
        elif chance < 0.16:
            raise Killed(self._rng.choice(["tail", "detect", "both"]))

    def open(self):
        """Ids of the alerts that stand in the end: of an alert the last revision counts, as it came first."""
        last = {}
        for alert in map(orjson.loads, self.out):
            if alert["id"] not in last or alert["rev"] > last[alert["id"]]["rev"]:
                last[alert["id"]] = alert
        return {name for name, one in last.items() if one["status"] != "retracted"}

    def expected(self):
        """Ids of the alerts of the chain as it is in the end."""
        engine = detector()
        lines = [line for block in self.chain.kept for line in block.lines.splitlines()]
        found = [alert for line in lines for alert in engine.feed(line)] + list(engine.end())
        return {orjson.loads(alert)["id"] for alert in found}
