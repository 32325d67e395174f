"""Small hand-made chain data for the tests of txnorm, and a way to run it without a process."""

import json

from txpipe.chains import documents
from txpipe.chains.chain import ChainOf
from txpipe.chains.making import Making
from txpipe.chains.normalize import Normalizer, merged
from txpipe.chains.tokens import Tokens

ALICE = "0x" + "a1" * 20
BOB = "0x" + "b0" * 20
CAROL = "0x" + "ca" * 20
USDT = "0xdac17f958d2ee523a2206206994597c13d831ec7"
TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
APPROVAL = "0x8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925"
FOR_ALL = "0x17307eab39ab6107e8899845ad3d59bd9653f200f220920489ca2b5937696c31"
SINGLE = "0xc3d58168c5ae7397731d063d5bbf3d657854427343f4c083240f7aacaa2d0f62"
BATCH = "0x4a39dc06d4c0dbc64b70af90fd698a233a518aa5d07e595d983b8c0526c8f7fb"
MOST = 2**256 - 1


def h32(number):
    return f"0x{number:064x}"


def word(value):
    return f"{value:064x}" if isinstance(value, int) else value[2:].rjust(64, "0")


def call(selector, *args):
    return "0x" + selector + "".join(map(word, args))


def tx(number=1, *, index=0, to=BOB, value=0, data="0x", **more):
    return {
        "hash": h32(0x1000 * number + index),
        "blockNumber": hex(number),
        "blockHash": h32(number),
        "transactionIndex": hex(index),
        "from": ALICE,
        "to": to,
        "value": hex(value),
        "input": data,
        "nonce": "0x1",
        "type": "0x2",
        "chainId": "0x1",
        **more,
    }


def block(number=1, *txs):
    return {
        "number": hex(number),
        "hash": h32(number),
        "parentHash": h32(number - 1),
        "timestamp": hex(1_760_000_000 + 12 * number),
        "transactions": list(txs),
    }


def log(index, *topics, data="0x", number=1, tx_index=0, address=USDT):
    return {
        "address": address,
        "topics": list(topics),
        "data": data,
        "blockNumber": hex(number),
        "blockHash": h32(number),
        "transactionHash": h32(0x1000 * number + tx_index),
        "transactionIndex": hex(tx_index),
        "logIndex": hex(index),
        "removed": False,
    }


def receipt(*logs, number=1, index=0, status=1, **more):
    return {
        "transactionHash": h32(0x1000 * number + index),
        "blockNumber": hex(number),
        "blockHash": h32(number),
        "status": hex(status),
        "cumulativeGasUsed": "0x5208",
        "logs": list(logs),
        **more,
    }


def normalized(*inputs, chain=None, window=100, max_document=1 << 26, now=1_760_000_000):
    """Run inputs (bytes, chunks of bytes, or objects) and return (records, bad documents, notices)."""
    bad, notices = [], []
    making = Making(
        ChainOf(chain, notices.append),
        Tokens.shipped(),
        lambda: now,
        notices.append,
        lambda tx, reason: bad.append((tx, 0, reason)),
    )
    normalizer = Normalizer(making, lambda *place: bad.append(place), window)
    named = [
        (f"f{position}", documents.texts(_chunks(one), f"f{position}", max_document))
        for position, one in enumerate(inputs)
    ]
    lines = list(merged(named, normalizer))
    assert all(line.endswith(b"\n") and b"\n" not in line[:-1] for line in lines)
    return [json.loads(line) for line in lines], bad, notices


def _chunks(one):
    if isinstance(one, bytes):
        return [one]
    if isinstance(one, list) and all(isinstance(part, bytes) for part in one):
        return one
    return [json.dumps(one).encode()]
