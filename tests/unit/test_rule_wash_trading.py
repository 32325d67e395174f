"""wash-trading: the same asset to and fro, the same item home again."""

from detect_kit import CHAIN, DAY, HOUR, Story, address, findings, said
from txpipe.detect.rules.wash_trading import ASSETS, ITEMS, LEGS, WashTrading

A, B, C, MARKET, COLLECTION = (address(name) for name in ("a", "b", "c", "market", "collection"))
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


def test_hostile_time():
    """Backwards and empty."""
    assert said(washed(6, wait=-DAY), WashTrading()) == []
    story = Story()
    for _ in range(6):
        story.coin(A, B, 0).coin(B, A, 0)
    assert said(story, WashTrading()) == []
