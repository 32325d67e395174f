"""Formats of lists: told by content, hostile rows reported, nothing crashes."""

import bz2
import gzip
import os
import subprocess
import sys
import threading

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from examples import TRANSFER, line
from txpipe.errors import ListFault
from txpipe.lists import formats, inputs
from txpipe.lists.entry import Addresses, Entry
from txpipe.lists.inputs import Input
from txpipe.lists.option import parse_list
from txpipe.lists.reading import Faults

DEFAULTED = "no category given"  # said of most lists here; has a test of its own
A = "0x" + "a1" * 20
B = "0x" + "b2" * 20
C = "0x" + "c3" * 20
BTC = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
TRON = "TLa2f6VPqDgRE67v1736s7bJ8Ray5wYjU7"


def read(path, settings=""):
    """Return (entries, messages) of a list."""
    said = []
    spec = parse_list(f"{settings}:{path}" if settings else str(path))
    source = Input(spec.path)
    entries = []
    try:
        for item in formats.read(source, spec, Faults(said.append)):
            if isinstance(item, Addresses):
                entries += [item.shared.named(address=raw.decode()) for raw in item.addresses]
            else:
                entries.append(item)
    finally:
        source.close()
    return entries, [message.replace(str(path), "FILE") for message in said if DEFAULTED not in message]


def listed(tmp_path, content, name="list.txt", settings=""):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read(path, settings)


def test_plain_text(tmp_path):
    """Headers, comments, blank lines, CRLF, a BOM and no final newline."""
    text = "\ufeff# date: 2025-11-19\r\n# category: Hack\n# source: me\n\n"
    text += f"{A.upper().replace('X', 'x')}\r\n{BTC} # Satoshi\n {TRON}"
    entries, said = listed(tmp_path, text)
    shared = {"list": "list", "list_date": "2025-11-19", "category": "theft", "source": "me"}
    assert [
        Entry(A, **shared),
        Entry(BTC, **shared, label="Satoshi"),
        Entry(TRON, **shared),
    ] == entries
    assert said == []


def test_settings_win_over_the_file(tmp_path):
    """name, category and date of the option override headers and rows."""
    text = f"# date: 2020-01-01\naddress,category\n{A},phishing\n"
    entries, _ = listed(tmp_path, text, settings="name=mine,category=sanctions,date=2025-01-02")
    assert [Entry(A, "mine", "2025-01-02", "sanctions")] == entries


def test_bad_lines_are_reported_with_their_numbers(tmp_path):
    """A run of good lines between bad ones does not shift the numbers."""
    lines = [A, "0x" + "a" * 39, B, B, "0x" + "a" * 41, "a" * 40, "no address", "0x" + "g" * 40, "\0\0", A]
    entries, said = listed(tmp_path, "\n".join(lines))
    assert [entry.address for entry in entries] == [A, B, B, A]
    assert said == [
        f'FILE:2: "0x{"a" * 39}" has 39 characters after 0x, not 40; skipped',
        f'FILE:5: "0x{"a" * 41}" has 41 characters after 0x, not 40; skipped',
        f'FILE:6: "{"a" * 40}" has no 0x before its 40 hex digits; skipped',
        'FILE:7: "no address" is no address; skipped',
        f'FILE:8: "0x{"g" * 40}" has characters after 0x that are no hex digits; skipped',
        'FILE:9: "" is no address; skipped',
    ]


def test_messages_end_at_a_limit(tmp_path):
    """A file of junk does not fill a log."""
    _, said = listed(tmp_path, f"{A}\n" + "junk\n" * 5000)
    assert len(said) == Faults.SHOWN + 1
    assert said[-1] == "further bad rows of this list are counted, not shown"
    _, said = listed(tmp_path, f"{A}\n" + "junk\n" * Faults.SHOWN)
    assert len(said) == Faults.SHOWN
    _, said = listed(tmp_path, "junk\n" * Faults.SHOWN + f"{A}\n")
    assert len(said) == Faults.SHOWN


