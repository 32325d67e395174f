"""pass-through: rows of young accounts that only forward."""

from detect_kit import BITCOIN, DAY, HOUR, NOW, USDT, Story, address, findings, said
from txpipe.detect.rules.pass_through import PassThrough

SOURCE, END, ROUTER, POOL = (address(name) for name in ("source", "end", "router", "pool"))
WALLETS = [address(f"hop {number}") for number in range(12)]


def row(count, wait=HOUR, keep=0.02, usd=20_000.0, story=None):
    """Let funds go from a source through a number of fresh wallets to an end."""
    story = story or Story()
    story.coin(SOURCE, WALLETS[0], usd)
    for giver, taker in zip(WALLETS[:count], [*WALLETS[1:count], END], strict=True):
        usd *= 1 - keep
        story.wait(wait).coin(giver, taker, usd)
    return story


def alerts(subjects_severities):
    return [("pass-through", subject, "suspect", severity) for subject, severity in subjects_severities]


def test_three_hours():
    """Three wallets in three hours are said when the third sends on."""
    (record, found), *rest = findings(row(3), PassThrough())
    assert rest == []
    assert (record["from"], record["to"]) == (WALLETS[2], END)
    assert (found.subject, found.severity, found.category) == (WALLETS[2], "medium", "laundering")
    assert found.title == "18,824 USD go through 3 accounts that only forward, within 3 hours"
    assert [hop["address"] for hop in found.evidence["path"]] == WALLETS[:3]
    assert [hop["usd"] for hop in found.evidence["path"]] == [19_600.0, 19_208.0, 18_823.84]
    assert found.evidence["source"] == SOURCE


def test_longer_is_graver():
    """The third, fifth and eighth wallet speak, each more gravely; the others do not."""
    assert said(row(11), PassThrough()) == alerts(
        [(WALLETS[2], "medium"), (WALLETS[4], "high"), (WALLETS[7], "critical")]
    )


def test_adaptive():
    """A day's wait at each, a fifth kept back, and dust sent beforehand hide nothing."""
    assert said(row(3, wait=30 * HOUR, keep=0.2), PassThrough()) == alerts([(WALLETS[2], "medium")])
    story = Story()
    for wallet in WALLETS[:3]:
        story.coin(address("duster"), wallet, 0.5).wait(60)
    assert said(row(3, story=story), PassThrough()) == alerts([(WALLETS[2], "medium")])


def test_split_and_merged():
    """Each hop pays in three parts, the first two to side wallets or to the next one as well."""
    story = Story().coin(SOURCE, WALLETS[0], 30_000)
    for number in range(3):
        usd = 30_000 / 3**number
        for part in range(2):
            story.wait(600).coin(WALLETS[number], address(f"side {number} {part}"), usd / 3)
        story.wait(600).coin(WALLETS[number], WALLETS[number + 1], usd / 3)
    assert said(story, PassThrough()) == alerts([(WALLETS[2], "medium")])
    story = Story().coin(SOURCE, WALLETS[0], 30_000)
    for number in range(3):
        for _ in range(3):
            story.wait(600).coin(WALLETS[number], WALLETS[number + 1], 10_000)
    assert said(story, PassThrough()) == alerts([(WALLETS[2], "medium")])


def test_split_to_several_that_gather():
    """Each stage pays three accounts, and these the next stage."""
    story = Story().coin(SOURCE, WALLETS[0], 30_000)
    for number in range(2):
        sides = [address(f"side {number} {part}") for part in range(3)]
        for side in sides:
            story.wait(600).coin(WALLETS[number], side, 9_500)
        for side in sides:
            story.wait(600).coin(side, WALLETS[number + 1], 9_400)
    assert said(story, PassThrough()) == alerts([(WALLETS[1], "medium")])


def test_busy_receiver_may_be_a_service():
    """A row that ends at an account with many contacts is a step less grave."""
    story = Story()
    for number in range(15):
        story.wait(60).coin(address(f"customer {number}"), END, 90)
    assert said(row(3, story=story), PassThrough()) == alerts([(WALLETS[2], "low")])


