"""Answers of Bitcoin Core and its kin as they are documented: both shapes of scripts, missing parts.

Hashes and amounts are made up. No real Core was at hand, only Litecoin Core 0.21 (see test_txtail_coin.py).
"""

import gzip
import json
from contextlib import suppress
from itertools import count

import pytest

from chains_kit import normalized
from proxy_kit import Server
from txpipe.chains import coin_node, coin_outputs, coin_pending
from txpipe.chains.chain import BITCOIN, ChainOf
from txpipe.chains.coin_node import TRIES, CoinChain
from txpipe.chains.coin_outputs import Outputs
from txpipe.chains.coin_pending import CoinMempool
from txpipe.chains.endpoint import NodeBusy, NodeDenied, NodeFailed
from txpipe.chains.making import Making
from txpipe.chains.node_kind import is_core
from txpipe.chains.nodes import Blind, Nodes
from txpipe.chains.rpc import Node, RpcFault
from txpipe.chains.tokens import Tokens

GENESIS = f"{BITCOIN.partition(':')[2]}{'0' * 32}"
CASH = "bip122:000000000000000000651ef99cb9fcbe"
ALICE, BOB, CAROL = "bc1qalice00", "1Bob", "3Carol"
MISSING = (-32601, "Method not found")


def name(number):
    return f"{number:064x}"


def paid(*parties, coins=0.5, old=False):
    """Outputs to addresses, as Core has them, or as it had them before version 22."""
    shape = (lambda one: {"addresses": [one], "reqSigs": 1}) if old else (lambda one: {"address": one})
    return [
        {"n": n, "value": coins, "scriptPubKey": {"asm": "", "hex": "", "type": "x", **shape(party)}}
        for n, party in enumerate(parties)
    ]


def spend(tx, n=0, party=None):
    prevout = {"prevout": {"height": 1, "value": 1.0, **paid(party)[0]}} if party else {}
    return {"txid": name(tx), "vout": n, "scriptSig": {"asm": "", "hex": ""}, "sequence": 1, **prevout}


def tx(number, inputs, outputs):
    return {"txid": name(number), "hash": name(number), "vin": inputs, "vout": outputs, "hex": "00"}


COINBASE = {"coinbase": "00", "sequence": 1}


def block(height, *txs, **other):
    return {
        "hash": name(0xB000 + height),
        "confirmations": 1,
        "height": height,
        "previousblockhash": name(0xB000 + height - 1),
        "time": 1_700_000_000 + height,
        "nTx": len(txs),
        "tx": list(txs),
    } | other


class Core(Server):
    """A node that has some blocks and transactions, and a pool; errors come with HTTP 500, as Core's do.

    Attributes:
        known: transactions that getrawtransaction tells.
        unspent: outputs that gettxout tells.
        pool: what waits.
        faults: an error (code, message), or HTTP status, by method.
        odd: a result by method, given instead.
        asked: methods and parameters.
    """

    def __init__(self, *blocks, version=23):
        super().__init__(self.read)
        self.blocks = {one["height"]: one for one in blocks}
        self.version = version
        self.known, self.unspent, self.pool = {}, {}, []
        self.faults, self.odd = {"eth_chainId": MISSING, "waitfornewblock": MISSING}, {}
        self.genesis, self.fork = GENESIS, None
        self.asked = []

    def read(self, body):
        told = json.loads(body)
        calls = told if isinstance(told, list) else [told]
        denied = [one for call in calls if isinstance(one := self.faults.get(call["method"]), int)]
        if denied:
            self.asked += [(call["method"], *call["params"]) for call in calls]
            return denied[0], {}, b""
        said = [self.said(call) for call in calls]
        if isinstance(told, list):
            return json.dumps(said).encode()
        return (500 if said[0]["error"] else 200), {}, json.dumps(said[0]).encode()

    def said(self, call):
        method, params = call["method"], call["params"]
        self.asked.append((method, *params))
        fault = self.faults.get(method)
        if not fault:
            try:
                result = self.odd[method] if method in self.odd else getattr(self, method)(*params)
            except LookupError as exc:
                fault = exc.args
        if fault:
            return {
                "result": None,
                "error": dict(zip(("code", "message"), fault, strict=True)),
                "id": call["id"],
            }
        return {"result": result, "error": None, "id": call["id"]}

    def getblockhash(self, height):
        if height == 478_559 and self.fork:
            return self.fork
        if height == 0:
            return self.genesis
        if height not in self.blocks:
            raise LookupError(-8, "Block height out of range")
        return self.blocks[height]["hash"]

    def getbestblockhash(self):
        return self.blocks[max(self.blocks)]["hash"]

    def getblockheader(self, named):
        (found,) = [one for one in self.blocks.values() if one["hash"] == named]
        return {key: found[key] for key in ("hash", "height", "time")}

    def getblock(self, named, verbosity):
        if verbosity > 2 and self.version < 15:
            raise LookupError(-1, "JSON value is not a boolean as expected")
        (found,) = [one for one in self.blocks.values() if one["hash"] == named]
        return found

    def getrawtransaction(self, txid, _verbose):
        if txid not in self.known:
            raise LookupError(
                -5, "No such mempool or blockchain transaction. Use gettransaction for wallet ones."
            )
        return self.known[txid]

    def gettxout(self, txid, n, _pool):
        return self.unspent.get((txid, n))

    def getrawmempool(self):
        return self.pool

    def waitfornewblock(self, _timeout):
        return {"hash": self.getbestblockhash()}

    def methods(self):
        return [one[0] for one in self.asked]


