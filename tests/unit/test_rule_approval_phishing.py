"""approval-phishing: approvals given to strangers, and what they take."""

import pytest

from detect_kit import CHAIN, COIN, DAY, HOUR, NOW, USDT, Story, address, findings, said
from txpipe.detect.bounds import Bounds
from txpipe.detect.conduct import Conduct
from txpipe.detect.rules.approval_phishing import MOST, ApprovalPhishing

OWNER, THIEF, LOOT, BOSS, APP, KEEPER, FRIEND = (
    address(name) for name in ("owner", "thief", "loot", "boss", "app", "keeper", "friend")
)
APES = f"{CHAIN}/erc721:{address('apes')}"
LINK = f"{CHAIN}/erc20:0x514910771af9ca656af840dff83e8264ecf986ca"
WETH = f"{CHAIN}/erc20:0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"
OWNERS = [address(f"owner {i}") for i in range(12)]


def funded(*owners, usd=10_000):
    """Each owner earned some USDT from somebody of his own."""
    story = Story()
    for owner in owners or (OWNER,):
        story.token(address("boss of " + owner), owner, usd)
    return story.wait(HOUR)


def verdicts(story, **context):
    return [
        ("victim" if role == "victim" else "suspect", subject, severity)
        for _, subject, role, severity in said(story, ApprovalPhishing(), **context)
    ]


def robbed(severity, owner=OWNER):
    return [("victim", owner, severity)]


def collector(severity, spender=THIEF):
    return [("suspect", spender, severity)]


def test_pull_by_a_key():
    """A stranger's key takes most of what the owner holds, at once or months later, for itself or another."""
    story = funded().approve(OWNER, THIEF).wait(HOUR).token(OWNER, LOOT, 9_000, initiator=THIEF)
    assert verdicts(story) == robbed("high")
    story = funded().approve(OWNER, THIEF).wait(100 * DAY).token(OWNER, THIEF, 9_000, initiator=THIEF)
    assert verdicts(story) == robbed("high")


def test_permit():
    """A permit that the thief sends in himself, then the pull, even in one transaction."""
    story = funded().approve(OWNER, THIEF, via="permit", initiator=THIEF)
    assert verdicts(story.token(OWNER, LOOT, 10_000, initiator=THIEF)) == robbed("high")
    story = funded()
    tx = story.tx()
    story.call(THIEF, address("drainer"), tx=tx)
    story._put(
        "approval", tx, 1, OWNER, address("drainer"), asset=USDT, value="1", scope="amount", via="permit"
    )
    assert verdicts(story.moved(tx, 2, OWNER, LOOT, 10_000)) == robbed("medium")


def test_pull_in_parts():
    """Parts add up over a few days; a fifth of much money is medium already; tokens add up, too."""
    story = funded().approve(OWNER, THIEF)
    for _ in range(3):
        story.wait(8 * HOUR).token(OWNER, LOOT, 2_000, initiator=THIEF)
    assert verdicts(story) == robbed("medium") + robbed("high")
    story = funded().token(BOSS, OWNER, 10_000, WETH, "WETH", usd=10_000)
    story.approve(OWNER, THIEF).approve(OWNER, THIEF, WETH)
    story.token(OWNER, LOOT, 7_000, initiator=THIEF).token(OWNER, LOOT, 7_000, WETH, "WETH", 7_000, THIEF)
    assert verdicts(story) == robbed("medium") + robbed("high")


def test_pull_without_known_holdings():
    """In the middle of a life, a thousand dollars count as most."""
    story = Story().approve(OWNER, THIEF).token(OWNER, LOOT, 1_500, initiator=THIEF)
    assert verdicts(story) == robbed("high")
    assert verdicts(Story().approve(OWNER, THIEF).token(OWNER, LOOT, 700, initiator=THIEF)) == []


def test_items_and_tokens_without_a_price():
    """An item, or a known token of unknown worth, taken by the key that was approved: medium."""
    story = Story().approve(OWNER, THIEF, APES, "setApprovalForAll", "all")
    for item in range(4):
        story.nft(OWNER, LOOT, address("apes"), item, initiator=THIEF)
    assert verdicts(story) == robbed("medium")
    story = Story().approve(OWNER, THIEF, LINK).token(OWNER, LOOT, 40, LINK, "LINK", initiator=THIEF)
    assert verdicts(story) == robbed("medium")


