"""alerts.grouping, grouped, digest: fewer messages to people, and nothing that vanishes."""

import random
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import ALERT, line
from receiver_kit import Hook, People
from txpipe.alerts import database
from txpipe.alerts import grouping as groupings
from txpipe.alerts.digest import body_of_many, title_of_many
from txpipe.alerts.grouped import GroupedLane
from txpipe.alerts.grouping import Grouping
from txpipe.alerts.kin import SOURCES, brief, kin_of
from txpipe.alerts.lane import IDLE_S, Patience, World
from txpipe.alerts.memory import Memory
from txpipe.alerts.message import composed
from txpipe.alerts.queueing import Taken
from txpipe.alerts.receiver import NotTaken, Parcel
from txpipe.alerts.receivers import Outfit, opened
from txpipe.alerts.spool import Spool
from txpipe.alerts.words import details, title
from txpipe.fields import FIELDS

HOUR = 3600.0


def alert(number, incident="i", **changes):
    return {**ALERT, "id": f"{number:032x}", "incident": incident, **changes}


def parcel(number, incident="i", since=0.0, **changes):
    return Parcel(f"{number:032x}:0", line(alert(number, incident, **changes))[:-1], since)


def numbers(parcels):
    return [int(one.key[:32], 16) for one in parcels]


def test_sources_are_keys_of_an_alert():
    """Alerts are put together by keys that they have."""
    assert set(SOURCES) <= {key for key, *_ in FIELDS["alert"]}


def test_kin():
    """Alerts that agree in the keys are kin; one that lacks a key is alone; without keys all are."""
    assert kin_of(alert(1, "a"), ("incident", "rule")) == kin_of(alert(2, "a"), ("incident", "rule"))
    assert kin_of(alert(1, "a"), ("incident",)) != kin_of(alert(2, "b"), ("incident",))
    assert kin_of(ALERT, ("incident",)) == ALERT["id"]
    assert kin_of(alert(1, "a"), ()) == kin_of(alert(2, "b"), ())


@given(st.text(), st.none() | st.text(), st.sampled_from(["", "x" * 256, "y" * 300]))
def test_one_key_is_as_several(value, incident, pad):
    """The name of a group by one key is that by it alone of several, by the rule: cut to a digest if long."""
    one = {"id": "1", "subject": value + pad, "incident": incident}
    assert kin_of(one, ("subject",)) == brief(value + pad)
    assert kin_of(one, ("incident",)) == ("1" if incident is None else brief(incident))
    assert kin_of(one, ("subject", "subject")) == brief(f"{value}{pad}\x1f{value}{pad}")


@pytest.fixture(params=["memory", "disk"])
def queue(request, tmp_path):
    with Memory() if request.param == "memory" else Spool(tmp_path) as made:
        yield made


def plan(queue, waiting, sent, grouping, now, **ends):
    """Let alerts wait, and nothing else, and plan."""
    queue.group("a", grouping.keys)
    queue.dead("a", queue.due("a", now, 99))
    queue.purge(1e9)
    for one in waiting:
        take(queue, one.since, one)
    return groupings.plan(queue, "a", sent, grouping, now, **ends)


def test_groups_wait_for_their_kind(queue):
    """A group that begins waits; then what has come of it by then is one message."""
    grouping = Grouping(wait_s=30)
    waiting = [parcel(1, "a", 100.0), parcel(2, "b", 110.0), parcel(3, "a", 120.0)]
    assert plan(queue, waiting, [], grouping, 125.0).wait_s == 5
    found = plan(queue, waiting, [], grouping, 130.0)
    assert (numbers(found.parcels), found.kin) == ([1, 3], "a")
    found = plan(queue, waiting[1:2], [("a", 130.0)], grouping, 140.0)
    assert (numbers(found.parcels), found.kin) == ([2], "b")


def test_messages_on_a_group_keep_their_distance(queue):
    """The next message on a group comes an interval after the last; other groups do not wait for it."""
    grouping = Grouping(interval_s=300)
    sent = [("a", 50.0), ("a", 100.0), ("b", 10.0)]
    assert plan(queue, [parcel(1, "a", 120.0)], sent, grouping, 120.0).wait_s == 280
    assert numbers(plan(queue, [parcel(1, "a", 120.0)], sent, grouping, 400.0).parcels) == [1]
    both = [parcel(1, "a", 120.0), parcel(2, "c", 121.0)]
    assert numbers(plan(queue, both, sent, grouping, 121.0).parcels) == [2]


def test_limit_makes_a_digest(queue):
    """Beyond the limit all waits; once there is room again, all that was held back is one message."""
    grouping = Grouping(most=2, span_s=60)
    sent = [("x", 90.0), ("y", 100.0)]
    waiting = [parcel(1, "a", 110.0), parcel(2, "b", 120.0)]
    assert plan(queue, waiting, sent, grouping, 120.0).wait_s == 30
    found = plan(queue, waiting, sent, grouping, 150.0)
    assert (numbers(found.parcels), found.kin) == ([1, 2], "")
    assert numbers(plan(queue, waiting[:1], [("x", 90.0)], grouping, 120.0).parcels) == [1]


