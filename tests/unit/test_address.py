"""address: families by shape and one spelling for each address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txpipe.address import OTHER, canonical, family

EVM = "0x52908400098527886E0F7030069857D2E4169EE7"  # EIP-55's first example
BECH32 = "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4"  # BIP-173
BASE58 = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"  # Bitcoin's first block

FAMILIES = {
    EVM: "evm",
    EVM.lower(): "evm",
    BECH32: "bitcoin",
    BECH32.lower(): "bitcoin",
    BASE58: "bitcoin",
    "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy": "bitcoin",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0": "bitcoin",  # BIP-350
    "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t": "tron",  # Tether on TRON
    "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh": "xrp",  # XRP Ledger's genesis account
    "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA": "solana",  # SPL token program
    "not an address": None,
    "": None,
    "0x1234": None,
    "0x" + "g" * 40: None,
    "cosmos1hsk6jryyqjfhp5dhc55tc9jtckygx0eph6dd02": OTHER,
}


@pytest.mark.parametrize(("address", "expected"), FAMILIES.items())
def test_family(address, expected):
    """A spelling belongs to the family of its shape; what cannot be an address has none."""
    assert family(address) == expected


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        (EVM, EVM.lower()),
        ("0X" + EVM[2:], "0X" + EVM[2:]),
        (BECH32, BECH32.lower()),
        (BASE58, BASE58),
        (f"eip155:1:{EVM}", EVM.lower()),
        (f"bip122:000000000019d6689c085ae165831e93:{BASE58}", BASE58),
        (
            "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a",
            "qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a",
        ),
    ],
)
def test_canonical(spelling, expected):
    """Hex and bech32 become lower case, prefixes go, base58 stays byte for byte."""
    assert canonical(spelling) == expected


@given(st.text(max_size=120) | st.sampled_from(sorted(FAMILIES)))
def test_canonical_once(text):
    """A canonical spelling is its own canonical spelling, and the family stays."""
    once = canonical(text)
    assert canonical(once) == once or once.count(":") >= 2
    if family(text) not in (None, OTHER):
        assert family(once) == family(text)
