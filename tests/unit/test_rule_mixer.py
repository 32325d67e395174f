"""mixer: sums that go into mixers, and accounts that begin with funds from one."""

from detect_kit import DAY, HOUR, USDT, Story, address, findings, said
from txpipe.detect.rules.mixer import Mixer
from txpipe.lists.entry import Entry

POOL, USER, FRIEND, BANK, SHOP = (address(name) for name in ("pool", "user", "friend", "bank", "shop"))
LISTED = {POOL: (Entry(POOL, "mixers", "2025-09-01", "mixer", "Example Cash"),)}


def deposits(count, usd, wait=HOUR):
    story = Story().coin(BANK, USER, 2_000_000)
    for _ in range(count):
        story.wait(wait).coin(USER, POOL, usd)
    return story


def funded(usd=3_000.0):
    return Story().coin(BANK, FRIEND, 50_000).coin(POOL, USER, usd).wait(HOUR)


def heard(story):
    return [(found.subject, found.severity) for _, found in findings(story, Mixer(), listed=LISTED)]


def test_running_total():
    """Said as the total of a month reaches each tier; the evidence has the numbers."""
    found = [found for _, found in findings(deposits(12, 100_000, wait=2 * DAY), Mixer(), listed=LISTED)]
    assert [(one.subject, one.severity) for one in found] == [
        (USER, "low"), (USER, "medium"), (USER, "high"),
    ]  # fmt: skip
    assert found[1].title == "400,000 USD go into mixers in 4 deposits within 30 days"
    assert found[1].evidence["usd"] == 400_000.0
    assert found[1].evidence["match"] == {
        "list": "mixers", "list_date": "2025-09-01", "category": "mixer", "label": "Example Cash",
    }  # fmt: skip


def test_much_ether_in_a_day():
    """More than 100 ETH on one day are high at once."""
    assert heard(Story().coin(USER, POOL, 330_000)) == [(USER, "high")]


def test_token_deposits():
    """Tokens count by their worth, without native coins' limit."""
    assert heard(Story().token(USER, POOL, 330_000)) == [(USER, "low")]


def test_again_and_again():
    """Three small deposits are low; two, and three over months, are left to ``listed``."""
    assert heard(deposits(3, 300)) == [(USER, "low")]
    assert heard(deposits(2, 300)) == []
    assert heard(deposits(3, 300, wait=20 * DAY)) == []


def test_fresh_account_that_acts():
    """First funds from a mixer are low; sending them on within hours is medium, in parts as well."""
    assert heard(funded()) == [(USER, "low")]
    assert heard(funded().coin(USER, SHOP, 2_900)) == [(USER, "low"), (USER, "medium")]
    parts = funded().coin(USER, SHOP, 1_000).wait(HOUR).coin(USER, SHOP, 1_000)
    assert heard(parts) == [(USER, "low"), (USER, "medium")]
    dusted = Story().coin(FRIEND, USER, 0.9).coin(POOL, USER, 3_000).wait(HOUR).coin(USER, SHOP, 2_900)
    assert heard(dusted) == [(USER, "low"), (USER, "medium")]
    twice = funded().coin(POOL, USER, 3_000).wait(HOUR).coin(USER, SHOP, 5_000)
    assert heard(twice) == [(USER, "low"), (USER, "medium")]


def test_accounts_with_a_life():
    """Who had funds before, waits or spends little is no fresh account that acts."""
    assert heard(Story().coin(BANK, USER, 9_000).coin(POOL, USER, 3_000).coin(USER, SHOP, 5_000)) == []
    assert heard(funded().wait(3 * DAY).coin(USER, SHOP, 2_900)) == [(USER, "low")]
    assert heard(funded().coin(USER, SHOP, 100)) == [(USER, "low")]
    assert heard(funded(20).coin(USER, SHOP, 19)) == []


def test_other_lists_and_services():
    """Another category is another rule's, and an exchange's deposits are nobody's."""
    scam = {POOL: (Entry(POOL, "scams"),)}
    assert said(deposits(5, 300_000), Mixer(), listed=scam) == []
    assert said(deposits(5, 300_000), Mixer(), listed=LISTED, allowed={USER}) == []


def test_hostile_order_and_amounts():
    """Without price, without worth; when time runs backwards it is said anew."""
    unknown, story = USDT[:-1] + "9", Story()
    for number in range(50):
        story.token(USER, POOL, 0 if number % 2 else 10, asset=unknown, symbol="\x1b")
    assert heard(story) == [(USER, "low")]
    assert heard(story.wait(-DAY).coin(USER, POOL, 300)) == [(USER, "low")] * 2
    assert heard(funded().wait(-DAY).coin(USER, SHOP, 2_900)) == [(USER, "low")]
