"""cycle: funds that come home through others."""

from detect_kit import CHAIN, DAY, HOUR, Story, address, findings, said
from txpipe.detect.bounds import Bounds
from txpipe.detect.conduct import Conduct
from txpipe.detect.rules.cycle import ASSETS, LEGS, Cycle

HOME, ONE, TWO, THREE, BANK, SIDE = (address(name) for name in ("home", "1", "2", "3", "bank", "side"))
FOUND = [("cycle", HOME, "suspect", "medium")]
LOW = [("cycle", HOME, "suspect", "low")]
COIN = f"{CHAIN}/erc20:{address('newcoin')}"


def ring(*names, usd=10_000.0, keep=0.02, wait=HOUR, story=None):
    """Let funds go round through some accounts, back to where they began."""
    story = story or Story().coin(BANK, HOME, 50_000).wait(10 * DAY)
    for giver, taker in zip((HOME, *names), (*names, HOME), strict=True):
        story.wait(wait).coin(giver, taker, usd)
        usd *= 1 - keep
    return story


def test_three_accounts():
    """Home, two others and back; the evidence shows the way."""
    (record, found), *rest = findings(ring(ONE, TWO), Cycle())
    assert rest == []
    assert (record["from"], record["to"]) == (TWO, HOME)
    assert found.title == "96% of 10,000 USD come back after 2 hours through 2 accounts"
    assert [hop["address"] for hop in found.evidence["path"]] == [ONE, TWO]
    assert (found.subject, found.severity) == (HOME, "medium")


def test_adaptive():
    """A day at each account, a tenth kept back; and split in two branches."""
    assert said(ring(ONE, TWO, THREE, wait=DAY, keep=0.08), Cycle()) == FOUND
    story = Story().coin(BANK, HOME, 50_000).wait(10 * DAY).coin(HOME, ONE, 5_000).coin(HOME, TWO, 5_000)
    story.wait(HOUR).coin(ONE, THREE, 4_900).coin(TWO, SIDE, 4_900).wait(HOUR)
    assert said(story.coin(THREE, HOME, 4_800).coin(SIDE, HOME, 4_800), Cycle()) == FOUND


def test_passing_home():
    """An account that only passes the funds on is home, too, if they come round again."""
    story = Story().coin(BANK, HOME, 10_000).wait(HOUR)
    assert said(ring(ONE, TWO, usd=9_900, story=story), Cycle()) == FOUND


def test_loan_and_repayment():
    """Two accounts are no circle, however often."""
    story = ring(ONE)
    assert said(ring(ONE, story=story), Cycle()) == []


def test_exchange_ends_a_trail():
    """Deposit and withdrawal are no circle; nor are small sums, other sums, or next month's."""
    assert said(ring(ONE, TWO), Cycle(), allowed={TWO}) == []
    assert said(ring(ONE, TWO), Cycle(), allowed={ONE}) == []
    assert said(ring(ONE, TWO, usd=95), Cycle()) == []
    assert said(ring(ONE, TWO, keep=0.2), Cycle()) == []
    assert said(ring(ONE, TWO, wait=4 * DAY), Cycle()) == []


def test_chance_among_busy_accounts():
    """A short circle of uneven amounts through busy accounts is low."""
    story = Story().coin(BANK, HOME, 50_000)
    for number in range(12):
        story.wait(60).coin(address(f"customer {number}"), ONE, 90).wait(60).coin(ONE, SIDE, 90)
    story.wait(4 * DAY).coin(HOME, ONE, 4_900).wait(HOUR).coin(ONE, SIDE, 1_900).coin(ONE, TWO, 3_000)
    story.wait(HOUR).coin(SIDE, TWO, 900).coin(TWO, HOME, 3_900)
    assert said(story, Cycle()) == [("cycle", HOME, "suspect", "low")]


def test_small_sums():
    """Below 200 USD most of it must be back."""
    assert said(ring(ONE, TWO, usd=180), Cycle()) == FOUND
    assert said(ring(ONE, TWO, usd=180, keep=0.1), Cycle()) == LOW


def token_ring(*names, units=5000.0, keep=0.02, wait=HOUR, story=None, asset=COIN, home=HOME):
    """Let a token without a price go round; somebody gives each account its fee money first."""
    story = story or Story()
    for giver, taker in zip((home, *names), (*names, home), strict=True):
        story.coin(BANK, giver, 20).wait(wait).token(giver, taker, units, asset=asset, symbol="NEW")
        units *= 1 - keep
    return story


