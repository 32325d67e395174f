"""symbols: what reads alike has one skeleton, and nothing else has."""

# ruff: noqa: RUF001 - letters that can be mistaken are what it is about

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txpipe.chains.tokens import Tokens
from txpipe.detect.symbols import resemblance, skeleton

DISGUISED = {
    "USDT": [
        *(
            "USD\u0422",
            "U\u0405DT",
            "USD\u0166",
            "USDT\u00ad",
            "U\u180eSDT",
            "ＵＳＤＴ",
            "USDΤ",
            "𝐔𝐒𝐃𝐓",
            "ᴜꜱᴅᴛ",
        ),
        *("ⓊⓈⒹⓉ", "🅄🅂🄳🅃", "🆄🆂🅳🆃", "🅤🅢🅓🅣", "🇺🇸🇩🇹", "U\u0308SDT", "\u202eTDSU", "US\u2060DT", "USDT\u3164"),
        *("μSDT", "\u200b" * 200 + "USDT", "USDT\ufe0f", "USDƬ", "USD₮", "UЅDТ\u202c"),
    ],
    "USDC": ["USD\u0421", "U$DϹ", "USDᏟ", "USDȻ"],
    "BNB": ["B\u180eN\u180eB", "B\u180e\u039d\u180eB", "ВΝВ"],
    "WETH": ["WΞTH", "ԜEТН", "VVΕTH"],
    "ETH": ["ΞTH", "ЕТН", "€TH"],
}
ALTERED = {
    "USDT": ["U5DT", "USDT🎁", "$USDT", "USDT.", "U S D T"],
    "POL": ["P0L", "PO1"],
    "ETH": ["3TH", "ETH🚀"],
}
OTHERS = [
    "USDC.e",
    "axlUSDC",
    "aUSDC",
    "aEthUSDC",
    "crvUSD",
    "sUSDe",
    "sDAI",
    "yUSDT",
    "USDT0",
    "USD₮0",
    "USDbC",
    "rETH",
]
OTHERS += [
    "cbETH",
    "PEPE2",
    "LINKPAD",
    "UNIBOT",
    "🚀MOON",
    "🐸",
    "ねこ",
    "МИР",
    "CAFÉ",
    "",
    "$",
    "...",
    "ETHX",
    "BNBX",
    "USD",
]


@pytest.mark.parametrize(("known", "symbol"), [(k, one) for k, some in DISGUISED.items() for one in some])
def test_disguised(known, symbol):
    """Foreign letters, invisible marks, boxes and turned text do not hide a name."""
    assert (skeleton(symbol), resemblance(symbol, known)) == (skeleton(known), "disguised")


@pytest.mark.parametrize(("known", "symbol"), [(k, one) for k, some in ALTERED.items() for one in some])
def test_altered(known, symbol):
    """A digit for a letter, an emoji or a mark added is seen as that."""
    assert (skeleton(symbol), resemblance(symbol, known)) == (skeleton(known), "altered")


def test_same():
    """Case is no difference to the eye."""
    assert (skeleton("usdt"), resemblance("usdt", "USDT")) == (skeleton("USDT"), "same")


@pytest.mark.parametrize("symbol", OTHERS)
def test_other_names(symbol):
    """Bridged and derived tokens, and tokens of their own, look like no coin of the chain's table."""
    known = {skeleton(name) for name in Tokens.shipped().symbols("eip155:1")}
    assert skeleton(symbol) not in known


def test_skeletons_of_the_table_differ():
    """No two symbols of one chain's table are taken for one another."""
    for chain in ("eip155:1", "eip155:10", "eip155:56", "eip155:137", "eip155:8453", "eip155:42161"):
        symbols = Tokens.shipped().symbols(chain)
        assert len({skeleton(symbol) for symbol in symbols}) == len(symbols)


@given(st.text())
def test_any_text(symbol):
    """Any text has a bounded skeleton, and one resemblance."""
    assert len(skeleton(symbol)) <= 64
    assert resemblance(symbol, "USDT") in {"same", "altered", "disguised"}


@pytest.mark.shared_data
def test_real_counterfeits(data):
    """Every counterfeit of the published list reads like a token of its chain."""
    with (data / "poisoning" / "counterfeit_tokens.csv").open(encoding="utf-8", newline="") as file:
        symbols = [row["token_symbol"] for row in csv.DictReader(file)]
    known = {skeleton(name) for name in ("BNB", "USDT", "USDC")}
    assert [symbol for symbol in symbols if skeleton(symbol) not in known] == []
    assert {resemblance(symbol, "USDT") for symbol in symbols} == {"disguised"}
    assert len(symbols) == 14
