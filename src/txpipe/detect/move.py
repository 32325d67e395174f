"""A movement as rules see it: who, what, how much it is worth, and what is remarkable about it."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from txpipe.detect.account import Account
from txpipe.detect.assets import Asset, units_of
from txpipe.detect.wire import Approval, Transfer
from txpipe.lists.entry import Entry
from txpipe.record import loads

Asked = tuple[tuple[Any, ...], tuple[Any, ...]]
"""The rules that look at a movement, for its sender and for its receiver."""

UNASKED: Asked = ((), ())
"""No rule looks at it. One object, known by identity."""


class Move:
    """One movement or approval. One object is used again and again: keep values, not the object.

    Attributes:
        chain: CAIP-2.
        time: Unix seconds.
        event: what rules read of the record.
        sender: ``from``; None if nobody.
        receiver: ``to``; None if nobody.
        initiator: who sent the transaction (``from`` of its n = 0 record); None if not seen.
        target: whom the transaction called (``to`` of its n = 0 record); None if not seen.
        asset: what moves.
        usd: worth in US dollars; None if no price is known.
        traits: what is remarkable about it: flags of ``traits``.
        asked: the rules that look at it, for its sender and for its receiver.
        gap_s: seconds since the sender's last movement.
        held: USD that the sender was seen to hold before.
        largest: largest USD that the sender had sent before.
        usual: USD that the sender usually sent before.
        place: the lines that are being taken, and those that are left.
        listed: what the lists say of its parties, by address; only who is listed is in it.
        taint: USD of it that come from listed accounts, by hop; ``exposure`` fills it in for what is TAINTED.
    """

    __slots__ = (
        "asked",
        "asset",
        "chain",
        "event",
        "gap_s",
        "held",
        "initiator",
        "largest",
        "listed",
        "place",
        "receiver",
        "sender",
        "taint",
        "target",
        "time",
        "traits",
        "usd",
        "usual",
    )

    asked: Asked
    chain: str
    time: int
    event: Transfer | Approval
    sender: Account
    receiver: Account
    initiator: str | None
    target: str | None
    asset: Asset
    usd: float | None
    traits: int
    gap_s: int
    held: float
    largest: float
    usual: float
    listed: Mapping[str, tuple[Entry, ...]]
    taint: tuple[float, ...] | None
    place: tuple[Sequence[bytes], Iterator[bytes]]

    @property
    def at(self) -> int:
        """The number of its line among those that are being taken."""
        lines, left = self.place
        return len(lines) - operator.length_hint(left) - 1

    @property
    def line(self) -> bytes:
        """The record's line."""
        return self.place[0][self.at]

    @property
    def record(self) -> dict[str, Any]:
        """The whole record; parsed anew each time."""
        return loads(self.line)

    @property
    def units(self) -> float:
        """Whole units of the asset that move; base units where its decimals are unknown."""
        return units_of(self.asset, self.event.value, self.event.amount)

    @property
    def tx(self) -> str:
        """The transaction's hash."""
        return self.event.tx