class Desk:
    """A chain of one such node, what it said, and what it holds against it."""

    def __init__(self, server, *, pending=False, chain=BITCOIN):
        self.said = []
        self.node = Node(server.url)
        self.clock = 0.0
        nodes = Nodes([self.node], count(0.0, 100.0).__next__, self.said.append)
        making = Making(
            ChainOf(chain, self.said.append), Tokens.shipped(), lambda: 77, self.said.append, None
        )
        self.mempool = CoinMempool(making, self.said.append, lambda: self.clock) if pending else None
        self.chain = CoinChain(nodes, making, self.said.append, self.mempool)

    def lines(self, height):
        (found,) = self.chain.blocks(height, height)
        return found.lines.splitlines(keepends=True)

    def records(self, height):
        return [json.loads(line) for line in self.lines(height)]

    def pending(self):
        return [json.loads(line) for line in self.chain.pending()]


@pytest.fixture
def desk():
    """Makes desks, and closes their connections at the end."""
    made = []

    def make(server, **options):
        made.append(Desk(server, **options))
        return made[-1]

    yield make
    for one in made:
        one.node.close()


def test_core_tells_senders_with_the_block(desk):
    """Verbosity 3 (Core 23 or newer): nothing else is asked, and the records are those of txnorm."""
    both = tx(2, [spend(9, party=ALICE), spend(8, 1, BOB)], paid(CAROL, ALICE, coins=0.00000003))
    found = block(5, tx(1, [COINBASE], paid(BOB, coins=3.12500001)), both)
    with Core(found) as server:
        one = desk(server)
        lines = one.lines(5)
    assert [json.loads(line) for line in lines] == normalized(found, chain=BITCOIN)[0]
    assert (json.loads(lines[1])["from"], json.loads(lines[1])["inputs"]) == (ALICE, [ALICE, BOB])
    assert json.loads(lines[0])["value"] == "312500001"
    assert json.loads(lines[1])["amount"] == "0.00000003"
    assert ("getblock", found["hash"], 3) in server.asked
    assert "getrawtransaction" not in server.methods()
    assert one.said == []


@pytest.mark.parametrize("version", [14, 21])
def test_older_nodes_are_asked_for_what_is_spent(desk, version):
    """Verbosity 2: previous outputs come from the block itself, from those before, and in one batch."""
    first = block(4, tx(1, [COINBASE], paid(ALICE, old=True)))
    second = block(
        5,
        tx(2, [spend(1), spend(9, 1)], paid(BOB, old=True)),
        tx(3, [spend(2), spend(9, 0), spend(7, 5)], paid(CAROL, old=True)),
    )
    with Core(first, second, version=version) as server:
        server.known[name(9)] = tx(9, [COINBASE], paid("1nine0", "1nine1", old=True))
        server.known[name(7)] = tx(7, [COINBASE], paid("1seven", old=True))
        one = desk(server)
        four, five = one.chain.blocks(4, 5)
    told = [json.loads(line) for line in five.lines.splitlines()]
    assert [(told[at]["from"], told[at].get("inputs")) for at in (0, 1)] == [
        (ALICE, [ALICE, "1nine1"]),
        (BOB, [BOB, "1nine0"]),
    ]
    asked = [call[1] for call in server.asked if call[0] == "getrawtransaction"]
    assert asked == [name(9), name(7)]
    verbosities = [call[2] for call in server.asked if call[0] == "getblock"]
    assert verbosities == ([3, 2, 2] if version == 14 else [3, 3])
    assert four.records == 2
    assert len(one.said) == 1  # output 5 of transaction 7, which has but one


