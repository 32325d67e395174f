"""alerts, delivery: what is kept, when it is tried, when it is given up."""

import json
import sqlite3
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import ALERT, HEARTBEAT, line
from txpipe import duration
from txpipe.alerts import database, deadletters, dedupe, resend, rest
from txpipe.alerts.addressing import Addressing, Restraint
from txpipe.alerts.ages import Ages
from txpipe.alerts.courier import Courier
from txpipe.alerts.database import SpoolFailed, SpoolFault
from txpipe.alerts.lane import IDLE_S, Lane, Patience, World
from txpipe.alerts.memory import Memory
from txpipe.alerts.queueing import PURGED, Taken
from txpipe.alerts.receiver import AT_ONCE_BYTES, NotTaken, Parcel, named, origin, shown
from txpipe.alerts.spool import Spool
from txpipe.alerts.spoolfolder import DEAD
from txpipe.errors import RecordFault
from txpipe.stream import BadLines

HOUR = 3600.0


def alert(number, **changes):
    return {**ALERT, "id": f"{number:032x}", **changes}


def taken(*numbers, to=("a",)):
    return [Taken(f"{number:032x}:0", line(alert(number))[:-1], to) for number in numbers]


def keys(parcels):
    return [int(parcel.key[:32], 16) for parcel in parcels]


class Fake:
    """A receiver that takes what it is told to take; also the clock, chance and people around it."""

    batch = 2
    to_people = False

    def __init__(self, name="a"):
        self.name = name
        self.time = 1_000_000.0
        self.fault = None
        self.got = []
        self.said = []
        self.asleep = 0.0

    def send(self, parcels):
        if self.fault and (fault := self.fault(parcels)):
            raise fault
        self.got += keys(parcels)

    def lane(self, spool, **patience):
        world = World(self.said.append, lambda: self.time, lambda: 0.0, lambda: self.time - self.asleep)
        return Lane(self, spool, Patience(**patience), world)


@pytest.fixture
def spool(tmp_path):
    with Spool(tmp_path / "spool") as made:
        yield made


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90s", 90), ("15m", 900), ("24h", 86_400), ("7d", 604_800), ("0.5h", 1800)],
)
def test_duration(text, expected):
    """Spans of time are a number and a unit."""
    assert duration.seconds(text) == expected


@pytest.mark.parametrize("text", ["", "15", "m", "-1s", "1 h", "1e3s", "nans", "1.5.5h", "1w"])
def test_no_duration(text):
    """Anything else is none: a number without a unit is read differently by everyone."""
    assert duration.seconds(text) is None


def test_once():
    """An alert is let through once by id and rev; a new revision and records of other types pass."""
    given_items = [
        (b"", one) for one in (alert(1), alert(2), alert(1), HEARTBEAT, HEARTBEAT, alert(1, rev=1), alert(2))
    ]
    found = [record for _, record in dedupe.once(given_items, dedupe.Recent())]
    assert found == [alert(1), alert(2), HEARTBEAT, HEARTBEAT, alert(1, rev=1)]


@given(st.lists(st.integers(0, 30)), st.integers(1, 8))
def test_once_remembers_at_least(numbers, remembered):
    """What came among the last so many different ones is known; memory has a bound, so others may pass."""
    given_items = [(b"", alert(n)) for n in numbers]
    passed = [int(one["id"], 16) for _, one in dedupe.once(given_items, dedupe.Recent(remembered))]
    assert set(passed) == set(numbers)
    for at, number in enumerate(passed):
        since = passed[:at][::-1]
        assert number not in since[:remembered]


def test_rest_doubles():
    """Every failure in a row doubles the rest, up to five minutes; chance takes up to half of it."""
    longest = [rest.rest_s(failures, 1.0, 0, lambda: 0.0) for failures in range(1, 12)]
    assert longest == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert rest.rest_s(3, 1.0, 0, lambda: 0.999) == pytest.approx(2, rel=0.01)
    assert rest.rest_s(10_000, 1.0, 0, lambda: 0.0) == 300