def test_token_without_price():
    """Units tell: home again through new accounts."""
    ((record, found),) = findings(token_ring(ONE, TWO), Cycle())
    assert (record["from"], record["to"]) == (TWO, HOME)
    assert found.title == "96% of a token's units come back after 2 hours through others"
    assert (found.subject, found.severity) == (HOME, "medium")
    assert (found.evidence["left_to"], found.evidence["back_from"]) == (ONE, TWO)
    assert said(token_ring(ONE, TWO, THREE, SIDE, wait=DAY, keep=0.05), Cycle()) == FOUND
    story = Story().coin(BANK, HOME, 50).token(HOME, ONE, 700, asset=COIN).token(HOME, TWO, 900, asset=COIN)
    story.coin(BANK, ONE, 9).token(ONE, THREE, 690, asset=COIN).coin(BANK, TWO, 9).wait(HOUR)
    story.token(TWO, SIDE, 880, asset=COIN).coin(BANK, THREE, 9).coin(BANK, SIDE, 9).wait(HOUR)
    assert (
        said(story.token(SIDE, HOME, 870, asset=COIN).token(THREE, HOME, 680, asset=COIN), Cycle()) == FOUND
    )


def test_tokens_that_come_back_otherwise():
    """A loan, another token, fewer or more units, an old account, one that HOME knows, a service."""
    assert said(token_ring(ONE), Cycle()) == []
    other = f"{CHAIN}/erc20:{address('other coin')}"
    story = token_ring(ONE, TWO, story=Story().token(HOME, THREE, 5000, asset=other))
    assert [record["from"] for record, _ in findings(story, Cycle())] == [TWO]
    assert said(token_ring(ONE, TWO, keep=0.2), Cycle()) == []
    assert said(token_ring(ONE, TWO, keep=-0.02), Cycle()) == []
    assert said(token_ring(ONE, TWO, wait=4 * DAY), Cycle()) == []
    assert said(token_ring(ONE, TWO, story=Story().coin(BANK, TWO, 90).wait(3 * DAY)), Cycle()) == []
    assert said(token_ring(ONE, TWO, story=Story().coin(HOME, TWO, 90)), Cycle()) == []
    assert said(token_ring(ONE, TWO), Cycle(), allowed={TWO}) == []


def test_dealer():
    """Who sells a small token to one customer and buys as much of another is paid each time."""
    story = Story().coin(BANK, HOME, 900).coin(ONE, HOME, 400).wait(60).token(HOME, ONE, 5000, asset=COIN)
    story.wait(HOUR).coin(BANK, TWO, 20).wait(HOUR).token(TWO, HOME, 4900, asset=COIN).coin(HOME, TWO, 390)
    assert said(story, Cycle()) == []


def test_tokens_bounded():
    """However many tokens an account gives away, little is kept; with many receivers it is no home."""
    story = Story()
    for number in range(9):
        asset = f"{CHAIN}/erc20:{address(f'coin {number}')}"
        for other in (ONE, TWO, THREE, SIDE, BANK):
            story.wait(60).token(HOME, other, 10 + number, asset=asset)
    conduct = Conduct(lambda _: ((Cycle(),), Bounds()), lambda *_: False)
    for record in story.records:
        conduct.take(record)
    kept = conduct.find(CHAIN, HOME).noted("cycle")
    assert (len(kept), {len(legs) for legs in kept.values()}) == (ASSETS, {LEGS})
    story = Story()
    for number in range(21):
        story.wait(60).token(HOME, address(f"customer {number}"), 10, asset=COIN)
    assert said(token_ring(ONE, TWO, story=story), Cycle()) == []


def test_home_of_many():
    """An account that many deal with may be a service, seen late: low."""
    story = Story().coin(BANK, HOME, 50_000)
    for number in range(20):
        story.wait(60).coin(HOME, address(f"customer {number}"), 200)
    assert said(ring(ONE, TWO, story=story), Cycle()) == [("cycle", HOME, "suspect", "low")]


def test_hostile_time():
    """Backwards it is no circle and no error."""
    assert said(ring(ONE, TWO, wait=-HOUR), Cycle()) == []
    assert said(ring(ONE, TWO, usd=0), Cycle()) == []
    assert said(token_ring(ONE, TWO, wait=-HOUR), Cycle()) == []
    assert said(token_ring(ONE, TWO, units=0), Cycle()) == []
