"""txtail on a real Anvil: what tokens are called, and what amounts are worth."""

import json
import signal
import subprocess

import pytest

import contract_kit as contracts
from conftest import script
from node_kit import Anvil, transfer_data
from proxy_kit import MISSING, Proxy
from tail_kit import ALICE, BOB, Following, tail

pytestmark = pytest.mark.anvil

TOKEN, OTHER, FEED = "0x" + "c1" * 20, "0x" + "c2" * 20, "0x" + "fe" * 20
COIN = "eip155:1/slip44:60"
USDT = "0xdac17f958d2ee523a2206206994597c13d831ec7"
POKE = "0x12345678"


@pytest.fixture
def args(anvil, tmp_path):
    """What every run here is given: its own file of names, and all blocks."""
    return ["--rpc", anvil.url, "--from", 0, "--no-follow", "--token-cache", tmp_path / "tokens"]


def put(anvil, address, code):
    anvil.rpc("anvil_setCode", address, code)


def moved(anvil, *addresses):
    """Mine a transfer of each contract."""
    anvil.fund(ALICE, 10**24)
    for address in addresses:
        anvil.send(ALICE, address, data=POKE)
    anvil.mine()


def transfers(records, contract=None):
    return [
        one
        for one in records
        if one["type"] == "transfer" and (contract is None or one["asset"].endswith(contract))
    ]


@pytest.mark.shared_data
def test_unknown_token(anvil, data, args):
    """A token that no table has gets its own symbol and decimals, in one round; an NFT is not asked."""
    anvil.fund(ALICE, 10**24)
    token = anvil.deploy_token(ALICE, data / "samples" / "TestToken.bin")
    put(anvil, OTHER, contracts.token(contracts.text(b"OTHER"), contracts.word(0)))
    anvil.send(ALICE, token, data=transfer_data(BOB, 1_500_000))
    moved(anvil, OTHER)
    with Proxy(anvil.port) as proxy:
        records, said = tail("--rpc", proxy.url, *args[2:])
        assert proxy.asked.count("eth_call") == 4
        assert tail("--rpc", proxy.url, *args[2:])[0] == records
        assert proxy.asked.count("eth_call") == 4
    assert said == ""
    (made,) = [one for one in transfers(records, token) if one["from"] == ALICE]
    assert (made["symbol"], made["amount"], made["value"]) == ("TUSD", "1.5", "1500000")
    assert "usd" not in made
    (other,) = transfers(records, OTHER)
    assert (other["symbol"], other["amount"]) == ("OTHER", "1500000")


def test_no_tokens(anvil, args):
    """With --no-tokens nobody is asked."""
    put(anvil, TOKEN, contracts.token(contracts.text(b"TOK")))
    moved(anvil, TOKEN)
    with Proxy(anvil.port) as proxy:
        records, _ = tail("--rpc", proxy.url, "--from", 0, "--no-follow", "--no-tokens")
        assert "eth_call" not in proxy.asked
    (one,) = transfers(records)
    assert not {"symbol", "amount"} & set(one)
    assert transfers(tail(*args)[0])[0]["symbol"] == "TOK"


@pytest.mark.parametrize(
    ("symbol", "shown"),
    [
        (contracts.text(b"A\x1b[31mB\nC\x9f"), "A\ufffd[31mB\ufffdC\ufffd"),
        (contracts.text("U\u0405D\u200b\u0422".encode()), "U\u0405D\u200b\u0422"),
        (contracts.text("\u202eTDSU".encode()), "\u202eTDSU\u202c"),
        (contracts.text(b"X" * 5_000), "X" * 64),
        (b"MKR".ljust(32, b"\0"), "MKR"),
        (contracts.text(b""), None),
        (contracts.word(2**255) + contracts.word(3), None),
        (contracts.word(32) + contracts.word(2**256 - 1 - 2**255), None),
        (contracts.reverting(b"too many requests"), None),
        (contracts.reverting(b"the method does not exist"), None),
        (contracts.GREEDY, None),
        (contracts.FAILING, None),
        (contracts.HUGE, None),
    ],
)
def test_hostile_symbols(anvil, args, symbol, shown):
    """Whatever a contract says, the stream goes on, the line is whole, and the amount is there."""
    put(anvil, TOKEN, contracts.token(symbol))
    moved(anvil, TOKEN)
    records, said = tail(*args)
    (one,) = transfers(records)
    assert (one.get("symbol"), one["amount"]) == (shown, "1.5")
    assert said == ""


