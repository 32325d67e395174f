"""What the makers of records share, whatever the kind of chain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from txpipe.chains.calldata import MAX_MENTIONS
from txpipe.chains.chain import ChainOf
from txpipe.chains.tokens import Tokens

Record = dict[str, Any]


@dataclass(slots=True)
class Making:
    """What making records needs besides the data.

    Attributes:
        chains: decides a block's chain.
        tokens: knows symbols and decimals.
        now: the time in Unix seconds, for a pending transaction, which has none of its own.
        notice: takes one message for people about data that is left out.
        missed: takes the hash of a transaction that could not be looked at in full, and why: no clean end.
        said: messages that ``once`` has passed on.
    """

    chains: ChainOf
    tokens: Tokens
    now: Callable[[], int]
    notice: Callable[[str], None]
    missed: Callable[[str, str], None]
    said: set[str] = field(default_factory=set)

    def once(self, message: str) -> None:
        """Pass a message on the first time that it comes."""
        if message not in self.said:
            self.said.add(message)
            self.notice(message)


def within_a_line(found: list[str], tx: str, making: Making) -> list[str]:
    """Return as many mentions of a transaction as a record can hold; say so where some are left out."""
    if len(found) > MAX_MENTIONS:
        making.missed(tx, f"it mentions {len(found):,} addresses, only the first {MAX_MENTIONS:,} are listed")
    return found[:MAX_MENTIONS]
