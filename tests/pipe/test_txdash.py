"""txdash as a process: the pipe goes first, whatever happens to the dashboard behind it."""

import contextlib
import os
import re
import select
import signal
import subprocess
import threading
import time
from pathlib import Path

import orjson
import pytest

import postgres_kit
from conftest import script
from dash_kit import Dash, numbered, stored_lines
from examples import ALERT, HEARTBEAT, RECORDS, line

OFF = ("--listen", "off", "--db", "dash.db")
ANY = ("--listen", "127.0.0.1:0")


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(data, *args, **more):
    done = subprocess.run(
        [script("txdash"), "--no-stats", *args],
        input=data,
        capture_output=True,
        timeout=60,
        check=False,
        **more,
    )
    return done.returncode, done.stdout, done.stderr.decode()


def wait_until(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        select.select([], [], [], 0.02)


ODD = {
    "bad lines": line(ALERT) + b"nope\n[1]\n{\n" + line(numbered(1)),
    "no final newline": line(ALERT) + line(numbered(1)).rstrip(),
    "CRLF": line(ALERT).replace(b"\n", b"\r\n") + b"\r\n\r\n" + line(numbered(1)),
    "byte order mark": b"\xef\xbb\xbf" + line(ALERT) + line(numbered(1)),
    "blank lines": b"\n\n \n" + line(ALERT) + b"\n" + line(numbered(1)),
    "other types": line(ALERT)
    + b"".join(map(line, RECORDS.values()))
    + b'{"type":"mine"}\n'
    + line(numbered(1)),
    "binary": line(ALERT) + bytes(range(256)) * 3 + b"\n" + line(numbered(1)),
    "huge line": line(ALERT) + b'{"a":"' + b"x" * 5_000_000 + b'"}\n' + line(numbered(1)),
    "huge line at the end": line(ALERT) + line(numbered(1)) + b"y" * 5_000_000,
    "half a record": line(ALERT) + line(numbered(1)) + line(numbered(2))[:100],
}
BAD = {"bad lines": 3, "binary": 4, "huge line": 1, "huge line at the end": 1, "half a record": 1}


@pytest.mark.parametrize("name", ODD)
def test_passes_bytes_untouched(name):
    """Whatever comes in goes out to the byte; alerts are stored; lines that are no records are said: 1."""
    status, out, err = run(ODD[name], *OFF)
    assert out == ODD[name]
    found = {orjson.loads(each)["id"] for each in stored_lines("dash.db")}
    assert {ALERT["id"], numbered(1)["id"]} <= found
    said = re.findall(r"^txdash: <stdin>:\d+: .*; passed on, not stored$", err, re.MULTILINE)
    assert (status, len(said)) == (int(name in BAD), BAD.get(name, 0))


def test_stores_what_passes():
    """The store holds every alert that went through, byte for byte, and the next run adds to it."""
    first = b"".join(line(numbered(number)) for number in range(3000))
    second = b"".join(line(numbered(number)) for number in range(2500, 4000))
    assert run(first, *OFF) == (0, first, "")
    assert run(second, *OFF) == (0, second, "")
    assert stored_lines("dash.db") == [line(numbered(number)).rstrip() for number in range(4000)]


def test_reader_sees_the_end_at_once_and_serving_goes_on():
    """With --keep the reader sees the end of input at once; the API answers on until Ctrl-C, which is 130."""
    with Dash(*ANY, "--keep") as dash:
        dash.feed(ALERT)
        dash.process.stdin.close()
        assert dash.process.stdout.read() == line(ALERT)
        dash.until("/api/v1/alerts", lambda found: len(found["alerts"]) == 1)
        dash.process.send_signal(signal.SIGINT)
        assert dash.process.wait(30) == 130


def test_store_without_a_name_goes_at_the_end(tmp_path):
    """Without --db what is stored is gone with the command, and that was said."""
    with Dash(*ANY, env={"TMPDIR": str(tmp_path)}) as dash:
        dash.feed(ALERT)
        dash.until("/api/v1/alerts", lambda found: len(found["alerts"]) == 1)
        assert list(tmp_path.iterdir())
        status, said = dash.end()
    assert (status, list(tmp_path.iterdir())) == (0, [])
    assert re.fullmatch(r"txdash: http://127\.0\.0\.1:\d+/ \(what it stores goes at the end; .*\)\n", said)


def test_killed_dashboard_is_started_again_and_misses_nothing():
    """kill -9 on the dashboard, again and again: the pipe goes on, and in the end all is stored, once."""
    sent = [numbered(number) for number in range(6000)]
    with Dash(*OFF, output=subprocess.DEVNULL) as dash:
        dash.feed(sent[0])
        wait_until(lambda: stored_lines("dash.db"))
        for at in range(0, 6000, 2000):
            victim = dash.child()
            dash.feed(*sent[at : at + 1000])
            os.kill(victim, signal.SIGKILL)
            dash.feed(*sent[at + 1000 : at + 2000])
            wait_until(lambda old=victim: dash.child() not in (None, old))
            last = line(sent[at + 1999]).rstrip()
            wait_until(lambda last=last: last in stored_lines("dash.db"))
        status, said = dash.end()
    assert status == 0
    assert said.count("was ended by SIGKILL; the pipe goes on, it is started again") == 3
    assert sorted(stored_lines("dash.db")) == sorted(line(alert).rstrip() for alert in sent)


def test_summary_outlives_the_dashboard():
    """What was stored before a death is part of what --stats says, whatever came after it."""
    with Dash(*OFF, "--stats", output=subprocess.DEVNULL) as dash:
        dash.feed(HEARTBEAT, ALERT)
        wait_until(lambda: stored_lines("dash.db"))
        os.kill(dash.child(), signal.SIGKILL)
        dash.feed(numbered(1))
        status, said = dash.end()
    assert status == 0
    assert re.search(r"^txdash: \d alerts.*, 1 heartbeats stored; 0 other", said, re.MULTILINE)


def test_served_address_outlives_the_dashboard():
    """After a death the same port answers again."""
    with Dash(*ANY, "--db", "dash.db") as dash:
        dash.feed(ALERT)
        dash.until("/api/v1/alerts", lambda found: found["alerts"])
        os.kill(dash.child(), signal.SIGKILL)
        dash.heard("started again")
        dash.feed(numbered(1))
        dash.until("/api/v1/alerts", lambda found: len(found["alerts"]) == 2)


def test_stuck_dashboard_does_not_slow_the_pipe():
    """A dashboard that stands still costs the pipe nothing: 60 MB pass; once it moves all are stored."""
    alerts = [numbered(number) | {"note": "x" * 5000} for number in range(10_000)]
    with Dash(*OFF, output=subprocess.DEVNULL) as dash:
        dash.feed(ALERT)
        wait_until(lambda: len(stored_lines("dash.db")) == 1)
        os.kill(dash.child(), signal.SIGSTOP)
        dash.feed(*alerts)
        os.kill(dash.child(), signal.SIGCONT)
        status, said = dash.end()
    assert (status, said) == (0, "")
    assert len(stored_lines("dash.db")) == 10_001


def test_what_has_no_room_is_said():
    """What neither memory nor --buffer holds is passed on, counted, said, and is 1; the rest is stored."""
    alerts = [numbered(number) | {"note": "x" * 5000} for number in range(10_000)]
    data = b"".join(map(line, alerts))
    with Dash(*OFF, "--buffer", "1M") as dash:
        dash.feed(ALERT)
        wait_until(lambda: len(stored_lines("dash.db")) == 1)
        os.kill(dash.child(), signal.SIGSTOP)
        out = []
        reader = threading.Thread(target=lambda: out.append(dash.process.stdout.read()))
        reader.start()
        dash.write(data)
        os.kill(dash.child(), signal.SIGCONT)
        status, said = dash.end()
        reader.join(30)
    assert out == [line(ALERT) + data]
    assert status == 1
    lost = int(
        re.search(r"([\d,]+) lines \([\d,]+ bytes\) were passed on and not stored", said)[1].replace(",", "")
    )
    held = len(stored_lines("dash.db"))
    assert 0 < lost < 10_000
    assert held + lost in {10_000, 10_001}  # the line that the gap cuts is none, and is said as a bad line


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--listen", "off"), "--listen off needs --db"),
        (("--listen", "0.0.0.0:0"), "needs TXDASH_TOKEN in the environment"),
        (("--listen", "nowhere"), "write ADDRESS:PORT"),
        (("--listen", "127.0.0.1:99999"), "no such port"),
        (("--listen", "203.0.113.7:0"), "Cannot assign requested address"),
        (("--db", "absent/dash.db"), "cannot be opened"),
        (("--db", "mysql://u:secret@h/d"), "is no store"),
        (("--users", "absent"), "cannot be read"),
        (("--allow-origin", "soc.example"), "write scheme, host and port"),
        (("--host", "bad name"), "write a name"),
        (("--buffer", "much"), "is no size"),
        (("--retain-size", "1000K"), "write 1M or more"),
        (("--list", "absent.csv"), "absent.csv"),
    ],
)
def test_options_that_make_no_sense(args, said):
    """They end with 2 and a remedy before anything is read or written."""
    status, out, err = run(line(ALERT), *args)
    assert (status, out) == (2, b"")
    assert said in err
    assert "secret" not in err


