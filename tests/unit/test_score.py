"""Scorecards against examples that were counted by hand."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import ALERT, RECORDS
from txpipe.score import numbers, tally
from txpipe.score.found import Found
from txpipe.score.report import Evidence, rows
from txpipe.score.truth import Instance, Truth, Verdict
from txpipe.score.volume import Volume

CHAIN = "eip155:1"


def label(tx, scenario="poisoning", instance=0, *, fraud=True, time=None, variant=None, of=None):
    more = {"time": time, "variant": variant, "of": of}
    found = {**RECORDS["label"], "tx": tx, "scenario": scenario, "instance": instance, "fraud": fraud}
    return {**found, **{key: value for key, value in more.items() if value is not None}}


def alert(tx, rule="dust", severity="high", score=80, **more):
    """An alert whose id is told by rule and transaction, as in life."""
    return {
        **ALERT,
        "id": f"{rule}-{tx}",
        "rule": rule,
        "severity": severity,
        "score": score,
        "tx": tx,
        "time": 100,
        **more,
    }


LABELS = [
    label("a1", time=100, variant="standard"),
    label("a2", time=112, variant="standard"),
    label("a3", time=124, variant="standard"),
    label("a4", time=136, variant="standard"),
    label("b1", instance=1, time=200, variant="adaptive"),
    label("b2", instance=1, time=260, variant="adaptive"),
    label("c1", instance=2, fraud=False, time=210),
    label("c2", instance=2, fraud=False, time=220),
    label("d1", instance=3, fraud=False, time=230),
    label("e1", scenario="drain", time=300),
    label("e2", scenario="drain", time=300),
]
ALERTS = [
    alert("a3", "lookalike", time=124),
    alert("a4", "lookalike", time=136),
    alert("a4", "dust", "low", 30, time=136),
    alert("b1", "dust", "low", 30, time=200),
    alert("c2", "lookalike", "medium", 50, time=220),
    alert("e2", "drain", "medium", 60, time=300),
    alert("e2", "drain", "critical", 95, time=360, status="updated", rev=1),
    alert("f1", "lookalike", score=75, time=400),
    alert("f1", "drain", "medium", 55, time=400),
    alert("f2", "dust", "low", 35, time=410),
    alert("f3", "drain", "critical", 90, time=420),
    alert("f3", "drain", "critical", 90, time=420, status="retracted", rev=1),
    alert("f4", "trial", score=85, time=430, shadow=True),
]


def truth_of(labels, run="labels"):
    truth = Truth()
    for item in labels:
        truth.add(run, item)
    truth.settle()
    return truth


def found_of(alerts, min_severity="medium", *, shadow=False):
    found = Found(min_severity, shadow=shadow)
    for item in alerts:
        found.add(item)
    return found


def card(labels=LABELS, alerts=ALERTS, min_severity="medium", transactions=1011, *, shadow=False):
    found = found_of(alerts, min_severity, shadow=shadow)
    truth = truth_of(labels)
    benign = None if transactions is None else transactions - len(truth.transactions())
    return rows(Evidence(truth, found, min_severity, transactions, benign))


def part(rows, name, **wanted):
    """The rows of a part that have these values."""
    found = [row for row in rows if row["part"] == name]
    return [row for row in found if all(row[key] == value for key, value in wanted.items())]


def counts(ratio):
    return ratio["hits"], ratio["of"]


def test_summary():
    """4 + 2 + 2 labels of fraud, 2 + 1 of twins; 13 alerts of 11 ids: 9 stand, on 7 transactions."""
    assert card()[0] == {
        "type": "score",
        "part": "summary",
        "min_severity": "medium",
        "labels": 11,
        "instances": 3,
        "cut_off": 0,
        "twin_instances": 2,
        "transactions": 1011,
        "fraud_transactions": 8,
        "twin_transactions": 3,
        "benign_transactions": 1000,
        "alerts": 9,
        "alerted_transactions": 7,
        "retracted": 1,
        "shadow": 1,
    }


RECALL = {
    (None, None): ((2, 3), (3, 8)),
    (None, "adaptive"): ((0, 1), (0, 2)),
    (None, "standard"): ((2, 2), (3, 6)),
    ("drain", "standard"): ((1, 1), (1, 2)),
    ("poisoning", "adaptive"): ((0, 1), (0, 2)),
    ("poisoning", "standard"): ((1, 1), (2, 4)),
}


def test_recall():
    """Poisoning 0 is found by a3 and a4, drain 0 by e2; the low alert on b1 is no detection."""
    found = {
        (row["scenario"], row["variant"]): (counts(row["instances"]), counts(row["transactions"]))
        for row in part(card(), "recall")
    }
    assert found == RECALL
    assert list(found) == list(RECALL)


def test_recall_from_low():
    """From low on, the alert on b1 finds poisoning 1 and one of its two transactions."""
    (row,) = part(card(min_severity="low"), "recall", scenario="poisoning", variant="adaptive")
    assert (counts(row["instances"]), counts(row["transactions"])) == ((1, 1), (1, 2))


def test_recall_by_rule():
    """A rule's row says what it found itself; dust's low alerts found nothing."""
    found = [
        (row["rule"], row["scenario"], counts(row["instances"]), counts(row["transactions"]))
        for row in part(card(), "rule_recall")
    ]
    assert found == [("drain", "drain", (1, 1), (1, 2)), ("lookalike", "poisoning", (1, 1), (2, 4))]


PRECISION = {
    "info": ((5, 9), 1, 3, 30.0, (4, 7), 1, 2, 20.0),
    "low": ((5, 9), 1, 3, 30.0, (4, 7), 1, 2, 20.0),
    "medium": ((3, 6), 1, 2, 20.0, (3, 5), 1, 1, 10.0),
    "high": ((3, 4), 0, 1, 10.0, (3, 4), 0, 1, 10.0),
    "critical": ((1, 1), 0, 0, 0.0, (1, 1), 0, 0, 0.0),
}


def _worth(row):
    return tuple(
        value
        for key in ("alerts", "transactions")
        for value in (
            counts(row[key]["precision"]),
            row[key]["twin"],
            row[key]["false"],
            row[key]["false_per_10k"],
        )
    )


def test_precision():
    """Of alerts and, each counted once, of transactions: true, on twins, false; false ones in 10,000."""
    assert {row["severity"]: _worth(row) for row in part(card(), "precision")} == PRECISION


def test_precision_by_rule():
    """A rule has a row for each severity that it gives."""
    found = {(row["rule"], row["severity"]): _worth(row)[:3] for row in part(card(), "rule_precision")}
    assert found == {
        ("drain", "medium"): ((1, 2), 0, 1),
        ("drain", "critical"): ((1, 1), 0, 0),
        ("dust", "low"): ((2, 3), 0, 1),
        ("lookalike", "medium"): ((2, 4), 1, 1),
        ("lookalike", "high"): ((2, 3), 0, 1),
    }


def test_false_alerts_without_a_number_of_transactions():
    """Nobody said how many transactions there were: null, not 0."""
    (row,) = part(card(transactions=None), "precision", severity="high")
    assert (row["alerts"]["false"], row["alerts"]["false_per_10k"]) == (1, None)


def test_no_benign_transaction():
    """Where all transactions are labelled, a rate of false alerts has no meaning."""
    (row,) = part(card(transactions=11), "precision", severity="high")
    assert row["alerts"]["false_per_10k"] is None


def test_twins_hit():
    """Of two twins one is hit, on one of three transactions."""
    (row,) = part(card(), "twins_hit", scenario="poisoning")
    assert (counts(row["instances"]), counts(row["transactions"])) == ((1, 2), (1, 3))


def test_time_to_detect():
    """a3 is the third of poisoning 0, 24 s after a1; e2 the second of drain 0, in the same block."""
    found = {(row["scenario"], row["variant"]): row for row in part(card(), "time_to_detect")}
    assert found["poisoning", "standard"]["transactions"] == {"median": 2, "p90": 2}
    assert found["poisoning", "standard"]["seconds"] == {"median": 24, "p90": 24}
    assert found["drain", "standard"]["transactions"] == {"median": 1, "p90": 1}
    assert found["drain", "standard"]["seconds"] == {"median": 0, "p90": 0}
    assert found["poisoning", "adaptive"]["transactions"] == {"median": None, "p90": None}
    overall = found[None, None]
    assert (overall["found"], overall["timed"]) == (2, 2)
    assert overall["transactions"] == {"median": 1.5, "p90": 2}
    assert overall["seconds"] == {"median": 12, "p90": 24}


def test_time_to_detect_of_an_alert_that_grew():
    """The alert on e2 became critical 60 s later, when both transactions had long happened."""
    (row,) = part(card(min_severity="critical"), "time_to_detect", scenario="drain")
    assert (row["transactions"]["median"], row["seconds"]["median"]) == (2, 60)


def test_time_to_detect_without_times():
    """Labels without times: the order of the labels counts, and seconds are not known."""
    labels = [label(tx) for tx in ("a1", "a2", "a3")]
    (row,) = part(card(labels, [alert("a2"), alert("a3")]), "time_to_detect", scenario="poisoning")
    assert row["transactions"] == {"median": 1, "p90": 1}
    assert (row["timed"], row["seconds"]) == (0, {"median": None, "p90": None})


def test_calibration():
    """Bins, Brier and expected calibration error by hand.

    True: 80 80 30 30 95; not: 50 75 55 35. Squares: 2 * 0.04 + 2 * 0.49 + 0.0025 + 0.25 + 0.5625 + 0.3025
    + 0.1225 = 2.3 of 9. Gaps: 30s |95 - 200|, 50s |105 - 0|, 70s 75, 80s |160 - 200|, 90s |95 - 100|: 330.
    """
    (row,) = part(card(), "calibration")
    assert (row["alerts"], row["brier"], row["ece"]) == (9, 0.255556, 0.366667)
    bins = {one["from"]: (one["score"], *counts(one["true"])) for one in row["bins"] if one["true"]["of"]}
    assert bins == {30: (31.666667, 2, 3), 50: (52.5, 0, 2), 70: (75, 0, 1), 80: (80, 2, 2), 90: (95, 1, 1)}
    assert [(one["from"], one["to"]) for one in row["bins"]][-2:] == [(80, 89), (90, 100)]


def test_calibration_of_the_highest_score():
    """100 belongs to the last bin."""
    assert numbers.calibration([(100, True)])["bins"][9]["true"]["of"] == 1


def test_shadow_alerts_on_request():
    """With shadow, the alert of the rule on trial counts as a false one."""
    (row,) = part(card(shadow=True), "precision", severity="high")
    assert (counts(row["alerts"]["precision"]), row["alerts"]["false"]) == ((3, 5), 2)


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson(hits, of, low, high):
    """The intervals that R. G. Newcombe, Statistics in Medicine 17 (1998), gives for method 3."""
    assert numbers.wilson(hits, of) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_nothing_counted():
    """0 of 0 is not known, neither 0 nor 1."""
    nothing = {"hits": 0, "of": 0, "share": None, "low": None, "high": None}
    assert numbers.ratio(0, 0) == nothing


@pytest.mark.parametrize(
    ("values", "median", "p90"),
    [([5], 5, 5), ([1, 2], 1.5, 2), (list(range(1, 11)), 5.5, 9), (list(range(1, 12)), 6, 10)],
)
def test_spread(values, median, p90):
    """The 90th percentile is the smallest value that nine tenths do not exceed."""
    shuffled = random.Random(1).sample(values, len(values))
    assert numbers.spread(shuffled) == {"median": median, "p90": p90}


def test_last_revision_wins():
    """Retracted and open again counts; open and retracted does not, whatever came first."""
    opened = [alert("a1"), alert("a1", status="retracted", rev=1), alert("a1", rev=2, severity="low")]
    for alerts in (opened, opened[::-1]):
        (only,) = found_of(alerts).counted()
        assert (only.rev, only.severity) == (2, 1)
    assert found_of(opened[1::-1]).counted() == []


def test_instances_of_different_runs():
    """Numbers of instances start anew in every file of labels."""
    truth = Truth()
    truth.add("seed 1", label("a1"))
    truth.add("seed 2", label("a2"))
    truth.settle()
    (row, *_) = part(rows(Evidence(truth, found_of([alert("a1")]), "medium")), "recall")
    assert counts(row["instances"]) == (1, 2)


def test_fraud_wins():
    """A transaction that is labelled both ways is fraud; a twin that has no other is none."""
    truth = Truth()
    for one in (label("a1", fraud=False), label("a1", instance=1), label("b1", instance=2, fraud=False)):
        truth.add("labels", one)
    assert truth.settle() == 1
    assert truth.verdict((CHAIN, "a1")) is Verdict.TRUE
    assert truth.verdict((CHAIN, "b1")) is Verdict.TWIN
    assert truth.verdict((CHAIN, "c1")) is Verdict.FALSE
    assert [instance.fraud for instance in truth.instances] == [True, False]


def test_chain_is_part_of_a_transaction():
    """The same hash on another chain is another transaction."""
    (row, *_) = part(card([label("a1")], [alert("a1", chain="eip155:137")]), "recall")
    assert counts(row["instances"]) == (0, 1)


def test_other_variants():
    """Any word is a variant of its own."""
    found = [instance.variant for instance in truth_of([label("a1", variant="slow"), label("a2")]).instances]
    assert found == ["slow", "standard"]


def test_one_transaction_in_two_instances():
    """An alert on it finds both."""
    truth = truth_of([label("a1", instance=0), label("a1", instance=1)])
    assert tally.recall(truth.instances, found_of([alert("a1")]).hits()) == {
        "instances": numbers.ratio(2, 2),
        "cut_off": numbers.ratio(0, 0),
        "transactions": numbers.ratio(1, 1),
    }


def test_instances_that_the_stream_cuts_off():
    """Of two whole ones one was found, of two that lack labels another; a twin is hit either way."""
    whole = [label("a1", of=2), label("a2", of=2), label("b1", instance=1, of=1)]
    cut = [label(f"c{place}", instance=2, of=4) for place in range(3)] + [label("d1", instance=3, of=3)]
    twin = label("e1", instance=4, fraud=False, of=2)
    truth = truth_of([*whole, *cut, twin])
    alerts = [alert("a2"), alert("c1"), alert("e1")]
    card = rows(Evidence(truth, found_of(alerts), "medium"))
    (first, *_) = [row for row in card if row["part"] == "recall"]
    assert first["instances"] == numbers.ratio(1, 2)
    assert first["cut_off"] == numbers.ratio(1, 2)
    assert first["transactions"] == numbers.ratio(2, 7)
    assert [row["cut_off"] for row in card if row["part"] == "summary"] == [2]
    (by_rule,) = [row for row in card if row["part"] == "rule_recall"]
    assert (by_rule["instances"], by_rule["transactions"]) == (numbers.ratio(1, 2), numbers.ratio(2, 7))
    twins = next(row for row in card if row["part"] == "twins_hit")
    assert twins["instances"] == numbers.ratio(1, 1)


def test_order_within_an_instance():
    """Transactions are ordered by time where all have one; within a block as labelled."""
    keys = [(CHAIN, tx) for tx in ("x", "y", "z")]
    assert Instance("s", "v", fraud=True, times=dict(zip(keys, (20, 10, 10), strict=True))).ordered() == (
        [keys[1], keys[2], keys[0]],
        [10, 10, 20],
    )
    assert Instance("s", "v", fraud=True, times=dict(zip(keys, (20, None, 10), strict=True))).ordered() == (
        keys,
        [],
    )


@given(st.randoms(use_true_random=False), st.lists(st.sampled_from(ALERTS)))
def test_order_and_repetition_of_alerts_change_nothing(shuffler, again):
    """A replay, or several streams merged, scores the same."""
    alerts = ALERTS + again
    shuffler.shuffle(alerts)
    assert card(alerts=alerts) == card()


@given(st.lists(st.sampled_from(LABELS)))
def test_repetition_of_labels_changes_nothing_but_their_number(again):
    """The same label twice is one."""
    (first, *others) = card(labels=LABELS + again)
    assert others == card()[1:]
    assert first["labels"] == len(LABELS) + len(again)


@given(st.randoms(use_true_random=False))
def test_order_of_labels_changes_nothing(shuffler):
    """Where labels carry times, as long as a block's stay in order."""
    labels = LABELS[:-2]
    shuffler.shuffle(labels)
    assert card(labels=labels + LABELS[-2:]) == card()


