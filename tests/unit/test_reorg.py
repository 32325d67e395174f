"""Reorgs: what dropped blocks did is undone, what was said of them is taken back."""

import itertools
import random
from collections import Counter

import orjson
import pytest

from detect_kit import CHAIN, NOW, Story, address
from txpipe.detect import setup, voice
from txpipe.detect.conduct import CHAINS_KEPT
from txpipe.detect.finding import Finding
from txpipe.detect.journal import BLOCKS_KEPT
from txpipe.lists.option import ListChoice, parse_list
from txpipe.simulate.simulator import Settings, blocks

CAST = [address(f"account {number}") for number in range(40)]


def detector():
    options = setup.Options()
    return options.detector(options.rules(), setup.Screener(None), pytest.fail)


def run(engine, lines):
    return [orjson.loads(alert) for line in lines for alert in engine.feed(line)]


def state(engine):
    """Return everything that the detector knows of accounts, comparable."""
    (watch,) = engine.conduct.chains.values()
    return {
        account.address: {name: getattr(account, name) for name in type(account).__slots__ if name != "stamp"}
        for account in watch.tracker.accounts
    }


def reorg(height):
    record = {"type": "reorg", "chain": CHAIN, "time": NOW, "block": height, "depth": 1, "dropped": []}
    return orjson.dumps(record)


@pytest.fixture(scope="module")
def chain():
    """Return simulated blocks full of fraud, as (height, lines)."""
    settings = Settings(seed=3, fraud_rate=0.2, tps=1)
    made = [block.data.splitlines() for block in itertools.islice(blocks(settings), 900)]
    return [(orjson.loads(lines[-1])["block"], lines) for lines in made]


@pytest.mark.parametrize("depth", [1, 7, BLOCKS_KEPT])
def test_undone_as_if_it_never_was(chain, depth):
    """After a reorg the detector knows exactly what it knew before the dropped blocks."""
    stay, gone = chain[:-depth], chain[-depth:]
    engine, other = detector(), detector()
    run(other, [line for _, lines in stay for line in lines])
    expected = state(other)
    run(engine, [line for _, lines in chain for line in lines])
    assert state(engine) != expected
    run(engine, [reorg(gone[0][0])])
    assert state(engine) == expected


def test_what_was_said_is_taken_back_once_and_said_again(chain):
    """Alerts of dropped blocks are retracted once; the same blocks again open them with the next revision."""
    engine = detector()
    said = run(engine, [line for _, lines in chain for line in lines])
    first = chain[-40][0]
    expected = {alert["id"] for alert in said if alert["block"] >= first}
    assert len(expected) > 3
    retracted = run(engine, [reorg(first)])
    assert {alert["id"] for alert in retracted} == expected
    assert len(retracted) == len(expected)
    assert {alert["status"] for alert in retracted} == {"retracted"}
    assert run(engine, [reorg(first)]) == []
    again = run(engine, [line for _, lines in chain[-40:] for line in lines])
    opened = {alert["id"]: alert for alert in again if alert["status"] == "open"}
    assert set(opened) == expected
    revs = {alert["id"]: alert["rev"] for alert in retracted}
    assert all(alert["rev"] == revs[name] + 1 for name, alert in opened.items())


def test_other_chains_are_left_alone(chain):
    """A reorg of one chain undoes nothing of another."""
    engine = detector()
    run(engine, [line for _, lines in chain[:300] for line in lines])
    before = state(engine)
    record = orjson.loads(reorg(chain[200][0])) | {"chain": "eip155:137"}
    assert run(engine, [orjson.dumps(record)]) == []
    assert state(engine) == before


def test_deeper_than_remembered(chain):
    """A reorg deeper than the journal takes back what it can, and the summary says so."""
    engine = detector()
    run(engine, [line for _, lines in chain for line in lines])
    run(engine, [reorg(chain[100][0])])
    assert engine.undone_in_part == 1


