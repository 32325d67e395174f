"""Kills, reorgs and cut connections at random: in the end the alerts are those of the final chain."""

import shutil
import sys
import tempfile
from pathlib import Path

import rounds_kit
from node_kit import ANVIL

ROUNDS = 100
"""Of each way to go on after a restart."""

SEED = 1128


class Differs(Exception):
    """Alerts were lost, or stayed though their block did not, or were taken back twice."""


def run(folder, _options):
    if ANVIL is None:
        print(
            "bench: rounds needs Anvil (npm ci --prefix tests/nodes --ignore-scripts)",
            file=sys.stderr,
        )
        return
    for number, (way, resume) in enumerate(rounds_kit.WAYS.items()):
        own = Path(tempfile.mkdtemp(prefix="rounds.", dir=folder))
        result = rounds_kit.play(own, ROUNDS, SEED + number, resume)
        yield from rows(way, result)
        if not result.is_clean:
            raise Differs(f"txtail {way}: {result}; what they said is in {own}")
        shutil.rmtree(own)


def rows(way, result):
    """Yield what was found of one way."""
    kinds = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in sorted(result.kinds.items()))
    held = len(result.expected - result.lost)
    reorgs = f"{result.reorgs:,} reorgs of 1 to {rounds_kit.DEEPEST} blocks"
    found = {
        "lost": (
            len(result.lost),
            f"{held:,} of {len(result.expected):,} of the final chain are open",
        ),
        "stale": (len(result.stale), "open, but of no block of the final chain"),
        "taken back twice": (len(result.doubled), f"{len(result.retracted):,} were taken back; {reorgs}"),
    }
    for what, (count, note) in found.items():
        yield {
            "bench": f"rounds: alerts {what}",
            "peer": f"undisturbed follow, {way}",
            "ratio": round(held / max(1, len(result.expected)), 4),
            "ours": count,
            "theirs": 0,
            "unit": "alerts",
            "note": note,
        }
    yield {
        "bench": "rounds: time",
        "peer": f"none, {way}",
        "ratio": None,
        "ours": round(result.seconds),
        "theirs": None,
        "unit": "s",
        "note": f"{sum(result.kinds.values())} rounds: {kinds}",
    }
