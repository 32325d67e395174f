"""alerts: what is let through, how it is counted and how it looks."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import ALERT, HEARTBEAT, LISTED, MATCH, RECORDS, SENDER, TRANSFER, TX, UNLIMITED, line
from txpipe.alerts import facts, forms, intake, select
from txpipe.alerts.human import coloured, human, plain
from txpipe.alerts.table import cells, csv_row, headings, tsv_row
from txpipe.alerts.tally import Tally
from txpipe.metrics import MOST_SERIES
from txpipe.record import RecordFault, check
from txpipe.stream import BadLines

NFT = {"type": "transfer", "value": "1", "asset": f"eip155:1/erc721:{LISTED}/420"}


def items(*records):
    return [(json.dumps(record).encode(), record) for record in records]


def shown(**changes):
    return human(check({**ALERT, **changes}), plain)


def test_taken_reports_and_goes_on():
    """A bad line is reported with its number; the lines around it come through byte for byte."""
    said = []
    bad = BadLines(said.append)
    good = line(ALERT)[:-1] + b"  \r"
    batches = [(1, [good, b" ", b"nope"]), (4, [line(ALERT, severity="urgent")[:-1], b'{"type":"news"}'])]
    taken = list(intake.taken(batches, "<stdin>", bad))
    assert [[raw for raw, _ in items] for items in taken] == [[good], [b'{"type":"news"}']]
    assert [message.split(": ")[0] for message in said] == ["<stdin>:3", "<stdin>:4"]
    assert '"severity" of an alert is "urgent", not one of info, low' in said[1]


@pytest.mark.parametrize(
    ("severity", "count"), [("info", 0), ("low", 4), ("medium", 3), ("high", 2), ("critical", 1)]
)
def test_at_least(severity, count):
    """A minimum admits its own level and those above; the lowest is no condition."""
    found = select.at_least(severity)
    assert len(found) == count
    assert not found or {severity, "critical"} <= found


def test_selected():
    """Conditions hold together; other types pass whatever they are."""
    other = {**ALERT, "rule": "mention", "severity": "low"}
    wanted = select.Selection(select.at_least("high"), frozenset({"listed"}), frozenset({"eip155:1"}))
    given_items = items(ALERT, other, {**ALERT, "chain": "eip155:137"}, HEARTBEAT, {"type": "news"})
    assert [record for _, record in select.selected(given_items, wanted)] == [
        ALERT,
        HEARTBEAT,
        {"type": "news"},
    ]
    assert select.selected(given_items, select.Selection()) == given_items


def test_tally():
    """The summary counts alerts in and out, by severity from the top and by rule, and bad lines."""
    bad = BadLines(lambda _: None)
    tally = Tally(bad)
    records = items(ALERT, {**ALERT, "severity": "low", "rule": "x\x1b"}, HEARTBEAT, ALERT)
    tally.incoming(records)
    tally.outgoing(records)
    tally.incoming(items({**ALERT, "status": "retracted"}))
    bad.report("<stdin>", 7, "no JSON")
    assert tally.passed == 3
    assert tally.summary() == (
        "3 of 4 alerts let through: 2 critical, 1 low; by rule: listed 2, x\\x1b 1; 1 bad line"
    )


def test_tally_is_bounded():
    """Made-up rules do not fill the memory; every alert is counted all the same."""
    tally = Tally(BadLines(lambda _: None))
    tally.outgoing(items(*({**ALERT, "rule": f"r{number}"} for number in range(5000))))
    assert tally.passed == 5000
    assert len(tally._passed) <= MOST_SERIES  # or metrics would not show the last
    assert tally.summary().endswith("and 976 more")


def test_human():
    """One alert: headline, movement, parties in full with their part, transaction, list entry."""
    assert shown() == (
        "CRITICAL 95  2025-10-09 08:53:32 UTC  listed\n"
        "  Pays an address on a sanctions list\n"
        "  1.25 ETH (3,975.00 USD), Ethereum block 23000001\n"
        f"  from     {SENDER}\n"
        f"  to       {LISTED}  suspect, listed\n"
        f"  tx       {TX}\n"
        '  list     ofac-sdn (2026-11-01): sanctions, "LAZARUS GROUP", listed 2022-04-14\n'
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"status": "retracted", "rev": 2}, "RETRACTED, was critical (rev 2)  2025"),
        ({"status": "updated", "rev": 1}, "CRITICAL 95, updated (rev 1)  2025"),
        ({"rev": 3}, "CRITICAL 95, open again (rev 3)  2025"),
        ({"shadow": True}, "(shadow: on trial, not for action)\n"),
        ({"block": None}, "Ethereum pending\n"),
        ({"record": {**TRANSFER, "failed": True}}, "block 23000001, failed\n"),
        ({"subject": "0xother"}, "  subject  0xother  suspect\n"),
        ({"incident": "episode 7"}, "  incident episode 7\n"),
        ({"time": 10**17}, "  at 100000000000000000 s of Unix time  "),
        ({"time": -(10**17)}, "  at -100000000000000000 s of Unix time  "),
        ({"evidence": {"count": 12, "threshold": 10}}, "  because  count = 12\n  because  threshold = 10\n"),
        ({"evidence": {"matches": [MATCH] * 7}}, "  list     and 2 more\n"),
        ({"evidence": {"matches": [{**MATCH, "delisted": "2025-03-21"}]}}, ", delisted 2025-03-21\n"),
        (
            {"evidence": {"address": TX[:42], "direction": "mention"}},
            f"  address  {TX[:42]}  listed as mention\n",
        ),
        ({"record": {**TRANSFER, "inputs": [SENDER, LISTED]}}, "  inputs   2 addresses\n"),
        ({"record": {**TRANSFER, "amount": "1234567.5"}}, "  1,234,567.5 ETH (3,975.00 USD), "),
        (
            {"record": {"type": "transfer", "value": "5", "asset": "a:b/c:d"}},
            "(no decimals known for d), 5 base units, ",
        ),
        (
            {"record": {"type": "transfer", "value": "1", "asset": f"eip155:1/erc20:{LISTED}"}},
            f"  amount unknown (no decimals known for {LISTED}), 1 base unit, ",
        ),
        ({"record": NFT}, f"  NFT #420 of {LISTED}, Ethereum"),
        ({"record": {**NFT, "symbol": "BAYC"}}, f"  NFT #420 of {LISTED} (BAYC), "),
        ({"record": {**NFT, "type": "approval"}}, f"  may spend NFT #420 of {LISTED}, "),
        (
            {"record": {"type": "approval", "scope": "all", "asset": f"eip155:1/erc721:{LISTED}"}},
            f"  may spend all NFTs of {LISTED}, ",
        ),
        ({"chain": "bip122:000000000019d6689c085ae165831e93"}, ", Bitcoin block"),
        (
            {"record": {"type": "approval", "value": "7000", "asset": f"eip155:1/erc20:{LISTED}"}},
            f"  may spend 7,000 base units of {LISTED} (no decimals known), ",
        ),
        ({"chain": "eip155:999"}, ", eip155:999 block"),
        (
            {"title": "Transfer to a listed address: LAZARUS GROUP, sanctions on list ofac-sdn (2026-11-01)"},
            "\n  Transfer to a listed address\n",
        ),
        ({"title": "word " * 20}, f"\n  {'word ' * 14}word\n  word word word word word\n"),
        (
            {"evidence": {"lowered_by": ["calldata-only", "failed", "zero-value", "before-listing", "odd"]}},
            "before the listing, odd\n",
        ),
        ({"record": {"type": "call", "method": "0xa9059cbb"}}, "  call 0xa9059cbb, "),
        (
            {"record": {"type": "approval", "symbol": "USDT", "value": UNLIMITED}},
            "  may spend unlimited USDT, ",
        ),
        ({"record": {"type": "approval", "symbol": "BAYC", "scope": "all"}}, "  may spend all of BAYC, "),
        ({"title": "pay \x1b[31m\u202e\n now"}, "  pay \\x1b[31m\\u202e\\n now\n"),
        ({"rule": "x" * 99}, "  xxxxxxxxxxxxxxxxxxxxxxxxxxxx...#"),
    ],
    ids=str,
)
def test_human_tells(changes, expected):
    """Every state and kind of alert is shown as such."""
    assert expected in shown(**changes)


def test_human_keeps_look_alikes_apart():
    """Addresses that share head and tail stay different: they are never shortened."""
    left, right = (f"0xabcdef{'0' * 14}{digit}{'0' * 13}123456" for digit in "12")
    assert left in shown(record={**TRANSFER, "to": left})
    assert right in shown(record={**TRANSFER, "to": right})


def test_human_fits_the_terminal():
    """The headline and the title keep to 80 columns; alerts are a blank line apart."""
    long = {**ALERT, "title": "some words " * 20, "status": "retracted", "rev": 2}
    out = forms.Writer("human").written(items(long, HEARTBEAT, ALERT)).decode()
    lines = out.split("\n")
    assert out.count("\n\n") == 1
    assert not out.startswith("\n")
    assert out.endswith("\n")
    assert all(len(row) <= 80 for row in lines)
    wide = forms.Writer("human", width=300).written(items(long)).decode()
    assert wide.count("\n") < out.count("\n") - 7


def test_records_are_told():
    """Whoever forgot txdetect hears it once; the records pass and are counted."""
    said = []
    tally = Tally(BadLines(said.append))
    records = items(*(RECORDS[kind] for kind in ("transfer", "call", "approval", "block", "label")))
    tally.incoming(records)
    assert said == ["these are records, not alerts; txdetect makes alerts of them"]
    assert tally.summary() == "0 of 0 alerts let through; 4 records instead of alerts"


def test_human_heartbeat():
    """A stalled or blind source is told; a healthy one and other types are not."""
    assert human(check({**HEARTBEAT, "status": "blind", "lag_s": 3400}), plain) == (
        "BLIND  2025-10-09 08:53:32 UTC  Ethereum  last block 23000001, 3,400 s behind, says txtail\n"
    )
    assert human(check(HEARTBEAT), plain) == ""
    assert human(check({"type": "news"}), plain) == ""


def test_colour_changes_no_text():
    """Colours add escapes around the same words."""
    painted = human(ALERT, coloured)
    assert painted.startswith("\x1b[1;97;41mCRITICAL 95\x1b[0m  ")
    assert painted.replace("\x1b[1;97;41m", "").replace("\x1b[0m", "") == human(ALERT, plain)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)
KEYS = [
    "type",
    "from",
    "to",
    "asset",
    "symbol",
    "value",
    "amount",
    "usd",
    "inputs",
    "method",
    "scope",
    "failed",
]
EVIDENCE = ["matches", "address", "direction", "list", "x"]


@given(
    st.dictionaries(st.sampled_from(KEYS), JSON),
    st.dictionaries(st.sampled_from(EVIDENCE), JSON),
    st.text(),
    st.integers(-(2**63), 2**63),
)
def test_hostile_alerts(record, evidence, words, time):
    """Whatever a checked alert holds: no crash, no control character, one line a fact, one row an alert."""
    alert = {**ALERT, "record": record, "evidence": evidence, "title": words, "subject": words, "time": time}
    try:
        check(alert)
    except RecordFault:
        return
    for row in human(alert, plain).splitlines():
        assert row.isprintable()
    row = cells(alert)
    assert len(row) == len(headings())
    assert all(cell.isprintable() and not cell.startswith(("=", "+", "@")) for cell in row)
    assert next(csv.reader(io.StringIO(csv_row(row)))) == row
    assert tsv_row(row)[:-1].split("\t") == row


@pytest.mark.parametrize(
    ("symbol", "cell"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+1+1", "'+1+1"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-1.5", "-1.5"),
        ("\t=1", "\\t=1"),
        (" =1+1", "' =1+1"),
        ('"=1+1', "'\"=1+1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("\ufe631+1", "'\ufe631+1"),
        ("a;=1+1; @x;b", "a;'=1+1;' @x;b"),
        ("ETH", "ETH"),
    ],
)
def test_formula_cells(symbol, cell):
    """A cell that a spreadsheet would compute is guarded; a negative number is left alone."""
    row = dict(zip(headings(), cells({**ALERT, "record": {**TRANSFER, "symbol": symbol}}), strict=True))
    assert row["symbol"] == cell


def test_every_cell_is_guarded():
    """No column lets a formula, a terminal escape or a second row through."""
    lure = "=cmd|'/c calc'!A1\x1b[31m\r\n=1"
    words = dict.fromkeys(("rule", "category", "tx", "subject", "title", "incident"), lure)
    record = dict.fromkeys(("from", "to", "asset", "symbol", "value", "amount", "usd"), lure)
    match = dict.fromkeys(MATCH, lure)
    evidence = {"matches": [match], "address": lure, "direction": lure}
    row = cells({**ALERT, **words, "record": record, "evidence": evidence})
    expected = "'=cmd|'/c calc'!A1\\x1b[31m\\r\\n=1"
    assert row.count(expected) == len(words) + len(record) + 7
    assert sum("cmd" in cell for cell in row) == row.count(expected)


def test_semicolons_are_quoted():
    """A spreadsheet that splits at semicolons finds a quoted cell."""
    assert csv_row(["a;b", "c"]) == '"a;b",c\n'


def test_deep_evidence():
    """Evidence nested as deep as the parser allows does not stop the command."""
    deep = json.loads("[" * 900 + "]" * 900)
    assert "nested too deep" in shown(evidence={"x": deep})


def test_evidence_without_end():
    """Of a hundred thousand facts some are shown, and that there are more."""
    found = shown(evidence={f"key{number}": number for number in range(100_000)})
    assert found.count("because") == 61
    assert found.count("because  and more, in the alert itself") == 1
    held = shown(rule="held-back", evidence={"subjects": dict.fromkeys(map(str, range(100_000)), 1)})
    assert held.count("\n") < 80


@pytest.mark.parametrize("form", forms.FORMS)
def test_forms_take_everything(form):
    """Every form takes every type; only ndjson passes on what is no alert."""
    given_items = items(ALERT, HEARTBEAT, {"type": "news"})
    writer = forms.Writer(form)
    out = writer.head + writer.written(given_items)
    rows = {"ndjson": 3, "human": 7, "csv": 2, "tsv": 2, "ocsf": 1, "ecs": 1}
    assert out.count(b"\n") == rows[form]


@given(st.text(alphabet="0123456789.-", max_size=30))
def test_grouped_changes_no_digit(amount):
    """Thousands marks add nothing but commas."""
    assert facts.grouped(amount).replace(",", "") == amount
