"""What moves: whether anyone can forge its movements, what a unit is worth, whom its symbol imitates."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from txpipe.chains.tokens import Tokens
from txpipe.detect.symbols import LONGEST, skeleton
from txpipe.detect.traits import COUNTERFEIT, ITEM
from txpipe.detect.use import Uses
from txpipe.prices import MOST_USD, Prices, Series, at

KEPT = 100_000
"""Assets remembered; a stream that invents more starts the table anew."""

ROUGH_USD = {"ETH": 3000.0, "WETH": 3000.0, "BTC": 90_000.0, "WBTC": 90_000.0, "LTC": 90.0}
ROUGH_USD |= {"BNB": 800.0, "WBNB": 800.0, "POL": 0.2, "AVAX": 20.0, "CRO": 0.1, "FTM": 0.3, "CELO": 0.3}
"""Round figures of late 2025, for coins of the shipped table that come without a price: rules compare orders
of magnitude. ``--prices`` and a record's own ``usd`` win."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One fungible asset, or one collection of items.

    Attributes:
        name: CAIP-19, without the item's number.
        symbol: as its first record shows it.
        native: the chain's own coin.
        known: native, or in the shipped table: its contract moves nothing that its owner did not allow.
        item: its movements are single items (erc721) and have no amount.
        decimals: digits after the point; None if unknown.
        rate: US dollars per unit; None if unknown. Rough, and used only where a record shows no price.
        prices: US dollars per unit by time, from a file; they win over ``rate``.
        imitates: symbol of the known token that it is not but is named like; else None.
        valued: it has a rate or prices.
        marks: traits of its movements: ITEM, or COUNTERFEIT if no price says otherwise.
        uses: how such tokens are used; of all assets of the chain together.
    """

    name: str
    symbol: str
    native: bool
    known: bool
    item: bool
    decimals: int | None
    rate: float | None
    prices: Series | None
    imitates: str | None
    valued: bool
    marks: int
    uses: Uses = field(compare=False, repr=False)


class Assets:
    """The assets of one chain, as the stream shows them.

    Attributes:
        found: by CAIP-19 name, single items left out; the same dict for good.
        rough: symbols that a rough price was used for, to be said once.
    """

    def __init__(self, chain: str, table: Tokens, prices: Prices) -> None:
        self._table = table
        self._prices = prices
        self.found: dict[str, Asset] = {}
        self._official = {skeleton(symbol): symbol for symbol in table.symbols(chain)}
        self._uses = Uses()
        self.rough: set[str] = set()

    def of(self, name: str, symbol: object) -> Asset:
        """Return the asset of a transfer or an approval.

        Args:
            name: CAIP-19.
            symbol: as the record shows it; anything if it shows none.
        """
        found = self.found.get(name)
        if found is None:
            if len(self.found) >= KEPT:
                self.found.clear()
            found = self._meet(name, symbol[:LONGEST] if isinstance(symbol, str) else "")
            if not found.item:
                self.found[name] = found
        return found

    def saved(self) -> tuple[Any, ...]:
        """Return the assets met so far (name, symbol of the first record) and how some of them are used."""
        return [(name, asset.symbol) for name, asset in self.found.items()], self._uses.saved()

    def restore(self, saved: tuple[Any, ...]) -> None:
        """Take back what ``saved`` returned."""
        found, uses = saved
        for name, symbol in found:
            self.found[name] = self._meet(name, symbol)
        self._uses.restore(uses)

    def usd(self, asset: Asset, time: int, value: str, amount: object) -> float | None:
        """Return what a transfer without a price of its own is worth, or None.

        Args:
            asset: what moves.
            time: Unix seconds.
            value: base units, as the record has them.
            amount: whole units as text, if the record shows them; else anything.
        """
        rate = None if asset.prices is None else at(asset.prices, time)
        if rate is None:
            rate = asset.rate
            if rate is None:
                return None
            if rate != 1.0:
                self.rough.add(asset.symbol)
        return min(rate * units_of(asset, value, amount), MOST_USD)

    def _meet(self, name: str, symbol: str) -> Asset:
        chain, _, path = name.partition("/")
        kind, _, reference = path.partition(":")
        item = kind == "erc721"
        if item:
            reference, _, _ = reference.partition("/")
        native = kind == "slip44"
        known = self._table.native(chain)[1] if native else self._table.token(chain, reference)
        symbol = known.symbol if known else symbol
        prices = self._prices.of(name)
        rate = (1.0 if known.pegged else ROUGH_USD.get(known.symbol)) if known else None
        imitates = None if native or known or item else self._official.get(skeleton(symbol))
        return Asset(
            name=f"{chain}/{kind}:{reference}",
            symbol=symbol,
            native=native,
            known=native or known is not None,
            item=item,
            decimals=known.decimals if known else None,
            rate=rate,
            prices=prices,
            imitates=imitates,
            valued=rate is not None or prices is not None,
            marks=ITEM if item else COUNTERFEIT if imitates is not None else 0,
            uses=self._uses,
        )


def units_of(asset: Asset, value: str, amount: object) -> float:
    """Return a transfer's amount in whole units; in base units where neither table nor record tells them."""
    units = int(value)
    if asset.decimals is not None:
        whole: float = units / 10**asset.decimals
        return whole
    if isinstance(amount, str) and amount.replace(".", "", 1).isdecimal():
        shown = float(amount)
        if math.isfinite(shown):
            return shown
    return float(units)


def plausible_usd(shown: float) -> float:
    """Return a record's own USD figure, within bounds: at least 0, at most MOST_USD."""
    return min(max(float(shown), 0.0), MOST_USD) if math.isfinite(shown) else 0.0