def test_pull_through_a_contract():
    """Somebody calls the approved contract, and all goes to a private account."""
    story = funded().approve(OWNER, APP)
    tx = story.tx()
    story.call(THIEF, APP, tx=tx)
    assert verdicts(story.moved(tx, 1, OWNER, LOOT, 9_500)) == robbed("medium")


def test_rotated_spenders():
    """Every owner approves another spender; all ends at one account."""
    story = funded(*OWNERS[:4])
    for i, owner in enumerate(OWNERS[:4]):
        story.approve(owner, address(f"spender {i}")).wait(DAY)
        story.token(owner, LOOT, 9_000, initiator=address(f"spender {i}"))
    expected = robbed("high", OWNERS[0]) + robbed("high", OWNERS[1]) + robbed("high", OWNERS[2])
    assert verdicts(story) == expected + collector("high", LOOT) + robbed("high", OWNERS[3])


def test_hidden_spenders():
    """The approved contract is called by way of another: the receiver tells."""
    story = funded(*OWNERS[:3])
    for owner in OWNERS[:3]:
        story.approve(owner, address("inner"))
        tx = story.tx()
        story.call(THIEF, address("outer"), tx=tx).moved(tx, 1, owner, LOOT, 9_000)
    assert verdicts(story) == collector("high", LOOT)


def test_collected_approvals():
    """Unlimited approvals to a key from four owners, all of a collection from two, permits from two."""
    story = Story().coin(THIEF, FRIEND, 5)
    for owner in OWNERS[:8]:
        story.approve(owner, THIEF)
    assert verdicts(story) == collector("medium")
    story = Story().coin(THIEF, FRIEND, 5)
    for owner in OWNERS[:2]:
        story.approve(owner, THIEF, APES, "setApprovalForAll", "all")
    assert verdicts(story) == collector("medium")
    story = Story()
    for owner in OWNERS[:2]:
        story.approve(owner, THIEF, via="permit", initiator=THIEF, value=10**9)
    assert verdicts(story) == collector("medium")


def test_collected_by_somebody_unknown():
    """Who never signed may be a contract that nobody calls by name: low; as are limited approvals."""
    story = Story()
    for owner in OWNERS:
        story.approve(owner, APP, APES, "setApprovalForAll", "all")
    for owner in OWNERS[:5]:
        story.approve(owner, THIEF)
    assert verdicts(story) == collector("low")
    story = Story().coin(THIEF, FRIEND, 5)
    for owner in OWNERS[:5]:
        story.approve(owner, THIEF, value=50 * 10**6)
    assert verdicts(story) == collector("low")


def test_evidence():
    """The numbers compared are told, and whose incident it is."""
    story = funded().approve(OWNER, THIEF).wait(HOUR).token(OWNER, LOOT, 9_000, initiator=THIEF)
    [(_, one)] = findings(story, ApprovalPhishing())
    assert (one.about, one.unless_paid) == (THIEF, OWNER)
    assert one.title == "A spender that an account approved pulled most of what it held"
    del one.evidence["thresholds"]
    assert one.evidence == {
        "spender": THIEF,
        "receiver": LOOT,
        "signed_by": THIEF,
        "approved": NOW + HOUR,
        "by_permit": False,
        "by_key": True,
        "taken_usd": 9_000.0,
        "held_usd": 10_000.0,
        "receivers": 1,
    }


def taken(story, owner, *parts, signer=THIEF, spender=APP):
    """Let somebody call the approved contract, which gives away what the owner holds."""
    tx = story.tx()
    story.call(signer, spender, tx=tx)
    for number, (receiver, amount) in enumerate(parts):
        story.moved(tx, number + 1, owner, receiver, amount)
    return story


def test_small_sums_for_the_caller():
    """Who calls the approved contract to get half of what an owner holds: medium, be it little."""
    story = funded(usd=100).approve(OWNER, APP).wait(HOUR)
    assert verdicts(taken(story, OWNER, (THIEF, 60))) == robbed("medium")
    assert verdicts(taken(funded(usd=100).approve(OWNER, APP), OWNER, (THIEF, 40))) == []
    assert verdicts(taken(funded(usd=100).approve(OWNER, APP), OWNER, (APP, 60))) == []


