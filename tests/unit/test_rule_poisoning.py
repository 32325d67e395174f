"""poisoning: look-alikes that creep into an account's history."""

from detect_kit import COIN, DAY, HOUR, USDT, Story, address, findings, said
from detect_kit import look_alike as like
from txpipe.detect.bounds import Bounds
from txpipe.detect.conduct import Conduct
from txpipe.detect.rules import alike
from txpipe.detect.rules.poisoning import Poisoning

ALICE, SHOP, BOSS, BATCH = (address(name) for name in ("alice", "shop", "boss", "batch"))
THIEF = like(SHOP)
FAKE = "eip155:1/erc20:0x00000000000000000000000000000000000fa4e0"


def dealings():
    """Alice is paid by her boss and pays a shop."""
    return Story().token(BOSS, ALICE, 16_230).wait(HOUR).token(ALICE, SHOP, 5_000).wait(HOUR)


def verdicts(story):
    return said(story, Poisoning())


def found(suspect, severity):
    return [("poisoning", suspect, "suspect", severity)]


def test_dust():
    """Less than a dollar from a look-alike, in a token or in coins."""
    assert verdicts(dealings().token(THIEF, ALICE, 0.01)) == found(THIEF, "medium")
    assert verdicts(dealings().coin(THIEF, ALICE, 0.0003)) == found(THIEF, "medium")


def test_a_few_dollars():
    """Bait of some dollars is small against what the victim deals in."""
    assert verdicts(dealings().token(THIEF, ALICE, 3)) == found(THIEF, "medium")
    assert verdicts(dealings().token(THIEF, ALICE, 49)) == found(THIEF, "medium")


def test_zero_value():
    """Zero from the look-alike, or in the victim's own name by somebody else."""
    assert verdicts(dealings().token(THIEF, ALICE, 0, initiator=BATCH)) == found(THIEF, "medium")
    assert verdicts(dealings().token(ALICE, THIEF, 0, initiator=BATCH)) == found(THIEF, "medium")


def test_counterfeit():
    """A fake USDT, to or in the name of the victim, is high."""
    story = dealings().token(ALICE, THIEF, 5_000, FAKE, "U\u0405DT", initiator=BATCH)
    assert verdicts(story) == found(THIEF, "high")
    assert verdicts(dealings().token(THIEF, ALICE, 5_000, FAKE, "USDT")) == found(THIEF, "high")
    assert verdicts(dealings().token(THIEF, ALICE, 5_000, FAKE, "JUNK")) == found(THIEF, "medium")


def test_look_alike_of_a_payer():
    """Who paid the victim is imitated, too."""
    thief = like(BOSS, 4, 4)
    assert verdicts(dealings().token(thief, ALICE, 0.001)) == found(thief, "medium")


def test_many_digits_or_the_same_amount():
    """Nine digits, or the amount of a payment in small, are sure."""
    thief = like(SHOP, 4, 5)
    assert verdicts(dealings().token(thief, ALICE, 0.001)) == found(thief, "high")
    assert verdicts(dealings().token(THIEF, ALICE, 0.01623)) == found(THIEF, "high")


def test_evidence():
    """The numbers compared are told."""
    [(_, one)] = findings(dealings().token(THIEF, ALICE, 0.01), Poisoning())
    thresholds = one.evidence.pop("thresholds")
    assert one.evidence == {
        "victim": ALICE,
        "imitates": SHOP,
        "leading_digits": 3,
        "trailing_digits": 4,
        "digits": 7,
        "kind": "dust",
        "times": 1,
        "usd": 0.01,
        "real_from_usd": 100.0,
        "paid_before_usd": 0.0,
        "trusted_from_usd": 1_623.0,
        "mimics_amount": False,
        "usual_usd": 16_230.0,
        "sent_by": THIEF,
    }
    assert thresholds["sure_digits"] == 9
    assert one.title == "Look-alike of a counterparty (3+4 digits) poisons an account: dust"