def test_as_deep_as_the_stream_is_whole(chain):
    """Where no block was let go all is undone: before the first record, twice, and after a restart."""
    begun = chain[10:40]
    engine = detector()
    run(engine, [line for _, lines in begun for line in lines])
    run(engine, [reorg(chain[5][0]), reorg(chain[5][0])])
    assert (engine.undone_in_part, state(engine)) == (0, {})
    run(engine, [line for _, lines in chain[:200] for line in lines])
    later = detector()
    later.restore((kind, list(items)) for kind, items in engine.parts())
    run(later, [reorg(chain[190][0]), reorg(chain[190][0])])
    assert later.undone_in_part == 0
    run(later, [reorg(chain[100][0])])
    assert later.undone_in_part == 1


def test_random_reorgs_end_like_the_final_chain(chain):
    """Whatever is dropped and mined again, in the end the detector knows what the final chain shows."""
    rng = random.Random(5)
    engine, plain = detector(), detector()
    run(plain, [line for _, lines in chain for line in lines])
    at = 0
    while at < len(chain):
        upto = min(len(chain), at + rng.randrange(30, 120))
        run(engine, [line for _, lines in chain[at:upto] for line in lines])
        at = upto
        if upto < len(chain) and rng.random() < 0.7:
            at = max(0, upto - rng.randrange(1, 30))
            run(engine, [reorg(chain[at][0])])
    assert engine.undone_in_part == 0
    assert state(engine) == state(plain)


def test_a_chain_that_was_let_go_while_something_waits():
    """So many chains that the oldest is forgotten: its transaction's rest is taken all the same."""
    conduct = detector().conduct
    for number in range(CHAINS_KEPT + 1):
        conduct.watch(f"test:{number}")
    asset = "test:0/erc20:" + address("token")
    assert not conduct.is_known({"chain": "test:0", "asset": asset})


def test_peers_that_a_dropped_block_pushed_out_are_back():
    """One block with more new payees than are remembered is undone like any other."""
    payer, friends = address("payer"), [address(f"friend {number}") for number in range(20)]

    def story(strangers):
        told = Story()
        for friend in friends:
            told.coin(payer, friend, 600).coin(friend, payer, 50).wait(12)
        for number in range(strangers):
            stranger = address(f"stranger {number}")
            told.coin(payer, stranger, 600).coin(stranger, payer, 50)
        return [orjson.dumps(record) for record in told.records]

    engine, other = detector(), detector()
    run(other, story(0))
    run(engine, [*story(80), reorg(orjson.loads(story(1)[-1])["block"])])
    assert state(engine) == state(other)


def test_more_alerts_than_can_be_taken_back(monkeypatch, tmp_path):
    """All are taken back as long as memory holds them; else it is said that some are not."""
    wallet = address("listed")
    listed = tmp_path / "listed.txt"
    listed.write_text(f"{wallet}\n")
    told = Story()
    for number in range(12_000):
        told.coin(address(f"payer {number}"), wallet, 600)
    lines = [*(orjson.dumps(record) for record in told.records), reorg(told.records[0]["block"])]

    def statuses():
        options = setup.Options(only="listed")
        screener = setup.Screener(
            ListChoice((parse_list(f"category=theft,date=2025-01-01:{listed}"),), ()).open(pytest.fail)[0]
        )
        engine = options.detector(options.rules(), screener, pytest.fail)
        return Counter(alert["status"] for alert in run(engine, lines)), engine.undone_in_part

    assert statuses() == ({"open": 12_000, "retracted": 12_000}, 0)
    monkeypatch.setattr(voice, "LATELY_BYTES", 1_000_000)
    counts, undone_in_part = statuses()
    assert 500 < counts["retracted"] < 1500
    assert undone_in_part == 1


def test_alerts_that_were_let_go_are_remembered_until_their_blocks_are_gone(monkeypatch):
    """A restart keeps it; a reorg that dropped their blocks ends it."""
    monkeypatch.setattr(voice, "LATELY_BYTES", 1)
    one, other = voice.Voice(), voice.Voice()
    for number in range(3):
        record = Story().coin(address(f"{number}"), address("x"), 5).records[0] | {"block": 100 + number}
        finding = Finding("r", "theft", "low", 30, address(f"{number}"), "Said.")
        list(one.say(voice.Case(finding, record, orjson.dumps(record))))
    other.restore(one.saved())
    assert [each.has_let_go(CHAIN, 101) for each in (one, other)] == [True, True]
    assert len(list(other.retract(CHAIN, 101))) == 1
    assert [other.has_let_go(CHAIN, height) for height in (101, 100)] == [False, True]