def test_short_token_is_refused():
    """A token that can be guessed is refused."""
    status, _, err = run(b"", "--listen", "0.0.0.0:0", env={**os.environ, "TXDASH_TOKEN": "short"})
    assert (status, "16 characters or more" in err) == (2, True)


def test_secrets_are_not_seen():
    """Neither tokens nor hashes are on a command line of any of its processes, nor said."""
    token = "a-token-that-is-long-enough"  # noqa: S105
    with Dash(*ANY, env={"TXDASH_TOKEN": token}) as dash:
        for pid in (dash.process.pid, dash.child()):
            assert token.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
        _, said = dash.end()
    assert token not in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_store_what_passed(number):
    """What was passed on before Ctrl-C, SIGTERM or SIGHUP is stored; the status says which it was."""
    with Dash(*OFF) as dash:
        dash.feed(*(numbered(number) for number in range(300)))
        got = b""
        while got.count(b"\n") < 300:
            got += os.read(dash.process.stdout.fileno(), 1 << 20)
        dash.process.send_signal(number)
        assert dash.process.wait(30) == 128 + number
    assert len(stored_lines("dash.db")) == 300


def test_sigterm_to_all_its_processes():
    """A supervisor that sends SIGTERM to both processes, the dashboard first, loses nothing either."""
    with Dash(*OFF) as dash:
        dash.feed(*(numbered(number) for number in range(300)))
        got = b""
        while got.count(b"\n") < 300:
            got += os.read(dash.process.stdout.fileno(), 1 << 20)
        os.kill(dash.child(), signal.SIGTERM)
        dash.process.terminate()
        assert dash.process.wait(30) == 143
        assert dash.said == []
    assert len(stored_lines("dash.db")) == 300


