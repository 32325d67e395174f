"""The compiled index: everything built into it is found, damage is refused."""

import json
import os
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from txpipe.errors import ListFault, SinkFailed
from txpipe.lists import build as build_module
from txpipe.lists.build import build
from txpipe.lists.entry import Addresses, Entry
from txpipe.lists.index import HEAD, LOOKED_UP, SCAN_BYTES, Index, filter_bits, is_index, scan_key

EVM = st.binary(min_size=20, max_size=20).map(lambda raw: f"0x{raw.hex()}")
OTHER = st.text("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", min_size=1, max_size=64)
SHORT = st.text(max_size=8)
ENTRIES = st.builds(
    Entry,
    address=EVM | OTHER,
    list=SHORT,
    list_date=st.sampled_from(("undated", "2025-11-19")),
    category=st.sampled_from(("scam", "sanctions", "odd")),
    label=SHORT,
    source=SHORT,
    listed=st.sampled_from(("", "2024-01-01")),
    delisted=st.sampled_from(("", "2025-03-21")),
    asset=st.sampled_from(("", "ETH")),
)
FIXTURES = (HealthCheck.function_scoped_fixture,)
A = "0x" + "a1" * 20
B = "0x" + "b2" * 20


def built(tmp_path, entries):
    path = tmp_path / "some.txindex"
    build(entries, path)
    return Index(path)


@settings(max_examples=60, deadline=None, suppress_health_check=FIXTURES)
@given(entries=st.lists(ENTRIES, max_size=30))
def test_every_entry_is_found_and_nothing_else(tmp_path, entries):
    """What goes in comes out, per address in the order it came; equal entries once."""
    index = built(tmp_path, entries)
    wanted = {}
    for entry in entries:
        wanted.setdefault(entry.address, {})[entry] = None
    assert {address: tuple(found) for address, found in wanted.items()} == {
        address: index.find(address) for address in wanted
    }
    assert set(entries) == set(index.entries())
    assert len(wanted) == index.addresses == sum(index.families.values())
    assert len(set(entries)) == sum(each["entries"] for each in index.lists)
    assert index.find("0x" + "77" * 20) == ()


@settings(max_examples=60, deadline=None, suppress_health_check=FIXTURES)
@given(addresses=st.lists(EVM | OTHER, min_size=1, max_size=40))
def test_filter_has_every_address(tmp_path, addresses):
    """The raw scanner's filter has no false negatives, whatever the case of the letters."""
    index = built(tmp_path, [Entry(address, "list") for address in addresses])
    for address in addresses:
        if len(address) < SCAN_BYTES:
            assert not index.scannable
            continue
        for spelling in (address, address.upper(), address.lower()):
            key = scan_key(spelling.encode())
            bits = filter_bits(key, index.filter_log2)
            assert all(index.filter[bit >> 3] >> (bit & 7) & 1 for bit in bits)
    initials = {address[0] for address in addresses if not address.startswith("0x")}
    assert set(index.initials) == initials


@settings(max_examples=30, deadline=None, suppress_health_check=FIXTURES)
@given(addresses=st.lists(EVM, min_size=1, max_size=40), data=st.data())
def test_many_at_once_equals_one_by_one(tmp_path, addresses, data):
    """The bulk path of plain lists gives the index that single entries give."""
    shared = Entry("", "list", label=data.draw(SHORT))
    cut = data.draw(st.integers(0, len(addresses)))
    raw = [address.encode() for address in addresses]
    bulk = built(tmp_path, [Addresses(shared, raw[:cut]), Addresses(shared, raw[cut:])])
    single = built(tmp_path, [shared.named(address=address) for address in addresses])
    assert bulk.fingerprint == single.fingerprint


def test_blocks_of_merging_do_not_show(tmp_path, monkeypatch):
    """Entries of an address stay together where a block of work ends."""
    monkeypatch.setattr(build_module, "_BLOCK", 3)
    entries = [Entry(f"0x{n % 8:040x}", "list", label=f"label {n}") for n in range(40)]
    index = built(tmp_path, entries)
    assert set(entries) == set(index.entries())
    assert [len(index.find(f"0x{n:040x}")) for n in range(8)] == [5] * 8


def test_two_addresses_under_one_key(tmp_path, monkeypatch):
    """A collision of hashes mixes nothing up."""
    monkeypatch.setattr("txpipe.lists.spool.address_key", lambda _address: bytes(8))
    monkeypatch.setattr("txpipe.lists.index.address_key", lambda _address: bytes(8))
    entries = [Entry(A, "list", label="a"), Entry(B, "list", label="b"), Entry(A, "list", label="c")]
    index = built(tmp_path, entries)
    assert tuple(entry.label for entry in index.find(A)) == ("a", "c")
    assert tuple(entry.label for entry in index.find(B)) == ("b",)
    assert index.families == {"evm": 2}


def test_many_sources_do_not_lengthen_the_header(tmp_path):
    """A list with a source of its own in each row opens as fast as another."""
    entries = [Entry(f"0x{n:040x}", "list", source=f"https://example.org/{n}") for n in range(6000)]
    index = built(tmp_path, entries)
    assert len(index._shared) <= 4097
    assert set(entries) == set(index.entries())


