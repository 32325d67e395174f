"""JSON-RPC blocks to records: movements from logs, else from calldata; nothing twice, nothing lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains_kit import (
    ALICE,
    APPROVAL,
    BATCH,
    BOB,
    CAROL,
    FOR_ALL,
    MOST,
    SINGLE,
    TRANSFER,
    USDT,
    block,
    call,
    h32,
    log,
    normalized,
    receipt,
    tx,
    word,
)
from txpipe import record
from txpipe.chains.calldata import MAX_MENTIONS


def _movements(records):
    return [one for one in records if one["type"] in ("transfer", "approval") and one["n"] != 0]


def test_a_value_is_a_transfer_and_no_value_is_a_call():
    """Every transaction yields its n 0 record; the block record counts them and closes the block."""
    records, bad, notices = normalized(block(5, tx(5, value=1250000000000000000), tx(5, index=1)))
    assert [one["type"] for one in records] == ["transfer", "call", "block"]
    assert records[0]["amount"] == "1.25"
    assert records[0]["asset"] == "eip155:1/slip44:60"
    assert records[-1] == {
        "type": "block",
        "chain": "eip155:1",
        "block": 5,
        "time": 1_760_000_060,
        "hash": h32(5),
        "parent": h32(4),
        "records": 2,
    }
    assert not bad
    assert not notices


@given(st.integers(1, MOST))
def test_values_are_exact_at_any_size(value):
    """2^256-1 survives, as a hex string and as a bare integer of ethereum-etl's."""
    etl = {
        "type": "transaction",
        "hash": h32(1),
        "block_number": 1,
        "transaction_index": 0,
        "block_timestamp": 7,
        "from_address": ALICE,
        "to_address": BOB,
        "value": value,
        "input": "0x",
    }
    assert normalized(block(1, tx(value=value)))[0][0]["value"] == str(value)
    assert normalized(etl)[0][0]["value"] == str(value)


def test_calldata_speaks_only_where_no_receipt_is_at_hand():
    """With the receipt the movement comes from its log, with n = log index + 1, and only from there."""
    sent = tx(to=USDT, data=call("a9059cbb", BOB, 2_500_000))
    shown = log(7, TRANSFER, h32(int(ALICE, 16)), h32(int(BOB, 16)), data=h32(2_500_000))
    bare = normalized(block(1, sent))[0]
    full = normalized({"block": block(1, sent), "receipts": [receipt(shown)]})[0]
    assert [one["n"] for one in bare[:-1]] == [0, -1]
    assert [one["n"] for one in full[:-1]] == [0, 8]
    for own, moved, _closing in (bare, full):
        assert own["follows"] == 1
        assert own["method"] == "0xa9059cbb"
        assert own["mentions"] == [BOB]
        wanted = {"from": ALICE, "to": BOB, "symbol": "USDT", "amount": "2.5", "usd": 2.5}
        assert wanted.items() <= moved.items()


@pytest.mark.parametrize(
    "beside",
    [
        lambda b, r: [b, r],
        lambda b, r: {"block": {"jsonrpc": "2.0", "id": 1, "result": b}, "receipts": {"result": r}},
        lambda b, r: {**b, "receipts": r},
        lambda b, r: [{"jsonrpc": "2.0", "id": 2, "result": r}, {"jsonrpc": "2.0", "id": 1, "result": b}],
    ],
)
def test_receipts_beside_the_block_in_any_wrapping(beside):
    """As a pair, one object, a key of the block or a batch answer: the same records."""
    b = block(1, tx(to=USDT, data=call("a9059cbb", BOB, 1)))
    r = [receipt(log(0, TRANSFER, h32(int(ALICE, 16)), h32(int(BOB, 16)), data=h32(1)))]
    expected = normalized(b, r)
    assert [one["type"] for one in expected[0]] == ["call", "transfer", "block"]
    assert normalized(beside(b, r)) == expected


def test_a_failed_transaction_moves_nothing():
    """Status 0: one call that keeps its mentions, whatever value or calldata it carries."""
    sent = tx(to=USDT, value=5, data=call("a9059cbb", BOB, 1))
    records, bad, _ = normalized(block(1, sent), [receipt(status=0)])
    assert [one["type"] for one in records] == ["call", "block"]
    assert {"failed": True, "mentions": [BOB]}.items() <= records[0].items()
    assert not bad


def test_a_pending_transaction():
    """It has no block, the time of its first sight, and its calldata's movements."""
    records, _, _ = normalized(
        tx(blockNumber=None, blockHash=None, to=USDT, data=call("095ea7b3", BOB, MOST))
    )
    assert [(one["n"], one["block"], one["pending"], one["time"]) for one in records] == [
        (0, None, True, 1_760_000_000),
        (-1, None, True, 1_760_000_000),
    ]
    assert records[1]["value"] == str(MOST)