def test_savings_are_no_forwarding():
    """Who sends on much more than came in pays from savings."""
    story = Story().coin(SOURCE, WALLETS[0], 4_000)
    for giver, taker, usd in zip(WALLETS[:4], WALLETS[1:5], (4_000, 5_600, 7_800, 11_000), strict=True):
        story.wait(HOUR).coin(giver, taker, usd)
    assert said(story, PassThrough()) == []


def test_swapped_on_the_way():
    """An asset that changes at a pool is still the same money."""
    dai = USDT.rpartition(":")[0] + ":0x6b175474e89094c44da98b954eedeac495271d0f"
    story = Story()
    for number in range(3):  # the pool is known before
        trader = address(f"trader {number}")
        story.token(SOURCE, trader, 50).swap(trader, ROUTER, POOL, 50, dai, 50).wait(60)
    story.token(SOURCE, WALLETS[0], 9_000).wait(HOUR)
    story.swap(WALLETS[0], ROUTER, POOL, 9_000, dai, 8_980).wait(HOUR)
    for giver, taker in zip(WALLETS[:3], [*WALLETS[1:3], END], strict=True):
        story.wait(HOUR).token(giver, taker, 8_970, asset=dai, symbol="DAI", usd=8_970)
    assert said(story, PassThrough()) == alerts([(WALLETS[2], "medium")])


def test_honest_rows():
    """Two wallets, small sums, sweeps to an exchange, salary and rent are left alone."""
    assert said(row(2), PassThrough()) == []
    assert said(row(8, usd=250), PassThrough()) == []
    assert said(row(4, wait=3 * DAY), PassThrough()) == []
    exchange = address("exchange")
    assert said(row(3).coin(END, exchange, 18_000), PassThrough(), allowed={WALLETS[1]}) == []
    story = Story().coin(SOURCE, WALLETS[0], 4_000).wait(DAY).coin(WALLETS[0], WALLETS[1], 3_500)
    story.wait(HOUR).coin(WALLETS[1], exchange, 3_500)  # a deposit address that is swept
    assert said(story, PassThrough(), allowed={exchange}) == []
    story = Story().coin(SOURCE, WALLETS[0], 4_000).wait(DAY)
    for giver, taker, usd in zip(WALLETS[:4], WALLETS[1:5], (1500, 700, 600, 500), strict=True):
        story.wait(HOUR).coin(giver, taker, usd)
    assert said(story, PassThrough()) == []


def test_busy_accounts_end_a_row():
    """A merchant among the hops is no transit wallet."""
    story = Story()
    for number in range(20):
        story.wait(60).coin(address(f"customer {number}"), WALLETS[1], 90)
    assert said(row(3, story=story), PassThrough()) == []


def test_aged_wallets_weigh_less():
    """A row of wallets with some past is a step less grave."""
    story = Story()
    for number in range(12):
        story.wait(DAY).coin(address(f"customer {number}"), WALLETS[1], 90)
    assert said(row(5, story=story), PassThrough()) == alerts([(WALLETS[2], "low"), (WALLETS[4], "medium")])


def test_change_is_no_layering():
    """On UTXO chains every payment goes on from a fresh address."""
    story = Story()
    for number in range(9):
        shop = address(f"shop {number}")
        story.wait(HOUR).spend(WALLETS[number], (shop, 100), (WALLETS[number + 1], 20_000 - 101 * number))
    assert {record["chain"] for record in story.records} == {BITCOIN}
    assert said(story, PassThrough()) == []


def test_hostile_order_and_amounts():
    """Time that runs backwards and absurd amounts neither raise nor speak."""
    story = Story(NOW).coin(SOURCE, WALLETS[0], 1e14)
    for number in range(6):
        story.wait(-4 * DAY).coin(WALLETS[number], WALLETS[number + 1], 1e14 if number % 2 else 0)
    assert said(story, PassThrough()) == []
