"""The simulator: an endless, seeded series of blocks."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from txpipe import record
from txpipe.simulate import shapes
from txpipe.simulate.background import Background
from txpipe.simulate.casting import Casting, Cue
from txpipe.simulate.ledger import Ledger
from txpipe.simulate.scenarios import SCENARIOS
from txpipe.simulate.scenarios.base import Scenario
from txpipe.simulate.world import World

START = 1_760_000_000
"""Event time of the first block unless one is asked for: 2025-10-09T08:53:20Z."""

FIRST_BLOCK = 23_000_000
SLOT_S = 12
"""Seconds between blocks (Ethereum proof of stake); a missed slot makes it a multiple."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a simulated stream depends on; equal settings give equal bytes.

    Attributes:
        seed: names the stream.
        chain: CAIP-2 chain that the records name.
        start: event time of the first block.
        tps: mean transactions per second of event time.
        fraud_rate: share of transactions that belong to fraud, from 0.
    """

    seed: int = 0
    chain: str = "eip155:1"
    start: int = START
    tps: float = 5.0
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
    """Yield blocks without end; memory stays bounded."""
    name = f"txpipe:{settings.seed}"
    rng = random.Random(f"{name}:chain")
    world = World(settings.chain, random.Random(f"{name}:world"))
    ledger = Ledger(settings.chain, world.coin, world.known["WETH"])
    background = Background(world, ledger, random.Random(f"{name}:background").getrandbits)
    casting = Casting(world, scenarios, name, settings.fraud_rate)
    parent = rng.randbytes(32).hex()
    time = settings.start
    transactions = 0
    height = FIRST_BLOCK
    while True:
        acts = background.plan(height, _count(settings.tps, time, rng))
        labels: list[Labelled] = []
        for cue in casting.cues(time, transactions):
            place = rng.getrandbits(16) * (len(acts) + 1) >> 16
            acts.insert(place, partial(_play, cue, ledger, settings.chain, labels))
        block_hash, hashes = _hashes(rng, len(acts))
        ledger.open(height, time, hashes)
        for act in acts:
            act()
        text, records = ledger.close(block_hash, parent)
        transactions = len(acts)
        yield Block(time, text.encode("ascii"), records, transactions, labels)
        parent = block_hash
        height += 1
        time += _gap_s(rng)


def _play(cue: Cue, ledger: Ledger, chain: str, labels: list[Labelled]) -> None:
    write, args = cue.step.draft
    tx, n, behind = write(ledger, *args)
    labels.append(Labelled(ledger.records() - behind, _label(cue, chain, tx, n)))


def _label(cue: Cue, chain: str, tx: str, n: int) -> bytes:
    label: record.Label = {
        "type": "label",
        "chain": chain,
        "tx": f"0x{tx}",
        "n": n,
        "scenario": cue.scenario,
        "instance": cue.instance,
        "role": cue.step.role,
        "fraud": cue.fraud,
    }
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
    digits = rng.randbytes(32 * (count + 1)).hex()
    return digits[:64], [digits[start : start + 64] for start in range(64, len(digits), 64)]
