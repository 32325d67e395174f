"""The words of lists."""

import pytest

from txpipe.lists import words
from txpipe.lists.entry import CATEGORIES


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("phish-hack", "phishing"),
        ("Phishing", "phishing"),
        ("heist", "theft"),
        ("exploit", "theft"),
        ("service_hack", "theft"),
        ("Mixing Service", "mixer"),
        ("mixing_service", "mixer"),
        ("Ponzi scheme", "scam"),
        ("SDN", "sanctions"),
        ("ransomware", "ransomware"),
        ("terrorist financing", "terrorism"),
        ("darknet_market", "darknet"),
        ("router", "router"),
        ("MEV bot, exploit", "theft"),
        ("Tax Evasion", "tax-evasion"),
        ("", ""),
    ],
)
def test_categories(said, meant):
    """Known words become one of the categories, unknown ones are kept."""
    assert meant == words.category(said)


def test_known_and_meant_categories():
    """A column of kinds counts where its word is known; a mistyped word is told from one of its own."""
    assert [words.known_category(word) for word in ("hack, x", "router", "")] == ["theft", "", ""]
    assert [words.meant_category(word) for word in ("teft", "phishng", "mining", "router", "sdn", "")] == [
        "theft",
        "phishing",
        "",
        "",
        "",
        "",
    ]


def test_addresses_as_people_spell_them():
    """0X is 0x, also behind a CAIP-10 prefix; everything else is ``address.canonical``."""
    address = "0x" + "a1" * 20
    for spelled in (f" {address} ", address.upper(), f"eip155:1:{address.upper()}"):
        assert address == words.address(spelled)
    assert words.address("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa") == "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"


def test_every_category_means_itself():
    assert list(CATEGORIES) == [words.category(name) for name in CATEGORIES]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2025-11-19", "2025-11-19"),
        ("2025/1/9", "2025-01-09"),
        ("2022-09-15T00:38:13+00:00", "2022-09-15"),
        ("2022-09-15 00:38", "2022-09-15"),
        ("20251119", "2025-11-19"),
        ("7/18/17", "2017-07-18"),
        ("18.07.2017", "2017-07-18"),
        ("5/5/2020", "2020-05-05"),
        ("1/2/17", None),
        ("1760000012", "2025-10-09"),
        ("1760000012123", "2025-10-09"),
        ("2025-13-40", None),
        ("soon", None),
        ("False", ""),
        ("n/a", ""),
        ("", ""),
    ],
)
def test_dates(text, day):
    """A date with two readings is none."""
    assert day == words.day(text)


def test_roles_take_the_preferred_name():
    """Columns are found whatever their case and marks, the better name first."""
    assert words.roles(("nameTag", "Wallet Address", "ABUSE")) == {"address": 1, "label": 0, "category": 2}
    assert words.roles(("account", "contract_address")) == {"address": 1}
    assert words.roles(("from", "to", "")) == {}


def test_clean_text_is_safe_to_show():
    """Escapes and direction overrides go, names in other scripts stay, length is bounded."""
    assert words.clean("a\x1b[31mb\u202e\n c") == "a [31mb c"
    assert words.clean("خطیبی‌عقدا") == "خطیبی‌عقدا"
    assert len(words.clean("x" * 10_000_000)) == 500
