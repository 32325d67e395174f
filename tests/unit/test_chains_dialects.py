"""ethereum-etl, cryo, Bitcoin Core, bitcoin-etl; the parts of a block joined; what passes through."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains_kit import ALICE, BOB, TRANSFER, USDT, block, h32, normalized, receipt, tx
from txpipe import record
from txpipe.chains.bitcoin import base_units
from txpipe.chains.chain import BITCOIN, LITECOIN
from txpipe.chains.normalize import _one_line
from txpipe.chains.split import Splitter


def _etl(number):
    own = {"block_number": number, "block_hash": h32(number)}
    hash_ = h32(0x1000 * number)
    return [
        {
            "type": "block",
            "number": number,
            "hash": h32(number),
            "parent_hash": h32(number - 1),
            "timestamp": 100 + number,
            "transaction_count": 1,
        },
        {
            "type": "transaction",
            "hash": hash_,
            "transaction_index": 0,
            "from_address": ALICE,
            "to_address": USDT,
            "value": 2**64 + number,
            "input": "0x",
            "receipt_status": 1,
            "block_timestamp": 100 + number,
            **own,
        },
        {
            "type": "log",
            "log_index": 3,
            "transaction_hash": hash_,
            "address": USDT,
            "topics": [TRANSFER, h32(int(ALICE, 16)), h32(int(BOB, 16))],
            "data": h32(5),
            **own,
        },
        {
            "type": "token_transfer",
            "token_address": USDT,
            "from_address": ALICE,
            "to_address": BOB,
            "value": 5,
            "transaction_hash": hash_,
            "log_index": 3,
            **own,
        },
    ]


def _lines(items):
    return "".join(json.dumps(item) + "\n" for item in items).encode()


@given(st.randoms(use_true_random=False), st.integers(1, 8))
def test_the_order_of_items_changes_nothing(rng, count):
    """Grouped by type, interleaved, shuffled or as several files: the same records within the window."""
    items = [item for number in range(1, count + 1) for item in _etl(number)]
    expected = normalized(_lines(items))
    shuffled = rng.sample(items, len(items))
    grouped = sorted(items, key=lambda item: item["type"])
    files = [
        _lines(item for item in items if item["type"] == kind) for kind in ("log", "block", "transaction")
    ]
    assert len(expected[0]) == 3 * count
    assert normalized(_lines(shuffled)) == expected
    assert normalized(_lines(grouped)) == expected
    assert normalized(*files) == expected


def test_files_are_joined_far_beyond_the_window():
    """Several FILEs are read side by side: each may be longer than the window."""
    items = [_etl(number) for number in range(1, 50)]
    files = [_lines(one[kind] for one in items) for kind in (0, 1, 2)]
    records, bad, _ = normalized(*files, window=3)
    assert len(records) == 3 * 49
    assert not bad


def test_a_part_that_comes_too_late_is_bad():
    """It is named with its remedy, and nothing is counted twice."""
    items = [_etl(number) for number in range(1, 10)]
    records, bad, _ = normalized(_lines([one[1] for one in items] + [one[2] for one in items]), window=3)
    assert sum(one["n"] == 0 for one in records) == 9
    assert "--window" in bad[0][2]


def test_a_token_transfer_says_token_unless_the_table_knows():
    """An id and an amount cannot be told apart there; USDT is known."""
    items = _etl(1)
    strange = {**items[3], "token_address": BOB, "log_index": 9}
    records, _, _ = normalized(_lines([items[0], items[1], items[3], strange]))
    assert [one["asset"] for one in records[1:3]] == [f"eip155:1/erc20:{USDT}", f"eip155:1/token:{BOB}"]


def test_a_token_item_overrides_the_table_and_passes():
    """Symbol and decimals come from the input."""
    token = {"type": "token", "address": USDT, "symbol": "UT", "decimals": 2}
    records, _, _ = normalized(_lines([token, *_etl(1)]))
    assert records[0] == token
    assert (records[2]["symbol"], records[2]["amount"]) == ("UT", "0.05")


def test_csv_and_cryo():
    """Rows of CSV read as their JSON does; value_string is exact, success false is a failure."""
    text = (
        "block_number,transaction_hash,transaction_index,from_address,to_address,value_string,value_f64,input,"
        f"success,chain_id,timestamp\n7,{h32(9)},0,{ALICE},,{2**200},1.6e60,0x,true,10,55\n"
        f"7,{h32(8)},1,{ALICE},{BOB},5,5.0,0x,false,10,55\nshort,row\n"
    )
    records, bad, _ = normalized(text.encode())
    assert [(one["type"], one["chain"], one["value"]) for one in records] == [
        ("transfer", "eip155:10", str(2**200)),
        ("call", "eip155:10", "5"),
    ]
    assert bad == [("f0", 4, "2 columns, the header has 11")]


def _core(**output):
    return {
        "hash": "0" * 63 + "1",
        "previousblockhash": "0" * 63 + "2",
        "height": 5,
        "time": 77,
        "tx": [
            {
                "txid": "a" * 64,
                "vin": [{"coinbase": "00"}],
                "vout": [{"n": 0, "value": 50, "scriptPubKey": {}}],
            },
            {
                "txid": "b" * 64,
                "vin": [
                    {"prevout": {"scriptPubKey": {"address": "bc1qaaa"}}},
                    {"prevout": {"scriptPubKey": {"addresses": ["1Boat"]}}},
                ],
                "vout": [
                    {"n": 0, "value": 0.1, **output},
                    {"n": 1, "value": 0, "scriptPubKey": {"asm": "OP_RETURN"}},
                ],
            },
        ],
    }


def test_getblock_3():
    """One transfer an output, senders from prevout, null for coinbase and odd scripts."""
    records, bad, _ = normalized(_core(scriptPubKey={"address": "bc1qbbb"}))
    assert [
        (one["from"], one["to"], one["value"], one.get("inputs"), one.get("follows")) for one in records[:3]
    ] == [
        (None, None, "5000000000", None, None),
        ("bc1qaaa", "bc1qbbb", "10000000", ["bc1qaaa", "1Boat"], 1),
        ("bc1qaaa", None, "0", None, None),
    ]
    assert records[0]["asset"] == f"{BITCOIN}/slip44:0"
    assert records[3]["records"] == 3
    assert not bad


@pytest.mark.parametrize("output", [{}, {"scriptPubKey": None}, {"scriptPubKey": {"addresses": [5, None]}}])
def test_odd_outputs_pay_nobody(output):
    """No script (MWEB), no addresses: ``to`` is null, nothing crashes."""
    assert normalized(_core(**output))[0][1]["to"] is None


def test_bare_multisig_hides_nobody():
    """An output of several keys goes to the first and mentions the others; an input counts each."""
    found = _core(scriptPubKey={"addresses": ["1a", "1b", "1c"]})
    found["tx"][1]["vin"][1]["prevout"]["scriptPubKey"]["addresses"] = ["1d", "1e"]
    paid = normalized(found)[0][1]
    assert (paid["to"], paid["mentions"]) == ("1a", ["1b", "1c"])
    assert paid["inputs"] == ["bc1qaaa", "1d", "1e"]


def _coin_transaction(inputs, outputs):
    return {
        "type": "transaction",
        "hash": "b" * 64,
        "block_number": 5,
        "block_timestamp": 77,
        "inputs": [{"addresses": [f"1in{n}"], "value": 1} for n in range(inputs)],
        "outputs": [{"index": n, "value": 5, "addresses": ["1out", "1key"]} for n in range(outputs)],
    }


def test_a_transaction_without_outputs_is_a_call():
    """Its inputs are screened all the same."""
    records, bad, _ = normalized(_coin_transaction(2, 0))
    assert [(one["type"], one["n"], one["value"], one["to"]) for one in records] == [("call", 0, "0", None)]
    assert (records[0]["from"], records[0]["inputs"]) == ("1in0", ["1in0", "1in1"])
    assert not bad


@pytest.mark.parametrize(
    ("inputs", "outputs", "lists"),
    [
        (0, 2, [0, 0]),
        (1, 2, [0, 0]),
        (735, 3, [735, 0, 0]),
        (4_001, 3, [4_000, 1, 0]),
        (20_001, 2, [4_000] * 5 + [1]),
        (8_001, 0, [4_000, 4_000, 1]),
    ],
)
def test_inputs_are_listed_once_and_no_record_is_too_long(inputs, outputs, lists):
    """They stand on the first record, go on with the following ones and behind the last with calls."""
    found = _coin_transaction(inputs, outputs)
    records, bad, _ = normalized(found)
    assert [len(one.get("inputs", ())) for one in records] == lists
    assert [one["n"] for one in records] == list(range(len(records)))
    assert [one["type"] for one in records] == ["transfer"] * outputs + ["call"] * (len(records) - outputs)
    assert records[0].get("follows", 0) == len(records) - 1
    if inputs > 1:
        assert [each for one in records for each in one.get("inputs", ())] == [
            one["addresses"][0] for one in found["inputs"]
        ]
    assert all(record.check(one) and len(record.dumps(one)) < 1 << 19 for one in records)
    assert not bad


def test_litecoin_is_told_by_its_addresses():
    """ltc1 says Litecoin, with a notice; --chain for another chain is a contradiction."""
    found = _core(scriptPubKey={"address": "ltc1qbbb"})
    del found["tx"][1]["vin"][:]
    records, _, notices = normalized(found)
    assert (records[0]["asset"], records[0]["symbol"]) == (f"{LITECOIN}/slip44:2", "LTC")
    assert len(notices) == 1
    assert "--chain says" in normalized(found, chain=BITCOIN)[1][0][2]


def _spent(number, **more):
    """A getblock 2 answer: inputs name what they spend, not what stood there."""
    found = _core(scriptPubKey={"address": "bc1qbbb"})
    found |= {"height": number, "hash": f"{number:064x}"}
    found["tx"][1]["vin"] = [{"txid": "e" * 64, "vout": 0, **more}]
    return found


def test_inputs_without_addresses_are_said_once():
    """getblock 2: every sender is null; one notice a run says what that costs and what gives them."""
    records, bad, notices = normalized([_spent(5), _spent(6)])
    assert {one["from"] for one in records if one["type"] == "transfer"} == {None}
    assert len(notices) == 1
    assert "senders are not screened; getblock HASH 3" in notices[0]
    assert not bad


@pytest.mark.parametrize(
    "found",
    [
        _spent(5, prevout={"scriptPubKey": {"type": "nonstandard"}}),
        _core(scriptPubKey={"address": "bc1qbbb"}),
    ],
)
def test_a_script_without_an_address_is_no_missing_output(found):
    """getblock 3, coinbase and odd scripts: nothing is missing, nothing is said."""
    assert normalized(found)[2] == []


def test_bitcoin_etl_without_enrichment_is_said():
    """Its inputs' values are null until bitcoinetl's enrich_transactions."""
    item = {
        "type": "transaction",
        "hash": "b" * 64,
        "block_number": 5,
        "block_timestamp": 77,
        "inputs": [
            {"spent_transaction_hash": "e" * 64, "spent_output_index": 0, "value": None, "addresses": []}
        ],
        "outputs": [{"index": 0, "value": 5, "addresses": ["bc1qbbb"]}],
    }
    assert "enrich_transactions" in normalized(item)[2][0]
    item["inputs"][0] |= {"value": 5, "addresses": ["bc1qaaa"]}
    assert normalized(item)[2] == []


def test_verbosity_1_names_the_remedy():
    """Transaction ids alone are bad input."""
    assert "verbosity 2 or 3" in normalized({"hash": "0" * 64, "height": 1, "tx": ["a" * 64]})[1][0][2]


@given(st.integers(0, 21 * 10**14), st.integers(0, 10**15))
def test_satoshis_are_exact(satoshis, many):
    """Every amount that can exist, from the float that JSON readers make of it."""
    assert base_units(float(f"{satoshis / 10**8:.8f}")) == satoshis
    assert base_units(many) == many * 10**8 if many < 10**12 else True


def test_records_and_unknown_types_pass_byte_for_byte():
    """Spacing, key order and big numbers stay; a record that is none is bad."""
    big = b', "n":123456789012345678901234567890}'
    beat = (
        b'{"type":"heartbeat", "chain":"eip155:1","time":0,"status":"ok","block":1,"lag_s":0,"records":0,'
        b'"bad":0,"source":"x"'
    )
    lines = [
        beat + big,
        b'{ "type" : "custom", "x": 1.0 }',
    ]
    texts = list(Splitter(1000).feed(b"\n".join(lines) + b"\n"))
    assert [_one_line(text) for text in texts] == [line + b"\n" for line in lines]
    records, bad, _ = normalized(b"\n".join([*lines, b'{"type":"call"}']))
    assert len(records) == 2
    assert bad == [("f0", 3, 'call without "chain"')]


def test_error_and_null_answers_are_bad():
    """They say what the node said."""
    answers = [
        {"jsonrpc": "2.0", "error": {"code": -1, "message": "busy"}},
        {"jsonrpc": "2.0", "result": None},
    ]
    reasons = [reason for _, _, reason in normalized(_lines(answers))[1]]
    assert "busy" in reasons[0]
    assert "null" in reasons[1]


def test_order_of_blocks_and_completeness():
    """A block leaves at once when its receipts are there, and lower ones leave first."""
    b1, b2 = block(1, tx(1)), block(2, tx(2))
    r1, r2 = [receipt(number=1)], [receipt(number=2)]
    for order in ([b1, b2, r1, r2], [b1, b2, r2, r1], [r2, r1, b1, b2]):
        blocks = [one["block"] for one in normalized(*order)[0] if one["type"] == "block"]
        assert blocks == [1, 2]


# --- real data --------------------------------------------------------------------------------------------


def _read(path):
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def _moved(records):
    return sorted(
        (one["type"], one["tx"], one["n"], one["from"], one["to"], one["value"])
        for one in records
        if one["type"] in ("transfer", "approval") and one["n"] != 0
    )


@pytest.mark.shared_data
def test_all_real_blocks_convert(data):
    """Not one bad document; Bitcoin block 200000 has its 388 transactions."""
    for path in sorted(data.glob("blocks/*.gz")):
        records, bad, _ = normalized(_read(path))
        assert not bad
        assert records
        if "200000" in path.name:
            assert len({one["tx"] for one in records if one["type"] == "transfer"}) == 388
        if "polygon" in path.name:
            assert {one["chain"] for one in records} == {"eip155:137"}


@pytest.mark.shared_data
def test_ethereum_etl_files_are_joined(data):
    """Blocks 17173049 and 17173050: logs win over token_transfers, in every order of the files."""
    path = "blocks/ethereum_etl_blocks_17173049_17173050_{}.json.gz"
    parts = {kind: _read(data / path.format(kind)) for kind in ("transactions", "logs", "token_transfers")}
    expected = normalized(parts["transactions"], parts["logs"])
    assert len(expected[0]) == 678
    assert normalized(*parts.values()) == expected
    assert normalized(b"".join(reversed(parts.values()))) == expected


@pytest.mark.shared_data
def test_dialects_agree(data):
    """The same dev chain through ethereum-etl, cryo, cast and RPC shows the same movements."""
    sample = data / "samples"
    kinds = {
        "etl stream": ["etl_stream.ndjson"],
        "etl json": ["etl_blocks.json", "etl_transactions.json", "etl_receipts.json", "etl_logs.json"],
        "cryo json": sorted(path.name for path in sample.glob("cryo_*.json")),
        "cryo csv": sorted(path.name for path in sample.glob("cryo_*.csv")),
        "rpc": [
            "rpc_eth_getBlockByNumber_full.json",
            "rpc_eth_getBlockReceipts.json",
            "rpc_eth_getLogs.json",
        ],
        "cast": ["cast_logs.json", "cast_receipt.json"],
    }
    found = {kind: normalized(*(_read(sample / name) for name in names)) for kind, names in kinds.items()}
    assert all(not bad for _, bad, _ in found.values())
    assert len(_moved(found["rpc"][0])) == 3
    assert all(_moved(records) == _moved(found["rpc"][0]) for records, _, _ in found.values())


@pytest.mark.shared_data
def test_litecoin_dialects_agree(data):
    """Litecoin Core's block and bitcoin-etl's items of the same height pay the same."""
    sample = data / "samples"
    core, bad, _ = normalized(_read(sample / "ltc_core021_getblock_v2.json"))
    assert not bad
    etl, bad, _ = normalized(_read(sample / "btcetl_transactions.json"), _read(sample / "btcetl_blocks.json"))
    assert not bad
    paid = [
        [(o["tx"], o["n"], o["to"], o["value"]) for o in r if o["block"] == 106 and "tx" in o]
        for r in (core, etl)
    ]
    assert paid[0]
    assert paid[0] == paid[1]