def test_shared_loot():
    """A fifth of the holdings, shared out between two accounts, by a contract or by a key."""
    story = taken(funded().approve(OWNER, APP), OWNER, (LOOT, 500), (THIEF, 2_000))
    assert verdicts(story) == robbed("medium")
    story = funded(usd=1_000).approve(OWNER, THIEF).token(OWNER, THIEF, 160, initiator=THIEF)
    assert verdicts(story) == []
    assert verdicts(story.token(OWNER, LOOT, 40, initiator=THIEF)) == robbed("medium")


def test_split_loot():
    """A hundredth of the holdings is enough where the taker gets a part and somebody new another."""
    for first, second in ((110, 30), (30, 110)):
        story = taken(funded().approve(OWNER, APP), OWNER, (THIEF, first), (LOOT, second))
        assert verdicts(story) == robbed("medium")
    story = funded().approve(OWNER, THIEF).token(OWNER, THIEF, 110, initiator=THIEF)
    assert verdicts(story.token(OWNER, LOOT, 30, initiator=THIEF)) == robbed("medium")


def test_invoice_with_a_fee():
    """A shop's contract gives a fee to its platform, or a part to a platform that others pay, too."""
    story = taken(funded().approve(OWNER, APP), OWNER, (FRIEND, 197), (BOSS, 3), signer=FRIEND)
    assert verdicts(story) == []
    story = funded()
    for owner in OWNERS[:3]:
        story.coin(owner, BOSS, 20)
    taken(story.approve(OWNER, APP), OWNER, (FRIEND, 170), (BOSS, 30), signer=FRIEND)
    assert verdicts(story) == []
    assert verdicts(taken(funded().approve(OWNER, APP), OWNER, (FRIEND, 60), (BOSS, 20), signer=FRIEND)) == []


def test_the_same_caller_takes_from_several():
    """Two owners' odd sums, not most of what they hold, go to who called the contract; fees do not."""
    story = funded(*OWNERS[:3])
    for number, owner in enumerate(OWNERS[:2]):
        taken(story.approve(owner, APP).wait(HOUR), owner, (THIEF, 2_100 + 77 * number))
    assert verdicts(story) == collector("medium")
    [(_, one)] = findings(story, ApprovalPhishing())
    assert (one.unless_paid, one.evidence["taken_usd"]) == (OWNERS[1], [2_100.0, 2_177.0])
    story = funded(*OWNERS[:6])
    for owner in OWNERS[:6]:
        taken(story.approve(owner, APP).wait(HOUR), owner, (FRIEND, 100), signer=FRIEND)
    assert verdicts(story) == []
    story = funded(*OWNERS[:6])
    for number, owner in enumerate(OWNERS[:6]):
        taken(story.approve(owner, APP).wait(HOUR), owner, (FRIEND, 100 + number), signer=FRIEND)
    assert verdicts(story) == []


def test_new_application():
    """Owners approve a contract and then call it themselves; so does whoever uses a router."""
    story = funded(*OWNERS)
    for owner in OWNERS:
        story.approve(owner, APP)
        tx = story.tx()
        story.call(owner, APP, tx=tx).moved(tx, 1, owner, APP, 9_900)
    assert verdicts(story) == []


def test_swap_by_a_solver():
    """A solver who pays before he takes is seen at once; one who pays afterwards makes the finding void."""
    story = funded().approve(OWNER, APP)
    tx = story.tx()
    story.call(KEEPER, APP, tx=tx).moved(tx, 1, KEEPER, OWNER, 3, WETH, "WETH", 9_000).moved(
        tx, 2, OWNER, KEEPER, 9_000
    )
    assert verdicts(story) == []
    story = funded().approve(OWNER, APP)
    tx = story.tx()
    story.call(KEEPER, APP, tx=tx).moved(tx, 1, OWNER, KEEPER, 9_000).moved(
        tx, 2, KEEPER, OWNER, 3, WETH, "WETH", 9_000
    )
    assert [one.unless_paid for _, one in findings(story, ApprovalPhishing())] == [OWNER]


