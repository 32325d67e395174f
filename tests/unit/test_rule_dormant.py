"""dormant: old wallets that are emptied into strangers' hands."""

from detect_kit import DAY, HOUR, Story, address, findings, said
from txpipe.detect.rules.dormant import Dormant, Settings

OLD, THIEF, NEXT, FRIEND, EMPLOYER, HELPER, SHOP = (
    address(name) for name in ("old", "thief", "next", "friend", "employer", "helper", "shop")
)
VICTIM_LOW = ("dormant", OLD, "victim", "low")
SUSPECT = ("dormant", THIEF, "suspect", "medium")


def history(usd=20_000):
    """Give an old wallet a past: it earns, and pays a friend."""
    return Story().coin(EMPLOYER, OLD, usd).wait(HOUR).coin(OLD, FRIEND, 500).wait(300 * DAY)


def test_large_holdings_after_months():
    """A wallet silent for 300 days that sends 18,000 USD to a stranger at once is said once, as a victim."""
    story = history().coin(OLD, THIEF, 18_000)
    ((record, found),) = findings(story, Dormant())
    assert record == story.records[-1]
    assert (found.rule, found.subject, found.role, found.severity, found.score, found.about) == (
        *VICTIM_LOW,
        30,
        THIEF,
    )
    assert found.title == "Account silent for 300 days sends 92% of its holdings to new accounts"
    assert {key: value for key, value in found.evidence.items() if key != "thresholds"} == {
        "idle_days": 300,
        "held_usd": 19_500.0,
        "to_strangers_usd": 18_000.0,
        "to_new_accounts_usd": 18_000.0,
        "share": 0.923,
        "share_new": 0.923,
        "receivers": [THIEF],
        "awake_s": 0,
        "payments": 1,
    }
    assert found.evidence["thresholds"]["idle_s"] == 90 * DAY


def test_small_holdings_are_low_until_they_are_passed_on():
    """Most of a few hundred might be the owner's; a new account that hands it on within hours is not."""
    story = history(900).coin(OLD, THIEF, 390)
    assert said(story, Dormant()) == [VICTIM_LOW]
    assert said(story.wait(2 * HOUR).coin(THIEF, NEXT, 385), Dormant()) == [VICTIM_LOW, SUSPECT]


def test_parts_to_two_new_accounts():
    """Each gets a part in small payments, and is named when it has passed that on; a tenth is no part."""
    second = address("second")
    story = history(4_000).coin(OLD, THIEF, 7).wait(HOUR).coin(OLD, THIEF, 1_500).wait(HOUR)
    story.coin(OLD, second, 1_500).coin(OLD, address("third"), 30).wait(9 * HOUR)
    for mule, usd in ((THIEF, 1_500), (second, 1_490), (address("third"), 29)):
        story.coin(mule, address("after " + mule), usd)
    assert said(story, Dormant()) == [VICTIM_LOW, SUSPECT, ("dormant", second, "suspect", "medium")]


def test_swap_whose_proceeds_are_not_seen():
    """Tokens go into a router; what leaves later are coins that no log brought."""
    router = address("router")
    story = history(4_000).token(EMPLOYER, OLD, 50).token(OLD, THIEF, 50).coin(OLD, THIEF, 3_000)
    story.call(EMPLOYER, router).wait(HOUR).coin(THIEF, router, 1_000).wait(HOUR).coin(THIEF, NEXT, 3_040)
    assert said(story, Dormant()) == [VICTIM_LOW, SUSPECT]


def test_who_wakes_up_for_good():
    """A business that was not seen for months pays many; what one of them does with it is his affair."""
    story = history(40_000)
    for number in range(13):
        story.wait(60).coin(OLD, address(f"customer {number}"), 10)
    story.coin(OLD, THIEF, 30_000).wait(HOUR).coin(THIEF, NEXT, 29_900)
    assert said(story, Dormant()) == []


def test_emptied_in_parts():
    """A test payment first, then the rest over some nights and to several new accounts."""
    story = history().coin(OLD, THIEF, 10).wait(HOUR).coin(OLD, THIEF, 9_000)
    story.wait(DAY).coin(OLD, address("thief 3"), 8_000)
    assert said(story, Dormant()) == [VICTIM_LOW]


def test_dust_and_gas_do_not_hide_the_silence():
    """Dust over the months, and gas just before, leave the wallet silent; so does a payment to a service."""
    story = history(20_000)
    story.time -= 200 * DAY
    for _ in range(4):
        story.wait(50 * DAY).coin(address("duster"), OLD, 2)
    story.coin(HELPER, OLD, 20).wait(60).coin(OLD, SHOP, 5).wait(60).coin(OLD, THIEF, 18_000)
    assert said(story, Dormant(), allowed={SHOP}) == [VICTIM_LOW]


def test_aged_receiver():
    """A receiver that existed before is somebody whom the owner may know; half of it to a new one is said."""
    story = history(40_000)
    story.records += Story(story.time - 90 * DAY).coin(FRIEND, THIEF, 50).coin(THIEF, FRIEND, 20).records
    assert said(story.coin(OLD, THIEF, 16_000), Dormant()) == []
    assert said(story.coin(OLD, NEXT, 20_000), Dormant()) == [VICTIM_LOW]


def test_holder_who_comes_back():
    """Who pays a usual contact, a service, or a part only, is left alone; so is who was away for a month."""
    assert said(history().coin(OLD, FRIEND, 18_000), Dormant()) == []
    assert said(history().coin(OLD, EMPLOYER, 18_000), Dormant()) == []
    assert said(history().coin(OLD, THIEF, 18_000), Dormant(), allowed={THIEF}) == []
    assert said(history().coin(OLD, THIEF, 5_000), Dormant()) == []
    assert said(Story().coin(EMPLOYER, OLD, 20_000).wait(30 * DAY).coin(OLD, THIEF, 20_000), Dormant()) == []


def test_saver_is_not_silent():
    """Who receives his savings every month is no dormant account, although he never sent anything."""
    story = Story()
    for _ in range(12):
        story.coin(EMPLOYER, OLD, 1_000).wait(30 * DAY)
    assert said(story.coin(OLD, THIEF, 11_000), Dormant()) == []


def test_new_home_or_deposit():
    """A new wallet that keeps the sum, and a deposit address that hands it to a collector, stay low."""
    moved = history(4_000).coin(OLD, THIEF, 3_400)
    assert said(moved.wait(3 * HOUR).coin(THIEF, SHOP, 400), Dormant()) == [VICTIM_LOW]
    story = Story()
    for customer in range(6):
        story.coin(address(f"customer {customer}"), SHOP, 100)
    story.records += history(4_000).records
    story.wait(301 * DAY).coin(OLD, THIEF, 3_400).wait(HOUR).coin(THIEF, SHOP, 3_400)
    assert said(story, Dormant()) == [VICTIM_LOW]


def test_hostile_times_and_amounts():
    """Time that runs backwards, nothing and far too much pass without a finding or an error."""
    story = history()
    story.token(OLD, THIEF, 0).wait(-400 * DAY).coin(OLD, THIEF, 1).coin(OLD, THIEF, 1e14)
    assert said(story, Dormant()) == []


def test_settings_decide():
    """A longer silence can be asked for."""
    assert said(history().coin(OLD, THIEF, 18_000), Dormant(Settings(idle_s=400 * DAY))) == []