def test_rest_as_asked():
    """A receiver may ask for a longer rest, up to an hour, never for a shorter one."""
    assert rest.rest_s(1, 1.0, 17, lambda: 0.0) == 17
    assert rest.rest_s(5, 1.0, 1, lambda: 0.0) == 16
    assert rest.rest_s(1, 1.0, 10**9, lambda: 0.0) == 3600


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("17", 17),
        (" 17 ", 17),
        ("Wed, 21 Oct 2015 07:28:10 GMT", 10),
        ("Wed, 21 Oct 2015 07:27:00 GMT", 0),
        ("9" * 50, 999_999_999),
        ("", 0),
        ("soon", 0),
        ("-5", 0),
        ("\u0661", 0),
        ("Wed, 99 Oct 99999 07:27:00 GMT", 0),
    ],
)
def test_retry_after(header, expected):
    """Retry-After is seconds or a date; nonsense asks for nothing."""
    assert rest.asked_s(header, 1_445_412_480.0) == expected


def test_order_and_own_places(spool):
    """Every receiver gets all in order at its own pace."""
    spool.take(taken(1, 2, 3, to=("a", "b")), 5.0)
    first = spool.due("a", 6.0, 2)
    assert keys(first) == [1, 2]
    spool.delivered("a", first)
    assert keys(spool.due("a", 6.0, 9)) == [3]
    assert keys(spool.due("b", 6.0, 9)) == [1, 2, 3]
    assert spool.waiting() == {"a": 1, "b": 3}


def test_known_alerts_are_not_taken_again(spool, tmp_path):
    """An alert that was taken is known by id and rev, delivered or not, also to the next run."""
    assert spool.take(taken(1, 2, 1), 5.0) == 2
    spool.delivered("a", spool.due("a", 5.0, 9))
    spool.close()
    with Spool(tmp_path / "spool") as again:
        assert again.take(taken(2, 3), 6.0) == 1
        assert keys(again.due("a", 6.0, 9)) == [3]
        assert again.take([Taken("1:1", b"{}", ("a",))], 6.0) == 1


def test_receivers_differ_by_alert(spool):
    """Each alert waits for its own receivers, and for none where there is none."""
    mixed = taken(1, to=("a",)) + taken(2, to=("b", "a")) + taken(3, to=()) + taken(4, to=("b",))
    assert spool.take(mixed, 5.0) == 4
    assert keys(spool.due("a", 5.0, 9)) == [1, 2]
    assert keys(spool.due("b", 5.0, 9)) == [2, 4]


def test_what_follows_goes_to_whom_the_first_went(spool):
    """A retraction or a new revision goes to whoever had, or waits for, an earlier one; each once."""
    spool.take([Taken("1:0", b"{}", ("a", "b")), Taken("2:0", b"{}", ("b",))], 5.0)
    spool.delivered("a", spool.due("a", 5.0, 9))
    later = [Taken("1:1", b"1", ("c", "b"), follows=True), Taken("2:1", b"2", (), follows=True)]
    spool.take([*later, Taken("12:1", b"3", ("c",), follows=True)], 6.0)
    found = {name: [parcel.key for parcel in spool.due(name, 6.0, 9)] for name in "abc"}
    assert found == {"a": ["1:1"], "b": ["1:0", "2:0", "1:1", "2:1"], "c": ["1:1", "12:1"]}


def test_what_follows_at_once_goes_to_whom_the_first_went(spool):
    """An alert, its update and its retraction that come in one read go to the same receivers, each."""
    first, *later = (
        Taken("1:0", b"0", ("a", "b")),
        Taken("2:0", b"x", ("a", "b")),
        Taken("1:1", b"1", ("c",), follows=True),
        Taken("1:2", b"2", ("a",), follows=True, takes_back=True),
        Taken("3:0", b"y", ("a",)),
    )
    assert spool.take([first, *later], 5.0) == 5
    found = {name: [one.key for one in spool.due(name, 5.0, 9)] for name in "abc"}
    assert found == {
        "a": ["1:0", "2:0", "1:1", "1:2", "3:0"],
        "b": ["1:0", "2:0", "1:1", "1:2"],
        "c": [
            "1:1",
            "1:2",
        ],
    }


def test_a_retraction_goes_to_nobody_else(spool):
    """Who never had an alert needs no retraction; of an id that is not known, the routes decide."""
    spool.take([Taken("1:0", b"{}", ("a",)), Taken("2:0", b"{}", ())], 5.0)
    back = [Taken(f"{n}:1", b"{}", ("a", "b"), follows=True, takes_back=True) for n in "123"]
    spool.take(back, 6.0)
    found = {name: [parcel.key for parcel in spool.due(name, 6.0, 9)] for name in "ab"}
    assert found == {"a": ["1:0", "1:1", "3:1"], "b": ["3:1"]}


