"""Labels: they say what is fraud, the records do not."""

import csv
import itertools
import math
import random
from collections import Counter, defaultdict

import orjson
import pytest

from txpipe import address, record
from txpipe.lists.entry import CATEGORIES
from txpipe.simulate import emit, listed, prologue, simulator
from txpipe.simulate.ledger import Ledger
from txpipe.simulate.scenarios import SCENARIOS, listed_payment
from txpipe.simulate.scenarios.base import Step
from txpipe.simulate.simulator import Settings
from txpipe.simulate.world import World

RATE = 0.05
LISTED = {wallet.address for wallet in listed.wallets()}


ALONE = (listed_payment.SCENARIO,)


def simulated(records, scenarios=SCENARIOS, **wanted):
    """Records and labels of a stream."""
    blocks = list(emit.bounded(simulator.blocks(Settings(**wanted), scenarios), records, None))
    lines = [line for block in blocks for line in block.data.splitlines()]
    labels = [label.line for block in blocks for label in block.labels]
    return [orjson.loads(line) for line in lines], [orjson.loads(line) for line in labels]


@pytest.fixture(scope="module")
def sample():
    """Six days of every scenario, thinly."""
    return simulated(100_000, seed=1, fraud_rate=RATE, tps=0.1)


@pytest.fixture(scope="module")
def listed_alone():
    """A stream in which listed-payment is the only scenario."""
    return simulated(100_000, ALONE, seed=1, fraud_rate=RATE, tps=5)


def addresses(item):
    return {item.get("from"), item.get("to"), *item.get("mentions", ())}


def test_labels_are_valid_and_name_records(sample):
    """Every label names a record of the stream, after the schema, once."""
    records, labels = sample
    places = {(item["tx"], item["n"]): item["time"] for item in records if "tx" in item}
    for label in labels:
        record.check(label)
        keys = ["type", "chain", "tx", "n", "scenario", "instance", "role", "fraud", "variant", "of", "time"]
        assert list(label) == [key for key in keys if key != "variant" or label["fraud"]]
        assert places[label["tx"], label["n"]] == label["time"]
    assert len({label["tx"] for label in labels}) == len(labels)


def test_labels_tell_how_many_there_will_be():
    """A longer run completes the instances that a shorter one cuts off; the whole ones it does not touch."""
    short, long = (simulated(count, seed=5, fraud_rate=0.05, tps=0.1)[1] for count in (20_000, 40_000))
    counts, later = (
        Counter((label["scenario"], label["instance"]) for label in one) for one in (short, long)
    )
    of = {(label["scenario"], label["instance"]): label["of"] for label in long}
    whole = {name for name, count in counts.items() if count == of[name]}
    assert len(whole) > 20
    assert len(counts.keys() - whole) > 5
    assert all(counts[name] <= later[name] <= of[name] for name in counts)
    assert all(later[name] == counts[name] for name in whole)
    assert sum(later[name] == of[name] for name in counts) > len(whole) + 3


def test_labels_come_in_the_order_of_records(sample):
    records, labels = sample
    order = {(item["tx"], item["n"]): place for place, item in enumerate(records) if "tx" in item}
    places = [order[label["tx"], label["n"]] for label in labels]
    assert places == sorted(places)


@pytest.mark.parametrize("rate", [0.005, 0.05, 0.2])
def test_fraud_has_its_share(rate):
    """The share of fraudulent transactions is near what was asked; look-alikes have about the same.

    Over six days: instances that have begun are played out over hours and days.
    """
    records, labels = simulated(120_000, seed=3, fraud_rate=rate, tps=0.1)
    transactions = sum(item.get("n") == 0 for item in records)
    fraud = sum(label["fraud"] for label in labels)
    assert fraud / transactions == pytest.approx(rate, rel=0.35)
    assert (len(labels) - fraud) / transactions == pytest.approx(rate, rel=0.35)


def test_an_instance_begins_with_its_first_step():
    """No instance waits for itself: the first fraud of a stream is not half an hour off."""
    for seed in range(8):
        blocks = itertools.islice(simulator.blocks(Settings(seed=seed, fraud_rate=0.1, tps=5), ALONE), 310)
        assert any(b'"fraud":true' in label.line for block in blocks for label in block.labels)


