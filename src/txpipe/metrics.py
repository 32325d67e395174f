"""Counts of a running command for Prometheus: read where they are kept when they are asked for, never before.

Names follow https://prometheus.io/docs/practices/naming/: unit and ``_total`` last, base units.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import click

from txpipe import __version__
from txpipe.errors import TxpipeError, UsageFault

LOOPBACK = "127.0.0.1"

MOST_SERIES = 1000
"""Values of one metric that are shown: what comes from outside (chains, rules) must not flood a database."""

_PLACE = re.compile(r"(?:(?P<host>\[[0-9a-fA-F:.]+\]|[^:\[\]\s]*):)?(?P<port>[0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric and its values now.

    Attributes:
        name: without ``txpipe_``; a counter's ends in ``_total``.
        about: one sentence.
        values: by tuples of the values of the labels, in their order.
        labels: their names.
        kind: whether it only ever grows.
    """

    name: str
    about: str
    values: Mapping[Any, float]
    labels: Sequence[str] = ()
    kind: Literal["counter", "gauge"] = "counter"


Read = Callable[[], Iterable[Metric]]
"""Returns what there is now; it is called from another thread."""


def count(name: str, about: str, value: float) -> Metric:
    """Return a counter without labels."""
    return Metric(name, about, {(): value})


def gauge(name: str, about: str, value: float) -> Metric:
    """Return a gauge without labels."""
    return Metric(name, about, {(): value}, (), "gauge")


class Place(click.ParamType[tuple[str, int]]):
    """A click type that gives host and port of ADDR:PORT, or of a port alone, which is of this machine."""

    name = "place"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """Parse the option's value; a fault ends with usage."""
        if isinstance(value, tuple):
            return value
        match = _PLACE.fullmatch(value)
        if match is None or int(match["port"]) > 65_535:
            self.fail(f"{value!r} is no ADDR:PORT as in 127.0.0.1:9400, nor a PORT", param, ctx)
        return (match["host"] or LOOPBACK).strip("[]"), int(match["port"])


@dataclass(slots=True)
class Exporter:
    """Shows what a command counts, if anybody asked for that.

    Attributes:
        place: host and port to listen at; None does nothing at all.
        command: its name.
        say: takes a message for people.
    """

    place: tuple[str, int] | None
    command: str
    say: Callable[[str], None]
    _reads: list[Read] = field(default_factory=list)

    def show(self, read: Read) -> None:
        """Show what this reads, too."""
        self._reads.append(read)

    def start(self) -> None:
        """Listen from now on, until the process ends; begin no process by fork after this.

        Raises:
            UsageFault: the place cannot be had, or the extra is missing.
        """
        if self.place is None:
            return
        try:
            import prometheus_client  # noqa: PLC0415 - an extra
        except ModuleNotFoundError as exc:
            raise UsageFault(f"{exc.name} is missing: pip install 'txpipe[metrics]'") from exc
        registry = prometheus_client.CollectorRegistry()
        prometheus_client.ProcessCollector(registry=registry)
        registry.register(_Collector(self))
        host, port = self.place
        try:
            server, _ = prometheus_client.start_http_server(port, host, registry)
        except (OSError, UnicodeError) as exc:  # that of a name that no look-up can write, as "a..b"
            why = exc.strerror if isinstance(exc, OSError) else "no name of a host"
            raise UsageFault(
                f"--metrics {_address(host, port)}: cannot listen there: {why}; "
                "name another address or port, or 0 for any free port"
            ) from exc
        self.say(f"metrics at http://{_address(host, server.server_port)}/metrics")

    def metrics(self) -> Iterator[Metric]:
        """Yield what there is; what cannot be read at the moment is left out."""
        labels = ("command", "version")
        yield Metric("info", "Which command this is.", {(self.command, __version__): 1}, labels, "gauge")
        for read in self._reads:
            try:
                found = list(read())
            except TxpipeError:  # a spool that fails, or that was closed at the end, says so elsewhere
                continue
            yield from found


class _Collector:
    """What prometheus_client asks for metrics at every scrape."""

    def __init__(self, exporter: Exporter) -> None:
        self._exporter = exporter

    def describe(self) -> list[Any]:
        """Return nothing: names are known once they are asked for."""
        return []

    def collect(self) -> Iterator[Any]:
        """Yield everything in the library's own types."""
        from prometheus_client import core  # noqa: PLC0415 - an extra

        kinds = {"counter": core.CounterMetricFamily, "gauge": core.GaugeMetricFamily}
        for metric in self._exporter.metrics():
            family = kinds[metric.kind](f"txpipe_{metric.name}", metric.about, labels=metric.labels)
            for values, number in list(metric.values.items())[:MOST_SERIES]:
                family.add_metric(values, number)
            yield family


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