def test_campaign_is_said_once_a_victim():
    """Daily dust is one alert, a worse kind another; a month later it is said again."""
    story = dealings()
    for _ in range(20):
        story.token(THIEF, ALICE, 0.01).wait(DAY)
    story.token(THIEF, ALICE, 100, FAKE, "USDT").wait(31 * DAY).token(THIEF, ALICE, 0.01)
    assert verdicts(story) == found(THIEF, "medium") + found(THIEF, "high") + found(THIEF, "medium")


def test_batch():
    """Each victim of a batch is told."""
    others = [address(f"victim {i}") for i in range(5)]
    story = Story()
    for other in others:
        story.token(other, SHOP, 800)
    tx = story.tx()
    story.call(BATCH, address("batcher"), tx=tx, follows=5)
    for n, other in enumerate(others):
        story.moved(tx, n + 1, other, THIEF, 0)
    assert verdicts(story) == found(THIEF, "medium") * 5


def test_original_is_never_the_suspect():
    """A look-alike that crept into the history does not make the original suspicious."""
    story = dealings().token(THIEF, ALICE, 3).token(SHOP, ALICE, 0.5).token(SHOP, ALICE, 10)
    assert verdicts(story) == found(THIEF, "medium")


def test_strangers():
    """Dust from whoever looks like nobody, or shares a digit less, is left alone."""
    assert verdicts(dealings().token(BATCH, ALICE, 0.01).token(like(SHOP, 2, 4), ALICE, 0.01)) == []
    assert verdicts(dealings().token(like(SHOP, 4, 3), ALICE, 0.01).token(SHOP, ALICE, 0.01)) == []


def test_vanity_twins():
    """Two addresses of one owner that both deal with the account; one funded by the other; a service."""
    twin = like(SHOP, 6, 6)
    assert verdicts(dealings().token(twin, ALICE, 3_000).wait(DAY).token(twin, ALICE, 0.5)) == []
    assert verdicts(dealings().token(SHOP, twin, 4_000).wait(HOUR).token(twin, ALICE, 0.5)) == []
    assert said(dealings().token(twin, ALICE, 0.5), Poisoning(), allowed={twin}) == []


def test_vanity_runs():
    """000...0000 is a fashion; it stays low."""
    real, twin = "0x000" + "a" * 33 + "0000", "0x000" + "b" * 33 + "0000"
    assert verdicts(Story().token(ALICE, real, 900).token(twin, ALICE, 0.5)) == found(twin, "low")
    assert alike.weight(real, twin) == 2


def test_own_family():
    """Who has addresses with the same ends sends some dollars between them."""
    second, third = like(ALICE, 5, 5, "2"), like(ALICE, 5, 5, "3")
    assert verdicts(Story().token(second, ALICE, 9_000).token(third, ALICE, 2)) == []


def test_own_zero_value_call():
    """A zero transfer that the account itself sends is nobody's poison."""
    assert verdicts(dealings().token(ALICE, THIEF, 0)) == []


def test_hostile():
    """Times that run backwards, amounts without bounds and other families of addresses do no harm."""
    story = (
        dealings()
        .wait(-10 * DAY)
        .token(THIEF, ALICE, 0)
        .wait(-3000 * DAY)
        .token(THIEF, ALICE, 10**60, FAKE, "x" * 9999)
    )
    story._put("transfer", story.tx(), 0, "1BoatSLRHtKNngkdXEeobR76b53LETtpyT", ALICE, asset=COIN, value="0")
    story._put("transfer", story.tx(), 0, THIEF, ALICE, asset=USDT, value="9" * 70, usd=1e300)
    assert verdicts(story) == found(THIEF, "medium") * 2


def test_flood_of_look_alikes_is_bounded():
    """Only the last of a flood are kept on the victim."""
    story = dealings()
    for i in range(50):
        story.token(like(SHOP, seed=str(i)), ALICE, 0.01)
    assert len(verdicts(story)) == 50
    conduct = Conduct(lambda _: ((Poisoning(),), Bounds()), lambda *_: False)
    for record in story.records:
        list(conduct.take(record))
    assert len(conduct.find("eip155:1", ALICE).noted("poisoning")) == alike.MOST
