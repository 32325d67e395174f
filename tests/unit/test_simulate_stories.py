"""Honest stories and scenarios: who is new gets money before spending it, and spends no more."""

import random
from collections import defaultdict

import orjson
import pytest

from txpipe.simulate import prologue, symbols
from txpipe.simulate.ledger import Ledger
from txpipe.simulate.scenarios import SCENARIOS
from txpipe.simulate.script import Script
from txpipe.simulate.stories import STORIES
from txpipe.simulate.world import World

OWN = (
    "poisoning",
    "poisoned-payment",
    "counterfeit-token",
    "approval-phishing",
    "drain",
    "dormant",
    "outlier",
    "velocity",
)
PLANS = {f"story {story.name}": story.plan for story in STORIES}
PLANS |= {
    f"{scenario.name} {kind}": getattr(scenario, kind)
    for scenario in SCENARIOS
    if scenario.name in OWN
    for kind in ("attack", "adaptive", "twin")
}


class Fresh(World):
    """A world that remembers which addresses it made up."""

    def __init__(self):
        self.made = set()
        super().__init__("eip155:1", random.Random(1))
        prologue.elders(self, random.Random(2))
        self.made.clear()

    def fresh(self):
        found = super().fresh()
        self.made.add(found)
        return found


def written(world, steps):
    """Records of the steps in order of time."""
    ledger = Ledger("eip155:1", world.coin, world.known["WETH"])
    ledger.open(1, 1, [f"{number:064x}" for number in range(len(steps))])
    for step in sorted(steps, key=lambda step: step.after_s):
        write, args = step.draft
        write(ledger, *args)
    data, _ = ledger.close("00", "00")
    return [orjson.loads(line) for line in data.splitlines()[:-1]]


def transfers(records):
    """What moved, coin that leaves no log (swaps, unwrapping) included: (from, to, asset, units)."""
    for item in records:
        if item["type"] == "transfer":
            yield item["from"], item["to"], item["asset"], int(item["value"])
        if item.get("method") in {"0x18cbafe5", "0x2e1a7d4d"}:
            yield None, item["from"], "eip155:1/slip44:60", 10**30


@pytest.mark.parametrize("name", PLANS)
def test_who_is_new_spends_what_came_in(name):
    """A fresh account sends no asset that it has not got before, and no more of it."""
    world = Fresh()
    for seed in range(25):
        world.made.clear()
        steps = PLANS[name](world, random.Random(seed))
        held = defaultdict(int)
        pools = set(world._pairs.values())
        forged = {item["created"] for item in written(world, steps) if "created" in item}
        for sender, to, asset, units in transfers(written(world, steps)):
            if sender in world.made - pools and asset.rpartition(":")[2].partition("/")[0] not in forged:
                assert held[sender, asset] >= units, (name, seed, sender, asset)
            held[sender, asset] -= units
            held[to, asset] += units


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_story_gets_no_label(story):
    """Honest stories have steps without a role; the same seed draws the same."""
    steps = [story.plan(Fresh(), random.Random(4)) for _ in range(2)]
    assert steps[0]
    assert {step.role for step in steps[0]} == {None}
    assert written(Fresh(), steps[0]) == written(Fresh(), steps[1])


def test_stories_leave_room():
    """Stories are a fifth of the traffic at most."""
    assert len({story.name for story in STORIES}) == len(STORIES)
    assert sum(story.share for story in STORIES) < 2000


def test_imitations_imitate():
    """An imitation looks like its model, is at times equal to it, and is mostly not ASCII otherwise."""
    rng = random.Random(3)
    for symbol in ("USDT", "USDC", "DAI", "WBTC", "stETH"):
        found = [symbols.imitation(symbol, rng) for _ in range(200)]
        assert symbol in found
        others = {one for one in found if one != symbol}
        assert len(others) > 4
        assert not any(one.isascii() for one in others)
        assert all(len(one) - len(symbol) in {0, 1} for one in others)


def test_honest_symbols_are_no_copies():
    """An honest new token's symbol is never a known one."""
    rng = random.Random(3)
    known = set(World("eip155:1", random.Random(1)).known)
    found = {symbols.honest(rng)[0] for _ in range(500)}
    assert not found & known
    assert any(not one.isascii() for one in found)


def test_an_outlier_is_one():
    """What is stolen is far beyond what the account usually sends, its life outside the story included."""
    world = Fresh()
    (scenario,) = (each for each in SCENARIOS if each.name == "outlier")
    settled = {name: who for who, name in enumerate(world.people)}
    times = []
    for seed in range(60):
        records = written(world, scenario.attack(world, random.Random(seed)))
        sent = [item for item in records if item["type"] == "transfer" and item["from"] in settled]
        if sent:
            asset = world.coin if "slip44" in sent[-1]["asset"] else world.known[sent[-1]["symbol"]]
            usual = world.middle(settled[sent[-1]["from"]], asset)
            times.append(max(int(item["value"]) for item in sent) / usual)
    assert len(times) > 20
    assert min(times) > 25


def test_wrapped_coin_is_unwrapped():
    """Wrapped coin that is swapped for coin becomes just that, and can be spent."""
    world = Fresh()
    script = Script(world, random.Random(1))
    wallet, wrapped = script.wallet(), world.known["WETH"]
    wallet.tokens[wrapped] = 5 * 10**18
    script.swap(wallet, wrapped, 3 * 10**18, "payoff")
    assert (wallet.tokens[wrapped], wallet.coin) == (2 * 10**18, 3 * 10**18)
    (item,) = written(world, script.steps)
    assert (item["type"], item["to"], item["method"]) == ("call", wrapped.contract, "0x2e1a7d4d")