@pytest.mark.parametrize(
    "decimals", [contracts.word(78), contracts.word(-1), b"", contracts.reverting(b"rate limit"), b"\x06"]
)
def test_no_token(anvil, args, decimals, tmp_path):
    """Without decimals that make sense there is no amount; that is settled, too."""
    put(anvil, TOKEN, contracts.token(contracts.text(b"USDT"), decimals))
    moved(anvil, TOKEN)
    first, said = tail(*args)
    assert not {"symbol", "amount"} & set(transfers(first)[0])
    assert said == ""
    put(anvil, TOKEN, contracts.token(contracts.text(b"USDT")))
    assert tail(*args)[0] == first
    assert json.loads((tmp_path / "tokens").read_text().splitlines()[1]) == {"address": TOKEN}


def test_answer_is_settled(anvil, args):
    """A contract that changes its name keeps the first one after a restart; only a new file has another."""
    put(anvil, TOKEN, contracts.token(contracts.text(b"GOOD")))
    moved(anvil, TOKEN)
    run = [script("txtail"), *map(str, args)]
    first = subprocess.run(run, capture_output=True, check=True).stdout
    put(anvil, TOKEN, contracts.token(contracts.text(b"EVIL"), contracts.word(0)))
    assert b"GOOD" in first
    assert subprocess.run(run, capture_output=True, check=True).stdout == first
    args[-1].unlink()
    assert b"EVIL" in subprocess.run(run, capture_output=True, check=True).stdout


def test_users_own_cache(anvil, args, tmp_path):
    """Without --token-cache the answers are kept in the user's cache, by chain and first block."""
    put(anvil, TOKEN, contracts.token(contracts.text(b"TOK")))
    moved(anvil, TOKEN)
    tail(*args[:-2], env={"XDG_CACHE_HOME": str(tmp_path)})
    kept = tmp_path / "txpipe" / f"tokens-eip155-1-{anvil.block(0)['hash'][2:10]}.ndjson"
    assert TOKEN in kept.read_text()


def test_users_cache_that_cannot_be(anvil, args, tmp_path):
    """Where nothing can be kept, that is said, and tokens have names all the same."""
    put(anvil, TOKEN, contracts.token(contracts.text(b"TOK")))
    moved(anvil, TOKEN)
    (tmp_path / "txpipe").touch()
    records, said = tail(*args[:-2], env={"XDG_CACHE_HOME": str(tmp_path)})
    assert transfers(records)[0]["symbol"] == "TOK"
    assert "token names cannot be kept there" in said


def test_two_at_once(anvil, args, tmp_path):
    """Of two that share a file, the second takes what the first was told, even if it began before."""
    anvil.mine()
    with Following(tmp_path / "out", *args[:4], "--token-cache", args[-1]) as second:
        second.reaches(1)
        put(anvil, TOKEN, contracts.token(contracts.text(b"FIRST")))
        second.process.send_signal(signal.SIGSTOP)
        try:
            moved(anvil, TOKEN)
            tail(*args)
            put(anvil, TOKEN, contracts.token(contracts.text(b"SECOND")))
        finally:
            second.process.send_signal(signal.SIGCONT)
        records = second.reaches(2)
    assert transfers(records)[0]["symbol"] == "FIRST"


def test_node_that_cannot_say(anvil, args, tmp_path):
    """A node without eth_call is asked again, then another; alone, its records go without, and it is said."""
    put(anvil, TOKEN, contracts.token(contracts.text(b"TOK")))
    moved(anvil, TOKEN)
    broken = {"error": {"code": -32000, "message": "something went wrong"}}
    for answer in (MISSING, broken):
        change = lambda method, _, said, answer=answer: answer if method == "eth_call" else said  # noqa: E731
        with Proxy(anvil.port, change) as proxy:
            alone = ["--rpc", proxy.url, *args[2:]]
            records, said = tail(*alone)
            assert "amount" not in transfers(records)[0]
            assert "records go without symbols and amounts" in said
            assert TOKEN not in (tmp_path / "tokens").read_text()
    with Proxy(anvil.port, change) as proxy:
        records, said = tail("--rpc", proxy.url, *args)
    assert transfers(records)[0]["symbol"] == "TOK"


