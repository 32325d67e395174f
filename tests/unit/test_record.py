"""record: what is a record, and what is said of one that is none."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import ALERT, RECORDS, TRANSFER
from txpipe import record
from txpipe.errors import RecordFault


@pytest.mark.parametrize("kind", record.TYPES)
def test_example_passes(kind):
    """A valid record of every type is returned as it is."""
    assert record.check(RECORDS[kind]) is RECORDS[kind]


@pytest.mark.parametrize("kind", record.TYPES)
def test_required_keys(kind):
    """Without a required key a record is refused by that key's name; an optional one may be missing."""
    for key, required in record.fields(kind):
        cut = {name: value for name, value in RECORDS[kind].items() if name != key}
        if required:
            with pytest.raises(RecordFault, match=f'{kind} without "{key}"'):
                record.check(cut)
        else:
            record.check(cut)


@pytest.mark.parametrize("kind", record.TYPES)
def test_no_field_takes_every_type(kind):
    """Every field refuses some JSON type, and the message says field, value and what belongs there."""
    for key, _ in record.fields(kind):
        said = [_fault({**RECORDS[kind], key: value}) for value in (None, True, 1, 1.5, "x", [], {})]
        said = [fault for fault in said if fault]
        assert len(said) >= 4
        assert all(
            fault.startswith(f'"{key}" of {"an" if kind[0] == "a" else "a"} {kind} is ') for fault in said
        )


def _fault(candidate):
    try:
        record.check(candidate)
    except RecordFault as exc:
        return str(exc)
    return None


def test_unknown_pass():
    """Unknown types and unknown keys pass; they belong to somebody else."""
    assert record.check({"type": "news"}) == {"type": "news"}
    assert record.check({**TRANSFER, "mine": [1]})["mine"] == [1]


@pytest.mark.parametrize("kind", [None, 1, ["transfer"], {}, True])
def test_type_must_be_a_string(kind):
    """A type that is no string is refused, hashable or not."""
    with pytest.raises(RecordFault, match='"type" is'):
        record.check({"type": kind})


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "no JSON"),
        (b'{"a":NaN}', "no JSON"),
        (b'{"a":1e999}', "no JSON"),
        (b'{"a":"\xff"}', "no JSON"),
        (b'{"a":"\\ud800"}', "no JSON"),
        (b'{"a":"\x00"}', "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b'{"a":' * 100_000, "no JSON"),
        (b"[1]", "no JSON object"),
        (b"null", "no JSON object"),
        (b'{"a":1}{"a":2}', "no JSON"),
    ],
    ids=lambda value: repr(value[:12]),
)
def test_loads_refuses(line, reason):
    """What is no JSON object is a RecordFault, never another error, never a crash."""
    with pytest.raises(RecordFault, match=reason):
        record.loads(line)


def test_duplicate_keys():
    """Of duplicate keys the last one counts."""
    assert record.loads(b'{"a":1,"a":2}') == {"a": 2}


def test_deep_value_in_message():
    """A value nested as deep as the parser allows is refused in a few words."""
    deep = orjson.loads(b"[" * 1000 + b"]" * 1000)
    with pytest.raises(RecordFault, match='"chain" of a transfer is an array, not a CAIP-2 chain'):
        record.check({**TRANSFER, "chain": deep})


def test_dumps_too_deep():
    """What nests deeper than can be written is a RecordFault too."""
    with pytest.raises(RecordFault, match="cannot be written"):
        record.dumps(orjson.loads(b"[" * 1000 + b"]" * 1000))


@given(st.integers(0, 2**256 - 1))
def test_value_round_trip(value):
    """An amount of any size survives writing and reading."""
    written = record.dumps({**TRANSFER, "value": str(value)})
    assert int(record.check(record.loads(written))["value"]) == value


@given(st.integers(-(10**40), 10**40), st.integers(0, 30))
def test_decimal_is_exact(value, decimals):
    """A decimal has neither exponent nor trailing zeros, and gives the integer back."""
    text = record.decimal(value, decimals)
    sign = -1 if text.startswith("-") else 1
    whole, _, fraction = text.lstrip("-").partition(".")
    assert sign * int(whole + fraction.ljust(decimals, "0")) == value
    assert not fraction.endswith("0")
    record.check({**TRANSFER, "amount": text})


def test_alert_id():
    """The same facts give the same id, other facts another one, and the id is a valid one."""
    ids = [
        record.alert_id(*facts)
        for facts in (("a", "b", "c", "d"), ("a", "b", "cd", ""), ("ab", "", "c", "d"))
    ]
    assert ids[0] == record.alert_id("a", "b", "c", "d")
    assert len(set(ids)) == 3
    record.check({**ALERT, "id": ids[0]})


@pytest.mark.parametrize("number", [True, 1.0, "1", -1])
def test_no_lookalike_numbers(number):
    """True is no 1, and neither is 1.0; a height is not negative."""
    with pytest.raises(RecordFault):
        record.check({**TRANSFER, "block": number})
