"""data/records.schema.json and record.check say the same of every record."""

import copy
import json
import re
from importlib.resources import files

import jsonschema
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import readme
from examples import RECORDS
from txpipe import fields, record
from txpipe.errors import RecordFault

SCHEMA = json.loads(files("txpipe").joinpath("data/records.schema.json").read_text())


def _pattern(_validator, pattern, instance, _schema):
    """``pattern`` as ECMA-262 has it: Python's $ also matches before a final newline."""
    if isinstance(instance, str) and not re.search(pattern.removesuffix("$") + r"\Z", instance):
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")


def _integer(_checker, instance):
    """An integer is written without a fraction, as the schema's description says."""
    return type(instance) is int


VALIDATOR = jsonschema.validators.extend(
    jsonschema.Draft202012Validator,
    {"pattern": _pattern},
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine("integer", _integer),
)(SCHEMA)


def _agreed(candidate):
    """Ask both and return what they say."""
    try:
        record.check(candidate)
        checked = True
    except RecordFault:
        checked = False
    assert VALIDATOR.is_valid(candidate) == checked, candidate
    return checked


def test_is_a_schema():
    """The file is a valid JSON Schema of 2020-12."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_types():
    """The schema has every type that is checked, and their keys in the order of the wire."""
    kinds = [rule["if"]["properties"]["type"]["const"] for rule in SCHEMA["allOf"]]
    assert kinds == list(record.TYPES)
    for kind in kinds:
        keys = [(key, optional != "optional") for key, optional, _ in readme.schema_rows(SCHEMA, kind)]
        assert keys == list(record.fields(kind))


def test_every_key_is_explained():
    """Every key of every type has a description; so has every type."""
    for kind in record.TYPES:
        assert SCHEMA["$defs"][kind]["description"]
        for key, rule in SCHEMA["$defs"][kind]["properties"].items():
            assert key == "type" or rule["description"], f"{kind}.{key}"


@pytest.mark.parametrize("kind", record.TYPES)
def test_examples(kind):
    """Both accept the examples."""
    assert _agreed(RECORDS[kind])


NUMBERS = [0, 1, -1, 100, 101, 2**63, 1.0, 1.5, -0.0]
LONG = ["x" * 256, "x" * 257, "\U0001f680" * 256, "x" * 512, "x" * 513]
TEXTS = ["", "0", "-1", "1\n", "1.5", "1.", "1e5", "\u0661", "9" * 100, "9" * 101, "a" * 32, "A" * 32]
WORDS = ["eip155:1", "eip155:1\n", "EIP155:1", "high", "open", "ok", "all", "permit", "attack", "victim"]
OTHER = [None, True, False, [], ["x"], ["x", 1], [None], {}, {"a": 1}]
INTERESTING = st.sampled_from([*NUMBERS, *TEXTS, *WORDS, *OTHER])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def mutated(draw):
    """An example with keys replaced, removed and added."""
    changed = copy.deepcopy(RECORDS[draw(st.sampled_from(record.TYPES))])
    for key in draw(st.lists(st.sampled_from([*changed, "new"]), max_size=3, unique=True)):
        if draw(st.integers(0, 3)) == 0:
            changed.pop(key, None)
        else:
            changed[key] = draw(INTERESTING | JSON)
    return orjson.loads(orjson.dumps(changed, option=orjson.OPT_PASSTHROUGH_SUBCLASS))


@settings(max_examples=1000)
@given(mutated())
def test_mutated(candidate):
    """Both say the same of records that were tampered with."""
    _agreed(candidate)


@pytest.mark.parametrize("kind", record.TYPES)
def test_every_key_with_every_value(kind):
    """Both say the same when one key holds anything at all."""
    values = [None, True, 0, 1, -1, 101, 1.5, "", "x", "0", "1.5", "eip155:1", "critical", [], ["x"], [1], {}]
    values += LONG
    for key in RECORDS[kind]:
        for value in values:
            _agreed({**RECORDS[kind], key: value})


@pytest.mark.parametrize(
    ("key", "most"),
    [
        ("from", fields.NAME_CHARS),
        ("to", fields.NAME_CHARS),
        ("tx", fields.NAME_CHARS),
        ("asset", fields.ASSET_CHARS),
    ],
)
def test_names_have_a_bound(key, most):
    """Names that accounts and assets are kept by have a longest length; the error says which."""
    assert _agreed({**RECORDS["transfer"], key: "x" * most})
    assert not _agreed({**RECORDS["transfer"], key: "x" * (most + 1)})
    with pytest.raises(
        RecordFault, match=rf'"{key}" of a transfer is "x+\.\.\., not an? .*{most} characters'
    ):
        record.check({**RECORDS["transfer"], key: "x" * 2_000_000})


def test_readme_tables(checkout):
    """README has the schema's keys and their meanings, type by type, optional ones marked as such."""
    tables = readme.key_tables((checkout / "README.md").read_text(), record.TYPES)
    assert tables == {kind: readme.schema_rows(SCHEMA, kind) for kind in record.TYPES}
