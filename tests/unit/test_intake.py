"""Alerts read in outline: the same lines pass, with the same values, as where they are read in full."""

import json
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples import ALERT, HEARTBEAT, RECORDS, TRANSFER, line
from txpipe.alerts.intake import _kind, in_full, outlines, reread, taken
from txpipe.errors import BadLine, RecordFault
from txpipe.fields import FIELDS
from txpipe.record import check, loads
from txpipe.stream import BadLines

OUTLINE = outlines()
LINE = line(RECORDS["alert"])[:-1]
ODD = [b"", *(bytes([byte]) for byte in b'"\\{}[],:\xff\x00 \t\r'), b"\xc3\xa9", b"\\ud800", b"\\u00e9"]
ODD += [b"1.0", b"-1", b"null", b"true", b"NaN", b"1e5", b"0x", b"99999999999999999999"]


def read(reader, text):
    """What a reader makes of a line; None if it is no record."""
    try:
        return check(reader(text))
    except RecordFault:
        return None


def outlined(record):
    if record is None or record["type"] != "alert":
        return record
    unread = {"evidence", "record", "parts"}
    return {key: value for key, value in record.items() if key in RECORDS["alert"] and key not in unread}


@settings(max_examples=1500)
@given(st.data())
def test_the_same_lines_pass(data):
    """Wherever a line is broken, changed or cut, both say the same of it."""
    text = LINE
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        gone = data.draw(st.sampled_from([0, 0, 1, 2, 5, 40]))
        text = text[:at] + data.draw(st.sampled_from(ODD)) + text[at + gone :]
    assert outlined(read(OUTLINE, text)) == outlined(read(loads, text))


@pytest.mark.parametrize("key", list(ALERT))
@pytest.mark.parametrize(
    "value", [..., None, True, -1, 2**63, 2**64, 10**40, 0.5, 1.0, "", "x", "a" * 300, [], {}, [1], {"a": 1}]
)
def test_every_key(key, value):
    """Whatever a key holds, both say the same of it."""
    text = line(ALERT, **{key: value})[:-1]
    assert outlined(read(OUTLINE, text)) == outlined(read(loads, text))


@pytest.mark.parametrize(
    "text",
    [
        line(HEARTBEAT)[:-1],
        line(TRANSFER)[:-1],
        b'{"type":"unheard-of","id":{"a":[1]}}',
        LINE[:-1] + b',"type":"heartbeat"}',
        line(HEARTBEAT)[:-2] + b',"type":"alert"}',
        LINE[:-1] + b',"severity":"low"}',
        LINE[:-1] + b',"evidence":1}',
        LINE.replace(b'"usd":3975.0', b'"usd":' + b"[" * 1100 + b"]" * 1100),
        LINE.replace(b'"usd":3975.0', b'"usd":' + b"[" * 900 + b"]" * 900),
        LINE.replace(b"Pays", "Zahlt für".encode()),
        b"[1]",
        b"",
        b"null",
    ],
    ids=str,
)
def test_other_records_are_read_in_full(text):
    """What is no alert, or says its key twice, is read as ever."""
    found = read(OUTLINE, text)
    assert outlined(found) == outlined(read(loads, text))
    if found is not None and found["type"] != "alert":
        assert found == json.loads(text)


def test_only_alerts_are_outlines():
    """Nothing of the evidence and of the record is kept."""
    found = OUTLINE(LINE)
    assert (found["evidence"], found["record"]) == ({}, {})
    assert {**found, "evidence": ALERT["evidence"], "record": ALERT["record"]} == RECORDS["alert"]


def test_bad_lines_are_said_alike():
    """Messages are those of a line that is read in full."""
    batches = [(1, [LINE, b"{"]), (3, [LINE.replace(b"critical", b"dire"), LINE[:-3]])]
    said = []
    for reader in (OUTLINE, in_full):
        mine = []
        assert [len(items) for items in taken(batches, "x", BadLines(mine.append), reader)] == [1, 0]
        said.append(mine)
    assert said[0] == said[1]
    assert len(said[0]) == 3


def test_what_came_before_a_bad_line_goes_out():
    """Under strict, too, where the bad line ends it all."""
    found = taken([(1, [LINE, b" ", b"{", LINE])], "x", BadLines(pytest.fail, strict=True))
    assert len(next(found)) == 1
    with pytest.raises(BadLine, match="x:3"):
        next(found)


def test_outlines_decode_most_fields():
    """Few fields are looked at again once they are read: each costs time."""
    left = [key for key, _, valid, _ in FIELDS["alert"] if _kind(valid) is None]
    assert left == ["id", "chain", "parts"]


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (b"1e999", sys.float_info.max),
        (b"-1e999", -sys.float_info.max),
        (b"9" * 5000, sys.float_info.max),
        (b"12", 12),
        (b"9" * 30, 1e30),
    ],
)
def test_what_passed_in_outline_can_be_read_in_full(number, expected):
    """A number that is too large for a float, which no one looked at, is the largest that there is."""
    text = LINE.replace(b"3975.0", number)
    assert read(OUTLINE, text) is not None
    assert reread(text)["record"]["usd"] == expected
    assert {**reread(text), "record": ALERT["record"]} == RECORDS["alert"]


@pytest.mark.parametrize("text", [b"{", b"[1]", b'{"a":NaN}', b'{"a":1e999', b"[" * 5000])
def test_what_never_passed_cannot_be_read(text):
    """Of anything else it is said what is wrong."""
    with pytest.raises(RecordFault, match="no JSON"):
        reread(text)