def test_without_txindex(desk):
    """What it cannot tell is null; that is said once, and it is asked once."""
    with Core(*(block(height, tx(height, [spend(90 + height)], paid(BOB))) for height in (5, 6))) as server:
        server.faults["getrawtransaction"] = (
            -5,
            "No such mempool transaction. Use -txindex or provide a block hash to enable queries",
        )
        one = desk(server)
        assert {told["from"] for height in (5, 6) for told in one.records(height)[:-1]} == {None}
    assert server.methods().count("getrawtransaction") == 1
    assert len(one.said) == 2
    assert "(-txindex)" in one.said[0]
    assert "senders are not screened" in one.said[1]


@pytest.mark.parametrize(
    "fault",
    [
        (
            -5,
            "No such mempool transaction. Blockchain transactions are still in the process of being indexed",
        ),
        (-32603, "internal"),
        (-28, "Loading block index…"),
    ],
)
def test_senders_that_may_be_known_later_are_waited_for(desk, fault):
    """A block is not written without senders because the node is busy for a moment."""
    with Core(block(5, tx(2, [spend(9)], paid(BOB)))) as server:
        server.faults["getrawtransaction"] = fault
        one = desk(server)
        with pytest.raises(Blind):
            one.chain.blocks(5, 5)
        del server.faults["getrawtransaction"]
        server.known[name(9)] = tx(9, [COINBASE], paid(ALICE))
        assert one.records(5)[0]["from"] == ALICE


def test_another_transaction_than_asked_for_is_not_believed(desk):
    with Core(block(5, tx(2, [spend(9)], paid(BOB)))) as server:
        server.known[name(9)] = tx(8, [COINBASE], paid(ALICE))
        with pytest.raises(Blind, match="gives another"):
            desk(server).chain.blocks(5, 5)


def test_warming_up(desk):
    """A node that is still loading is busy, and of no kind yet; then it is asked again."""
    with Core(block(5)) as server:
        kinds = dict(server.faults)
        server.faults = dict.fromkeys(("eth_chainId", "getblockhash"), (-28, "Loading block index…"))
        one = desk(server)
        with pytest.raises(NodeBusy, match="Loading block index"):
            is_core(one.node)
        with pytest.raises(Blind, match="Loading block index"):
            one.chain.head()
        server.faults = kinds
        assert is_core(one.node)
        assert one.chain.head().height == 5


def test_kinds_of_nodes(desk):
    """Core is known by what it does not know and what it does; who knows neither is no node."""
    with Core(block(5)) as server:
        node = desk(server).node
        assert is_core(node)
        server.faults["eth_chainId"] = 403  # -rpcwhitelist
        assert is_core(node)
        server.faults["getblockhash"] = 403
        with pytest.raises(NodeDenied):
            is_core(node)
        server.faults = {"eth_chainId": MISSING, "getblockhash": MISSING}
        with pytest.raises(RpcFault, match="Method not found"):
            is_core(node)
        server.faults, server.odd = {"eth_chainId": MISSING}, {"getblockhash": "no hash"}
        with pytest.raises(RpcFault):
            is_core(node)
        server.faults, server.odd = {}, {"eth_chainId": "0x1"}
        assert not is_core(node)
        server.faults = {"eth_chainId": 500}
        with pytest.raises(NodeFailed, match="HTTP 500"):
            is_core(node)


@pytest.mark.parametrize(
    ("fork", "chain"), [(None, BITCOIN), ("f" * 64, BITCOIN), (f"{CASH[7:]}{'0' * 32}", CASH)]
)
def test_bitcoin_cash_has_the_same_first_block(desk, fork, chain):
    """It is told by the block that names it (CAIP-2)."""
    with Core(block(5)) as server:
        server.fork = fork
        one = desk(server)
        assert (one.chain.chain, one.chain.genesis) == (chain, GENESIS)