def test_at_the_end_nothing_waits(queue):
    """When nothing more comes, groups do not wait; what the limit holds back is one digest."""
    waiting = [parcel(1, "a", 100.0), parcel(2, "b", 100.0)]
    grouping = Grouping(wait_s=30, interval_s=300, most=1, span_s=60)
    assert numbers(plan(queue, waiting, [], grouping, 100.0, ends=True).parcels) == [1]
    assert numbers(plan(queue, waiting, [("x", 90.0)], grouping, 100.0, ends=True).parcels) == [1, 2]


class Fake:
    """A receiver that notes its messages; also the clock around it."""

    name, batch, to_people = "a", 1, True

    def __init__(self):
        self.time = 1_000_000.0
        self.messages = []
        self.fault = None

    def send(self, parcels):
        if self.fault:
            raise self.fault
        self.messages.append((self.time, numbers(parcels)))

    def close(self):
        pass

    def lane(self, spool, **grouping):
        world = World(lambda _: None, lambda: self.time, lambda: 0.0, lambda: self.time)
        return GroupedLane(self, spool, Patience(), world, Grouping(**grouping))


def take(spool, now, *parcels):
    spool.take([Taken(one.key, one.line, ("a",)) for one in parcels], now)


def test_lane_groups(tmp_path):
    """A lane sends group by group, goes on after a failure, and knows after a restart what it has sent."""
    fake = Fake()
    with Spool(tmp_path) as spool:
        lane = fake.lane(spool, interval_s=300)
        take(spool, fake.time, parcel(1, "a"), parcel(2, "b"), parcel(3, "a"))
        fake.fault = NotTaken("HTTP 500")
        assert lane.step() == 1
        fake.fault = None
        fake.time += 1
        assert [lane.step() for _ in range(3)] == [0, 0, IDLE_S]
        assert [sent for _, sent in fake.messages] == [[1, 3], [2]]
        assert lane.sent == 3
    with Spool(tmp_path) as spool:
        lane = fake.lane(spool, interval_s=300)
        take(spool, fake.time, parcel(4, "a"))
        fake.time += 299
        assert lane.step() == IDLE_S
        fake.time += 1
        assert lane.step() == 0
        assert fake.messages[-1] == (fake.time, [4])


@pytest.mark.parametrize("seed", range(5))
def test_an_outage_drains_without_a_storm(seed):
    """An hour of alerts that waited, and more that come, are few messages, within the limit; none is lost."""
    chance = random.Random(seed)
    fake = Fake()
    with Memory() as spool:
        lane = fake.lane(spool, wait_s=30, interval_s=300, most=10, span_s=HOUR)
        count = 3600
        take(spool, fake.time, *(parcel(n, f"i{chance.randrange(100)}") for n in range(count)))
        for _ in range(400):
            if chance.random() < 0.5:
                take(spool, fake.time, parcel(count, f"i{chance.randrange(100)}"))
                count += 1
            while lane.step() == 0:
                pass
            fake.time += 60
        for _ in range(200):
            while lane.step() == 0:
                pass
            fake.time += 60
    delivered = [number for _, sent in fake.messages for number in sent]
    assert sorted(delivered) == list(range(count))
    times = [time for time, _ in fake.messages]
    assert all(later - earlier >= HOUR for earlier, later in zip(times, times[10:], strict=False))


def test_a_clock_set_back_holds_no_message(tmp_path):
    """What was taken and sent at times that are to come again does not hold messages back until then."""
    fake = Fake()
    with Spool(tmp_path) as spool:
        lane = fake.lane(spool, interval_s=300, wait_s=30, most=1)
        take(spool, fake.time, parcel(1, "a"))
        fake.time += 30
        lane.step()
        take(spool, fake.time, parcel(2, "a"))
        fake.time -= 86_400
        lane.step()
    assert [sent for _, sent in fake.messages] == [[1], [2]]


def test_what_waits_is_not_read_for_every_alert_that_comes(tmp_path, monkeypatch):
    """Thousands that wait would be read again for each that comes, and delay the pipe."""
    fake = Fake()
    looks = []
    with Spool(tmp_path) as spool:
        lane = fake.lane(spool, wait_s=30)
        first = spool.first
        monkeypatch.setattr(spool, "first", lambda *args: looks.append(1) or first(*args))
        for number in range(100):
            take(spool, fake.time, parcel(number, "a"))
            assert lane.step() > 0
            fake.time += 0.01
        assert len(looks) <= 3
        fake.time += 30
        lane.step()
    assert [len(sent) for _, sent in fake.messages] == [100]


def test_what_is_taken_back_meanwhile():
    """What was revised or retracted while it waited is told as it is now, once."""
    waiting = [
        parcel(1, severity="critical"),
        parcel(2, severity="low"),
        parcel(3, severity="critical"),
        parcel(1, severity="critical", status="retracted", rev=1),
        parcel(3, severity="medium", status="updated", rev=1),
    ]
    told = composed(waiting, title, details)
    assert told.title.startswith("3 alerts, the gravest: MEDIUM 95")
    assert told.body.startswith("3 alerts: 1 medium, 1 low, 1 retracted;")
    assert told.severity == "medium"
    told = composed([waiting[0], waiting[3]], title, details)
    assert told.title.startswith("RETRACTED, was critical")


