"""How a token is used: by many people who got it from one another, or by one who gives it away.

Kept of tokens that bear a known one's name only. The chain of hands counts, not the number of holders: who
sends on, by its own signature, what somebody else sent it by theirs is a user. Takers of an airdrop who sell
it are no users by that: they got it from one, or from a few, and mostly not by a payment that was signed.

A reorg does not undo it: who used a token in a dropped block mostly does so again, and is kept once.
"""

from __future__ import annotations

from typing import Any

TOKENS_KEPT = 1000
"""Tokens of a chain whose use is kept; the oldest that is not in wide use is forgotten first."""

RECEIVERS_KEPT = 128
"""The last receivers of a token, who may send it on."""

USERS_KEPT = 64
USERS_A_DAY = 16
"""Users of a token that are remembered, and that a day may add: no rush makes many days."""

DAY_S = 86_400


class Use:
    """One token's use, as plain data, bounded.

    Attributes:
        wide: what made it one in wide use: users, those whom they got it from, days; None while it is not.
    """

    __slots__ = ("_full", "_named", "_paid", "_users", "_window", "wide")

    def __init__(self) -> None:
        self.wide: tuple[int, int, int] | None = None
        self._paid: dict[str, str] = {}
        self._users: dict[str, tuple[str, int]] = {}
        self._full: int | None = None  # the last day that may add no more
        self._window = 0
        self._named: dict[int, list[str]] = {}

    def pay(self, sender: str, receiver: str, time: int, *, grown: bool) -> bool:
        """Take a payment worth the name that its sender signed; returns whether there is a user more.

        Args:
            sender: who is a user now, if it got the token from somebody.
            receiver: who may send it on.
            time: event time, Unix seconds.
            grown: the sender is no account of just now; others do not count as users.
        """
        paid, users = self._paid, self._users
        source = paid.get(sender)
        if receiver not in paid and len(paid) >= RECEIVERS_KEPT:
            del paid[next(iter(paid))]
        paid[receiver] = sender
        if source is None or not grown or source == receiver or sender in users:
            return False
        day = time // DAY_S
        if day == self._full or sum(on == day for _, on in users.values()) >= USERS_A_DAY:
            self._full = day
            return False
        if len(users) >= USERS_KEPT:
            del users[next(iter(users))]
        users[sender] = (source, day)
        return True

    def counts(self) -> tuple[int, int, int]:
        """Return how many use it, from how many they got it, and on how many days they began to."""
        if self.wide is not None:
            return self.wide
        sources, days = zip(*self._users.values(), strict=True) if self._users else ((), ())
        return len(self._users), len(set(sources)), len(set(days))

    def settle(self, least: tuple[int, int, int]) -> None:
        """Count it as one in wide use, for good, from so many users, sources and days on."""
        if self.wide is not None or len(self._users) < least[0]:
            return
        found = self.counts()
        if all(mine >= wanted for mine, wanted in zip(found, least, strict=True)):
            self.wide = found
            self._paid.clear()
            self._users.clear()

    def names(self, sender: str, rank: int, window: int, most: int) -> bool:
        """Return whether a sender is among the first few to be named in a window of time, and name it.

        Who was named stays so: what a reorg took back may be said again.

        Args:
            sender: its address.
            rank: how grave it is; each rank has room of its own.
            window: number of the window.
            most: senders that are named in one.
        """
        if window != self._window:
            self._window = window
            self._named.clear()
        named = self._named.setdefault(rank, [])
        if sender in named:
            return True
        if len(named) >= most:
            return False
        named.append(sender)
        return True

    def saved(self) -> tuple[Any, ...]:
        """Return it as plain data."""
        return self.wide, self._full, self._paid, self._users, self._window, self._named

    @classmethod
    def restored(cls, *saved: Any) -> Use:
        """Make one of what ``saved`` returned."""
        use = cls()
        use.wide, use._full, use._paid, use._users, use._window, use._named = saved
        return use


class Uses:
    """How the tokens of one chain that bear a known one's name are used, by contract."""

    def __init__(self) -> None:
        self._kept: dict[str, Use] = {}

    def of(self, contract: str) -> Use:
        """Return a token's use, kept from now on, within TOKENS_KEPT."""
        found = self._kept.get(contract)
        if found is None:
            if len(self._kept) >= TOKENS_KEPT:
                narrow = (other for other, use in self._kept.items() if use.wide is None)
                del self._kept[next(narrow, next(iter(self._kept)))]
            found = self._kept[contract] = Use()
        return found

    def saved(self) -> list[tuple[Any, ...]]:
        """Return them as plain data."""
        return [(contract, *use.saved()) for contract, use in self._kept.items()]

    def restore(self, saved: list[tuple[Any, ...]]) -> None:
        """Take back what ``saved`` returned."""
        for contract, *values in saved:
            self._kept[contract] = Use.restored(*values)
