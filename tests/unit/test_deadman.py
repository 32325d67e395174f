"""The dead man's switch: silence is an alert, once, and taken back; nothing else is."""

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import ALERT, HEARTBEAT, TRANSFER
from txpipe.alerts.database import Database
from txpipe.alerts.deadman import CHAINS, DeadMan
from txpipe.alerts.episodes import INPUT, Episode, Episodes
from txpipe.alerts.human import human, plain
from txpipe.clock import Clock
from txpipe.detect.explain import explained
from txpipe.record import check, loads

START = 1_760_000_000
STALLED = {**HEARTBEAT, "status": "stalled"}


class World:
    """Time that only waiting, or a test, lets pass; input that comes when it was told to."""

    def __init__(self, database=None, after_s=60):
        self.time = 0.0
        self.unix = START
        self.comes_at = 0.0
        self.out = []
        clock = Clock(lambda: self.time, lambda: self.unix + self.time, self.ready)
        self.switch = DeadMan(after_s, "<stdin>", Episodes(database), clock, self.tell)

    def tell(self, item):
        line, alert = item
        assert check(loads(line)) == alert
        self.out.append(alert)

    def ready(self, seconds):
        self.time += max(0.0, min(seconds, self.comes_at - self.time))
        return self.time >= self.comes_at

    def after(self, seconds, *records):
        """Wait so long for input, then take it."""
        self.comes_at = self.time + seconds
        self.switch.idle()
        items = [(json.dumps(record).encode(), record) for record in records]
        self.switch.hear(items)
        return self

    @property
    def said(self):
        return [(one["chain"], one["status"], one["time"] - START) for one in self.out]


def test_a_flood_of_what_is_no_record():
    """Lines that are no records, and never pause, are silence; a stop of the process among them is not."""
    world = World().after(10, HEARTBEAT)
    for _ in range(100):
        world.time += 0.7
        world.after(0)
    assert world.said == [(INPUT, "open", 70)]
    world.after(0, HEARTBEAT)
    world.time += 600
    world.after(0).after(0, HEARTBEAT)
    assert [status for _, status, _ in world.said] == ["open", "retracted"]


def test_silence_is_told_once_and_taken_back():
    """Nothing for so long is one alert, at once; the first line takes it back under the same id."""
    world = World().after(10, HEARTBEAT).after(600, HEARTBEAT).after(10, HEARTBEAT)
    assert world.said == [(INPUT, "open", 70), (INPUT, "retracted", 610)]
    opened, taken_back = world.out
    assert opened["title"] == "Nothing has come on <stdin> for 60 s"
    assert taken_back["title"] == "Records come again, after 600 s"
    assert (opened["id"], opened["rev"], taken_back["rev"]) == (taken_back["id"], 0, 1)
    assert opened["evidence"] == {"silent_s": 60, "thresholds": {"deadman_s": 60}}
    assert (opened["rule"], opened["severity"], opened["category"]) == ("deadman", "high", "operations")
    assert "HIGH 100  2025-10-09" in human(opened, plain)


def test_explained():
    """txdetect --explain knows whose word it is, and does not take it for a rule of the user's own."""
    (opened,) = World().after(70).out
    said = explained(opened, ())
    assert "had word come in time (txalert --deadman)" in said
    assert "your own" not in said


def test_every_episode_has_an_id_of_its_own():
    """A second silence is another alert."""
    world = World().after(100, HEARTBEAT).after(100, HEARTBEAT)
    assert [one["status"] for one in world.out] == ["open", "retracted"] * 2
    assert sorted(Counter(one["id"] for one in world.out).values()) == [2, 2]


@pytest.mark.parametrize("record", [TRANSFER, ALERT, HEARTBEAT, STALLED, {"type": "unheard-of"}])
def test_any_record_is_word(record):
    """Whatever comes in time, a heartbeat of any status too, the input is not silent."""
    world = World()
    for _ in range(10):
        world.after(59, record, {**HEARTBEAT, "chain": "eip155:1"})
    assert world.out == []


def test_a_source_that_is_of_no_use():
    """Heartbeats that say stalled or blind for so long are an alert of their chain, not of others."""
    world = World()
    for status in ("stalled", "blind", "blind", "blind"):
        world.after(25, {**HEARTBEAT, "status": status}, {**HEARTBEAT, "chain": "eip155:56"})
    world.after(1, TRANSFER)
    assert world.said == [("eip155:1", "open", 85), ("eip155:1", "retracted", 101)]
    assert world.out[0]["title"] == "txtail has said for 60 s that eip155:1 is blind"
    assert world.out[0]["block"] == HEARTBEAT["block"]
    assert world.out[1]["record"]["status"] == "ok"


def test_short_trouble_is_none():
    """A stall that ends in time is no alert, and the next one begins anew."""
    world = World()
    for _ in range(5):
        world.after(40, STALLED).after(30, HEARTBEAT)
    assert world.out == []


