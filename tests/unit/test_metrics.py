"""Metrics are read when they are asked for, and are bounded whatever they count."""

import re
import sys

import click
import pytest

pytest.importorskip("prometheus_client", reason="no prometheus_client; pip install 'txpipe[metrics]'")

from prometheus_client import CollectorRegistry, generate_latest

from metrics_kit import of, parsed
from txpipe.alerts.database import SpoolFailed
from txpipe.errors import UsageFault
from txpipe.metrics import MOST_SERIES, Exporter, Metric, Place, _Collector, count, gauge


def shown(*reads):
    exporter = Exporter(("127.0.0.1", 0), "txsomething", lambda _: None)
    for read in reads:
        exporter.show(read)
    registry = CollectorRegistry()
    registry.register(_Collector(exporter))
    return lambda: parsed(generate_latest(registry).decode())[0]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("9400", ("127.0.0.1", 9400)),
        (":0", ("127.0.0.1", 0)),
        ("0.0.0.0:65535", ("0.0.0.0", 65535)),  # noqa: S104 - what somebody asked for
        ("[::1]:9400", ("::1", 9400)),
        ("host.example:1", ("host.example", 1)),
    ],
)
def test_places(text, place):
    """A port alone is of this machine."""
    assert Place().convert(text, None, None) == place


@pytest.mark.parametrize("text", ["", "x", "65536", "::1:9400", "1:2:3", "-1", "a b:1", "unix:/x", "٣"])
def test_places_that_are_none(text):
    """What is no place is refused."""
    with pytest.raises(click.BadParameter, match="no ADDR:PORT"):
        Place().convert(text, None, None)


def test_read_when_asked():
    """A scrape shows what there is then; nothing is read before."""
    reads = []

    def read():
        reads.append(1)
        yield count("things_total", "Things.", len(reads))
        yield gauge("level", "How high.", -1.5)

    found = shown(read)
    assert reads == []
    assert of(found(), "things_total") == 1
    assert of(found(), "things_total") == 2
    assert of(found(), "level") == -1.5
    assert of(found(), "info", command="txsomething", version=sys.modules["txpipe"].__version__) == 1


def test_bounded():
    """However many values there are, MOST_SERIES of them are shown, whatever they are called."""
    names = {(f'\\"{number}\n\x00',): 1.0 for number in range(MOST_SERIES * 2)}
    found = shown(lambda: [Metric("odd_total", "Odd.", names, ("name",))])()
    assert len([key for key in found if key[0] == "txpipe_odd_total"]) == MOST_SERIES
    assert of(found, "odd_total", name='\\"7\n\x00') == 1


def test_what_cannot_be_read_is_left_out():
    """A spool that fails takes nothing else with it."""

    def fails():
        yield count("lost_total", "Lost.", 1)
        raise SpoolFailed("closed")

    found = shown(fails, lambda: [count("kept_total", "Kept.", 2)])()
    assert (of(found, "lost_total"), of(found, "kept_total")) == (None, 2)


def test_without_the_extra(monkeypatch):
    """Where the library is missing, that is said with what to do; and only where somebody asked."""
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(UsageFault, match=r"pip install 'txpipe\[metrics\]'"):
        Exporter(("127.0.0.1", 0), "x", lambda _: None).start()
    Exporter(None, "x", lambda _: None).start()


@pytest.mark.parametrize("host", ["203.0.113.9", "a..b", "a" * 300])
def test_a_host_that_is_none(host):
    """An address that is not this machine's is said, and so is a name that is none."""
    with pytest.raises(UsageFault, match=f"--metrics {re.escape(host)}:1: cannot listen there"):
        Exporter((host, 1), "x", lambda _: None).start()
