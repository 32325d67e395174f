"""Prices from a file: which one holds when, and what is no price."""

import pytest

from txpipe.detect.prices import at, read
from txpipe.errors import UsageFault

ETH, TOKEN = "eip155:1/slip44:60", "eip155:1/erc20:0x" + "ab" * 20


def test_the_last_price_holds(tmp_path):
    """A price holds from its time until the next; one without a time holds always."""
    path = tmp_path / "prices"
    path.write_text(
        f'{{"asset":"{ETH}","usd":3000,"time":100}}\n{{"asset":"{ETH}","usd":3100.5,"time":200}}\n'
        f'{{"asset":"{TOKEN.upper().replace("EIP155", "eip155").replace("ERC20", "erc20")}","usd":2}}\n'
    )
    prices = read(str(path), pytest.fail)
    series = prices.of(ETH)
    held = [at(series, time) for time in (99, 100, 199, 200, 10**12)]
    assert held == [None, 3000.0, 3000.0, 3100.5, 3100.5]
    assert at(prices.of(TOKEN), -5) == 2.0
    assert prices.of("eip155:1/slip44:61") is None


@pytest.mark.parametrize(
    "line",
    [
        '{"asset":"ETH","usd":1}',
        '{"asset":"eip155:1/slip44:60","usd":"1"}',
        '{"asset":"eip155:1/slip44:60","usd":-1}',
        '{"asset":"eip155:1/slip44:60","usd":true}',
        '{"asset":"eip155:1/slip44:60","usd":1,"time":"now"}',
        "[]",
        "nonsense",
    ],
)
def test_what_is_no_price(tmp_path, line):
    """A bad line is reported with its place; a file of nothing else is refused."""
    path = tmp_path / "prices"
    path.write_text(line + "\n")
    said = []
    with pytest.raises(UsageFault, match="holds no price"):
        read(str(path), said.append)
    assert len(said) == 1
    assert said[0].startswith(f"{path}:1: ")
