"""A real Anvil with many transactions in its blocks: coins, tokens, approvals, amounts beyond 2^64."""

import json
import os
import random
from collections import Counter
from http.client import HTTPConnection
from pathlib import Path

from node_kit import approve_data, transfer_data

CHECKOUT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("TXPIPE_DATA", CHECKOUT.parent / "shared" / "data"))
TOKEN_CODE = DATA / "samples" / "TestToken.bin"
OWNERS = 40
SUPPLY = 10**30
SHARE = SUPPLY // (2 * OWNERS)


class Batch:
    """Calls to a node over one connection, many at once: 12,000 transactions in seconds."""

    def __init__(self, port):
        self._connection = HTTPConnection("127.0.0.1", port, timeout=120)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._connection.close()

    def calls(self, wanted):
        """Results of (method, params) pairs; RuntimeError with the node's own message."""
        body = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            for number, (method, params) in enumerate(wanted)
        ]
        self._connection.request("POST", "/", json.dumps(body), {"Content-Type": "application/json"})
        answers = json.load(self._connection.getresponse())
        for answer in answers:
            if "error" in answer:
                raise RuntimeError(answer["error"]["message"])
        return [answer["result"] for answer in sorted(answers, key=lambda one: one["id"])]


def owners(count=OWNERS, seed=4):
    """Addresses that hold coins and tokens."""
    rng = random.Random(seed)
    return ["0x" + rng.randbytes(20).hex() for _ in range(count)]


def fill(node, blocks, a_block, seed=5):
    """Mine blocks of payments: half of coins, a third of tokens, the rest approvals; some of over 2^64 units.

    A few calls fail on the chain. Returns the height of the first block.
    """
    rng, people = random.Random(seed), owners()
    for one in people:
        node.fund(one, 10**27)
    token = node.deploy_token(people[0], TOKEN_CODE, SUPPLY)
    nonces = Counter({people[0]: 1})  # given here: a node works at a batch's calls side by side
    with Batch(node.port) as batch:
        batch.calls([_sent(nonces, people[0], token, data=transfer_data(one, SHARE)) for one in people[1:]])
        node.mine()
        for _ in range(blocks):
            batch.calls([_payment(rng, nonces, people, token) for _ in range(a_block)])
            node.mine()
    return int(node.rpc("eth_blockNumber"), 16) - blocks + 1


def _payment(rng, nonces, people, token):
    sender, to = rng.sample(people, 2)
    kind = rng.random()
    if kind < 0.5:
        return _sent(
            nonces, sender, to, value=rng.choice((rng.randrange(1, 10**18), 2**64 + rng.randrange(10**18)))
        )
    if kind < 0.83:
        return _sent(
            nonces, sender, token, data=transfer_data(to, rng.choice((rng.randrange(10**9), 2**64 + 7)))
        )
    if kind < 0.85:
        return _sent(nonces, sender, token, data=transfer_data(to, 2 * SUPPLY))  # it fails
    return _sent(nonces, sender, token, data=approve_data(to, rng.choice((10**6, 2**256 - 1))))


def _sent(nonces, sender, to, value=0, data="0x"):
    nonce = nonces[sender]
    nonces[sender] += 1
    tx = {"from": sender, "to": to, "value": hex(value), "data": data, "gas": hex(100_000)}
    tx["nonce"] = hex(nonce)
    return "eth_sendTransaction", [tx]
