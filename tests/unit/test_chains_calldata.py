"""Calldata: mentioned addresses and standard calls."""

import pytest

from chains_kit import ALICE, BOB, CAROL, MOST, USDT, call, word
from txpipe.chains.calldata import mentions, movements

VANITY = (
    "0x00000000219ab540356cbb839cbe05303d7705fa",  # beacon deposit contract
    "0x000000000022d473030f116ddee9f6b43ac78ba3",  # Permit2
    "0x0000000000000068f116a894984e2db1123eb395",  # Seaport 1.6
)

DIRTY = "0x" + "5a" * 12 + BOB[2:]


def _mentions(data):
    return mentions(bytes.fromhex(data[2:]), ())


@pytest.mark.parametrize("address", [BOB, *VANITY])
def test_padded_words_are_mentioned(address):
    """An address between amounts, offsets and zero words is found, and the numbers are not."""
    data = call("12345678", 32, address, 10**18, 2**80, 1_760_000_000, 0)
    assert _mentions(data) == [address]


def test_dirty_upper_bytes_hide_no_party_of_a_standard_call():
    """USDT masks its arguments: the low 20 bytes are mentioned; a number elsewhere is still none."""
    assert _mentions(call("a9059cbb", DIRTY, 7)) == [BOB]
    assert _mentions(call("23b872dd", CAROL, DIRTY, 7)) == [CAROL, BOB]
    assert _mentions(call("12345678", DIRTY, 7)) == []
    assert _mentions(call("a9059cbb", 0, 7)) == []


@pytest.mark.parametrize("shift", [0, 1, 4, 8, 21, 28])
def test_nested_calls_are_searched(shift):
    """A call inside ``bytes`` shifts its words by its selector; packed calls shift them by any number."""
    data = call("ac9650d8", 32, 1, 68) + "11" * shift + call("a9059cbb", BOB, 5)[2:]
    assert BOB in _mentions(data)


def test_mentions_leave_out_the_transaction_s_own_and_repeat_nothing():
    """Order of appearance, each once, without sender and recipient."""
    data = bytes.fromhex(call("12345678", CAROL, ALICE, BOB, CAROL)[2:])
    assert mentions(data, (ALICE, None)) == [CAROL, BOB]


def test_huge_calldata_takes_linear_time():
    """A megabyte of zeros and a megabyte of addresses are both done at once."""
    assert mentions(bytes(1 << 20), ()) == []
    assert mentions(bytes.fromhex(word(BOB)) * (1 << 15), ()) == [BOB]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (call("a9059cbb", BOB, 7), [("erc20", ALICE, BOB, 7, None, None)]),
        (call("23b872dd", BOB, CAROL, 7), [("token", BOB, CAROL, 7, None, None)]),
        (call("42842e0e", BOB, CAROL, 7), [("erc721", BOB, CAROL, 1, 7, None)]),
        (call("f242432a", BOB, CAROL, 7, 2, 160, 0), [("erc1155", BOB, CAROL, 2, 7, None)]),
        (
            call("2eb2c2d6", BOB, CAROL, 160, 256, 352, 2, 3, 4, 2, 5, 6, 0),
            [("erc1155", BOB, CAROL, 5, 3, None), ("erc1155", BOB, CAROL, 6, 4, None)],
        ),
        (call("095ea7b3", BOB, MOST), [("token", ALICE, BOB, MOST, None, "approve")]),
        (call("39509351", BOB, 7), [("erc20", ALICE, BOB, 7, None, "approve")]),
        (call("a22cb465", BOB, 1), [("token", ALICE, BOB, 1, None, "setApprovalForAll")]),
        (call("d505accf", BOB, CAROL, 7, 9, 27, 1, 1), [("erc20", BOB, CAROL, 7, None, "permit")]),
        (call("8fcbaf0c", BOB, CAROL, 0, 9, 1, 27, 1, 1), [("erc20", BOB, CAROL, MOST, None, "permit")]),
        (call("2b67b570", BOB, USDT, 7, 9, 0, CAROL, 9, 256), [("erc20", BOB, CAROL, 7, None, "permit")]),
        (
            call("2a2d80d1", BOB, 96, 512, 96, CAROL, 9, 2, USDT, 7, 0, 0, ALICE, 8, 0, 0),
            [("erc20", BOB, CAROL, 7, None, "permit"), ("erc20", BOB, CAROL, 8, None, "permit")],
        ),
        (call("36c78516", BOB, CAROL, 7, USDT), [("erc20", BOB, CAROL, 7, None, None)]),
        (call("0d58b1db", 32, 1, BOB, CAROL, 7, USDT), [("erc20", BOB, CAROL, 7, None, None)]),
        (call("a9059cbb", BOB), []),
        (call("a9059cbb", DIRTY, 7), [("erc20", ALICE, BOB, 7, None, None)]),
        (call("23b872dd", DIRTY, DIRTY, 7), [("token", BOB, BOB, 7, None, None)]),
        (call("095ea7b3", DIRTY, 7), [("token", ALICE, BOB, 7, None, "approve")]),
        (call("2eb2c2d6", BOB, CAROL, MOST, 256), []),
        ("0xa9", []),
    ],
)
def test_standard_calls(data, expected):
    """Each standard function's movement; nothing for calldata that is cut short or does not fit."""
    found = movements(bytes.fromhex(data[2:]), ALICE, USDT)
    assert [(one.kind, one.sender, one.to, one.value, one.token_id, one.via) for one in found] == expected
