"""Following a chain: in order, without a gap, back again after a reorg, and on after a restart."""

from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from branch_kit import Chain
from txpipe.chains.follow import RING, Block, Dropped, Follower, Head, Place, TooDeep
from txpipe.chains.nodes import Blind


def follow(follower):
    """Step until there is nothing new; return what came."""
    found = []
    while step := follower.step():
        found += step
    return found


def heights(found):
    return [one.height if isinstance(one, Block) else ("dropped", one.height, one.depth) for one in found]


class Reader:
    """Believes what it is given: the hashes of the chain, as a list."""

    def __init__(self):
        self.hashes = {}

    def take(self, found):
        for one in found:
            if isinstance(one, Dropped):
                for height in [height for height in self.hashes if height >= one.height]:
                    del self.hashes[height]
            else:
                assert not self.hashes or one.height == max(self.hashes) + 1
                self.hashes[one.height] = one.hash


def test_in_order_and_to_the_end():
    """Every block once, several asked for at once; then nothing; then what is new."""
    chain = Chain(20)
    follower = Follower(chain, 3, in_flight=8)
    assert heights(follow(follower)) == list(range(3, 20))
    assert chain.asked == [(3, 10), (11, 18), (19, 19)]
    chain.grow(2)
    assert heights(follow(follower)) == [20, 21]


def test_the_newest_is_asked_for_now_and_then_on_the_way_to_it():
    """A node is not asked for its newest block at every step while that is far ahead; near it, it is."""

    class Counted(Chain):
        heads = 0

        def head(self):
            self.heads += 1
            return super().head()

    chain = Counted(1000)
    follower = Follower(chain, 0, in_flight=8, confirmations=20)
    follow(follower)
    assert follower.at == 980
    assert chain.heads < 980 // 8 // 6
    chain.grow(1)
    asked = chain.heads
    assert heights(follower.step()) == [980]
    chain.branches = chain.branches[:900]  # one that lags
    assert follower.step() == []
    chain.grow(200)
    assert heights(follow(follower))[-1] == 1079
    assert chain.heads > asked + 3


def test_newest_last_and_confirmations():
    """It begins at the newest, ends at the last, and waits for the blocks that must follow."""
    assert heights(follow(Follower(Chain(20), None))) == [19]
    done = Follower(Chain(20), 15, last=17)
    assert heights(follow(done)) == [15, 16, 17]
    assert done.is_done
    chain = Chain(20)
    patient = Follower(chain, None, confirmations=4)
    assert heights(follow(patient)) == [15]
    chain.reorg(3, "b", 5)
    assert heights(follow(patient)) == [16, 17]


@pytest.mark.parametrize("is_blind", [False, True])
def test_newest_that_nobody_has(is_blind, monkeypatch):
    """Where it begins is not settled by a node's word alone: once a block was given, it is."""
    chain = Chain(20)
    follower = Follower(chain, None)

    def blocks(*_):
        if is_blind:
            raise Blind("nobody has it", 1.0)
        return []

    with monkeypatch.context() as lies:
        lies.setattr(chain, "head", lambda: Head(1 << 45, "0xlie", 0))
        lies.setattr(chain, "blocks", blocks)
        with pytest.raises(Blind) if is_blind else nullcontext():
            assert follower.step() == []
    assert heights(follow(follower)) == [19]


@pytest.mark.parametrize("depth", [1, 3, 20, RING - 1])
def test_reorg(depth):
    """What was dropped is named, then come the blocks that took its place."""
    chain = Chain(RING + 10)
    follower = Follower(chain, 0)
    before = follow(follower)
    chain.reorg(depth, "b", depth + 1)
    dropped, *after = follow(follower)
    first = RING + 10 - depth
    assert (dropped.height, dropped.depth) == (first, depth)
    assert dropped.txs == tuple(one.txs[0] for one in before[first:])
    assert heights(after) == list(range(first, RING + 11))


def test_reorg_of_the_newest_block_alone():
    """Another block of the same height is seen though the chain does not grow."""
    chain = Chain(5)
    follower = Follower(chain, 0)
    follow(follower)
    chain.reorg(1, "b")
    assert heights(follow(follower)) == [("dropped", 4, 1), 4]


def test_shorter_chain_is_a_node_that_lags():
    """A node whose newest block is below ours is waited for; whatever outgrows ours is followed."""
    chain = Chain(10)
    follower = Follower(chain, 0)
    follow(follower)
    chain.reorg(4, "b", 2)
    assert follow(follower) == []
    chain.grow(3, "b")
    assert heights(follow(follower)) == [("dropped", 6, 4), 6, 7, 8, 9, 10]


