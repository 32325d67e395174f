"""Heartbeats of txdetect: one for each chain, whatever upstream says or does not say, on any input."""

import os

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import HEARTBEAT, RECORDS, line
from txpipe.clock import Clock
from txpipe.detect.pulse import CHAINS, Pulse
from txpipe.sink import Sink

UNIX = 1_760_000_100
BLOCK, TRANSFER = RECORDS["block"], RECORDS["transfer"]
KEYS = ["type", "chain", "time", "status", "block", "lag_s", "records", "bad", "source"]


class Wired:
    """A pulse on a real pipe, with a clock that goes on only while it waits for input."""

    def __init__(self, every_s=10, stall_s=60):
        self.reading, self.writing = os.pipe()
        self.now, self.comes_at = 1000.0, 0.0
        clock = Clock(lambda: self.now, lambda: UNIX + self.now - 1000, self.ready)
        self.pulse = Pulse(every_s, stall_s, Sink(self.writing, "pipe"), clock)

    def ready(self, seconds):
        is_late = self.now + seconds <= self.comes_at
        self.now = self.now + seconds if is_late else max(self.now, self.comes_at)
        return not is_late

    def silent(self, seconds, records=0, bad=0):
        """Let nothing come for so long; returns what was written meanwhile."""
        self.comes_at = self.now + seconds
        self.pulse.idle(records, bad)
        return self.written()

    def written(self):
        os.set_blocking(self.reading, False)
        try:
            return [orjson.loads(text) for text in os.read(self.reading, 1 << 20).splitlines()]
        except BlockingIOError:
            return []

    def close(self):
        os.close(self.reading)
        os.close(self.writing)

    def hear(self, record, **changes):
        text = line(record, **changes)[:-1]
        self.pulse.hear(orjson.loads(text), text)


def statuses(beats):
    return [one["status"] for one in beats]


@pytest.fixture
def wired():
    one = Wired()
    yield one
    one.close()


def test_shape_and_pace(wired):
    """One every so many seconds, with all keys in the order of the record's description."""
    wired.hear(BLOCK)
    first, second = wired.silent(25, 7, 2)
    assert list(first) == KEYS
    assert first == {
        **HEARTBEAT, "time": UNIX + 10, "lag_s": UNIX + 10 - BLOCK["time"], "records": 7, "bad": 2,
        "source": "txdetect",
    }  # fmt: skip
    assert (second["time"], second["lag_s"]) == (UNIX + 20, first["lag_s"] + 10)
    assert wired.silent(4) == []
    assert len(wired.silent(1)) == 1


def test_nothing_seen_is_nothing_said(wired):
    """Before the first record there is no chain to speak of."""
    assert wired.silent(100) == []


def test_silence_is_a_stall(wired):
    """A chain that is silent for --stall seconds is called stalled; its next block ends that."""
    wired.hear(BLOCK)
    assert statuses(wired.silent(75)) == ["ok"] * 5 + ["stalled"] * 2
    wired.hear(BLOCK)
    assert statuses(wired.silent(10)) == ["ok"]


def test_stall_never():
    """With 0 no silence is a stall."""
    never = Wired(stall_s=0)
    never.hear(BLOCK)
    assert set(statuses(never.silent(1_000))) == {"ok"}
    never.close()


@pytest.mark.parametrize("status", ["blind", "stalled"])
def test_upstreams_word_holds(wired, status):
    """It is passed on at once and repeated until a record of a block comes, or upstream says ok."""
    wired.hear(BLOCK)
    for end in (BLOCK, TRANSFER, HEARTBEAT):
        wired.hear(HEARTBEAT, status=status)
        assert statuses(wired.silent(20)) == [status, status, status]
        wired.hear(TRANSFER, block=None, pending=True)
        assert statuses(wired.silent(10)) == [status]
        wired.hear(end)
        assert statuses(wired.silent(10)) == ["ok"] * (2 if end is HEARTBEAT else 1)


def test_chains_are_apart(wired):
    """One that is blind and one that goes on have heartbeats of their own; the lag is each one's."""
    wired.hear(BLOCK)
    wired.hear(HEARTBEAT, chain="eip155:10", status="blind", block=None, lag_s=40)
    wired.silent(0)
    one, other = wired.silent(10)
    assert (one["chain"], one["status"], one["block"]) == ("eip155:1", "ok", BLOCK["block"])
    assert (other["chain"], other["status"], other["block"]) == ("eip155:10", "blind", None)
    assert other["lag_s"] == UNIX + 10 - (HEARTBEAT["time"] - 40)


def test_order_within_a_read(wired):
    """Of lines that nobody parsed as a whole the end is looked at, in the order of all."""
    blocks = [line(BLOCK, block=height)[:-1] for height in (5, 6)]
    blind = line(HEARTBEAT, status="blind")[:-1]
    for lines, status in (
        ([blind, *blocks], "ok"),
        ([*blocks, blind], "blind"),
        ([blocks[0], blind], "blind"),
    ):
        wired.pulse.hear(orjson.loads(blind), blind)
        wired.pulse.look(lines)
        wired.silent(0)
        wired.now += 10
        assert statuses(wired.silent(0)) == [status]
    wired.pulse.look([*blocks, line(TRANSFER, chain="eip155:10", block=9)[:-1], b"{junk", b""])
    wired.pulse.look([line(TRANSFER, chain="eip155:10", block=9)[:-1]])
    wired.now += 10
    assert [(one["chain"], one["block"]) for one in wired.silent(0)] == [("eip155:1", 6), ("eip155:10", 9)]


def test_chains_are_bounded(wired):
    """A stream that names ever new chains has heartbeats of the last ones only."""
    for number in range(10 * CHAINS):
        wired.hear(BLOCK, chain=f"eip155:{number}")
    beats = wired.silent(10)
    assert {one["chain"] for one in beats} == {
        f"eip155:{number}" for number in range(9 * CHAINS, 10 * CHAINS)
    }


numbers = st.one_of(st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False, allow_infinity=False))


@given(time=st.integers(-(2**63), 2**63), lag=numbers, block=st.integers(0, 2**63 - 1), beat=st.booleans())
def test_odd_numbers(time, lag, block, beat):
    """Times before the epoch or after the sun's end, and lags of any kind, make a heartbeat all the same."""
    one = Wired()
    if beat:
        one.hear(HEARTBEAT, time=time, lag_s=lag, block=block, status="blind")
    else:
        one.hear(BLOCK, time=time, block=block)
    said = one.silent(10)[-1]
    one.close()
    assert (said["source"], said["block"]) == ("txdetect", block)
    assert said["lag_s"] >= 0
