"""txsim's stream: the same bytes for a seed, valid records, whole blocks, limits."""

import hashlib
import itertools
import json

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from txpipe import record
from txpipe.simulate import emit, simulator
from txpipe.simulate.simulator import Settings

# Changes whenever the stream does: then it is another stream, and the note of the change says so.
PINNED = "d3c2bd49b9bdcfde0c883c5e70e49fb9"


def stream(records, **wanted):
    """The first records of a stream, as bytes."""
    return b"".join(block.data for block in emit.bounded(simulator.blocks(Settings(**wanted)), records, None))


@pytest.fixture(scope="module")
def sample():
    return [orjson.loads(line) for line in stream(60_000, seed=7, fraud_rate=0.05).splitlines()]


def test_same_seed_same_bytes():
    assert stream(5_000, seed=7) == stream(5_000, seed=7)


def test_another_seed_is_another_stream():
    one, other = stream(2_000, seed=7).splitlines(), stream(2_000, seed=8).splitlines()
    assert not set(one) & set(other)


def test_bytes_are_those_of_this_version():
    """The same bytes on every machine and Python; --start and --tps at their defaults."""
    digest = hashlib.blake2b(stream(20_000, seed=7), digest_size=16).hexdigest()
    assert digest == PINNED


FIRST = list(itertools.islice(simulator.blocks(Settings(seed=3)), 100))


@given(short=st.integers(0, 300), more=st.integers(0, 300))
@settings(max_examples=25, deadline=None)
def test_shorter_run_is_a_prefix_and_exact(short, more):
    """--records N ends exactly there, with the bytes a longer run has there."""
    blocks = FIRST
    whole = b"".join(block.data for block in emit.bounded(blocks, short + more, None))
    part = b"".join(block.data for block in emit.bounded(blocks, short, None))
    assert part == b"".join(whole.splitlines(keepends=True)[:short])
    assert part.count(b"\n") == short


def test_duration_ends_before_its_block():
    """--duration S holds the prologue and the blocks of the first S seconds of event time from --start on."""
    start = simulator.START + 7
    blocks = list(emit.bounded(simulator.blocks(Settings(seed=1, start=start)), None, 3600, start))
    assert blocks[0].time < start
    assert min(block.time for block in blocks if block.time >= start) == start
    assert blocks[-1].time < start + 3600 <= blocks[-1].time + 120


def test_every_record_is_valid(sample):
    for item in sample:
        record.check(item)


def test_written_as_orjson_writes(sample):
    """A record of a scenario cannot be told by its bytes: all lines are in the one canonical form."""
    lines = stream(60_000, seed=7, fraud_rate=0.05).splitlines(keepends=True)
    assert lines == [record.dumps(item) for item in sample]


def test_keys_are_in_the_order_of_the_schema(sample):
    """Keys come in the order that README gives."""
    order = ["type", "chain", "block", "time", "tx", "n", "from", "to", "asset", "symbol", "value", "amount"]
    order += ["usd", "scope", "via", "method", "mentions", "follows", "created", "failed"]
    for item in sample:
        if item["type"] != "block":
            assert list(item) == [key for key in order if key in item]


def test_amounts_are_exact(sample):
    """amount is value shifted by the asset's decimals, in the form that record.decimal gives."""
    decimals = {"ETH": 18, "WETH": 18, "USDT": 6, "USDC": 6, "DAI": 18, "WBTC": 8, "PEPE": 18}
    seen = set()
    for item in sample:
        if item.get("symbol") in decimals and "amount" in item:
            assert item["amount"] == record.decimal(int(item["value"]), decimals[item["symbol"]])
            seen.add(item["symbol"])
    assert seen == set(decimals)


def test_usd_is_amount_times_price(sample):
    for item in sample:
        if item.get("symbol") == "ETH" and "usd" in item:
            assert item["usd"] == pytest.approx(float(item["amount"]) * 3180, abs=0.0051)