def test_a_retraction_right_behind_its_alert(spool):
    """An alert and what follows it go to the same receivers when they are taken at once, too."""
    back = Taken("1:1", b"{}", ("a", "b"), follows=True, takes_back=True)
    spool.take([Taken("1:0", b"{}", ("a",)), back, Taken("1:2", b"{}", ("b",), follows=True)], 5.0)
    found = {name: [parcel.key for parcel in spool.due(name, 6.0, 9)] for name in "ab"}
    assert found == {"a": ["1:0", "1:1", "1:2"], "b": ["1:2"]}


def test_notes(spool):
    """Why an alert comes is kept for the receiver that it is said to, as long as the alert is."""
    spool.take([Taken("1:0", b"{}", ("a", "b"), notes={"b": "why"}), Taken("2:0", b"{}", ("b",))], 5.0)
    assert [parcel.note for parcel in spool.due("a", 5.0, 9)] == [""]
    assert [parcel.note for parcel in spool.due("b", 5.0, 9)] == ["why", ""]
    for name in "ab":
        spool.delivered(name, spool.due(name, 5.0, 9))
    spool.purge(6.0)
    with spool.database.reading() as db:
        assert db.execute("SELECT count(*) FROM notes").fetchone() == (0,)


def test_purge_keeps_what_waits(spool):
    """What is old is forgotten once no receiver waits for it, and is taken anew if it comes again."""
    spool.take(taken(1, 2, to=("a", "b")), 5.0)
    spool.delivered("a", spool.due("a", 5.0, 9))
    spool.delivered("b", spool.due("b", 5.0, 1))
    spool.purge(5.0)
    assert spool.take(taken(1, 2), 5.0) == 0
    spool.purge(6.0)
    assert keys(spool.due("b", 6.0, 9)) == [2]
    assert spool.take(taken(1, 2), 7.0) == 1


def test_purge_keeps_up(spool):
    """A purge says whether there is more to forget, so that a spool does not outgrow its intake."""
    spool.take(taken(*range(PURGED + 1), to=()), 5.0)
    assert spool.purge(6.0)
    assert not spool.purge(6.0)
    assert spool.take(taken(*range(PURGED + 1), to=()), 7.0) == PURGED + 1


def test_full_disk_takes_all_or_nothing(spool):
    """A batch that does not fit is not taken at all, what was taken before stays, and it is said."""
    spool.take(taken(1), 5.0)
    spool.database._db.execute("PRAGMA max_page_count = 40")
    with pytest.raises(SpoolFailed, match=r"the disk is full; .*free some space") as caught:
        spool.take(taken(*range(2, 500)), 6.0)
    assert caught.value.status == 1
    assert keys(spool.due("a", 7.0, 999)) == [1]
    spool.database._db.execute("PRAGMA max_page_count = 100000")
    assert spool.take(taken(2, 3), 8.0) == 2


def test_take_is_on_the_disk(tmp_path):
    """Taking syncs to the disk (synchronous FULL, in WAL mode); noting a delivery need not."""
    with Spool(tmp_path / "s") as made:
        seen = []
        made.database._db.set_trace_callback(seen.append)
        made.take(taken(1), 5.0)
        assert seen[:2] == ["PRAGMA synchronous = FULL", "BEGIN IMMEDIATE"]
        assert made.database._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def broken(path):
    (path / database.FILE).write_bytes(b"x" * 5000)


def damaged(path):
    with Spool(path) as made:
        made.take(taken(*range(500)), 5.0)
    whole = (path / database.FILE).read_bytes()
    (path / database.FILE).write_bytes(whole[:8192] + b"\xff" * 20_000 + whole[28_192:])


def foreign(path):
    with sqlite3.connect(path / database.FILE) as other:
        other.execute("CREATE TABLE mine (x)")
    other.close()


