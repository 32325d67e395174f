"""txdash screens addresses by lists and a txdetect state that follow their files, without a restart."""

import os
import signal
import subprocess
import time
from pathlib import Path

import orjson
import pytest

from conftest import script
from dash_kit import Dash
from examples import ALERT, LISTED, SENDER
from txpipe.detect.account import LAYOUT, Account
from txpipe.detect.state import StateFile

ANY = ("--listen", "127.0.0.1:0")
OTHER = "0x" + "9" * 40


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(path, text):
    """Replace a file at once, as downloads do."""
    new = path.with_name("new")
    new.write_text(text)
    new.replace(path)


def listing(*addresses, date="2026-01-02", category="sanctions"):
    return f"# date: {date}\naddress,category\n" + "".join(f"{each},{category}\n" for each in addresses)


def until_listed(dash, address, verdict="listed"):
    return dash.until(f"/api/v1/address/{address}", lambda found: found["verdict"] == verdict)


def test_a_changed_list_is_read_again(tmp_path):
    """A list that changes counts without a restart, with its new date; so does "unchecked"."""
    path = tmp_path / "my.csv"
    path.write_text(listing(LISTED))
    bitcoin = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
    with Dash(*ANY, "--list", "my.csv") as dash:
        assert dash.ask(f"/api/v1/address/{bitcoin}")["verdict"] == "unchecked"
        found = dash.ask(f"/api/v1/address/{OTHER}")
        assert (found["verdict"], found["checked"]) == (
            "not listed",
            [{"list": "my", "list_date": "2026-01-02", "entries": 1}],
        )
        write(path, listing(LISTED, OTHER, bitcoin, date="2026-02-03"))
        found = until_listed(dash, OTHER)
        assert found["lists"][0]["list_date"] == "2026-02-03"
        assert found["checked"] == [{"list": "my", "list_date": "2026-02-03", "entries": 3}]
        assert dash.ask(f"/api/v1/address/{bitcoin}")["verdict"] == "listed"
        dash.heard(r"my.csv: changed and read again; 3 addresses are listed now")
        write(path, listing(OTHER))
        until_listed(dash, LISTED, "not listed")
        until_listed(dash, bitcoin, "unchecked")


@pytest.mark.parametrize("broken", ["\x00\x01", "name,age\nAnn,7\n", "", "PK\x03\x04zip"])
def test_a_broken_list_is_refused_and_the_old_one_stays(tmp_path, broken):
    """A new version that cannot be used is said once and changes nothing; mended, it counts."""
    path = tmp_path / "my.csv"
    path.write_text(listing(LISTED))
    with Dash(*ANY, "--list", "my.csv") as dash:
        write(path, broken)
        dash.heard(r"my\.csv: .*; the lists stay as they were until that is mended")
        assert dash.ask(f"/api/v1/address/{LISTED}")["verdict"] == "listed"
        path.unlink()
        dash.heard(r"No such file.*; the lists stay")
        assert dash.ask(f"/api/v1/address/{LISTED}")["verdict"] == "listed"
        write(path, listing(OTHER))
        until_listed(dash, OTHER)
    assert "".join(dash.said).count("stay as they were") == 2


def test_a_list_that_was_left_out_may_stay_so(tmp_path):
    """--skip-bad-lists: what was unusable from the start holds up no other; one that breaks later is kept."""
    (tmp_path / "bad.csv").write_text("\x00")
    path = tmp_path / "my.csv"
    path.write_text(listing(LISTED))
    with Dash(*ANY, "--list", "my.csv", "--list", "bad.csv", "--skip-bad-lists") as dash:
        write(path, listing(LISTED, OTHER))
        until_listed(dash, OTHER)
        write(path, "\x00")
        dash.heard(r"my\.csv: .*; the lists stay as they were until that is mended")
        assert dash.ask(f"/api/v1/address/{OTHER}")["verdict"] == "listed"
        write(tmp_path / "bad.csv", listing(SENDER))
        write(path, listing(OTHER))
        until_listed(dash, SENDER)


def test_an_allow_list_is_read_again(tmp_path):
    """--allow, too."""
    (tmp_path / "my.csv").write_text(listing(LISTED, category="scam"))
    allow = tmp_path / "allow.csv"
    allow.write_text(f"address\n{OTHER}\n")
    with Dash(*ANY, "--list", "my.csv", "--allow", "allow.csv") as dash:
        assert dash.ask(f"/api/v1/address/{LISTED}")["allowed"] is False
        write(allow, f"address\n{OTHER}\n{LISTED}\n")
        dash.until(f"/api/v1/address/{LISTED}", lambda found: found["allowed"])