@pytest.mark.parametrize("genesis", [f"0x{'0' * 64}", "0" * 63, "", None, 5])
def test_a_chain_without_a_name(desk, genesis):
    """A first block without a hash names no chain."""
    with Core(block(5)) as server:
        server.genesis = genesis
        with pytest.raises(Blind):
            assert desk(server).chain.chain


def test_odd_transaction_is_left_out_in_the_end(desk):
    """It is asked for again first; then the others of its block come, and it is said."""
    good, bad = tx(1, [COINBASE], paid(BOB)), tx(2, [spend(9, party=ALICE)], [{"n": 0, "value": "much"}])
    with Core(block(5, good, bad, tx(3, [spend(8, party=BOB)], paid(ALICE)))) as server:
        one = desk(server)
        for _ in range(TRIES):
            with pytest.raises(Blind, match="value is 'much'"):
                one.chain.blocks(5, 5)
        records = one.records(5)
    assert [told["tx"] for told in records[:-1]] == [name(1), name(3)]
    assert records[-1]["records"] == 2
    assert one.chain.faults == 1
    assert one.said == ["block 5: transaction 1: an output's value is 'much', not an amount; left out"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"nTx": 2},
        {"height": 6},
        {"height": None},
        {"hash": name(1)},
        {"previousblockhash": None},
        {"previousblockhash": 5},
        {"tx": None},
        {"tx": {}},
        {"tx": [name(1)]},
        {"time": None},
        {"time": -1},
    ],
)
def test_blocks_that_are_not_what_was_asked_for(desk, wrong):
    """They are not believed, however often they come."""
    with Core(block(5, tx(1, [COINBASE], paid(BOB)))) as server:
        one = desk(server)
        server.odd["getblock"] = server.blocks[5] | wrong
        for _ in range(TRIES + 2):
            if wrong.get("tx") == [name(1)] and _ >= TRIES:
                break  # left out in the end
            with pytest.raises(Blind):
                one.chain.blocks(5, 5)


ODD = [
    None,
    5,
    True,
    -1.5,
    "x",
    f"0x{'0' * 64}",
    [],
    [5],
    [None],
    [[]],
    {},
    {"txid": 5},
    {"hash": [], "height": {}, "vout": 1},
]


@pytest.mark.parametrize("method", ["getblockhash", "getbestblockhash", "getblockheader", "getblock"])
@pytest.mark.parametrize("odd", ODD)
def test_odd_answers(desk, method, odd):
    """What makes no sense is a node that fails, never a traceback or a record."""
    with Core(block(5, tx(1, [COINBASE], paid(BOB)))) as server:
        server.odd[method] = odd
        one = desk(server)
        with pytest.raises(Blind):
            one.chain.blocks(one.chain.head().height, 5)


@pytest.mark.parametrize("method", ["getrawtransaction", "gettxout", "getrawmempool"])
@pytest.mark.parametrize(
    "odd", [*ODD, {"scriptPubKey": []}, {"txid": name(9), "vin": 5, "vout": [5, {"n": []}]}]
)
def test_odd_answers_beside(desk, method, odd):
    """The same of previous outputs and of the pool: what is written is written without them."""
    with Core(block(5, tx(2, [spend(9)], paid(BOB)))) as server:
        server.pool, server.known[name(3)] = [name(3)], tx(3, [spend(9)], paid(BOB))
        server.odd[method] = odd
        one = desk(server, pending=True)
        for _ in range(3):
            for ask in (lambda: one.records(5), one.pending):
                with suppress(Blind):
                    assert {told.get("from") for told in ask()} <= {None}


def test_odd_inputs(desk):
    """An input that names what it spends in an odd way has no sender; the others have theirs."""
    odd = [{"txid": 5, "vout": 0}, {"txid": name(9), "vout": "0"}, {"ismweb": True, "output_id": "00"}, {}]
    with Core(block(5, tx(2, [*odd, spend(9)], paid(BOB)))) as server:
        server.known[name(9)] = tx(9, [], paid(ALICE))
        assert desk(server).records(5)[0]["from"] == ALICE


