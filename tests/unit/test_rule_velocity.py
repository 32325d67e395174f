"""velocity: calm accounts that suddenly pay many new receivers."""

from detect_kit import CHAIN, DAY, HOUR, USDT, Story, address, findings, said
from txpipe.detect.bounds import Bounds
from txpipe.detect.conduct import Conduct
from txpipe.detect.rules.velocity import Settings, Velocity
from txpipe.detect.traits import RUSHING

WALLET, EMPLOYER = address("wallet"), address("employer")
MEDIUM = ("velocity", WALLET, "victim", "medium")
LOW = ("velocity", WALLET, "victim", "low")


def history(payments=12, savings=20_000):
    """Give a wallet savings and a habit of a payment a week."""
    story = Story(1_760_000_400).coin(EMPLOYER, WALLET, savings)
    for week in range(payments):
        story.wait(7 * DAY).coin(WALLET, address(f"shop {week % 3}"), 50)
    return story.wait(2 * DAY)


def burst(story, count, usd, pause_s=60, name="mule"):
    for number in range(count):
        story.coin(WALLET, address(f"{name} {number}"), usd).wait(pause_s)
    return story


def test_holdings_scattered_in_minutes():
    """Ten payments to ten new accounts drain a wallet that used to pay once a week."""
    story = burst(history(), 10, 1_900)
    ((record, found),) = [pair for pair in findings(story, Velocity()) if pair[1].severity == "medium"]
    assert (found.rule, found.subject, found.role, found.severity) == MEDIUM
    assert found.title == "Calm account suddenly pays 5 new receivers"
    assert found.about == address("mule 6")
    assert record["to"] == address("mule 6")
    assert {key: value for key, value in found.evidence.items() if key != "thresholds"} == {
        "scattered": False,
        "in_a_row": 7,
        "longest_row_before": 1,
        "payments_a_day_before": 0.14,
        "sent_before": 12,
        "since_s": 240,
        "payments": 5,
        "to_new_contacts": 5,
        "to_new_accounts": 5,
        "transactions": 5,
        "as_large_as_the_one_before": 4,
        "sent_usd": 9_500.0,
        "to_new_accounts_usd": 9_500.0,
        "held_usd": 15_600.0,
        "lot_usd": 20_000.0,
        "lot_time": 1_760_000_400,
    }
    assert said(story, Velocity()) == [LOW, MEDIUM]


def test_a_part_of_the_holdings_is_low():
    """The same burst with small amounts is only unusual."""
    assert said(burst(history(), 10, 100), Velocity()) == [LOW]


def test_drawn_out_over_a_day():
    """One every forty minutes; or three an hour, again and again."""
    assert said(burst(history(), 12, 1_550, 2400), Velocity()) == [LOW, MEDIUM]
    story = history()
    for hour in range(8):
        burst(story, 3, 700, 120, f"hour {hour}").wait(HOUR - 360)
    assert said(story, Velocity()) == [LOW, MEDIUM]


def test_unseen_life_is_left_alone():
    """Who sends far more than it was seen to hold had habits that were not seen."""
    assert said(burst(history(savings=1_000), 10, 1_900), Velocity()) == []


def test_first_payroll_is_low():
    """An account that was funded for it pays many for the first time."""
    story = history().coin(EMPLOYER, WALLET, 12_000).wait(HOUR)
    assert said(burst(story, 10, 1_190), Velocity()) == [LOW]
    assert said(burst(history(payments=8), 10, 1_900), Velocity()) == [LOW]


def test_payouts_in_batches_are_low():
    """Twelve transactions that pay five each are a payout; a contract has no habits."""
    story = history()
    for number in range(12):
        tx = story.wait(60).tx()
        story.call(WALLET, address("disperse"), tx=tx, follows=5)
        for leg in range(5):
            story.moved(tx, leg + 1, WALLET, address(f"holder {number} {leg}"), 300)
    assert said(story, Velocity()) == [LOW]
    assert said(burst(history().call(EMPLOYER, WALLET), 10, 1_900), Velocity()) == []


def test_airdrop_in_one_transaction():
    """One transaction that pays fifty is one payment."""
    story = history().token(EMPLOYER, WALLET, 50_000)
    tx = story.tx()
    story.call(WALLET, address("disperse"), tx=tx, follows=50)
    for number in range(50):
        story.moved(tx, number + 1, WALLET, address(f"holder {number}"), 400)
    assert said(story, Velocity()) == []


def scattering(count, rounds=1, pause_s=20, usd=(210, 333, 271.5, 190, 402), savings=6_000):
    """Let a wallet without a history pay new accounts in unlike amounts."""
    story = (
        Story().coin(EMPLOYER, WALLET, savings).wait(HOUR).coin(WALLET, address("shop"), 100).wait(5 * HOUR)
    )
    for number in range(count * rounds):
        story.coin(WALLET, address(f"mule {number % count}"), usd[number % 5] + number).wait(pause_s)
    return story


def test_scattering_without_a_history():
    """Twelve new accounts within minutes; or six in three slow rounds."""
    assert said(scattering(12), Velocity()) == [MEDIUM]
    assert said(scattering(6, 3, 2_400), Velocity()) == [MEDIUM]
    ((_, found),) = findings(scattering(12), Velocity())
    assert (found.evidence["sent_before"], found.evidence["to_new_accounts"]) == (1, 8)


