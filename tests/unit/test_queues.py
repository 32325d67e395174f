"""alerts.queueing: the queue in memory and the one on disk answer alike, whatever is asked of them."""

import contextlib
import random
import threading

import pytest

from examples import ALERT, line
from txpipe.alerts.lane import GIVEN_UP
from txpipe.alerts.memory import Memory
from txpipe.alerts.queueing import Taken
from txpipe.alerts.receiver import Parcel
from txpipe.alerts.spool import Spool
from txpipe.errors import RecordFault

NAMES = ("a", "b", "c")
KEYS = (("incident",), ("severity", "incident"), (), None)
ALL = 9999


def taken(number, rev=0, to=NAMES, **more):
    """An alert by number; every other of three incidents, every fifth of none."""
    incident = ... if number % 5 == 4 else f"i{number % 3}"
    alert = {
        "id": f"{number:032x}",
        "rev": rev,
        "incident": incident,
        "severity": ("low", "high")[number % 2],
    }
    text = line(ALERT, **alert)[:-1]
    return Taken(f"{number:032x}:{rev}", text, to, **more)


@pytest.fixture(params=["memory", "disk"])
def queue(request, tmp_path):
    with Memory() if request.param == "memory" else Spool(tmp_path) as made:
        yield made


class Fault(Exception):
    pass