def test_state_is_not_there(anvil, args):
    """Of old blocks a token is asked now; a price is never taken from another block, and that is said."""
    put(anvil, TOKEN, contracts.token(contracts.text(b"TOK")))
    put(anvil, FEED, contracts.feed())
    price(anvil, 3_000)
    moved(anvil, TOKEN)
    anvil.send(ALICE, BOB, value=10**18)
    anvil.mine()

    def pruned(method, params, answer):
        if method == "eth_call" and params[1] != "latest":
            return {
                "error": {"code": -32000, "message": "missing trie node 12ab (path ) state is not available"}
            }
        return answer

    feed = ["--usd", "chainlink", "--feed", f"{COIN}={FEED}"]
    with Proxy(anvil.port, pruned) as proxy:
        records, said = tail("--rpc", proxy.url, *args[2:], *feed)
    assert transfers(records, TOKEN)[0]["symbol"] == "TOK"
    assert "usd" not in transfers(records, COIN)[0]
    assert said.count("lacks the state of old blocks") == 1
    assert transfers(tail(*args, *feed)[0], COIN)[0]["usd"] == 3_000.0


def price(anvil, answer, age=0, **other):
    """Mine a block in which the feed says a price."""
    anvil.fund(ALICE, 10**24)
    updated = int(anvil.block()["timestamp"], 16) + 12 - age
    anvil.send(ALICE, FEED, data=contracts.round_data(round(answer * 10**8), updated, **other))
    anvil.send(ALICE, BOB, value=10**18)
    anvil.mine()


def test_feed_at_each_height(anvil, args):
    """Each block's records are worth what the feed said at that block, on every run, also after a reorg."""
    put(anvil, FEED, contracts.feed())
    for answer in (3_000, 3_100.5, 2_900):
        price(anvil, answer)
    feed = ["--usd", "chainlink", "--feed", f"{COIN}={FEED}"]
    records, said = tail(*args, *feed)
    assert [one["usd"] for one in transfers(records)] == [3_000.0, 3_100.5, 2_900.0]
    assert tail(*args, *feed)[0] == records
    assert tail(*args, *feed, "--from", 2)[0] == records[records.index(transfers(records)[1]) - 1 :]
    assert said.count("no price feed answers at") == 1
    assert "0xf4030086522a5beea4988f8ca5b36dbc97bee88c" in said
    assert FEED not in said
    anvil.reorg(1)
    price(anvil, 1)
    assert [one["usd"] for one in transfers(tail(*args, *feed)[0])] == [3_000.0, 3_100.5, 1.0]


@pytest.mark.parametrize(
    ("answer", "other", "reason"),
    [
        (3_000, {"age": 90_100}, "stale"),
        (3_000, {"answered": 5}, "stale"),
        (3_000, {"age": -10_000}, "of a time to come"),
        (0, {}, "not above 0"),
        (-1, {}, "not above 0"),
        (3_000, {"number": 0}, "gives no answer"),
    ],
)
def test_feed_that_is_not_believed(anvil, args, answer, other, reason):
    """Then there is no worth, which is said once; a good answer counts again."""
    put(anvil, FEED, contracts.feed())
    for _ in range(2):
        price(anvil, answer, **other)
    price(anvil, 2_500)
    records, said = tail(*args, "--usd", "chainlink", "--feed", f"{COIN}={FEED}")
    assert [one.get("usd") for one in transfers(records)] == [None, None, 2_500.0]
    assert said.count(FEED) == 1
    assert reason in said