def test_payouts_do_not_scatter():
    """The same to each, a small part, known receivers, a life beside it, or income: silent."""
    assert said(scattering(12, usd=(300, 299, 298, 297, 296)), Velocity()) == []
    assert said(burst(Story(1_760_000_400).coin(EMPLOYER, WALLET, 6_000), 12, 290), Velocity()) == []
    assert said(scattering(12, savings=60_000), Velocity()) == []
    story = Story(1_760_000_400)
    for number in range(12):
        story.coin(EMPLOYER, address(f"mule {number}"), 40)
    story.wait(DAY).records += scattering(12).records
    assert said(story, Velocity()) == []
    story = scattering(12)
    for number in range(6):
        place = next(n for n, one in enumerate(story.records) if one["to"] == address(f"mule {2 * number}"))
        extra = Story(story.records[place]["time"]).coin(address(f"customer {number}"), WALLET, 90)
        story.records[place:place] = extra.records
    assert said(story, Velocity()) == []


def test_who_is_always_busy():
    """A payer who does so every week has a baseline; known receivers and services are no strangers."""
    story = history()
    for week in range(4):
        burst(story, 6, 60, 60, f"staff {week}").wait(7 * DAY)
    before = len(said(story, Velocity()))
    assert len(said(burst(story, 10, 100, 60, "more"), Velocity())) == before
    story = history()
    for number in range(12):
        story.coin(WALLET, address(f"shop {number % 3}"), 1_000).wait(60)
    assert said(story, Velocity()) == []
    allowed = {address(f"mule {number}") for number in range(10)}
    assert said(burst(history(), 10, 1_900), Velocity(), allowed=allowed) == []


def test_given_up():
    """A burst that can be nothing any more is not watched, and little of it is kept, until a day is over."""
    conduct = Conduct(lambda _: ((Velocity(),), Bounds()), lambda *_: False)
    story = burst(history(savings=1_000), 5, 100)
    for record in story.records:
        conduct.take(record)
    wallet = conduct.find(CHAIN, WALLET)
    assert wallet.watch_sent & RUSHING
    for record in burst(Story(story.time), 6, 100, name="late").records:
        conduct.take(record)
    assert not wallet.watch_sent & RUSHING
    assert len(wallet.noted("velocity")) == 1


def test_services_among_the_receivers():
    """Payments to services count among all payments: who makes them scatters less."""
    story = Story(1_760_000_400).coin(EMPLOYER, WALLET, 20_000).wait(HOUR)
    for number in range(8):
        story.coin(WALLET, address(f"mule {number}"), 1_000 + 137 * number).wait(60)
    assert said(story, Velocity()) == [MEDIUM]
    story = Story(1_760_000_400).coin(EMPLOYER, WALLET, 20_000).wait(HOUR)
    for number in range(8):
        story.coin(WALLET, address(f"mule {number}"), 1_000 + 137 * number).wait(60)
        story.coin(WALLET, address("exchange"), 90).wait(60)
    assert said(story, Velocity(), allowed={address("exchange")}) == []


def test_young_account():
    """Without a history there is no habit to break."""
    assert said(burst(history(payments=2), 10, 1_900), Velocity()) == []


def test_hostile_times_and_amounts():
    """Backward time, nothing, far too much and unknown tokens raise no error."""
    story = burst(history(), 4, 1_900)
    story.wait(-30 * DAY)
    burst(story, 5, 1e14, -HOUR, "far")
    for number in range(9):
        story.token(WALLET, address(f"x {number}"), 0, USDT).token(
            WALLET, address(f"y {number}"), 5, f"{CHAIN}/erc20:{address('odd')}", "\x1b[31m"
        )
    assert set(said(story, Velocity())) == {LOW}


def test_settings_decide():
    """More payments can be asked for."""
    assert said(burst(history(), 10, 1_900), Velocity(Settings(row_n=20, day_n=20))) == []


def test_payments_to_a_service_first_hide_nothing():
    """Eleven payments to a service that an allow-list names, then the holdings to accounts just made."""
    story = history()
    service = address("service")
    for _ in range(11):
        story.coin(WALLET, service, 20).wait(60)
    burst(story, 8, 1_900)
    found = findings(story, Velocity(), allowed={service})
    assert "medium" in {one.severity for _, one in found}


class Looks(Velocity):
    """Counts the movements that it is asked to look at."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def sent(self, move, me, other):
        self.count += 1
        return super().sent(move, me, other)


def test_a_row_that_is_nothing_is_hardly_looked_at():
    """An account without holdings pays a hundred strangers: the first eight, then every eighth."""
    looks, idle = Looks(), Story(1_760_000_400)
    assert said(burst(idle, 100, 20), looks) == []
    assert looks.count == 8 + 12
    other = Looks()
    said(burst(history(), 100, 190), other)
    assert other.count > 90


def test_a_hush_ends_with_the_day():
    """A short row without holdings does not keep the account from being heard a week later."""
    story = burst(Story(1_760_000_400), 4, 20, name="shop").wait(7 * DAY).coin(EMPLOYER, WALLET, 6_000)
    for number in range(14):
        story.wait(60).coin(
            WALLET, address(f"mule {number}"), (210, 333, 271.5, 190, 402)[number % 5] + number
        )
    assert said(story, Velocity()) == [MEDIUM]