def test_what_was_read_again_outlives_the_dashboard(tmp_path):
    """After a death the lists are those of now; also where compiled lists cannot be kept."""
    path = tmp_path / "my.csv"
    path.write_text(listing(LISTED))
    (tmp_path / "no-folder").write_text("")
    with Dash(*ANY, "--list", "my.csv", env={"XDG_CACHE_HOME": str(tmp_path / "no-folder")}) as dash:
        dash.heard("compiling for this run only")
        until_listed(dash, LISTED)
        write(path, listing(OTHER))
        until_listed(dash, OTHER)
        os.kill(dash.child(), signal.SIGKILL)
        dash.heard("started again")
        until_listed(dash, OTHER)
        until_listed(dash, LISTED, "not listed")


def test_a_large_list_does_not_stall_the_page(tmp_path):
    """While 200,000 new entries are compiled the API answers as before."""
    path = tmp_path / "my.csv"
    path.write_text(listing(LISTED))
    with Dash(*ANY, "--list", "my.csv") as dash:
        dash.ask(f"/api/v1/address/{OTHER}")
        write(path, listing(OTHER, *(f"0x{number:040x}" for number in range(1, 200_001))))
        slowest, over, start = 0.0, False, time.monotonic()
        while not over:
            began = time.monotonic()
            over = dash.ask(f"/api/v1/address/{OTHER}")["verdict"] == "listed"
            slowest = max(slowest, time.monotonic() - began)
            time.sleep(0.02)
            assert time.monotonic() - began < 60
        took = time.monotonic() - start
    assert slowest < max(1.5, took / 3)


def detect(records, *args):
    """Run a real txdetect over simulated records; return its alerts."""
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    made = [script("txsim"), "--seed", "7", "--records", str(records), "--fraud-rate", "0.05"]
    with subprocess.Popen(made, **pipe) as simulated:
        done = subprocess.run(
            [script("txdetect"), "--list", "demo.csv", *args],
            stdin=simulated.stdout,
            timeout=120,
            check=True,
            **pipe,
        )
    return [orjson.loads(each) for each in done.stdout.splitlines()]


@pytest.fixture
def demo(tmp_path):
    """The demo list in the working folder."""
    root = Path(__file__).resolve().parents[2]
    (tmp_path / "demo.csv").write_bytes((root / "blocklists" / "demo.csv").read_bytes())


@pytest.mark.usefixtures("demo")
def test_a_state_is_part_of_the_verdict():
    """txsim | txdetect --state S, then txdash --state S: who holds listed funds is told, with numbers."""
    alerts = detect(20_000, "--state", "S")
    taint = dict(state_tainted())
    tainted = max(taint, key=lambda each: sum(taint[each]))
    reported = next(each["subject"] for each in alerts if each["rule"] == "listed")
    with Dash(*ANY, "--state", "S", "--list", "demo.csv") as dash:
        found = dash.until(
            f"/api/v1/address/{tainted}",
            lambda found: found["exposure"]["reason"] != "the state is not read yet",
        )
        assert (found["identifications"], found["verdict"]) == ([], "not listed")
        (account,) = found["exposure"]["accounts"]
        assert found["exposure"]["verdict"] == "tainted"
        assert account["tainted_usd"] == round(sum(taint[tainted]), 2)
        assert account["origin"]["list"] == "demo"
        wanted = [tainted, reported, OTHER]
        results = dash.ask("/api/v1/address", "POST", {"addresses": wanted})["results"]
        said = [each["exposure"]["verdict"] for each in results]
        assert said == ["tainted", "reported", "unknown"]
        assert results[0]["exposure"] == found["exposure"]


def state_tainted():
    """Addresses and taint in the state S, by way of the detector's own restoring."""
    header, parts = StateFile(Path("S")).load()
    assert header["layout"] == LAYOUT
    for kind, items in parts:
        if kind.startswith("accounts"):
            for values in items:
                account = Account.restored(values, str)
                if account.taint:
                    yield account.address, account.taint


@pytest.mark.usefixtures("demo")
def test_a_state_comes_and_changes_while_it_runs(tmp_path):
    """The file may come later; a newer one is read; txdetect is never locked out."""
    with Dash(*ANY, "--state", "S") as dash:
        dash.feed(ALERT)
        assert dash.ask(f"/api/v1/address/{LISTED}")["exposure"]["reason"] == "the state is not read yet"
        blocks = []
        for records in (2_000, 6_000, 9_000):
            detect(records, "--state", "S")
            found = dash.until(
                f"/api/v1/address/{LISTED}",
                lambda found, last=list(blocks): found["exposure"]["blocks"] not in ({}, *last),
            )
            blocks.append(found["exposure"]["blocks"])
        assert [each["eip155:1"] for each in blocks] == sorted(each["eip155:1"] for each in blocks)
        (tmp_path / "S").write_bytes(b"junk")
        dash.heard(r"--state S: is no state file .*; what was read of it before stays")
        assert dash.ask(f"/api/v1/address/{LISTED}")["exposure"]["blocks"] == blocks[-1]
    assert sorted(each.name for each in tmp_path.iterdir() if "txdash" in each.name) == []
