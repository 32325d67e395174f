"""Businesses that serve many: firms, market makers, bridges, solvers; and who spreads small tokens."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

from txpipe.simulate.shapes import Bits

_FIRMS = 40
_MAKERS = 6
_BRIDGES = 3
_SOLVERS = 4
_PROMOTERS = 24


class Firm(NamedTuple):
    """A company: pays wages, collects from its own wallets.

    Attributes:
        treasury: pays and keeps.
        wallets: its other wallets; customers pay into them.
        staff: addresses of those who get wages.
        stable: symbol of the stablecoin it pays in.
        wage_cents: the usual wage.
    """

    treasury: str
    wallets: tuple[str, ...]
    staff: tuple[str, ...]
    stable: str
    wage_cents: int


class Venues:
    """The businesses of one world.

    Attributes:
        firms: companies.
        makers: market makers' trading accounts.
        relayers: who submits a bridge's payouts, by bridge.
        settlement: the contract through which solvers settle swaps, and the spender that owners approve.
        promoters: who sends small amounts of tokens to strangers, honestly.
    """

    def __init__(self, fresh: Sequence[str], people: Sequence[str], rng: random.Random) -> None:
        """Take addresses that nobody has used, and whom firms may employ."""
        supply = iter(fresh)
        bits = rng.getrandbits
        self.firms = [
            Firm(
                next(supply),
                tuple(next(supply) for _ in range(3 + bits(3))),
                tuple(people[bits(16)] for _ in range(4 + (bits(5) * bits(3) >> 2))),
                ("USDC", "USDC", "USDT", "DAI")[bits(2)],
                (120 + bits(9)) * 1000,
            )
            for _ in range(_FIRMS)
        ]
        self.makers = [next(supply) for _ in range(_MAKERS)]
        self._bridges = [next(supply) for _ in range(_BRIDGES)]
        self.relayers = {bridge: next(supply) for bridge in self._bridges}
        self._solvers = [next(supply) for _ in range(_SOLVERS)]
        self.settlement = next(supply)
        self.treasurer = next(supply)
        self.promoters = [next(supply) for _ in range(_PROMOTERS)]

    NEEDED = _FIRMS * 12 + _MAKERS + 2 * _BRIDGES + _SOLVERS + 2 + _PROMOTERS
    """Fresh addresses that one world's businesses take at most."""

    def bridge(self, bits: Bits) -> str:
        """Pick a bridge's contract."""
        return self._bridges[bits(8) % _BRIDGES]

    def solver(self, bits: Bits) -> str:
        """Pick a solver's account."""
        return self._solvers[bits(8) % _SOLVERS]

    def firm(self, bits: Bits) -> Firm:
        """Pick a company."""
        return self.firms[bits(16) % _FIRMS]