def test_a_file_without_entries_is_explained_by_its_first_rows(tmp_path):
    """Three rows and the verdict; a stream of txpipe records is called by its name."""
    said = []
    for content, reason in (
        ("junk\n" * 3000, "has no usable entry in 3,000 rows"),
        (line(TRANSFER).decode() * 30, "holds txpipe records, not a list"),
        (line(TRANSFER, mentions=[A]).decode(), "holds txpipe records, not a list"),
    ):
        said.clear()
        (tmp_path / "list.txt").write_text(content)
        source = Input(str(tmp_path / "list.txt"))
        with pytest.raises(ListFault, match=reason):
            list(formats.read(source, parse_list(source.path), Faults(said.append)))
        source.close()
        assert len(said) <= 3


@pytest.mark.parametrize(
    ("column", "word", "category"),
    [
        ("type", "Sanctioned", "sanctions"),
        ("type", "EOA", "scam"),
        ("abuse_type", "ransomware", "ransomware"),
        ("kind", "phish-hack", "phishing"),
        ("kind", "contract", "scam"),
    ],
)
def test_columns_of_kind_are_categories_where_they_say_one(tmp_path, column, word, category):
    entries, _ = listed(tmp_path, f"address,{column}\n{A},{word}\n")
    assert [entry.category for entry in entries] == [category]


@pytest.mark.parametrize("content", [f"{A}\n0X{'B2' * 20}\n", f'["{A}", "0X{"b2" * 20}"]'])
def test_capital_prefixes_are_hex(tmp_path, content):
    """People write 0X; records and indexes have 0x only."""
    entries, said = listed(tmp_path, content)
    assert [entry.address for entry in entries] == [A, B]
    assert said == []


def test_a_huge_line_is_refused_without_being_held(tmp_path):
    entries, said = listed(tmp_path, f"{A}\n{'x' * 3_000_000}\n{B}\n")
    assert [entry.address for entry in entries] == [A, B]
    assert said == ["FILE:2: line of 3,000,000 bytes is over the limit of 2,097,152; skipped"]


def test_csv(tmp_path):
    """Columns are found by name; quoted fields may span lines; every separator works."""
    text = f'# date: 2025-01-01\nNameTag,Address,Listed,delisted,Currency,url,abuse\n"A, ""B""\nC",{A},20240102,2025-03-21,ETH,http://x,heist\n'
    entry = Entry(A, "list", "2025-01-01", "theft", 'A, "B" C', "http://x", "2024-01-02", "2025-03-21", "ETH")
    assert ([entry], []) == listed(tmp_path, text)
    for separator in "\t;|":
        text = f"wallet{separator}label\n{A}{separator}x\n"
        assert [Entry(A, "list", label="x")] == listed(tmp_path, text)[0]


def test_csv_rows_that_are_none(tmp_path):
    """An open quote hides no row but its own; short rows, huge fields and bad addresses are reported."""
    rows = [
        "label,address",
        f'"open,{A}',
        f"x,{B}",
        "short",
        f"{'y' * 200_000},{A}",
        f'"{"z" * 200_000}",{B}',
    ]
    rows += [f"last,{TRON}"] * 9
    entries, said = listed(tmp_path, "\n".join(rows))
    assert [B, A, *[TRON] * 9] == [entry.address for entry in entries]
    assert said == [
        "FILE:2: a quote is not closed; skipped",
        "FILE:4: has 1 columns, the address is column 2; skipped",
        "FILE:6: field larger than field limit (131072); skipped",
    ]
    assert len(entries[1].label) == 500


@pytest.mark.parametrize("first", [A, A.replace("0x", "0X"), TRON, "cosmos1" + "q7" * 19])
def test_a_line_with_an_address_is_no_header(tmp_path, first):
    """A comment with a comma and the word wallet does not make a plain list a table."""
    entries, said = listed(tmp_path, f"{first} # phishing, wallet\n{B} # b, {C}\n")
    assert [entry.label for entry in entries] == ["phishing, wallet", f"b, {C}"]
    assert said == []
    for content in (f"{A},address\n{B},x\n", f"address\x0b{A},label\n{B},x\n", f"address,x\r{A},y\n"):
        with pytest.raises(ListFault, match="address in its first line"):
            listed(tmp_path, content, "list.csv")


