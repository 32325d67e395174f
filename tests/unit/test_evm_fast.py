"""Blocks that take the fast path come out as they do with care, byte for byte; others go the careful way."""

import copy
import gc
import gzip
import json
import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chains_kit import ALICE, BOB, CAROL, USDT, block, call, receipt, tx, word
from fast_kit import PEGGED, Spy, numbered, outcome, same, spoil, varied
from txpipe import record
from txpipe.chains import evm_fast
from txpipe.chains.chain import ChainOf
from txpipe.chains.evm_check import read, together
from txpipe.chains.evm_plain import told
from txpipe.chains.exact import parse
from txpipe.chains.making import Making
from txpipe.chains.tokens import Tokens


def test_what_stands_in_blocks():
    """Every kind of record is made on the fast path, and is the one that care makes."""
    made, receipts = varied()
    assert same({1: made}, {1: receipts})
    (blocks, *_), said, faults, asked = outcome({1: made}, {1: receipts}, careful=False)
    assert USDT in asked[0][0]
    records = [json.loads(line) for line in blocks[0].lines.splitlines()]
    assert (len(records), said, faults) == (25, [], 0)
    assert {one["type"] for one in records} == {"transfer", "call", "approval", "block"}
    assert records[0]["amount"] == "1.25"
    assert [one["usd"] for one in records if PEGGED in one.get("asset", "")] == [12.345678]


def test_one_odd_block_of_several():
    """The others, and what comes before one that is not there yet, are as they were."""
    blocks, receipts = {}, {}
    for number in range(1, 5):
        made, of_it = varied()
        text = json.dumps([made, of_it])
        for at in (1, 2, 3, 4):
            text = text.replace("0x" + word(at), "0x" + word(at + 100 * number)) if number > 1 else text
        made, of_it = json.loads(text)
        made["number"] = hex(number)
        for one in (*made["transactions"], *of_it, *(log for each in of_it for log in each["logs"])):
            one["blockNumber"] = hex(number)
        blocks[number], receipts[number] = made, of_it
    blocks[2]["transactions"][0]["from"] = "0x" + "AB" * 20
    assert same(dict(blocks), dict(receipts))
    assert same({**blocks, 4: None}, {**receipts, 4: None})
    assert not same({1: None, 2: None}, {1: None, 2: None})


@pytest.mark.parametrize("seed", range(40))
def test_anything_spoiled(seed):
    """Whatever one or more parts of a block are, or are not, both paths say the same."""
    rng = random.Random(seed)
    taken = 0
    for _ in range(25):
        made, receipts = varied()
        for _ in range(rng.choice((1, 1, 1, 2, 5))):
            spoil(rng, made, receipts)
        taken += same({1: made}, {1: receipts})
    assert 0 < taken < 25


@pytest.mark.parametrize("begins", ["x0", "1x", "00", "0X"])
def test_no_text_goes_unseen_that_does_not_begin_with_0x(begins):
    """Wherever a number or data stand, their beginning is looked at: alike on both paths."""
    made, receipts = varied()
    parts = [*made["transactions"], *receipts, *(log for one in receipts for log in one["logs"])]
    seen = 0
    for part in parts:
        for key in ("hash", "value", "input", "data", "from", "to", "address", "contractAddress", "logIndex"):
            held = part.get(key)
            if isinstance(held, str) and held not in {"0x", ""}:
                part[key] = begins + held[2:]
                assert not same({1: made}, {1: receipts}), (key, held)
                part[key] = held
                seen += 1
    assert seen > 50
    assert same({1: made}, {1: receipts})


PARTS = st.lists(
    st.sampled_from(
        (
            "00",
            "00" * 4,
            "00" * 7,
            "00" * 8,
            "00" * 12,
            "00" * 20,
            "00" * 24,
            "ff" * 20,
            "ff" * 32,
            "01",
            "a1" * 19,
        )
    ),
    max_size=8,
).map("".join)


