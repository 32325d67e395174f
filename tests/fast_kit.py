"""Blocks of a node that says what it is told to, read with and without the fast path; what spoils them."""

import copy
import json

from chains_kit import (
    ALICE,
    APPROVAL,
    BATCH,
    BOB,
    CAROL,
    FOR_ALL,
    SINGLE,
    TRANSFER,
    USDT,
    block,
    call,
    log,
    receipt,
    tx,
    word,
)
from txpipe.chains import evm_node
from txpipe.chains.chain import ChainOf
from txpipe.chains.endpoint import NodeFailed
from txpipe.chains.evm_fast import FastBlock
from txpipe.chains.evm_node import TRIES, EvmChain
from txpipe.chains.exact import parse
from txpipe.chains.making import Making
from txpipe.chains.nodes import Nodes
from txpipe.chains.rpc import Node
from txpipe.chains.tokens import Token, Tokens

PEGGED = "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"
PUNK = "0x" + "f7" * 20
"""A contract that the table knows to be one of ERC-721, and whose events look like those of ERC-20."""


class _Wire:
    """Answers a batch with a block and its receipts, each as a function of the height asked for."""

    def __init__(self, answers, careful):
        self.answers = answers
        self.careful = careful

    def exchange(self, body, read=parse):
        said = [
            {
                "jsonrpc": "2.0",
                "id": one["id"],
                "result": self.answers[one["method"]](int(one["params"][0], 16)),
            }
            for one in body
        ]
        text = json.dumps(said, ensure_ascii=False).encode()
        return parse(text) if self.careful else read(text)


def tokens():
    """The shipped table, and an odd token."""
    table = Tokens.shipped()
    table._rows["eip155:1", PUNK] = Token("erc721", 'Pu"nk é', 0, pegged=False)
    return table


def outcome(blocks, receipts, *, careful, chain="eip155:1"):
    """What comes of blocks and their receipts, by height: lines, or why there are none, and what was said.

    They are asked for as often as it takes until what does not read is left out.
    """
    said = []
    node = Node("http://127.0.0.1:1")
    node._wire = _Wire({"eth_getBlockByNumber": blocks.get, "eth_getBlockReceipts": receipts.get}, careful)
    making = Making(
        ChainOf(chain, said.append), tokens(), lambda: 0, said.append, lambda *missed: said.append(missed)
    )
    found = EvmChain(Nodes([node], lambda: 0.0, said.append), making, said.append)
    found._known = (chain, None)
    found.lookups = [asked := Asked()]
    last, results = max(blocks), []
    for _ in range(TRIES + 1):
        try:
            results.append(found._blocks(node, min(blocks), last))
        except (NodeFailed, TypeError, AttributeError, KeyError, ValueError, OverflowError) as exc:
            results.append(repr(exc))
    return results, said, found.faults, asked.contracts


class Asked:
    """Notes the tokens whose names would be asked for."""

    def __init__(self):
        self.contracts = []

    def prepare(self, _node, blocks):
        self.contracts.append([sorted(parts.contracts) for parts, _ in blocks])

    def enter(self, _header):
        pass


class Spy:
    """Counts the blocks that take the fast path, while ``with`` lasts."""

    def __enter__(self):
        self.taken = 0
        spy = self

        class Counted(FastBlock):
            def lines(self, making):
                spy.taken += 1
                return super().lines(making)

        evm_node.FastBlock = Counted
        return self

    def __exit__(self, *_):
        evm_node.FastBlock = FastBlock


def same(blocks, receipts, chain="eip155:1"):
    """Whether both paths say the same; and whether the fast one was taken."""
    expected = outcome(copy.deepcopy(blocks), copy.deepcopy(receipts), careful=True, chain=chain)
    with Spy() as spy:
        assert outcome(blocks, receipts, careful=False, chain=chain) == expected
    return spy.taken > 0


def padded(*values):
    return ["0x" + word(one) for one in values]


def numbered(*several):
    """A block's receipts of these logs, each without its place, and that place given to them."""
    count, made = 0, []
    for index, logs in enumerate(several):
        placed = []
        for one in logs:
            placed.append(
                log(count, *one["topics"], data=one["data"], address=one["address"], tx_index=index)
            )
            count += 1
        made.append(receipt(*placed, index=index, logsBloom="0x" + ("0" if not placed else "1") * 512))
    return made


def event(*topics, data="0x", address=USDT):
    return {"topics": list(topics), "data": data, "address": address}