def test_no_fraud_no_labels():
    """--fraud-rate 0 is traffic without scenarios: nothing listed, nothing labelled."""
    records, labels = simulated(30_000, seed=3, fraud_rate=0)
    assert not labels
    assert not any(addresses(item) & LISTED for item in records if "tx" in item)


def test_instances_hold_together(sample):
    """An instance is of one scenario and either fraud or its look-alike; roles fit."""
    _, labels = sample
    instances = defaultdict(list)
    for label in labels:
        instances[label["instance"]].append(label)
    for parts in instances.values():
        assert len({(label["scenario"], label["fraud"], label.get("variant")) for label in parts}) == 1
        looks = {label["role"] == "benign-lookalike" for label in parts}
        assert looks == {not parts[0]["fraud"]}
    assert len(instances) > 250


def test_listed_wallets_occur_in_labelled_fraud_only(listed_alone):
    """A record names a listed wallet exactly if its transaction is labelled as fraud."""
    records, labels = listed_alone
    fraud = {label["tx"] for label in labels if label["fraud"]}
    named = {item["tx"] for item in records if "tx" in item and addresses(item) & LISTED}
    assert named == fraud


def test_label_points_at_a_record_that_names_the_wallet(listed_alone):
    records, labels = listed_alone
    told = {(item["tx"], item["n"]): item for item in records if "tx" in item}
    for label in labels:
        if label["fraud"]:
            assert addresses(told[label["tx"], label["n"]]) & LISTED


def test_every_way_to_deal_with_a_listed_wallet_occurs(listed_alone):
    """Paid in coin, by token, in a batch; approved; mentioned only; paying out itself."""
    records, labels = listed_alone
    fraud = {label["tx"]: label["role"] for label in labels if label["fraud"]}
    ways = Counter()
    for item in records:
        if item.get("tx") not in fraud:
            continue
        kind = item["type"]
        ways[kind, "from"] += item["from"] in LISTED
        ways[kind, "to"] += item["to"] in LISTED
        if kind == "call" and "follows" not in item and item["from"] not in LISTED:
            ways["mention"] += bool(LISTED & set(item.get("mentions", ())))
        ways["batch"] += item.get("follows", 0) > 2
        ways["failed"] += "failed" in item
        ways[fraud[item["tx"]]] += 1
    wanted = [("transfer", "from"), ("transfer", "to"), ("approval", "to"), "mention", "batch", "failed"]
    assert all(ways[way] > 10 for way in [*wanted, "attack", "payoff"])


def test_look_alikes_look_alike(listed_alone):
    """Some twins deal with an address that shares first and last digits with a listed one, and is not it."""
    records, labels = listed_alone
    ends = {(wallet[:6], wallet[-4:]) for wallet in LISTED}
    twins = {label["tx"] for label in labels if not label["fraud"]}
    alike = {
        party
        for item in records
        if item.get("tx") in twins
        for party in (item["from"], item["to"])
        if party and (party[:6], party[-4:]) in ends
    }
    assert len(alike) > 50
    assert not alike & LISTED


def test_labels_of_a_cut_stream_name_records_that_are_there():
    """Wherever --records cuts, in a transaction too, a label is written only with its record."""
    blocks = list(itertools.islice(simulator.blocks(Settings(seed=5, fraud_rate=0.3)), 330))
    total = sum(block.records for block in blocks)
    for count in range(total - 300, total):
        *_, last = emit.bounded(
            blocks[-40:], count - total + sum(block.records for block in blocks[-40:]), None
        )
        places = {
            (item["tx"], item["n"]) for item in map(orjson.loads, last.data.splitlines()) if "tx" in item
        }
        labels = [orjson.loads(label.line) for label in last.labels]
        assert {(label["tx"], label["n"]) for label in labels} <= places


# --- no trait of a single record gives a label away -------------------------------------------------------


def kind(item, head):
    """What sort of thing happened, which scenarios are free to choose: compared is like with like."""
    size = int(math.log2(item["usd"] + 0.01) / 3) if "usd" in item else None
    asset = item.get("asset", "").partition("/")[2].partition(":")[0]
    return item["type"], " ".join(item), head.get("method"), min(head.get("follows", 0), 4), asset, size