def test_stray_quotes_swallow_no_entries(tmp_path):
    """Where a quoted field holds an address and a newline, the lines are read singly, and that is said."""
    entries, said = listed(tmp_path, f'address,label\n{A},"Fake\n{B},x\n{C},"y\n{A},"a\nb"\n')
    assert [(entry.address, entry.label) for entry in entries] == [
        (A, "Fake"),
        (B, "x"),
        (C, "y"),
        (A, "a b"),
    ]
    assert said == [
        "FILE:2: a quoted field over several lines holds an address; its lines are read singly",
    ]
    entries, said = listed(tmp_path, f'address,label\n{A},"{"z" * 200_000}\n{B},x\n{C},y"\n')
    assert [entry.address for entry in entries] == [B, C]
    assert len(said) == 2
    entries, said = listed(tmp_path, f'address,label\n# the "open\n{A},x\n{B},"y"\n')
    assert ([entry.address for entry in entries], said) == ([A, B], [])


def test_csv_without_address_column(tmp_path):
    with pytest.raises(ListFault, match="names no address column; it has: foo, bar"):
        listed(tmp_path, f"foo,bar\n{A},x\n", "list.csv")


def test_invalid_utf8_costs_no_entry(tmp_path):
    """A label in another encoding does not hide its address."""
    entries, _ = listed(tmp_path, b"address,label\n" + A.encode() + b",caf\xe9\n")
    assert [Entry(A, "list", label="caf\ufffd")] == entries


def test_odd_dates_cost_no_entry(tmp_path):
    """An address is better screened without a date than not at all."""
    entries, said = listed(tmp_path, f"address,date\n{A},1/2/17\n{B},7/18/17\n")
    assert [entry.listed for entry in entries] == ["", "2017-07-18"]
    assert said == ['FILE:2: date "1/2/17" is not understood; kept without it']


@pytest.mark.parametrize(
    ("dates", "reason"),
    [
        ("2024-05-01,2024-04-30", '"2024-04-30" is before it was listed, 2024-05-01'),
        (",1970-01-01", '"1970-01-01" is before there were addresses'),
        (",0000000000", '"0000000000" is before there were addresses'),
        ("1999-01-01,2001-01-01", '"2001-01-01" is before there were addresses'),
    ],
)
def test_impossible_delistings_silence_nothing(tmp_path, dates, reason):
    entries, said = listed(tmp_path, f"address,listed,delisted\n{A},{dates}\n{B},2022-08-08,2025-03-21\n")
    assert [entry.delisted for entry in entries] == ["", "2025-03-21"]
    assert said == [f"FILE:2: delisted {reason}; kept as listed"]


JSON = [
    orjson.dumps([A, B]),
    orjson.dumps([{"address": A, "comment": ""}, {"Wallet": B}]),
    orjson.dumps({"updated": "2025-01-01", "addresses": [A, B]}),
    orjson.dumps({A: {"label": "x"}, B: "y"}),
    orjson.dumps({A: 1, B: None}, option=orjson.OPT_INDENT_2),
    orjson.dumps({"address": A}) + b"\n\n" + orjson.dumps({"address": B}) + b"\n",
    b"  \n[\n" + orjson.dumps(A) + b",\n" + orjson.dumps(B) + b"\n]",
]


@pytest.mark.parametrize("content", JSON)
def test_json_in_every_shape(tmp_path, content):
    """Arrays of strings or objects, an object around one, addresses as keys, one object a line."""
    entries, said = listed(tmp_path, content)
    assert ([entry.address for entry in entries], said) == ([A, B], [])


@pytest.mark.parametrize(
    ("content", "addresses"),
    [
        ({"contracts": [A], B: {"label": "x"}}, [A, B]),
        ({"contracts": [A], f"eip155:1:{B}": "x", "version": 7}, [A, B]),
        ({"address": A, B: {"label": "x"}}, [A, B]),
        ({A: {"address": B}, "some id": {"address": C}}, [B, A, C]),
        ({A: ["phishing"]}, [A]),
    ],
)
def test_json_keys_that_are_addresses_are_entries(tmp_path, content, addresses):
    """Whatever else the object holds; an array beside them does not hide them."""
    entries, said = listed(tmp_path, orjson.dumps(content))
    assert ([entry.address for entry in entries], said) == (addresses, [])