@given(
    st.permutations(
        [alert("a1", score=score, severity=word) for score in (10, 20) for word in ("low", "high")]
    )
)
def test_contradicting_revisions(alerts):
    """Two lines that claim to be one revision: always the same one counts."""
    assert [(one.severity, one.score) for one in found_of(alerts).counted()] == [(3, 20)]


def record(kind, tx, n=0, **more):
    return {**RECORDS[kind], "tx": tx, "n": n, "pending": False, "time": 500, **more}


def volume_of(records, labels=()):
    truth = truth_of(labels)
    volume = Volume(truth)
    volume.read(records)
    return volume, truth


def test_volume():
    """Three transactions: n = 0 begins one, calldata and logs are part of it; a reorg takes one back."""
    volume, _ = volume_of(
        [
            record("transfer", "a"),
            record("call", "b"),
            record("transfer", "b", -1),
            record("approval", "b", 7),
            RECORDS["block"],
            record("transfer", "c", pending=True),
            record("transfer", "c"),
            record("transfer", "d"),
            {**RECORDS["reorg"], "dropped": ["d"]},
        ]
    )
    assert (volume.transactions, volume.records) == (3, 7)


def test_volume_without_first_records():
    """Of logs alone, each change of transaction on a chain counts."""
    other = {"chain": "eip155:137"}
    volume, _ = volume_of(
        [
            record("transfer", "a", 3),
            record("transfer", "z", 1, **other),
            record("transfer", "a", 4),
            record("transfer", "b", 5),
        ]
    )
    assert volume.transactions == 3


def test_records_tell_the_times_that_labels_lack():
    """A record's time is a label's where it has none; what no record tells of is said."""
    labels = [label("a1"), label("a2", time=5), label("a3")]
    volume, truth = volume_of([record("call", "a1"), record("call", "a2")], labels)
    assert list(truth.instances[0].times.values()) == [500, 5, None]
    assert volume.unseen == {(CHAIN, "a3")}