def varied():
    """A block of what stands in blocks, each kind once, and its receipts."""
    ends, large = padded(ALICE, BOB), 2**256 - 1
    transfer = call("a9059cbb", CAROL, 2_500_000)
    txs = [
        {"value": 1250000000000000000},
        {"value": 2**200 + 1},
        {"to": USDT, "data": transfer},
        {"to": USDT, "data": call("095ea7b3", CAROL, large)},
        {"to": USDT, "data": call("23b872dd", ALICE, BOB, 5)},
        {"to": None, "data": "0x6080", "value": 3},
        {"to": USDT, "data": transfer, "value": 7},
        {"to": BOB, "data": "0x12"},
        {"to": PUNK, "data": call("ac9650d8", 32, CAROL, 2**90)},
        {"authorizationList": [{"address": CAROL}, {"address": "0x" + "0" * 40}, {"address": CAROL}]},
        {},
    ]
    logs = [
        [],
        [],
        [event(TRANSFER, *ends, data="0x" + word(2_500_000))],
        [event(APPROVAL, *ends, data="0x" + word(large)), event(TRANSFER, *ends, data="0x" + word(0))],
        [
            event(TRANSFER, *ends, *padded(77), address=BOB),
            event(APPROVAL, *padded(ALICE, 0, 77), address=BOB),
        ],
        [event(FOR_ALL, *ends, data="0x" + word(1), address=BOB)],
        [event(SINGLE, *padded(CAROL, ALICE, BOB), data=f"0x{word(9)}{word(4)}", address=CAROL)],
        [
            event(
                BATCH,
                *padded(CAROL, ALICE, BOB),
                data="0x" + "".join(map(word, (64, 160, 2, 1, 2, 2, 10, 20))),
                address=CAROL,
            ),
            event(*padded(5), data="0x1234"),
            event(data="0x"),
        ],
        [
            event(TRANSFER, *ends, data="0x" + word(5), address=PUNK),
            event(APPROVAL, *ends, data="0x" + word(5), address=PUNK),
        ],
        [event(TRANSFER, *ends, data="0x" + word(12_345_678), address=PEGGED)],
        [
            event(TRANSFER, data="0x" + word(ALICE) + word(BOB) + word(6)),
            event(TRANSFER, *ends, data="0x" + word(1) * 2),
        ],
    ]
    receipts = numbered(*logs)
    receipts[5]["contractAddress"] = CAROL
    receipts[6]["status"] = "0x0"
    made = block(1, *(tx(1, index=index, **one) for index, one in enumerate(txs)))
    return made, receipts


ODD = (
    None,
    5,
    -1,
    1.5,
    1e30,
    True,
    [],
    {},
    "",
    "0x",
    "0X1",
    "0x0",
    "0x1",
    "0x01",
    "0x5",
    "1",
    "0xg",
    "é",
    "\ud83d\ude00",
)
HEX = (
    "0x" + "AB" * 20,
    "0x" + "ab" * 32,
    "0x" + "0" * 64,
    "0x" + "f" * 64,
    "0x1" + "0" * 64,
    "0x" + "0" * 40,
)


def spoil(rng, made, receipts):
    """Change one thing, at random, in a block or its receipts."""
    logs = [one for of_it in receipts if isinstance(many := of_it.get("logs"), list) for one in many]
    txs = many if isinstance(many := made.get("transactions"), list) else []
    several = (part for part in (txs, receipts, logs) if part)
    target = rng.choice([made, *(one for part in several for one in rng.choices(part, k=4))])
    if not isinstance(target, dict):
        return
    kind = rng.random()
    key = rng.choice(
        [*target, "authorizationList", "blockTimestamp", "data", "removed", "contractAddress", "chainId"]
    )
    held = target.get(key)
    if kind < 0.1:
        target.pop(key, None)
    elif kind < 0.35:
        target[key] = rng.choice(ODD)
    elif kind < 0.5:
        target[key] = rng.choice(HEX)
    elif kind < 0.7 and isinstance(held, str) and len(held) > 2:
        at = rng.randrange(len(held))
        target[key] = rng.choice(
            (
                held[:at] + rng.choice("0fFgx_ \n+") + held[at + 1 :],
                held.upper(),
                held[:at],
                held + held[2:],
                held[:2] + held[2:].upper(),
                held[1] + held[0] + held[2:],
                "1" + held[1:],
            )
        )
    elif kind < 0.8 and isinstance(held, list) and held:
        rng.choice(
            (
                rng.shuffle,
                list.pop,
                lambda many: many.append(many[0]),
                lambda many: many.append("0x" + "00" * 32),
            )
        )(held)
    elif kind < 0.9:
        rng.choice(
            (
                rng.shuffle,
                lambda many: many and many.pop(),
                lambda many: many.append(copy.deepcopy(many[0])) if many else None,
            )
        )(rng.choice((txs, receipts)))
    else:
        target["removed"] = rng.choice((True, False, 1))