def test_contract_creation_has_no_recipient():
    """``to`` is null; the receipt's contractAddress stands beside it."""
    made = tx(to=None, data="0x6080")
    records, _, _ = normalized(block(1, made), [receipt(contractAddress=CAROL)])
    assert records[0]["to"] is None
    assert records[0]["created"] == CAROL


def test_standard_events():
    """ERC-20, ERC-721 and ERC-1155 movements and approvals, a batch numbered with sub."""
    a, b = h32(int(ALICE, 16)), h32(int(BOB, 16))
    lists = "0x" + "".join(map(word, (64, 160, 2, 8, 9, 2, 80, 90)))
    logs = [
        log(0, TRANSFER, a, b, h32(4), address=CAROL),
        log(1, APPROVAL, a, b, data=h32(MOST)),
        log(2, FOR_ALL, a, b, data=h32(1), address=CAROL),
        log(3, SINGLE, a, a, b, data="0x" + word(6) + word(60), address=CAROL),
        log(4, BATCH, a, a, b, data=lists, address=CAROL),
    ]
    records, bad, notices = normalized(block(1, tx()), [receipt(*logs)])
    shown = [
        (one["type"], one["n"], one.get("sub"), one["asset"].split("/", 1)[1], one["value"])
        for one in _movements(records)
    ]
    assert shown == [
        ("transfer", 1, None, f"erc721:{CAROL}/4", "1"),
        ("approval", 2, None, f"erc20:{USDT}", str(MOST)),
        ("approval", 3, None, f"token:{CAROL}", "1"),
        ("transfer", 4, None, f"erc1155:{CAROL}/6", "60"),
        ("transfer", 5, 0, f"erc1155:{CAROL}/8", "80"),
        ("transfer", 5, 1, f"erc1155:{CAROL}/9", "90"),
    ]
    assert records[0]["follows"] == 6
    assert not bad
    assert not notices


def test_a_hostile_log_is_left_out():
    """Sizes and offsets beyond the data, missing topics: no movement, one notice a block, no failure."""
    a = h32(int(ALICE, 16))
    logs = [
        log(0, TRANSFER),
        log(1, TRANSFER, a, a, data="0x01"),
        log(2, BATCH, a, a, a, data="0x" + word(MOST) + word(64)),
        log(3, BATCH, a, a, a, data="0x" + word(64) + word(64) + word(MOST)),
        log(4, TRANSFER, "0x" + "ff" * 32, a, data=h32(1)),
    ]
    records, bad, notices = normalized(block(1, tx()), [receipt(*logs)])
    assert [one["type"] for one in records] == ["call", "block"]
    assert not bad
    assert len(notices) == 1
    assert "5 logs" in notices[0]


def _paid(index, tx_index, value):
    parties = (h32(int(ALICE, 16)), h32(int(BOB, 16)))
    return log(index, TRANSFER, *parties, data=h32(value), tx_index=tx_index)


def test_log_indexes_may_count_within_each_transaction():
    """Two transactions, each with a log 0: both movements stay, with receipts, logs or token_transfers."""
    found = block(1, tx(index=0), tx(index=1))
    logs = [_paid(0, 0, 5), _paid(0, 1, 6)]
    receipts = [receipt(logs[0], index=0), receipt(logs[1], index=1)]
    expected = [(h32(0x1000), 1, "5"), (h32(0x1001), 1, "6")]
    items = [
        {
            "type": "token_transfer",
            "token_address": USDT,
            "from_address": ALICE,
            "to_address": BOB,
            "value": value,
            "transaction_hash": hash_,
            "log_index": n - 1,
            "block_number": 1,
            "block_hash": h32(1),
        }
        for hash_, n, value in expected
    ]
    for beside in (receipts, logs, items):
        records, bad, _ = normalized(found, beside)
        assert [(one["tx"], one["n"], one["value"]) for one in _movements(records)] == expected
        assert not bad


def test_a_log_given_twice_counts_once():
    """In receipts and in eth_getLogs, or repeated: one movement."""
    shown = _paid(3, 0, 5)
    records, _, _ = normalized([[shown, shown], [receipt(shown)], block(1, tx()), [shown]])
    assert [(one["n"], one["value"]) for one in _movements(records)] == [(4, "5")]