def test_no_entries(tmp_path):
    """An index of nothing is an index."""
    index = built(tmp_path, [])
    assert (index.find(A), list(index.entries()), index.addresses) == ((), [], 0)
    assert not index.covers(A)


def test_covers_tells_families_apart(tmp_path):
    index = built(tmp_path, [Entry(A, "list")])
    assert [index.covers(B), index.covers("TLa2f6VPqDgRE67v1736s7bJ8Ray5wYjU7")] == [True, False]


def test_any_cut_is_refused(tmp_path):
    """A truncated file is no index, wherever it was cut."""
    index = built(tmp_path, [Entry(f"0x{n:040x}", "list", label=str(n)) for n in range(50)])
    whole = (tmp_path / "some.txindex").read_bytes()
    assert index.addresses == 50
    cut = tmp_path / "cut.txindex"
    for size in [*range(200), *range(200, len(whole), 97)]:
        cut.write_bytes(whole[:size])
        with pytest.raises(ListFault):
            Index(cut)


def test_any_flipped_bit_is_refused(tmp_path):
    """Damage to a small index, header or content, never goes unseen."""
    built(tmp_path, [Entry(f"0x{n:040x}", "list", label=str(n)) for n in range(20)])
    whole = bytearray((tmp_path / "some.txindex").read_bytes())
    damaged = tmp_path / "damaged.txindex"
    chosen = random.Random(7)
    for place in [*range(HEAD.size), *(chosen.randrange(len(whole)) for _ in range(150))]:
        whole[place] ^= 1 << (place % 8)
        damaged.write_bytes(whole)
        with pytest.raises(ListFault):
            Index(damaged)
        whole[place] ^= 1 << (place % 8)


def test_damage_inside_a_large_index_is_no_answer(tmp_path, monkeypatch):
    """Where the content is too large to be hashed at every start, damage to a text is found on reading it."""
    monkeypatch.setattr("txpipe.lists.index._VERIFIED_BYTES", 0)
    path = tmp_path / "some.txindex"
    build([Entry(A, "list")], path)
    raw = bytearray(path.read_bytes())
    raw[raw.index(A.encode()) - 2] = 0
    path.write_bytes(raw)
    with pytest.raises(ListFault, match="damaged"):
        Index(path).find(A)


def test_flipped_bits_in_a_large_index_are_refused(tmp_path, monkeypatch):
    """Damage to keys, places or filter would miss an address without a word: every start verifies them."""
    monkeypatch.setattr("txpipe.lists.index._VERIFIED_BYTES", 0)
    monkeypatch.setattr("txpipe.lists.index._CHUNK", 100)
    path = tmp_path / "some.txindex"
    build([Entry(f"0x{n:040x}", "list") for n in range(50)], path)
    assert Index(path).find(f"0x{7:040x}")
    whole = bytearray(path.read_bytes())
    _, at, _, _ = HEAD.unpack_from(whole)
    sections = json.loads(whole[at:])["sections"]
    for name in LOOKED_UP:
        for place in range(sections[name][0], sections[name][1], 37):
            whole[place] ^= 1 << (place % 8)
            path.write_bytes(whole)
            with pytest.raises(ListFault, match="damaged"):
                Index(path)
            whole[place] ^= 1 << (place % 8)


def test_what_is_no_file_is_not_replaced(tmp_path):
    """Pipes, folders (and devices, not tried) stay what they are; of a link its file is replaced."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    folder = tmp_path / "folder"
    folder.mkdir()
    to_pipe = tmp_path / "to-pipe"
    to_pipe.symlink_to(pipe)

    def unread():
        raise AssertionError("read")
        yield

    for target in (pipe, folder, to_pipe):
        with pytest.raises(SinkFailed, match="is no regular file; name one"):
            build(unread(), target)
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(SinkFailed, match="cannot be written"):
        build(unread(), loop)
    for real in (folder / "there", folder / "new"):
        link = tmp_path / f"to-{real.name}"
        link.symlink_to(real)
        (folder / "there").write_text("old")
        build([Entry(A, "list")], link)
        assert link.is_symlink()
        assert Index(real).find(A)


def test_what_is_no_index(tmp_path):
    """Other files, other versions and folders are refused by name."""
    other = tmp_path / "other"
    other.write_bytes(b"TXPIDX00" + bytes(100))
    assert is_index(other)
    with pytest.raises(ListFault, match="another version"):
        Index(other)
    for path in (tmp_path, tmp_path / "absent"):
        assert not is_index(path)
        with pytest.raises(ListFault, match="cannot be opened"):
            Index(path)


def test_failed_build_leaves_the_old_index(tmp_path):
    """An index is replaced as a whole or not at all."""
    path = tmp_path / "some.txindex"
    build([Entry(A, "list")], path)

    def broken():
        yield Entry(B, "list")
        raise ValueError("broken off")

    with pytest.raises(ValueError, match="broken off"):
        build(broken(), path)
    assert [path] == list(tmp_path.iterdir())
    assert Index(path).find(A)
    with pytest.raises(SinkFailed):
        build([], tmp_path / "absent" / "some.txindex")
