"""Contracts asked by eth_call: answers, failures, nodes that cannot say; tokens asked in few rounds."""

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract_kit import text, word
from proxy_kit import Server
from txpipe.chains import token_cache
from txpipe.chains.abi import text_at_start
from txpipe.chains.endpoint import NodeBusy
from txpipe.chains.evm import EvmBlock
from txpipe.chains.evm_call import GAS, Patience, ask, lacks_state
from txpipe.chains.model import Header, Log
from txpipe.chains.rpc import Node, RpcFault
from txpipe.chains.token_cache import TokenCache, said
from txpipe.chains.token_names import TokenNames
from txpipe.chains.tokens import Tokens

TRANSFER = bytes.fromhex("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef")
USDC = "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"


class Contracts(Server):
    """A node whose contracts answer as a function of address and calldata says: a result or an error."""

    def __init__(self, answer):
        super().__init__(self.read)
        self.said = answer
        self.calls = []
        self.rounds = 0

    def read(self, body):
        calls = json.loads(body)
        self.rounds += 1
        several = calls if isinstance(calls, list) else [calls]
        self.calls += [one["params"] for one in several]
        answers = [{"jsonrpc": "2.0", "id": one["id"], **self.of(*one["params"])} for one in several]
        return json.dumps(answers if isinstance(calls, list) else answers[0]).encode()

    def of(self, call, block):
        found = self.said(call["to"], call["data"], block)
        return found if isinstance(found, dict) else {"result": found}


def error(message, code=-32000):
    return {"error": {"code": code, "message": message}}


def asked(answer):
    with Contracts(lambda *_: answer) as server:
        node = Node(server.url)
        try:
            return ask(node, [("0x" + "1" * 40, "0x12", "latest")])[0]
        finally:
            node.close()


@pytest.mark.parametrize(
    "answer",
    [
        "0x",
        error("execution reverted", 3),
        error("execution reverted: too many requests", 3),
        error("execution reverted: daily capacity: method x not found: missing trie node"),
        error("VM Exception while processing transaction: reverted with reason string 'rate limit'"),
        error("VM execution error: throttle"),
        error("invalid opcode: INVALID"),
        error("out of gas"),
        error("stack underflow (0 <=> 1)"),
        error("invalid jump destination"),
        error("EVM error MemoryOOG"),
    ],
)
def test_contract_that_fails(answer):
    """A contract that fails has answered: nothing. Its own words are never taken for the node's."""
    assert asked(answer) is None


@pytest.mark.parametrize(
    "answer",
    [
        error("header not found"),
        error("internal error", -32603),
        error("execution aborted (timeout = 5s)"),
        error("method eth_call not found", -32601),
        None,
        5,
        "0x1",
        "0xzz",
    ],
)
def test_node_that_cannot_say(answer):
    """A node's own failure is no contract's answer."""
    found = asked(answer)
    assert isinstance(found, RpcFault)
    assert not lacks_state(found)


@pytest.mark.parametrize(
    "message",
    [
        "missing trie node 12ab (path ) state 0x12 is not available",
        "historical state abc is not available",
        "state already pruned",
        "No state available for block 5",
        "World state unavailable",
        "this is not an archive node",
    ],
)
def test_node_without_old_states(message):
    """That is told apart: no other time will do."""
    assert lacks_state(asked(error(message)))


def test_node_that_limits_the_rate():
    """Its own words count."""
    with pytest.raises(NodeBusy):
        asked(error("too many requests"))


def test_patience():
    """A fault is raised so many times in a row, then said once; a success begins anew."""
    told = []
    patience = Patience(told.append, 2)
    fault = RpcFault("node: broken", -32000)

    def tries():
        for number in range(9):
            try:
                patience.judge(fault, "nothing of it")
            except RpcFault:
                continue
            return number
        return None

    assert tries() == 2
    patience.judge(fault, "nothing of it")
    assert told == ["node: broken: nothing of it"]
    patience.judge(None, "nothing of it")
    assert tries() == 2
    assert len(told) == 1


@given(st.binary(max_size=300))
def test_any_bytes_as_text(data):
    """Whatever a contract returns is a text that stands in it, or none."""
    found = text_at_start(data)
    assert found is None or found in data


@given(st.binary(max_size=100), st.binary(max_size=40))
def test_text(raw, rest):
    """A string is read whole; one that is cut off is none."""
    assert text_at_start(text(raw) + rest) == raw
    assert text_at_start(word(32) + word(len(raw) + 1) + raw) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        word(32)[:-1],
        word(2**256 - 1 - 2**255) + word(1),
        word(64) + word(1) + b"x",
        word(32) + word(2**254),
    ],
)
def test_no_text(data):
    """Offsets and lengths beyond the end are none."""
    assert text_at_start(data) is None


