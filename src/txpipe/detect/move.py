"""A movement as rules see it: who, what, how much it is worth, and what is remarkable about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from txpipe.detect.account import Account
from txpipe.detect.assets import Asset, units_of
from txpipe.lists.entry import Entry


class Move:
    """One movement or approval. One object is used again and again: keep values, not the object.

    Attributes:
        chain: CAIP-2.
        time: Unix seconds.
        record: the record.
        sender: ``from``; None if nobody.
        receiver: ``to``; None if nobody.
        initiator: who sent the transaction (``from`` of its n = 0 record); None if not seen.
        target: whom the transaction called (``to`` of its n = 0 record); None if not seen.
        asset: what moves.
        usd: worth in US dollars; None if no price is known.
        traits: the flags above.
        gap_s: seconds since the sender's last movement.
        held: USD that the sender was seen to hold before.
        largest: largest USD that the sender had sent before.
        usual: USD that the sender usually sent before.
        listed: what the lists say of its parties, by address; only who is listed is in it.
        taint: USD of it that come from listed accounts, by hop; ``exposure`` fills it in for what is TAINTED.
    """

    __slots__ = (
        "asset",
        "chain",
        "gap_s",
        "held",
        "initiator",
        "largest",
        "listed",
        "receiver",
        "record",
        "sender",
        "taint",
        "target",
        "time",
        "traits",
        "usd",
        "usual",
    )

    chain: str
    time: int
    record: dict[str, Any]
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

    @property
    def units(self) -> float:
        """Whole units of the asset that move; base units where its decimals are unknown."""
        return units_of(self.record, self.asset)

    @property
    def tx(self) -> str:
        """The transaction's hash."""
        tx: str = self.record["tx"]
        return tx