def test_json_rows_that_are_none(tmp_path):
    """Wrong types are reported by row."""
    content = orjson.dumps([A, 7, None, ["x"], {"label": "x"}, {"address": 5}, {"address": ""}, "x", B])
    entries, said = listed(tmp_path, content)
    assert [entry.address for entry in entries] == [A, B]
    assert [message.split(":")[0] for message in said] == [f"FILE#{row}" for row in range(2, 9)]


def test_ndjson_rows_that_are_none(tmp_path):
    lines = [b'{"address":"%s"}' % A.encode(), b'{"address":', b'{"address":"\xff"}', b"[" * 5000, b"7"]
    entries, said = listed(tmp_path, b"\n".join(lines))
    assert [entry.address for entry in entries] == [A]
    assert [message.split(": ")[0] for message in said] == [f"FILE:{line}" for line in range(2, 6)]


TAGPACK = f"""title: T
creator: C
label: Some hack
abuse: service_hack
currency: BTC
lastmod: 2021-12-23
tags:
- address: {BTC}
  source: http://a
- address: {A}
  currency: ETH
  abuse: phishing
- label: nobody
- 7
"""


def test_tagpack(tmp_path):
    """Tags inherit the header's fields; an unquoted 0x... stays an address."""
    entries, said = listed(tmp_path, TAGPACK)
    assert [
        Entry(BTC, "list", "2021-12-23", "theft", "Some hack", "http://a", asset="BTC"),
        Entry(A, "list", "2021-12-23", "phishing", "Some hack", asset="ETH"),
    ] == entries
    assert [message.split(":")[0] for message in said] == ["FILE#3", "FILE#4"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("title: x\nlabel: &a [x]\ntags: [*a]\n", "anchors or aliases"),
        ("title: x\ntags: " + "[" * 5000, "nested more than|no YAML"),
        ("title: x\ntags: [" + "0," * 600_000 + "]\n", "more than 500,000 values"),
        ("title: x\nlabel: y\n#" + "x" * (8 << 20), "more than 8 MiB"),
        ("title: x\nlabel: y\ntags: 7\n", "without a list of tags"),
        ("title: x\nlabel: !!python/object/apply:os.system [id]\ntags: []\n", "no usable entry"),
        ("title: x\nlabel: 'open\ntags:\n", "no YAML"),
    ],
)
def test_hostile_yaml(tmp_path, content, reason):
    with pytest.raises(ListFault, match=reason):
        listed(tmp_path, content)


def test_yaml_names_its_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ListFault, match=r"pip install 'txpipe\[yaml\]'"):
        listed(tmp_path, TAGPACK)


SDN = f"""<?xml version="1.0"?>
<Sanctions xmlns="urn:x">
<DateOfIssue><Year>2025</Year><Month>1</Month><Day>9</Day></DateOfIssue>
<FeatureType ID="344">Digital Currency Address - XBT</FeatureType><FeatureType ID="8">Birthdate</FeatureType>
<DistinctParty><Profile ID="1"><Identity>
<Alias Primary="true"><NamePartValue>Lazarus</NamePartValue><NamePartValue>Group</NamePartValue></Alias>
<Alias Primary="false"><NamePartValue>Hidden Cobra</NamePartValue></Alias></Identity>
<Feature FeatureTypeID="8"><VersionDetail>1970</VersionDetail></Feature>
<Feature FeatureTypeID="344"><VersionDetail>{BTC}</VersionDetail></Feature></Profile></DistinctParty>
<SanctionsEntry ProfileID="1">
<EntryEvent><Date><Year>2022</Year><Month>4</Month><Day>14</Day></Date></EntryEvent>
<EntryEvent><Date><Year>2019</Year><Month>9</Month><Day>13</Day></Date></EntryEvent></SanctionsEntry>
</Sanctions>"""


