"""Symbols as contracts spell them, tamed; what counterfeit-token goes by stays."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txpipe.chains.token_symbol import LONGEST, tamed
from txpipe.detect.symbols import resemblance, skeleton

TURNS = "\u202a\u202b\u202d\u202e\u2066\u2067\u2068"
ENDS = "\u202c\u2069"
HOSTILE = st.text(
    st.sampled_from("USDT\u0405\u200b\u3164\0\x1b\n\x85\u2028\u0301 " + TURNS + ENDS), max_size=90
)


@given(st.one_of(st.binary(max_size=300), HOSTILE.map(str.encode), st.text(max_size=200).map(str.encode)))
def test_no_symbol_breaks_out(raw):
    """Whatever the bytes: no control character, no line's end, no open turn, no length; twice is once."""
    text = tamed(raw)
    assert not {unicodedata.category(letter) for letter in text} & {"Cc", "Cs", "Zl", "Zp"}
    assert sum(letter not in ENDS for letter in text) <= LONGEST
    opened = sum(text.count(turn) for turn in TURNS)
    assert opened == sum(text.count(end) for end in ENDS) <= 4
    assert tamed(text.encode()) == text


@given(st.text(max_size=20).filter(lambda text: not set(text) & set(TURNS + ENDS)))
def test_looks_the_same(text):
    """A symbol is mistaken for the same ones as before."""
    assert skeleton(tamed(text.encode("utf-8", "replace"))) == skeleton(
        text.encode("utf-8", "replace").decode()
    )


@pytest.mark.parametrize(
    "symbol",
    [
        "U\u0405DT",
        "USD\u200bT",
        "\u202eTDSU",
        "\u200b\u200c" * 500 + "USDT",
        " " * 70 + "USD\u0422",
        "\u3164USDT",
    ],
)
def test_disguise_is_kept(symbol):
    """Foreign letters and unseen marks are still a disguise, however many there are."""
    text = tamed(symbol.encode())
    assert skeleton(text) == "USDT"
    assert resemblance(text, "USDT") == "disguised"


def test_broken_text_shows():
    """What is no UTF-8, and every control character, is shown as such."""
    assert tamed(b"A\xffB\x1b[2JC\0\0") == "A\ufffdB\ufffd[2JC"
