"""An account as its own movements show it: what rules read of it, and what counterparties may know of it."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

ALLOWED = 1
"""Flag: an allow-list names it."""

CONTRACT = 2
"""Flag: somebody called it with a method, it was created by a transaction, or it is a token."""

SIGNER = 4
"""Flag: it sent a transaction itself, so a key holds it."""

NEW = 0
KNOWN = -1

HUB = 8
"""Flag: it dealt with ``Bounds.hub_contacts`` accounts or more in each direction."""

SERVICE = ALLOWED | HUB

PEERS_KEPT = 64
"""Counterparties remembered in each direction; the oldest is forgotten first."""

_EVM_LENGTH = 42

PREFIX = 3
SUFFIX = 4
"""Hex digits that look-alikes share at least; two thirds of 4,895 real losses share three leading and four
trailing ones (Tsuchiya et al., USENIX Security 2025)."""


Peers = str | dict[str, str] | None
"""Counterparties by ``key``; one alone is kept as its address: most accounts have no more, and a dict takes
184 bytes."""


class Facts(Protocol):
    """What an account's counterparty may know of it. Read-only.

    ``first`` to ``fan_out`` depend on the account's own movements only; ``source`` and ``trail``, ``taint``
    at hop h depend on its counterparties' at hop h - 1, so that keyed passes reproduce them.
    """

    @property
    def address(self) -> str: ...  # noqa: D102
    @property
    def flags(self) -> int: ...  # noqa: D102
    @property
    def first(self) -> int: ...  # noqa: D102
    @property
    def n_in(self) -> int: ...  # noqa: D102
    @property
    def n_out(self) -> int: ...  # noqa: D102
    @property
    def signed(self) -> int: ...  # noqa: D102
    @property
    def fan_in(self) -> int: ...  # noqa: D102
    @property
    def fan_out(self) -> int: ...  # noqa: D102
    @property
    def held(self) -> float: ...  # noqa: D102
    @property
    def lot_in(self) -> float: ...  # noqa: D102
    @property
    def lot_out(self) -> float: ...  # noqa: D102
    @property
    def lot_time(self) -> int: ...  # noqa: D102
    @property
    def source(self) -> str | None: ...  # noqa: D102
    @property
    def trail(self) -> tuple[Hop, ...]: ...  # noqa: D102
    @property
    def taint(self) -> tuple[float, ...] | None: ...  # noqa: D102
    @property
    def taint_path(self) -> tuple[tuple[str, ...], ...]: ...  # noqa: D102
    @property
    def is_service(self) -> bool: ...  # noqa: D102


Hop = tuple[str, int, int, float, float, float, int, int, str]
"""An account that funds passed through: its address, when it got them and when it sent them on (Unix
seconds), what it sent (USD), the share of its lot that this was and the share that was then gone in all, how
many payers and payments of its own it had by then (a sender of dust cannot raise this), its age in seconds
when the funds came, the transaction that sent them on."""


class Account:
    """One account's bounded state: about 500 bytes for one that moved once or twice.

    Every attribute holds plain data, so that state can be saved; dicts only grow or lose their oldest.

    Attributes:
        address: canonical spelling.
        key: the digits look-alikes share; the address itself outside EVM.
        flags: ALLOWED, CONTRACT, SIGNER, HUB.
        first: time of the first movement seen, Unix seconds.
        last: time of the last one it sent, or got and was worth a share of what it held.
        n_in: movements received. Movements that anyone can forge (zero value, unknown tokens that somebody
            else moves) do not count here nor below.
        n_out: movements sent.
        signed: transactions it sent itself.
        fan_in: first contacts among its senders.
        fan_out: first contacts among its receivers.
        payers: who paid it; the last PEERS_KEPT.
        paid: whom it paid.
        held: USD it was seen to receive and not to send; never below 0.
        largest: largest USD it ever sent at once.
        usual: USD it usually sends at once: a running mean, without dust and what is far beyond it.
        sent_at: time of its last sent movement.
        run_n: movements sent in a row: each soon after the one before.
        run_peak: most movements it ever sent in a row before.
        lot_time: when it got the first of its current lot: funds that came in and are on their way out.
        lot_in: USD that came in since.
        lot_out: USD that went out since.
        source: who its lot comes from, before any account that passed on most of it, or a good part; None for
            a service.
        trail: the accounts that passed its lot on to it, from the source on.
        taint: USD of ``held`` that come from listed accounts, by hop (straight from one first); None if none.
        watch_sent: traits that every movement it sends has, until the rule that set them takes them away.
        watch_received: the same for what it receives.
        stamp: number of the block before which the journal last kept it; NEW for one that is new, KNOWN for
            one that is not and was never kept.
        notes: what rules keep of it, by rule id.
    """

    __slots__ = (
        "address",
        "fan_in",
        "fan_out",
        "first",
        "flags",
        "held",
        "key",
        "largest",
        "last",
        "lot_in",
        "lot_out",
        "lot_time",
        "n_in",
        "n_out",
        "notes",
        "paid",
        "payers",
        "run_n",
        "run_peak",
        "sent_at",
        "signed",
        "source",
        "stamp",
        "taint",
        "taint_path",
        "trail",
        "usual",
        "watch_received",
        "watch_sent",
    )

    def __init__(self, address: str, time: int) -> None:
        self.address = address
        # As look_alike_key, without a call: half of a stream's accounts are met for the first time.
        evm = len(address) == _EVM_LENGTH and address[:2] == "0x"
        self.key = address[2 : 2 + PREFIX] + address[-SUFFIX:] if evm else address
        self.flags = 0
        self.first = self.last = time
        self.n_in = self.n_out = self.signed = self.fan_in = self.fan_out = 0
        self.payers: Peers = None
        self.paid: Peers = None
        self.held = self.largest = self.usual = 0.0
        self.sent_at = self.run_n = self.run_peak = 0
        self.lot_time = 0
        self.lot_in = self.lot_out = 0.0
        self.source: str | None = None
        self.trail: tuple[Hop, ...] = ()
        self.taint: tuple[float, ...] | None = None
        self.taint_path: tuple[tuple[str, ...], ...] = ()
        self.watch_sent = self.watch_received = 0
        self.stamp = NEW
        self.notes: dict[str, Any] | None = None

    def saved(self) -> tuple[Any, ...]:
        """Return its state as plain data."""
        return _values(self)

    @classmethod
    def restored(cls, values: tuple[Any, ...], known: Callable[[str], str]) -> Account:
        """Make an account of what ``saved`` returned.

        Args:
            values: as saved by the same version.
            known: returns the one object for a text, so that accounts share what they name.
        """
        account = cls.__new__(cls)
        account.assume(values)
        account.stamp = KNOWN
        account.address, account.key = known(account.address), known(account.key)
        for peers in ("paid", "payers"):
            kept = getattr(account, peers)
            if isinstance(kept, str):
                setattr(account, peers, known(kept))
            elif kept:
                setattr(account, peers, {known(key): known(peer) for key, peer in kept.items()})
        return account

    def assume(self, values: tuple[Any, ...]) -> None:
        """Become what ``saved`` returned."""
        for name, value in zip(_NAMES, values, strict=True):
            setattr(self, name, value)

    def become(self, values: tuple[Any, ...]) -> None:
        """Become again what ``saved`` returned of this very account; notes aside."""
        for peers, came in (("paid", "fan_out"), ("payers", "fan_in")):
            kept = values[_NAMES.index(peers)]
            while isinstance(kept, dict) and len(kept) > values[_NAMES.index(came)]:
                kept.popitem()
        self.assume(values)
        self.stamp = KNOWN

    @property
    def is_service(self) -> bool:
        """Whether it serves many others: allow-listed, or a hub by its conduct."""
        return self.flags & SERVICE != 0

    def note(self, rule: str, empty: T) -> T:
        """Return what a rule keeps of the account; ``empty`` is kept from now on if there is nothing."""
        if self.notes is None:
            self.notes = {}
        kept: T = self.notes.setdefault(rule, empty)
        return kept

    def noted(self, rule: str) -> Any:
        """Return what a rule keeps of the account, or None."""
        return None if self.notes is None else self.notes.get(rule)

    def says(self, rule: str, time: int, level: int, window_s: int) -> bool:
        """Return whether a rule may speak of the account now, and remember that it did.

        It speaks once in a window, and again within it when it is worse: an episode is a few alerts.

        Args:
            rule: its id.
            time: event time, Unix seconds.
            level: how bad it is; only comparison counts.
            window_s: seconds of silence after it spoke.
        """
        said: dict[str, tuple[int, int]] = self.note("said", {})
        known = said.get(rule)
        if known is not None and level <= known[1] and 0 <= time - known[0] < window_s:
            return False
        said[rule] = (time, level)
        return True

    def hop(self, time: int, usd: float, tx: str) -> Hop:
        """Return the account as a hop of the funds that it sends just now; it has a lot."""
        lot, moves = self.lot_in, self.fan_in + self.n_out
        got = self.lot_time
        return (self.address, got, time, usd, usd / lot, self.lot_out / lot, moves, got - self.first, tx)

    def knows(self, address: str, key: str) -> bool:
        """Whether it ever paid an address or was paid by it, as far as remembered."""
        return peer(self.paid, key) == address or peer(self.payers, key) == address


_NAMES = tuple(sorted(Account.__slots__))
_MEANING = 3
"""Raised where traits get other bits, or a rule's note another shape."""

LAYOUT = f"{_MEANING}:" + ",".join(_NAMES)
"""What an account's saved values are, in their order: state of another layout cannot be read."""

_values: Callable[[Account], tuple[Any, ...]] = operator.attrgetter(*_NAMES)


def picked(*names: str) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    """Return what picks two or more attributes, by name, out of what ``saved`` returned."""
    return operator.itemgetter(*map(_NAMES.index, names))


def peer(peers: Peers, key: str) -> str | None:
    """Return the one of an account's counterparties that has a key, or None."""
    if isinstance(peers, str):
        return peers if look_alike_key(peers) == key else None
    return None if peers is None else peers.get(key)


def look_alike_key(address: str) -> str:
    """Return the digits that an address shares with its look-alikes.

    >>> look_alike_key("0x7e4d7afab755066008897f1eb143b22a63a7f223")
    '7e4f223'
    """
    if len(address) == _EVM_LENGTH and address[:2] == "0x":
        return address[2 : 2 + PREFIX] + address[-SUFFIX:]
    return address
