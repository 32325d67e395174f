"""counterfeit-token: tokens that bear a major token's name."""

import pytest

from detect_kit import CHAIN, DAY, NOW, Story, address, findings, said
from detect_kit import look_alike as like
from txpipe.detect.bounds import Bounds
from txpipe.detect.conduct import Conduct
from txpipe.detect.memory import parts_of, restore
from txpipe.detect.rules.counterfeit_token import MOST, CounterfeitToken, Settings
from txpipe.detect.use import RECEIVERS_KEPT, TOKENS_KEPT, USERS_A_DAY, USERS_KEPT, Use, Uses
from txpipe.detect.voice import Voice

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


def bridged(story=None, days=10, symbol="USDC", people=60, amount=40, start=0):
    """Let people pay one another, shops and an exchange in a token that the table lacks, many a day."""
    story = story or Story()
    for day in range(start, start + days):
        for i in range(40):
            payer, payee = (7 * day + 3 * i) % people, (11 * day + 5 * i + 1) % people
            to = SHOP if i % 8 == 0 else address(f"person {payee}")
            if payer != payee:
                story.token(address(f"person {payer}"), to, amount, ASSET, symbol).wait(DAY // 50)
        story.wait(DAY // 5)
    return story


@pytest.mark.parametrize("symbol", ["USDC", "USD\u20ae"])
def test_used_as_money(symbol):
    """A second honest issue: a few senders are named at first; then it is low, once a week."""
    story = bridged(symbol=symbol, days=10)
    early = verdicts(story)
    assert early[-1] == fake("low")[0]
    assert 10 <= len(early) <= 30, early
    later = verdicts(bridged(story, symbol=symbol, days=30, start=10))[len(early) :]
    assert later == fake("low") * len(later)
    assert 4 <= len(later) <= 6


def test_evidence_of_wide_use():
    """The finding says who uses it, and is no accusation."""
    one = findings(bridged(days=20), CounterfeitToken())[-1][1]
    assert one.title == "Token in wide use that bears the name of USDC"
    assert (one.severity, one.evidence["use"]) == ("low", "wide")
    assert [one.evidence[key] >= least for key, least in (("users", 25), ("sources", 8), ("days", 3))]


def test_look_alikes_are_said_of_any_token():
    """Wide use does not silence a look-alike."""
    story = bridged(days=20).token(ALICE, VENDOR, 500)
    story.token(ALICE, like(VENDOR), 40, ASSET, "USDC", initiator=MAKER)
    assert verdicts(story)[-1] == fake("high")[0]


def test_takers_of_an_airdrop_are_no_users():
    """Hundreds who got it from the maker's wallets and try to sell it, for weeks: it stays what it is."""
    story, pool = Story(), address("pool")
    wallets = [address(f"wallet {i}") for i in range(5)]
    for wallet in wallets:
        story.token(MAKER, wallet, 10**6, ASSET, "USDT")
    for day in range(20):
        for i in range(20):
            story.token(wallets[i % 5], address(f"taker {day} {i}"), 500, ASSET, "USDT").wait(60)
        story.wait(DAY)
        for i in range(20):
            story.token(address(f"taker {day} {i}"), pool, 500, ASSET, "USDT").wait(60)
    said = verdicts(story)
    assert {severity for *_, severity in said} == {"medium"}
    assert said[-1] == fake("medium")[0]


@pytest.mark.parametrize("amount", [0.5, 9.99])
def test_small_change_is_no_use(amount):
    """What would be worth next to nothing says nothing of a token."""
    assert fake("low")[0] not in verdicts(bridged(days=20, amount=amount))


def test_logs_in_others_names_are_no_use():
    """A contract that writes the same payments in everybody's name is no token in use."""
    story = bridged(days=20)
    for record in story.records:
        if record["type"] == "call":
            record["from"] = MAKER
    assert fake("low")[0] not in verdicts(story)


def test_few_senders_of_one_contract_are_named():
    """Forged in a thousand names within a day: ten are said; others follow in the next week."""
    story = Story()
    for i in range(1000):
        story.token(address(f"owner {i}"), address(f"to {i}"), 900, ASSET, "USDT", initiator=MAKER).wait(80)
    assert verdicts(story) == fake("medium") * 10
    story.wait(7 * DAY).token(address("owner 999"), ALICE, 900, ASSET, "USDT", initiator=MAKER)
    assert verdicts(story) == fake("medium") * 11
    rule = CounterfeitToken(Settings(senders=3, silence_s=0))
    assert said(Story().token(MAKER, ALICE, 9, ASSET, "USDT"), rule) == fake("medium")


def test_an_allow_list_names_the_contract():
    """A user who knows better allows the contract."""
    rule = CounterfeitToken()
    rule.allows = lambda name, time: (name, time) == (FAKE, NOW)
    upper = ASSET.replace(FAKE, "0x" + FAKE[2:].upper())
    story = Story().token(MAKER, ALICE, 900, ASSET, "USDT").token(MAKER, SHOP, 900, upper, "USDT")
    assert said(story, rule) == []
    assert said(story.wait(1).token(MAKER, ALICE, 900, ASSET, "USDT"), rule) == fake("medium")


def conduct():
    return Conduct(lambda _: ((CounterfeitToken(),), Bounds()), lambda *_: False)


def taken(engine, records):
    return [(one.subject, one.severity, one.evidence) for record in records for one in engine.take(record)]


@pytest.mark.parametrize("cut", [1, 200, 700, 1500])
def test_use_survives_a_restart(cut):
    """Cut anywhere, saved and restored, the findings are the same."""
    records = bridged(days=25).records
    whole, first, second = taken(conduct(), records), conduct(), conduct()
    before = taken(first, records[:cut])
    parts = [(kind, list(items)) for kind, items in parts_of(first, Voice())]
    restore(parts, second, Voice())
    assert before + taken(second, records[cut:]) == whole


def test_a_reorg_names_nobody_else():
    """What a dropped block said is said again of the same senders, and use counts once."""
    records = bridged(days=1).records
    engine = conduct()
    taken(engine, records[:10])
    lost = taken(engine, records[10:])
    assert engine.undo(CHAIN, records[10]["block"])
    assert [said[:2] for said in taken(engine, records[10:])] == [said[:2] for said in lost]
    assert len(lost) > 4


def test_processes_that_share_the_accounts():
    """However the accounts are shared out, together they say the same."""
    records = bridged(days=25).records
    shared = []
    for odd in (0, 1):
        engine = conduct()
        engine.share = lambda name, odd=odd: int(name, 16) % 2 == odd
        shared += taken(engine, records)
    assert sorted(map(repr, shared)) == sorted(map(repr, taken(conduct(), records)))


def test_use_is_bounded():
    """Tokens, receivers and users are forgotten; a token in wide use outlives others."""
    uses = Uses()
    wide = uses.of("wide")
    wide.wide = (25, 8, 3)
    for i in range(3 * TOKENS_KEPT):
        uses.of(f"token {i}")
    assert uses.of("wide") is wide
    assert len(uses.saved()) == TOKENS_KEPT
    use = Use()
    for i in range(5000):
        for j in range(1, 1 + USERS_A_DAY * 2):
            use.pay(f"{i} {j - 1}", f"{i} {j}", i * DAY, grown=True)
    _, _, paid, users, *_ = use.saved()
    assert (len(paid), len(users)) == (RECEIVERS_KEPT, USERS_KEPT)
    assert use.counts() == (USERS_KEPT, USERS_KEPT, USERS_KEPT // USERS_A_DAY)


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
        "users": 0,
        "sources": 0,
        "days": 0,
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
