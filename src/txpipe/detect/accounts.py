"""The accounts of one chain, within a budget: the least recently active ones are forgotten first."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from txpipe.address import canonical
from txpipe.detect.account import ALLOWED, Account


class Accounts:
    """Accounts by address, in two generations.

    Active accounts are young. When the young fill half of the budget they become the old, and whoever was
    old and did not move meanwhile is forgotten: the least recently active, without an order to be kept.

    Attributes:
        young: by address as the hot path reads it; the same dict for good.
        old: by address; nobody here moved for long.
        forgotten: accounts forgotten so far.
    """

    def __init__(self, budget: int | None, is_allowed: Callable[[str, int], bool] | None) -> None:
        """Take the most accounts to keep (None: no limit) and what says that an allow-list names one."""
        self.young: dict[str, Account] = {}
        self.old: dict[str, Account] = {}
        self._half = None if budget is None else max(1, budget // 2)
        self._is_allowed = is_allowed
        self.forgotten = 0

    def __len__(self) -> int:
        """Return how many are kept."""
        return len(self.young) + len(self.old)

    def __iter__(self) -> Iterator[Account]:
        """Yield every account that is kept, the old first."""
        yield from self.old.values()
        yield from self.young.values()

    def find(self, address: str) -> Account | None:
        """Return an account that is kept, by its canonical address; nobody becomes younger by it."""
        return self.young.get(address) or self.old.get(address)

    def drop(self, address: str) -> None:
        """Forget an account that never was."""
        self.young.pop(address, None)
        self.old.pop(address, None)

    def meet(self, spelled: str, time: int) -> Account:
        """Return the account of an address that is not among the young: an old one, or a new one."""
        # Most are hex and canonical; asking canonical() costs far more, and islower() is slower than lower().
        if spelled[:2] == "0x" and spelled == spelled.lower():
            address = spelled
        else:
            address = canonical(spelled)
            if (known := self.young.get(address)) is not None:
                return known
        found = self.old.pop(address, None) if self.old else None
        if found is None:
            found = Account(address, time)
            if self._is_allowed is not None and self._is_allowed(address, time):
                found.flags = ALLOWED
        if self._half is not None and len(self.young) >= self._half:
            self.forgotten += len(self.old)
            self.old = self.young.copy()
            self.young.clear()
        self.young[address] = found
        return found
