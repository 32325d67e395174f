"""An alert as a line of the table: small, safe to show, and read from the store anew each time."""

from __future__ import annotations

from dataclasses import dataclass

from txpipe.alerts.facts import chain, text
from txpipe.alerts.human import Fact, parties, what
from txpipe.dashboard.query import Stored
from txpipe.dashboard.store import Filter, Store
from txpipe.dashboard.tui.words import usd
from txpipe.visible import clipped

FIRST = 200
"""Alerts that are read before anybody scrolls."""
MOST = 2_000
_AT_ONCE = 100
"""Alerts of one question to the store: each may be two megabytes long."""
_NAME = 128
_RULE = 40


@dataclass(frozen=True, slots=True)
class Row:
    """What the table shows of an alert; all text has what is unseen written out.

    Attributes:
        id: the alert's.
        num: place in the order of first arrival.
        seq: place of its last revision in the order of all arrivals.
        received: Unix seconds of its first arrival.
        triage: open, acknowledged, false_positive or resolved.
        severity: as the alert has it.
        retracted: it does not hold any more.
        shadow: of a rule on trial.
        rule: its name.
        title: one plain sentence.
        usd: what moved, in US dollars, short; empty where that is not known.
        subject: the address that it is about, whole.
        source: who paid, whole; empty where nobody did.
        to: who was paid, the same.
        parties: the names of these, and of another that was listed, each with words about it.
        tx: the transaction's hash, whole.
        chain: what people call it.
    """

    id: str
    num: int
    seq: int
    received: float
    triage: str
    severity: str
    retracted: bool
    shadow: bool
    rule: str
    title: str
    usd: str
    subject: str
    source: str
    to: str
    parties: tuple[Fact, ...]
    tx: str
    chain: str


def row(stored: Stored) -> Row:
    """Return the line of an alert."""
    alert = stored.alert
    return Row(
        id=alert["id"],
        num=stored.num,
        seq=stored.seq,
        received=stored.received,
        triage=stored.triage,
        severity=alert["severity"],
        retracted=alert["status"] == "retracted",
        shadow=alert.get("shadow") is True,
        rule=clipped(alert["rule"], _RULE),
        title=what(alert),
        usd=usd(alert["record"].get("usd")),
        subject=clipped(alert["subject"], _NAME),
        source=clipped(text(alert["record"].get("from")), _NAME),
        to=clipped(text(alert["record"].get("to")), _NAME),
        parties=tuple(parties(alert)),
        tx=clipped(alert["tx"], _NAME),
        chain=clipped(chain(alert["chain"]), _RULE),
    )


_LOOK_S = 0.5
"""Seconds to look for what is rare among millions, at each refresh."""


class Reader:
    """Reads lines from the store. One thread at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[int, Row] = {}

    def read(self, wanted: Filter, most: int) -> list[Row]:
        """Return the newest alerts that pass a filter, newest first, at most so many.

        Raises:
            StoreFailed: the store does not answer.
        """
        found: list[Row] = []
        before: int | None = None
        while len(found) < most:
            asked = min(_AT_ONCE, most - len(found))
            page = self._store.page(wanted, before, asked, _LOOK_S)
            found += [self._line(each) for each in page.alerts]
            before = page.next
            if before is None or len(page.alerts) < asked:
                break
        self._known = {each.num: each for each in found}
        return found

    def _line(self, stored: Stored) -> Row:
        known = self._known.get(stored.num)
        if known is not None and (known.seq, known.triage) == (stored.seq, stored.triage):
            return known
        return row(stored)