def test_feed_beats_a_peg(anvil, args):
    """A stablecoin with a feed is worth what that says; where it says nothing, its peg is not taken."""
    put(anvil, USDT, contracts.token(contracts.text(b"USDT")))
    put(anvil, FEED, contracts.feed())
    price(anvil, 0.5)
    moved(anvil, USDT)
    price(anvil, 0)
    moved(anvil, USDT)
    feed = ["--usd", "chainlink", "--feed", f"eip155:1/erc20:{USDT}={FEED}"]
    assert [one.get("usd") for one in transfers(tail(*args, *feed)[0], USDT)] == [0.75, None]
    assert [one.get("usd") for one in transfers(tail(*args)[0], USDT)] == [1.5, 1.5]


def test_prices_file(anvil, args, tmp_path):
    """A file's prices hold from their time on, beat feeds and pegs, and need an amount."""
    put(anvil, TOKEN, contracts.token(contracts.text(b"TOK")))
    put(anvil, FEED, contracts.feed())
    price(anvil, 3_000)
    moved(anvil, TOKEN)
    price(anvil, 3_000)
    prices = tmp_path / "prices"
    known = {"asset": f"eip155:1/erc20:{TOKEN}", "usd": 2}
    later = {"asset": COIN, "usd": 4_000, "time": int(anvil.block()["timestamp"], 16)}
    prices.write_text(json.dumps(known) + "\n" + json.dumps(later) + "\n")
    records, _ = tail(*args, "--prices", prices)
    assert [one.get("usd") for one in transfers(records)] == [None, 3.0, 4_000.0]
    records, _ = tail(*args, "--prices", prices, "--usd", "chainlink", "--feed", f"{COIN}={FEED}")
    assert [one.get("usd") for one in transfers(records)] == [3_000.0, 3.0, 4_000.0]


def test_rule_sees_usd(anvil, args, tmp_path):
    """txtail | txdetect: a rule about dollars fires at the feed's price, and not without it."""
    put(anvil, FEED, contracts.feed())
    for _ in range(3):
        price(anvil, 5_000_000)
    rules = tmp_path / "rules.toml"
    rules.write_text('[expressions.much]\nwhen = "usd > 4000000"\n')
    alerts = []
    for extra in (["--usd", "chainlink", "--feed", f"{COIN}={FEED}"], []):
        records = subprocess.run(
            [script("txtail"), *map(str, args), *extra], capture_output=True, check=True
        ).stdout
        detect = [script("txdetect"), "--only", "much", "--rules", rules]
        alerts.append(subprocess.run(detect, input=records, capture_output=True, check=True).stdout)
    assert alerts[0].count(b'"rule":"much"') == 3
    assert alerts[1] == b""


def test_counterfeit_is_seen(anvil, args):
    """A look-alike of USDT keeps, in the record, what txdetect's counterfeit-token goes by."""
    put(anvil, TOKEN, contracts.token(contracts.text("USD\u0422".encode()), amount=2**31))
    anvil.fund(ALICE, 10**24)
    for _ in range(4):
        moved(anvil, TOKEN)
    records = subprocess.run([script("txtail"), *map(str, args)], capture_output=True, check=True).stdout
    found = subprocess.run(
        [script("txdetect"), "--only", "counterfeit-token"], input=records, capture_output=True, check=True
    ).stdout
    assert b"counterfeit-token" in found


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--feed", f"{COIN}={FEED}"], "--usd chainlink only"),
        (["--usd", "chainlink", "--feed", "eip155:10/slip44:60=" + FEED], "of chain eip155:1"),
        (["--usd", "chainlink", "--feed", f"{COIN}=0x12"], "no ASSET=ADDRESS"),
        (["--token-cache", "/dev/null"], "no regular file"),
        (["--prices", "/nonexistent"], "/nonexistent"),
    ],
)
def test_usage(anvil, args, said):
    """What makes no sense is said before anything is written."""
    run = [script("txtail"), "--rpc", anvil.url, "--no-follow", *args]
    done = subprocess.run(run, capture_output=True, check=False, timeout=30)
    assert done.returncode in {1, 2}
    assert said in done.stderr.decode()
    assert not done.stdout


def test_chain_without_feeds():
    """--usd chainlink on a chain of which no feed is known is a mistake."""
    with Anvil(chain_id=31337) as node:
        _, said = tail("--rpc", node.url, "--no-follow", "--usd", "chainlink", status=2)
    assert "no price feed of eip155:31337 is known" in said