def test_silence_says_it_for_all_chains():
    """Where nothing comes at all, that is told, not that a chain is in trouble, too."""
    world = World().after(1, STALLED).after(500, HEARTBEAT)
    assert [chain for chain, *_ in world.said] == [INPUT, INPUT]


def test_junk_is_no_word():
    """Bytes that hold no record do not keep the switch quiet."""
    world = World()
    for _ in range(200):
        world.after(0.5)
    assert world.said == [(INPUT, "open", 60)]


def test_a_slow_reader_makes_no_silence():
    """Time that goes by while nobody waits for input does not count."""
    world = World().after(1, STALLED)
    for _ in range(5):
        world.time += 3600
        world.after(0, STALLED)
    assert world.out == []


def test_a_process_that_was_stopped_makes_no_silence():
    """A wait that took far longer than it was to (Ctrl-Z, a computer that slept) counts as its step."""
    world = World()
    ready = world.ready
    world.comes_at = 7_000.0

    def stopped(seconds):
        world.time += 1_000 * bool(seconds)
        return ready(seconds)

    world.switch._clock = Clock(lambda: world.time, lambda: START, stopped)
    world.switch.idle()
    assert world.out == []


def test_a_clock_that_is_set():
    """Wall time that runs back or ahead neither makes an alert nor hides one."""
    world = World()
    for jump in (-86_400, 86_400 * 365, -1_000_000_000):
        world.unix += jump
        world.after(59, HEARTBEAT)
    assert world.out == []
    world.after(30)
    world.unix -= 1_000_000
    world.after(31, HEARTBEAT)
    assert [one["status"] for one in world.out] == ["open", "retracted"]


def test_the_end_is_no_silence():
    """An input that has ended is ready at once: nothing is told."""
    world = World().after(10, HEARTBEAT)
    for _ in range(1000):
        world.after(0)
    assert world.out == []


def test_a_restart_says_it_once(tmp_path):
    """The next run with the same spool does not say it again, and takes back what the last one said."""
    first = World(Database(tmp_path)).after(100)
    second = World(Database(tmp_path))
    second.unix += 100
    second.after(1000)
    assert (first.said, second.out) == ([(INPUT, "open", 60)], [])
    second.after(1, HEARTBEAT)
    assert second.out[0]["id"] == first.out[0]["id"]
    assert second.out[0]["evidence"]["silent_s"] == 1101
    assert World(Database(tmp_path)).after(10, HEARTBEAT).out == []


def test_killed_before_it_was_told(tmp_path):
    """An alert that may not have left is told by the next run, under the same id."""
    episodes = Episodes(Database(tmp_path))
    episodes.keep(Episode(INPUT, START, "<stdin>"))
    world = World(Database(tmp_path)).after(1, HEARTBEAT)
    assert [one["status"] for one in world.out] == ["open", "retracted"]
    assert len({one["id"] for one in world.out}) == 1


def test_another_switch_upstream_is_no_good_word():
    """What a txalert before it says of a chain does not make that chain well."""
    theirs = {**ALERT, "rule": "deadman"}
    world = World().after(1, STALLED).after(59, theirs, STALLED).after(10, STALLED)
    assert world.said == [("eip155:1", "open", 61)]


def test_memory_is_bounded():
    """However many chains are said to be in trouble, CHAINS are followed."""
    world = World()
    world.after(1, *({**STALLED, "chain": f"eip155:{number}"} for number in range(CHAINS * 3)))
    world.after(59, STALLED).after(5, STALLED)
    assert len(world.out) == CHAINS - 1
    assert len(world.switch._troubles) == CHAINS


def test_hostile_heartbeats():
    """A name without an end and a height beyond any are kept short."""
    odd = {**STALLED, "source": "\x1b[31m" * 9999, "block": 10**40}
    world = World(Database(None)).after(1, odd).after(59, odd).after(5, odd)
    assert len(json.dumps(world.out[0])) < 2000
    assert "\x1b" not in world.out[0]["title"]


EVENTS = st.lists(
    st.tuples(
        st.integers(0, 150),
        st.sampled_from(["eip155:1", "eip155:56"]),
        st.sampled_from(["ok", "stalled", "blind"]),
    ),
    max_size=30,
)


@given(EVENTS)
def test_episodes_open_and_close_in_turn(events):
    """Of every chain an alert opens, then is taken back, and so on; every silence over the limit is told."""
    world = World()
    for seconds, chain, status in events:
        before = len(world.out)
        world.after(seconds, {**HEARTBEAT, "chain": chain, "status": status})
        told = [one for one in world.out[before:] if one["chain"] == INPUT]
        assert [one["status"] for one in told] == (["open", "retracted"] if seconds > 60 else [])
    for chain in {one["chain"] for one in world.out}:
        of_chain = [(one["status"], one["id"]) for one in world.out if one["chain"] == chain]
        assert [status for status, _ in of_chain] == (["open", "retracted"] * len(of_chain))[: len(of_chain)]
        pairs = zip(of_chain[::2], of_chain[1::2], strict=False)
        assert all(first[1] == second[1] for first, second in pairs)
