"""What moves: the native coin, well-known tokens by their real contracts, invented small tokens."""

from __future__ import annotations

from txpipe.simulate.shapes import Bits

_MICRO = 100_000_000
"""Micro-cents in a dollar: prices are whole numbers of them."""


class Asset:
    """One fungible asset and how its amounts are drawn and written.

    Attributes:
        caip: the asset's CAIP-19 name.
        contract: token contract; nothing to be read for the native coin.
        symbol: as in records.
        decimals: digits after the point.
        per_cent: base units for a US cent, times 2 to the 20.
        priced: a price is known; only then records show USD.
        head: the JSON of asset and symbol, with a trailing comma; each byte of its UTF-8 as one character, so
            that one emoji does not make a block's text four bytes a character.
    """

    __slots__ = (
        "_cents",
        "_price",
        "_scale",
        "caip",
        "contract",
        "decimals",
        "head",
        "per_cent",
        "priced",
        "symbol",
    )

    def __init__(self, caip: str, symbol: str, decimals: int, price: int, *, priced: bool) -> None:
        """Take the fixed demo price in micro-cents."""
        self.caip = caip
        self.contract = caip.rpartition(":")[2]
        self.symbol = symbol
        self.decimals = decimals
        self.priced = priced
        self.head = f'"asset":"{caip}","symbol":"{symbol.encode().decode("latin-1")}",'
        self._price = price
        self._scale = 10**decimals * _MICRO
        self._cents = 100 * price / self._scale
        self.per_cent: int = (10 ** (decimals + 6) << 20) // price

    def worth(self, units: int, other: Asset) -> int:
        """Return the base units of another asset that are worth as much."""
        return units * self._price * other._scale // (self._scale * other._price) or 1

    def amount(self, units: int) -> str:
        """Write value and amount as JSON members: exact, a plain decimal without trailing zeros."""
        value = str(units)
        point = len(value) - self.decimals
        if point > 0:
            whole, part = value[:point], value[point:].rstrip("0")
        else:
            whole, part = "0", value.zfill(self.decimals).rstrip("0")
        if part:
            return f'"value":"{value}","amount":"{whole}.{part}"'
        return f'"value":"{value}","amount":"{whole}"'

    def money(self, units: int) -> str:
        """Write value, amount and (with a price) usd as JSON members."""
        if not self.priced:
            return self.amount(units)
        cents = int(units * self._cents + 0.5)
        value = str(units)  # as amount, straight, for it is the most frequent
        point = len(value) - self.decimals
        if point > 0:
            whole, part = value[:point], value[point:].rstrip("0")
        else:
            whole, part = "0", value.zfill(self.decimals).rstrip("0")
        if part:
            return f'"value":"{value}","amount":"{whole}.{part}","usd":{cents // 100}{_CENTS[cents % 100]}'
        return f'"value":"{value}","amount":"{whole}","usd":{cents // 100}{_CENTS[cents % 100]}'


_CENTS = [str(cents / 100).removeprefix("0") for cents in range(100)]
"""How a float's shortest form ends: .0, .01, …, .1, …, .99."""


# Contract addresses and decimals as the issuers publish them for eip155:1; prices are round figures for
# demonstration, in US dollars.
KNOWN: tuple[tuple[str, str, int, float, int], ...] = (
    ("USDT", "0xdac17f958d2ee523a2206206994597c13d831ec7", 6, 1.0, 400),
    ("USDC", "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48", 6, 1.0, 260),
    ("WETH", "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2", 18, 3180.0, 60),
    ("DAI", "0x6b175474e89094c44da98b954eedeac495271d0f", 18, 1.0, 50),
    ("LINK", "0x514910771af9ca656af840dff83e8264ecf986ca", 18, 14.5, 25),
    ("WBTC", "0x2260fac5e5542a773aa44fbcfedf7c193bc2c599", 8, 98000.0, 20),
    ("PEPE", "0x6982508145454ce325ddbe47a25d4ec3d2311933", 18, 0.000012, 20),
    ("SHIB", "0x95ad61b0a150d79219dcf64e1e6cc01f0b64c4ce", 18, 0.0000175, 18),
    ("UNI", "0x1f9840a85d5af5bf1d1762f925bdaddc4201f984", 18, 8.2, 15),
    ("stETH", "0xae7ab96520de3a18e5e111b5eaab095312d7fe84", 18, 3178.0, 12),
    ("AAVE", "0x7fc66500c84a76ad7e9c93437bfc5ac33e2ddae9", 18, 240.0, 10),
    ("MKR", "0x9f8f72aa9304c8b593d555f12ef6589cc3a579a2", 18, 1650.0, 6),
)
"""Symbol, contract, decimals, dollars, popularity."""

NATIVE_PRICE = 3180.0
"""Of the coin, in dollars; WETH above wraps it."""

ROUTERS = (
    "0x7a250d5630b4cf539739df2c5dacb4c659f2488d",  # Uniswap V2 router 02
    "0x68b3465833fb72a70ecdf485e0e4c7bd8665fc45",  # Uniswap swap router 02
    "0xe592427a0aece92de3edee1f18e0157c05861564",  # Uniswap V3 swap router
    "0xd9e1ce17f2641f24ae83637ab66a2cca9c378b9f",  # SushiSwap router
)
"""Public decentralised-exchange routers of eip155:1."""

MARKET = "0x00000000000000adc04c56bf30ac9d3c0aaf14dc"
"""Seaport 1.5, the contract of several NFT markets."""

PERMIT2 = "0x000000000022d473030f116ddee9f6b43ac78ba3"
"""Uniswap's Permit2, the spender that many approvals name."""


def micro_cents(dollars: float) -> int:
    """Return a price in micro-cents, exact for prices of up to eight decimals."""
    return round(dollars * _MICRO)


def native(chain: str) -> Asset:
    """Return the chain's own coin, which is ether whatever the chain is called."""
    return Asset(f"{chain}/slip44:60", "ETH", 18, micro_cents(NATIVE_PRICE), priced=True)


def known_tokens(chain: str) -> dict[str, Asset]:
    """Return the well-known tokens by symbol."""
    return {
        symbol: Asset(f"{chain}/erc20:{contract}", symbol, decimals, micro_cents(price), priced=True)
        for symbol, contract, decimals, price, _ in KNOWN
    }


def small_token(chain: str, contract: str, bits: Bits) -> Asset:
    """Invent a token that has no price feed."""
    starts = [3 * bits(5) for _ in range(1 + bits(1))]
    symbol = "".join(_SYLLABLES[start : start + 3] for start in starts).upper()
    return Asset(f"{chain}/erc20:{contract}", symbol, (18, 18, 18, 9)[bits(2)], 1 + bits(24), priced=False)


def named_token(chain: str, contract: str, symbol: str, model: Asset | None = None) -> Asset:
    """Return an unpriced token of a given symbol; amounts are drawn as if it were worth what its model is."""
    price = model._price if model else micro_cents(1)  # noqa: SLF001 - a sibling
    return Asset(f"{chain}/erc20:{contract}", symbol, model.decimals if model else 18, price, priced=False)


_SYLLABLES = (
    "kailunzormexpudgalvexnubtorsolrexfinaurbopcatdogapeelfinkjetkoimooneoorbpixquarhoskytenyakwifyen"
)
"""Thirty-two of three letters each."""
