"""wash-trading: the same asset to and fro, the same item home again."""

import itertools

from detect_kit import CHAIN, DAY, HOUR, Story, address, findings, said
from txpipe.detect.bounds import Bounds
from txpipe.detect.conduct import Conduct
from txpipe.detect.rules.markets import OPEN, TOKENS, TRIPS
from txpipe.detect.rules.wash_trading import ASSETS, ITEMS, LEGS, SAID, WashTrading
from txpipe.detect.traits import TRADING

A, B, C, MARKET, COLLECTION = (address(name) for name in ("a", "b", "c", "market", "collection"))
D, E, ROUTER, OTHER_MARKET = (address(name) for name in ("d", "e", "router", "other market"))
COIN = f"{CHAIN}/erc20:{address('newcoin')}"


def washed(rounds, *, wait=60, fee=0.0, usd=None, others=(B,), story=None):
    """Send a token out and let it come back some times; with several others, from each in turn."""
    story = story or Story()
    for number in range(rounds):
        other, units = others[number % len(others)], 1000 * (1 - fee) ** (2 * number)
        story.wait(wait).token(A, other, units, asset=COIN, symbol="NEW", usd=usd)
        story.wait(wait).token(other, A, units * (1 - fee), asset=COIN, symbol="NEW", usd=usd)
    return story


def alerts(*subjects):
    return [("wash-trading", subject, "suspect", "medium") for subject in subjects]


def test_quick():
    """Within minutes and to the unit: three round trips, seen by each of the two; no price is needed."""
    assert said(washed(5), WashTrading()) == alerts(B, A)
    assert said(washed(3), WashTrading()) == alerts(B)
    ((record, found),) = findings(washed(3), WashTrading())
    assert (found.subject, found.category, record["from"]) == (B, "manipulation", B)
    assert found.title == "An asset goes out and comes back 3 times within 4 minutes"
    assert found.evidence["asset"] == COIN
    assert found.evidence["with"] == [A]
    assert [leg["units"] for leg in found.evidence["legs"]] == [-1000.0, 1000.0, -1000.0, 1000.0, -1000.0]


def test_adaptive():
    """Half a day between, 2 % lost at each step, through several accounts."""
    assert said(washed(6, wait=6 * HOUR, fee=0.02), WashTrading()) == alerts(B, A)
    assert said(washed(8, wait=HOUR, fee=0.01, others=(B, C)), WashTrading()) == alerts(A, B, C)


def test_honest_exchange():
    """Two round trips, other amounts, small change, months between."""
    assert said(washed(2), WashTrading()) == []
    assert said(washed(8, fee=0.1), WashTrading()) == []
    assert said(washed(8, usd=50), WashTrading()) == []
    assert said(washed(8, wait=4 * DAY), WashTrading()) == []


def test_loan_in_instalments():
    """One way large, back in parts."""
    story = Story().token(A, B, 5_000)
    for _ in range(10):
        story.wait(DAY).token(B, A, 500)
    assert said(story, WashTrading()) == []


def test_services_and_contracts():
    """Market making and arbitrage at pools do not count."""
    assert said(washed(9), WashTrading(), allowed={B}) == []
    story = Story()
    for _ in range(9):
        story.wait(60).token(A, MARKET, 900).call(A, MARKET, method="0x12345678")
        story.moved(story.records[-1]["tx"], 1, MARKET, A, 900)
    assert said(story, WashTrading()) == []


def bought(story, who, units, market=MARKET, asset=COIN):
    """Buy a token of a market: the buyer calls a router, and the market gives."""
    tx = story.call(who, ROUTER, method="0x7ff36ab5").records[-1]["tx"]
    return story.moved(tx, 1, market, who, units, asset, "NEW")


def sold(story, who, units, market=MARKET, asset=COIN):
    """Sell a token to a market."""
    tx = story.call(who, ROUTER, method="0x18cbafe5").records[-1]["tx"]
    return story.moved(tx, 1, who, market, units, asset, "NEW")


