"""alerts.reminders: what stands is told again, a stated number of times, over restarts."""

from itertools import pairwise

import pytest

from examples import ALERT, line
from receiver_kit import People, parcel
from txpipe.alerts.grouping import Grouping
from txpipe.alerts.receiver import NotTaken
from txpipe.alerts.reminders import Reminders
from txpipe.alerts.silence import Conditions, Silences
from txpipe.alerts.spool import Spool

HOUR = 3600.0


def retraction(number, incident="i"):
    return parcel(number, incident, status="retracted", rev=1)


@pytest.fixture
def people():
    return People()


@pytest.fixture
def spool(tmp_path):
    with Spool(tmp_path) as made:
        yield made


def run(lane, people, seconds):
    """Let time pass, minute by minute."""
    for _ in range(int(seconds // 60)):
        while lane.step() == 0:
            pass
        people.time += 60


def test_reminds_of_what_stands(people, spool):
    """A group is told again after each ``repeat``, so many times; the note says which and how old it is."""
    lane = people.lane(spool, repeat_s=4 * HOUR, reminders=2)
    begin = people.time
    people.take(spool, parcel(1, "a"), parcel(2, "a"))
    run(lane, people, 24 * HOUR)
    assert [(at - begin, numbers, note) for at, numbers, note in people.messages] == [
        (0, [1, 2], ""),
        (4 * HOUR, [1, 2], "Reminder 1 of 2, first told 4 hours ago"),
        (8 * HOUR, [1, 2], "Reminder 2 of 2, first told 8 hours ago"),
    ]
    assert lane.sent == 2


def test_news_begins_anew(people, spool):
    """A new alert of the group puts the reminder off and counts them from the first; the age goes on."""
    lane = people.lane(spool, repeat_s=4 * HOUR, reminders=1)
    people.take(spool, parcel(1, "a"))
    run(lane, people, 5 * HOUR)
    people.take(spool, parcel(2, "a"))
    run(lane, people, 24 * HOUR)
    assert [(numbers, note) for _, numbers, note in people.messages] == [
        ([1], ""),
        ([1], "Reminder 1 of 1, first told 4 hours ago"),
        ([2], ""),
        ([2], "Reminder 1 of 1, first told 4 hours ago"),
    ]


def test_retraction_ends_it(people, spool):
    """What was taken back is not repeated; once all of a group is, there are no reminders."""
    lane = people.lane(spool, repeat_s=HOUR)
    people.take(spool, parcel(1, "a"), parcel(2, "a"), parcel(3, "b"))
    run(lane, people, 120)
    people.take(spool, retraction(1, "a"), retraction(3, "b"))
    run(lane, people, 2 * HOUR)
    assert [numbers for _, numbers, note in people.messages if note] == [[2]]
    people.take(spool, retraction(2, "a"))
    run(lane, people, 24 * HOUR)
    assert [numbers for _, numbers, note in people.messages if note] == [[2]]


def test_no_reminder_of_what_was_taken_back_before_it_was_told(people, spool):
    """A first revision that comes after its retraction, in one message or in a later one, does not stand."""
    lane = people.lane(spool, repeat_s=4 * HOUR)
    people.take(spool, retraction(1), parcel(1))
    run(lane, people, HOUR)
    people.take(spool, retraction(2, "j"))
    run(lane, people, HOUR)
    people.take(spool, parcel(2, "j"), parcel(3, "j"))
    run(lane, people, 5 * HOUR)
    assert [(numbers, note[:10]) for _, numbers, note in people.messages] == [
        ([1, 1], ""),
        ([2], ""),
        ([2, 3], ""),
        ([3], "Reminder 1"),
    ]


def test_updates_are_repeated_as_they_are(people, spool):
    """A reminder shows the last revision."""
    lane = people.lane(spool, repeat_s=HOUR, reminders=1)
    people.take(spool, parcel(1, "a"))
    run(lane, people, 60)
    people.take(spool, parcel(1, "a", status="updated", rev=1))
    run(lane, people, 2 * HOUR)
    assert people.sent[-1][0].key.endswith(":1")


def test_a_silence_ends_it(people, spool):
    """What a silence mutes by the time is not repeated, nor after the silence; the rest is."""
    lane = people.lane(spool, repeat_s=HOUR)
    people.take(spool, parcel(1, "a"), parcel(2, "b"))
    run(lane, people, 60)
    about = Conditions(incidents=("a",))
    Silences(spool.database).add("known", people.time, people.time + 90 * 60, about)
    run(lane, people, 24 * HOUR)
    assert [numbers for _, numbers, note in people.messages if note] == [[2]] * 3


def test_over_restarts(people, tmp_path):
    """A restart forgets no reminder, gives none twice, and does not wait for one at its end."""
    with Spool(tmp_path) as spool:
        lane = people.lane(spool, repeat_s=4 * HOUR, reminders=2)
        people.take(spool, parcel(1, "a"))
        run(lane, people, 5 * HOUR)
        assert not lane.owes()
    people.time += 4 * HOUR
    with Spool(tmp_path) as spool:
        lane = people.lane(spool, repeat_s=4 * HOUR, reminders=2)
        lane.ends = True
        assert lane.owes()
        run(lane, people, 24 * HOUR)
        assert not lane.owes()
    assert [note for *_, note in people.messages] == [
        "",
        "Reminder 1 of 2, first told 4 hours ago",
        "Reminder 2 of 2, first told 9 hours ago",
    ]


def test_fewer_than_in_an_earlier_run(people, spool):
    """Where there have been as many as are asked for now, there are no more."""
    people.take(spool, parcel(1, "a"))
    run(people.lane(spool, repeat_s=HOUR, reminders=5), people, 2.5 * HOUR)
    run(people.lane(spool, repeat_s=HOUR, reminders=2), people, 24 * HOUR)
    assert len(people.messages) == 3


def test_a_revision_of_another_group(people, spool):
    """An alert that is revised into another group is repeated there, and its old group no more."""
    lane = people.lane(spool, repeat_s=HOUR, reminders=1)
    people.take(spool, parcel(1, "a"))
    run(lane, people, 60)
    people.take(spool, parcel(1, "b", status="updated", rev=1))
    run(lane, people, 24 * HOUR)
    assert [bool(note) for *_, note in people.messages] == [False, False, True]


def test_many_groups(spool):
    """However many groups there are, they are counted at most for a message or a reminder."""
    told = Reminders(spool.database, "a", Grouping(repeat_s=HOUR))
    told.told([parcel(number, str(number)) for number in range(1000)], 0.0)
    steps = []
    with spool.database.reading() as db:
        db.set_progress_handler(lambda: steps.append(1), 10)
    told.told([parcel(999, "x")], 1.0)
    told.reminded(told.due(HOUR).kin, HOUR)
    assert len(steps) < 500


def test_limit_holds_for_reminders(people, spool):
    """Reminders are messages: they wait for room, and new alerts go first."""
    lane = people.lane(spool, repeat_s=HOUR, reminders=5, most=1, span_s=2 * HOUR)
    people.take(spool, parcel(1, "a"))
    run(lane, people, 24 * HOUR)
    times = [at for at, *_ in people.messages]
    assert len(times) == 6
    assert all(later - earlier >= 2 * HOUR for earlier, later in pairwise(times))


def test_failures(people, spool):
    """A reminder that was not taken is tried again; one that is refused for itself is left out and said."""
    lane = people.lane(spool, repeat_s=HOUR, reminders=2)
    people.take(spool, parcel(1, "a"))
    run(lane, people, 60)
    people.time += HOUR
    people.fault = NotTaken("HTTP 500")
    assert lane.step() > 0
    assert not lane.owes()
    people.fault = None
    run(lane, people, 300)
    people.fault = NotTaken("HTTP 400", only_this=True)
    run(lane, people, 24 * HOUR)
    assert [note.split(",")[0] for *_, note in people.messages] == ["", "Reminder 1 of 2"]
    assert people.said[-1] == "a: HTTP 400, for a reminder; it is left out"
    assert lane.lost == 0


def test_no_reminder_of_a_digest(people, spool):
    """What tells of alerts that were held back stands for nothing that could be taken back."""
    lane = people.lane(spool, repeat_s=HOUR)
    people.take(spool, parcel(1, rule="held-back"))
    run(lane, people, 5 * HOUR)
    assert len(people.messages) == 1


def test_clock_that_is_set_back(people, spool):
    """A clock that was years ahead does not put reminders off for years."""
    lane = people.lane(spool, repeat_s=HOUR, reminders=1)
    people.time += 1e8
    people.take(spool, parcel(1))
    assert lane.step() == 0
    people.time -= 1e8
    run(lane, people, 2 * HOUR)
    assert [note for *_, note in people.messages] == ["", "Reminder 1 of 1, first told a minute ago"]


def test_clock_that_is_set_back_a_little(people, spool):
    """As clocks are, to keep time: nobody is reminded of what he was told a second ago."""
    lane = people.lane(spool, repeat_s=HOUR, reminders=1)
    people.take(spool, parcel(1))
    assert lane.step() == 0
    people.time -= 2
    assert lane.step() > 0
    run(lane, people, 2 * HOUR)
    assert [note for *_, note in people.messages] == ["", "Reminder 1 of 1, first told 1 hour ago"]


def test_memory_is_bounded(spool):
    """Of more alerts than are remembered, the groups that were told the longest ago are forgotten."""
    reminders = Reminders(spool.database, "a", Grouping(repeat_s=HOUR), kept=10)
    for number in range(30):
        reminders.told([parcel(number, f"i{number}")], float(number))
    with spool.database.reading() as db:
        rows = db.execute("SELECT count(*) FROM standing").fetchone()
        groups = db.execute("SELECT count(*) FROM groups").fetchone()
    assert (rows, groups) == ((10,), (10,))
    assert reminders.due(1e6).parcels[0].line == line(ALERT, id=f"{20:032x}", incident="i20")[:-1]
