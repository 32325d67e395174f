"""What txdetect counts, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

from txpipe.detect.paths import Reading
from txpipe.metrics import Metric, count, gauge


def of_reading(reading: Reading, now: float) -> Iterator[Metric]:
    """Yield what was read and found.

    Args:
        reading: under way.
        now: Unix seconds.
    """
    engine, conduct = reading.engine, reading.engine.conduct
    yield count("records_total", "Lines read that were records.", reading.lines - reading.bad.count)
    yield count("bad_lines_total", "Lines that were no records.", reading.bad.count)
    said = {key: float(number) for key, number in engine.said.items()}
    yield Metric("alerts_total", "Alerts written.", said, ("rule", "severity"))
    yield count("alerts_silenced_total", "Listed parties that an allow-list names, too.", engine.silenced)
    if conduct is None:
        return
    yield gauge("accounts", "Accounts that are remembered.", conduct.accounts)
    yield count("accounts_forgotten_total", "Accounts forgotten to stay within bounds.", conduct.forgotten)
    times = {
        (chain,): float(watch.tracker.move.time)
        for chain, watch in list(conduct.chains.items())
        if hasattr(watch.tracker.move, "time")  # there was one
    }
    about = "Unix time of the last movement that was looked at."
    yield Metric("last_record_time_seconds", about, times, ("chain",), "gauge")
    lags = {name: max(0.0, now - time) for name, time in times.items()}
    yield Metric("lag_seconds", "How long ago that was.", lags, ("chain",), "gauge")
