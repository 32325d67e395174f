"""Decimals, symbols and pegs of tokens and native coins: a shipped, sourced table and what the input adds."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from txpipe.chains.model import account, small
from txpipe.errors import RecordFault
from txpipe.prices import MOST_USD

SHIPPED = Path(__file__).resolve().parent.parent / "data" / "tokens.csv"

MAX_DECIMALS = 77
"""Decimals of a token: an EVM word has 78 digits."""

_MAX_SYMBOL = 64

_UNKNOWN_COIN = "slip44:60"
"""The native coin of an EVM chain that the table lacks: Ether's coin type (SLIP-44), from which wallets
derive keys on every such chain. It names the chain's own coin, whatever that is: no symbol, no amount."""


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token or native coin.

    Attributes:
        kind: erc20 or erc721; slip44:N for a native coin.
        pegged: one unit is meant to be worth one US dollar.
    """

    kind: str
    symbol: str
    decimals: int
    pegged: bool


class Rates(Protocol):
    """Says what a whole unit of an asset is worth in US dollars."""

    def of(self, asset: str, token: Token, time: int) -> float | None:
        """Return the price of an asset (CAIP-19) at a time (Unix seconds); None if there is none."""


class Tokens:
    """A table of tokens by (chain, address), and of native coins by chain.

    Attributes:
        named: what tokens that the table lacks say of themselves, by address; None of what is no token. It
            may grow.
        rates: says what a unit is worth; None if only pegs do.
    """

    def __init__(self, rows: dict[tuple[str, str], Token]) -> None:
        self._rows = rows
        self._from_input: dict[str, Token] = {}
        self.named: Mapping[str, Token | None] = {}
        self.rates: Rates | None = None

    @classmethod
    def shipped(cls) -> Tokens:
        """Read the table that comes with the package."""
        with SHIPPED.open(encoding="utf-8", newline="") as file:
            return cls(
                {
                    (row["chain"], row["address"]): Token(
                        row["kind"], row["symbol"], int(row["decimals"]), row["peg"] == "USD"
                    )
                    for row in csv.DictReader(file)
                }
            )

    def learn(self, item: dict[str, Any]) -> None:
        """Take a ``token`` item of ethereum-etl: its symbol and decimals override the table's.

        Raises:
            RecordFault: no address, or its decimals are no such number.
        """
        address = account(item.get("address"), "a token's address")
        symbol, decimals = item.get("symbol"), item.get("decimals")
        if decimals in (None, ""):
            return
        places = small(decimals, "a token's decimals")
        if places > MAX_DECIMALS:
            raise RecordFault(f"a token's decimals are {places}")
        name = symbol[:_MAX_SYMBOL] if isinstance(symbol, str) else ""
        self._from_input[address] = Token("", name, places, pegged=False)

    def native(self, chain: str) -> tuple[str, Token | None]:
        """Return the native coin's asset (CAIP-19) and what is known of it: nothing, off the table."""
        token = self._rows.get((chain, ""))
        return f"{chain}/{token.kind if token else _UNKNOWN_COIN}", token

    def token(self, chain: str, address: str) -> Token | None:
        """Return what is known of a token."""
        row, said = self._rows.get((chain, address)), self._from_input.get(address)
        if said is None:
            return row or self.named.get(address)
        return Token(row.kind if row else "", said.symbol, said.decimals, row is not None and row.pegged)

    def symbols(self, chain: str) -> set[str]:
        """Return the symbols of a chain's tokens and native coin in the table."""
        return {token.symbol for (on, _), token in self._rows.items() if on == chain}

    def addresses(self, chain: str) -> set[str]:
        """Return the addresses of a chain's tokens in the table."""
        return {address for on, address in self._rows if on == chain}

    def usd(self, asset: str, token: Token, value: int, time: int) -> float | None:
        """Return what an amount of base units is worth, or None.

        Args:
            asset: CAIP-19.
            token: what is known of it.
            value: base units.
            time: Unix seconds.
        """
        rate = (1.0 if token.pegged else None) if self.rates is None else self.rates.of(asset, token, time)
        return None if rate is None else min(rate * (value / 10**token.decimals), MOST_USD)
