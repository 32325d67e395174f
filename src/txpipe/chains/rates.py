"""What a unit of an asset is worth: by a file of prices, by feeds on the chain, by a peg."""

from __future__ import annotations

from dataclasses import dataclass, field

from txpipe.chains.feeds import Feeds
from txpipe.chains.tokens import Token
from txpipe.prices import Prices, at


@dataclass(frozen=True, slots=True)
class Worth:
    """Prices of assets; the file's win, and where there is a feed, a peg does not count.

    Attributes:
        prices: from a file.
        feeds: on the chain; None if they are not asked.
    """

    prices: Prices = field(default_factory=Prices)
    feeds: Feeds | None = None

    def of(self, asset: str, token: Token, time: int) -> float | None:
        """Return the price of an asset (CAIP-19) at a time (Unix seconds); None if there is none."""
        series = self.prices.of(asset)
        rate = None if series is None else at(series, time)
        if rate is not None:
            return rate
        if self.feeds is not None and asset in self.feeds.assets:
            return self.feeds.rate(asset)
        return 1.0 if token.pegged else None