def round_trips(*accounts, wait=600, units=1000, story=None, **where):
    """Let accounts buy a token of a market and sell it back, one after the other."""
    story = story or Story()
    for number, who in enumerate(accounts):
        amount = units * (1 + number / 100)
        sold(bought(story.wait(wait), who, amount, **where).wait(wait), who, amount * 0.995, **where)
    return story


def test_market():
    """Three times bought and sold back at one market, as much each time: no price is needed."""
    (_, found), *rest = findings(round_trips(A, A, A, A), WashTrading())
    assert rest == []
    assert (found.subject, found.severity, found.category) == (A, "medium", "manipulation")
    assert (
        found.title
        == "An account buys and sells the same amount of a token at one market, 3 times within 50 minutes"
    )
    assert (found.evidence["venue"], found.evidence["accounts"]) == (MARKET, [A])
    assert said(round_trips(A, A, A, wait=6 * HOUR), WashTrading()) == alerts(A)


def test_market_for_weeks():
    """Who goes on is said again after a week, not only at the beginning."""
    story = Story()
    for _ in range(100):
        story = round_trips(A, story=story, wait=3 * HOUR)
    times = [record["time"] for record, _ in findings(story, WashTrading())]
    assert [(later - first) // DAY for first, later in itertools.pairwise(times)] == [7, 7, 7]


def test_market_among_other_tokens():
    """Tokens that others make up cannot make a market forget the one that is washed."""
    story = Story()
    for number in range(4):
        for junk in range(5):
            asset = f"{CHAIN}/erc20:{address(f'junk {number} {junk}')}"
            story = bought(story.wait(1), address("maker"), 5, asset=asset)
        story = round_trips(A, story=story)
    assert said(story, WashTrading()) == alerts(A)


def test_market_in_parts():
    """Bought twice and sold in two pieces is one round trip."""
    story = Story()
    for _ in range(3):
        bought(bought(story.wait(60), A, 400), A, 600)
        sold(sold(story.wait(60), A, 900).wait(60), A, 100)
    assert said(story, WashTrading()) == alerts(A)


def test_market_in_haste():
    """Five times within minutes, of whatever size."""
    story = Story()
    for number in range(5):
        story = round_trips(A, story=story, units=1000 * 1.5**number, wait=60)
    ((_, found),) = findings(story, WashTrading())
    assert found.title == "An account buys and sells all of a token at one market, 5 times within 9 minutes"


def test_market_wallet_by_wallet():
    """A wallet for each round trip: from the fourth on, each is said."""
    (_, found), *_ = findings(round_trips(A, B, C, D, wait=HOUR), WashTrading())
    assert found.title.startswith("4 accounts buy and sell the same amount of a token at one market, 4 times")
    assert found.evidence["accounts"] == [A, B, C, D]
    assert said(round_trips(A, B, C, D, E, wait=HOUR), WashTrading()) == alerts(D, E)


def test_honest_traders_at_a_market():
    """Other sizes, something kept, months between, few round trips; dollars, that all is priced in."""
    assert said(round_trips(A, A), WashTrading()) == []
    assert said(round_trips(A, B, C), WashTrading()) == []
    assert said(round_trips(*[A] * 9, wait=2 * DAY), WashTrading()) == []
    story = Story()
    for number in range(9):
        story = round_trips(A, story=story, units=1000 * 1.2**number)
    assert said(story, WashTrading()) == []
    story = Story()
    for _ in range(9):
        sold(bought(story.wait(60), A, 1000).wait(60), A, 950)
    assert said(story, WashTrading()) == []
    asset = f"{CHAIN}/erc20:0xdac17f958d2ee523a2206206994597c13d831ec7"
    assert said(round_trips(*[A] * 9, asset=asset), WashTrading()) == []


def test_arbitrage():
    """Bought here and sold there, or both ways by the gap; in one block, or in one transaction."""
    story = Story()
    for _ in range(12):
        sold(bought(story.wait(600), A, 1000).wait(60), A, 1000, OTHER_MARKET)
    for number, units in enumerate((300, 900, 150, 4000, 700, 2000, 90, 1200)):
        here, there = (MARKET, OTHER_MARKET) if number % 2 else (OTHER_MARKET, MARKET)
        sold(bought(story.wait(600), A, units, here).wait(60), A, units, there)
    assert said(story, WashTrading()) == []
    assert said(round_trips(*[A] * 9, wait=0), WashTrading()) == []
    story = Story()
    for _ in range(9):
        bought(story.wait(60), A, 1000).moved(story.records[-1]["tx"], 2, A, MARKET, 1000, COIN, "NEW")
    assert said(story, WashTrading()) == []


def test_crowd_at_a_market():
    """Where many trade all sorts of amounts, four that are alike are chance; busy accounts do not count."""
    crowd = [address(f"trader {number}") for number in range(30)]
    story = Story()
    for number, who in enumerate(crowd):
        units = 1000 if number % 7 == 0 else 37 * (number + 2) ** 2
        sold(bought(story.wait(600), who, units).wait(600), who, units)
    assert said(story, WashTrading()) == []
    story = Story()
    for who in (A, B, C, D):
        for number in range(20):
            story.coin(who, address(f"{who} pays {number}"), 20)
    assert said(round_trips(A, B, C, D, story=story), WashTrading()) == []


def test_service_market():
    """A known service is no market of one's own."""
    assert said(round_trips(*[A] * 9), WashTrading(), allowed={MARKET}) == []


def test_star():
    """One wallet that exchanges the same amount with one after the other."""
    story = Story()
    for other in (B, B, C, D):
        story.wait(HOUR).token(A, other, 1000, asset=COIN, symbol="NEW")
        story.wait(HOUR).token(other, A, 990, asset=COIN, symbol="NEW")
    assert said(story.wait(HOUR).token(A, B, 1000, asset=COIN, symbol="NEW"), WashTrading()) == alerts(A)


def test_lender_to_several():
    """Each pays back what it got: no payment of one is answered by another, and the watch ends."""
    story = Story()
    for other in (B, C, D, E):
        story.wait(HOUR).token(A, other, 1000).token(other, A, 400).wait(HOUR)
    assert said(story, WashTrading()) == []
    story.wait(8 * DAY).token(A, MARKET, 1000)
    conduct = Conduct(lambda _: ((WashTrading(),), Bounds()), lambda *_: False)
    for record in story.records:
        conduct.take(record)
    assert not conduct.find(CHAIN, A).watch_sent & TRADING


def traded(rounds, *, names=(A, B), wait=DAY, item=7, initiator=None, story=None):
    """Let an item go round among some accounts, beginning and ending with the first."""
    story = story or Story().nft(MARKET, names[0], COLLECTION, item)
    for _ in range(rounds):
        for giver, taker in zip(names, (*names[1:], names[0]), strict=True):
            story.wait(wait).nft(giver, taker, COLLECTION, item, initiator=initiator and taker)
    return story


def test_item_comes_home():
    """The second return is said; sales that a market moves count, and rings of three."""
    (_, found), *_ = findings(traded(2), WashTrading())
    assert (found.subject, found.severity) == (A, "medium")
    assert found.title == "An item comes back to an account that gave it away, 2 times by now"
    assert found.evidence["from"] == [B]
    assert said(traded(2), WashTrading()) == alerts(A)
    assert said(traded(3), WashTrading()) == alerts(A, B)
    assert said(traded(2, initiator=True), WashTrading()) == alerts(A)
    assert said(traded(2, names=(A, B, C)), WashTrading()) == alerts(A)


def test_honest_items():
    """Flipped, lent once, staked, or back after months."""
    assert said(traded(1, names=(A, B, C)), WashTrading()) == []
    assert said(traded(4, wait=40 * DAY), WashTrading()) == []
    vault = Story().call(A, MARKET, method="0xa694fc3a").nft(A, MARKET, COLLECTION, 7)
    for _ in range(4):
        vault.wait(HOUR).nft(MARKET, A, COLLECTION, 7, initiator=A).wait(HOUR).nft(A, MARKET, COLLECTION, 7)
    assert said(vault, WashTrading()) == []
    story = Story()
    for item in range(30):
        story = traded(1, item=item, story=story)
    assert said(story, WashTrading()) == []


def sale(story, giver, taker, usd=3000, item=7):
    """Sell an item: the money goes first."""
    return story.wait(HOUR).coin(taker, giver, usd).wait(60).nft(giver, taker, COLLECTION, item)


def test_item_round_about():
    """Sold on and on, and back at one that had sold it; or back and sold again."""
    story = Story().nft(MARKET, A, COLLECTION, 7)
    for giver, taker in ((A, B), (B, C), (C, A)):
        sale(story, giver, taker)
    ((record, found),) = findings(story, WashTrading())
    assert (found.subject, record["to"]) == (A, A)
    assert found.title == "An item comes back to an account that gave it away, and was paid for"
    assert (found.evidence["returns"], found.evidence["paid_by"]) == (1, B)
    story = Story().nft(MARKET, A, COLLECTION, 7)
    for giver, taker in ((A, B), (B, A), (A, C)):
        sale(story, giver, taker)
    assert said(story, WashTrading()) == alerts(A)


def test_honest_item_for_money():
    """Pawned and redeemed; bought back after a week; round, but nobody paid; at a busy dealer's."""
    pawned = sale(sale(Story(), A, B), B, A, usd=3300)
    assert said(pawned, WashTrading()) == []
    assert said(sale(sale(sale(Story(), A, B), B, C).wait(7 * DAY), C, A), WashTrading()) == []
    assert said(traded(1, names=(A, B, C), wait=HOUR), WashTrading()) == []
    story = Story()
    for number in range(20):
        story.coin(address(f"customer {number}"), A, 500)
    for giver, taker in ((A, B), (B, C), (C, A)):
        sale(story, giver, taker)
    assert said(story, WashTrading()) == []


def test_bounded():
    """However many assets and items pass, little is kept; hostile symbols stay out of titles."""
    story = washed(30)
    for number in range(40):
        asset = f"{CHAIN}/erc20:{address(f'coin {number}')}"
        story.wait(1).token(A, B, 10, asset=asset, symbol="\x1b[31m").token(
            B, A, 10, asset=asset, symbol="\n"
        )
        story.nft(A, B, COLLECTION, number)
    for _ in range(9):
        story.wait(HOUR).nft(A, B, COLLECTION, 99, initiator=C).nft(B, A, COLLECTION, 99, initiator=C)
    found = findings(story, WashTrading())
    assert [one.subject for _, one in found] == [B, A]
    assert (ASSETS, LEGS, ITEMS) == (4, 16, 16)


def test_market_bounded():
    """However many trade however many tokens, a market's notes stay small."""
    story = Story()
    for number in range(60):
        asset = f"{CHAIN}/erc20:{address(f'coin {number}')}"
        bought(story.wait(1), address(f"trader {number}"), 10, asset=asset)
    for number in range(60):
        round_trips(address(f"trader {number}"), wait=1, story=story)
        bought(story.wait(1), address(f"holder {number}"), 10)
    conduct = Conduct(lambda _: ((WashTrading(),), Bounds()), lambda *_: False)
    for record in story.records:
        conduct.take(record)
    kept = conduct.find(CHAIN, MARKET).noted("wash-trading")
    books = kept["market"]
    _, positions, trips = books[COIN]
    assert (len(books), len(positions), len(trips), len(kept["said"])) == (TOKENS, OPEN, TRIPS, SAID)


def test_hostile_time():
    """Backwards and empty."""
    assert said(washed(6, wait=-DAY), WashTrading()) == []
    assert said(round_trips(*[A] * 6, wait=-DAY), WashTrading()) == []
    assert said(round_trips(*[A] * 6, units=0), WashTrading()) == []
    story = Story()
    for _ in range(6):
        story.coin(A, B, 0).coin(B, A, 0)
    assert said(story, WashTrading()) == []
