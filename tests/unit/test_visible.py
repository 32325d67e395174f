"""visible: nothing unseen gets through."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txpipe.visible import clipped, printable, visible


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Łódź wallet 你好 🚀", "Łódź wallet 你好 🚀"),
        ("\x1b[2J\x1b]0;owned\x07", "\\x1b[2J\\x1b]0;owned\\x07"),
        ("a\nb\tc\rd\x00", "a\\nb\\tc\\rd\\x00"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("pay\u200bpal\ufeff\u00ad", "pay\\u200bpal\\ufeff\\xad"),
        ("\u3164\u2800\ufe0f", "\\u3164\\u2800\\ufe0f"),
        ("\U000e0041", "\\U000e0041"),
        ("\\x1b", "\\\\x1b"),
        ("\x9b31m", "\\x9b31m"),
        ("a\u00a0b\u2028c", "a\\xa0b\\u2028c"),
    ],
)
def test_written_out(text, expected):
    """Controls, terminal escapes, bidi and zero-width marks are written out, other text stays."""
    assert visible(text) == expected


@given(st.text())
def test_nothing_unseen(text):
    """What comes out has no control, format or separator character, and is one line."""
    for char in visible(text) + printable(text):
        assert char == " " or unicodedata.category(char)[0] not in "CZ"


@given(st.text(), st.text())
def test_no_two_alike(left, right):
    """Different texts stay different."""
    assert (visible(left) == visible(right)) == (left == right)


def test_messages_keep_backslashes():
    """Messages, which already hold escaped text, are not escaped twice."""
    assert printable("C:\\x \x1b") == "C:\\x \\x1b"


@given(st.text(max_size=200))
def test_clipped(text):
    """A clipped text is no longer than the limit."""
    assert len(clipped(text, 40)) <= 40


def test_clipped_tells_apart():
    """Two long look-alikes, the same at both ends, stay two."""
    left, right = ("0x" + "a" * 100 + middle + "b" * 100 for middle in "12")
    assert clipped(left, 60) != clipped(right, 60)
    assert clipped(left, 60).startswith("0x" + "a" * 40)
