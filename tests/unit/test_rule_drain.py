"""drain: wallets that are emptied into an account nobody knows."""

from detect_kit import CHAIN, DAY, HOUR, USDT, Story, address, findings, said
from txpipe.detect.rules.drain import Drain, Settings

THIEF, NEXT, BOSS, OWNER = (address(name) for name in ("thief", "next", "boss", "owner"))
LINK = f"{CHAIN}/erc20:0x514910771af9ca656af840dff83e8264ecf986ca"
LOW, MEDIUM, HIGH = (("drain", THIEF, "suspect", level) for level in ("low", "medium", "high"))


def victim(number):
    return address(f"victim {number}")


def lives(count, usd=1_000, paid=3, funder=None):
    """Let wallets live: each is paid by its own employer and pays a few others."""
    story = Story()
    for number in range(count):
        story.coin(funder or address(f"employer {number}"), victim(number), usd)
        for shop in range(paid):
            story.coin(victim(number), address(f"shop {number} {shop}"), 10).wait(60)
    return story.wait(20 * DAY)


def drained(story, count, usd=960, pause_s=600, start=0):
    for number in range(start, start + count):
        story.coin(victim(number), THIEF, usd).wait(pause_s)
    return story


def test_several_wallets_within_hours():
    """The third wallet makes it a drain; each further one is a victim of it."""
    story = drained(lives(5), 5)
    found = findings(story, Drain())
    assert [(one.rule, one.subject, one.role, one.severity, one.about) for _, one in found] == [
        (*MEDIUM, None),
        ("drain", victim(3), "victim", "medium", THIEF),
        ("drain", victim(4), "victim", "medium", THIEF),
    ]
    suspect, loss = found[0][1], found[1][1]
    taken = [record["tx"] for record in story.records if record["to"] == THIEF]
    start = story.time - 3_000
    assert suspect.title == "3 unrelated accounts emptied into one within hours, 2,880 USD"
    assert {key: value for key, value in suspect.evidence.items() if key != "thresholds"} == {
        "emptied": [
            {
                "time": start + 600 * number,
                "usd": 960.0,
                "sender": victim(number),
                "source": address(f"employer {number}"),
                "solid": True,
                "held_usd": 970.0,
                "assets": 1,
                "tx": taken[number],
            }
            for number in range(3)
        ],
        "sum_usd": 2_880.0,
        "over_s": 1_200,
        "first_seen": start,
        "payers": 3,
        "wallets": 3,
        "held_usd": 2_880.0,
        "receiver": THIEF,
    }
    assert {key: value for key, value in loss.evidence.items() if key != "thresholds"} == {
        "sent_usd": 960.0,
        "held_usd": 970.0,
        "wallets": 4,
        "source": address("employer 3"),
        "receiver": THIEF,
    }


def test_ten_wallets_are_high():
    """From ten wallets on it is high, said once; each victim in between and after is said."""
    story = drained(lives(12), 12)
    assert said(story, Drain()) == [
        MEDIUM,
        *(("drain", victim(number), "victim", "medium") for number in range(3, 9)),
        HIGH,
        *(("drain", victim(number), "victim", "medium") for number in range(10, 12)),
    ]


def test_a_leak_of_hundreds():
    """A hundred wallets in a night are one incident: two words about the receiver, one about each victim."""
    found = said(drained(lives(100), 100, pause_s=60), Drain())
    assert len(found) == 98
    assert [each for each in found if each[2] == "suspect"] == [MEDIUM, HIGH]


def test_drawn_out_and_with_a_rest():
    """A wallet every seven hours, and a tenth of it left: six of them make it sure."""
    story = drained(lives(7), 7, usd=860, pause_s=7 * HOUR)
    assert said(story, Drain()) == [MEDIUM, ("drain", victim(6), "victim", "medium")]


def test_thief_pays_the_gas():
    """Gas from the thief makes him no owner."""
    story = lives(3)
    for number in range(3):
        story.coin(THIEF, victim(number), 2)
    assert said(drained(story, 3, 960), Drain()) == [MEDIUM]


def test_owner_gathers_his_wallets():
    """Wallets with one funder, or funded by the receiver, belong together."""
    assert said(drained(lives(5, funder=OWNER), 5), Drain()) == []
    assert said(drained(lives(5, funder=THIEF), 5), Drain()) == []


def test_sweep_into_a_new_hot_wallet():
    """Deposit addresses, which only ever forwarded, make no more than low."""
    story = Story()
    for number in range(8):
        story.coin(address(f"customer {number}"), victim(number), 900).wait(60)
        story.coin(victim(number), address("old hot"), 890).wait(60)
        story.coin(address(f"customer {number}"), victim(number), 970).wait(60)
    assert said(drained(story, 8, 960), Drain(), allowed={address("old hot")}) == [LOW]