@pytest.mark.parametrize("kind", ["eip1559", "eip7702", "legacy", "custom"])
def test_a_textual_type_hides_no_raw_transaction_or_receipt(kind):
    """viem spells types and statuses: a node's object is told by its keys, "chain" and record types apart."""
    sent = tx(type=kind, value=5) if kind != "custom" else tx(value=5)
    done = receipt(_paid(0, 0, 7), type=kind, status=1) | {"status": "success"}
    found = {key: value for key, value in block(1).items() if key != "transactions"}
    records, bad, _ = normalized([found, sent], done)
    assert [(one["type"], one.get("value")) for one in records] == [
        ("transfer", "5"),
        ("transfer", "7"),
        ("block", None),
    ]
    assert normalized(block(1, sent), done)[0] == records
    assert not bad


def test_a_textual_legacy_type_and_a_reverted_status():
    """The chain comes from v, as with type 0x0; "reverted" is a failure."""
    old = tx(type="legacy", v="0x135", value=5)
    del old["chainId"]
    records, bad, _ = normalized(block(1, old), receipt(type="legacy") | {"status": "reverted"})
    assert (records[0]["chain"], records[0]["failed"]) == ("eip155:137", True)
    assert not bad


def test_an_odd_type_or_status_is_bad():
    """Neither passes as if read, and neither crashes."""
    for odd in ([], {}, "-1"):
        assert "type" in normalized(block(1, tx(type=odd, chainId=None)))[1][0][2]
    assert len(normalized(receipt() | {"status": "maybe"})[1]) == 1


def test_delegates_of_an_authorization_list_are_mentioned():
    """EIP-7702: the contracts whose code accounts take on; the zero address takes it back."""
    given = [{"chainId": "0x1", "address": one, "nonce": "0x0"} for one in (CAROL, "0x" + "00" * 20, CAROL)]
    sent = tx(type="0x4", authorizationList=given, data=call("12345678", USDT))
    assert normalized(block(1, sent))[0][0]["mentions"] == [CAROL, USDT]
    assert "authorizationList" in normalized(block(1, tx(authorizationList=["x"])))[1][0][2]


def test_mentions_beyond_the_cap_end_badly():
    """What was not looked at is said and counted as bad; the rest is listed."""
    many = call("12345678", *(f"0x{'a2' * 14}{n + 1:06x}{'a2' * 3}" for n in range(MAX_MENTIONS + 1)))
    records, bad, _ = normalized(block(1, tx(data=many)))
    assert len(records[0]["mentions"]) == MAX_MENTIONS
    assert [(place, reason) for place, _, reason in bad] == [
        (h32(0x1000), "it mentions 20,001 addresses, only the first 20,000 are listed")
    ]


@given(st.lists(st.binary(max_size=200), max_size=4), st.binary(max_size=400))
def test_no_calldata_or_log_crashes(topics, data):
    """Whatever bytes stand in a standard event or behind a known selector, records stay valid."""
    padded = [TRANSFER, *("0x" + (topic + bytes(32))[:32].hex() for topic in topics)][:4]
    hexed = "0x" + data.hex()
    for selector in ("a9059cbb", "2eb2c2d6", "2a2d80d1", "0d58b1db", "8fcbaf0c"):
        records, bad, _ = normalized(block(1, tx(to=USDT, data=f"0x{selector}{data.hex()}")))
        assert not bad
        assert all(record.check(one) for one in records)
    for first in (TRANSFER, APPROVAL, FOR_ALL, SINGLE, BATCH):
        records, bad, _ = normalized(block(1, tx()), [receipt(log(0, first, *padded[1:], data=hexed))])
        assert not bad
        assert all(record.check(one) for one in records)


def test_a_contradiction_about_the_chain_is_bad():
    """--chain 137 against a transaction that says 1: nothing of the block is written."""
    records, bad, _ = normalized(block(1, tx()), chain="eip155:137")
    assert records == []
    assert "--chain says eip155:137" in bad[0][2]


def test_the_chain_of_a_legacy_signature():
    """v = 309 is chain 137 (EIP-155)."""
    old = tx(type="0x0", v="0x135")
    del old["chainId"]
    assert normalized(block(1, old))[0][0]["chain"] == "eip155:137"


def _nameless(number, **more):
    sent = tx(number, value=1, **more)
    del sent["chainId"]
    return block(number, sent)


@pytest.mark.parametrize(("first", "second"), [(1, 2), (2, 1)])
def test_a_chain_learnt_from_one_input_serves_only_it(first, second):
    """One FILE names Polygon, the other names nothing: that one is eip155:1 with a notice, in any order."""
    named = block(first, tx(first, value=1, chainId="0x89"))
    records, bad, notices = normalized(named, _nameless(second))
    chains = {one["block"]: one["chain"] for one in records}
    assert chains == {first: "eip155:137", second: "eip155:1"}
    assert notices == ["the data names no chain: taken as eip155:1; --chain says otherwise"]
    assert not bad