def form(item, place):
    """What a record shows of its own besides its parties and its amount."""
    return {
        "n": min(item["n"].bit_length(), 8),
        "follows": min(item.get("follows", 0), 8),
        "mentions": min(len(item.get("mentions", ())), 8),
        "hash": item["tx"][2:3],
        "hash end": item["tx"][-1:],
        "from": item["from"][2:3],
        "to": (item["to"] or "0x-")[2:3],
        "case": item["from"].islower(),
        "place in block": place,
        "second": item["time"] % 60,
        "minute": item["time"] // 600 % 6,
        "hour": item["time"] // 7200 % 12,
    }


def digits(item):
    """How an amount is written."""
    value = item["value"]
    return {
        "digits": len(value),
        "zeros": len(value) - len(value.rstrip("0")),
        "first": value[:1],
        "significant": min(len(value.strip("0")), 12),
    }


def examples(seed):
    """Triples of (kind, traits, fraud or not) for every record of the main part."""
    records, labels = simulated(70_000, seed=seed, fraud_rate=RATE, tps=0.2)
    fraud = {(label["tx"], label["n"]) for label in labels if label["fraud"]}
    found, block, head = [], [], None
    for item in records:
        if item["type"] != "block":
            head = item if item["n"] == 0 else head
            block.append((item, head))
            continue
        if item["block"] >= simulator.FIRST_BLOCK:
            for place, (one, head) in enumerate(block):
                shown = form(one, place * 8 // len(block)) | digits(one)
                found.append((kind(one, head), shown, (one["tx"], one["n"]) in fraud))
        block = []
    return found


def area(scored):
    """Mean area under the ROC curve of (kind, score, truth) within kinds: 0.5 is guessing."""
    kinds = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    for sort, score, truth in scored:
        kinds[sort][score][truth] += 1
    won = pairs = 0
    for groups in kinds.values():
        honest, fraud = (sum(group[truth] for group in groups.values()) for truth in (0, 1))
        if honest and fraud:
            below = 0
            for _, (negative, positive) in sorted(groups.items()):
                won += positive * (below + negative / 2) / honest
                below += negative
            pairs += fraud
    assert pairs > 500
    return won / pairs


@pytest.fixture(scope="module")
def judged():
    """Seed 3's records with the weights of traits that a naive Bayes classifier learnt on seeds 1 and 2."""
    counts, totals = {True: Counter(), False: Counter()}, {True: Counter(), False: Counter()}
    for sort, shown, truth in examples(1) + examples(2):
        counts[truth].update((sort[:5], trait) for trait in shown.items())
        totals[truth][sort[:5]] += 1

    def weight(sort, trait):
        odds = [(counts[truth][sort, trait] + 1) / (totals[truth][sort] + 10) for truth in (True, False)]
        return math.log(odds[0] / odds[1])

    return [
        (sort, {name: weight(sort[:5], (name, value)) for name, value in shown.items()}, truth)
        for sort, shown, truth in examples(3)
    ]


def test_no_trait_of_a_record_gives_its_label_away(judged):
    """No single trait tells fraud from honest records of the same kind, nor does the form as a whole."""
    for name in judged[0][1]:
        assert area((sort, weights[name], truth) for sort, weights, truth in judged) < 0.6, name
    amount = set(digits({"value": "1"}))
    formal = [
        (sort, sum(weight for name, weight in weights.items() if name not in amount), truth)
        for sort, weights, truth in judged
    ]
    assert area(formal) < 0.56


def test_all_traits_together_hardly_tell(judged):
    """All traits at once stay near guessing: what is left is that loot is passed on to the last digit."""
    assert area((sort, sum(weights.values()), truth) for sort, weights, truth in judged) < 0.65


def test_telling_content_is_honest_too(sample):
    """Symbols in other scripts, amounts of nothing, dust, permits and deployments are mostly honest."""
    records, labels = sample
    fraud = {label["tx"] for label in labels if label["fraud"]}
    seen = Counter()
    for item in records:
        if item["type"] == "block":
            continue
        moved = item["type"] == "transfer"
        for name, found in (
            ("script", not item.get("symbol", "").isascii()),
            ("nothing", moved and item["value"] == "0"),
            ("dust", moved and 0 < item.get("usd", 1) < 0.1),
            ("permit", item.get("via") == "permit"),
            ("created", "created" in item),
            ("contains", item.get("symbol", "") not in {"USDC", "USDT"} and "USD" in item.get("symbol", "")),
        ):
            seen[name, item["tx"] in fraud] += found
    for name in ("script", "nothing", "dust", "permit", "created", "contains"):
        assert seen[name, False] > max(seen[name, True], 10), (name, seen)


# --- the demo list ----------------------------------------------------------------------------------------


def test_demo_list_is_what_txsim_writes(checkout):
    """blocklists/demo.csv is exactly what --write-list writes."""
    assert (checkout / "blocklists" / "demo.csv").read_bytes() == listed.as_csv()


def test_demo_list_rows_are_sound():
    rows = [row for row in listed.as_csv().decode().splitlines() if not row.startswith("#")]
    found = list(csv.DictReader(rows))
    assert 200 <= len(found) <= 500
    assert list(found[0]) == ["address", "label", "category", "listed", "source"]
    assert len({row["address"] for row in found}) == len(found)
    assert {row["category"] for row in found} <= set(CATEGORIES) - {"allow"}
    assert all(address.family(row["address"]) == address.EVM for row in found)
    assert all(row["listed"] < listed.DATE for row in found)


# --- the table of scenarios -------------------------------------------------------------------------------


def test_scenario_names_are_unique():
    assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS)


