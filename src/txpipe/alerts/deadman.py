"""A dead man's switch: an alert when nothing comes any more, or a source says for long that it is of no use.

What is measured is time spent waiting for input with nothing there. So a reader that takes its time, a
computer that slept and a clock that was set make no silence.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from txpipe.alerts.episodes import INPUT, RULE, Episode, Episodes
from txpipe.alerts.intake import Item
from txpipe.clock import Clock
from txpipe.record import dumps
from txpipe.visible import clipped

CHAINS = 64
"""Chains in trouble that are followed; of more, the one that was heard of the longest ago is let go."""

STEP_S = 1.0
"""Seconds that one wait counts at most, however long this process was stopped meanwhile."""

_MOST_BLOCK = 2**63 - 1


@dataclass(slots=True)
class _Trouble:
    """A chain whose source says that it is of no use.

    Attributes:
        since: seconds of waiting until it said so first.
        beat: the heartbeat that said so last.
    """

    since: float
    beat: dict[str, Any]


class DeadMan:
    """Hears what comes, and tells when nothing does."""

    def __init__(
        self, after_s: float, name: str, episodes: Episodes, clock: Clock, tell: Callable[[Item], None]
    ) -> None:
        """Take how patient to be.

        Args:
            after_s: seconds of silence that are an alert.
            name: the input's name for messages.
            episodes: which are alerts already.
            clock: tells time.
            tell: lets an alert out, to stdout and receivers, at once.
        """
        self._after_s = after_s
        self._name = name
        self._episodes = episodes
        self._clock = clock
        self._tell = tell
        self._waited = 0.0
        self._heard = 0.0
        self._read_at = clock.now()
        self._is_heard = True
        self._block: int | None = None
        self._troubles: OrderedDict[str, _Trouble] = OrderedDict()

    @property
    def open(self) -> int:
        """Silences that are alerts now."""
        return len(self._episodes)

    @property
    def silent_s(self) -> float:
        """Seconds for which nothing has come."""
        return self._waited - self._heard

    def hear(self, items: Iterable[Item]) -> None:
        """Hear checked records; what they take back is told before they go on."""
        for _, record in items:
            self._hear(record)

    def idle(self) -> None:
        """Wait until there is input or its end; tell of silence meanwhile.

        What was read since the last call and held no record is silence, too: a flood of it leaves no pause.
        """
        for episode in self._episodes.untold():
            self._say_silent(episode)
        if not self._is_heard:
            self._waited += min(max(0.0, self._clock.now() - self._read_at), STEP_S)
            self._look()
        self._wait()
        self._read_at, self._is_heard = self._clock.now(), False

    def _wait(self) -> None:
        while not self._clock.ready(0.0):  # what waits to be read may be good word
            self._look()
            began = self._clock.now()
            step = min(STEP_S, max(0.01, self._left()))
            comes = self._clock.ready(step)
            self._waited += min(max(0.0, self._clock.now() - began), step)
            if comes:
                return

    def _left(self) -> float:
        """Return seconds until something may be told."""
        marks = [self._heard, *(trouble.since for trouble in self._troubles.values())]
        left = [mark + self._after_s - self._waited for mark in marks]
        return min((one for one in left if one > 0), default=STEP_S)

    def _hear(self, record: dict[str, Any]) -> None:
        self._heard, self._is_heard = self._waited, True
        if len(self._episodes) and self._episodes.get(INPUT):
            self._take_back(INPUT)
        if record["type"] != "heartbeat":
            is_own = record["type"] == "alert" and record["rule"] == RULE  # of another txalert upstream
            if not is_own and (self._troubles or len(self._episodes)):
                self._relieve(record.get("chain"))
            return
        self._block = record["block"]
        if record["status"] == "ok":
            self._relieve(record["chain"])
        else:
            self._trouble(record)

    def _trouble(self, beat: dict[str, Any]) -> None:
        found = self._troubles.get(beat["chain"])
        if found is None:
            if len(self._troubles) >= CHAINS:
                self._troubles.popitem(last=False)
            self._troubles[beat["chain"]] = _Trouble(self._waited, beat)
        else:
            found.beat = beat
            self._troubles.move_to_end(beat["chain"])

    def _relieve(self, chain: object) -> None:
        """Note that a chain's records, or good word of it, come."""
        if isinstance(chain, str):
            self._troubles.pop(chain, None)
            if self._episodes.get(chain):
                self._take_back(chain)

    def _look(self) -> None:
        """Tell of what has been silent for long enough; of a dead input, nothing of its chains."""
        if self.silent_s >= self._after_s:
            if not self._episodes.get(INPUT):
                began = int(self._clock.unix() - self.silent_s)
                self._open(Episode(INPUT, began, self._name, _stored(self._block)))
            return
        for chain, trouble in self._troubles.items():
            bad_s = self._waited - trouble.since
            if bad_s >= self._after_s and not self._episodes.get(chain):
                began = int(self._clock.unix() - bad_s)
                beat = trouble.beat
                self._open(Episode(chain, began, clipped(beat["source"], 40), _stored(beat["block"])))

    def _open(self, episode: Episode) -> None:
        self._episodes.keep(episode)
        self._say_silent(episode)

    def _say_silent(self, episode: Episode) -> None:
        now = int(self._clock.unix())
        silent_s = max(0, now - episode.began)
        evidence: dict[str, Any] = {"silent_s": silent_s, "thresholds": {"deadman_s": self._after_s}}
        if episode.chain == INPUT:
            title = f"Nothing has come on {self._name} for {silent_s:,} s"
        else:
            trouble = self._troubles.get(episode.chain)
            says = evidence["says"] = "stalled" if trouble is None else trouble.beat["status"]
            title = f"{episode.subject} has said for {silent_s:,} s that {episode.chain} is {says}"
        self._say(episode.alert("open", now, title, evidence))
        self._episodes.told(episode)

    def _take_back(self, chain: str) -> None:
        episode = self._episodes.get(chain)
        if episode is None:
            return
        now = int(self._clock.unix())
        lasted_s = max(0, now - episode.began)
        what = "Records come" if chain == INPUT else f"Good word of {chain} comes"
        title = f"{what} again, after {lasted_s:,} s"
        evidence = {"silent_s": lasted_s, "thresholds": {"deadman_s": self._after_s}}
        self._say(episode.alert("retracted", now, title, evidence))
        self._episodes.end(chain)

    def _say(self, alert: dict[str, Any]) -> None:
        self._tell((dumps(alert)[:-1], alert))


def _stored(block: int | None) -> int | None:
    """Return a height as a database can hold it."""
    return None if block is None else min(block, _MOST_BLOCK)