def test_sigterm_with_a_dashboard_that_stands_still():
    """What cannot be stored in time is said, and the command ends all the same, within seconds."""
    with Dash(*OFF) as dash:
        dash.feed(ALERT)
        wait_until(lambda: len(stored_lines("dash.db")) == 1)
        os.kill(dash.child(), signal.SIGSTOP)
        dash.feed(numbered(1))
        got = b""
        while got.count(b"\n") < 2:
            got += os.read(dash.process.stdout.fileno(), 1 << 20)
        began = time.monotonic()
        dash.process.terminate()
        assert dash.process.wait(30) == 143
        assert time.monotonic() - began < 20  # nine seconds, and what a busy machine takes
        _, said = dash.end()
    assert f"{len(line(numbered(1))):,} bytes were passed on and not stored any more at the end" in said


def test_sigterm_while_the_reader_takes_nothing():
    """A reader who is stuck holds SIGTERM up for two seconds; what was read is stored."""
    alerts = [numbered(number) | {"note": "x" * 5000} for number in range(1000)]
    with Dash(*OFF) as dash:
        feeding = threading.Thread(target=fed, args=(dash, alerts))
        feeding.start()
        wait_until(lambda: stored_lines("dash.db"))  # as much as the pipes hold
        began = time.monotonic()
        dash.process.terminate()
        assert dash.process.wait(30) == 143
        assert time.monotonic() - began < 20
        feeding.join(30)
        out = dash.process.stdout.read()
    stored = stored_lines("dash.db")
    assert stored == [line(each).rstrip() for each in alerts[: len(stored)]]
    assert out.count(b"\n") <= len(stored) < 1000


