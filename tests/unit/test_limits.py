"""alerts.limits, heldback, addressing: so many alerts of a kind, and a digest of what is over."""

import contextlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import ALERT, line
from txpipe.alerts.addressing import Addressing, Restraint
from txpipe.alerts.escalation import Escalation, Level
from txpipe.alerts.heldback import HeldBack
from txpipe.alerts.human import human, plain
from txpipe.alerts.inhibition import Inhibition, Inhibitor
from txpipe.alerts.limits import KINDS, Limit, Limiter
from txpipe.alerts.memory import Memory
from txpipe.alerts.routes import Route
from txpipe.alerts.spool import Spool
from txpipe.errors import RecordFault
from txpipe.record import SEVERITIES, check, loads

WALL = 1_000_000.0
FLOOD = Route("flood", ())


def limit(kind="limit", count=2, for_s=60.0, about=FLOOD, **more):
    return Limit(about, kind, count, for_s, **more)


def alert(number, time=0, **changes):
    return {**ALERT, "severity": "high", "id": f"{number:032x}", "time": time, **changes}


class Stage:
    """Addressing of a spool, and what its receivers would get."""

    def __init__(self, spool, *limits, kept=100, receivers=("a",)):
        self.spool = spool
        limiter = Limiter(limits, spool.database, kept)
        self.addressing = Addressing(spool, lambda _: receivers, Restraint(limiter=limiter))

    def take(self, *alerts, now=WALL):
        self.addressing.take([(line(one)[:-1], one) for one in alerts], now)

    def waiting(self, receiver="a"):
        return [loads(one.line) for one in self.spool.due(receiver, 1e12, 100_000)]

    def numbers(self, receiver="a"):
        return [int(one["id"], 16) for one in self.waiting(receiver) if one["rule"] != "held-back"]

    def digests(self, receiver="a"):
        return [one for one in self.waiting(receiver) if one["rule"] == "held-back"]


@pytest.fixture
def spool(tmp_path):
    with Spool(tmp_path) as made:
        yield made


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("limit", [0, 1, 2, 7, 8]), ("threshold", [2, 5, 9]), ("both", [2, 9])],
)
def test_kinds(spool, kind, expected):
    """The first three of a window; every third; the third only. A window begins with its first alert."""
    stage = Stage(spool, limit(kind, 3))
    times = [0, 1, 2, 3, 4, 5, 59, 60, 61, 100] if kind != "limit" else [0, 1, 2, 3, 4, 5, 59, 60, 61]
    stage.take(*(alert(number, time) for number, time in enumerate(times)))
    assert stage.numbers() == expected


@pytest.mark.parametrize(
    ("track", "expected"),
    [((), [1]), (("subject",), [1, 2, 4]), (("rule",), [1, 3]), (("subject", "rule"), [1, 2, 3, 4])],
)
def test_track(spool, track, expected):
    """Alerts that differ in a tracked key are counted apart; what lacks the key is counted together."""
    stage = Stage(spool, limit(count=1, track=track))
    stage.take(
        alert(1), alert(2, subject="0xb"), alert(3, rule="velocity"), alert(4, subject="0xc", rule="velocity")
    )
    assert stage.numbers() == expected


def test_whom_and_what_it_holds_for(spool):
    """A limit holds for its receivers, for what meets its conditions, and up to a severity."""
    about = Route("flood", (), rules=frozenset(["listed"]))
    stage = Stage(spool, limit(count=1, about=about, to=frozenset(["a"])), receivers=("a", "b"))
    stage.take(alert(1), alert(2), alert(3, rule="velocity"), alert(4, severity="critical"))
    assert stage.numbers("a") == [1, 3, 4]
    assert stage.numbers("b") == [1, 2, 3, 4]
    assert stage.addressing.held_back.counts == {"flood": 1}


def test_chains_and_receivers_are_counted_apart(spool):
    """Time is in order within a chain only; each receiver gets its share."""
    stage = Stage(spool, limit(count=1), receivers=("a", "b"))
    stage.take(alert(1, 1000), alert(2, 50, chain="eip155:137"), alert(3, 1001))
    assert stage.numbers("a") == stage.numbers("b") == [1, 2]


def test_one_after_the_other(spool):
    """What one limit holds back the next does not count."""
    stage = Stage(spool, limit(count=1, track=("subject",)), limit(count=2, about=Route("all", ())))
    stage.take(*(alert(n) for n in range(5)), alert(5, subject="0xb"), alert(6, subject="0xc"))
    assert stage.numbers() == [0, 5]
    assert stage.addressing.held_back.counts == {"flood": 4, "all": 1}


