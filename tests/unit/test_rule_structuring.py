"""structuring: sums split into amounts just below a reporting threshold."""

from detect_kit import CHAIN, DAY, HOUR, Story, address, findings, said
from txpipe.detect.rules.structuring import Settings, Structuring

PAYER, ONE, TWO, SHOP = (address(name) for name in ("payer", "one", "two", "shop"))
LOW = ("structuring", PAYER, "suspect", "low")
MEDIUM = ("structuring", PAYER, "suspect", "medium")
COLLECTED = ("structuring", ONE, "suspect", "medium")
AMOUNTS = (9_900, 9_350, 9_720, 8_990, 9_610, 9_480, 9_050, 9_830, 9_260, 9_540)


def series(amounts, receivers=(ONE, TWO), pause_s=2 * HOUR, story=None):
    story = story or Story()
    for number, amount in enumerate(amounts):
        story.token(PAYER, receivers[number % len(receivers)], amount).wait(pause_s)
    return story


def test_a_sum_in_pieces_within_a_day():
    """Three pieces are low; a fourth makes it medium, and an episode is two findings."""
    story = series(AMOUNTS[:6])
    assert said(story, Structuring()) == [LOW, MEDIUM]
    record, found = findings(story, Structuring())[1]
    assert record["amount"] == "8990.000000"
    assert found.title == "4 amounts just below 10,000 USD sent by one account"
    assert {key: value for key, value in found.evidence.items() if key != "thresholds"} == {
        "side": "sent",
        "threshold_usd": 10_000.0,
        "amounts_usd": [9_900.0, 9_350.0, 9_720.0, 8_990.0],
        "sum_usd": 37_960.0,
        "over_s": 6 * HOUR,
        "counterparties": sorted([ONE, TWO]),
        "transactions": [each["tx"] for each in story.records if each["type"] == "transfer"][:4],
        "movements_of_any_size": 4,
        "of_holdings_above": 0,
        "chance": 0.0001,
    }


def smurfs(amounts, count, funds=0, pause_s=HOUR):
    """Let some bring one account amounts in turn; each was funded with a sum before."""
    story = Story()
    for number in range(count if funds else 0):
        story.token(address(f"boss {number}"), address(f"smurf {number}"), funds)
    for number, amount in enumerate(amounts):
        story.token(address(f"smurf {number % count}"), ONE, amount).wait(pause_s)
    return story


def test_from_several_to_one():
    """Smurfs who bring one account amounts again and again, each just below; once each is low."""
    low = ("structuring", ONE, "suspect", "low")
    assert said(smurfs(AMOUNTS[:6], 3), Structuring()) == [low, COLLECTED]
    assert said(smurfs(AMOUNTS[:4], 2), Structuring()) == [low, COLLECTED]
    assert said(smurfs(AMOUNTS[:5], 5), Structuring()) == [low]


WIDE = (7_900, 9_100, 7_250, 8_480, 9_620, 7_730, 8_810, 7_040, 9_330)


def test_a_sum_seen_to_be_split():
    """Amounts well below, hours apart, of those who were seen to hold more at once."""
    assert said(smurfs(WIDE[:6], 3, 40_000, 9 * HOUR), Structuring()) == [COLLECTED]
    assert said(smurfs(WIDE[:6], 6, 40_000, 9 * HOUR), Structuring()) == [COLLECTED]
    [(_, found)] = findings(smurfs(WIDE[:6], 3, 40_000, 9 * HOUR), Structuring())
    assert (found.evidence["of_holdings_above"], found.evidence["chance"]) == (5, 7.6e-05)
    amounts = [each / 10 for each in WIDE[:5] if each > 7_500]
    assert said(smurfs([*amounts, 870.5], 2, 5_000), Structuring()) == [COLLECTED]