def fed(dash, alerts):
    """Feed alerts until nobody reads any more."""
    with contextlib.suppress(BrokenPipeError):
        dash.feed(*alerts)


def test_command_killed_at_once():
    """kill -9 of the command: its dashboard stores what it has got, and goes."""
    with Dash(*OFF, output=subprocess.DEVNULL) as dash:
        dash.feed(ALERT, HEARTBEAT)
        wait_until(lambda: len(stored_lines("dash.db")) == 1)
        child = dash.child()
        dash.process.kill()
        wait_until(
            lambda: not Path(f"/proc/{child}").exists() or "Z" in Path(f"/proc/{child}/stat").read_text()
        )
    assert run(b"", *OFF)[0] == 0


def test_terminated_command_leaves_nothing(tmp_path):
    """SIGTERM: the dashboard goes with its command, and so does a store without a name."""
    with Dash(*ANY, env={"TMPDIR": str(tmp_path)}) as dash:
        dash.feed(ALERT)
        dash.until("/api/v1/alerts", lambda found: found["alerts"])
        dash.process.terminate()
        assert dash.process.wait(30) == 143
        wait_until(lambda: not list(tmp_path.iterdir()))


def test_working_folder_is_not_code(tmp_path):
    """Python files that lie around where it is started are not run."""
    for name in ("sqlalchemy", "orjson", "signal", "txpipe"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('foreign code')")
    assert run(line(ALERT), *OFF) == (0, line(ALERT), "")


def test_hash_password():
    """--hash-password prints a hash that the users file takes; an empty one is refused."""
    status, out, err = run(b"correct horse\n", "--hash-password")
    assert (status, err) == (0, "")
    assert re.fullmatch(rb"scrypt\$32768\$8\$1\$[0-9a-f]{32}\$[0-9a-f]{64}\n", out)
    assert run(b"", "--hash-password")[0] == 2


@pytest.mark.postgresql
def test_database_server_that_goes_away(postgres):
    """While PostgreSQL is away the pipe goes on, and that is said; once it is back all is stored."""
    url = postgres.database()
    sent = [numbered(number) for number in range(3000)]
    with Dash("--listen", "off", env={"TXDASH_DB": url}, output=subprocess.DEVNULL) as dash:
        dash.feed(*sent[:1000])
        wait_until(lambda: postgres.rows(url, "SELECT to_regclass('revisions')") != [(None,)])
        wait_until(lambda: postgres.rows(url, "SELECT count(*) FROM revisions") == [(1000,)])
        postgres.stop()
        try:
            dash.feed(*sent[1000:2000])
            dash.heard("nothing is stored until that is mended")
        finally:
            postgres.start()
        dash.feed(*sent[2000:])
        status, said = dash.end()
    assert status == 0
    assert "the store takes alerts again" in said
    assert postgres_kit.PASSWORD not in said
    assert postgres.rows(url, "SELECT count(*), count(DISTINCT num) FROM revisions") == [(3000, 3000)]
    assert [bytes(each) for (each,) in postgres.rows(url, "SELECT line FROM revisions ORDER BY seq")] == [
        orjson.dumps(alert) for alert in sent
    ]
