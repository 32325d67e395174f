"""scatter-gather: from one through several to one."""

from detect_kit import DAY, HOUR, Story, address, findings, said
from txpipe.detect.rules.scatter_gather import KEPT, ScatterGather

SOURCE, GATHERER, BANK = (address(name) for name in ("source", "gatherer", "bank"))


def fan(count, *, usd=2_000.0, keep=0.03, wait=HOUR, source=SOURCE, gatherer=GATHERER, story=None):
    """Let a source pay some fresh accounts, and these one gatherer."""
    story = story or Story().coin(BANK, source, 50_000).wait(5 * DAY)
    mules = [address(f"mule {number}") for number in range(count)]
    for mule in mules:
        story.wait(600).coin(source, mule, usd)
    for mule in mules:
        story.wait(wait).coin(mule, gatherer, usd * (1 - keep))
    return story


def test_four():
    """The fourth payer completes it."""
    (record, found), *rest = findings(fan(4), ScatterGather())
    assert rest == []
    assert record["to"] == GATHERER
    assert (found.subject, found.role, found.severity) == (GATHERER, "suspect", "medium")
    assert found.title == "4 accounts pass on 7,760 USD from one source to one receiver within 3 hours"
    assert found.evidence["source"] == SOURCE
    assert found.evidence["payers"] == sorted(address(f"mule {number}") for number in range(4))


def test_many_are_graver():
    """Four are medium, eight high; nothing is said in between."""
    assert said(fan(30), ScatterGather()) == [
        ("scatter-gather", GATHERER, "suspect", "medium"),
        ("scatter-gather", GATHERER, "suspect", "high"),
        ("scatter-gather", GATHERER, "suspect", "high"),
        ("scatter-gather", GATHERER, "suspect", "high"),
        ("scatter-gather", GATHERER, "suspect", "high"),
        ("scatter-gather", GATHERER, "suspect", "high"),
    ]


def test_adaptive():
    """A day apart, a quarter kept back; a source that itself passes on; two layers."""
    assert said(fan(5, keep=0.25, wait=DAY), ScatterGather()) == [
        ("scatter-gather", GATHERER, "suspect", "medium")
    ]
    story = Story().coin(BANK, SOURCE, 8_100).wait(HOUR)
    assert len(said(fan(4, story=story), ScatterGather())) == 1
    story = Story().coin(BANK, SOURCE, 50_000).wait(5 * DAY)
    for number in range(4):
        one, two = address(f"first {number}"), address(f"second {number}")
        story.wait(600).coin(SOURCE, one, 2_000).wait(600).coin(one, two, 1_950).wait(600)
        story.coin(two, GATHERER, 1_900)
    assert len(said(story, ScatterGather())) == 1


def test_honest_fans():
    """Three of a family, an exchange's customers, a merchant, small sums and long times are left alone."""
    assert said(fan(3), ScatterGather()) == []
    assert said(fan(12), ScatterGather(), allowed={SOURCE}) == []
    assert said(fan(12), ScatterGather(), allowed={GATHERER}) == []
    assert said(fan(6, usd=150), ScatterGather()) == []
    assert said(fan(6, wait=4 * DAY), ScatterGather()) == []
    merchant = Story().coin(BANK, SOURCE, 50_000)
    for number in range(20):
        merchant.wait(600).coin(address(f"customer {number}"), GATHERER, 300)
    assert said(fan(5, story=merchant), ScatterGather()) == []


def test_gatherer_with_other_payers():
    """As many others who pay make it low."""
    story = Story().coin(BANK, SOURCE, 50_000)
    for number in range(6):
        story.wait(600).coin(address(f"customer {number}"), GATHERER, 300)
    assert said(fan(5, story=story), ScatterGather()) == [("scatter-gather", GATHERER, "suspect", "low")]


def test_customers_of_a_payout_wallet():
    """Who withdrew from a wallet that pays many, and paid one new shop, is no mule."""
    story = Story().coin(BANK, SOURCE, 90_000).wait(5 * DAY)
    for number in range(50):
        story.wait(60).coin(SOURCE, address(f"customer {number}"), 150)
    assert said(fan(9, story=story), ScatterGather()) == []


def test_salary_and_rent():
    """Employees who pay half of a salary to one landlord pass nothing on."""
    assert said(fan(8, keep=0.5), ScatterGather()) == []


def test_contract_gathers_nothing():
    """A vault that is called is no gatherer."""
    story = Story()
    for number in range(3):
        story.call(address(f"early {number}"), GATHERER, method="0x6e553f65").wait(60)
    assert said(fan(6, story=story.coin(BANK, SOURCE, 50_000)), ScatterGather()) == []


def test_bounded_and_any_order():
    """What is kept stays bounded; time may run backwards."""
    rule = ScatterGather()
    story = fan(60, usd=150, story=Story().coin(BANK, SOURCE, 50_000))
    assert said(story.wait(-30 * DAY), rule) == said(story, rule)
    assert said(fan(6, wait=-20 * DAY), rule) == []
    assert KEPT == 24
