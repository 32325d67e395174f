"""peel-chain: sums that shrink from account to account."""

import itertools

from detect_kit import BITCOIN, DAY, HOUR, Story, address, findings, said
from txpipe.detect.rules.exposure import Exposure
from txpipe.detect.rules.peel_chain import PeelChain
from txpipe.lists.entry import Entry

SOURCE = address("source")
WALLETS = [address(f"peel {number}") for number in range(20)]
SHOPS = [address(f"shop {number}") for number in range(20)]


def alerts(*subjects_severities):
    return [("peel-chain", subject, "suspect", severity) for subject, severity in subjects_severities]


def chain(count, *, share=0.05, wait=HOUR, late=False, usd=100_000.0):
    """Let each wallet peel a share off, before or after it sends the remainder."""
    story = Story().coin(SOURCE, WALLETS[0], usd)
    for giver, taker, peeled in zip(WALLETS[:count], WALLETS[1:], SHOPS, strict=False):
        story.wait(wait)
        payments = [(peeled, usd * share), (taker, usd * (1 - share))]
        for to, part in reversed(payments) if late else payments:
            story.wait(60).coin(giver, to, part)
        usd *= 1 - share
    return story


def change(count, share=0.05, wait=600):
    """Spend bitcoin with change, each time from the change before."""
    usd = 100_000.0
    story = Story().spend(SOURCE, (WALLETS[0], usd), (SHOPS[0], 5))
    for number in range(count):
        payments = [(SHOPS[number], usd * share), (WALLETS[number + 1], usd * (1 - share))]
        story.wait(wait).spend(WALLETS[number], *payments)
        usd *= 1 - share
    return story


def test_four():
    """Three fresh accounts in a row are low, four medium; the shares are in the evidence."""
    (_, third), (record, found), *rest = findings(chain(4), PeelChain())
    assert rest == []
    assert (third.subject, third.severity) == (WALLETS[2], "low")
    assert (found.subject, found.severity, record["to"]) == (WALLETS[3], "medium", WALLETS[4])
    assert found.title == "100,000 USD shrink to 81,451 over 4 fresh accounts within 4.1 hours"
    assert [(hop["remainder"], hop["peeled"]) for hop in found.evidence["path"]] == [(0.95, 0.05)] * 4


def test_adaptive():
    """A fifth at each, days apart, or the part after the remainder."""
    wanted = alerts((WALLETS[2], "low"), (WALLETS[3], "medium"))
    assert said(chain(4, share=0.2, wait=DAY), PeelChain()) == wanted
    assert said(chain(4, share=0.29), PeelChain()) == wanted
    assert said(chain(4, late=True), PeelChain()) == wanted[:1] + alerts((WALLETS[3], "low")) + wanted[1:]
    assert said(chain(8), PeelChain())[-1:] == alerts((WALLETS[7], "high"))


def test_whole_passes_in_between():
    """Accounts that pass all of it on do not hide those that peel, nor count as any."""

    def story(steps):
        told, usd = Story().coin(SOURCE, WALLETS[0], 50_000.0), 50_000.0
        for number, share in enumerate(steps):
            told.wait(HOUR)
            if share:
                told.coin(WALLETS[number], SHOPS[number], usd * share)
            usd *= 1 - share
            told.coin(WALLETS[number], WALLETS[number + 1], usd)
        return told

    wanted = alerts((WALLETS[3], "low"), (WALLETS[6], "medium"))
    assert said(story((0.1, 0, 0.1, 0.2, 0, 0, 0.1)), PeelChain()) == wanted
    assert said(story((0, 0, 0.1, 0, 0.1, 0, 0)), PeelChain()) == []
    (_, low), (_, found) = findings(story((0.1, 0, 0.1, 0.2, 0, 0, 0.1)), PeelChain())
    assert (low.evidence["accounts"], found.evidence["accounts"], len(found.evidence["path"])) == (3, 4, 7)


def test_honest_rows():
    """Two, large parts, tiny parts, small sums, and a busy payer are no peeling."""
    assert said(chain(2), PeelChain()) == []
    assert said(chain(5, share=0.4), PeelChain()) == []
    assert said(chain(5, share=0.004), PeelChain()) == []
    assert said(chain(5, usd=450), PeelChain()) == []
    assert said(chain(5, wait=6 * DAY), PeelChain()) == []
    payer = Story().coin(SOURCE, WALLETS[0], 100_000)
    for shop in SHOPS:
        payer.wait(HOUR).coin(WALLETS[0], shop, 5_000)
    assert said(payer, PeelChain()) == []


def test_services_end_a_row():
    """What goes to an exchange goes on no further."""
    assert said(chain(4), PeelChain(), allowed={WALLETS[2]}) == []


def test_change_of_a_wallet():
    """Bitcoin change is low from five steps on; ten within a day are medium; slow ones stay low."""
    assert said(change(4), PeelChain()) == []
    assert said(change(8), PeelChain()) == alerts((WALLETS[4], "low"))
    assert said(change(14), PeelChain()) == alerts((WALLETS[4], "low"), (WALLETS[9], "medium"))
    assert said(change(14, wait=6 * HOUR), PeelChain()) == alerts((WALLETS[4], "low"), (WALLETS[9], "low"))


def test_change_of_a_hot_wallet():
    """Payments of far less than a hundredth are a service's."""
    assert said(change(14, share=0.002), PeelChain()) == []


def test_tainted_change():
    """From a listed source three steps are medium."""
    listed = {SOURCE: (Entry(SOURCE, "ransom", category="ransomware"),)}
    found = [one for one in said(change(3), Exposure(), PeelChain(), listed=listed) if one[0] == "peel-chain"]
    assert found == alerts((WALLETS[2], "medium"))


def test_coinjoin_ends_a_row():
    """A transaction with many equal outputs is no step."""
    story = change(3)
    story.wait(600).spend(WALLETS[3], *((address(f"mix {number}"), 17_000) for number in range(5)))
    usd = 17_000.0
    names = [address("mix 4"), *WALLETS[5:]]
    for number in range(4):
        story.wait(600).spend(names[number], (SHOPS[number], usd * 0.05), (names[number + 1], usd * 0.95))
        usd *= 0.95
    assert {record["chain"] for record in story.records} == {BITCOIN}
    assert said(story, PeelChain()) == []


def test_hostile_order_and_amounts():
    """Backwards and empty."""
    assert said(chain(5, wait=-DAY, usd=0), PeelChain()) == []
    assert said(chain(4, wait=-DAY), PeelChain()) == alerts((WALLETS[2], "low"), (WALLETS[3], "medium"))


def test_next_to_nothing_at_last():
    """A record may show a worth so small that it is no share of anything."""
    story = Story().coin(SOURCE, WALLETS[0], 100_000)
    for giver, taker in itertools.pairwise(WALLETS[:6]):
        story.wait(60).coin(giver, taker, 95_000).wait(60).coin(giver, SHOPS[0], 1)
        story.records[-1]["usd"] = 1e-320
    assert {severity for *_, severity in said(story, PeelChain())} <= {"low", "medium"}