def test_chain_that_becomes_shorter_while_asked(desk):
    """There is nothing to give, and that is no failure; a node that only claims a block fails."""
    with Core(block(4), block(5)) as server:
        one = desk(server)
        assert one.chain.head().height == 5
        del server.blocks[5]
        assert one.chain.blocks(5, 6) == []
        server.odd["getblockheader"] = {"hash": name(1), "height": 500, "time": 1}
        server.odd["getbestblockhash"] = name(1)
        with pytest.raises(Blind, match="out of range"):
            one.chain.blocks(5, 6)


def test_what_could_be_read_is_not_held_back(desk):
    """Blocks before one that fails are given out; so are those of many transactions."""
    with Core(*(block(height) for height in (4, 5, 6))) as server:
        server.blocks[6] |= {"nTx": 9}
        one = desk(server)
        assert [found.height for found in one.chain.blocks(4, 6)] == [4, 5]
        with pytest.raises(Blind):
            one.chain.blocks(6, 6)


def test_blocks_of_many_transactions_come_one_by_one(desk, monkeypatch):
    """What is held at once is bounded."""
    monkeypatch.setattr(coin_node, "AT_ONCE", 2)
    many = [tx(number, [COINBASE], paid(BOB)) for number in range(3)]
    with Core(block(4, *many), block(5, *many)) as server:
        assert [found.height for found in desk(server).chain.blocks(4, 5)] == [4]


def test_outputs_are_forgotten():
    """The oldest first, however many come."""
    outputs = Outputs(most=3)
    outputs.learn([tx(number, [], paid(ALICE, BOB)) for number in range(50)])
    assert list(outputs._paid) == [(name(48), 1), (name(49), 0), (name(49), 1)]
    assert coin_outputs.OUTPUTS > 32_000


def test_pending_once_and_with_senders(desk):
    """Each is written when it is first seen; what it spends may be unspent in the chain, or wait as well."""
    with Core(block(5)) as server:
        parent, child = tx(2, [spend(9)], paid(BOB)), tx(3, [spend(2)], paid(CAROL))
        server.pool = [name(2), name(3)]
        server.known = {name(2): parent | {"time": 5}, name(3): child}
        server.unspent[name(9), 0] = paid(ALICE)[0]
        one = desk(server, pending=True)
        records = one.pending()
        assert [(told["from"], told["to"], told["time"], told["block"]) for told in records] == [
            (ALICE, BOB, 77, None),
            (BOB, CAROL, 77, None),
        ]
        assert all(told["pending"] for told in records)
        assert one.pending() == []
        assert server.asked[-1] == ("getrawmempool",)
        assert ("gettxout", name(9), 0, False) in server.asked  # what waits has spent it already
        assert one.said == []


def test_pending_that_left_is_forgotten(desk):
    """What comes back to the pool is new; what was mined is not, though another node has it still."""
    with Core(block(5, tx(3, [COINBASE], paid(BOB)))) as server:
        server.known = {name(number): tx(number, [], paid(BOB)) for number in (2, 3)}
        one = desk(server, pending=True)
        server.pool = [name(2), name(3)]
        assert [told["tx"] for told in one.pending()] == [name(2), name(3)]
        server.pool = []
        assert one.pending() == []
        one.records(5)
        server.pool = [name(2), name(3)]
        assert [told["tx"] for told in one.pending()] == [name(2)]


def test_pending_that_is_mined_meanwhile(desk):
    """It is left to its block: gone from the pool, in a block by now, or its inputs spent."""
    with Core(block(5)) as server:
        server.pool = [name(number) for number in (2, 3, 4, 5)]
        server.known = {
            name(3): tx(3, [], paid(BOB)) | {"blockhash": name(0xB006), "time": 5},
            name(4): tx(4, [spend(9)], paid(BOB)),
            name(5): tx(6, [], paid(BOB)),  # another than asked for
        }
        one = desk(server, pending=True)
        assert one.pending() == []
        assert one.said == []
        assert [(told["tx"], told["from"]) for told in one.pending()] == [(name(4), None)]  # it was not
        assert one.mempool._unsure == {name(4)}
        server.pool = []
        assert one.pending() == []
        assert one.mempool._unsure == set()


def test_pending_that_does_not_read(desk):
    """It is passed over, said once, and not asked for again."""
    with Core(block(5)) as server:
        server.pool = [name(2), name(3)]
        server.known = {name(n): tx(n, [], [{"n": 0, "value": "much"}]) for n in (2, 3)}
        one = desk(server, pending=True)
        assert one.pending() == one.pending() == []
        assert server.methods().count("getrawtransaction") == 2
    assert len(one.said) == 1
    assert "a pending transaction does not read" in one.said[0]
    assert one.mempool.passed == 2


