"""poisoned-payment: money that went to a look-alike."""

from detect_kit import DAY, HOUR, NOW, Story, address, findings, said
from detect_kit import look_alike as like
from txpipe.detect.rules.poisoned_payment import PoisonedPayment
from txpipe.detect.rules.poisoning import Poisoning

ALICE, SHOP, BOSS, BATCH = (address(name) for name in ("alice", "shop", "boss", "batch"))
THIEF = like(SHOP)
FAKE = "eip155:1/erc20:0x00000000000000000000000000000000000fa4e0"


def dealings():
    """Alice is paid by her boss and pays a shop."""
    return Story().token(BOSS, ALICE, 16_230).wait(HOUR).token(ALICE, SHOP, 5_000).wait(HOUR)


def verdicts(story, **context):
    both = said(story, Poisoning(), PoisonedPayment(), **context)
    return [one for one in both if one[0] == "poisoned-payment"]


def lost(severity, victim=ALICE):
    return [("poisoned-payment", victim, "victim", severity)]


def test_after_poison():
    """Dust, a zero or a fake in the victim's name, then the payment: critical, in any order of the kinds."""
    poisons = [
        dealings().token(THIEF, ALICE, 0.01),
        dealings().token(ALICE, THIEF, 0, initiator=BATCH),
        dealings().token(ALICE, THIEF, 5_000, FAKE, "USDT", initiator=BATCH),
    ]
    for story in poisons:
        assert verdicts(story.wait(20 * DAY).token(ALICE, THIEF, 4_000)) == lost("critical")


def test_after_a_small_payment():
    """Some real dollars may be honest; the payment that follows is high."""
    assert verdicts(dealings().token(THIEF, ALICE, 3).token(ALICE, THIEF, 4_000)) == lost("high")


def test_without_poison():
    """Poison that came before the stream is not seen: low, and medium for much money."""
    assert verdicts(dealings().token(ALICE, THIEF, 4_000)) == lost("low")
    assert verdicts(dealings().token(ALICE, THIEF, 11_000)) == lost("medium")


def test_look_alike_of_a_payer():
    """A refund to somebody who looks like who paid."""
    thief = like(BOSS)
    assert verdicts(dealings().token(thief, ALICE, 0.1).token(ALICE, thief, 700)) == lost("critical")


def test_a_try_and_then_all():
    """A tiny payment is said, one much larger again, the same again not."""
    story = dealings().token(THIEF, ALICE, 0.01).token(ALICE, THIEF, 0.5).wait(HOUR)
    story.token(ALICE, THIEF, 4_000).wait(HOUR).token(ALICE, THIEF, 4_000)
    assert verdicts(story) == lost("high") + lost("critical")


def test_contract_wallet():
    """A wallet that others call is a victim, too; an unknown token in its name is not."""
    story = Story().token(ALICE, SHOP, 5_000, initiator=BOSS).token(THIEF, ALICE, 0)
    assert verdicts(story.token(ALICE, THIEF, 900, initiator=BOSS)) == lost("critical")
    story = dealings().token(THIEF, ALICE, 0).token(ALICE, THIEF, 900, FAKE, "X", initiator=BATCH)
    assert verdicts(story) == []


def test_unknown_token_of_one_s_own():
    """Who sends an unlisted token himself loses it."""
    assert verdicts(dealings().token(THIEF, ALICE, 0).token(ALICE, THIEF, 9, FAKE, "KOGE")) == lost(
        "critical"
    )


def test_evidence():
    """The intended receiver, the digits and the poison are told, and whose incident it is."""
    story = dealings().token(THIEF, ALICE, 0.01).wait(DAY).token(ALICE, THIEF, 4_000)
    [(_, one)] = findings(story, Poisoning(), PoisonedPayment())[1:]
    assert one.about == THIEF
    assert (
        one.title
        == "Payment to a look-alike of a counterparty (3+4 digits) that poisoned the account with dust"
    )
    del one.evidence["thresholds"]
    assert one.evidence == {
        "receiver": THIEF,
        "intended": SHOP,
        "leading_digits": 3,
        "trailing_digits": 4,
        "digits": 7,
        "usd": 4000.0,
        "poisoned": {"by": "dust", "times": 1, "first": NOW + 2 * HOUR, "last": NOW + 2 * HOUR},
        "paid_before_usd": 0.0,
        "trusted_from_usd": 1_623.0,
        "receiver_first": NOW + 2 * HOUR,
        "receiver_payers": 1,
    }


def test_alone():
    """The rule works without the other, and sees no poison then."""
    story = dealings().token(THIEF, ALICE, 0.01).token(ALICE, THIEF, 4_000)
    assert said(story, PoisonedPayment()) == lost("low")


def test_original_paid_afterwards():
    """Who pays the right one again is not told that it looks like the thief."""
    story = dealings().token(THIEF, ALICE, 2).token(ALICE, THIEF, 4_000).token(ALICE, SHOP, 4_000)
    assert verdicts(story) == lost("high")


def test_vanity_twins():
    """One of two that paid the account real sums, that many pay, that is a service, or the account's own."""
    twin = like(SHOP, 5, 5)
    assert verdicts(dealings().token(twin, ALICE, 2_500).wait(DAY).token(ALICE, twin, 40_000)) == []
    story = dealings()
    for i in range(5):
        story.token(address(f"customer {i}"), twin, 100)
    assert verdicts(story.token(ALICE, twin, 40_000)) == []
    assert verdicts(dealings().token(ALICE, twin, 40_000), allowed={twin}) == []
    mine, second = like(ALICE, 5, 5, "1"), like(ALICE, 5, 5, "2")
    assert verdicts(Story().token(ALICE, mine, 40_000).token(ALICE, second, 40_000)) == []


def test_deposit_addresses_are_said_once():
    """Paid again and again, a twin is low once."""
    story = dealings()
    for _ in range(10):
        story.token(ALICE, like(SHOP, 5, 5), 300).wait(DAY)
    assert verdicts(story) == lost("low")


def test_hostile():
    """Backward times and endless amounts raise nothing."""
    story = (
        dealings().token(THIEF, ALICE, 0).wait(-3000 * DAY).token(ALICE, THIEF, 10**60, usd=float("1e308"))
    )
    assert verdicts(story) == lost("critical")
