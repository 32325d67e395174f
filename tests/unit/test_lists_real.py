"""The readers on the real public lists, and the lists that ship."""

import csv
import hashlib
import json
import tomllib

import pytest

from txpipe.address import canonical, family
from txpipe.lists.cache import open_lists
from txpipe.lists.option import default_allow, parse_list
from txpipe.lists.verdict import changes

USDT = "0xdac17f958d2ee523a2206206994597c13d831ec7"
TORNADO_100_ETH = "0xa160cdab225685da1d56aa342ad8841c3b53f291"
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def opened(*texts, default="scam"):
    said = []
    specs = [parse_list(str(text), default) for text in texts]
    return open_lists(specs, say=said.append), said


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


@pytest.mark.shared_data
def test_ofac_xml_equals_the_derived_table(data):
    """Exactly the 758 pairs, with the entities and dates of the table made from the same file."""
    index, said = opened(data / "ofac" / "sdn_advanced.xml.bz2")
    wanted = {
        (row["asset"], canonical(row["address"]), row["sdn_name"], row["party_listed_date"])
        for row in rows_of(data / "ofac" / "sdn_2025-11_crypto_addresses.csv")
    }
    entries = list(index.entries())
    assert wanted == {(entry.asset, entry.address, entry.label, entry.listed) for entry in entries}
    assert len({(entry.asset, entry.address) for entry in entries}) == 758
    assert (index.addresses, index.bad_rows, said) == (745, 0, [])
    assert {("sdn_advanced", "2025-11-19", "sanctions", "OFAC")} == {
        (entry.list, entry.list_date, entry.category, entry.source) for entry in entries
    }


@pytest.mark.shared_data
def test_tornado_cash_left_the_list(data):
    """On the list of 2024-09, gone from that of 2025-11: a deposit is judged by the list's day."""
    old, _ = opened(data / "ofac" / "2024-09-27" / "sanctioned_addresses_ETH.txt")
    new, _ = opened(data / "ofac" / "2025-11-19_sanctioned_addresses_ETH.json")
    assert [bool(index.find(TORNADO_100_ETH)) for index in (old, new)] == [True, False]
    found = {each["address"]: each["change"] for each in changes(old, new)}
    assert found[TORNADO_100_ETH] == "removed"
    assert {"added", "removed"} == set(found.values())


@pytest.mark.shared_data
def test_mew_darklist(data):
    """The one address of 41 characters is reported by row, odd dates and case duplicates cost nothing."""
    path = data / "lists" / "mew-addresses-darklist.json"
    index, said = opened(path)
    good = {row["address"].strip().lower() for row in json.loads(path.read_text())}
    assert len(good) - 1 == index.addresses
    assert [
        f'{path}#400: "0x9CdfC5b0ACA4527a0916412E9dbD6AD85556A49" has 39 characters after 0x, not 40; skipped'
    ] == said[:-1]
    assert "no category given" in said[-1]
    assert index.find("0x41dfc5797c8043a2f4f7e7abf71291064e091fc6")[0].listed == "2017-07-18"


@pytest.mark.shared_data
def test_tagpacks(data):
    """Each pack's tags, with the category that the pack's word means."""
    packs = sorted((data / "lists" / "tagpacks").glob("*.yaml"))
    index, said = opened(*packs)
    assert {
        ("binance_hack", "theft", 44),
        ("blender_io", "mixer", 45),
        ("electrum_phishing", "phishing", 6),
    } <= {(each["list"], each["category"], each["entries"]) for each in index.lists}
    assert said == []
    assert {"bitcoin", "litecoin"} == set(index.families)


@pytest.mark.shared_data
def test_noisy_lists_and_allow_lists(data):
    """After the allow-lists no token or router of the shipped list is left on the noisy ones."""
    noisy, said = opened(
        *sorted((data / "lists").glob("*.csv")), data / "lists" / "mew-addresses-darklist.json"
    )
    allow, _ = opened(default_allow().path, *sorted((data / "allow").glob("*.csv")), default="allow")
    assert len([message for message in said if "no category given" not in message]) == 5
    assert allow.find(USDT)
    shipped, _ = opened(default_allow().path, default="allow")
    left = [
        entry for entry in shipped.entries() if noisy.find(entry.address) and not allow.find(entry.address)
    ]
    assert left == []


@pytest.mark.shared_data
def test_notable_wallets_are_facts(data, checkout):
    """Each row stands on the real list of its time under the same entity; its source is of its day."""
    sdn = {
        canonical(row["address"]): row for row in rows_of(data / "ofac" / "sdn_2025-11_crypto_addresses.csv")
    }
    old, _ = opened(data / "ofac" / "2024-09-27" / "sanctioned_addresses_ETH.txt")
    rows = rows_of(checkout / "blocklists" / "notable.csv")
    assert 25 <= len(rows) <= 40
    for row in rows:
        address = canonical(row["address"])
        assert row["source"].endswith(f"/recent-actions/{row['listed'].replace('-', '')}")
        if row["delisted"]:
            assert (row["delisted"], bool(old.find(address))) == ("2025-03-21", True)
            assert address not in sdn
            continue
        entity = row["entity"].partition(" (")[0]
        assert sdn[address]["sdn_name"].replace(", S.R.O.", "").startswith(entity)
        assert sdn[address]["party_listed_date"] <= row["listed"]


def test_notable_wallets_are_a_list(checkout):
    index, said = opened(checkout / "blocklists" / "notable.csv")
    assert said == []
    entry = index.find(TORNADO_100_ETH)[0]
    assert (entry.category, entry.listed, entry.delisted) == ("sanctions", "2022-08-08", "2025-03-21")


def test_shipped_allow_list():
    """Every row has a label, a kind and a source; no address twice; well-known contracts are there."""
    spec = default_allow()
    index, said = opened(spec.path, default="allow")
    entries = list(index.entries())
    assert said == []
    assert len(entries) == index.addresses
    assert all(entry.label and entry.source.startswith("https://") for entry in entries)
    assert {
        "token",
        "router",
        "permit",
        "marketplace",
        "lending",
        "bridge",
        "burn",
        "precompile",
        "system",
    } == {entry.category for entry in entries}
    assert index.find(USDT)
    assert index.find("0x0000000000000000000000000000000000000001")


def test_shipped_base58_addresses_are_real():
    """The burn addresses outside EVM are the encoding of zeros, checksum and all."""
    for address, payload in (
        ("T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb", b"\x41" + bytes(20)),
        ("1111111111111111111114oLvT2", bytes(21)),
    ):
        checked = payload + hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
        number, text = int.from_bytes(checked), ""
        while number:
            number, digit = divmod(number, 58)
            text = BASE58[digit] + text
        zeros = len(checked) - len(checked.lstrip(b"\0"))
        assert address == "1" * zeros + text
        assert family(address) != "other"


def test_sources_are_described(checkout):
    """Every source names its place, format, category and licence."""
    sources = tomllib.loads((checkout / "blocklists" / "sources.toml").read_text())["source"]
    assert len({each["name"] for each in sources}) == len(sources)
    for each in sources:
        assert {"name", "url", "about", "format", "category", "licence"} == set(each)
        assert each["format"] in {"ofac", "plain", "csv", "json", "mew", "tagpack"}
        assert each["url"].startswith("https://")
