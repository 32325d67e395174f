"""Without --spool memory has a bound: who takes alerts is waited for, who does not loses the oldest."""

import random
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import ALERT, line
from txpipe.alerts.crowd import MOVES_S, Crowd
from txpipe.alerts.grouped import GroupedLane
from txpipe.alerts.grouping import Grouping
from txpipe.alerts.lane import Lane, Patience, World
from txpipe.alerts.memory import Memory
from txpipe.alerts.queueing import PURGED, Taken
from txpipe.alerts.receiver import NotTaken

SIZE = 1000


def alerts(*numbers, to=("a",), size=SIZE):
    return [Taken(f"{number:032x}:0", b"x" * size, to) for number in numbers]


def keys(parcels):
    return [int(parcel.key[:32], 16) for parcel in parcels]


class Fake:
    """A receiver that takes what it is told to."""

    batch = 10
    to_people = False

    def __init__(self, name="a"):
        self.name, self.got, self.fault, self.said = name, [], None, []

    def send(self, parcels):
        if self.fault is not None:
            raise self.fault
        self.got += keys(parcels)


@pytest.fixture
def memory():
    with Memory() as made:
        yield made


def laned(memory, *names):
    fakes = [Fake(name) for name in names]
    worlds = [World(fake.said.append, lambda: 1e6, lambda: 0.0) for fake in fakes]
    return fakes, [Lane(fake, memory, Patience(), world) for fake, world in zip(fakes, worlds, strict=True)]


@pytest.mark.parametrize(
    ("grouping", "is_waited_for"),
    [
        (Grouping(("rule",), 3600.0), False),
        (Grouping(("rule",), MOVES_S / 2), True),
        (Grouping(("rule",), most=1), False),
        (Grouping(("rule",), interval_s=60.0), False),
    ],
)
def test_who_lets_a_group_wait_is_not_waited_for(memory, grouping, is_waited_for):
    """A group that is not to go out for an hour does not go out because the input waits."""
    fake, clock, waits = Fake(), [1e6], []
    world = World(fake.said.append, lambda: clock[0], lambda: 0.0)
    lane = GroupedLane(fake, memory, Patience(), world, grouping)

    def wait(seconds):
        waits.append(seconds)
        clock[0] += seconds
        lane.step()
        return True

    crowd = Crowd(memory, wait, most_bytes=50 * SIZE)
    pad = "x" * (SIZE - len(line(ALERT)))
    for first in range(0, 100, 20):
        texts = [line(ALERT, id=f"{number:032x}", title=pad)[:-1] for number in range(first, first + 20)]
        memory.take([Taken(f"{first + at:032x}:0", text, ("a",)) for at, text in enumerate(texts)], clock[0])
        lane.step()
        crowd.settle([lane], 20, 0.0)
    assert bool(waits) == is_waited_for
    assert bool(lane.crowded_out) == (not is_waited_for)


def test_who_takes_is_waited_for(memory):
    """A receiver that is slower than the input loses nothing: the input waits for it."""
    (fake,), lanes = laned(memory, "a")
    waits = []

    def wait(seconds):
        waits.append(seconds)
        lanes[0].step()
        return True

    crowd = Crowd(memory, wait, most_bytes=50 * SIZE)
    for first in range(0, 1000, 20):
        memory.take(alerts(*range(first, first + 20)), 1e6)
        crowd.settle(lanes, 20, 0.0)
        assert memory.waiting_bytes("a") <= 50 * SIZE
    while memory.due("a", 1e6, 1):
        lanes[0].step()
    assert fake.got == list(range(1000))
    assert (lanes[0].crowded_out, fake.said) == (0, [])
    assert waits


@pytest.mark.parametrize("fails", [True, False], ids=["fails", "hangs"])
def test_who_does_not_loses_the_oldest(memory, fails):
    """Of a receiver that fails or hangs the oldest go, are counted and said; others have everything."""
    (good, bad), lanes = laned(memory, "good", "bad")
    waited = []

    def wait(seconds):
        waited.append(seconds)
        return True

    if fails:
        bad.fault = NotTaken("HTTP 503")
    crowd = Crowd(memory, wait, most_bytes=80 * SIZE)
    for first in range(0, 1000, 20):
        memory.take(alerts(*range(first, first + 20), to=("good", "bad")), 1e6)
        for lane in lanes[: 1 + fails]:
            for _ in range(2):
                lane.step()
        crowd.settle(lanes, 20, 0.0)
        assert memory.waiting_bytes("bad") <= 80 * SIZE
    assert good.got == list(range(1000))
    left = keys(memory.due("bad", 1e6, 1000))
    assert left == list(range(1000 - len(left), 1000))
    assert lanes[1].crowded_out + len(left) == 1000
    assert len(left) >= 70
    assert (lanes[0].crowded_out, good.said) == (0, [])
    assert [said for said in bad.said if "the oldest is given up; --spool DIR would keep it" in said] == [
        bad.said[-1]
    ]
    assert sum(waited) == (0 if fails else pytest.approx(2.0, abs=0.1))