@given(
    st.sampled_from(("a9059cbb", "095ea7b3", "39509351", "d505accf", "12345600")), PARTS, st.integers(0, 3)
)
@example("a9059cbb", "00" * 12 + ALICE[2:] + "00" * 32, 0)
@example("a9059cbb", "00" * 12 + "a1" * 16 + "00" * 4 + "00" * 31 + "05", 0)
@example("a9059cbb", "00" * 12 + "a1" * 19 + "00" + "00" * 20 + "01" * 12, 0)
@example("095ea7b3", "00" * 12 + "00" + "a1" * 19 + "ff" * 32, 0)
@example("a9059cbb", "00" * 12 + "a1" * 5 + "00" * 8 + "a1" * 7 + "00" * 31 + "01", 0)
def test_mentions_of_calls(selector, args, cut):
    """However zeros and addresses lie in calldata, the same addresses are found."""
    data = f"0x{selector}{args[: 128 - 2 * cut].ljust(128, '0')}"
    assert same({1: block(1, tx(to=USDT, data=data))}, {1: [receipt(logsBloom="0x" + "0" * 512)]}) == (
        selector != "d505accf"
    )


@given(
    st.sampled_from(("", USDT, PEGGED, BOB)), st.one_of(st.integers(0, 2**256 - 1), st.integers(0, 10**19))
)
def test_amounts(contract, value):
    """Amounts of coins, of tokens with and without a price, and of unknown ones are the same text."""
    ends = ["0x" + word(one) for one in (ALICE, CAROL)]
    if contract:
        event = {"topics": [evm_fast._TRANSFER, *ends], "data": "0x" + word(value), "address": contract}
        made, receipts = block(1, tx()), numbered([event])
    else:
        made, receipts = block(1, tx(value=value)), numbered([])
    assert same({1: made}, {1: receipts})


CHAINS = (
    {"chainId": "0x0", "v": "0x25", "type": "0x0"},
    {"chainId": "0x0"},
    {"chainId": None},
    {"chainId": "0x89"},
)


@pytest.mark.parametrize("named", CHAINS)
def test_odd_chains(named):
    """A transaction that names no chain, or another one, is told by its signature, or refused, as before."""
    same({1: block(1, tx(**named), tx(index=1, **named))}, {1: numbered([], [])})


def test_nobody():
    """What is from nobody, as Polygon's state syncs, and empty blocks."""
    nobody = {"from": "0x" + "0" * 40}
    assert not same({1: block(1, tx(**nobody))}, {1: numbered([])})
    assert same({1: block(1)}, {1: []})
    assert not same({1: block(1)}, {1: numbered([])})


def test_missing_receipts_and_logs():
    """Parts that lack are noticed as before."""
    made, receipts = varied()
    for position in range(len(receipts)):
        assert not same({1: made}, {1: receipts[:position] + receipts[position + 1 :]})
    for one in receipts:
        logs, one["logs"] = one["logs"], one["logs"][1:]
        assert not same({1: made}, {1: receipts}) or not logs
        one["logs"] = logs


def test_what_nothing_is_made_of():
    """Other keys are passed over; what is not ASCII is read with care all the same."""
    made, receipts = varied()
    assert not same({1: {**made, "extra": "é"}}, {1: receipts})
    assert same({1: {**made, "extra": {"hash": "\n"}}}, {1: [{**one, "more": [{}]} for one in receipts]})


def test_table_of_tokens_as_it_is_now():
    """What is learnt of a token between two blocks is in the records of the second."""

    made, receipts = varied()
    text = json.dumps([{"id": 1, "result": made}, {"id": 2, "result": receipts}]).encode()
    plain, of_it = (one["result"].plain for one in told(text))
    making = Making(ChainOf("eip155:1", print), Tokens.shipped(), lambda: 0, print, print)
    fast = evm_fast.FastBlock(plain, of_it, "n")
    before = fast.lines(making)
    making.tokens.learn({"address": USDT, "symbol": 'T"T', "decimals": 2})
    after = [json.loads(line) for line in fast.lines(making)]
    changed = [one for one, line in zip(after, before, strict=True) if one != json.loads(line)]
    assert USDT in fast.contracts
    assert {one["symbol"] for one in changed} == {'T"T'}
    assert {one["amount"] for one in changed if one["type"] == "transfer"} >= {"25000", "0"}