@pytest.mark.parametrize("limited", [True, False])
def test_subscriptions(limited):
    """A merchant's key takes a small sum from many every month."""
    story = funded(*OWNERS, usd=400)
    for month in range(6):
        for owner in OWNERS:
            if not month:
                story.approve(owner, FRIEND, value=10**9 if limited else 2**256 - 1)
            story.token(owner, FRIEND, 19.99, initiator=FRIEND).wait(HOUR)
        story.wait(30 * DAY)
    assert verdicts(story) == []


def test_own_second_wallet():
    """An owner moves his funds with a second wallet that he paid, or that the same employer pays."""
    story = funded().token(OWNER, FRIEND, 20).approve(OWNER, FRIEND)
    assert verdicts(story.token(OWNER, FRIEND, 9_900, initiator=FRIEND)) == []
    story = Story().coin(BOSS, OWNER, 10_000).coin(BOSS, FRIEND, 200).approve(OWNER, FRIEND)
    assert verdicts(story.token(OWNER, FRIEND, 9_900, initiator=FRIEND)) == []


def test_services():
    """Routers and exchanges take what they were allowed to take."""
    story = funded().approve(OWNER, APP).token(OWNER, KEEPER, 9_000, initiator=APP)
    assert verdicts(story, allowed={APP}) == []
    assert verdicts(story, allowed={KEEPER}) == []


def test_contract_wallet():
    """A wallet whose transactions others send approves and pays as it likes."""
    story = funded().approve(OWNER, APP, initiator=KEEPER).token(OWNER, APP, 9_900, initiator=KEEPER)
    assert verdicts(story) == []


def test_revoked_and_expired():
    """What was taken back is forgotten, what was given long ago as well, and the watch with it."""
    story = funded().approve(OWNER, THIEF).approve(OWNER, THIEF, value=0)
    assert verdicts(story.token(OWNER, LOOT, 9_000, initiator=THIEF)) == []
    story = funded().approve(OWNER, THIEF).wait(200 * DAY).token(OWNER, LOOT, 9_000, initiator=THIEF)
    assert verdicts(story) == []


def test_forged_approvals():
    """Logs of a token that its maker writes in anyone's name count for nothing."""
    story = Story().coin(FRIEND, BOSS, 5)
    for owner in OWNERS:
        story.approve(owner, FRIEND, f"{CHAIN}/erc20:{address('junk')}", initiator=THIEF)
        story.approve(owner, FRIEND, f"{CHAIN}/erc20:{address('junk')}", via="permit", initiator=THIEF)
    assert verdicts(story) == []


def test_hostile_and_bounded():
    """Backward times, endless amounts and floods of approvals raise nothing and leave bounded notes."""
    story = funded()
    for i in range(60):
        story.approve(OWNER, address(f"spender {i}"), value=10**77).wait(-HOUR)
        story.approve(OWNERS[i % 12], THIEF, value=0).approve(address(f"o{i}"), THIEF)
        story.token(OWNER, LOOT, 10**50, initiator=address(f"spender {i}"), usd=1e300)
    story.moved(story.tx(), 3, OWNER, LOOT, 5).coin(OWNER, LOOT, 0.0)
    conduct = Conduct(lambda _: ((ApprovalPhishing(),), Bounds()), lambda *_: False)
    for record in story.records:
        list(conduct.take(record))
    assert len(conduct.find(CHAIN, OWNER).noted("approval-phishing")["given"]) == MOST
    assert len(conduct.find(CHAIN, THIEF).noted("approval-phishing")["got"]) == MOST
    assert COIN in {record.get("asset") for record in story.records}


def test_shops():
    """What shops collect with a key from many is low; so small a sum for somebody new is medium."""
    story = funded(usd=400)
    assert verdicts(story.approve(OWNER, THIEF).token(OWNER, THIEF, 300, initiator=THIEF)) == robbed("medium")
    story = funded(usd=400)
    for i in range(9):
        story.token(address(f"customer {i}"), FRIEND, 20)
    story.approve(OWNER, FRIEND).token(OWNER, FRIEND, 300, initiator=FRIEND)
    assert verdicts(story) == robbed("low")
    story.approve(OWNERS[0], FRIEND).token(OWNERS[0], FRIEND, 300, initiator=FRIEND)
    for owner in OWNERS[6:10]:
        story.approve(owner, FRIEND)
    assert verdicts(story) == robbed("low") + collector("low", FRIEND)