def test_ofac(tmp_path):
    """The party's primary name and its first listing; the list's own date."""
    wanted = Entry(BTC, "sdn", "2025-01-09", "sanctions", "Lazarus Group", "OFAC", "2019-09-13", "", "XBT")
    assert ([wanted], []) == listed(tmp_path, SDN, "sdn.xml")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (SDN[: len(SDN) // 2], "no well-formed XML"),
        (SDN.replace("Sanctions", "sdnList"), "root sdnList"),
        ('<!DOCTYPE x [<!ENTITY a "b">]>' + SDN.split("?>")[1], "declares a document type"),
        ("<html></html>", "root html"),
        ("<Sanctions>" + "<a>" * 64, "nested more than 64 deep"),
        (f'<Sanctions><a b="{"x" * 3_000_000}"/></Sanctions>', "more than 1 MiB in one tag"),
        (f"<Sanctions><!--{'x' * 3_000_000}--></Sanctions>", "more than 1 MiB in one tag"),
        (
            "<Sanctions>" + "".join(f"<a{n}/>" for n in range(50_000)) + "</Sanctions>",
            "more than 10,000 names",
        ),
        *(
            (SDN.replace("?>", f' encoding="{name}"?>'), f"encoding {name}; save it as UTF-8")
            for name in ("foo", "utf-7", "shift_jis", "idna", "rot13", "unicode_escape")
        ),
    ],
)
def test_hostile_xml(tmp_path, content, reason):
    with pytest.raises(ListFault, match=reason):
        listed(tmp_path, content)


@pytest.mark.parametrize("pack", [bz2.compress, gzip.compress])
def test_compressed(tmp_path, pack):
    """Every format also comes compressed; the name loses all its extensions."""
    assert [Entry(A, "some")] == listed(tmp_path, pack(f"{A}\n".encode()), "some.txt.bz2")[0]
    with pytest.raises(ListFault, match=r"cannot be unpacked|cannot be read"):
        listed(tmp_path, pack(f"{A}\n".encode() * 1000)[:-9])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"# only\n# comments\n", "no usable entry"),
        (b"junk\n", "no usable entry"),
        (b"[]", "no usable entry"),
        (b"[" * 100_000, "is no JSON"),
        (b'["\xff"]', "is no JSON"),
        (b"{", "is no JSON"),
        (b"[" + b"[]," * 1_000_000 + b"[]]", "more than 1,000,000 arrays"),
        ("address\n".encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04xxxx", "zip archive"),
        (b"address,label\n", "no usable entry"),
    ],
)
def test_files_without_an_entry(tmp_path, content, reason):
    """What gives no entry is a fault with a reason, not an empty list."""
    with pytest.raises(ListFault, match=reason):
        listed(tmp_path, content)


def test_paths_that_are_no_file(tmp_path):
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(ListFault):
            Input(str(path))


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null"])
def test_devices_are_no_lists(path):
    with pytest.raises(ListFault, match="is a device"):
        Input(path)


def test_what_is_copied_has_a_limit(tmp_path, monkeypatch):
    """An endless pipe does not fill the disk; a FIFO with less is read."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    monkeypatch.setattr(inputs, "SPOOL_LIMIT", 1000)
    for size in (1000, 1001):
        writing = threading.Thread(target=fifo.write_bytes, args=(b"x" * size,))
        writing.start()
        if size > inputs.SPOOL_LIMIT:
            with pytest.raises(ListFault, match="has more than 0 GiB; give it as a file"):
                Input(str(fifo))
        else:
            Input(str(fifo)).close()
        writing.join()


@pytest.mark.parametrize("path", ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"])
def test_stdin_by_any_name(path):
    code = f"from txpipe.lists.inputs import Input; print(Input({path!r}).head(99))"
    done = subprocess.run([sys.executable, "-c", code], input=b"abc", capture_output=True, check=True)
    assert done.stdout == b"b'abc'\n"


SEEDS = st.sampled_from([TAGPACK.encode(), SDN.encode(), *JSON, f"address,label\n{A},x\n".encode()])


@settings(max_examples=150, deadline=None, suppress_health_check=(HealthCheck.function_scoped_fixture,))
@given(data=st.data())
def test_no_bytes_crash_a_reader(tmp_path, data):
    """Any damage to any format ends in entries or in a ListFault."""
    raw = bytearray(data.draw(SEEDS | st.binary(max_size=200)))
    for _ in range(data.draw(st.integers(0, 6))):
        if raw:
            place = data.draw(st.integers(0, len(raw) - 1))
            raw[place : place + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=4))
    try:
        entries, _ = listed(tmp_path, bytes(raw), "fuzz")
    except ListFault:
        return
    assert all(entry.address.isascii() and entry.list == "fuzz" for entry in entries)
