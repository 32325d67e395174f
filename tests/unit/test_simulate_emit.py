"""txsim's way out: pace, parts of blocks, totals."""

import itertools

import pytest

from txpipe.simulate import emit, simulator
from txpipe.simulate.simulator import Settings
from txpipe.sink import open_sink


class Clock:
    """A clock that only sleeping moves on, and a little every reading of it."""

    def __init__(self, reading_s=0.0):
        self.now = 100.0
        self.naps = []
        self._reading_s = reading_s

    def __call__(self):
        self.now += self._reading_s
        return self.now

    def sleep(self, seconds):
        assert seconds > 0
        self.naps.append(seconds)
        self.now += seconds


def blocks(count):
    stream = simulator.blocks(Settings(seed=9, fraud_rate=0.1, tps=5))
    return list(itertools.islice((block for block in stream if block.time >= simulator.START), count))


def emitted(tmp_path, items, pace=None):
    out, labels = tmp_path / "records", tmp_path / "labels"
    sinks = emit.Sinks(open_sink(str(out)), open_sink(str(labels)))
    totals = emit.Totals(lambda: 0.0)
    emit.emit(items, sinks, pace, totals)
    sinks.records.close()
    return out.read_bytes(), labels.read_bytes(), totals


def test_pace_changes_no_byte(tmp_path):
    """With --rate the same records, labels and totals come out."""
    clock = Clock()
    data, labels, totals = emitted(tmp_path, blocks(30))
    paced_data, paced_labels, paced = emitted(tmp_path, blocks(30), emit.Pace(1000, clock, clock.sleep))
    assert (data, labels) == (paced_data, paced_labels)
    assert totals.labelled == paced.labelled == labels.count(b"\n") > 0
    assert totals.records == paced.records == data.count(b"\n")
    assert totals.transactions == paced.transactions


def test_pace_is_the_rate(tmp_path):
    """Record k is due (k - 1) / rate seconds after the start."""
    clock = Clock()
    data, _, _ = emitted(tmp_path, blocks(3), emit.Pace(50, clock, clock.sleep))
    assert round(clock.now - 100, 6) == round((data.count(b"\n") - 1) / 50, 6)


def test_the_past_comes_at_once():
    """Blocks from before the start are not held back and do not count."""
    clock = Clock()
    stream = simulator.blocks(Settings(seed=9))
    pace = emit.Pace(10, clock, clock.sleep, simulator.START)
    past = list(itertools.takewhile(lambda block: block.time < simulator.START, stream))
    for block in past:
        assert list(pace.parts(block, lambda: None)) == [block]
    assert not clock.naps
    list(pace.parts(next(stream), lambda: None))
    assert clock.naps


def test_pace_does_not_drift(tmp_path):
    """Work between sleeps shortens them; it does not add up."""
    clock = Clock(reading_s=0.004)
    data, _, _ = emitted(tmp_path, blocks(3), emit.Pace(50, clock, clock.sleep))
    assert (clock.now - 100) * 50 < data.count(b"\n") + 2


def test_pace_catches_up_after_a_stall():
    """After a reader that blocked for a minute, everything due comes at once."""
    clock = Clock()
    pace = emit.Pace(10, clock, clock.sleep)
    clock.now += 60
    parts = list(pace.parts(blocks(1)[0], lambda: None))
    assert parts[0].records == min(601, blocks(1)[0].records)


def test_no_rate_is_too_low_or_too_high(tmp_path):
    """A rate beyond what a clock can sleep naps an hour at a time; an absurd one is as fast as possible."""
    naps = []

    def sleep(seconds):
        naps.append(seconds)
        if len(naps) == 3:
            raise KeyboardInterrupt

    for rate in (1e-300, 5e-324):
        naps.clear()
        with pytest.raises(KeyboardInterrupt):
            emitted(tmp_path, blocks(1), emit.Pace(rate, Clock(), sleep))
        assert naps == [3600.0] * 3
    data, _, _ = emitted(tmp_path, blocks(3), emit.Pace(1e308, Clock(reading_s=5), sleep))
    assert data == emitted(tmp_path, blocks(3))[0]


def test_nothing_is_held_back_over_a_sleep(tmp_path):
    """Both sinks are flushed before every sleep."""
    out = tmp_path / "records"
    sinks = emit.Sinks(open_sink(str(out)))
    clock = Clock()
    seen = []

    def sleep(seconds):
        seen.append(out.read_bytes().count(b"\n"))
        clock.sleep(seconds)

    emit.emit(blocks(1), sinks, emit.Pace(10, clock, sleep), emit.Totals(clock))
    assert seen == list(range(1, len(seen) + 1))


def test_totals_summary():
    times = iter([0.0, 2.0])
    totals = emit.Totals(lambda: next(times))
    totals.records, totals.transactions, totals.labelled = 3000, 1700, 9
    assert totals.summary() == "3,000 records, 1,700 transactions, 9 labelled; 1,500 records/s"


def test_whichever_bound_comes_first():
    items = blocks(20)
    assert sum(block.records for block in emit.bounded(items, 100, 1e9)) == 100
    assert len(list(emit.bounded(items, 10**9, 1))) == 1
    assert list(emit.bounded(items, 0, None)) == []
    assert list(emit.bounded(items, None, 0)) == []
