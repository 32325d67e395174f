"""What an amount is worth: which price counts, exact amounts, bounds; only what moved is worth something."""

import pytest

from chains_kit import ALICE, APPROVAL, BOB, TRANSFER, block, h32, log, normalized, receipt, tx
from txpipe.chains.chain import ChainOf
from txpipe.chains.feeds import Feed, Feeds
from txpipe.chains.making import Making
from txpipe.chains.model import CoinTransaction, Output
from txpipe.chains.rates import Worth
from txpipe.chains.tokens import Token, Tokens
from txpipe.chains.utxo import transaction_records as utxo_records
from txpipe.prices import MOST_USD, Prices

CHAIN, USDC = "eip155:1", "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"
PEGGED, OTHER = Token("erc20", "USDC", 6, pegged=True), Token("erc20", "X", 18, pegged=False)
ASSET = f"{CHAIN}/erc20:{USDC}"


def worth(value, token, rates=None, time=0):
    tokens = Tokens.shipped()
    tokens.rates = rates
    return tokens.usd(ASSET, token, value, time)


@pytest.mark.parametrize(
    ("value", "usd"), [(1_250_000, 1.25), (0, 0.0), (123_456_789_012_345_678, 123456789012.345678), (1, 1e-6)]
)
def test_peg(value, usd):
    """A pegged token is worth its amount, as exactly as a float can be; another is not."""
    assert worth(value, PEGGED) == usd
    assert worth(value, OTHER) is None


def test_which_price_counts():
    """A file's from its time on, else a feed's, else the peg; a feed without an answer leaves no peg."""
    prices = Prices({ASSET: ([10, 20], [2.0, 3.0])})
    assert [worth(10**6, PEGGED, Worth(prices), time) for time in (9, 10, 25)] == [1.0, 2.0, 3.0]
    feeds = Feeds({ASSET: Feed("0x12")}, pytest.fail, 0)
    assert worth(10**6, PEGGED, Worth(prices, feeds), 15) == 2.0
    assert worth(10**6, PEGGED, Worth(prices, feeds), 9) is None
    assert worth(10**6, PEGGED, Worth(Prices(), Feeds({"other": Feed("0x12")}, pytest.fail, 0))) == 1.0


def test_bounds():
    """Nothing is worth more than all money there is."""
    assert worth(2**256 - 1, PEGGED) == MOST_USD
    assert worth(2**256 - 1, OTHER, Worth(Prices({ASSET: ([0], [1e300])}))) == MOST_USD


def test_coins_of_utxo_chains():
    """Outputs are worth what the file says of the coin; without a file they show no worth."""
    chain = "bip122:000000000019d6689c085ae165831e93"
    making = Making(ChainOf(chain, pytest.fail), Tokens.shipped(), int, pytest.fail, pytest.fail)
    spent = CoinTransaction("ab" * 32, 5, None, 0, 100, ["x"], [Output(0, ["y"], 150_000_000)])
    (bare,) = utxo_records(spent, chain, 100, making)
    making.tokens.rates = Worth(Prices({f"{chain}/slip44:0": ([100], [90_000.0])}))
    (priced,) = utxo_records(spent, chain, 100, making)
    assert "usd" not in bare
    assert priced == bare | {"usd": 135_000.0}


def test_approvals_are_worth_nothing():
    """What may be spent has not moved."""
    a, b = h32(int(ALICE, 16)), h32(int(BOB, 16))
    logs = [log(0, TRANSFER, a, b, data=h32(5_000_000)), log(1, APPROVAL, a, b, data=h32(5_000_000))]
    records, _, _ = normalized(block(1, tx()), [receipt(*logs)])
    assert [(one["type"], one["amount"], one.get("usd")) for one in records if "asset" in one] == [
        ("transfer", "5", 5.0),
        ("approval", "5", None),
    ]