def test_blocks_are_chained_and_counted():
    """Each block closes with its hash, its parent's and the number of its records; heights and times rise."""
    previous = None
    for block in itertools.islice(simulator.blocks(Settings(seed=2)), 600):
        *records, last = [json.loads(line) for line in block.data.splitlines()]
        assert last["type"] == "block"
        assert last["records"] == len(records) == block.records - 1
        assert block.transactions == sum(item["n"] == 0 for item in records)
        assert {(item["block"], item["time"]) for item in records} <= {(last["block"], last["time"])}
        if last["block"] > simulator.FIRST_BLOCK:
            assert last["parent"] == previous["hash"]
            assert last["block"] == previous["block"] + 1
            assert (last["time"] - previous["time"]) % simulator.SLOT_S == 0
            assert last["time"] > previous["time"]
        previous = last


def test_prologue_is_sparse_and_old():
    """Some 250 blocks of the 400 days before --start come first: about 2,000 records, a slot every 12 s."""
    blocks = list(
        itertools.takewhile(lambda block: block.time < simulator.START, simulator.blocks(Settings(seed=6)))
    )
    assert 200 <= len(blocks) <= 250
    assert 1500 < sum(block.records for block in blocks) < 2600
    assert not any(block.labels for block in blocks)
    closing = [json.loads(block.data.splitlines()[-1]) for block in blocks]
    assert all(
        simulator.START - last["time"] == 12 * (simulator.FIRST_BLOCK - last["block"]) for last in closing
    )
    assert all(one["block"] < other["block"] for one, other in itertools.pairwise(closing))
    assert 380 * 86400 < simulator.START - closing[0]["time"] <= 400 * 86400


@pytest.mark.parametrize("start", [0, 11, 3600, 86_400])
def test_no_block_before_1970(start):
    """With an early --start the prologue shrinks, or is left out."""
    blocks = list(itertools.islice(simulator.blocks(Settings(seed=6, start=start)), 260))
    assert start in {block.time for block in blocks}
    assert blocks[0].time >= 0


def test_transactions_stand_together(sample):
    """A transaction is its n = 0 record and those that ``follows`` announces; n never repeats in a block."""
    records = iter(sample)
    for item in records:
        if item["type"] == "block":
            continue
        assert item["n"] == 0
        rest = list(itertools.islice(records, item.get("follows", 0)))
        assert [other["tx"] for other in rest] == [item["tx"]] * len(rest)
    for _, group in itertools.groupby(sample, key=lambda item: item["block"]):
        logs = [item["n"] for item in group if item.get("n")]
        assert logs == sorted(set(logs))


def test_token_payments_have_the_agreed_shape(sample):
    """An ERC-20 payment is a call that mentions the receiver, then the movement by its log."""
    pairs = itertools.pairwise(sample)
    call, moved = next(
        pair for pair in pairs if pair[0].get("method") == "0xa9059cbb" and "follows" in pair[0]
    )
    assert call["type"] == "call"
    assert call["follows"] == 1
    assert call["mentions"] == [moved["to"]]
    assert moved["type"] == "transfer"
    assert moved["n"] >= 1
    assert moved["asset"] == f"eip155:1/erc20:{call['to']}"


def test_a_transfer_carries_value(sample):
    """No coin sent is a call, as when a payment is cancelled; tokens move in amounts of nothing at times."""
    moved = [item for item in sample if item["type"] == "transfer"]
    assert all(int(item["value"]) > 0 for item in moved if item["n"] == 0)
    assert any(item["value"] == "0" for item in moved)
    bare = [
        item for item in sample if item["type"] == "call" and not {"method", "created", "failed"} & set(item)
    ]
    assert bare
    assert all(item["value"] == "0" and item["from"] == item["to"] for item in bare)


def test_every_kind_occurs(sample):
    """Failures, contract creations, self-payments, batches, unlimited approvals and whole-collection ones."""
    assert any(item.get("failed") for item in sample)
    assert any(item["type"] == "call" and item["to"] is None for item in sample)
    assert any(item["type"] == "transfer" and item["from"] == item["to"] for item in sample)
    assert any(item.get("follows", 0) > 5 for item in sample)
    assert any(item["type"] == "approval" and item["value"] == str(2**256 - 1) for item in sample)
    assert any(item["type"] == "approval" and item["scope"] == "all" for item in sample)


def test_chain_and_start_show():
    blocks = simulator.blocks(Settings(chain="eip155:137", start=1_700_000_000))
    first = json.loads(next(block for block in blocks if block.time >= 1_700_000_000).data.splitlines()[0])
    assert first["chain"] == "eip155:137"
    assert first["time"] == 1_700_000_000
