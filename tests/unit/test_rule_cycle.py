"""cycle: funds that come home through others."""

from detect_kit import DAY, HOUR, Story, address, findings, said
from txpipe.detect.rules.cycle import Cycle

HOME, ONE, TWO, THREE, BANK, SIDE = (address(name) for name in ("home", "1", "2", "3", "bank", "side"))
FOUND = [("cycle", HOME, "suspect", "medium")]


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
    assert said(ring(ONE, TWO, usd=150), Cycle()) == []
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