def newer(path):
    Spool(path).close()
    other = sqlite3.connect(path / database.FILE)
    other.execute("PRAGMA user_version = 99")
    other.close()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (broken, "is damaged; move it away"),
        (damaged, "is damaged; move it away"),
        (foreign, "is no spool of txalert; name another folder"),
        (newer, "was written by a newer txpipe"),
    ],
)
def test_spools_that_cannot_be_believed(tmp_path, spoil, words):
    """A spool that is corrupt, another program's, or of a newer version is refused, untouched."""
    spoil(tmp_path)
    before = (tmp_path / database.FILE).read_bytes()
    with pytest.raises(SpoolFault, match=words) as caught:
        Spool(tmp_path)
    assert caught.value.status == 2
    assert (tmp_path / database.FILE).read_bytes() == before


def test_no_folder_for_a_spool(tmp_path):
    """A spool in a folder that does not exist, or is a file, is refused."""
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "no" / "such", tmp_path / "file"):
        with pytest.raises(SpoolFault, match=r"cannot be made|is no folder"):
            Spool(path)


def test_lane_delivers(spool):
    """What is due goes out in batches, once."""
    fake = Fake()
    lane = fake.lane(spool)
    spool.take(taken(1, 2, 3), fake.time)
    assert [lane.step() for _ in range(3)] == [0, 0, IDLE_S]
    assert fake.got == [1, 2, 3]
    assert (lane.sent, lane.lost, fake.said) == (3, 0, [])


def test_lane_rests_and_goes_on(spool):
    """A receiver that fails is left alone, longer every time; then everything comes, in order."""
    fake = Fake()
    lane = fake.lane(spool, first_s=1.0)
    spool.take(taken(1, 2), fake.time)
    fake.fault = lambda _: NotTaken("HTTP 503")
    assert lane.step() == 1
    fake.time += 0.25
    assert lane.step() == 0.75
    fake.time += 0.75
    assert lane.step() == 2
    fake.fault = lambda _: NotTaken("HTTP 429", 30)
    fake.time += 2
    assert lane.step() == 30
    fake.fault = None
    fake.time += 30
    assert lane.step() == 0
    assert fake.got == [1, 2]
    assert fake.said == ["a: HTTP 503; what is for it is kept and tried again", "a: takes alerts again"]


def test_a_clock_set_back_makes_no_long_rest(spool):
    """A rest is never longer than it was, whatever the clock does meanwhile."""
    fake = Fake()
    lane = fake.lane(spool, first_s=1.0)
    spool.take(taken(1), fake.time)
    fake.fault = lambda _: NotTaken("HTTP 503")
    lane.step()
    fake.time -= 86_400
    assert lane.step() == 1


