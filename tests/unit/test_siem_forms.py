"""alerts.forms: OCSF and the Elastic Common Schema."""

import json
import subprocess

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from conftest import script
from examples import ALERT, HEARTBEAT, LISTED, RECORDS, SENDER, TRANSFER, TX, line
from receiver_kit import Hook
from txpipe.alerts.ecs import ecs
from txpipe.alerts.forms import JSON_FORMS, Writer
from txpipe.alerts.ocsf import ocsf
from txpipe.alerts.receiver import Parcel, ReceiverFault
from txpipe.alerts.receivers import Outfit, opened
from txpipe.record import check, loads

VERSIONS = ("1.1.0", "1.2.0", "1.3.0", "1.4.0", "1.5.0", "1.6.0", "1.7.0", "1.8.0")


def finding(version):
    """The schema of a Detection Finding as OCSF has published it."""
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=version))
    return jsonschema.Draft202012Validator(schema.get_class_schema("detection_finding", []))


FIRST, *_, LAST = FINDINGS = [finding(version) for version in VERSIONS]


def shaped(write, **changes):
    alert = ALERT | changes
    return json.loads(write(line(alert)[:-1], check(alert)))


KEYWORD = {"type": "string"}
LONG = {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1}
ECS = {
    "type": "object",
    "required": ["@timestamp", "ecs", "event"],
    "properties": {
        "@timestamp": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"},
        "ecs": {"required": ["version"], "properties": {"version": KEYWORD}},
        "message": KEYWORD,
        "tags": {"type": "array", "items": KEYWORD},
        "event": {
            "required": ["kind"],
            "properties": {
                "kind": {"const": "alert"},
                "id": KEYWORD,
                "sequence": LONG,
                "action": KEYWORD,
                "module": KEYWORD,
                "dataset": KEYWORD,
                "severity": LONG,
                "risk_score": {"type": "number"},
                "original": KEYWORD,
            },
            "additionalProperties": False,
        },
        "rule": {"additionalProperties": KEYWORD},
        "related": {"additionalProperties": {"type": "array", "items": KEYWORD}},
        "observer": {"additionalProperties": KEYWORD},
        "txpipe": {
            "properties": {
                "block": LONG,
                "n": LONG,
                "usd": {"type": "number"},
                "lists": {"type": "array", "items": KEYWORD},
            },
            "additionalProperties": KEYWORD,
        },
    },
    "additionalProperties": False,
}
"""The fields that are written, with the types that https://github.com/elastic/ecs gives them (schemas/*.yml);
@timestamp and ecs.version are its required ones, event.kind has a list of allowed values."""


@pytest.mark.parametrize("changes", [{}, {"incident": "i", "shadow": True, "pending": True, "block": None}])
@pytest.mark.parametrize("status", ["open", "updated", "retracted"])
@pytest.mark.parametrize("schema", FINDINGS, ids=VERSIONS)
def test_valid_ocsf(schema, status, changes):
    """A Detection Finding is valid under every version of OCSF that has the class."""
    schema.validate(shaped(ocsf, status=status, **changes))


def test_schemas_are_strict():
    """The schemas would find a misspelt attribute, and a missing one."""
    event = shaped(ocsf)
    for spoilt in (event | {"mesage": "x"}, {key: event[key] for key in event if key != "finding_info"}):
        assert not FIRST.is_valid(spoilt)
        assert not LAST.is_valid(spoilt)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (1, 200401, 1, 5)),
        ({"status": "updated", "severity": "info"}, (2, 200402, 1, 1)),
        ({"status": "retracted", "severity": "low"}, (3, 200403, 4, 2)),
    ],
)
def test_ocsf_says(changes, expected):
    """Opened is Create, a revision Update, a retraction Close and resolved; the severity follows."""
    event = shaped(ocsf, **changes)
    keys = ("activity_id", "type_uid", "status_id", "severity_id")
    assert tuple(event[key] for key in keys) == expected
    assert event["time"] == 1760000012000
    assert event["finding_info"]["uid"] == ALERT["id"]
    assert event["metadata"]["uid"] == f"{ALERT['id']}:0"
    assert event["evidences"] == [{"data": ALERT | changes}]
    assert {one["value"] for one in event["observables"]} == {TX, LISTED, SENDER}


def test_ecs_says():
    """The fields that dashboards look at are filled, and those of the chain are under txpipe."""
    found = shaped(ecs, incident="i-7", shadow=True)
    assert found["@timestamp"] == "2025-10-09T08:53:32.000Z"
    assert found["ecs"] == {"version": "8.17.0"}
    assert found["message"] == ALERT["title"]
    assert (found["event"]["kind"], found["event"]["id"]) == ("alert", ALERT["id"])
    assert json.loads(found["event"]["original"]) == ALERT | {"incident": "i-7", "shadow": True}
    assert found["rule"] == {"id": "listed", "name": "listed", "category": "sanctions"}
    assert found["related"] == {"hash": [TX], "user": [LISTED, SENDER]}
    assert found["tags"] == ["shadow"]
    assert found["txpipe"] | {"usd": 3975.0, "lists": ["ofac-sdn"], "incident": "i-7"} == found["txpipe"]