def test_digest():
    """A message on several tells how many of what, the gravest in full, the others a line each."""
    alerts = [
        alert(1, severity="low", score=20, rule="velocity"),
        alert(2, severity="critical", status="retracted", rev=1),
        alert(3, severity="high", score=80),
        alert(4, severity="high", score=85),
    ]
    assert title_of_many(alerts) == (
        "4 alerts, the gravest: HIGH 85 listed: Pays an address on a sanctions list"
    )
    rows = body_of_many(alerts).splitlines()
    assert rows[0] == "4 alerts: 2 high, 1 low, 1 retracted; by rule: listed 3, velocity 1"
    assert rows[2] == "HIGH 85  2025-10-09 08:53:32 UTC  listed"
    assert [row.split("  tx ")[0] for row in rows[-3:]] == [
        "HIGH 80 listed: Pays an address on a sanctions list",
        "LOW 20 velocity: Pays an address on a sanctions list",
        "RETRACTED, was critical (rev 1) listed: Pays an address on a sanctions list",
    ]
    many = body_of_many([alert(n, rule=f"r{n}") for n in range(100)]).splitlines()
    assert many[-1] == "and 79 more"
    assert many[0].endswith("and others")


def test_one_message_of_several():
    """Apprise is sent one message about several alerts, as grave as the gravest."""
    with Hook() as hook:
        receiver = opened(hook.url.replace("http", "json"), Outfit())
        receiver.send([parcel(1, severity="low"), parcel(2, severity="medium")])
    (got,) = hook.got
    assert b'"type": "warning"' in got.body
    assert b"2 alerts, the gravest: MEDIUM 95" in got.body


class Filter(People):
    """A receiver that refuses every message in which there is a certain alert."""

    def __init__(self, number):
        super().__init__()
        self.number = number

    def send(self, parcels):
        self.fault = None
        if any(int(one.key[:32], 16) == self.number for one in parcels):
            self.fault = NotTaken("HTTP 400", only_this=True)
        super().send(parcels)


@pytest.mark.parametrize("number", [0, 7, 29])
def test_one_that_is_refused_among_others(tmp_path, number):
    """Which alert of a group a receiver refuses is found; the others are told at once, and it waits alone."""
    people = Filter(number)
    with Spool(tmp_path) as spool:
        lane = people.lane(spool)
        people.take(spool, *map(parcel, range(30)))
        while not lane.step():
            pass
        told = sorted(number for _, numbers, _ in people.messages for number in numbers)
        assert told == [one for one in range(30) if one != number]
        assert spool.waiting() == {"a": 1}
        assert people.said == [f"a: HTTP 400, for alert {number:032x}:0; it is tried again"]
        assert len(people.messages) <= 5


def test_spool_of_version_2(tmp_path):
    """What waits in a spool of an earlier version is put together, too, and anew where keys have changed."""
    db = sqlite3.connect(tmp_path / database.FILE)
    db.executescript(
        f"{database._TABLES}{database._SINCE_2}"
        f"PRAGMA application_id = {database._APPLICATION}; PRAGMA user_version = 2;"
    )
    db.execute("INSERT INTO receivers VALUES (7, 'a')")
    for number in range(2500):
        one = parcel(number, f"i{number % 3}", severity="low")
        db.execute("INSERT INTO alerts VALUES (?, ?, 5.0, ?)", (number + 1, one.key, one.line))
        db.execute("INSERT INTO deliveries (receiver, seq, since) VALUES (7, ?, 5.0)", (number + 1,))
    db.commit()
    db.close()
    with Spool(tmp_path) as spool:
        assert spool.first("a", 6.0, ()) is None
        for keys, kin in ((("incident",), "i2"), (("severity",), "low"), ((), "")):
            spool.group("a", keys)
            found = numbers(spool.due("a", 6.0, 9999, kin))
            assert found == list(range(2, 2500, 3) if kin == "i2" else range(2500))
        spool.group("a", None)
        assert spool.first("a", 6.0, ()) is None
    with Spool(tmp_path) as spool:
        assert numbers(spool.due("a", 6.0, 9999)) == list(range(2500))


@pytest.mark.parametrize("most", [None, 1000])
def test_a_ripe_group_behind_thousands(queue, most):
    """A group that is ripe is found however many alerts wait before it whose group has had its message."""
    fake = Fake()
    lane = fake.lane(queue, interval_s=HOUR, most=most)
    take(queue, fake.time, *(parcel(number, "a") for number in range(groupings.AT_ONCE + 700)))
    assert lane.step() == 0
    take(queue, fake.time, parcel(9999, "b"))
    fake.time += 1
    assert lane.step() == 0
    assert [(len(sent), sent[0]) for _, sent in fake.messages] == [(groupings.AT_ONCE, 0), (1, 9999)]