def test_a_large_pool_is_asked_for_in_parts(desk, monkeypatch):
    """A round takes some; the pool is listed again when all were taken; beyond a bound it is cut."""
    monkeypatch.setattr(coin_pending, "AT_ONCE", 2)
    monkeypatch.setattr(coin_pending, "POOL", 5)
    monkeypatch.setattr(coin_pending, "MINED", 3)
    with Core(block(5)) as server:
        server.pool = [name(number) for number in range(1, 8)]
        server.known = {one: tx(int(one, 16), [], paid(BOB)) for one in server.pool}
        one = desk(server, pending=True)
        assert [len(one.pending()) for _ in range(3)] == [2, 2, 1]
        assert server.methods().count("getrawmempool") == 1
        one.mempool.mined(name(number) for number in range(90, 99))
        assert len(one.mempool._mined) == 3
    assert "more than 5 pending transactions" in one.said[0]


def test_a_slow_pool_is_listed_seldom(desk):
    """Listing it takes a tenth of the time at most."""
    with Core(block(5)) as server:
        one = desk(server, pending=True)
        one.chain.head()
        times = iter(
            [0.0, 0.0, 1.0, 9.9, 10.1, 10.1, 10.1]
        )  # asked, began, ended; asked; asked, began, ended
        one.mempool._clock = lambda: next(times)
        before = server.methods().count("getrawmempool")
        for expected in (1, 1, 2):
            one.pending()
            assert server.methods().count("getrawmempool") == before + expected


@pytest.mark.parametrize("fault", [403, MISSING])
def test_a_pool_that_is_not_told(desk, fault):
    """That is said once; the node is asked for blocks all the same, and for its pool when it comes back."""
    with Core(block(5), block(6)) as server:
        server.faults["getrawmempool"] = fault
        one = desk(server, pending=True)
        assert one.pending() == one.pending() == []
        assert one.chain.head().height == 6
        assert server.methods().count("getrawmempool") == 1
        server.faults["getbestblockhash"] = 500
        with pytest.raises(Blind):
            one.chain.head()
        del server.faults["getbestblockhash"], server.faults["getrawmempool"]
        server.pool, server.known[name(2)] = [name(2)], tx(2, [], paid(BOB))
        assert [told["tx"] for told in one.pending()] == [name(2)]
    assert len(one.said) == 1
    assert "it tells nothing of pending transactions" in one.said[0]


def test_a_node_that_says_when_there_is_a_block(desk):
    """It is waited for as long as it knows waitfornewblock; then looked at."""
    with Core(block(5)) as server:
        one = desk(server)
        one.chain.head()
        assert not one.chain.is_live
        del server.faults["waitfornewblock"]
        again = desk(server)
        again.chain.head()
        assert again.chain.is_live
        assert not again.chain.wait(0.0)
        server.blocks[6] = block(6)
        assert again.chain.wait(0.25)
        assert server.asked[-1] == ("waitfornewblock", 250)
        assert again.chain.head().height == 6
        server.faults["waitfornewblock"] = 403
        assert again.chain.wait(0.0)
        assert not again.chain.is_live


@pytest.mark.shared_data
def test_real_block_of_bitcoin(desk, data):
    """A main-net block as Core gave it: the records of txnorm, and the senders that the block tells."""
    found = json.loads(gzip.decompress((data / "blocks/bitcoin_mainnet_jsonrpc_200000.json.gz").read_bytes()))
    with Core(found) as server:
        server.faults["getrawtransaction"] = (
            -5,
            "No such mempool transaction. Use -txindex or provide a block",
        )
        records = desk(server).records(200_000)
    plain = normalized(found, chain=BITCOIN)[0]
    assert [without(one, "from", "inputs") for one in records] == [
        without(one, "from", "inputs") for one in plain
    ]
    paid_here = {one["txid"] for one in found["tx"]}
    chained = {
        one["txid"] for one in found["tx"] if any(each.get("txid") in paid_here for each in one["vin"])
    }
    assert len(chained) > 50
    assert {one["tx"] for one in records if one.get("from")} == chained


def without(one, *keys):
    return {key: value for key, value in one.items() if key not in keys}
