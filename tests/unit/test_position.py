"""How far an input was taken: skipped once, whatever goes on, comes again or takes another way."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txpipe.detect.held import BLOCKS_HELD, TXS_HELD, Held
from txpipe.detect.position import Position

CHAIN = "eip155:1"


def block(height, branch, txs=2):
    """The records of a block."""
    calls = [
        {"type": "call", "chain": CHAIN, "block": height, "tx": f"{height}{branch}{n}"} for n in range(txs)
    ]
    return [*calls, {"type": "block", "chain": CHAIN, "block": height, "hash": f"{height}{branch}"}]


def reorg(height, *dropped):
    return {"type": "reorg", "chain": CHAIN, "block": height, "dropped": list(dropped)}


def taken(position, records):
    """Take records; return those that were not passed over."""
    found = []
    for one in records:
        if one["type"] == "call":  # as the fast path does
            covered = position.passes(CHAIN, one["block"], one["tx"])
        else:
            covered = position.covers(one)
            if not covered:
                position.take(one)
        if not covered:
            found.append(one)
    return found


def again(position):
    """The position as a later run finds it."""
    return Position(json.loads(json.dumps(position.to_say())))


FIRST = [*block(1, "a"), *block(2, "a"), *block(3, "a")]


def test_the_same_again_and_on():
    """What was taken is passed over by count, what follows is taken."""
    position = Position()
    assert taken(position, FIRST) == FIRST
    more = block(4, "a")
    assert taken(again(position), [*FIRST, *more]) == more


@pytest.mark.parametrize("cut", range(2, len(FIRST) + 1))
def test_the_same_start_and_another_way(cut):
    """Followed again from the same block, a chain that was reorganised is taken from the reorg on."""
    position = Position()
    taken(position, FIRST[:cut])
    other = [reorg(2, "2a0"), *block(2, "b"), *block(3, "b"), *block(4, "b")]
    assert taken(again(position), [*block(1, "a"), *other]) == [*block(1, "a"), *other][min(cut, 3) :]


def test_a_reorg_that_comes_again_at_another_place():
    """A reorg that is known is passed over, also where fewer records stand before it than at first."""
    position = Position()
    rest = [reorg(2, "2a0"), *block(2, "b"), *block(3, "b")]
    taken(position, [*FIRST, *rest])
    more = block(4, "b")
    assert taken(again(position), [*block(1, "a"), *rest, *more]) == more


def test_a_reorg_in_the_same_words_and_another_way_after_it():
    """A reorg that drops what is held is news, though an earlier one said the very same; else it is not."""
    position = Position()
    drop = reorg(2) | {"hashes": ["2a", "2b", "3b"]}
    taken(position, [*FIRST[:6], drop, *block(2, "b"), *block(3, "b")])
    assert taken(again(position), [drop, *block(2, "b"), *block(3, "c")]) == [
        drop, *block(2, "b"), *block(3, "c"),
    ]  # fmt: skip
    done = reorg(2) | {"hashes": ["2a", ["2b"], None]}
    position = Position()
    taken(position, [*FIRST[:6], done, *block(2, "b"), *block(3, "b")])
    assert taken(again(position), [done, *block(2, "b"), *block(3, "b"), *block(4, "b")]) == block(4, "b")
    assert taken(again(position), [*FIRST[:6], done, *block(2, "b"), *block(3, "b")]) == []


def test_a_known_reorg_where_all_is_taken():
    """Once an input is beyond what was taken, a reorg counts though an earlier run had one like it."""
    position = Position()
    there, back = reorg(3, "3a0"), reorg(3, "3b0")
    taken(position, [*FIRST, there, *block(3, "b"), back, *block(3, "a")])
    more = [*block(4, "a"), there, *block(3, "b")]
    assert taken(again(position), [*block(3, "a"), *more]) == more


def test_a_gap_is_said():
    """What comes behind a gap is taken, and that there is one is said; also of a block that was cut."""
    position = Position()
    taken(position, FIRST)
    later = again(position)
    assert taken(later, block(5, "a")) == block(5, "a")
    (doubt,) = later.doubts
    assert doubt.startswith(f"{CHAIN}: the input begins at block 5, the state ends with block 3: ")
    for begin in (2, 3, 4):
        near = again(position)
        taken(near, [one for height in range(begin, 6) for one in block(height, "a")])
        assert near.doubts == []
    position = Position()
    taken(position, FIRST[:-1])
    cut = again(position)
    taken(cut, block(4, "a"))
    assert "the state ends within block 3" in cut.doubts[0]


def test_another_branch_without_a_word_is_said():
    """Of blocks that are passed over the hash is compared, once; records that are gone cannot be taken."""
    position = Position()
    taken(position, FIRST)
    other = again(position)
    more = block(4, "b")
    assert taken(other, [*block(2, "b"), *block(3, "b"), *more]) == more
    (doubt,) = other.doubts
    assert doubt.startswith(f"{CHAIN}: block 2 of the input is 2b, of the state 2a, and no reorg said so")


def test_what_is_held():
    """The last blocks with their hashes and transactions; those that were dropped are not among them."""
    position = Position()
    taken(position, [*FIRST, reorg(3, "3a0"), *block(3, "b"), *block(4, "b")[:1]])
    said = json.loads(json.dumps(again(position).to_say()))[CHAIN]
    assert (said["block"], said["closed"], said["records"]) == (4, False, 1)
    assert said["held"] == [[1, "1a", ["1a0", "1a1"]], [2, "2a", ["2a0", "2a1"]], [3, "3b", ["3b0", "3b1"]]]
    assert said["txs"] == ["4b0"]


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=300))
def test_held_is_bounded(steps):
    """However many blocks come and go: no more than are asked for, in order, none twice."""
    held, height = Held(), 0
    for count, falls in steps:
        height = max(0, height - 2 * count) if falls else height + 1
        held.begin("tx")
        for number in range(count):
            held.add(f"tx {number}")
        held.close(height, f"hash {height}")
    heights = [one[0] for one in held.to_say()]
    assert heights == sorted(set(heights))
    assert len(heights) <= BLOCKS_HELD


def test_transactions_of_old_blocks_go_first():
    """So many are named; hashes stay."""
    held = Held()
    for height in range(4):
        for number in range(TXS_HELD // 3 + 1):
            held.add(f"{height} {number}")
        held.close(height, f"hash {height}")
    assert [len(txs) for _, _, txs in held.to_say()] == [0, 0, TXS_HELD // 3 + 1, TXS_HELD // 3 + 1]
    assert [named for _, named, _ in held.to_say()] == [f"hash {height}" for height in range(4)]
