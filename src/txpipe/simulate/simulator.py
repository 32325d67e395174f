"""The simulator: an endless, seeded series of blocks."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from txpipe import record
from txpipe.simulate import casting, prologue, shapes
from txpipe.simulate.background import Act, Background
from txpipe.simulate.casting import Casting, Cue
from txpipe.simulate.conduct import Draft
from txpipe.simulate.ledger import Ledger
from txpipe.simulate.scenarios import SCENARIOS
from txpipe.simulate.scenarios.base import Scenario
from txpipe.simulate.step import Role
from txpipe.simulate.stories import STORIES
from txpipe.simulate.world import World

START = 1_760_000_000
"""Event time of the main part's first block unless one is asked for: 2025-10-09T08:53:20Z."""

FIRST_BLOCK = 23_000_000
SLOT_S = 12
"""Seconds between blocks (Ethereum proof of stake); a missed slot makes it a multiple."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a simulated stream depends on; equal settings give equal bytes.

    Attributes:
        seed: names the stream.
        chain: CAIP-2 chain that the records name.
        start: event time of the first block of the main part; the prologue lies before it.
        tps: mean transactions per second of event time.
        fraud_rate: share of transactions that belong to fraud, from 0.
    """

    seed: int = 0
    chain: str = "eip155:1"
    start: int = START
    tps: float = 1.0
    fraud_rate: float = 0.005


class Labelled(NamedTuple):
    """A label's line and the place of its record in the block, from 0."""

    place: int
    line: bytes


@dataclass(frozen=True, slots=True)
class Block:
    """One block of the stream, ready to be written.

    Attributes:
        time: event time.
        data: its records, the ``block`` record last.
        records: lines in data.
        transactions: in the block.
        labels: by place.
    """

    time: int
    data: bytes
    records: int
    transactions: int
    labels: Sequence[Labelled]


def blocks(settings: Settings, scenarios: Sequence[Scenario] = SCENARIOS) -> Iterator[Block]:
    """Yield blocks without end, the prologue first; memory stays bounded."""
    return _Chain(settings, scenarios).blocks()


class _Chain:
    """One run: who draws what for the next block."""

    def __init__(self, settings: Settings, scenarios: Sequence[Scenario]) -> None:
        name = f"txpipe:{settings.seed}"
        self._settings = settings
        self._rng = random.Random(f"{name}:chain")
        self._past = random.Random(f"{name}:prologue")
        self._world = World(settings.chain, random.Random(f"{name}:world"))
        self._ledger = Ledger(settings.chain, self._world.coin, self._world.known["WETH"])
        self._background = Background(
            self._world, self._ledger, random.Random(f"{name}:background").getrandbits
        )
        self._cast = casting.parts(scenarios, STORIES, name, settings.fraud_rate)
        self._story_share = sum(story.share for story in STORIES)

    def blocks(self) -> Iterator[Block]:
        height = yield from self._prologue()
        parent = self._rng.randbytes(32).hex()
        cast = Casting(self._world, self._cast)
        time, after, transactions = self._settings.start, height, 0
        tps = self._settings.tps * (10_000 - self._story_share) / 10_000
        height = FIRST_BLOCK
        while True:
            self._world.clock(time)
            acts = self._background.plan(height, _count(tps, time, self._rng), after)
            labels: list[Labelled] = []
            self._insert(acts, [self._act(cue, time, labels) for cue in cast.cues(time, transactions)])
            transactions = len(acts)
            block, parent = self._block(height, time, acts, parent, labels)
            yield block
            after = height
            height += 1
            time += _gap_s(self._rng)

    def _prologue(self) -> Generator[Block, None, int]:
        """Yield the blocks before the main part; returns the height of the last."""
        rng, start = self._past, self._settings.start
        past = prologue.elders(self._world, rng)
        after = 0
        for place, time in enumerate(prologue.times(start, SLOT_S, rng)):
            height = FIRST_BLOCK - (start - time) // SLOT_S
            acts = self._background.plan(height, 1 + rng.getrandbits(1), after)
            self._insert(acts, [partial(write, self._ledger, *args) for write, args in past[place]])
            yield self._block(height, time, acts, rng.randbytes(32).hex(), [])[0]
            after = height
        return after

    def _insert(self, acts: list[Act], more: list[Act]) -> None:
        """Put acts among others at random, in their own order."""
        bits, room = self._rng.getrandbits, len(acts) + 1
        places = sorted([bits(16) * room >> 16 for _ in more])
        for before, place in enumerate(places):
            acts.insert(before + place, more[before])

    def _act(self, cue: Cue, time: int, labels: list[Labelled]) -> Act:
        part, _, _, (_, role, (write, args)) = cue
        if role is None or not part.scenario:
            return partial(write, self._ledger, *args)
        label = partial(_label, cue, role, self._settings.chain, time)
        return partial(_play, cue[3].draft, self._ledger, label, labels)

    def _block(
        self, height: int, time: int, acts: list[Act], parent: str, labels: list[Labelled]
    ) -> tuple[Block, str]:
        """Write a block; returns it and its hash."""
        block_hash, hashes = _hashes(self._rng, len(acts))
        self._ledger.open(height, time, hashes)
        for act in acts:
            act()
        data, records = self._ledger.close(block_hash, parent)
        return Block(time, data, records, len(acts), labels), block_hash


def _play(draft: Draft, ledger: Ledger, label: Callable[[str, int], bytes], labels: list[Labelled]) -> None:
    write, args = draft
    tx, n, behind = write(ledger, *args)
    labels.append(Labelled(ledger.records() - behind, label(tx, n)))


def _label(cue: Cue, role: Role, chain: str, time: int, tx: str, n: int) -> bytes:  # noqa: PLR0913, PLR0917
    part, instance, of, _ = cue
    label: record.Label = {
        "type": "label",
        "chain": chain,
        "tx": f"0x{tx}",
        "n": n,
        "scenario": part.scenario,
        "instance": instance,
        "role": role,
        "fraud": part.fraud,
    }
    if part.variant:
        label["variant"] = part.variant
    label["of"] = of
    label["time"] = time
    return record.dumps(label)


def _count(tps: float, time: int, rng: random.Random) -> int:
    """Draw a block's background transactions: the hour's mean, now quieter, now busier."""
    mean = tps * SLOT_S * shapes.activity(time) * shapes.BUSY[rng.getrandbits(4)] / 10_000
    return int(mean + rng.random())


def _gap_s(rng: random.Random) -> int:
    """Draw the time to the next block: now and then a slot is missed, seldom several."""
    chance = rng.getrandbits(12)
    return SLOT_S * (2 + chance if chance < 4 else 2 if chance < 40 else 1)


def _hashes(rng: random.Random, count: int) -> tuple[str, list[str]]:
    """Draw a block hash and a hash for each transaction, as hex digits."""
    block_hash, *hashes = rng.randbytes(32 * (count + 1)).hex(" ", 32).split()
    return block_hash, hashes
