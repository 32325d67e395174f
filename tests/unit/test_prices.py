"""Prices from a file: which one holds when, and what is no price."""

import re

import pytest

from txpipe import prices as module
from txpipe.errors import UsageFault
from txpipe.prices import at, read

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


@pytest.mark.parametrize("line", [1, 3])
def test_a_line_without_end(tmp_path, line):
    """Junk without a line's end, however large, is refused at once, with its place and what belongs there."""
    path = tmp_path / "prices"
    path.write_bytes(b'{"asset":"eip155:1/slip44:60","usd":3180}\n' * (line - 1) + b"\0" * 10_000_000)
    said = rf"^{re.escape(str(path))}:{line}: a line of more than .*; give NDJSON"
    with pytest.raises(UsageFault, match=said):
        read(str(path), pytest.fail)


def test_a_device_that_never_ends():
    """The same for a device."""
    with pytest.raises(UsageFault, match=r"^/dev/zero:1: a line of more than 65,536 bytes"):
        read("/dev/zero", pytest.fail)


@pytest.mark.parametrize(("limit", "most"), [("MOST_LINES", 999), ("MOST_BYTES", 40_000)])
def test_more_than_anybody_needs(tmp_path, monkeypatch, limit, most):
    """So is a file with more prices than any; one of just as many is read."""
    path = tmp_path / "prices"
    line = '{"asset":"eip155:1/slip44:60","usd":318}\n'
    path.write_text(line * 1000)
    assert read(str(path), pytest.fail).of(ETH) == ([module.ALWAYS], [318.0])
    monkeypatch.setattr(module, limit, most)
    with pytest.raises(UsageFault, match=f"^{re.escape(str(path))}:1000: more than "):
        read(str(path), pytest.fail)


def test_a_line_that_is_too_long(tmp_path):
    """A long line among prices is a bad line."""
    path = tmp_path / "prices"
    path.write_text("x" * 70_000 + f'\n{{"asset":"{ETH}","usd":1}}\n')
    said = []
    assert read(str(path), said.append).of(ETH) == ([module.ALWAYS], [1.0])
    assert said == [f"{path}:1: line of 70,000 bytes is over the limit of 65,536; line skipped"]