@pytest.mark.parametrize("careful", [False, True])
def test_blocks_make_no_cycles(careful):
    """txtail looks for cycles rarely: blocks leave none behind, on either path."""
    made, receipts = varied()
    text = json.dumps([{"id": 1, "result": made}, {"id": 2, "result": receipts}]).encode()
    making = Making(ChainOf("eip155:1", print), Tokens.shipped(), lambda: 0, print, print)

    def lines():
        if careful:
            found, of_it = (one["result"] for one in parse(text))
            parts, _ = together(read(found, of_it), of_it, 1, "n")
            return [record.dumps(one) for one in parts.records(making)]
        found, of_it = (one["result"].plain for one in told(text))
        return evm_fast.FastBlock(found, of_it, "n").lines(making)

    lines()
    gc.collect()
    gc.disable()
    try:
        for _ in range(20):
            lines()
        assert gc.collect() == 0
    finally:
        gc.enable()


REAL = (
    "ethereum_mainnet_jsonrpc_15753009",
    "ethereum_mainnet_jsonrpc_16899757",
    "ethereum_mainnet_jsonrpc_17053184",
    "ethereum_mainnet_jsonrpc_11098450",
    "ethereum_mainnet_jsonrpc_7280016",
    "ethereum_mainnet_jsonrpc_4370006",
    "polygon_mainnet_jsonrpc_38102393",
)


def opened(path):
    with gzip.open(path) as file:
        return json.load(file)


@pytest.mark.shared_data
@pytest.mark.parametrize("name", REAL)
def test_real_blocks(data, name):
    """Real transactions, with real logs dealt out to them, as they are, with a chain each, and spoiled."""
    made = opened(data / "blocks" / f"{name}.json.gz")
    pool = opened(data / "blocks" / "ethereum_etl_blocks_17173049_17173050_logs.json.gz")
    chain = "eip155:137" if "polygon" in name else "eip155:1"
    rng, number, count, receipts = random.Random(name), int(made["number"], 16), 0, []
    for one in made["transactions"]:
        logs = []
        for shown in rng.sample(pool, rng.choice((0, 0, 1, 1, 3, 8))):
            logs.append(
                {key: shown[key] for key in ("address", "topics", "data")}
                | {key: one[key] for key in ("blockHash", "blockNumber", "transactionIndex")}
                | {"transactionHash": one["hash"], "logIndex": hex(count), "removed": False}
            )
            count += 1
        receipts.append(
            {key: one[key] for key in ("blockHash", "blockNumber", "transactionIndex")}
            | {"transactionHash": one["hash"], "status": rng.choice(("0x1", "0x1", "0x0")), "logs": logs}
            | {"contractAddress": CAROL if one["to"] is None else None}
        )
    same({number: made}, {number: receipts}, chain)
    named = {
        **made,
        "transactions": [{**one, "chainId": hex(int(chain[7:]))} for one in made["transactions"]],
    }
    assert same({number: named}, {number: receipts}, chain)
    for _ in range(6):
        spoiled = copy.deepcopy((named, receipts))
        spoil(rng, *spoiled)
        same({number: spoiled[0]}, {number: spoiled[1]}, chain)


@pytest.mark.anvil
def test_blocks_of_a_node(anvil):
    """Blocks of a real node take the fast path, and are as they are with care."""
    for value in (0, 1, 10**18, 2**64):
        anvil.fund(ALICE, 10**27)
        anvil.send(ALICE, BOB, value=value)
        anvil.send(ALICE, BOB, data=call("a9059cbb", CAROL, value))
        anvil.mine()
    last = int(anvil.rpc("eth_blockNumber"), 16)
    heights = range(1, last + 1)
    blocks = {height: anvil.rpc("eth_getBlockByNumber", hex(height), True) for height in heights}
    receipts = {height: anvil.rpc("eth_getBlockReceipts", hex(height)) for height in heights}
    chain = f"eip155:{int(anvil.rpc('eth_chainId'), 16)}"
    with Spy() as spy:
        outcome(blocks, receipts, careful=False, chain=chain)
    assert spy.taken >= last
    assert same(blocks, receipts, chain)