def test_large_alerts_are_not_read_all_at_once(spool):
    """What is sent or given up at once has a bound in bytes, too; it is never less than one alert."""
    large = [Taken(f"{number:032x}:0", b"x" * (AT_ONCE_BYTES // 4 + 1), ("a",)) for number in range(6)]
    spool.take([*large, Taken(f"{6:032x}:0", b"x" * 2 * AT_ONCE_BYTES, ("a",)), *taken(7)], 0.0)
    for read in (spool.due, spool.overdue):
        assert keys(read("a", 1.0, 500)) == [0, 1, 2, 3]
        assert keys(read("a", 1.0, 2)) == [0, 1]
    spool.delivered("a", spool.due("a", 1.0, 500))
    assert keys(spool.due("a", 1.0, 500)) == [4, 5, 6]
    spool.delivered("a", spool.due("a", 1.0, 500))
    assert keys(spool.due("a", 1.0, 500)) == [7]


def test_a_clock_set_back_makes_no_long_wait(spool):
    """An alert that was refused for itself does not wait for the time that the clock had before."""
    fake = Fake()
    lane = fake.lane(spool, first_s=1.0)
    spool.take(taken(1), fake.time)
    fake.fault = lambda _: NotTaken("HTTP 400", only_this=True)
    lane.step()
    fake.time -= 86_400
    fake.fault = None
    lane.step()
    assert fake.got == [1]


def test_what_comes_after_a_bug_is_kept(spool):
    """An error that ends the command is raised once what has come meanwhile is in the spool."""
    fake = Fake()
    fake.fault = lambda _: ZeroDivisionError("a bug")
    addressing = Addressing(spool, lambda _: ("a",), Restraint())
    courier = Courier(spool, [fake.lane(spool)], addressing, lambda: fake.time, 5.0)
    courier.note([(b"{}", alert(1))])
    courier.commit()
    courier.start()
    for thread in courier._threads:
        thread.join(30)
    courier.note([(b"{}", alert(2))])
    with pytest.raises(ZeroDivisionError):
        courier.commit()
    assert spool.waiting() == {"a": 2}
    assert fake.said == ["a: delivery has stopped: a bug"]


def test_receivers_that_hang_do_not_add_up():
    """The end waits a second for what is under way, however many receivers hang."""
    goes_on = threading.Event()

    class Stuck(Fake):
        def send(self, _):
            goes_on.wait(60)

        def close(self):
            pass

    with Memory() as memory:
        names = [str(number) for number in range(8)]
        lanes = [Stuck(name).lane(memory) for name in names]
        addressing = Addressing(memory, lambda _: names, Restraint())
        courier = Courier(memory, lanes, addressing, lambda: 1.0, 5.0)
        courier.note([(b"{}", alert(1))])
        courier.commit()
        courier.start()
        began = time.monotonic()
        courier.stop()
        assert time.monotonic() - began < 5
        goes_on.set()
        for thread in courier._threads:
            thread.join(30)


def test_one_refused_alert_delays_no_other(spool):
    """An alert that its receiver finds fault with waits by itself; the others go on."""
    fake = Fake()
    fake.batch = 1
    lane = fake.lane(spool, first_s=1.0)
    spool.take(taken(1, 2), fake.time)
    fake.fault = lambda parcels: NotTaken("HTTP 400", only_this=True) if keys(parcels) == [1] else None
    assert [lane.step(), lane.step(), lane.step()] == [0, 0, IDLE_S]
    assert fake.got == [2]
    assert fake.said == [f"a: HTTP 400, for alert {1:032x}:0; it is tried again"]
    fake.time += 1
    fake.fault = None
    lane.step()
    assert fake.got == [2, 1]


def test_a_receiver_that_refuses_everything_is_left_alone(spool):
    """Where one alert after the other is refused, they are not all sent at once: the receiver rests."""
    fake = Fake()
    fake.batch = 1
    lane = fake.lane(spool, first_s=1.0)
    spool.take(taken(*range(100)), fake.time)
    sent = []
    fake.fault = lambda _: sent.append(1) or NotTaken("HTTP 400", only_this=True)
    for _ in range(200):
        fake.time += lane.step() or 0.001
    assert fake.time > 1_000_000 + 10_000
    assert len(fake.said) == 10
    assert len(sent) == 200
    fake.fault = None
    for _ in range(500):
        fake.time += lane.step()
    assert sorted(fake.got) == list(range(100))


def test_what_is_broken_off_says_nothing(spool):
    """A delivery that the end of a run breaks off is no failure: nothing is said or given up."""
    fake = Fake()
    lane = fake.lane(spool, give_up_s=0)
    spool.take(taken(1), fake.time)
    lane.is_stopped = True
    fake.fault = lambda _: NotTaken("the connection broke")
    lane.step()
    assert (fake.said, lane.lost, spool.waiting()) == ([], 0, {"a": 1})


def test_memory_keeps_nothing_that_is_delivered():
    """Without a spool what was delivered is forgotten soon, and known all the same when it comes again."""
    fake = Fake()
    fake.batch = 5000
    with Memory() as memory:
        lane = fake.lane(memory)
        addressing = Addressing(memory, lambda _: ("a",), Restraint())
        courier = Courier(memory, [lane], addressing, lambda: fake.time, 5.0)
        for number in range(0, 20_000, 1000):
            items = [(b"{}", alert(n)) for n in (*range(number, number + 1000), number)]
            courier.note(items)
            courier.commit()
            while lane.step() == 0:
                pass
            fake.time += 11
        assert len(memory._ids) <= 2000
        assert memory.waiting_bytes("a") == 0
    assert lane.sent == 20_000


def test_a_batch_that_is_taken_in_part(spool):
    """What a receiver took before it refused one is not sent again; that one waits, the others go on."""
    fake = Fake()
    fake.batch = 3
    lane = fake.lane(spool)
    spool.take(taken(1, 2, 3), fake.time)

    def refuse(parcels):
        at = keys(parcels).index(2) if 2 in keys(parcels) else None
        fake.got += keys(parcels[:at]) if at else []
        return None if at is None else NotTaken("too large", only_this=True, taken=at)

    fake.fault = refuse
    assert [lane.step() for _ in range(3)] == [0, 0, IDLE_S]
    assert fake.got == [1, 3]
    assert lane.sent == 2


@pytest.mark.parametrize("only_this", [False, True])
def test_giving_up(spool, tmp_path, only_this):
    """What failed for too long is a dead letter, byte for byte; what is younger waits on."""
    fake = Fake()
    fake.batch = 1
    lane = fake.lane(spool, give_up_s=HOUR)
    spool.take(taken(1), fake.time)
    fake.time += HOUR - 1
    spool.take(taken(2), fake.time)
    fake.fault = lambda _: NotTaken("HTTP 500", only_this=only_this)
    lane.step()
    assert not (tmp_path / "spool" / DEAD).exists()
    fake.time += HOUR - 1
    while lane.step() == 0:
        pass
    (written,) = (tmp_path / "spool" / DEAD).read_bytes().splitlines()
    head = b'{"type":"dead-letter","receiver":"a","reason":"HTTP 500","given_up":1007198,"taken":1000000'
    assert written == head + b',"alert":' + line(alert(1))[:-1] + b"}"
    assert (lane.lost, spool.waiting()) == (1, {"a": 1})


@pytest.mark.parametrize("only_this", [False, True])
def test_a_clock_set_forward_gives_nothing_up(spool, only_this):
    """What waited for a minute is not old because the clock was set forward; time goes on from there."""
    fake = Fake()
    fake.fault = lambda _: NotTaken("HTTP 500", only_this=only_this)
    lane = fake.lane(spool, give_up_s=HOUR)

    def fails():
        while lane.step() == 0:
            pass
        return lane.lost

    spool.take(taken(1), fake.time)
    assert fails() == 0
    fake.time += 86_400
    fake.asleep += 86_400
    spool.take(taken(2), fake.time)
    assert fails() == 0
    fake.time += HOUR - 100
    spool.take(taken(3), fake.time)
    assert fails() == 0
    fake.time += 101
    assert fails() == 2
    fake.time += HOUR
    assert fails() == 3


def test_ages():
    """A time ago is as the clock showed it then, over several jumps, and slow drifts are time."""
    clock = [1000.0, 0.0]

    def passes(seconds, jump=0.0):
        clock[:] = [clock[0] + seconds + jump, clock[1] + seconds]
        return ages.ago(0)

    ages = Ages(lambda: clock[0], lambda: clock[1])
    assert ages.ago(100) == 900
    passes(100)  # 1100
    passes(100, 5000)  # 6200, of which the last 100 is of the new clock, or of the old one
    passes(100, 50)  # 6350: a drift
    passes(100, 9000)  # 15450
    assert [ages.ago(seconds) for seconds in (0, 10, 300, 1000)] == [15_450, 6440, 1150, 450]


def test_nothing_is_given_up_untried(spool):
    """Alerts that are old because nothing ran are tried before they are given up."""
    fake = Fake()
    lane = fake.lane(spool, give_up_s=HOUR)
    spool.take(taken(1), fake.time)
    fake.time += 99 * HOUR
    lane.step()
    assert (fake.got, lane.lost) == ([1], 0)


def test_dead_letters_come_back(spool, tmp_path):
    """A dead letter is sent again once, as the same bytes; a second resend of it changes nothing."""
    spool.take([Taken("k:0", b'{"a" : 1e2}', ("a",))], 5.0)
    odd = line(alert(7, note=2**70)).replace(b',"note"', b' , "note"')[:-1]
    spool.take([Taken(f"{7:032x}:0", odd, ("a", "b"))], 5.0)
    parcels = spool.due("a", 5.0, 9)[1:]
    path = tmp_path / "dead"
    deadletters.append(path, "a", "gone", parcels, 9.0)
    spool.dead("a", parcels)
    spool.delivered("b", spool.due("b", 5.0, 9))
    said = []
    rows = list(enumerate([*path.read_bytes().splitlines(), b"{}", b'{"receiver":"b","alert":7}'], 1))
    again = [*resend.letters(rows, "dead", BadLines(said.append))]
    assert resend.resent(again, spool, lambda: 10.0) == (1, 0)
    assert resend.resent(again, spool, lambda: 11.0) == (0, 1)
    assert [parcel.line for parcel in spool.due("a", 12.0, 9)] == [b'{"a" : 1e2}', odd]
    to_b = [deadletters.Letter("b", odd, again[0].key)]
    assert resend.resent(to_b, spool, lambda: 11.0) == (0, 1)
    assert [message.split(": ")[0] for message in said] == ["dead:2", "dead:3"]


def test_resend_of_what_was_forgotten(spool):
    """A dead letter whose alert the spool no longer knows is taken anew."""
    assert resend.resent([deadletters.Letter("a", b"{}", "k:0")], spool, lambda: 5.0) == (1, 0)
    assert [parcel.line for parcel in spool.due("a", 5.0, 9)] == [b"{}"]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"nope",
        b'{"type":"alert","receiver":"a","alert":{}}',
        b'{"type":"dead-letter","receiver":"a","alert":{"type":"news"}}',
        b'{"type":"dead-letter","receiver":"a","alert":' + b"[" * 100_000,
        b'{"type":"dead-letter","receiver":"a","alert":' + line(ALERT, severity="odd") + b"}",
    ],
)
def test_no_dead_letter(text):
    """What is no dead letter, or holds no alert, is a bad line."""
    with pytest.raises(RecordFault):
        deadletters.read(text)


def test_dead_letters_on_a_full_disk():
    """Where they cannot be written, that is said, and the alerts are not given up."""
    with pytest.raises(SpoolFailed, match="/dev/full: cannot be written: No space left"):
        deadletters.append(Path("/dev/full"), "a", "gone", [Parcel("k:0", b"{}")], 9.0)


def test_dead_letters_nested_deep(tmp_path):
    """An alert as deep as one may be comes back from its letter."""
    deep = line(ALERT)[:-2] + b',"x":' + b"[" * 1000 + b"]" * 1000 + b"}"
    path = tmp_path / "dead.ndjson"
    deadletters.append(path, "a", 'no,"alert":', [Parcel("k:0", deep)], 9.0)
    letter = deadletters.read(path.read_bytes()[:-1])
    assert (letter.receiver, letter.line) == ("a", deep)


def test_dead_letters_after_a_kill(tmp_path):
    """A letter that a kill left unfinished is ended; the next one is a line of its own."""
    path = tmp_path / "dead.ndjson"
    path.write_bytes(b'{"type":"dead-l')
    deadletters.append(path, "a", "gone", [Parcel("k:0", line(ALERT)[:-1])], 9.0)
    unfinished, letter = path.read_bytes().splitlines()
    assert unfinished == b'{"type":"dead-l'
    assert deadletters.read(letter).line == line(ALERT)[:-1]


def test_names_hold_no_secret():
    """Of a URL a name has scheme, host and port; a digest tells receivers on one host apart."""
    one, two = (f"https://user:pass@Hooks.example:8443/T0/secret{n}?key=hidden" for n in "12")
    assert origin(one) == "https://hooks.example:8443"
    assert named(origin(one), one) != named(origin(two), two)
    for hidden in ("user", "pass", "secret", "hidden"):
        assert hidden not in named(origin(one), one)
    assert shown("https://[broken/secret") == "https:"
    assert shown("http://[::1]:80/x") == "http://[::1]:80"


def test_dead_letters_are_json():
    """A dead letter is one JSON object whose alert is the alert, whatever is in the reason."""
    with Memory() as memory:
        memory.take([Taken("k:0", line(ALERT)[:-1], ("a",))], 5.0)
        text = deadletters._written('r"\n\x1b', "because\u2028", memory.due("a", 5.0, 1)[0], 9.0)
    assert text.count(b"\n") == 1
    assert json.loads(text)["alert"] == ALERT


def test_an_alert_of_thousands_of_revisions(tmp_path):
    """Who had the earlier ones is found at the first of them: the next revision costs what the second did."""
    steps = []
    with Spool(tmp_path) as spool:
        spool.take([Taken("1:0", b"{}", ("a", "b"))], 1.0)
        for number in range(1, 1001):
            spool.take([Taken(f"1:{number}", b"{}", (), follows=True)], 1.0)
        with spool.database.reading() as db:
            db.set_progress_handler(lambda: steps.append(1), 1)
            assert spool.had("1") == ["a", "b"]
            db.set_progress_handler(None, 0)
    assert len(steps) < 500
