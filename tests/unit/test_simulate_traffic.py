"""txsim's traffic is shaped like a chain's: heavy tails, a daily rhythm, newcomers, bounded memory."""

import itertools
import random
from collections import Counter

import orjson
import pytest

from txpipe import record
from txpipe.simulate import shapes, simulator
from txpipe.simulate.assets import native
from txpipe.simulate.simulator import Settings
from txpipe.simulate.world import World


@pytest.fixture(scope="module")
def records():
    blocks = itertools.islice(simulator.blocks(Settings(seed=11, tps=5)), 1450)
    return [orjson.loads(line) for block in blocks for line in block.data.splitlines()]


def test_few_accounts_make_most_transactions(records):
    """The busiest 1 % of senders send 20-60 % of all transactions; most senders are seen a few times only."""
    sent = Counter(item["from"] for item in records if item.get("n") == 0)
    counts = sorted(sent.values(), reverse=True)
    share = sum(counts[: len(counts) // 100]) / sum(counts)
    assert 0.2 < share < 0.6
    assert sum(count <= 3 for count in counts) > len(counts) / 2


def test_amounts_have_a_heavy_tail(records):
    """The largest 1 % of payments move more than half of all value; the median is a small payment."""
    usd = sorted(
        (item["usd"] for item in records if item["type"] == "transfer" and "usd" in item), reverse=True
    )
    assert sum(usd[: len(usd) // 100]) > sum(usd) / 2
    assert 10 < usd[len(usd) // 2] < 500


def test_people_like_round_amounts(records):
    """A good share of coin payments has at most three significant digits, and many have all eighteen."""
    digits = [len(item["value"].strip("0")) for item in records if item.get("symbol") == "ETH"]
    assert 0.2 < sum(count <= 3 for count in digits) / len(digits) < 0.7
    assert sum(count > 10 for count in digits) / len(digits) > 0.2


def test_new_accounts_keep_appearing(records):
    """In the last tenth of the stream 5-60 % of the receivers have not been seen before."""
    moved = [item for item in records if item["type"] == "transfer" and item["n"] == 0]
    cut = len(moved) * 9 // 10
    seen = {address for item in moved[:cut] for address in (item["from"], item["to"])}
    late = {item["to"] for item in moved[cut:]}
    assert 0.05 < len(late - seen) / len(late) < 0.6


def test_accounts_have_usual_counterparties(records):
    """Pairs of accounts meet again far more often than chance would have it."""
    pairs = Counter((item["from"], item["to"]) for item in records if item.get("symbol") == "ETH")
    assert sum(count for count in pairs.values() if count > 1) / sum(pairs.values()) > 0.1


def test_day_is_busier_than_night():
    def per_block(start):
        stream = simulator.blocks(Settings(seed=4, start=start, tps=5))
        blocks = list(itertools.islice((block for block in stream if block.time >= start), 200))
        return sum(block.transactions for block in blocks) / len(blocks)

    midnight = 1_760_054_400  # 2025-10-10T00:00:00Z
    assert per_block(midnight + 15 * 3600) > 1.8 * per_block(midnight + 2 * 3600)


def test_tps_is_the_mean_of_a_day():
    """--tps T gives about T transactions a second over a day (sweeps of deposits and stories included)."""
    total = 0
    for block in simulator.blocks(Settings(seed=4, tps=0.5)):
        if block.time >= simulator.START + 86400:
            break
        total += block.transactions if block.time >= simulator.START else 0
    assert total / 86400 == pytest.approx(0.5, rel=0.1)


def test_slots_are_missed_now_and_then():
    stream = itertools.islice(simulator.blocks(Settings(seed=5, tps=0.1)), 3250)
    times = [block.time for block in stream if block.time >= simulator.START]
    gaps = Counter(later - earlier for earlier, later in itertools.pairwise(times))
    assert gaps[12] > 2900
    assert 5 < gaps[24] < 80
    assert max(gaps) <= 60


def test_deposits_are_swept_to_a_hot_wallet(records):
    """An exchange's deposit address passes on what it got, soon and nearly whole."""
    arrived = {}
    swept = 0
    for item in records:
        if item["type"] != "transfer" or item.get("symbol") != "USDT" or item["from"] == item["to"]:
            continue
        if arrived.get(item["from"]) == item["value"]:
            swept += 1
        arrived[item["to"]] = item["value"]
    assert swept > 200


def test_pool_of_accounts_stays_bounded():
    """However long it runs, the world holds the same number of accounts."""
    world = World("eip155:1", random.Random(1))
    bits = random.Random(2).getrandbits
    size = len(world.people)
    for _ in range(1000):
        who = world.newcomer(bits)
        world.deposit(who, bits)
    for who in range(size):
        world.deposit(who, bits)
    assert len(world.people) == size
    assert len(world._deposits) == size
    assert len(set(world.people)) == size


def test_exp2_is_exact_where_that_can_be_known():
    assert [shapes.exp2(power) for power in (-2, 0, 0.5, 3)] == [0.25, 1.0, 2**0.5, 8.0]
    assert shapes.exp2(1.2345) == pytest.approx(2**1.2345, rel=1e-8)


def test_weighted_fills_the_table():
    table = shapes.weighted({"a": 1, "b": 2, "c": 4}, 64)
    assert len(table) == 64
    assert Counter(table) == {"a": 9, "b": 18, "c": 37}


@pytest.mark.parametrize("units", [1, 10**17, 10**18, 123 * 10**16, 2**256 - 1, 1250000000000000000])
def test_amounts_as_record_decimal(units):
    amount = record.decimal(units, 18)
    assert native("eip155:1").amount(units) == f'"value":"{units}","amount":"{amount}"'