def test_revisions_of_what_is_had_go_on(spool):
    """An update of what a receiver has, and every retraction, is neither counted nor held back."""
    stage = Stage(spool, limit(count=1))
    update, retraction = {"status": "updated", "rev": 1}, {"status": "retracted", "rev": 2}
    stage.take(alert(1), alert(1, **update), alert(2), alert(2, **update), alert(1, **retraction))
    stage.take(alert(3, **update), alert(2, **retraction))
    assert [(one["id"][-1], one["rev"]) for one in stage.waiting()] == [("1", 0), ("1", 1), ("1", 2)]
    assert stage.addressing.held_back.counts == {"flood": 3}


def test_digest(spool):
    """A window after the first that was held back comes an alert that tells how many, of what, about whom."""
    stage = Stage(spool, limit(count=1))
    many = [alert(n, 1, severity="low", rule="velocity", subject=f"0x{n:040x}") for n in range(2, 20)]
    stage.take(alert(1), *many, alert(20, 2, score=1), alert(21, 60))
    assert stage.digests() == []
    stage.take(alert(22, 61))
    (digest,) = stage.digests()
    check(digest)
    assert digest["title"] == "20 alerts held back by the limit flood, this the gravest"
    assert (digest["severity"], digest["time"], digest["category"]) == ("high", 61, "digest")
    evidence = digest["evidence"]
    assert (evidence["held_back"], evidence["first"], evidence["last"]) == (20, 1, 61)
    assert evidence["severities"] == {"low": 18, "high": 2}
    assert evidence["rules"] == {"velocity": 18, "listed": 2}
    assert len(evidence["subjects"]) == 11
    assert sum(evidence["subjects"].values()) == 20
    assert evidence["limit"] == {"type": "limit", "count": 1, "seconds": 60.0, "track": []}
    shown = human(digest, plain)
    assert "  rule     velocity  18 held back\n" in shown
    assert f"  subject  {ALERT['subject']}  2 held back\n" in shown


def test_digests_come_while_nothing_does(spool):
    """Without new alerts the wall's clock tells when a digest is due, one that was set back far, too."""
    stage = Stage(spool, limit(count=1))
    for number, now in enumerate([WALL + 60, WALL - 60]):
        stage.take(*(alert(n, 1000 * number) for n in range(10 * number, 10 * number + 2)))
        stage.addressing.tell_due(WALL + 59)
        stage.addressing.tell_due(WALL - 1)
        assert len(stage.digests()) == number
        stage.addressing.tell_due(now)
        assert len(stage.digests()) == number + 1


def test_clock_that_runs_back(spool):
    """A clock that runs back within a window changes nothing; one alert from the future holds nothing up."""
    stage = Stage(spool, limit(count=2))
    stage.take(alert(1, 100), alert(2, 90), alert(3, 95), alert(4, 10**15), alert(5, 101), alert(6, 102))
    assert stage.numbers() == [1, 2, 4, 5, 6]


def test_over_restarts(tmp_path):
    """Counts and what was held back outlast a restart, and what comes again is not counted again."""
    with Spool(tmp_path) as spool:
        Stage(spool, limit(count=2)).take(*(alert(n, n) for n in range(4)))
    with Spool(tmp_path) as spool:
        stage = Stage(spool, limit(count=2))
        stage.take(*(alert(n, n) for n in range(6)))
        assert stage.numbers() == [0, 1]
        assert stage.addressing.held_back.counts == {"flood": 2}
        stage.addressing.tell_due(WALL, ends=True)
        assert [one["evidence"]["held_back"] for one in stage.digests()] == [4]
    with Spool(tmp_path) as spool:
        stage = Stage(spool)
        stage.addressing.tell_due(WALL, ends=True)
        assert len(stage.digests()) == 1


def test_limits_that_are_named_no_more(tmp_path):
    """What a limit held back is told, even if the next run has no such limit."""
    with Spool(tmp_path) as spool:
        Stage(spool, limit(count=1)).take(alert(1), alert(2))
    with Spool(tmp_path) as spool:
        addressing = Addressing(spool, lambda _: ("a",), Restraint())
        addressing.tell_due(WALL, ends=True)
        assert [loads(one.line)["evidence"]["held_back"] for one in spool.due("a", 1e12, 9)[1:]] == [1]


def cut_into_runs(path, alerts, kind, sizes):
    """Take alerts in runs of a spool, and each run in two batches; return what comes of it."""
    at = 0
    while at < len(alerts):
        with Spool(path) as spool:
            stage = Stage(spool, limit(kind, 3, track=("subject",)))
            for _ in range(2):
                size = sizes()
                stage.take(*alerts[at : at + size])
                at += size
    with Spool(path) as spool:
        stage = Stage(spool)
        stage.addressing.tell_due(WALL, ends=True)
        return stage.numbers(), [one["evidence"] for one in stage.digests()]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_vanishes(tmp_path, kind):
    """Cut anywhere into runs and batches, as uncut, each alert is delivered or counted in one digest."""
    chance = random.Random(7)
    alerts, time = [], 1000
    for number in range(400):
        time += chance.choice([0, 1, 5, 40, -3])
        alerts.append(alert(number, time, subject=f"0x{chance.randrange(4)}", rule=chance.choice("xyz")))
    passed, _ = cut_into_runs(tmp_path / "whole", alerts, kind, lambda: 400)
    cut, digests = cut_into_runs(tmp_path / "cut", alerts, kind, lambda: chance.randrange(1, 40))
    assert passed == cut
    held = [one["held_back"] for one in digests]
    assert len(passed) + sum(held) == len(alerts)
    assert [sum(one["rules"].values()) for one in digests] == held


