"""outlier: payments far beyond an account's habit, and what new accounts do with them."""

from detect_kit import CHAIN, DAY, HOUR, Story, address, findings, said
from txpipe.detect.bounds import Bounds
from txpipe.detect.conduct import Conduct
from txpipe.detect.rules.outlier import Outlier, Settings
from txpipe.detect.traits import BEYOND, CARRYING

WALLET, THIEF, NEXT, EMPLOYER, SHOP = (
    address(name) for name in ("wallet", "thief", "next", "employer", "shop")
)
LOW = ("outlier", WALLET, "victim", "low")
SUSPECT = ("outlier", THIEF, "suspect", "medium")


def history(payments=8, usd=200, savings=30_000):
    """Give a wallet savings and a habit of small payments."""
    story = Story().coin(EMPLOYER, WALLET, savings)
    for week in range(payments):
        story.wait(7 * DAY).coin(WALLET, address(f"shop {week % 3}"), usd + week)
    return story.wait(DAY)


def test_one_payment_beyond_the_habit():
    """Ninety times what is usual, to a new account."""
    story = history().coin(WALLET, THIEF, 18_630)
    ((record, found),) = findings(story, Outlier())
    assert record == story.records[-1]
    assert (found.rule, found.subject, found.role, found.severity) == LOW
    assert found.about == THIEF
    assert found.title == "Account sends 92 times its usual payment to a new account"
    assert {key: value for key, value in found.evidence.items() if key != "thresholds"} == {
        "sent_usd": 18_630.0,
        "usual_before_usd": 203.5,
        "held_usd": 28_372.0,
        "sent_before": 8,
        "paid_by_now": 4,
        "age_s": 57 * DAY,
        "receiver": THIEF,
    }


def test_passed_on_within_hours():
    """The new account hands most of it to the next one, in parts."""
    story = history().coin(WALLET, THIEF, 18_000).wait(HOUR).coin(THIEF, NEXT, 5_000)
    assert said(story, Outlier()) == [LOW]
    story.wait(30 * HOUR).coin(THIEF, NEXT, 12_000)
    assert said(story, Outlier()) == [LOW, SUSPECT]
    ((_, found),) = [pair for pair in findings(story, Outlier()) if pair[1].subject == THIEF]
    assert (
        found.title == "New account got a payment far beyond its sender's habit and passes 94% of it on soon"
    )
    assert {key: value for key, value in found.evidence.items() if key != "thresholds"} == {
        "sender": WALLET,
        "received_in": next(record["tx"] for record in story.records if record["to"] == THIEF),
        "received_usd": 18_000.0,
        "sent_usd": 17_000.0,
        "passed_on_usd": 17_000.0,
        "to_new_accounts_usd": 17_000.0,
        "into_contracts_usd": 0.0,
        "payments_to_others": 0,
        "income_usd": 18_000.0,
        "left_usd": 1_000.0,
        "after_s": 31 * HOUR,
        "usual_usd": 203.5,
        "held_usd": 28_372.0,
        "parts": 1,
        "payments": 2,
        "enough_usd": 2_035.0,
        "receiver": NEXT,
    }


def test_small_sums_and_one_large_payment_before():
    """A few hundred dollars are a loss; one rent in between is no yardstick."""
    story = history(usd=20, savings=3_000).coin(WALLET, EMPLOYER, 300).wait(DAY)
    for _ in range(6):
        story.wait(DAY).coin(WALLET, address("shop 1"), 15)
    story.coin(WALLET, THIEF, 700).wait(HOUR).coin(THIEF, NEXT, 699)
    assert said(story, Outlier()) == [LOW, SUSPECT]


def test_passed_on_in_parts_received_in_parts():
    """Slowly in, slowly out, with gas from nobody known and a part straight to a service."""
    story = history()
    for usd in (2_500, 1_000, 500):
        story.coin(WALLET, THIEF, usd).wait(2 * HOUR)
    story.coin(SHOP, THIEF, 20).wait(10 * HOUR).coin(THIEF, address("exchange"), 2_000)
    assert said(story, Outlier(), allowed={address("exchange")}) == [LOW]
    story.wait(5 * HOUR).coin(THIEF, NEXT, 1_990)
    assert said(story, Outlier(), allowed={address("exchange")}) == [LOW, SUSPECT]


