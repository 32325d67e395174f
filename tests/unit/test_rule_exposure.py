"""exposure: funds that come from a listed wallet over others."""

from itertools import pairwise

import pytest

from detect_kit import DAY, HOUR, Story, address, findings, said
from txpipe.detect.bounds import Bounds
from txpipe.detect.conduct import Conduct
from txpipe.detect.rules.exposure import Exposure, Settings
from txpipe.errors import RuleFault
from txpipe.lists.entry import Entry

BAD, ONE, TWO, THREE, BANK = (address(name) for name in ("bad", "one", "two", "three", "bank"))
LISTED = {BAD: (Entry(BAD, "ransom", "2025-09-01", "ransomware", "Gang", "a report", "2024-01-01"),)}


def heard(story, *, listed=LISTED, allowed=(), **settings):
    rule = Exposure(Settings(**settings))
    return [
        (found.subject, found.severity, round(found.evidence["tainted_usd"]))
        for _, found in findings(story, rule, listed=listed, allowed=allowed)
    ]


def taints(story, *names, **settings):
    """Return what is left of taint in some accounts."""
    conduct = Conduct(lambda _: ((Exposure(Settings(**settings)),), Bounds()), lambda *_: False)
    for record in story.records:
        parties = (record["from"], record["to"])
        list(conduct.take(record, {name: LISTED[name] for name in parties if name in LISTED}))
    found = [conduct.find(story.records[0]["chain"], name).taint for name in names]
    return [taint and tuple(round(usd) for usd in taint) for taint in found]


def test_second_hop():
    """Straight from the list is ``listed``'s; the next account is said, with the way and the entry."""
    story = Story().coin(BAD, ONE, 10_000).wait(HOUR).coin(ONE, TWO, 8_000)
    ((record, found),) = findings(story, Exposure(), listed=LISTED)
    assert (found.subject, found.severity, found.category) == (TWO, "medium", "ransomware")
    assert found.title == "8,000 USD, 100% of a payment, from a listed wallet over 2 hops"
    assert found.evidence == {
        "origin": {
            "address": BAD, "category": "ransomware", "list": "ransom", "list_date": "2025-09-01",
            "label": "Gang", "listed": "2024-01-01",
        },
        "path": [{"address": ONE, "tx": story.records[0]["tx"]}, {"address": TWO, "tx": record["tx"]}],
        "method": "haircut",
        "tainted_usd": 8000.0,
        "share": 1.0,
        "hops": 2,
        "by_hop_usd": [0.0, 8000.0],
        "thresholds": {
            "share": [0.1, 0.5], "least_usd": 1000.0, "large_usd": [50_000.0, 100_000.0],
            "hops": 4, "near": 3,
        },
    }  # fmt: skip


def test_hops_and_their_limit():
    """Four hops are followed, the fifth account is clean again; all of it may leave at once."""
    story = Story().coin(BAD, ONE, 10_000)
    names = [ONE, TWO, THREE, address("four"), address("five"), address("six")]
    for giver, taker in pairwise(names):
        story.wait(HOUR).coin(giver, taker, 10_000)
    assert heard(story) == [
        (TWO, "medium", 10_000),
        (THREE, "medium", 10_000),
        (names[3], "low", 10_000),
    ]
    assert taints(story, *names) == [None] * 6
    assert heard(story, hops=2) == [(TWO, "medium", 10_000)]


def test_large_sums():
    """100,000 USD are high."""
    assert heard(Story().coin(BAD, ONE, 200_000).coin(ONE, TWO, 150_000)) == [(TWO, "high", 150_000)]


def test_haircut():
    """Clean money dilutes: a third of what is held taints a third of what is sent."""
    story = Story().coin(BAD, ONE, 10_000).wait(HOUR).coin(BANK, ONE, 20_000).wait(HOUR)
    story.coin(ONE, TWO, 15_000)
    assert heard(story) == [(TWO, "low", 5_000)]
    assert taints(story, ONE, TWO) == [(5_000,), (0, 5_000)]
    assert heard(story.coin(BANK, TWO, 90_000).coin(TWO, THREE, 90_000)) == [(TWO, "low", 5_000)]


