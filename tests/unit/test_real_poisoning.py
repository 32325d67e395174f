"""Real losses by address poisoning, replayed; and what chance does."""

import csv
import random

import pytest

from detect_kit import NOW
from txpipe.detect.bounds import Bounds
from txpipe.detect.conduct import Conduct
from txpipe.detect.rules.poisoned_payment import PoisonedPayment
from txpipe.detect.rules.poisoning import Poisoning
from txpipe.record import SEVERITIES, check

CHAIN = "eip155:56"
USDT = "0x55d398326f99059ff775485246999027b3197955"
FAKE = "0x00000000000000000000000000000000000fa4e0"
BATCH = "0x" + "ba7c4" * 8
POISONS = ("dust", "zero", "forged zero", "counterfeit", "forged counterfeit")
CRITICAL = SEVERITIES.index("critical")
MEDIUM = SEVERITIES.index("medium")


class Replay:
    """Feeds transactions to both rules and keeps what they say."""

    def __init__(self):
        self.conduct = Conduct(lambda _: ((Poisoning(), PoisonedPayment()), Bounds()), lambda *_: False)
        self.time = NOW
        self.count = 0

    def token(self, sender, to, value, *, contract=USDT, symbol="USDT", usd=None, initiator=None):
        """Send base units of a token in a transaction of its own; returns the findings."""
        self.time += 60
        self.count += 1
        base = {
            "chain": CHAIN,
            "block": 25_000_000 + self.count,
            "time": self.time,
            "tx": f"0x{self.count:064x}",
        }
        call = base | {"type": "call", "n": 0, "from": initiator or sender, "to": contract, "value": "0"}
        moved = base | {
            "type": "transfer",
            "n": 1,
            "from": sender,
            "to": to,
            "value": str(value),
            "symbol": symbol,
        }
        moved |= {"asset": f"{CHAIN}/erc20:{contract}"} | ({} if usd is None else {"usd": usd})
        found = list(self.conduct.take(check(call | {"method": "0xa9059cbb"})))
        return found + list(self.conduct.take(check(moved)))

    def poison(self, kind, victim, thief, amount):
        """Let a look-alike touch a victim."""
        if kind == "dust":
            return self.token(thief, victim, 10**14, usd=0.0001)
        if kind == "zero":
            return self.token(thief, victim, 0, initiator=BATCH)
        if kind == "forged zero":
            return self.token(victim, thief, 0, initiator=BATCH)
        pair = (victim, thief) if kind == "forged counterfeit" else (thief, victim)
        return self.token(*pair, amount, contract=FAKE, symbol="USD\u0422", initiator=BATCH)


@pytest.fixture
def losses(data):
    with (data / "poisoning" / "payoff_transfers_bsc.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        {
            "victim": row["topics_from_addr"].lower(),
            "thief": row["topics_to_addr"].lower(),
            "intended": row["intended_addr"].lower(),
            "contract": row["addr"].lower(),
            "value": int(float(row["value"])),
            "usd": float(row["value_usd"]) if row["value_usd"] else None,
        }
        for row in rows
    ]


def replayed(losses, kinds, *, anew=True):
    """Replay each loss: an honest payment, poison if any, the loss; returns what is said of the last two."""
    replay, results = Replay(), []
    for number, loss in enumerate(losses):
        if anew:
            replay.conduct.chains.clear()
        pay = {"contract": loss["contract"], "symbol": "", "usd": loss["usd"]}
        replay.token(loss["victim"], loss["intended"], loss["value"], **pay)
        poisoned = []
        if kinds:
            kind = kinds[number % len(kinds)]
            poisoned = replay.poison(kind, loss["victim"], loss["thief"], loss["value"])
        found = replay.token(loss["victim"], loss["thief"], loss["value"], **pay)
        results.append((poisoned, [one for one in found if one.rule == "poisoned-payment"]))
    return results


def share(flags):
    flags = list(flags)
    return sum(flags) / len(flags)


def at_least(findings, rank):
    return any(SEVERITIES.index(one.severity) >= rank for one in findings)


@pytest.mark.shared_data
def test_losses_after_poison(losses):
    """Every real loss that was prepared by poison is said, nearly all as critical; so is the poison."""
    results = replayed(losses, POISONS)
    assert share(bool(paid) for _, paid in results) == 1.0
    assert share(at_least(paid, MEDIUM) for _, paid in results) == 1.0
    assert share(at_least(paid, CRITICAL) for _, paid in results) >= 0.97
    assert share(at_least(poison, MEDIUM) for poison, _ in results) >= 0.999
    assert all(
        one.subject == loss["victim"] and one.role == "victim" and one.about == loss["thief"]
        for loss, (_, paid) in zip(losses, results, strict=True)
        for one in paid
    )


@pytest.mark.shared_data
def test_losses_without_poison_in_sight(losses):
    """Without it they are still said, at least as low."""
    results = replayed(losses, ())
    assert share(bool(paid) for _, paid in results) >= 0.999


@pytest.mark.shared_data
def test_losses_in_one_stream(losses):
    """With all in one stream, where some thieves look like services, the first loss of each pair is said."""
    results = replayed(losses, POISONS, anew=False)
    seen, first = set(), []
    for loss, (_, paid) in zip(losses, results, strict=True):
        pair = (loss["victim"], loss["thief"])
        first += [] if pair in seen else [bool(paid)]
        seen.add(pair)
    assert share(first) >= 0.95


def test_chance():
    """In 200,000 random payments among 20,000 accounts nobody looks like anybody."""
    rng = random.Random(7)
    accounts = [f"0x{rng.getrandbits(160):040x}" for _ in range(20_000)]
    replay = Replay()
    found = 0
    base = {"type": "transfer", "chain": CHAIN, "n": 0, "asset": f"{CHAIN}/slip44:714", "symbol": "BNB"}
    for number in range(200_000):
        sender, to = rng.choice(accounts), rng.choice(accounts)
        value = rng.choice((0, 10**12, 10**18))
        record = base | {
            "block": number,
            "time": NOW + number,
            "tx": f"0x{number:064x}",
            "from": sender,
            "to": to,
        }
        found += len(list(replay.conduct.take(record | {"value": str(value), "usd": value / 10**16})))
    assert found == 0