def test_shop_and_services():
    """A shop gets more from others; a service and a contract are for many; a part is no drain."""
    story = lives(40)
    for number in range(3, 40):
        story.coin(victim(number), THIEF, 300).wait(60)
    assert said(drained(story, 3), Drain()) == []
    assert said(drained(lives(5), 5), Drain(), allowed={THIEF}) == []
    assert said(drained(lives(5).call(BOSS, THIEF), 5), Drain()) == []
    assert said(drained(lives(5), 5, usd=500), Drain()) == []
    assert said(drained(lives(5, usd=60, paid=3), 5, usd=2_000), Drain()) == []


def test_wallet_moves_house():
    """All of a wallet in three movements to a new account is low, and stays so if it is kept."""
    story = (
        lives(1, usd=10_000).token(BOSS, victim(0), 4_000).token(BOSS, victim(0), 100, LINK, "LINK", 1_500)
    )
    story.wait(DAY).token(victim(0), THIEF, 4_000).token(victim(0), THIEF, 100, LINK, "LINK", 1_500)
    story.wait(300).coin(victim(0), THIEF, 9_950)
    loss = ("drain", victim(0), "victim", "low")
    assert said(story, Drain()) == [loss]
    assert said(story.wait(HOUR).coin(THIEF, BOSS, 1_000), Drain()) == [loss]
    story.coin(THIEF, NEXT, 7_000).token(THIEF, NEXT, 4_000)
    assert said(story, Drain()) == [loss, MEDIUM]


def thin(count, usd=900, token=500, start=0):
    """Let wallets be funded, each by somebody of its own, some hours ago; nothing else is known of them."""
    story = Story()
    for number in range(start, start + count):
        story.coin(address(f"employer {number}"), victim(number), usd)
        story.token(address(f"friend {number}"), victim(number), token).wait(600)
    return story.wait(5 * HOUR)


def swept(story, number, usd=890, token=500, thief=THIEF, pause_s=30):
    """Send both that a wallet holds."""
    return story.token(victim(number), thief, token).wait(pause_s).coin(victim(number), thief, usd).wait(600)


def test_wallets_emptied_in_pieces():
    """Coin and token within a minute count as one wallet; two such are a drain, each further one a victim."""
    story = thin(4)
    for number in range(4):
        swept(story, number)
    losses = [("drain", victim(number), "victim", "medium") for number in (2, 3)]
    assert said(story, Drain()) == [MEDIUM, *losses]


def test_two_wallets_in_part():
    """Who takes two thirds of each asset of two wallets, hours apart, leaves a rest to hide it."""
    story = swept(thin(2), 0, 560, 370).wait(6 * HOUR)
    assert said(story, Drain()) == []
    swept(story, 1, 600, 340)
    [(_, one)] = findings(story, Drain())
    assert (one.subject, one.severity) == (THIEF, "medium")
    assert one.title == "2 unrelated accounts emptied into one within hours, 1,870 USD"
    assert [(each["usd"], each["held_usd"], each["assets"]) for each in one.evidence["emptied"]] == [
        (930.0, 1_400.0, 2),
        (940.0, 1_400.0, 2),
    ]


def test_two_wallets_of_one_owner():
    """Two wallets with one funder are one owner's, and so are a wallet and the one that it funded."""
    story = Story()
    for number in range(2):
        story.coin(OWNER, victim(number), 900).token(BOSS, victim(number), 500).wait(600)
    assert said(swept(swept(story.wait(HOUR), 0), 1), Drain()) == []
    story = Story().coin(BOSS, victim(0), 2_000).token(NEXT, victim(0), 500).wait(600)
    story.coin(victim(0), victim(1), 900).token(address("friend"), victim(1), 500).wait(HOUR)
    assert said(swept(swept(story, 0, 1_000), 1), Drain()) == []


def test_two_wallets_among_other_income():
    """Two wallets are not enough for an account that others pay as well, or that paid before."""
    story = thin(2)
    for number in range(3):
        story.coin(address(f"guest {number}"), THIEF, 50)
    assert said(swept(swept(story, 0), 1), Drain()) == []
    story = thin(2).coin(BOSS, THIEF, 500).coin(THIEF, NEXT, 20)
    assert said(swept(swept(story, 0), 1), Drain()) == []


def test_two_wallets_passed_on():
    """A wallet of several assets and one of a single one are nothing until they are passed on."""
    story = swept(thin(2), 0, 560, 370).wait(6 * HOUR).coin(victim(1), THIEF, 890)
    assert said(story, Drain()) == []
    story.wait(2 * HOUR).token(THIEF, NEXT, 370).wait(2 * HOUR)
    assert said(story, Drain()) == []
    story.coin(THIEF, NEXT, 1_440)
    assert said(story, Drain()) == [MEDIUM]
    [(_, one)] = findings(story, Drain())
    assert one.title == "New account got most of 2 wallets and passes 99% of it on"
    assert [each["assets"] for each in one.evidence["emptied"]] == [2, 1]
    assert (one.evidence["sum_usd"], one.evidence["passed_on_usd"]) == (1_820.0, 1_810.0)