def test_reorg_while_blocks_are_asked_for():
    """Blocks of two branches in one answer: those that fit are given, the rest comes again."""
    chain = Chain(10)
    follower = Follower(chain, 0, in_flight=4)

    class Torn(Chain):
        def blocks(self, first, last):
            old = super().blocks(first, last)
            chain.reorg(2, "b", 3)
            self.blocks = super().blocks
            return [*old[:2], *super().blocks(first, last)[2:]]

    chain.__class__ = Torn
    follower.at = 6
    reader = Reader()
    reader.take(follow(follower))
    assert reader.hashes == {height: chain.hash_at(height) for height in range(6, 11)}


def test_too_deep():
    """Deeper than it remembers, it stops and says where to begin again."""
    chain = Chain(RING + 50)
    follower = Follower(chain, 0)
    follow(follower)
    chain.reorg(RING + 1, "b", RING + 5)
    with pytest.raises(TooDeep, match=r"below block 50, .* Begin again with --from 50 or before"):
        follower.step()


@pytest.mark.parametrize("depth", [1, 3, 9])
def test_reorg_of_all_that_was_given(depth):
    """Where nothing was given out below, none of it needs to be remembered: it begins again at the start."""
    chain = Chain(20)
    follower = Follower(chain, None)
    given = follow(follower)
    chain.grow(2)
    given += follow(follower)
    chain.reorg(2 + depth, "b", 4 + depth)
    dropped, *after = follow(follower)
    assert dropped.height == 19
    assert dropped.txs == tuple(one.txs[0] for one in given)
    assert [one.hash for one in after] == [chain.hash_at(height) for height in range(19, 24)]


def test_restart_takes_back_what_is_no_more():
    """Blocks given out beyond the cursor come again, or are dropped first where others took their place."""
    chain = Chain(10)
    first = Follower(chain, 0)
    follow(first)
    places = list(first.ring)
    again = Follower(chain, 7, recent=places[:7], given=places[7:])
    assert heights(follow(again)) == [7, 8, 9]
    chain.reorg(2, "b", 3)
    between = Follower(chain, 7, recent=places[:7], given=places[7:])
    assert heights(follow(between)) == [7, ("dropped", 8, 2), 8, 9, 10]
    chain.reorg(5, "c", 6)
    deeper = Follower(chain, 7, recent=places[:7], given=places[7:])
    found = follow(deeper)
    assert heights(found) == [("dropped", 6, 4), *range(6, 12)]
    assert len(found[0].txs) == 4


changes = st.lists(
    st.one_of(
        st.tuples(st.just("grow"), st.integers(1, 20)),
        st.tuples(st.just("reorg"), st.integers(1, 15)),
        st.tuples(st.just("step"), st.integers(1, 3)),
        st.tuples(st.just("restart"), st.integers(0, 6)),
    ),
    max_size=40,
)


@given(changes)
def test_the_reader_ends_with_the_chain(story):
    """Whatever grows, is reorganised or restarted: in the end the reader holds the chain's own blocks."""
    chain, reader = Chain(3), Reader()
    follower = Follower(chain, 0, in_flight=3)
    for number, (what, count) in enumerate(story):
        if what == "grow":
            chain.grow(count, f"g{number}")
        elif what == "reorg":
            depth = min(count, len(chain.branches) - 1)
            chain.reorg(depth, f"r{number}", depth + 1)
        elif what == "restart" and follower.ring:
            places = list(follower.ring)
            at = max(places[0].height, places[-1].height + 1 - count)
            recent = [place for place in places if place.height < at]
            rest = [place for place in places if place.height >= at]
            reader.hashes = {height: own for height, own in reader.hashes.items() if height < at} | {
                place.height: place.hash for place in rest
            }
            follower = Follower(chain, at, recent=recent, given=rest, in_flight=3)
            reader = Restarted(reader, at)
        else:
            for _ in range(count):
                reader.take(follower.step())
    chain.grow(1, "end")
    reader.take(follow(follower))
    assert reader.hashes == {height: chain.hash_at(height) for height in range(len(chain.branches))}


class Restarted(Reader):
    """A reader that may be told again what it holds, from a height on."""

    def __init__(self, before, at):
        super().__init__()
        self.hashes = before.hashes
        self._at = at

    def take(self, found):
        for one in found:
            if isinstance(one, Block) and one.height in self.hashes:
                assert self.hashes[one.height] == one.hash
            else:
                super().take([one])


def test_places_are_what_was_given():
    """The ring holds the last blocks with their transactions."""
    follower = Follower(Chain(3), 0)
    found = follow(follower)
    assert list(follower.ring) == [Place(one.height, one.hash, one.txs) for one in found]
