"""A node of Bitcoin Core's kind that answers anything: it fails or is refused, by what is declared."""

import copy
import itertools
import sys
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.append(str(Path(__file__).parent))

from test_coin_node import COINBASE, block, name, paid, spend, tx
from test_odd_answers import Strict, Told, changed, odd, places

from txpipe.chains.chain import BITCOIN, ChainOf
from txpipe.chains.coin_node import CoinChain
from txpipe.chains.coin_pending import CoinMempool
from txpipe.chains.follow import Follower, TooDeep
from txpipe.chains.making import Making
from txpipe.chains.nodes import Blind, NodeRefused
from txpipe.chains.tokens import Tokens

ANN, BOB = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"
GENESIS = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"
PENDING = tx(9, [spend(8)], paid(BOB))
GOOD = {
    "getblockhash": name(0xB005),
    "getbestblockhash": name(0xB005),
    "getblockheader": {"hash": name(0xB005), "height": 5, "time": 1_700_000_005},
    "getblock": block(
        5, tx(1, [COINBASE], paid(ANN)), tx(2, [spend(9), spend(6, 0, ANN)], paid(ANN, BOB, old=True))
    ),
    "getrawtransaction": PENDING,
    "gettxout": paid(ANN)[0],
    "getrawmempool": [name(9)],
    "waitfornewblock": {"hash": name(0xB005), "height": 5},
}


class Core(Told):
    """A node whose first block is that of Bitcoin, whatever it says of others."""

    def calls(self, wanted, **options):
        found = super().calls(wanted, **options)
        asked = [method == "getblockhash" and list(params) == [0] for method, params in wanted]
        return [GENESIS if is_first else one for one, is_first in zip(found, asked, strict=True)]

    def call(self, method, *params):
        return GENESIS if (method, params) == ("getblockhash", (0,)) else super().call(method, *params)


def followed(results):
    """Ask everything that a follower asks; returns what came of it."""
    clock = itertools.count(0, 100)
    nodes = Strict([Core(results)], lambda: next(clock), lambda _: None)
    making = Making(ChainOf(BITCOIN, print), Tokens.shipped(), lambda: 0, lambda _: None, lambda *_: None)
    mempool = CoinMempool(making, lambda _: None, lambda: next(clock))
    chain = CoinChain(nodes, making, lambda _: None, mempool)
    follower = Follower(chain, 5)
    found = []
    for ask in (*[follower.step] * 5, *[chain.pending] * 3, lambda: chain.hash_at(5)):
        try:
            found.append(ask())
        except (Blind, NodeRefused, TooDeep) as exc:
            found.append(exc)
    return found


def test_what_is_right():
    """Unchanged, it gives a block with its records, and a pending transaction."""
    step, *_ = found = followed(GOOD)
    assert [one.height for one in step] == [5]
    assert step[0].records == 4
    assert [len(one) for one in found[5:8]] == [1, 0, 0]
    assert found[8] == name(0xB005)


_PLACES = [*places(GOOD)][1:]
changes = st.lists(st.tuples(st.sampled_from(_PLACES), odd, st.booleans()), min_size=1, max_size=4)


@settings(max_examples=400)
@given(changes)
def test_any_answer(several):
    """Changed anywhere, in one place or several: only what is declared is raised."""
    results = copy.deepcopy(GOOD)
    for path, value, gone in several:
        changed(results, path, value, gone=gone)
    followed(results)