def test_amounts_that_were_all_there_was():
    """Who never held more than the threshold splits nothing; of many who come once, nothing may be known."""
    assert said(smurfs(WIDE[:6], 6, 9_700, 9 * HOUR), Structuring()) == []
    story = Story()
    for number, amount in enumerate(WIDE[:6]):
        payer = address(f"smurf {number % 3}")
        story.token(SHOP, payer, 9_700).token(payer, ONE, amount).token(payer, SHOP, 9_700 - amount)
        story.wait(9 * HOUR)
    assert [found for found in said(story, Structuring()) if found[1] == ONE] == []


def test_somebody_comes_back():
    """Five amounts well below, nothing else, and one payer paid twice; of holdings nothing is known."""
    assert said(smurfs(WIDE[:5], 4, 0, 9 * HOUR), Structuring()) == [COLLECTED]
    assert said(smurfs(WIDE[:5], 5, 0, 9 * HOUR), Structuring()) == []
    assert said(smurfs(WIDE[:5], 1, 0, 9 * HOUR), Structuring()) == []
    story = smurfs(WIDE[:4], 3, 0, HOUR)
    for number in range(9):
        story.token(address(f"friend {number}"), ONE, 40 + number)
    assert said(story.token(address("smurf 0"), ONE, WIDE[4]), Structuring()) == []


def test_traders_who_pay_each_other():
    """Desks that settle both ways in such sums are no smurfs."""
    story = smurfs((), 3, 90_000)
    for number, amount in enumerate(range(7_010, 7_990, 60)):
        desk = address(f"smurf {number % 3}")
        story.token(ONE, desk, 2_000).wait(HOUR).token(desk, ONE, amount).wait(HOUR)
    assert said(story, Structuring()) == []


def test_deposit_address():
    """Gas that comes with each piece hides nothing; what the address forwards is not said again."""
    story = smurfs((), 2, 90_000)
    for number, amount in enumerate(AMOUNTS[:6]):
        smurf = address(f"smurf {number % 2}")
        story.token(smurf, ONE, amount).coin(TWO, ONE, 9).token(ONE, TWO, amount).wait(HOUR)
    found = findings(story, Structuring(), allowed={TWO})
    assert [one.evidence["side"] for _, one in found if one.subject == ONE] == ["received", "received"]
    assert COLLECTED in said(story, Structuring(), allowed={TWO})


def test_funded_piece_by_piece():
    """A sender who gets each piece just in time, and holds nothing else, is a sender all the same."""
    story = Story()
    for amount in AMOUNTS[:6]:
        story.token(SHOP, PAYER, amount).token(PAYER, ONE, amount).wait(2 * HOUR)
    assert MEDIUM in said(story, Structuring())


def test_equal_amounts_in_quick_series():
    """The same amount to one receiver six times within an hour is no savings plan."""
    assert said(series([9_500] * 6, (ONE,), 600), Structuring()) == [LOW, MEDIUM]


def test_drawn_out_over_a_month():
    """A piece every three days never makes a day; the month tells."""
    assert said(series(AMOUNTS[:8], pause_s=3 * DAY), Structuring()) == [MEDIUM]


def test_mixed_with_normal_use():
    """Other payments in between dilute, but do not hide, eight pieces."""
    story = Story()
    for number in range(8):
        story.token(PAYER, ONE, AMOUNTS[number]).wait(HOUR).token(PAYER, SHOP, 30 + number).wait(HOUR)
    low = ("structuring", ONE, "suspect", "low")
    assert said(story, Structuring()) == [low, LOW, MEDIUM]


def test_weaker_thresholds():
    """Five pieces just below 3,000 within a day, to one or two receivers; salaries are silent."""
    amounts = [2_990, 2_950, 2_970, 2_960, 2_980, 2_940]
    assert said(series(amounts[:5], pause_s=HOUR), Structuring()) == [MEDIUM]
    assert said(series(amounts[:4], pause_s=HOUR), Structuring()) == []
    rich = Story().token(SHOP, PAYER, 20_000)
    assert said(series(amounts[:4], pause_s=HOUR, story=rich), Structuring()) == [MEDIUM]
    staff = [address(f"staff {number}") for number in range(6)]
    assert said(series(amounts, staff, 60), Structuring()) == []