def test_old_tokens_text():
    """bytes32 is read up to its padding."""
    assert text_at_start(b"MKR".ljust(32, b"\0")) == b"MKR"


def block(height, *addresses, topics=3):
    parts = EvmBlock()
    for index, address in enumerate(addresses):
        own = [TRANSFER, *[bytes(32)] * (topics - 1)]
        parts.logs[index, "0x"] = Log("0x", index, height, None, 1, 0, address, own, word(1))
    return parts, Header(height, f"0x{height:064x}", None, 1, 0, "eip155:1")


@pytest.fixture
def names(tmp_path):
    """Makes what asks for names, with the table that it fills."""
    told = []

    def make(tries=0):
        tokens = Tokens.shipped()
        cache = TokenCache(tmp_path / "tokens", "eip155:1", None, told.append)
        return TokenNames("eip155:1", tokens, cache, told.append, tries), tokens

    make.told = told
    return make


def test_few_rounds(names):
    """All new tokens of several blocks are asked for in one batch, known ones and NFTs not at all."""
    contracts = [f"0x{number:040x}" for number in range(1, 31)]
    answer = lambda to, data, _: "0x" + (word(6) if data == "0x313ce567" else text(to[-2:].encode())).hex()  # noqa: E731
    with Contracts(answer) as server:
        node = Node(server.url)
        found, tokens = names()
        blocks = [
            block(5, *contracts[:20], USDC),
            block(6, *contracts[10:]),
            block(7, "0x" + "9" * 40, topics=4),
        ]
        found.prepare(node, blocks)
        found.prepare(node, blocks)
        node.close()
        assert server.rounds == 1
        assert len(server.calls) == 60
        assert {at for _, at in server.calls} == {"0x7"}
        assert {call["gas"] for call, _ in server.calls} == {hex(GAS)}
    assert [tokens.token("eip155:1", one) for one in contracts] == [
        said(one[-2:].encode(), 6) for one in contracts
    ]
    assert tokens.token("eip155:1", USDC).pegged


def test_forgotten_for_new_ones(names, monkeypatch):
    """Names that the blocks at hand need stay, even if the cache has no room for them any more."""
    monkeypatch.setattr(token_cache, "MOST", 4)
    contracts = [f"0x{number:040x}" for number in range(1, 6)]
    answer = lambda to, data, _: "0x" + (word(6) if data == "0x313ce567" else text(to[-2:].encode())).hex()  # noqa: E731
    with Contracts(answer) as server:
        node = Node(server.url)
        found, tokens = names()
        found.prepare(node, [block(5, *contracts[:4])])
        found.prepare(node, [block(6, contracts[0], contracts[4])])
        node.close()
    assert tokens.token("eip155:1", contracts[0]) == said(b"01", 6)
    assert tokens.token("eip155:1", contracts[1]) is None
    assert tokens.token("eip155:1", contracts[4]) == said(b"05", 6)


def test_partial_failure(names):
    """What a node cannot say of one token is left open; the others are settled."""
    good, bad = "0x" + "1" * 40, "0x" + "2" * 40
    answer = lambda to, _data, _: "0x" + word(1).hex() if to == good or whole else error("internal error")  # noqa: E731
    whole = False
    with Contracts(answer) as server:
        node = Node(server.url)
        found, tokens = names(tries=1)
        with pytest.raises(RpcFault):
            found.prepare(node, [block(5, good, bad)])
        found.prepare(node, [block(5, good, bad)])
        assert tokens.token("eip155:1", good) is not None
        assert tokens.token("eip155:1", bad) is None
        assert len(names.told) == 1
        whole = True
        found.prepare(node, [block(6, bad)])
        assert tokens.token("eip155:1", bad) is not None
        node.close()


def test_memory_of_long_answers(names):
    """A block may name thousands of contracts, and each answer with a megabyte: few are held at once."""
    long = "0x" + (text(b"USD") + bytes(200_000)).hex()
    asked_for, tokens = names()
    contracts = [f"0x{number:040x}" for number in range(1_000, 1_200)]
    with Contracts(
        lambda _to, data, _block: long if data == "0x95d89b41" else f"0x{word(6).hex()}"
    ) as server:
        node = Node(server.url)
        tracemalloc.start()
        try:
            asked_for.prepare(node, [block(5, *contracts)])
            assert tracemalloc.get_traced_memory()[1] < 100_000_000
        finally:
            tracemalloc.stop()
            node.close()
    assert {tokens.token("eip155:1", one) for one in contracts} == {said(b"USD", 6)}