def test_swapped_or_bridged_at_once():
    """All of it goes into a contract, and comes back as coins that no log shows."""
    router = address("router")

    def story(wait_s, share=1.0):
        told = history().call(EMPLOYER, router).coin(WALLET, THIEF, 18_000)
        return told.wait(wait_s).coin(THIEF, router, 17_990 * share)

    assert said(story(HOUR), Outlier()) == [LOW, SUSPECT]
    _, (_, found) = findings(story(HOUR), Outlier())
    assert found.title.endswith("habit and swaps or bridges 100% of it soon")
    assert (found.evidence["passed_on_usd"], found.evidence["income_usd"]) == (0, 18_000)
    assert said(story(20 * HOUR), Outlier()) == [LOW]
    assert said(story(HOUR, 0.5), Outlier()) == [LOW]
    assert said(story(20 * HOUR).wait(HOUR).coin(THIEF, NEXT, 17_900), Outlier()) == [LOW, SUSPECT]


def test_who_lives_on_it_is_no_thief():
    """A wallet that keeps a third, has other income, pays known accounts, or whose payer is a business."""
    assert said(history().coin(WALLET, THIEF, 18_000).wait(HOUR).coin(THIEF, NEXT, 12_000), Outlier()) == [
        LOW
    ]
    story = history().coin(WALLET, THIEF, 18_000).coin(EMPLOYER, THIEF, 9_000).wait(HOUR)
    assert said(story.coin(THIEF, NEXT, 18_000), Outlier()) == [LOW]
    story = history().coin(WALLET, THIEF, 18_000).wait(HOUR)
    for shop in range(3):
        story.coin(THIEF, address(f"shop {shop}"), 300)
    assert said(story.coin(THIEF, NEXT, 17_000), Outlier()) == [LOW]
    story = Story().coin(EMPLOYER, WALLET, 90_000)
    for customer in range(30):
        story.wait(DAY).coin(WALLET, address(f"customer {customer}"), 100)
    story.coin(WALLET, THIEF, 18_000).wait(HOUR).coin(THIEF, NEXT, 18_000)
    assert said(story, Outlier()) == []


def test_one_payment_to_somebody_old():
    """A bill paid out of it is a life; the few dollars that a thief sends an old account are a decoy."""

    def story(usd):
        told = history().coin(EMPLOYER, SHOP, 10).coin(WALLET, THIEF, 18_000).wait(HOUR)
        return told.coin(THIEF, SHOP, usd).wait(HOUR).coin(THIEF, NEXT, 17_500)

    assert said(story(200), Outlier()) == [LOW]
    assert said(story(20), Outlier()) == [LOW, SUSPECT]


def test_gone_at_once():
    """Three times the habit is enough if it is gone within two hours, or came in parts."""

    def story(wait_s, parts=(1_200,), usd=200):
        told = history(usd=usd).coin(WALLET, EMPLOYER, 4_000)
        for part in parts:
            told.wait(HOUR).coin(WALLET, THIEF, part)
        return told.wait(wait_s).coin(THIEF, NEXT, sum(parts) - 5)

    assert said(story(HOUR), Outlier()) == [SUSPECT]
    assert said(story(3 * HOUR), Outlier()) == []
    assert said(story(30 * HOUR, (800, 400)), Outlier()) == [SUSPECT]
    assert said(story(HOUR, usd=500), Outlier()) == []


def test_split_over_several():
    """Who spreads it over several new accounts is caught by what each of them does with its share."""
    story = history()
    for part in range(3):
        story.wait(HOUR).coin(WALLET, address(f"mule {part}"), 1_500)
    story.wait(HOUR)
    assert said(story, Outlier()) == []
    story.coin(address("mule 0"), NEXT, 1_490).wait(HOUR).coin(address("mule 2"), address("after"), 1_495)
    suspects = ["mule 2"]  # what the first one kept for four hours is not ten times the habit
    assert said(story, Outlier()) == [("outlier", address(one), "suspect", "medium") for one in suspects]