@pytest.mark.parametrize("takes", [True, False])
def test_memory_is_flat(memory, takes):
    """However many come, memory holds as much, for a receiver that lags and for a dead one."""
    (fake,), lanes = laned(memory, "a")
    fake.batch = 125
    lanes[0].trouble = "" if takes else "HTTP 503"
    crowd = Crowd(memory, lambda _: lanes[0].step() == 0 or True, most_bytes=5_000 * SIZE, kept=1000)
    held = []
    tracemalloc.start()
    for first in range(0, 60_000, 125):
        memory.take(alerts(*range(first, first + 125)), 1e6)
        crowd.settle(lanes, 125, 0.0)
        fake.got.clear()
        held.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert lanes[0].crowded_out == (0 if takes else 60_000 - len(memory.due("a", 1e6, 10**6)))
    assert max(held[-240:]) <= 1.05 * max(held[:240])


def test_an_end_waits_for_nobody(memory):
    """Where the command is to end, the input is not held up, and nothing is given up."""
    _, lanes = laned(memory, "a")
    memory.take(alerts(*range(100)), 1e6)
    Crowd(memory, lambda _: False, most_bytes=SIZE).settle(lanes, 100, 0.0)
    assert lanes[0].crowded_out == 0


def test_what_is_kept_is_bounded(memory):
    """What was delivered is forgotten beyond a number, however young, and also behind alerts that wait."""
    _, lanes = laned(memory, "a", "b")
    memory.take(alerts(*range(PURGED + 50), to=("b",)), 1e6)
    crowd = Crowd(memory, lambda _: False, kept=100)
    number = 10_000
    for _ in range(30):
        memory.take(alerts(*range(number, number + 500), to=("a",), size=10), 1e6)
        memory.delivered("a", memory.due("a", 1e6, 500))
        crowd.settle(lanes, 500, 0.0)
        number += 500
    assert PURGED + 50 + 100 <= len(memory._ids) <= 4 * PURGED + 150
    assert len(memory.due("b", 1e6, PURGED * 2)) == PURGED + 50


def test_an_alert_larger_than_the_bound(memory):
    """One that alone is larger than memory is to hold goes, too, and the loop ends."""
    _, lanes = laned(memory, "a")
    lanes[0].trouble = "HTTP 503"
    memory.take(alerts(1, size=5000), 1e6)
    Crowd(memory, lambda _: True, most_bytes=1000).settle(lanes, 1, 0.0)
    assert (lanes[0].crowded_out, memory.waiting_bytes("a")) == (1, 0)


@given(st.integers(0, 10**6))
def test_bytes_that_wait_are_known(seed):
    """Whatever is taken, delivered, given up or shed, the count of what waits is exact."""
    chance = random.Random(seed)
    with Memory() as memory:
        for _ in range(chance.randrange(1, 30)):
            to = chance.choice([("a",), ("b",), ("a", "b"), ()])
            numbers = [chance.randrange(60) for _ in range(chance.randrange(1, 8))]
            memory.take(alerts(*numbers, to=to, size=chance.randrange(1, 99)), 1e6)
            name = chance.choice("ab")
            due = memory.due(name, 1e6, chance.randrange(1, 9))
            chance.choice([memory.delivered, memory.dead, lambda *_: None])(name, due)
            if chance.random() < 0.2:
                memory.shed(name)
                memory.delivered(name, due)  # it was under way
            for each in "ab":
                waits = memory.due(each, 1e6, 1000)
                assert memory.waiting_bytes(each) == sum(len(parcel.line) for parcel in waits)


def test_a_real_alert_counts_by_its_line(memory):
    """What counts is the line as it came."""
    text = line(ALERT)[:-1]
    memory.take([Taken("1:0", text, ("a",))], 1e6)
    assert memory.waiting_bytes("a") == len(text)


def test_resend_leaves_the_line_that_another_waits_for(memory):
    """A dead letter may be spelled otherwise: who waits for the alert gets it as it came."""
    memory.take([Taken("1:0", b'{"a": 1}  ', ("a", "b"))], 1e6)
    memory.dead("a", memory.due("a", 1e6, 1))
    assert memory.resend([("a", "1:0", b'{"a": 1}')], 1e6) == 1
    for name in ("a", "b"):
        (parcel,) = memory.due(name, 1e6, 9)
        assert parcel.line == b'{"a": 1}  '
        memory.delivered(name, [parcel])
        assert memory.waiting_bytes(name) == 0
