"""Verdicts, sums and differences of lists."""

import pytest

from txpipe.detect.screener import Screener
from txpipe.lists.build import build
from txpipe.lists.entry import Entry
from txpipe.lists.index import Index
from txpipe.lists.verdict import changes, line, summaries, table, verdict

A = "0x" + "a1" * 20
B = "0x" + "b2" * 20
C = "0x" + "c3" * 20
TRON = "TLa2f6VPqDgRE67v1736s7bJ8Ray5wYjU7"


@pytest.fixture
def index(tmp_path):
    def of(*entries):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.txindex"
        build(entries, path)
        return Index(path)

    return of


def test_three_verdicts(index):
    """Not listed is said only where a list could have known."""
    block = index(Entry(A, "list"))
    verdicts = [verdict(text, block, None)["verdict"] for text in (A.upper(), B, TRON, "junk", "")]
    assert verdicts == ["listed", "not listed", "unchecked", "unchecked", "unchecked"]
    assert verdict(A, None, None)["reason"] == "no list was given"
    assert verdict(TRON, block, None)["reason"] == "no list holds tron addresses"


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("", "not listed"),
        ("2022-08-07", "not listed"),
        ("2022-08-08", "listed"),
        ("2025-03-20", "listed"),
        ("2025-03-21", "not listed"),
    ],
)
def test_dates_count(index, day, said):
    """From the day of listing up to the day before delisting; without a day, delisted is delisted."""
    block = index(Entry(A, "list", listed="2022-08-08", delisted="2025-03-21"))
    result = verdict(A, block, None, day)
    assert said == result["verdict"]
    assert [said == "listed"] == [entry["active"] for entry in result["entries"]]


def test_allowed_is_shown_and_changes_nothing(index):
    result = verdict(A, index(Entry(A, "bad")), index(Entry(A, "good", category="token")))
    assert (result["verdict"], result["allow_entries"][0]["list"]) == ("listed", "good")


@pytest.mark.parametrize(
    ("entries", "day", "allowed"),
    [
        ([Entry(A, "bad")], "", True),
        ([], "", True),
        ([Entry(A, "bad"), Entry(A, "ofac", category="sanctions")], "", False),
        ([Entry(A, "bad"), Entry(A, "ofac", category="sanctions", delisted="2025-03-21")], "", True),
        ([Entry(A, "ofac", category="sanctions", delisted="2025-03-21")], "2025-03-20", False),
        ([Entry(A, "ofac", category="sanctions", delisted="2025-03-21")], "2025-03-21", True),
    ],
)
def test_allowed_is_what_txdetect_does(index, entries, day, allowed):
    """An address is allowed where the allow-lists silence all of its entries; never sanctions in force."""
    block, allow = index(*entries, Entry(B, "bad")), index(Entry(A, "good"))
    assert allowed == verdict(A, block, allow, day)["allowed"]
    assert allowed == (not Screener(block, allow).matches(A, day or "9999-12-31"))
    assert verdict(B, block, allow)["allowed"] is False


def test_lines_for_people(index):
    """One line a verdict, control characters written out."""
    block = index(
        Entry(A, "x", label="L", listed="2022-04-14"), Entry(A, "y"), Entry(C, "z", "2025-01-01", "theft")
    )
    allow = index(Entry(B, "good"))
    assert [line(verdict(text, block, allow)) for text in (A, B, TRON, C, "\x1b")] == [
        f'LISTED      {A}  x (undated): scam, "L", listed 2022-04-14; and 1 more',
        f"not listed  {B}; allowed by good",
        f"unchecked   {TRON}  no list holds tron addresses",
        f"LISTED      {C}  z (2025-01-01): theft",
        "unchecked   \\x1b  is no address",
    ]


def test_sums(index):
    """One record for each list and category; a table with a sum for people."""
    entries = Entry(A, "x"), Entry(B, "x"), Entry(TRON, "x", category="theft"), Entry(A, "y", "2025-01-01")
    found = index(*entries)
    assert list(summaries(found)) == [
        {
            "type": "list",
            "list": "x",
            "list_date": "undated",
            "category": "scam",
            "entries": 2,
            "families": {"evm": 2},
        },
        {
            "type": "list",
            "list": "x",
            "list_date": "undated",
            "category": "theft",
            "entries": 1,
            "families": {"tron": 1},
        },
        {
            "type": "list",
            "list": "y",
            "list_date": "2025-01-01",
            "category": "scam",
            "entries": 1,
            "families": {"evm": 1},
        },
    ]
    lines = list(table(found))
    assert len(lines) == 5
    assert lines[-1] == "3 distinct addresses"


def test_changes(index):
    """Added, removed, changed, in the order of addresses; the lists' own names and dates do not count."""
    old = index(Entry(A, "old"), Entry(B, "old", label="x"), Entry(TRON, "old"))
    new = index(Entry(C, "new", "2025-01-01"), Entry(B, "new", label="y"), Entry(TRON, "new"))
    found = list(changes(old, new))
    assert [(each["address"], each["change"]) for each in found] == [
        (A, "removed"),
        (B, "changed"),
        (C, "added"),
    ]
    assert (found[1]["was"][0]["label"], found[1]["entries"][0]["label"]) == ("x", "y")
    assert list(changes(new, new)) == []
