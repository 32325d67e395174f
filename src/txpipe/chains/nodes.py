"""Several nodes of one chain: whom to ask, whom to leave alone for a while, whom not to believe."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TypeVar

from msgspec import Struct

from txpipe.chains.endpoint import NodeDenied, NodeFailed
from txpipe.chains.rpc import Node
from txpipe.errors import TxpipeError

FIRST_REST_S = 0.5
LONGEST_REST_S = 30.0
"""A node that failed is left alone, twice as long after each failure in a row, within these."""

LONGEST_ASKED_S = 60.0
"""A node that asks for a longer rest is asked again after this: it may be mistaken, or mean harm."""

SHARE = 0.05
"""Of the time, how much one node may at most take of the others when all are asked and it does not answer."""

DENIALS = 3
"""Times in a row that a node refuses the key before it is not asked any more: once may be a mishap."""

_ODD = (TypeError, KeyError, ValueError, AttributeError, IndexError, RecursionError, OverflowError)
"""What an answer raises that is JSON-RPC but makes no sense, where no reader of it says so (or has a bug)."""

_T = TypeVar("_T")


class Blind(TxpipeError):
    """No node gives an answer now.

    Attributes:
        wait_s: seconds until one may be asked again.
    """

    def __init__(self, message: str, wait_s: float) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class NodeRefused(TxpipeError):
    """A node is of another chain, or refuses the key: it will never be asked again."""


class _Health(Struct):
    node: Node
    known: bool = False
    opened: int = 0
    failures: int = 0
    failed: int = 0
    denials: int = 0
    rested: float = 0.0
    aside: float = 0.0
    reason: str = ""


class Nodes:
    """Asks one node as long as it answers, then the next.

    Attributes:
        introduced: called with a node before it is asked anything, again after it failed, and over each new
            connection of one that can push; raises NodeRefused for one of another chain.
        rotations: how often another one became the first to be asked.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        clock: Callable[[], float],
        say: Callable[[str], None],
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Take the nodes, the first one preferred.

        Args:
            nodes: one or more.
            clock: monotonic seconds.
            say: takes a message for people.
            jitter: a number from 0 to 1, so that many clients do not come back at once.
        """
        self._healths = [_Health(node) for node in nodes]
        self._at = 0
        self._clock = clock
        self._say = say
        self._jitter = jitter
        self.rotations = 0
        self.introduced: Callable[[Node], None] | None = None

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._healths)

    @property
    def preferred(self) -> Node:
        """The one that is asked first."""
        return self._healths[self._at].node

    def ask(self, question: Callable[[Node], _T]) -> _T:
        """Return what the first node says that can answer.

        Args:
            question: asks a node; it may raise NodeFailed, also for an answer that cannot be believed.

        Raises:
            Blind: none can now.
            NodeRefused: none is of this chain and takes the key.
        """
        for _ in range(len(self._healths)):
            health = self._healths[self._at]
            if self._clock() >= health.rested:
                try:
                    return self._asked(health, question)
                except NodeFailed as exc:
                    if self._failed(health, exc):
                        continue
                except NodeRefused as exc:
                    self._refused(health, exc)
                    continue
            self.prefer((self._at + 1) % len(self._healths))
        wait_s = max(0.0, min(health.rested for health in self._healths) - self._clock())
        raise Blind("; ".join(dict.fromkeys(health.reason for health in self._healths)), wait_s)

    def each(self, question: Callable[[Node], _T]) -> list[tuple[int, _T]]:
        """Return what every node says that answers, with its number; who fails is left alone for a while.

        The longer it took to fail, the longer it is: nobody may keep the others from being heard.

        Raises:
            NodeRefused: none is of this chain.
        """
        found = []
        for health in list(self._healths):
            began = self._clock()
            if began < max(health.rested, health.aside):
                continue
            try:
                found.append((health, self._asked(health, question)))
            except NodeFailed as exc:
                self._failed(health, exc)
                ended = self._clock()
                health.aside = ended + (ended - began) * (1 / SHARE - 1)
            except NodeRefused as exc:
                self._refused(health, exc)
        return [(self._healths.index(health), answer) for health, answer in found]

    def prefer(self, number: int) -> None:
        """Ask this one from now on."""
        self.rotations += number != self._at
        self._at = number

    def standing(self) -> list[tuple[str, int, bool]]:
        """Return of every node that is asked its name, how often it failed, and whether it is asked first."""
        preferred = self._healths[self._at].node
        return [(one.node.name, one.failed, one.node is preferred) for one in list(self._healths)]

    def _asked(self, health: _Health, question: Callable[[Node], _T]) -> _T:
        try:
            opened = health.node.opened
            if self.introduced is not None and not (health.known and opened == health.opened):
                self.introduced(health.node)
                health.known, health.opened = True, opened
            answer = question(health.node)
        except _ODD as exc:
            raise NodeFailed(f"{health.node.name}: its answer makes no sense ({_placed(exc)})") from exc
        health.failures = health.denials = 0
        return answer

    def _refused(self, health: _Health, exc: NodeRefused) -> None:
        """Never ask a node again; the preferred one stays, or the first one takes its place."""
        preferred = self._healths[self._at]
        self._healths.remove(health)
        if not self._healths:
            raise exc
        self._at = 0 if health is preferred else self._healths.index(preferred)
        self._say(f"{exc}: not asked any more")

    def _failed(self, health: _Health, exc: NodeFailed) -> bool:
        """Leave a node alone for a while; whether it is for good."""
        health.denials = health.denials + 1 if isinstance(exc, NodeDenied) else 0
        if health.denials >= DENIALS:
            self._refused(health, NodeRefused(f"{exc} ({DENIALS} times in a row)"))
            return True
        rest_s = min(LONGEST_REST_S, FIRST_REST_S * 2.0 ** min(health.failures, 16))
        health.failures += 1
        health.failed += 1
        health.reason = str(exc)
        health.rested = self._clock() + max(
            min(exc.wait_s, LONGEST_ASKED_S), rest_s * (0.5 + self._jitter() / 2)
        )
        health.known = False  # it may come back as another: after a restart, behind another address
        return False


def _placed(exc: Exception) -> str:
    """Return an error's kind and where it was raised; its message may hold what the node said."""
    import traceback  # noqa: PLC0415 - hardly ever needed
    from pathlib import PurePath  # noqa: PLC0415

    *_, last = traceback.extract_tb(exc.__traceback__)
    return f"{type(exc).__name__} in {last.name}, line {last.lineno} of {PurePath(last.filename).name}"