@given(st.lists(st.integers(0, 300), min_size=1, max_size=60).map(sorted), st.integers(1, 5))
def test_never_more_than_the_limit(times, count):
    """Whatever comes, a window of a limit lets no more than ``count`` through."""
    with Memory() as spool:
        limiter = Limiter([limit(count=count)], spool.database)
        passed = [time for time in times if limiter.holding(alert(1, time), "a", WALL) is None]
    starts = []
    for time in times:
        if not starts or time - starts[-1] >= 60:
            starts.append(time)
    assert all(sum(start <= time < start + 60 for time in passed) <= count for start in starts)


def test_long_texts_are_not_remembered(spool):
    """What alerts agree in is known by a short name, however long it is; they are told apart all the same."""
    about = ("incident", "rule")
    inhibitor = Inhibitor(Inhibition(by="critical", mutes="high", equal=about), spool.database)
    levels = Escalation([Level("level", ("a",), about, count=2)])
    restraint = Restraint(inhibitor, Limiter([limit(count=1, track=about)], spool.database), levels)
    addressing = Addressing(spool, lambda _: ("a",), restraint)
    long = [{"incident": "x" * 100_000 + end} for end in "ab"]
    alerts = [alert(number, **long[number // 3], rule="r" * 1000) for number in range(6)]
    alerts += [
        {**alerts[0], "id": f"{number:032x}", "severity": said}
        for number, said in ((6, "critical"), (7, "high"))
    ]
    addressing.take([(line(one)[:-1], one) for one in alerts], WALL)
    with spool.database.reading() as db:
        for names, number in (
            ("SELECT name FROM windows", 2),
            ("SELECT kin FROM graves", 1),
            ("SELECT kin FROM growth", 2),
            ("SELECT DISTINCT kin FROM members", 2),
        ):
            found = [name for (name,) in db.execute(names)]
            assert len(found) == number
            assert max(map(len, found)) < 300
    assert addressing.inhibited == 1
    assert addressing.held_back.counts["flood"] == 4


def test_memory_is_bounded(spool):
    """Windows used the longest ago are forgotten, in the spool, too; so many subjects are told apart."""
    stage = Stage(spool, limit(count=1, track=("subject",)), kept=10)
    stage.take(*(alert(n, subject=f"0x{n}") for n in range(50)))
    with spool.database.reading() as db:
        names = [name for (name,) in db.execute("SELECT name FROM windows")]
    assert sorted(name.rpartition("\x1f")[2] for name in names) == [f"0x{n}" for n in range(40, 50)]
    held = HeldBack()
    flood = limit()
    for number in range(600):
        held.add(flood, "a", line(ALERT)[:-1], alert(number, subject=f"0x{number}"))
    with spool.database.writing() as db:
        held.save(db, WALL)
        counts = loads(db.execute("SELECT counts FROM held").fetchone()[0])
    assert len(counts["subjects"]) == 501
    assert sum(counts["subjects"].values()) == 600


ODD = ["", "\x00", "\x1f\x1e", "a" * 5000, None, True, [], {"a": [1]}, 2**64, -1, 1e308, 10**300]
KEYS = sorted({*ALERT, "incident"} - {"type", "id"})


@given(st.data())
def test_odd_alerts(data):
    """Whatever passes the check of records is taken, by limits, inhibition and escalation together."""
    alerts = []
    for _ in range(data.draw(st.integers(1, 8))):
        one = alert(data.draw(st.integers(0, 3)), severity=data.draw(st.sampled_from(SEVERITIES)))
        one[data.draw(st.sampled_from(KEYS))] = data.draw(st.sampled_from(ODD))
        one["record"] = {**ALERT["record"], "usd": data.draw(st.sampled_from(ODD))}
        with contextlib.suppress(RecordFault):
            alerts.append(check(one))
    with Memory() as spool:
        restraint = Restraint(
            Inhibitor(Inhibition(equal=("subject", "tx")), spool.database),
            Limiter([limit(count=1, track=("incident", "severity"), up_to="critical")], spool.database),
            Escalation([Level("x", ("b",), ("incident", "rule"), 2, 5.0, "high")]),
        )
        addressing = Addressing(spool, lambda _: ("a",), restraint)
        addressing.take([(line(one)[:-1], one) for one in alerts], WALL)
        addressing.tell_due(WALL, ends=True)
        known = {f"{one['id']}:{one['rev']}" for one in alerts}
        assert spool.known(known) == known
