"""Documents of any layout; bad ones are named and skipped; how the input was cut changes nothing."""

import csv
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains_kit import block, normalized, tx
from txpipe.chains import documents
from txpipe.chains.exact import parse
from txpipe.errors import InputFailed, RecordFault

ONE, TWO = block(1, tx(1, value=1)), block(2, tx(2, value=2))


def _texts(*chunks, limit=1 << 20):
    return [(text.line, text.item, text.fault) for text in documents.texts(chunks, "f", limit)]


@pytest.mark.parametrize(
    "layout",
    [
        lambda one, two: json.dumps(one) + "\n" + json.dumps(two) + "\n",
        lambda one, two: json.dumps(one) + json.dumps(two),
        lambda one, two: json.dumps(one, indent=2) + "\r\n" + json.dumps(two, indent=2),
        lambda one, two: json.dumps([one, two]),
        lambda one, two: json.dumps([one, two], indent=0),
        lambda one, two: f"[\n{json.dumps(one)},\n{json.dumps(two)}\n]\n",
        lambda one, two: "\ufeff" + json.dumps([one]) + json.dumps([two], indent=4),
    ],
)
def test_every_layout_gives_the_same(layout):
    """Lines, concatenated, pretty-printed, arrays: the same records."""
    expected = normalized(ONE, TWO)
    assert not expected[1]
    assert normalized(layout(ONE, TWO).encode()) == expected


def test_a_document_leaves_with_its_last_byte():
    """No newline is waited for: an answer of curl's has none."""
    whole = json.dumps(ONE).encode()
    stream = documents.texts(iter([whole[:50], whole[50:], b"never asked for"]), "f")
    assert next(stream).value == ONE


def test_bad_documents_are_named_and_the_rest_goes_on():
    """Line numbers of the first byte; reading goes on behind a truncated, a broken and a foreign document."""
    good = json.dumps(ONE)
    lines = [good, '{"a": "b', good, '{"a": 1,', good, '{"a": ]}', good, "junk", "null", good]
    found = _texts("\n".join(lines).encode())
    assert [(line, bool(fault)) for line, _, fault in found] == [
        (number, not text.endswith("}]}")) for number, text in enumerate(lines, 1)
    ]


def test_a_truncated_input_is_noticed():
    """Inside a document and inside an array."""
    assert "ends inside this document" in _texts(b'{"a": [1')[0][2]
    assert "ends inside an array" in _texts(b'[{"a": 1},')[1][2]


def test_a_document_over_the_limit_is_refused_and_not_held():
    """The next one is read; the one refused is named by its first line."""
    long = b'{"a": "' + b"x" * 5000 + b'", "b": [1, {"c": "\\""}]}\n{"ok": 1}'
    for size in (1, 7, 100, 10_000):
        chunks = [long[at : at + size] for at in range(0, len(long), size)]
        found = _texts(*chunks, limit=1000)
        assert [(line, "limit" in fault) for line, _, fault in found] == [(1, True), (2, False)]


@pytest.mark.parametrize("magic", [b"\x1f\x8b\x08\0\0\0", b"BZh91AY", b"\x28\xb5\x2f\xfd\0\0"])
def test_compressed_input_names_the_remedy(magic):
    """It is not read as junk."""
    with pytest.raises(InputFailed, match="pipe it through"):
        _texts(magic)


@pytest.mark.parametrize(
    "text", [b"{", b"NaN", b'{"a": 1e999}', b"[" * 5000 + b"]" * 5000, b"[" + b"9" * 5000 + b"]"]
)
def test_what_is_no_json_is_a_fault(text):
    """A nesting bomb and a number of 5,000 digits too."""
    with pytest.raises(RecordFault):
        parse(text)


def test_whole_numbers_are_exact():
    """Integers of any size, and 1e+17 as jq writes it; a double's 17 digits stay a float, refused later."""
    assert parse(
        b'{"a": 115792089237316195423570985008687907853269984665640564039457584007913129639935}'
    ) == {"a": 2**256 - 1}
    assert parse(b'{"a": 1e+17, "b": 1.8446744073709552e+19}') == {"a": 10**17, "b": 1.8446744073709552e19}
    assert parse(b"[-18446744073709551616, 5E3, 0.5, 18446744073709551617]") == [
        -(2**64),
        5000,
        0.5,
        2**64 + 1,
    ]


@given(st.data())
def test_cutting_and_damage_never_change_or_crash(data):
    """Whatever is damaged, the same comes out however the bytes arrive."""
    whole = bytearray(json.dumps([ONE, TWO], indent=data.draw(st.sampled_from([None, 1]))).encode())
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at : at + data.draw(st.integers(0, 30))] = data.draw(
            st.sampled_from([b'"', b"{", b"]", b"\n", b"\\", b"9" * 30, b"\n{}\n", b"\xff"])
        )
    limit = data.draw(st.sampled_from([1 << 20, 300]))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=5)))
    pieces = [bytes(whole[a:b]) for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True) if a < b]
    expected = normalized(bytes(whole), max_document=limit)
    assert normalized(pieces, max_document=limit) == expected


def test_the_csv_module_s_limit_is_left_as_it_was():
    """It is one for the process: a long field is read, and others find their own limit afterwards."""
    before = csv.field_size_limit()
    text = f"hash,number,input\n1,2,{'a' * 2 * before}\n3,4,5\n".encode()
    found = documents.texts([text], "f", 1 << 20)
    assert len(next(found).value["input"]) == 2 * before
    assert csv.field_size_limit() == before
    assert next(found).value == {"hash": "3", "number": "4", "input": "5"}
