"""Blocks of EVM chains as their nodes are documented to give them, over HTTP: odd kinds, missing parts.

The shapes follow the documentation of OP Stack's deposits, Arbitrum's own transaction types, Polygon's Bor
and zkSync Era; hashes and amounts are made up.
"""

import copy
import json

import pytest

from proxy_kit import Server
from txpipe.chains.chain import ChainOf
from txpipe.chains.endpoint import NodeFailed
from txpipe.chains.evm_node import TRIES, EvmChain, introduce
from txpipe.chains.making import Making
from txpipe.chains.nodes import Blind, Nodes
from txpipe.chains.rpc import Node
from txpipe.chains.tokens import Tokens

ALICE, BOB, NOBODY = "0x" + "aa" * 20, "0x" + "bb" * 20, "0x" + "0" * 40
TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
BLOOM = "0x" + "00" * 256


def word(number):
    return f"0x{number:064x}"


def plain(number, **other):
    """A transaction of the kind that every chain has."""
    return {
        "hash": word(number),
        "blockHash": word(99),
        "blockNumber": "0x5",
        "transactionIndex": hex(number),
        "from": ALICE,
        "to": BOB,
        "value": "0xde0b6b3a7640000",
        "input": "0x",
        "nonce": "0x1",
        "gas": "0x5208",
        "gasPrice": "0x1",
        "type": "0x2",
        "chainId": "0xa",
        "v": "0x1",
    } | other


def without(found, *keys):
    return {key: value for key, value in found.items() if key not in keys}


def log(number, index, **other):
    sender, to = (f"0x{party[2:]:0>64}" for party in (ALICE, BOB))
    return {
        "transactionHash": word(number),
        "blockHash": word(99),
        "blockNumber": "0x5",
        "transactionIndex": hex(number),
        "logIndex": hex(index),
        "address": "0x" + "cc" * 20,
        "topics": [TRANSFER, sender, to],
        "data": word(7),
        "removed": False,
    } | other


def receipt(number, logs=(), **other):
    return {
        "transactionHash": word(number),
        "blockHash": word(99),
        "blockNumber": "0x5",
        "status": "0x1",
        "contractAddress": None,
        "logs": list(logs),
        "logsBloom": BLOOM,
    } | other


class Told(Server):
    """A node that has one block and its receipts."""

    def __init__(self, chain, transactions, receipts):
        super().__init__(self.read)
        self.blocks = {}
        self.block = {
            "number": "0x5",
            "hash": word(99),
            "parentHash": word(98),
            "timestamp": "0x64",
            "transactions": transactions,
        }
        self.results = {
            "eth_chainId": hex(chain),
            "eth_getBlockByNumber": self.block,
            "eth_getBlockReceipts": receipts,
        }

    def read(self, body):
        told = json.loads(body)
        calls = told if isinstance(told, list) else [told]
        said = [{"id": call["id"], "result": self.result(call)} for call in calls]
        return json.dumps(said if isinstance(told, list) else said[0]).encode()

    def result(self, call):
        if call["method"] == "eth_getBlockByNumber":
            return self.blocks.get(call["params"][0], self.block)
        return self.results[call["method"]]


def asked(chain, transactions, receipts, times=1):
    """The block's records, and what was said, after so many questions."""
    said = []
    with Told(chain, transactions, receipts) as server:
        node = Node(server.url)
        clock = iter(range(0, 10**6, 100))
        nodes = Nodes([node], lambda: next(clock), said.append)
        chains = ChainOf(f"eip155:{chain}", said.append)
        making = Making(chains, Tokens.shipped(), lambda: 0, said.append, lambda *_: None)
        chain = EvmChain(nodes, making, said.append)
        try:
            for _ in range(times - 1):
                with pytest.raises(Blind):
                    chain.blocks(5, 5)
            (block,) = chain.blocks(5, 5)
        finally:
            node.close()
    records = [json.loads(line) for line in block.lines.splitlines()]
    assert records[-1]["type"] == "block"
    assert records[-1]["records"] == len(records) - 1
    return records[:-1], said, chain.faults


KINDS = {
    "OP deposit": (
        10,
        plain(0, type="0x7e", sourceHash=word(1), mint="0x1", isSystemTx=False, v="0x0", gasPrice="0x0"),
        ("chainId",),
    ),
    "Arbitrum internal": (
        42161,
        plain(0, type="0x6a", value="0x0", gas="0x0", chainId="0xa4b1"),
        ("v", "nonce"),
    ),
    "Arbitrum retryable": (
        42161,
        plain(0, type="0x69", requestId=word(1), refundTo=BOB, ticketId=word(2), chainId="0xa4b1"),
        ("gasPrice", "v"),
    ),
    "zkSync": (
        324,
        plain(0, type="0x71", l1BatchNumber=None, l1BatchTxIndex=None, chainId="0x144"),
        ("nonce",),
    ),
    "BSC without a type": (56, plain(0, v="0x93", chainId="0x38"), ("type", "chainId")),
    "no index": (10, plain(0), ("transactionIndex", "gasPrice", "nonce", "gas")),
    "a type of the future": (10, plain(0, type="0xc8", frames=[{"to": [BOB]}], value="0x1"), ()),
}


@pytest.mark.parametrize("name", KINDS)
def test_kinds_of_transactions(name):
    """Types and keys that are unknown, and keys that are missing, are no reason to lose a payment."""
    chain, tx, missing = KINDS[name]
    tx = without(tx, *missing)
    records, _, faults = asked(chain, [tx], [receipt(0, [log(0, 0)])])
    assert faults == 0
    assert [(one["type"], one["n"], one["chain"]) for one in records][1:] == [
        ("transfer", 1, f"eip155:{chain}")
    ]
    assert records[0]["value"] == str(int(tx["value"], 16))