class Play:
    """Draws what is done next; the same for every queue that is asked alike."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.now = 1_000_000.0

    def names(self):
        return tuple(name for name in NAMES if self.chance.random() < 0.6)

    def alerts(self):
        found = []
        for _ in range(self.chance.randrange(1, 6)):
            rev = self.chance.choice((0, 0, 0, 1, 2))
            follows = rev > 0 and self.chance.random() < 0.9
            notes = {name: f"why {name}" for name in self.names()} if self.chance.random() < 0.2 else None
            back = follows and self.chance.random() < 0.4
            found.append(
                taken(
                    self.chance.randrange(25),
                    rev,
                    self.names(),
                    follows=follows,
                    takes_back=back,
                    notes=notes,
                )
            )
        return found

    def step(self, queue):
        name = self.chance.choice(NAMES)
        ask = getattr(self, self.chance.choice(self.STEPS))
        self.now += self.chance.choice((0, 0, 1, 30))
        return ask(queue, name)

    def take(self, queue, _):
        return queue.take(self.alerts(), self.now)

    def take_with_the_clock_set_back(self, queue, _):
        return queue.take(self.alerts(), self.now - 500)

    def take_or_nothing(self, queue, name):
        with contextlib.suppress(Fault), queue.writing() as db:
            queue.enter(db, self.alerts(), self.now)
            queue.had(name)
            queue.enter(db, self.alerts(), self.now)
            raise Fault

    def some(self, queue, name):
        due = queue.due(name, self.now, self.chance.randrange(1, 9))
        return [one for one in due if self.chance.random() < 0.8]

    def deliver(self, queue, name):
        some = self.some(queue, name)
        for _ in range(self.chance.choice((1, 1, 2))):  # what was noted already changes nothing
            queue.delivered(name, some)

    def bury(self, queue, name):
        queue.dead(name, self.some(queue, name))

    def put_off(self, queue, name):
        queue.put_off(name, self.some(queue, name), self.now + self.chance.choice((10, 100, 90_000)))

    def resend(self, queue, name):
        alerts = [taken(self.chance.randrange(30), self.chance.choice((0, 0, 1))) for _ in range(3)]
        return queue.resend([(name, one.key, one.line) for one in alerts], self.now)

    def purge(self, queue, _):
        most, before = self.chance.choice((None, 0)), self.chance.choice((0.0, 1e9))
        while queue.purge(before, most):
            pass

    def group(self, queue, name):
        queue.group(name, self.chance.choice(KEYS))

    def look(self, queue, name):
        alert = self.chance.randrange(25)
        kin = self.chance.choice(("i0", "i1", "low\x1fi0", "", f"{4:032x}"))
        now = self.now - self.chance.choice((0, 0, 5000))
        return (
            queue.known([f"{alert:032x}:{rev}" for rev in range(3)]),
            queue.had(f"{alert:032x}"),
            shown(queue.due(name, now, self.chance.randrange(1, 9), kin)),
            shown(queue.overdue(name, self.now - self.chance.choice((0, 10)), self.chance.randrange(1, 9))),
            queue.first(name, now, self.chance.choice(((), ("i0",), ("i0", "i1", "i2"), ("",)))),
            queue.heads(name, now, ("i0", "i2", "low\x1fi0", "", f"{4:032x}", "none")),
            queue.is_waited_for([name, "nobody"]),
        )

    STEPS = (
        *("take", "take", "take", "take_with_the_clock_set_back", "take_or_nothing", "look", "look"),
        *("deliver", "deliver", "bury", "put_off", "resend", "purge", "group"),
    )


def shown(parcels):
    return [(one.key, one.line, one.since, one.tries, one.note, one.kin) for one in parcels]


def state(queue, now):
    """Everything that can be asked."""
    return (
        {name: shown(queue.due(name, now + 99, ALL)) for name in NAMES},
        {name: shown(queue.overdue(name, 1e9, ALL)) for name in NAMES},
        {name: queue.first(name, now, ()) for name in NAMES},
        (queue.waiting(), queue.depths(), queue.receivers()),
        [queue.had(f"{number:032x}") for number in range(30)],
        queue.known(f"{number:032x}:{rev}" for number in range(30) for rev in range(3)),
    )


@pytest.mark.parametrize("seed", range(25))
def test_both_answer_alike(seed, tmp_path):
    """Whatever is taken, sent, given up, put off, forgotten or undone, one says what the other says."""
    with Memory() as memory, Spool(tmp_path) as disk:
        plays = [(Play(seed), memory), (Play(seed), disk)]
        for name in NAMES:
            for _, queue in plays:
                queue.due(name, 0.0, 1)  # receivers are known in the same order
        for _ in range(80):
            said, expected = (play.step(queue) for play, queue in plays)
            assert said == expected
            now = plays[0][0].now
            assert state(memory, now) == state(disk, now)
            for name in NAMES:
                waits = memory.overdue(name, 1e9, ALL)
                assert memory.waiting_bytes(name) == sum(len(one.line) for one in waits)


def test_a_spool_goes_on_where_it_was(tmp_path):
    """What is asked after a restart is answered as before it, groups included."""
    play = Play(99)
    for _ in range(12):
        with Spool(tmp_path) as queue:
            for name in NAMES:
                queue.due(name, 0.0, 1)
            for _ in range(10):
                play.step(queue)
            before = state(queue, play.now)
        with Spool(tmp_path) as queue:
            assert state(queue, play.now) == before


def test_nothing_is_taken_by_halves(queue):
    """A line that is no alert, and cannot be put in a group, takes with it all that it came with."""
    queue.group("b", ("incident",))
    queue.take([taken(1)], 5.0)
    before = state(queue, 5.0)
    with pytest.raises(RecordFault):
        queue.take([taken(2), taken(1, 1, follows=True), Taken("3:0", b"{", ("a", "b"))], 6.0)
    assert state(queue, 5.0) == before
    with pytest.raises(RecordFault):
        queue.resend([("a", "5:0", b"{}"), ("b", "4:0", b"{")], 6.0)
    assert state(queue, 5.0) == before
    assert queue.take([taken(2)], 7.0) == 1


def test_an_id_of_many_revisions(queue):
    """Thousands of revisions of one alert are taken, and forgotten, in good time."""
    count = 4000
    queue.take([taken(7, 0, ("a",))], 1.0)
    for rev in range(1, count, 500):
        queue.take([taken(7, n, ("b",), follows=True) for n in range(rev, rev + 500)], 2.0)
    assert queue.had(f"{7:032x}") == ["a", "b"]
    while found := queue.due("a", 3.0, GIVEN_UP):
        queue.delivered("a", found)
    while found := queue.due("b", 3.0, GIVEN_UP):
        queue.dead("b", found)
    while queue.purge(9.0):
        pass
    assert queue.had(f"{7:032x}") == []
    assert queue.known([f"{7:032x}:{count - 1}"]) == set()


def test_several_threads(queue):
    """While one thread takes, others deliver, look and forget; each alert goes once to each, in order."""
    got = {name: [] for name in NAMES}
    faults = []
    ends = threading.Event()

    def deliver(name):
        try:
            while not ends.is_set() or queue.is_waited_for([name]):
                queue.first(name, 5.0, ("i1",))
                found = queue.due(name, 5.0, 7)
                queue.delivered(name, found)
                got[name] += [one.key for one in found]
                queue.purge(4.0, 50)
        except BaseException as exc:
            faults.append(exc)
            raise

    queue.group("b", ("incident",))
    threads = [threading.Thread(target=deliver, args=(name,)) for name in NAMES]
    for thread in threads:
        thread.start()
    for first in range(0, 600, 20):
        queue.take([taken(number) for number in range(first, first + 20)], 5.0)
    ends.set()
    for thread in threads:
        thread.join(60)
    assert faults == []
    assert got == {name: [f"{number:032x}:0" for number in range(600)] for name in NAMES}


def test_memory_holds_no_line_that_nobody_waits_for():
    """What is delivered, given up or meant for nobody leaves no line behind."""
    with Memory() as memory:
        memory.group("b", ("incident",))
        memory.take([taken(number, to=NAMES if number % 2 else ()) for number in range(100)], 5.0)
        for name in NAMES:
            memory.delivered(name, memory.due(name, 5.0, 20))
            memory.dead(name, memory.due(name, 5.0, 20))
            while memory.shed(name):
                pass
        assert len(memory._ids) == 100
        assert not any(share.waiting or share.size or share._groups for share in memory._shares.values())
        assert memory.due("a", 9.0, 1) == []
        assert Parcel("k", b"{}") not in memory.due("b", 9.0, 1, "i1")
