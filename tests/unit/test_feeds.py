"""Price feeds: what is believed of an answer, which feeds come with the package, feeds of one's own."""

import contextlib
import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract_kit import word
from txpipe.chains import feeds
from txpipe.chains.feeds import STALE_S, Feed, own, price, shipped
from txpipe.chains.tokens import Tokens
from txpipe.errors import RecordFault, UsageFault

NOW = 1_700_000_000


def said(answer, *, updated=NOW, number=1, answered=1):
    return b"".join(map(word, (number, answer, updated, updated, answered)))


def test_price():
    """The answer with its decimals, as long as it is fresh."""
    assert price(said(3000_12345678), 8, NOW, 60) == 3000.12345678
    assert price(said(5), 0, NOW + 60, 60) == 5.0
    assert price(said(1, updated=NOW + 900), 18, NOW, 60) == 1e-18
    assert price(said(7, number=(9 << 64) + 1, answered=(9 << 64) + 1), 0, NOW, 60) == 7.0


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, "no answer"),
        (b"", "no answer"),
        (said(1)[:-1], "no answer"),
        (said(1, number=0), "no answer"),
        (said(1, updated=0), "no answer"),
        (said(0), "not above 0"),
        (said(2**255 - 1), "beyond any price"),
        (said(-1), "not above 0"),
        (said(-(2**255)), "not above 0"),
        (said(1, updated=NOW - 61), "stale"),
        (said(1, number=2), "stale"),
        (said(1, updated=NOW + 901), "time to come"),
    ],
)
def test_not_believed(answer, reason):
    """What is no answer, or none of now, is refused."""
    with pytest.raises(RecordFault, match=reason):
        price(answer, 8, NOW, 60)


@given(st.binary(max_size=200), st.integers(0, 77))
def test_any_bytes(answer, decimals):
    """Bytes give a price above 0, or the one fault."""
    with contextlib.suppress(RecordFault):
        assert price(answer, decimals, NOW, 60) > 0


def test_shipped_feeds():
    """Each is of an asset in the table of tokens, of a pair that fits it, and has a source."""
    tokens = Tokens.shipped()
    with feeds.SHIPPED.open() as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        kind, _, reference = row["asset"].partition(":")
        native = kind == "slip44"
        asset, token = tokens.native(row["chain"]) if native else ("", tokens.token(row["chain"], reference))
        assert token is not None
        assert not native or asset == f"{row['chain']}/{row['asset']}"
        assert token.symbol.removeprefix("W") == row["pair"].removesuffix(" / USD")
        assert own(f"{row['chain']}/{row['asset']}={row['feed']}", row["chain"])
        assert row["source"].startswith(("https://docs.chain.link/", "https://github.com/smartcontractkit/"))
        assert 3600 <= int(row["stale_s"]) <= STALE_S
    assert len({(row["chain"], row["asset"]) for row in rows}) == len(rows)
    by_pair = {(row["chain"], row["pair"]): row["feed"] for row in rows}
    assert all(by_pair[row["chain"], row["pair"]] == row["feed"] for row in rows)
    assert shipped("eip155:1")["eip155:1/slip44:60"] == Feed(by_pair["eip155:1", "ETH / USD"], 7200)
    assert shipped("eip155:31337") == {}


NO_FEED = [
    "",
    "x",
    "eip155:1/slip44:60",
    "eip155:1/slip44:60=0x" + "g" * 40,
    "=0x" + "1" * 40,
    "eip155:1/ether=0x" + "1" * 40,
    "eip155:1/erc20:0x12=0x" + "1" * 40,
    "eip155:10/slip44:60=0x" + "1" * 40,
]


@pytest.mark.parametrize("text", NO_FEED)
def test_own_feed_that_is_none(text):
    """It is refused."""
    with pytest.raises(UsageFault):
        own(text, "eip155:1")


def test_own_feed():
    """Upper case in addresses does not matter."""
    assert own("eip155:1/erc20:0x" + "AB" * 20 + "=0x" + "CD" * 20, "eip155:1") == (
        "eip155:1/erc20:0x" + "ab" * 20,
        Feed("0x" + "cd" * 20),
    )