def test_state_sync_of_polygon():
    """What Bor adds to a block has a receipt with some nodes, none with others, and logs of its own count."""
    sync = plain(1, **{"from": NOBODY, "to": NOBODY, "value": "0x0", "type": "0x0", "chainId": "0x89"})
    txs = [plain(0, chainId="0x89"), sync]
    of_first = receipt(0, [log(0, 0)])
    bare, _, _ = asked(137, txs, [of_first])
    assert [one["tx"] for one in bare if one["type"] == "transfer"] == [word(0), word(0)]
    with_logs, _, faults = asked(137, txs, [of_first, receipt(1, [log(1, 0), log(1, 5)])])
    assert [(one["tx"], one["n"]) for one in with_logs if one["n"] > 0] == [
        (word(0), 1),
        (word(1), 1),
        (word(1), 6),
    ]
    assert faults == 0


def test_only_a_state_sync_may_lack_its_receipt():
    """Any other transaction without one is a node that lags."""
    with pytest.raises(Blind, match="the receipts of block 5 are not all there"):
        asked(137, [plain(0, chainId="0x89"), plain(1, chainId="0x89")], [receipt(0)])


ODD = {
    "value": plain(1, value="-1"),
    "address": plain(1, to="0x12"),
    "input": plain(1, input=5),
    "no hash": without(plain(1), "hash"),
    "index": plain(1, transactionIndex="first"),
    "list of authorizations": plain(1, authorizationList=[{"address": 5}]),
}


@pytest.mark.parametrize("name", ODD)
def test_transaction_that_never_reads(name):
    """It is asked for again, then left out and said; the rest of its block is not lost."""
    txs = [plain(0), ODD[name], plain(2)]
    receipts = [receipt(0, [log(0, 0)]), receipt(1), receipt(2, [log(2, 1)])]
    records, said, faults = asked(10, txs, receipts, TRIES + 1)
    assert [(one["tx"], one["n"]) for one in records] == [
        (word(0), 0),
        (word(0), 1),
        (word(2), 0),
        (word(2), 2),
    ]
    assert faults == 1
    assert [one for one in said if one.startswith("block 5: transaction 1: ")]


@pytest.mark.parametrize(
    "odd",
    [receipt(1, logs={}) | {"logs": {}}, receipt(1, status="fine"), receipt(1, [{"address": 5}]), 5],
)
def test_receipt_that_never_reads(odd):
    """Its transaction is left out with it; without a hash nobody knows whose it is, and the block waits."""
    txs, receipts = [plain(0), plain(1)], [receipt(0, [log(0, 0)]), odd]
    if odd == 5:
        with pytest.raises(Blind, match="are not all there"):
            asked(10, txs, receipts, TRIES + 1)
        return
    records, said, faults = asked(10, txs, receipts, TRIES + 1)
    assert [(one["tx"], one["n"]) for one in records] == [(word(0), 0), (word(0), 1)]
    assert faults == 1
    assert [one for one in said if one.startswith("block 5: receipt 1: ")]


def test_odd_parts_that_read_the_next_time():
    """A node that said nonsense once is believed afterwards, and nothing is left out."""
    txs, receipts = [plain(0)], [receipt(0)]
    said = []
    with Told(10, txs, receipts) as server:
        node = Node(server.url)
        clock = iter(range(0, 10**6, 100))
        nodes = Nodes([node], lambda: next(clock), said.append)
        making = Making(ChainOf(None, said.append), Tokens.shipped(), lambda: 0, said.append, lambda *_: None)
        chain = EvmChain(nodes, making, said.append)
        for number in range(2 * TRIES):
            server.results["eth_getBlockReceipts"] = [5] if number % TRIES else receipts
            if number % TRIES:
                with pytest.raises(Blind):
                    chain.blocks(5, 5)
            else:
                assert chain.blocks(5, 5)[0].records == 2
        node.close()
    assert chain.faults == 0


def test_one_name_for_a_log_twice_in_a_block():
    """A log that a node gives twice is one movement, whatever its place."""
    txs = [plain(0)]
    twice = receipt(0, [log(0, 0), copy.deepcopy(log(0, 0))])
    with pytest.raises(Blind, match="the logs of block 5 are not all there"):
        asked(10, txs, [twice])


def test_block_that_another_node_said_there_is():
    """A node that never claimed to have it has not failed; one that did has."""
    said = []
    with Told(1, [], []) as server:
        node = Node(server.url)
        making = Making(
            ChainOf("eip155:1", said.append), Tokens.shipped(), lambda: 0, said.append, said.append
        )
        chain = EvmChain(Nodes([node], lambda: 0.0, said.append), making, said.append)
        assert chain.head().height == 5
        server.blocks = {"0x6": None}
        assert chain.blocks(6, 6) == []
        server.blocks = {"0x5": None}
        with pytest.raises(Blind, match="no block 5"):
            chain.blocks(5, 5)
        node.close()


def test_secrets_that_a_node_repeats_as_values():
    """What does not read is shown, but for what its URL keeps secret."""
    with Told(1, [], []) as server:
        node = Node(f"{server.url}/v3/s3cretKEY0123456789")
        server.block["timestamp"] = "s3cretKEY0123456789"
        with pytest.raises(NodeFailed, match="the newest block's timestamp is '…', not a whole number"):
            EvmChain._head(None, node)
        server.results["eth_chainId"] = "v3/s3cretKEY0123456789"
        with pytest.raises(NodeFailed) as caught:
            introduce(node)
        node.close()
    assert "s3cretKEY" not in str(caught.value)