def test_one_wallet_passed_on():
    """All of one wallet is a theft if it goes on at once, asset by asset; the next wallet keeps it."""
    assert said(swept(thin(1), 0), Drain()) == []
    story = swept(thin(1), 0).wait(HOUR).token(THIEF, NEXT, 500).wait(HOUR).coin(THIEF, NEXT, 880)
    assert said(story, Drain()) == [MEDIUM]
    story = swept(thin(1), 0).wait(2 * DAY).token(THIEF, NEXT, 500).wait(HOUR).coin(THIEF, NEXT, 880)
    assert said(story, Drain()) == []


def test_deposit_address_forwards():
    """A deposit address hands on what one customer sent to a service, or to who paid for the gas."""
    story = swept(thin(1), 0).token(THIEF, BOSS, 500).coin(THIEF, BOSS, 880)
    assert said(story, Drain(), allowed={BOSS}) == []
    story = thin(1).coin(BOSS, THIEF, 9)
    assert said(swept(story, 0).token(THIEF, BOSS, 500).coin(THIEF, BOSS, 880), Drain()) == []


def test_payments_of_one_asset():
    """Customers whose payment is most of what was seen of them make no drain of a shop's new account."""
    story = thin(2, token=0)
    story.coin(victim(0), THIEF, 700).wait(HOUR).coin(victim(1), THIEF, 650).wait(HOUR)
    assert said(story.coin(THIEF, NEXT, 600).coin(THIEF, NEXT, 740), Drain()) == []


def test_new_hot_wallet_with_a_float():
    """A service gives its new wallet money first, and then sweeps even accounts that led a life into it."""
    story = lives(5).coin(BOSS, THIEF, 3_000)
    assert said(drained(story, 5), Drain(), allowed={BOSS}) == [LOW]


def test_wallets_richer_than_seen():
    """What a wallet held before the stream began does not hide that it loses several assets in haste."""
    story = swept(thin(3), 0, 90_000)
    found = said(swept(swept(story, 1), 2), Drain())
    assert found == [MEDIUM, ("drain", victim(2), "victim", "medium")]


def test_one_rich_wallet_passed_on():
    """All assets of one wallet, the largest never seen before, are a theft once they go on."""
    story = swept(thin(1), 0, 90_000)
    assert said(story, Drain()) == []
    story.wait(HOUR).token(THIEF, NEXT, 500).wait(HOUR).coin(THIEF, NEXT, 80_000)
    assert said(story, Drain()) == [MEDIUM]


def test_one_wallet_beside_a_richer_one():
    """A swept wallet makes a theft of all that a new account got, if the account passes all of it on."""
    story = swept(thin(2).coin(victim(1), THIEF, 4_000).wait(2 * HOUR), 0).wait(HOUR)
    story.token(THIEF, NEXT, 500).coin(THIEF, NEXT, 2_900)
    assert said(story, Drain()) == []
    assert MEDIUM in said(story.coin(THIEF, NEXT, 1_900), Drain())
    story = swept(thin(2).coin(victim(1), THIEF, 40_000).wait(2 * HOUR), 0).wait(HOUR)
    assert said(story.token(THIEF, NEXT, 500).coin(THIEF, NEXT, 40_800), Drain()) == []


def test_small_pieces_first():
    """The first pieces are small and noticed only when the last one comes."""
    loss = ("drain", victim(0), "victim", "low")
    for gas in (0, 9):
        story = thin(1, usd=8_000).token(address("aunt"), victim(0), 5, LINK, "LINK", 75).wait(HOUR)
        if gas:
            story.coin(BOSS, THIEF, gas).wait(300)
        story.token(victim(0), THIEF, 5, LINK, "LINK", 75).wait(30).token(victim(0), THIEF, 500).wait(30)
        story.coin(victim(0), THIEF, 7_900).wait(HOUR)
        story.token(THIEF, NEXT, 500).wait(HOUR).coin(THIEF, NEXT, 7_800)
        assert said(story, Drain()) == [*([] if gas else [loss]), MEDIUM]


def test_busy_payer_richer_than_seen():
    """Payments of several assets by who pays others meanwhile, or takes its time, are payments."""
    story = thin(1).token(victim(0), THIEF, 490).wait(60)
    for number in range(4):
        story.coin(victim(0), address(f"shop {number}"), 10)
    story.coin(victim(0), THIEF, 9_000).wait(HOUR)
    assert said(story.token(THIEF, NEXT, 490).coin(THIEF, NEXT, 8_900), Drain()) == []
    story = thin(1).token(victim(0), THIEF, 490).wait(3_000).coin(victim(0), THIEF, 9_000).wait(HOUR)
    assert said(story.token(THIEF, NEXT, 490).coin(THIEF, NEXT, 8_900), Drain()) == []


def test_hostile_times_and_amounts():
    """Backward time, nothing, far too much and odd tokens raise no error and no finding."""
    story = lives(6)
    for number in range(6):
        story.token(victim(number), THIEF, 0, USDT).coin(victim(number), THIEF, 1e14).wait(-9 * DAY)
        story.token(victim(number), THIEF, 5, f"{CHAIN}/erc20:{address('odd')}", "\x1b[31m")
    assert said(story, Drain()) == []


def test_settings_decide():
    """More wallets can be asked for."""
    assert said(drained(lives(5), 5), Drain(Settings(wallets=6))) == []
