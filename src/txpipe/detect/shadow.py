"""Two rule sets side by side on one stream: what the one on trial says otherwise is marked and counted."""

from __future__ import annotations

import itertools
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from txpipe.detect.conduct import Conduct
from txpipe.detect.engine import Engine
from txpipe.detect.pulse import Pulse
from txpipe.errors import RecordFault
from txpipe.record import dumps, loads

NAMED = 10
"""Alerts that the set on trial does not say and that are named by their ids at the end."""

REMEMBERED = 100_000
"""Alerts of the main set by which those of the other are told; older ones count as different."""


class Shadowed:
    """An engine and a second one on trial; takes lines like the first.

    Attributes:
        position: none: state is not kept of two rule sets.
        block_ended: never.
        taken: as ``Engine.taken``.
    """

    position = None
    block_ended = False

    def __init__(self, main: Engine, trial: Engine) -> None:
        self.taken = 0
        self._main = main
        self._trial = trial
        self._said: OrderedDict[str, tuple[str, str]] = OrderedDict()
        self._more: Counter[str] = Counter()

    @property
    def conduct(self) -> Conduct | None:
        """The rules about conduct of the main set; of the one on trial if the main set has none."""
        return self._main.conduct or self._trial.conduct

    @property
    def alerts(self) -> int:
        """How many alerts the main set yielded so far."""
        return self._main.alerts

    @property
    def said(self) -> dict[tuple[str, str], int]:
        """The same by rule and severity."""
        return self._main.said

    @property
    def pulse(self) -> Pulse | None:
        """As ``Engine.pulse``; the set on trial has none."""
        return self._main.pulse

    @pulse.setter
    def pulse(self, pulse: Pulse | None) -> None:
        self._main.pulse = pulse

    @property
    def silenced(self) -> int:
        """How often an allow-list won over a blocklist in the main set."""
        return self._main.silenced

    @property
    def waiting(self) -> bool:
        """Whether the next record matters even if no list names anyone in it."""
        return self._main.waiting or self._trial.waiting

    def feed(self, line: bytes) -> Iterator[bytes]:
        """Take one line; yield the main set's alerts and, marked, what the other says otherwise.

        Raises:
            RecordFault: the line is no valid record; it had no effect.
        """
        yield from self._both(self._main.feed(line), self._trial.feed(line))

    def run(self, lines: Sequence[bytes], start: int, stop: int) -> Iterator[bytes]:
        """Take lines in which no list names anyone, first the main set, then the other; as ``Engine.run``."""
        yield from self._both(self._main.run(lines, start, stop), ())
        at, self.taken = start, self._main.taken
        while at < self.taken:
            yield from self._both((), self._trial.run(lines, at, self.taken))
            at = self._trial.taken
            if at < self.taken:
                with suppress(RecordFault):  # the main set took it
                    yield from self._both((), self._trial.feed(lines[at]))
                at += 1

    def end(self) -> Iterator[bytes]:
        """Yield what still waits."""
        yield from self._both(self._main.end(), self._trial.end())

    def difference(self) -> str:
        """Say in one line what the set on trial says more and less, by rule, and name some of the latter."""
        less = Counter(rule for rule, _ in self._said.values())
        rules = sorted({*self._more, *less})
        shown = ", ".join(f"{rule} +{self._more[rule]} -{less[rule]}" for rule in rules)
        missing = [
            f"{key} ({severity})" for key, (_, severity) in itertools.islice(self._said.items(), NAMED)
        ]
        more = f" and {len(self._said) - NAMED:,} more" if len(self._said) > NAMED else ""
        dropped = f"; no longer said: {', '.join(missing)}{more}" if missing else ""
        return f"on trial: {shown or 'no difference'}{dropped}"

    def _both(self, main: Iterable[bytes], trial: Iterable[bytes]) -> Iterator[bytes]:
        for line in main:
            alert = loads(line)
            self._said[alert["id"]] = (alert["rule"], alert["severity"])
            if len(self._said) > REMEMBERED:
                self._said.popitem(last=False)
            yield line
        for line in trial:
            alert = loads(line)
            if self._said.get(alert["id"]) == (alert["rule"], alert["severity"]):
                del self._said[alert["id"]]
            else:
                self._more[alert["rule"]] += 1
                yield _marked(alert, line)


def _marked(alert: dict[str, Any], line: bytes) -> bytes:
    """Return the alert's line with its mark; the record in it stays byte for byte."""
    at = line.rindex(b"}")
    return line[:at] + b',"shadow":true}\n' if "shadow" not in alert else dumps(alert | {"shadow": True})