def test_poison():
    """Any contact taints all, and stays."""
    story = Story().coin(BANK, ONE, 90_000).coin(BAD, ONE, 1_000).coin(ONE, TWO, 50_000)
    assert heard(story, method="poison") == [(TWO, "medium", 50_000)]
    assert heard(story) == []


def test_first_in_first_out():
    """What came in first leaves first: clean, tainted, clean."""
    story = Story().coin(BANK, ONE, 10_000).coin(BAD, ONE, 10_000).coin(BANK, ONE, 10_000)
    story.coin(ONE, TWO, 10_000).coin(ONE, THREE, 10_000).coin(ONE, address("four"), 10_000)
    assert heard(story, method="fifo") == [(THREE, "medium", 10_000)]
    assert taints(story, ONE, THREE, method="fifo") == [None, (0, 10_000)]
    many = Story().coin(BAD, ONE, 10_000)
    for _ in range(100):
        many.coin(BANK, ONE, 100)
    assert heard(many.coin(ONE, TWO, 9_000), method="fifo") == [(TWO, "medium", 9_000)]


def test_swap_keeps_taint():
    """What goes into a contract that the account calls comes back as something else."""
    router, pool, dai = address("router"), address("pool"), address("dai")
    asset = f"eip155:1/erc20:{dai}"
    story = Story().token(BANK, THREE, 100).swap(THREE, router, pool, 50, asset, 50)
    story.token(BAD, ONE, 10_000).swap(ONE, router, pool, 10_000, asset, 9_990)
    story.token(ONE, TWO, 9_900, asset=asset, symbol="DAI", usd=9_900)
    assert heard(story) == [(TWO, "medium", 9_900)]
    assert taints(story, pool) == [None]


def test_innocents():
    """Dust taints nobody, whatever the method; services neither take taint nor are they said."""
    story = Story().coin(BANK, ONE, 100).coin(BAD, ONE, 20).coin(ONE, TWO, 110)
    assert heard(story, method="poison", least_usd=1.0) == []
    assert taints(story, ONE, TWO) == [None, None]
    story = Story().coin(BAD, ONE, 10_000).coin(ONE, BANK, 10_000).coin(BANK, TWO, 10_000)
    assert heard(story, allowed={BANK}) == []
    assert heard(Story().coin(BAD, ONE, 900).coin(ONE, TWO, 900)) == []
    mixer = {BAD: (Entry(BAD, "mixers", category="mixer"),)}
    assert heard(Story().coin(BAD, ONE, 10_000).coin(ONE, TWO, 10_000), listed=mixer) == []


def test_said_once_unless_worse():
    """Payments that repeat are one alert a week, and another if much larger."""
    story = Story().coin(BAD, ONE, 500_000)
    for usd in (5_000, 5_000, 5_000, 200_000, 200_000):
        story.wait(HOUR).coin(ONE, TWO, usd)
    assert heard(story) == [(TWO, "medium", 5_000), (TWO, "high", 200_000)]


def test_forgotten_after_months():
    """Old taint is no longer followed; before a listing a finding weighs less."""
    assert heard(Story().coin(BAD, ONE, 10_000).wait(200 * DAY).coin(ONE, TWO, 10_000)) == []
    later = {BAD: (Entry(BAD, "ransom", category="ransomware", listed="2099-01-01"),)}
    assert heard(Story().coin(BAD, ONE, 10_000).coin(ONE, TWO, 10_000), listed=later) == [
        (TWO, "low", 10_000)
    ]


def test_hostile_order_and_amounts():
    """Backwards, without price, absurdly large: no error."""
    story = (
        Story().coin(BAD, ONE, 1e14).wait(-DAY).coin(ONE, TWO, 0).token(ONE, TWO, 5, asset=f"x:y/erc20:{BAD}")
    )
    story.coin(ONE, TWO, 1e14).coin(TWO, ONE, 1e14).coin(ONE, TWO, 1e14)
    assert heard(story) == [(TWO, "high", 10**14), (ONE, "high", 10**14)]


def test_unknown_method():
    """A method that there is not is refused."""
    with pytest.raises(RuleFault, match="method is 'lifo', not one of haircut, poison, fifo"):
        Exposure(Settings(method="lifo"))


def test_listed_receiver():
    """The listed themselves are ``listed``'s."""
    assert said(Story().coin(BAD, ONE, 9_000).coin(ONE, BAD, 9_000), Exposure(), listed=LISTED) == []