@pytest.mark.parametrize("kind", RECORDS)
def test_every_kind_of_record(kind):
    """Alerts about every type of record are valid in both forms."""
    FIRST.validate(shaped(ocsf, record=RECORDS[kind]))
    jsonschema.validate(shaped(ecs, record=RECORDS[kind]), ECS)


NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["address", "matches", "from", "to", "inputs", "mentions", "usd", "symbol", "value", "type", "created"]
)
OBJECTS = st.dictionaries(KEYS, JSON | st.lists(st.dictionaries(KEYS, JSON), max_size=2))


@given(OBJECTS, OBJECTS, st.text(), st.integers(-(2**63), 2**64 - 1), st.integers(0, 2**64 - 1))
def test_hostile_alerts(record, evidence, words, number, count):
    """Whatever an alert holds, both forms are one line of JSON, valid under their schemas."""
    alert = ALERT | {"record": record, "evidence": evidence, "title": words, "subject": words, "rule": words}
    alert |= {"time": number, "n": number, "block": count, "rev": count}
    data = line(alert)[:-1]
    for write, schema in ((ocsf, FIRST), (ecs, jsonschema.Draft202012Validator(ECS))):
        out = write(data, check(loads(data)))
        assert out.count(b"\n") == 1
        schema.validate(json.loads(out))


def test_deep_alert():
    """Evidence deeper than can be written anew leaves as it came."""
    deep = b'{"a":' * 900 + b"1" + b"}" * 900
    data = line(ALERT)[:-1].replace(b'"1.25"', deep)
    for write in JSON_FORMS.values():
        assert deep in write(data, loads(data)).replace(b'\\"', b'"')


@pytest.mark.parametrize("form", JSON_FORMS)
def test_other_records_are_left_out(form):
    """A heartbeat is no finding."""
    items = [(line(HEARTBEAT)[:-1], HEARTBEAT), (line(ALERT)[:-1], ALERT)]
    assert Writer(form).written(items) == JSON_FORMS[form](line(ALERT)[:-1], ALERT)


@pytest.mark.parametrize("form", JSON_FORMS)
def test_command_line(form):
    """txalert --format writes them, a line each."""
    command = [script("txalert"), "--format", form, "--no-stats"]
    done = subprocess.run(command, input=line(ALERT) * 2, capture_output=True, check=True, timeout=60)
    assert done.stdout == JSON_FORMS[form](line(ALERT)[:-1], ALERT) * 2


def test_receivers_get_them(tmp_path):
    """ecs+ or ocsf+ before a URL says what a receiver gets; its name says it, too."""
    parcel = Parcel(f"{ALERT['id']}:0", line(ALERT)[:-1])
    expected = ocsf(parcel.line, ALERT)
    for url in (f"ocsf+file:{tmp_path}/file", f"OCSF+exec:tee -a {tmp_path}/exec"):
        made = opened(url, Outfit())
        made.send([parcel, parcel])
        assert made.name.startswith("ocsf+")
    assert (tmp_path / "file").read_bytes() == (tmp_path / "exec").read_bytes() == expected * 2
    with Hook() as hook:
        receiver = opened(f"ecs+{hook.url}?format=ocsf", Outfit(secret=b"x"))
        receiver.send([parcel])
        receiver._receiver._poster.drop()
    (got,) = hook.got
    assert got.path == "/hook?format=ocsf"
    assert got.body == ecs(parcel.line, ALERT).rstrip(b"\n")
    assert "webhook-signature" in got.headers
    assert got.headers["idempotency-key"] == parcel.key


@pytest.mark.parametrize(
    "url", ["ecs+mailto://x", "ocsf+sqlite:///a.db", "ecs+ecs+file:a", "ecs+alertmanager:x"]
)
def test_no_receiver(url):
    """A form is refused for what has one of its own."""
    with pytest.raises(ReceiverFault, match="is for what begins with https, http, file, exec, syslog"):
        opened(url, Outfit())


def test_symbols_stay():
    """Text from chains is JSON, and nothing else: no escape of another target is in it."""
    lure = {**TRANSFER, "symbol": "=cmd|'/c calc'!A1 <b>&amp; \u202e\x1b[31m \"quoted\" \\ *bold* @here"}
    assert shaped(ecs, record=lure)["txpipe"]["symbol"] == lure["symbol"]
    assert shaped(ocsf, record=lure)["evidences"][0]["data"]["record"] == lure