def test_plans_prices_and_payrolls():
    """Rent, a savings plan, one price and salaries of all sizes are silent; salaries in the band low."""
    assert said(series([9_500] * 12, (ONE,), 30 * DAY), Structuring()) == []
    assert said(series([9_500] * 20, (ONE,), DAY), Structuring()) == []
    story = Story()
    for number in range(20):
        story.token(address(f"customer {number}"), SHOP, 9_990).wait(HOUR)
    assert said(story, Structuring()) == []
    staff = [address(f"staff {number}") for number in range(12)]
    salaries = [4_000 + 700 * number for number in range(12)]
    assert said(series(salaries, staff, 60), Structuring()) == []
    assert said(series(AMOUNTS, staff, 60), Structuring()) == [LOW]
    three = [8_500, 8_725, 8_775] * 4
    assert said(series(three, staff[:3], HOUR), Structuring()) == []


def test_trader_of_all_sizes():
    """Amounts spread over all sizes fall into the band by chance."""
    amounts = [100 * 1.25**step for step in range(30)]
    amounts = [round(amounts[number * 7 % 30], 2) for number in range(120)]
    assert said(series(amounts, pause_s=600), Structuring()) == []


def test_contracts_and_services():
    """Order splitting into a contract is no deposit; a service collects what it is sent."""
    story = Story().call(PAYER, ONE)
    assert said(series(AMOUNTS, (ONE,), story=story), Structuring()) == []
    assert said(smurfs(AMOUNTS, 10), Structuring(), allowed={ONE}) == []


def test_deposits_at_an_exchange():
    """Pieces that go to a service are what the thresholds are for; a few in a row are a trader's."""
    assert said(series(AMOUNTS[:5], (ONE,)), Structuring(), allowed={ONE}) == []
    assert said(series(AMOUNTS[:6], (ONE,)), Structuring(), allowed={ONE}) == [MEDIUM]
    assert said(series(AMOUNTS, (ONE,)), Structuring(), allowed={PAYER}) == []


def test_far_apart():
    """Three pieces with a dozen other payments between the first and the last are not looked at."""
    story = Story()
    for number in range(12):
        story.token(PAYER, ONE, AMOUNTS[number % 10]).wait(HOUR)
        for other in range(7):
            story.token(PAYER, address(f"shop {other}"), 20 + number)
    assert [found for found in said(story, Structuring()) if found[1] == PAYER] == []


def test_hostile_times_and_amounts():
    """Backward time, nothing, far too much and unpriced tokens raise no error and count for nothing."""
    story = Story()
    for amount in AMOUNTS[:6]:
        story.token(PAYER, ONE, amount).wait(-40 * DAY)
        story.token(PAYER, ONE, 0).coin(PAYER, ONE, 1e14)
        story.token(PAYER, ONE, amount, f"{CHAIN}/erc20:{address('odd')}", "\x1b[31m")
    assert said(story, Structuring()) == []


def test_settings_decide():
    """Another threshold may apply."""
    assert said(series([14_900, 14_200, 14_700, 14_500]), Structuring()) == []
    assert said(series([7_400, 7_200, 7_300, 7_450]), Structuring(Settings(threshold_usd=7_500.0))) == [
        LOW,
        MEDIUM,
    ]
    large = series([49_900, 47_200, 48_700, 46_500])
    assert said(large, Structuring(Settings(threshold_usd=50_000.0))) == [LOW, MEDIUM]
    assert said(series(AMOUNTS[:6]), Structuring(Settings(spread=0.0, chance=0.0, low_chance=0.0))) == []


def test_settings_that_ask_for_more_than_services_do():
    """More amounts than payments to services need: nothing breaks, the larger number holds."""
    shop = address("exchange")
    story = Story()
    for number in range(60):
        story.coin(address(f"customer {number}"), shop, 5).coin(shop, address(f"payee {number}"), 5)
    story = series(AMOUNTS[:6], (shop,), story=story)
    assert said(story, Structuring(Settings(low_n=7))) == []