def test_followed_no_longer_than_needed():
    """A new account is let go when it lives on other funds, and when two days are over."""
    for story in (
        history().coin(WALLET, THIEF, 18_000).wait(HOUR).coin(THIEF, NEXT, 25_000),
        history().coin(WALLET, THIEF, 18_000).wait(3 * DAY).coin(EMPLOYER, THIEF, 5),
    ):
        conduct = Conduct(lambda _: ([Outlier()], Bounds()), lambda *_: False)
        for record in story.records[:-1]:
            conduct.take(record)
        thief = conduct.find(CHAIN, THIEF)
        assert (thief.watch_sent, thief.watch_received) == (CARRYING, BEYOND)
        conduct.take(story.records[-1])
        assert (thief.watch_sent, thief.watch_received) == (0, 0)


def test_unseen_life_is_left_alone():
    """Who sends more than it was seen to hold had other habits than were seen, and may move house."""

    def story(wait_s, *parts):
        told = history(savings=2_000).coin(WALLET, THIEF, 18_000)
        for part in parts:
            told.wait(wait_s).coin(THIEF, NEXT, part)
        return told

    assert said(story(HOUR), Outlier()) == []
    assert said(story(3 * HOUR, 17_990), Outlier()) == []
    assert said(story(3 * HOUR, 9_990, 8_000), Outlier()) == [SUSPECT]
    assert said(story(HOUR, 17_990), Outlier()) == [SUSPECT]


def test_benign_twins():
    """A known contact, a service, a young or short history, a contract, a sum below the floor: silent."""
    assert said(history().coin(WALLET, address("shop 1"), 18_000), Outlier()) == []
    assert said(history().coin(WALLET, EMPLOYER, 18_000), Outlier()) == []
    assert said(history().coin(WALLET, THIEF, 18_000), Outlier(), allowed={THIEF}) == []
    assert said(history(payments=3).coin(WALLET, THIEF, 18_000), Outlier()) == []
    assert said(history(usd=10).coin(WALLET, THIEF, 250), Outlier()) == []
    assert said(history(usd=400).coin(WALLET, THIEF, 1_900), Outlier()) == []
    assert said(history().call(SHOP, THIEF).coin(WALLET, THIEF, 18_000), Outlier()) == []
    assert said(history().coin(SHOP, THIEF, 5).wait(3 * DAY).coin(WALLET, THIEF, 18_000), Outlier()) == []


def test_deposit_address_is_no_thief():
    """What a collector paid the gas for, or into which many pay, is passed on in a sweep."""
    story = history().coin(SHOP, THIEF, 5).coin(WALLET, THIEF, 18_000)
    assert said(story.wait(HOUR).coin(THIEF, SHOP, 18_000), Outlier()) == [LOW]
    story = history()
    for customer in range(5):
        story.coin(address(f"customer {customer}"), NEXT, 100)
    story.coin(WALLET, THIEF, 18_000).wait(HOUR).coin(THIEF, NEXT, 18_000)
    assert said(story, Outlier()) == [LOW]


def test_older_than_it_looks():
    """A receiver that sends more than it was seen to get lived before the stream began."""
    story = history().coin(WALLET, THIEF, 18_000).wait(HOUR).coin(THIEF, NEXT, 25_000)
    assert said(story, Outlier()) == [LOW]


def test_hostile_times_and_amounts():
    """Time that runs backwards, nothing and far too much raise no error and no second finding."""
    story = history().coin(WALLET, THIEF, 18_000)
    story.wait(-90 * DAY).coin(WALLET, NEXT, 1e14).token(WALLET, NEXT, 0).coin(THIEF, NEXT, 1e14)
    assert said(story, Outlier()) == [LOW]


def test_settings_decide():
    """A higher multiple can be asked for."""
    assert said(history().coin(WALLET, THIEF, 18_000), Outlier(Settings(times=100))) == []


def busy(contacts):
    """A busy person's wallet: paid by, and paying, many over a season, mostly the same."""
    story = Story().coin(EMPLOYER, WALLET, 30_000)
    for number in range(contacts):
        friend = address(f"friend {number}")
        story.wait(2 * DAY).coin(friend, WALLET, 50).coin(WALLET, friend, 50).coin(WALLET, friend, 40)
    return story.coin(WALLET, THIEF, 18_000).wait(HOUR).coin(THIEF, NEXT, 18_000)


def test_busy_people_are_no_services():
    """With thirty counterparties each way a wallet may be robbed; with sixty, or by a setting, it serves."""
    assert said(busy(30), Outlier()) == [LOW, SUSPECT]
    assert said(busy(60), Outlier()) == []
    assert said(busy(30), Outlier(), bounds=Bounds(hub_contacts=25)) == []
