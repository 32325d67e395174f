"""A node that answers anything: it fails or is refused, and no bug of ours is taken for its fault."""

import copy
import itertools
import json
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.append(str(Path(__file__).parent))

from test_evm_node import log, plain, receipt, word

from txpipe.chains.chain import ChainOf
from txpipe.chains.endpoint import NodeFailed
from txpipe.chains.evm_node import EvmChain
from txpipe.chains.evm_pending import Mempool
from txpipe.chains.exact import parse
from txpipe.chains.follow import Follower, TooDeep
from txpipe.chains.making import Making
from txpipe.chains.nodes import Blind, NodeRefused, Nodes
from txpipe.chains.rpc import RpcFault
from txpipe.chains.tokens import Tokens
from txpipe.errors import RecordFault

REFUSED = "no such method"
GOOD = {
    "eth_chainId": "0xa",
    "eth_getBlockByNumber": {
        "number": "0x5",
        "hash": word(99),
        "parentHash": word(98),
        "timestamp": "0x64",
        "transactions": [
            plain(0, authorizationList=[{"address": "0x" + "dd" * 20}]),
            plain(1, input="0xa9059cbb" + "0" * 24 + "bb" * 20 + word(7)[2:]),
            plain(2, to=None, accessList=[]),
        ],
    },
    "eth_getBlockReceipts": [receipt(0), receipt(1, [log(1, 0), log(1, 1)]), receipt(2, [log(2, 2)])],
    "eth_getTransactionReceipt": receipt(0),
    "eth_newPendingTransactionFilter": "0x1",
    "eth_getFilterChanges": [word(7), plain(8, blockNumber=None)],
    "eth_getTransactionByHash": plain(7, blockNumber=None),
}


class Told:
    """A node that gives what it is told to."""

    name = "node"
    opened = 0
    can_push = False

    def __init__(self, results):
        self.results = results

    def call(self, method, *_params):
        (answer,) = self.calls([(method, ())])
        if isinstance(answer, RpcFault):
            raise answer
        return answer

    def failed(self, reason):
        return NodeFailed(f"node: {self.tamed(str(reason))}")

    def tamed(self, message):
        return message

    def news(self, _kind):
        return []

    def calls(self, wanted, read=parse):
        found = [self.results[method] for method, _ in wanted]
        told = [
            {"id": number, "error": None, "result": None if one == REFUSED else one}
            for number, one in enumerate(found)
        ]
        try:
            answers = {one["id"]: one["result"] for one in read(json.dumps(told).encode())}
        except RecordFault as exc:
            raise NodeFailed("its answer is no JSON") from exc
        return [
            RpcFault("no", -32601) if one == REFUSED else answers[number] for number, one in enumerate(found)
        ]


class Strict(Nodes):
    """Takes nothing but what is declared for a node's fault."""

    def _asked(self, health, question):
        self.introduced(health.node)
        return question(health.node)


def followed(results):
    """Ask everything that a follower asks, of a node and of its newest transactions."""
    clock = itertools.count(0, 100)
    nodes = Strict([Told(results)], lambda: next(clock), lambda _: None)
    making = Making(ChainOf("eip155:10", print), Tokens.shipped(), lambda: 0, lambda _: None, lambda *_: None)
    chain = EvmChain(nodes, making, lambda _: None, Mempool(making, lambda _: None))
    follower = Follower(chain, 5)
    found = []
    for ask in (*[follower.step] * 9, chain.pending, lambda: chain.hash_at(5), lambda: chain.blocks(4, 6)):
        try:
            found.append(ask())
        except (Blind, NodeRefused, TooDeep) as exc:
            found.append(exc)
    return found


def test_what_is_right():
    """Unchanged, it gives a block with its records, and pending transactions."""
    step, *_ = found = followed(GOOD)
    assert [one.height for one in step] == [5]
    assert step[0].records == 7
    assert len(found[9]) == 2
    assert found[10] == word(99)


def test_hashes_that_are_none():
    """What a node calls a hash and is none is not kept, nor asked for; that is said once."""
    said, asked = [], []

    class Asked(Told):
        def calls(self, wanted, **options):
            asked.extend(params[0] for method, params in wanted if method == "eth_getTransactionByHash")
            return super().calls(wanted, **options)

    told = ["", "0x1", "0x" + "f" * 100_000, "0x" + "g" * 64, word(7)]
    node = Asked(GOOD | {"eth_getFilterChanges": told})
    making = Making(ChainOf("eip155:10", print), Tokens.shipped(), lambda: 0, said.append, lambda *_: None)
    mempool = Mempool(making, said.append)
    mempool.introduce(node)
    assert len(mempool.lines(node)) == 1
    assert (asked, mempool.passed) == ([word(7)], 4)
    (once,) = said
    assert once.startswith("what a node calls the hash of a pending transaction is none; passed over")


def places(found, path=()):
    """All places in a JSON value."""
    yield path
    if isinstance(found, dict | list):
        for key in found if isinstance(found, dict) else range(len(found)):
            yield from places(found[key], (*path, key))


odd = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 9), st.just(10**30), st.floats(), st.text(max_size=3),
    st.sampled_from(["0x", "0x5", "0x-1", "0x" + "f" * 64, "0x" + "f" * 65, word(99), word(1)]),
    st.sampled_from(["legacy", "\ud800"]),
    st.sampled_from([[], [[]], {}, [{}], [None], {"hash": word(1)}, [word(1)], REFUSED]),
)  # fmt: skip
changes = st.lists(
    st.tuples(st.sampled_from([*places(GOOD)][1:]), odd, st.booleans()), min_size=1, max_size=4
)


def changed(results, path, value, *, gone):
    """Put a value at a place, or take away what is there; nothing if the place is no more."""
    at = results
    for key in path[:-1]:
        if not isinstance(at, dict | list):
            return
        if isinstance(at, list) and not (isinstance(key, int) and key < len(at)):
            return
        at = at[key] if isinstance(at, list) else at.get(key)
    if isinstance(at, dict) and isinstance(path[-1], str):
        at[path[-1]] = value
        if gone and len(path) > 1:
            del at[path[-1]]
    elif isinstance(at, list) and isinstance(path[-1], int) and path[-1] < len(at):
        at[path[-1]] = value
        if gone:
            del at[path[-1]]


@settings(max_examples=400)
@given(changes)
def test_any_answer(several):
    """Changed anywhere, in one place or several: only what is declared is raised."""
    results = copy.deepcopy(GOOD)
    for path, value, gone in several:
        changed(results, path, value, gone=gone)
    followed(results)


def test_a_bug_has_its_place():
    """What no reader declares is taken for the node's fault, and the message says where it was raised."""
    nodes = Nodes([Told({})], lambda: 0.0, lambda _: None)
    with pytest.raises(Blind, match=r"its answer makes no sense \(KeyError in \S+, line \d+ of test_odd"):
        nodes.ask(lambda node: node.call("eth_chainId"))