def play(world, steps):
    """Write the steps in order of time; returns pairs of (step, its records); checks the label's place."""
    ledger = Ledger("eip155:1", world.coin, world.known["WETH"])
    ledger.open(1, 1, [f"{number:064x}" for number in range(len(steps))])
    played, before = [], 0
    for step in sorted(steps, key=lambda step: step.after_s):
        write, args = step.draft
        _, n, behind = write(ledger, *args)
        lines = "".join(ledger._parts).encode("latin-1").splitlines()
        assert orjson.loads(lines[-behind])["n"] == n
        played.append((step, [orjson.loads(line) for line in lines[before:]]))
        before = len(lines)
    return played


def settled():
    """A world with elders."""
    world = World("eip155:1", random.Random(1))
    prologue.elders(world, random.Random(2))
    return world


PLANS = [
    pytest.param(kind, getattr(scenario, kind), id=f"{scenario.name}-{kind}")
    for scenario in SCENARIOS
    for kind in ("attack", "adaptive", "twin")
    if getattr(scenario, kind) is not None
]
ROLES = {"twin": {None, "benign-lookalike"}}


@pytest.mark.parametrize(("kind", "plan"), PLANS)
def test_a_plan_can_be_written(kind, plan):
    """Every instance has a labelled step and roles that fit, and ends within a month."""
    world = settled()
    for seed in range(60):
        steps = plan(world, random.Random(seed))
        assert all(isinstance(step, Step) for step in steps)
        roles = {step.role for step in steps}
        assert roles <= ROLES.get(kind, {None, "attack", "setup", "payoff"})
        assert roles & {"attack", "payoff", "benign-lookalike"}
        times = [step.after_s for step in steps]
        assert min(times) >= 0
        assert max(times) - min(times) <= 32 * 86400
        if seed < 20:
            assert len(play(world, steps)) == len(steps)


@pytest.mark.parametrize(("kind", "plan"), PLANS)
def test_a_plan_is_a_matter_of_its_seed(kind, plan):  # noqa: ARG001 - the parameters are shared
    """The same world and the same seed give the same instance."""
    lines = [
        [lines for _, lines in play(world, plan(world, random.Random(5)))] for world in (settled(), settled())
    ]
    assert lines[0] == lines[1]


def test_every_scenario_occurs():
    """Each scenario comes as a fraud, as a careful one where it has that, and as its twin."""
    _, labels = simulated(60_000, seed=2, fraud_rate=0.3, tps=0.05)
    found = {(label["scenario"], label.get("variant"), label["fraud"]) for label in labels}
    wanted = {(scenario.name, "standard", True) for scenario in SCENARIOS}
    wanted |= {(scenario.name, "adaptive", True) for scenario in SCENARIOS if scenario.adaptive}
    wanted |= {(scenario.name, None, False) for scenario in SCENARIOS}
    assert found == wanted
