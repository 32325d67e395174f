"""counterfeit-token: tokens that bear a major token's name."""

import pytest

from detect_kit import CHAIN, DAY, NOW, Story, address, findings, said
from detect_kit import look_alike as like
from txpipe.detect.bounds import Bounds
from txpipe.detect.conduct import Conduct
from txpipe.detect.rules.counterfeit_token import MOST, CounterfeitToken

MAKER, ALICE, SHOP, VENDOR = (address(name) for name in ("maker", "alice", "shop", "vendor"))
FAKE = address("fake")
ASSET = f"{CHAIN}/erc20:{FAKE}"
CYRILLIC = "USD\u0422"


def verdicts(story, **context):
    return said(story, CounterfeitToken(), **context)


def fake(severity, contract=FAKE):
    return [("counterfeit-token", contract, "suspect", severity)]


@pytest.mark.parametrize(
    "symbol", ["USDT", "usdt", CYRILLIC, "US\u180eDT", "\u202eCDSU", "\uff35SDC", "W\u039eTH", "L\u0406NK"]
)
def test_copy(symbol):
    """The name of a major token, or one that reads the same, and a disguised name of any known token."""
    assert verdicts(Story().token(MAKER, ALICE, 900, ASSET, symbol)) == fake("medium")


@pytest.mark.parametrize("symbol", ["U5DT", "ETH\U0001f680", "$USDC"])
def test_less_than_a_copy(symbol):
    """A digit or an emoji in the name: low."""
    assert verdicts(Story().token(MAKER, ALICE, 900, ASSET, symbol)) == fake("low")


@pytest.mark.parametrize(
    "symbol",
    ["USDC.e", "axlUSDC", "aUSDC", "stETH", "UNI", "PEPE2", "wstETH", "APE", "L1NK", "S0L", "\U0001f680", ""],
)
def test_honest_names(symbol):
    """Bridged and derived tokens, and tokens that share a minor symbol, are left alone."""
    assert verdicts(Story().token(MAKER, ALICE, 900, ASSET, symbol)) == []


def test_airdrop():
    """A thousand accounts get it: one alert, even where some of them take payments from many."""
    story = Story()
    for i in range(12):
        story.token(address(f"customer {i}"), SHOP, 20)
    story.token(MAKER, ALICE, 900, ASSET, "USDT", initiator=VENDOR)
    for i in range(1000):
        story.token(MAKER, address(f"receiver {i}"), 900, ASSET, "USDT")
    assert verdicts(story.token(MAKER, SHOP, 900, ASSET, "USDT")) == fake("medium")


def test_payment_to_a_merchant():
    """Fake money to an account that many pay is high."""
    story = Story()
    for i in range(10):
        story.token(address(f"customer {i}"), SHOP, 20)
    assert verdicts(story.token(MAKER, SHOP, 900, ASSET, CYRILLIC)) == fake("high")
    assert verdicts(Story().token(MAKER, SHOP, 9, ASSET, "USDT"), allowed={SHOP}) == fake("high")


def test_with_a_look_alike():
    """Written in a victim's name, to a look-alike of whom it paid: high, after medium."""
    story = Story().token(ALICE, SHOP, 500).token(ALICE, VENDOR, 5, ASSET, CYRILLIC, initiator=MAKER)
    story.token(ALICE, like(SHOP), 500, ASSET, CYRILLIC, initiator=MAKER)
    assert verdicts(story) == fake("medium") + fake("high")


def test_said_again_after_a_week():
    """A flood that goes on is said once a week."""
    story = Story()
    for _ in range(15):
        story.token(MAKER, ALICE, 900, ASSET, "USDT").wait(DAY)
    assert verdicts(story) == fake("medium") * 3


def test_evidence():
    """The symbol is shown so that it can be told from the real one, and never in the title."""
    [(_, one)] = findings(Story().token(MAKER, ALICE, 900, ASSET, "U\u202dSDT"), CounterfeitToken())
    assert one.title == "Token that passes itself off as USDT"
    del one.evidence["thresholds"]
    assert one.evidence == {
        "symbol": "U\\u202dSDT",
        "imitates": "USDT",
        "sender": MAKER,
        "receiver": ALICE,
        "receiver_payers": 0,
        "resemblance": "disguised",
        "use": "seen",
        "times": 1,
    }


def test_native_coins_in_logs():
    """System contracts write the native coin's movements as a token's."""
    celo, polygon = "eip155:42220", "eip155:137"
    for chain, contract, symbol in (
        (celo, "0x471ece3750da237f93b8e339c536989b8978a438", "CELO"),
        (polygon, "0x0000000000000000000000000000000000001010", "POL"),
        (CHAIN, "0xdeaddeaddeaddeaddeaddeaddeaddeaddead0000", "ETH"),
    ):
        asset = f"{chain}/erc20:{contract}"
        story = Story().token(MAKER, ALICE, 900, asset, symbol)
        for record in story.records:
            record["chain"] = chain
        assert verdicts(story) == []


def test_hostile_and_bounded():
    """Many contracts, endless symbols and times that run backwards leave a bounded note."""
    story = Story()
    for i in range(50):
        asset = f"{CHAIN}/erc20:{address(f'contract {i}')}"
        story.wait(-DAY).token(MAKER, ALICE, 10**50, asset, "\u200b" * 500 + "USDT" + "\u0301" * 400)
    assert len(verdicts(story)) == 50
    conduct = Conduct(lambda _: ((CounterfeitToken(),), Bounds()), lambda *_: False)
    for record in story.records:
        list(conduct.take(record))
    assert len(conduct.find(CHAIN, MAKER).noted("counterfeit-token")) == MOST
    assert story.time < NOW