def test_a_chain_learnt_serves_the_blocks_of_its_input_that_name_none():
    """An empty block after one that names its chain is of that chain; receipts beside it take part."""
    blocks = [block(1, tx(1, chainId="0x89")), block(2), _nameless(3)]
    records, _, notices = normalized(blocks)
    assert {one["chain"] for one in records} == {"eip155:137"}
    assert notices == []


def test_inputs_joined_in_one_block_learn_together():
    """Headers of one FILE, transactions of another that name the chain: a later header is of that chain."""
    headers = [
        {
            "type": "block",
            "number": n,
            "hash": h32(n),
            "parent_hash": h32(n - 1),
            "timestamp": 9,
            "transaction_count": n % 2,
        }
        for n in (1, 2)
    ]
    records, _, notices = normalized(headers, [tx(1, chainId="0x89")])
    assert [one["type"] for one in records] == ["call", "block", "block"]
    assert {one["chain"] for one in records} == {"eip155:137"}
    assert notices == []


@pytest.mark.parametrize(
    ("chain", "asset", "symbol"),
    [
        ("eip155:43114", "slip44:9005", "AVAX"),
        ("eip155:100", "slip44:700", "XDAI"),
        ("eip155:250", "slip44:1007", "FTM"),
        ("eip155:42220", "slip44:52752", "CELO"),
        ("eip155:59144", "slip44:60", "ETH"),
    ],
)
def test_native_coins_of_well_known_chains(chain, asset, symbol):
    """Each has its own coin type and symbol."""
    sent = normalized(_nameless(1), chain=chain)[0][0]
    assert (sent["asset"], sent["symbol"], sent["amount"]) == (
        f"{chain}/{asset}",
        symbol,
        "0.000000000000000001",
    )


def test_an_unknown_chain_s_coin_is_not_ether():
    """Its value is exact; symbol, amount and usd would be claims."""
    sent = normalized(_nameless(1), chain="eip155:987654321")[0][0]
    assert (sent["asset"], sent["value"]) == ("eip155:987654321/slip44:60", "1")
    assert not {"symbol", "amount", "usd"} & set(sent)


DAI = "0x6b175474e89094c44da98b954eedeac495271d0f"


@pytest.mark.parametrize(
    ("to", "data"),
    [
        (USDT, call("d505accf", BOB, CAROL, 7, 9, 27, 1, 1)),
        (DAI, call("8fcbaf0c", BOB, CAROL, 0, 9, 1, 27, 1, 1)),
        (CAROL, call("2b67b570", BOB, USDT, 7, 9, 0, CAROL, 9, 256)),
        (CAROL, call("2a2d80d1", BOB, 96, 512, 96, CAROL, 9, 2, USDT, 7, 0, 0, ALICE, 8, 0, 0)),
    ],
)
def test_a_permit_is_told_by_the_called_function_and_its_parties(to, data):
    """The approval of the permit's token, owner and spender is by permit; the others beside it are not."""
    token = to if to != CAROL else USDT
    a, b, c = (h32(int(who, 16)) for who in (ALICE, BOB, CAROL))
    logs = [
        log(0, APPROVAL, b, c, data=h32(7), address=token),
        log(1, APPROVAL, a, c, data=h32(7), address=token),
        log(2, APPROVAL, b, c, data=h32(7), address=BOB),
    ]
    records, _, _ = normalized(block(1, tx(to=to, data=data)), [receipt(*logs)])
    assert [one["via"] for one in _movements(records)] == ["permit", "approve", "approve"]


def test_a_permit_that_is_cut_short_marks_nothing():
    """Calldata that does not tell the parties leaves the log's own word."""
    seen = log(0, APPROVAL, h32(int(BOB, 16)), h32(int(CAROL, 16)), data=h32(7))
    records, _, _ = normalized(block(1, tx(to=USDT, data=call("d505accf", BOB))), [receipt(seen)])
    assert records[1]["via"] == "approve"


def test_a_nameless_block_of_inputs_of_several_chains_is_bad():
    """One FILE is Polygon's, the other Optimism's: a block joined from both is of neither."""
    header = {"type": "block", "number": 3, "hash": h32(3), "parent_hash": h32(2), "timestamp": 9}
    sent = tx(3)
    del sent["chainId"]
    first, second = block(1, tx(1, chainId="0x89")), block(2, tx(2, chainId="0xa"))
    records, bad, _ = normalized([first, header], [second, sent])
    assert {one["block"] for one in records} == {1, 2}
    assert "its inputs are of several chains: eip155:10, eip155:137" in bad[0][2]
