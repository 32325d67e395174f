"""txalert --to and --spool as processes: receivers that fail, kills, restarts, dead letters."""

import contextlib
import json
import os
import random
import re
import select
import signal
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

import chat_kit
from conftest import script
from examples import ALERT, HEARTBEAT, line
from memory_kit import measured
from receiver_kit import TAKEN, Hook, closed_port
from txpipe.alerts.database import Database

SOON = ("--retry", "0.02", "--drain", "30")


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def alerts(*numbers, **changes):
    return b"".join(line(ALERT, id=f"{number:032x}", **changes) for number in numbers)


def keys(*numbers):
    return [f"{number:032x}:0" for number in numbers]


def run(*args, data=b"", name="txalert", env=None):
    done = subprocess.run(
        [script(name), *args],
        input=data,
        capture_output=True,
        timeout=60,
        check=False,
        env={**os.environ, **(env or {})},
    )
    return done.returncode, done.stdout, done.stderr.decode()


def start(*args):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([script("txalert"), *args], bufsize=0, **pipes)


def read_lines(process, count, seconds=30):
    found = b""
    while found.count(b"\n") < count:
        assert select.select([process.stdout], [], [], seconds)[0], f"nothing came after {found!r}"
        got = os.read(process.stdout.fileno(), 1 << 16)
        assert got, f"ended after {found!r}: {process.stderr.read()}"
        found += got
    return found


@pytest.mark.parametrize("spool", [(), ("--spool", "s")], ids=["memory", "spool"])
def test_delivers_and_passes_on(spool):
    """Every alert is delivered once, as it is, and stdout is the same bytes as without delivery."""
    data = alerts(1, 2) + line(HEARTBEAT) + alerts(1) + alerts(3).replace(b",", b" ,")
    with Hook() as hook:
        assert run("--to", hook.url, *spool, data=data) == (0, data, "")
    assert hook.taken == keys(1, 2, 3)
    assert b"".join(got.body + b"\n" for got in hook.got) == alerts(1, 2) + alerts(3).replace(b",", b" ,")


def test_what_is_filtered_is_not_delivered():
    """Receivers get what is let through."""
    with Hook() as hook:
        run("--to", hook.url, "-m", "high", data=alerts(1, severity="low") + alerts(2))
    assert hook.taken == keys(2)


def test_dedupe_of_stdout():
    """--dedupe lets an alert through once; without it stdout has every line."""
    data = alerts(1, 2, 1)
    assert run("--dedupe", data=data)[1] == alerts(1, 2)
    assert run(data=data)[1] == data


def test_signed_by_a_secret_from_outside():
    """The secret comes from the environment or a file, and an empty one is refused."""
    Path("secret").write_text("whsec_c2VjcmV0\n")
    with Hook() as hook:
        run("--to", hook.url, data=alerts(1), env={"TXALERT_SECRET": "secret"})
        run("--to", hook.url, "--secret-file", "secret", data=alerts(1))
    signed = [got.headers["webhook-signature"] for got in hook.got]
    assert all(one.startswith("v1,") for one in signed)
    Path("secret").write_text("")
    assert run("--to", "http://h/", "--secret-file", "secret")[::2] == (2, "txalert: the secret is empty\n")


def test_a_dead_receiver_delays_nobody():
    """With one receiver stalled and one dead, stdout and another receiver have everything at once."""
    with Hook() as stalled, Hook() as good:
        stalled.answer = lambda _: good.wait(lambda hook: len(hook.taken) == 500) or 200
        dead = f"http://127.0.0.1:{closed_port()}/"
        args = [part for url in (dead, stalled.url, good.url) for part in ("--to", url)]
        with start("--spool", "s", "--drain", "0", *args) as process:
            process.stdin.write(alerts(*range(500)))
            assert read_lines(process, 500) == alerts(*range(500))
            good.wait(lambda hook: len(hook.taken) == 500)
            process.stdin.close()
            said = process.stderr.read().decode()
    assert process.returncode == 1
    assert "500 alerts not delivered (no connection); kept in s for the next run" in said


def test_what_fails_is_tried_again():
    """A receiver that fails at first gets everything, in order, under the same keys."""
    answers = iter([500, None, (429, {"retry-after": "0"}), 302, 503])
    with Hook(lambda _: next(answers, 200)) as hook:
        status, _, said = run("--spool", "s", "--to", hook.url, *SOON, data=alerts(1, 2))
    assert status == 0
    assert hook.taken == keys(1, 2)
    assert [got.headers["idempotency-key"] for got in hook.got] == keys(1, 1, 1, 1, 1, 1, 2)
    assert [row.split(": ", 2)[2] for row in said.splitlines()] == [
        "HTTP 500; what is for it is kept and tried again",
        "takes alerts again",
    ]


def test_the_next_run_goes_on():
    """What a run leaves is kept, said and 1; the next run delivers it, and knows what was delivered."""
    with Hook(lambda _: 503) as hook:
        status, out, said = run("--spool", "s", "--to", hook.url, "--drain", "0", data=alerts(1, 2))
        assert (status, out) == (1, alerts(1, 2))
        assert "2 alerts not delivered" in said
        hook.answer = lambda _: 200
        assert run("--spool", "s", "--to", hook.url, *SOON) == (0, b"", "")
        assert run("--spool", "s", "--to", hook.url, *SOON, data=alerts(1, 2, 3))[0] == 0
    assert hook.taken == keys(1, 2, 3)


def test_without_a_spool_what_is_left_is_lost_and_said():
    """Without --spool there is no next run."""
    url = f"http://127.0.0.1:{closed_port()}/"
    status, _, said = run("--to", url, "--drain", "0", data=alerts(1))
    assert status == 1
    assert said.splitlines()[-1].endswith("lost, for there is no --spool")


def test_a_receiver_that_is_named_no_more():
    """What waits for a receiver that this run does not name is said, is 1, and is given up in the end."""
    run("--spool", "s", "--to", f"http://127.0.0.1:{closed_port()}/", "--drain", "0", data=alerts(1))
    with Hook() as hook:
        status, _, said = run("--spool", "s", "--to", hook.url, data=alerts(2))
    assert (status, hook.taken) == (1, keys(2))
    assert "1 alert not delivered (no --to names it now); kept in s for the next run" in said
    status, _, said = run("--spool", "s", "--give-up", "0s")
    assert status == 1
    assert said.count("no receiver is called so; 1 of its alerts given up, in s/dead.ndjson") == 1
    assert Path("s/dead.ndjson").read_bytes().endswith(b'"alert":' + alerts(1)[:-1] + b"}\n")


def test_dead_letters_and_resend():
    """What is given up is a dead letter, which txalertctl lets txalert send again, also one that runs."""
    with Hook(lambda _: 500) as hook:
        args = ("--spool", "s", "--to", hook.url, *SOON)
        status, _, said = run(*args, "--give-up", "0s", data=alerts(1, 2))
        assert status == 1
        assert "2 alerts given up; they are in s/dead.ndjson" in said
        letters = [json.loads(row) for row in Path("s/dead.ndjson").read_bytes().splitlines()]
        assert [(one["reason"], one["alert"]["id"]) for one in letters] == [
            ("HTTP 500", key[:32]) for key in keys(1, 2)
        ]
        hook.answer = lambda _: 200
        with start(*args) as process:
            process.stdin.write(alerts(3))
            hook.wait(lambda hook: hook.taken == keys(3))
            resend = ("resend", "--spool", "s", "s/dead.ndjson")
            assert run(*resend, name="txalertctl") == (
                0,
                b"",
                "txalertctl: 2 alerts to be sent again, 0 delivered or waiting\n",
            )
            hook.wait(lambda hook: sorted(hook.taken) == keys(1, 2, 3))
            process.stdin.close()
            process.wait(30)
        assert process.returncode == 0
        assert run(*resend, name="txalertctl")[2] == (
            "txalertctl: 0 alerts to be sent again, 2 delivered or waiting\n"
        )


def test_resend_to_a_receiver_whose_url_has_changed():
    """What waits under a name that is no more can be had by another that the spool knows."""
    Path("input").write_bytes(alerts(1, 2))
    run("--spool", "s", "--to", f"http://127.0.0.1:{closed_port()}/old", "--drain", "0", "input")
    run("--spool", "s", "--to", "file:new", "--give-up", "0s")
    resend = ("resend", "--spool", "s", "s/dead.ndjson", "--to")
    status, _, said = run(*resend, "file:nwe", name="txalertctl")
    assert status == 2
    assert "--to file:nwe: no receiver is called so; the spool knows http://127.0.0.1:" in said
    sent = "txalertctl: 2 alerts to be sent again, 0 delivered or waiting\n"
    assert run(*resend, "file:new", name="txalertctl") == (0, b"", sent)
    assert run("--spool", "s", "--to", "file:new")[0] == 0
    assert Path("new").read_bytes() == alerts(1, 2)


def test_resend_needs_a_spool():
    """A folder without a spool, and a line that is no dead letter, are said."""
    assert run("resend", "--spool", ".", name="txalertctl")[::2] == (
        2,
        "txalertctl: .: holds no spool; name the folder that txalert --spool names\n",
    )
    run("--spool", "s")
    status, _, said = run("resend", "--spool", "s", data=alerts(1), name="txalertctl")
    assert status == 1
    assert said.startswith("txalertctl: <stdin>:1: no dead letter")


def test_one_txalert_a_spool():
    """A second txalert on a spool is refused with the first one's number, whatever happens to the first."""
    with start("--spool", "s") as process:
        process.stdin.write(alerts(1))
        read_lines(process, 1)
        status, out, said = run("--spool", "s", data=alerts(1))
        assert (status, out) == (2, b"")
        assert said == (
            f"txalert: s: is used by another txalert (process {process.pid}); "
            "end that one, or name another folder\n"
        )
        process.kill()
    assert run("--spool", "s")[0] == 0


def test_full_disk_loses_nothing_acknowledged():
    """Where the spool takes no more, that is a message and 1; what stdout has waits for the next run."""
    hook = f"http://127.0.0.1:{closed_port()}/"
    limited = f"ulimit -f 300; exec {script('txalert')} --spool s --to {hook} --drain 0"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(["bash", "-c", limited], bufsize=0, **pipes) as process:
        process.stdin.write(alerts(*range(20)))
        out = read_lines(process, 20)
        rest, said = process.communicate(alerts(*range(20, 5000)), timeout=60)
    assert process.returncode == 1
    assert said.count(b"txalert: s: ") == 1
    assert b"Traceback" not in said
    assert alerts(*range(5000)).startswith(out + rest)
    waiting = (out + rest).count(b"\n")
    assert f"{waiting} alerts not delivered" in run("--spool", "s")[2]


def test_ctrl_c_keeps_what_is_left():
    """Ctrl-C waits for no receiver; what is left is kept and said."""
    url = f"http://127.0.0.1:{closed_port()}/"
    with start("--spool", "s", "--to", url) as process:
        process.stdin.write(alerts(1))
        read_lines(process, 1)
        process.send_signal(signal.SIGINT)
        said = process.stderr.read().decode()
    assert process.returncode == 130
    assert said.splitlines()[-1].endswith("kept in s for the next run")


def test_commands_inherit_no_secrets():
    """What holds the URL of one receiver, or the secret, is not in the environment of another's command."""
    Path("routes.toml").write_text(
        "[receivers.a]\nurl = \"exec:sh -c 'cat > got; env > seen'\"\n"
        '[receivers.b]\nurl_env = "OTHER_URL"\nsecret_env = "OTHER_SECRET"\n[[routes]]\nto = ["a"]\n'
    )
    secrets = {"OTHER_URL": "https://soc.example/key", "OTHER_SECRET": "hush", "TXALERT_SECRET": "hush"}
    env = {**os.environ, **secrets, "KEPT": "1"}
    assert run("--routes", "routes.toml", data=alerts(1), env=env) == (0, alerts(1), "")
    seen = Path("seen").read_text().splitlines()
    assert "KEPT=1" in seen
    assert not [one for one in seen if one.partition("=")[0] in secrets]


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGHUP])
def test_a_supervisor_that_ends_it(asked):
    """SIGTERM and SIGHUP are like the end of input: what waits is delivered first."""
    goes_on = threading.Event()
    with Hook(lambda _: goes_on.wait(30) and TAKEN) as hook, start("--to", hook.url) as process:
        process.stdin.write(alerts(*range(20)))
        read_lines(process, 20)
        hook.wait(lambda hook: hook.got)
        process.send_signal(asked)
        goes_on.set()
        assert process.stderr.read() == b""
        assert process.wait(30) == 128 + asked
        assert hook.taken == keys(*range(20))


@pytest.mark.parametrize(
    ("breaking", "is_bug"), [("DROP TABLE deliveries", False), ("UPDATE alerts SET line = 5", True)]
)
def test_a_receiver_that_breaks_for_good_ends_it(breaking, is_bug):
    """Delivery that cannot go on ends the command with 1 at once, though nothing more comes in."""
    with Hook(lambda _: 503) as hook, start("--spool", "s", "--to", hook.url, "--retry", "0.05") as process:
        process.stdin.write(alerts(1))
        read_lines(process, 1)
        hook.wait(lambda hook: hook.got)
        with contextlib.closing(sqlite3.connect("s/spool.db", timeout=30)) as db:
            db.execute(breaking)
            db.commit()
        said = process.stderr.read().decode()
        assert process.wait(30) == 1
    assert "delivery has stopped" in said
    assert ("Traceback" in said) == is_bug


def test_reader_gone():
    """A reader of stdout that goes away ends it with 141; what was taken is delivered."""
    with Hook() as hook:
        reader, closed = os.pipe()
        os.close(reader)
        done = subprocess.run(
            [script("txalert"), "--spool", "s", "--to", hook.url, *SOON],
            input=alerts(1, 2),
            stdout=closed,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
        os.close(closed)
    assert (done.returncode, done.stderr) == (141, b"")
    assert hook.taken == keys(1, 2)


def test_secrets_are_never_shown():
    """Of a URL only scheme, host and port are in messages, the spool and the list of processes."""
    url = f"http://someone:hidden1@127.0.0.1:{closed_port()}/hidden2?key=hidden3"
    with start("--spool", "s", "--to", url, "--give-up", "0s") as process:
        process.stdin.write(alerts(1))
        read_lines(process, 1)
        shown = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        process.stdin.close()
        shown += process.stderr.read()
    shown += b"".join(path.read_bytes() for path in Path("s").iterdir())
    assert b"127.0.0.1" in shown
    assert b"hidden" not in shown
    assert b"someone" not in shown


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--to", "gopher:"], "gopher: Apprise has no such service"),
        (["--to", "file:a", "--to", "file:a"], "--to file:a: is named twice"),
        (["--spool", "s", "--to", "file:./s/spool.db"], "file:./s/spool.db: is a file of the spool itself"),
        (["--spool", "s", "--to", "ecs+file:s/dead.ndjson"], "is a file of the spool itself; name another"),
        (
            ["--spool", "s", "--to", "sqlite:///s/spool.db"],
            "sqlite:s/spool.db: is a file of the spool itself",
        ),
        (["--spool", "loop", "--to", "file:a"], "loop: is no folder; name one"),
        (["--give-up", "5"], "'5' is no span of time as in 90s"),
        (["--spool", "no/such"], "cannot be made; make the folder above it"),
        (["--secret-file", "none", "--to", "file:a"], "--secret-file none: cannot be read"),
    ],
)
def test_usage(args, words):
    """What makes no sense is refused before anything is read."""
    Path("loop").symlink_to("loop")
    status, out, said = run(*args, data=alerts(1))
    assert (status, out) == (2, b"")
    assert words in said


def flapping(seed):
    """Answers that take, fail, break off, and take without saying so."""
    chance = random.Random(seed)
    return lambda _: chance.choice([200, 200, 200, 503, None, (429, {"retry-after": "0"})])


def rounds(count, a_round=30):
    """Kill txalert again and again while a receiver flaps; returns what became of the alerts.

    Like any source that repeats what its reader has not acknowledged, each round begins with what the last
    one did not bring to stdout.
    """
    chance = random.Random(5)
    acknowledged = 0
    with Hook(flapping(7)) as hook:
        args = ("--spool", "s", "--to", hook.url, "--retry", "0.02", "--drain", "60")
        for _ in range(count):
            with start(*args) as process:
                process.stdin.write(alerts(*range(acknowledged, acknowledged + a_round)))
                seen = len(hook.got)
                acknowledged += read_lines(process, 1).count(b"\n")
                more = chance.randrange(12)
                hook.wait(lambda hook: len(hook.got) >= seen + more)  # noqa: B023 - called at once
                process.kill()
        hook.answer = lambda _: 200
        assert run(*args)[0] == 0
    return acknowledged, hook.taken, [got.headers["idempotency-key"] for got in hook.got]


def test_kill_at_any_moment_loses_nothing():
    """Killed again and again, every alert comes; what comes twice was under way at a kill."""
    count = int(os.environ.get("TXPIPE_KILLS", "6"))
    acknowledged, taken, _ = rounds(count)
    assert acknowledged >= count
    assert set(keys(*range(acknowledged))) <= set(taken)
    repeated = [key for key, times in Counter(taken).items() if times > 1]
    assert sum(Counter(taken)[key] - 1 for key in repeated) <= count


def restrained(url):
    return (
        f'[receivers.log]\nurl = "file:log"\n[receivers.chief]\nurl = "{url}"\n[[routes]]\nto = ["log"]\n'
        '[[limits]]\nname = "flood"\ntype = "limit"\ncount = 2\nfor = "1h"\ntrack = ["subject"]\n'
        '[[escalate]]\nto = ["chief"]\nby = ["subject"]\ncount = 20\n'
    )


def test_kill_at_any_moment_keeps_count():
    """Killed again and again, each alert is delivered or counted in a digest; a level is reached once."""
    chance = random.Random(11)
    count = int(os.environ.get("TXPIPE_KILLS", "6"))
    data = [alerts(n, severity="high", subject=f"0x{n % 3}") for n in range(30 * count + 60)]
    acknowledged = 0
    with Hook(flapping(3)) as hook:
        Path("routes.toml").write_text(restrained(hook.url))
        args = ("--routes", "routes.toml", "--spool", "s", *SOON)
        for _ in range(count):
            with start(*args) as process:
                process.stdin.write(b"".join(data[acknowledged : acknowledged + 25]))
                acknowledged += read_lines(process, chance.randrange(1, 20)).count(b"\n")
                process.kill()
        hook.answer = lambda _: 200
        assert run(*args, data=b"".join(data[max(0, acknowledged - 30) :]))[0] == 0
    got = {one["id"]: one for one in map(json.loads, Path("log").read_bytes().splitlines())}
    held = [one["evidence"]["held_back"] for one in got.values() if one["rule"] == "held-back"]
    assert len(got) - len(held) == 6
    assert sum(held) == len(data) - 6
    assert sorted(set(hook.taken)) == keys(57, 58, 59)


ROUTES = """
[receivers.soc]
url_env = "SOC"
[receivers.log]
url = "file:log"
[[routes]]
to = ["soc"]
severity = "high"
[[routes]]
to = ["log"]
severity = "medium"
"""


def test_routes():
    """Each alert goes to whom its route names; --to gets everything; what meets no route is said."""
    Path("routes.toml").write_text(ROUTES)
    data = (
        alerts(1)
        + alerts(2, severity="medium")
        + alerts(3, severity="low")
        + alerts(1, status="retracted", rev=1)
    )
    with Hook() as hook:
        args = ("--routes", "routes.toml", "--spool", "s", *SOON)
        done = run(*args, "--to", "file:all", data=data, env={"SOC": hook.url})
    met = "txalert: 1 alert met no route; a last one without conditions takes all\n"
    assert done == (0, data, met)
    assert hook.taken == [*keys(1), f"{1:032x}:1"]
    assert Path("log").read_bytes() == alerts(2, severity="medium")
    assert Path("all").read_bytes() == data


def test_what_follows_goes_to_whom_the_first_went():
    """A retraction goes to who had the alert and nobody else, in a later run, too, whatever routes say."""
    Path("routes.toml").write_text(ROUTES)
    with Hook() as hook:
        args = ("--routes", "routes.toml", "--spool", "s", *SOON)
        run(*args, data=alerts(1), env={"SOC": hook.url})
        run(*args, data=alerts(1, severity="medium", status="retracted", rev=1), env={"SOC": hook.url})
    assert hook.taken == [*keys(1), f"{1:032x}:1"]
    assert not Path("log").exists()


@pytest.mark.parametrize("spool", [(), ("--spool", "s")], ids=["memory", "spool"])
def test_what_follows_at_once(spool):
    """A retraction right behind its alert, taken with it, goes to who gets the alert."""
    Path("routes.toml").write_text(ROUTES)
    data = alerts(1, 2) + alerts(2, status="retracted", rev=1) + alerts(1, status="updated", rev=1)
    data += alerts(1, status="retracted", rev=2, severity="low")
    with Hook() as hook:
        run("--routes", "routes.toml", "--to", "file:all", *spool, *SOON, data=data, env={"SOC": hook.url})
    assert hook.taken == [*keys(1, 2), f"{2:032x}:1", f"{1:032x}:1", f"{1:032x}:2"]
    assert Path("all").read_bytes() == data


def test_check():
    """--check names what is wrong with a route file by file and key, all of it, and reads no alerts."""
    Path("routes.toml").write_text(ROUTES)
    assert run("--check", "--routes", "routes.toml", env={"SOC": "https://h/"}) == (
        0,
        b"",
        "txalert: routes.toml: sound: receivers soc, log; 2 routes\n",
    )
    Path("routes.toml").write_text(ROUTES + "usd = true\nhour = 5\n")
    status, out, said = run("--check", "--routes", "routes.toml")
    assert (status, out) == (2, b"")
    assert said == (
        "txalert: routes.toml: receivers.soc url_env: SOC is not set in the environment\n"
        "txalert: routes.toml: routes[2].hour is unknown; did you mean hours?\n"
        "txalert: routes.toml: routes[2].usd is no amount (USD)\n"
    )
    assert run("--check")[0] == 2


def test_route_test():
    """txalertctl route-test says who would get an alert and why, without a secret."""
    Path("routes.toml").write_text(ROUTES + 'hours = "08:00-18:00"\n')
    test = ("route-test", "--routes", "routes.toml", "--at")
    data = alerts(1, severity="medium")
    at_noon = run(*test, "2026-11-28T12:00:00Z", data=data, name="txalertctl")
    title = "MEDIUM 95 listed: Pays an address on a sanctions list: "
    no = "  routes[1]: no, severity medium is below high\n"
    assert at_noon == (0, f"{title}log\n{no}  routes[2]: yes, log\n".encode(), "")
    at_night = run(*test, "2026-11-28T22:00:00Z", data=data, name="txalertctl")
    assert at_night == (0, f"{title}nobody\n{no}  routes[2]: no, it is outside its hours\n".encode(), "")
    assert run(*test, "2026-11-28T22:00:00Z", data=b"nope\n", name="txalertctl")[0] == 1


def ctl(*args):
    status, out, said = run(*args, name="txalertctl")
    return status, [json.loads(row) for row in out.splitlines()], said


def test_silence():
    """A silence mutes what meets it, at once and with a count, until it expires; stdout has everything."""
    with Hook() as hook:
        run("--spool", "s")
        with start("--spool", "s", "--to", hook.url) as process:
            about = ("--subject", ALERT["subject"], "--up-to", "medium")
            add = ("silence", "add", "--spool", "s", "--for", "1h", "--reason", "sweep")
            status, (made,), _ = ctl(*add, *about)
            assert status == 0
            assert made["ends"] - made["begins"] == 3600
            assert (made["number"], made["reason"], made["up_to"], made["muted"]) == (1, "sweep", "medium", 0)
            data = alerts(1, severity="medium") + alerts(2) + alerts(3, severity="low", subject="0x1")
            process.stdin.write(data)
            assert read_lines(process, 3) == data
            hook.wait(lambda hook: hook.taken == keys(2, 3))
            assert ctl("silence", "list", "--spool", "s")[1] == [{**made, "muted": 1}]
            assert ctl("silence", "expire", "--spool", "s", "1")[0] == 0
            process.stdin.write(alerts(4, severity="low"))
            hook.wait(lambda hook: hook.taken == keys(2, 3, 4))
            process.stdin.close()
            said = process.stderr.read().decode()
    assert process.returncode == 0
    assert said == "txalert: 1 alert muted; why: txalertctl silence list\n"
    assert ctl("silence", "list", "--spool", "s")[1] == []
    assert [one["muted"] for one in ctl("silence", "list", "--all", "--spool", "s")[1]] == [1]


def test_silences_that_make_no_sense():
    """A silence of everything is refused, and so is the end of one that does not hold."""
    run("--spool", "s")
    status, _, said = ctl("silence", "add", "--spool", "s", "--for", "1h", "--reason", "x")
    assert status == 2
    assert "it would mute everything" in said
    assert ctl("silence", "expire", "--spool", "s", "7")[::2] == (
        2,
        "txalertctl: no silence 7 holds; txalertctl silence list --all shows all\n",
    )
    assert ctl("silence", "expire", "--spool", "s", str(2**63))[0] == 2


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"--rule": b"\xff"}, r"'\udcff' is empty, or no UTF-8"),
        ({"--subject": "\ud800".encode("utf-8", "surrogatepass")}, "is empty, or no UTF-8"),
        ({"--reason": b"\xff"}, r"'\udcff' is empty, or no UTF-8"),
        ({"--incident": b""}, "'' is empty, or no UTF-8"),
        ({"--for": b"0s"}, "--for 0s mutes nothing"),
    ],
    ids=str,
)
def test_silences_of_what_is_no_text(changed, words):
    """What no alert can have, or lasts no time, is said: it would mute nothing."""
    run("--spool", "s")
    said = {"--for": b"1h", "--reason": b"x", "--rule": b"x", **changed}
    args = [part for pair in said.items() for part in pair]
    status, _, told = ctl("silence", "add", "--spool", "s", *args)
    assert status == 2
    assert told.rstrip("\n").endswith(words)


def test_groups():
    """Alerts of one incident are one message; at the end of input nothing waits."""
    with Hook() as hook:
        url = hook.url.replace("http", "json")
        Path("routes.toml").write_text(
            f'[receivers.chat]\nurl = "{url}"\ngroup = ["incident"]\nwait = "1h"\ninterval = "1h"\n'
            '[[routes]]\nto = ["chat"]\n'
        )
        data = alerts(1, 2, incident="a") + alerts(3, incident="b") + alerts(4, incident="a")
        assert run("--routes", "routes.toml", "--spool", "s", *SOON, data=data) == (0, data, "")
    titles = [json.loads(got.body)["title"] for got in hook.got]
    assert [title.split(",")[0] for title in titles] == [
        "3 alerts",
        "CRITICAL 95 listed: Pays an address on a sanctions list",
    ]


def test_which_of_several_is_none():
    """Of several URLs, none of which may be shown, a fault says which it is about."""
    status, out, said = run(env={"TXALERT_TO": "file:a https://hidden@ file:b"}, data=alerts(1))
    assert (status, out, said) == (
        2,
        b"",
        "txalert: --to number 2: https: no URL: it has no host; write https://HOST/PATH\n",
    )


def test_retraction_where_a_receiver_has_another_name():
    """Where nobody who had an alert is named any more, a retraction goes to who would get the alert now."""
    args = ("--spool", "s", *SOON)
    back = alerts(1, status="retracted", rev=1)
    assert run(*args, "--to", "file:old", "--to", "file:other", data=alerts(1)) == (0, alerts(1), "")
    assert run(*args, "--to", "file:new", "--to", "file:other", "--drain", "0.5", data=back)[:2] == (1, back)
    assert (Path("other").read_bytes(), Path("new").exists()) == (alerts(1) + back, False)
    assert run(*args, "--to", "file:old", data=alerts(2)) == (0, alerts(2), "")
    back = alerts(2, status="retracted", rev=1)
    assert run(*args, "--to", "file:new", "--drain", "0.5", data=back)[:2] == (1, back)
    assert Path("new").read_bytes() == back


def test_repeat_that_was_taken_out():
    """What stood when ``repeat`` was taken out of the file does not come up once it is there again."""
    with Hook() as hook:
        args = ("--routes", "routes.toml", "--spool", "s", *SOON)
        Path("routes.toml").write_text(chat(hook.url, 'repeat = "1s"\n'))
        run(*args, data=alerts(1, incident="a"))
        Path("routes.toml").write_text(chat(hook.url, 'group = ["rule"]\n'))
        run(*args)
        Path("routes.toml").write_text(chat(hook.url, 'repeat = "1s"\n'))
        time.sleep(1.1)
        run(*args)
    assert len(hook.got) == 1


def test_a_number_beyond_any_float():
    """What nobody looked at when it came harms no receiver that does; a dead letter of it comes back."""
    data = alerts(1, severity="high").replace(b"3975.0", b"1e999") + alerts(2).replace(b"3975.0", b"9" * 5000)
    with Hook() as hook:
        Path("routes.toml").write_text(
            f'[receivers.chat]\nurl = "{hook.url.replace("http", "json")}"\nrepeat = "1h"\n'
            f'[receivers.siem]\nurl = "ecs+{hook.url}"\n[receivers.db]\nurl = "sqlite:///a.db"\n'
            f'[receivers.am]\nurl = "alertmanager:{hook.url}"\n'
            '[[routes]]\nto = ["chat", "siem", "db", "am"]\n'
            '[[limits]]\ntype = "limit"\ncount = 1\nfor = "1h"\nto = ["db"]\n'
        )
        assert run("--routes", "routes.toml", "--dedupe", *SOON, data=data) == (0, data, "")
        assert len(hook.got) == 2 + 2 + 1
        hook.answer = lambda _: 500
        assert run("--to", hook.url, "--spool", "s", *SOON, "--give-up", "0s", data=data)[0] == 1
        resend = run("resend", "--spool", "s", "s/dead.ndjson", name="txalertctl")
    assert resend == (0, b"", "txalertctl: 2 alerts to be sent again, 0 delivered or waiting\n")


def chat(url, more=""):
    return f'[receivers.chat]\nurl = "{url.replace("http", "json")}"\n{more}[[routes]]\nto = ["chat"]\n'


def titles(hook):
    return [json.loads(got.body)["title"] for got in hook.got]


def test_reminders():
    """What stands is told again while nothing comes, over a kill, too, which may repeat the one under way."""
    with Hook() as hook:
        Path("routes.toml").write_text(chat(hook.url, 'repeat = "1s"\nreminders = 3\n'))
        args = ("--routes", "routes.toml", "--spool", "s", *SOON)
        with start(*args) as process:
            process.stdin.write(alerts(1))
            hook.wait(lambda hook: len(hook.got) == 2)
            process.kill()
        with start(*args) as process:
            hook.wait(lambda hook: "Reminder 3" in titles(hook)[-1])
            process.stdin.close()
            process.wait(30)
    first, *others = titles(hook)
    assert first == "CRITICAL 95 listed: Pays an address on a sanctions list"
    given = dict.fromkeys(title.split(",")[0] for title in others if title != first)
    assert list(given) == [f"Reminder {number} of 3" for number in (1, 2, 3)]
    assert all(title.endswith(first) for title in others)


def test_escalation():
    """An incident that grows goes to a further receiver, who is told why; stdout is the same."""
    with Hook() as hook, Hook() as chief:
        Path("routes.toml").write_text(
            chat(hook.url) + f'[receivers.chief]\nurl = "{chief.url}"\n'
            '[[escalate]]\nname = "many"\nto = ["chief", "chat"]\ncount = 3\n'
        )
        data = alerts(1, 2, 3, 4, incident="a")
        args = ("--routes", "routes.toml", "--spool", "s", *SOON)
        assert run(*args, data=alerts(1, 2, incident="a")) == (0, alerts(1, 2, incident="a"), "")
        assert run(*args, data=data) == (0, data, "")
    assert [title.partition(":")[0] for title in titles(hook)][2:] == [
        "Escalated (many)",
        "CRITICAL 95 listed",
    ]
    assert chief.taken == keys(3)
    assert chief.got[0].headers["txalert-note"] == "Escalated (many): 3 alerts"


LIMITED = """
[receivers.log]
url = "file:log"
[[routes]]
to = ["log"]
[[limits]]
name = "flood"
type = "limit"
count = 2
for = "1h"
track = ["subject"]
"""


def test_limits():
    """What a limit holds back is on stdout, counted, and comes as a digest at the end; a kill loses none."""
    Path("routes.toml").write_text(LIMITED)
    args = ("--routes", "routes.toml", "--spool", "s", *SOON)
    data = alerts(*range(10), severity="high")
    with start(*args) as process:
        process.stdin.write(data)
        assert read_lines(process, 10) == data
        process.kill()
    status, out, said = run(*args, data=data + alerts(10, severity="high") + alerts(11))
    assert (status, out.count(b"\n")) == (0, 12)
    assert said == "txalert: 1 alert held back by the limit flood\n"
    got = [json.loads(row) for row in Path("log").read_bytes().splitlines()]
    assert list(dict.fromkeys(int(one["id"], 16) for one in got[:-1])) == [0, 1, 11]  # a kill may repeat
    assert got[-1]["title"] == "9 alerts held back by the limit flood, this the gravest"
    assert got[-1]["evidence"]["rules"] == {"listed": 9}


@pytest.mark.parametrize("kind", [chat_kit.Discord, chat_kit.Slack, chat_kit.Telegram])
def test_chats_change_their_messages(kind):
    """An update and a retraction of a later run change the message of an earlier one; no token is shown."""
    with kind() as service:
        args = ("--to", service.address, "--spool", "s", *SOON)
        statuses = [
            run(*args, data=data)
            for data in (
                alerts(1, 2, severity="high"),
                alerts(1, severity="high", status="updated", rev=1) + alerts(2, status="retracted", rev=1),
            )
        ]
    assert [(status, said) for status, _, said in statuses] == [(0, "")] * 2
    found = [text.split(" ")[0] for text in service.messages.values()]
    assert found == ["HIGH", "RETRACTED,", "RETRACTED,"]
    assert "updated" in service.messages[1000]
    assert b"hidden" not in b"".join(path.read_bytes() for path in Path("s").iterdir())


def test_labels_are_known_to_the_next_run():
    """A later run takes back what an earlier one posted to an Alertmanager, under the labels of then."""
    with Hook() as hook:
        args = ("--to", f"alertmanager:{hook.url}", "--spool", "s", *SOON)
        first = alerts(1, severity="high") + alerts(2, severity="high")
        later = alerts(1, severity="low", status="updated", rev=1) + alerts(2, status="retracted", rev=1)
        statuses = [run(*args, data=data)[::2] for data in (first, later)]
    assert statuses == [(0, "")] * 2
    opened, changed = (json.loads(got.body) for got in hook.got)
    resolved = [one["labels"] for one in changed if one["endsAt"] < opened[0]["endsAt"]]
    assert all(one["labels"] in resolved for one in opened)
    assert len(changed) == 4


def test_inhibition():
    """A grave alert mutes its lesser kin; that is said, and stdout has everything."""
    Path("routes.toml").write_text(
        '[receivers.log]\nurl = "file:log"\n[[routes]]\nto = ["log"]\n[inhibit]\nequal = ["subject"]\n'
    )
    data = alerts(1) + alerts(2, severity="low") + alerts(3, severity="low", subject="0x1")
    done = run("--routes", "routes.toml", data=data)
    said = "txalert: 1 alert muted by graver ones of their kind ([inhibit] of the route file)\n"
    assert done == (0, data, said)
    assert Path("log").read_bytes() == alerts(1) + alerts(3, severity="low", subject="0x1")


def test_inhibition_over_restarts():
    """With a spool a grave alert mutes its kin of the next run, too."""
    Path("routes.toml").write_text(
        '[receivers.log]\nurl = "file:log"\n[[routes]]\nto = ["log"]\n[inhibit]\nequal = ["subject"]\n'
    )
    args = ("--routes", "routes.toml", "--spool", "s")
    assert run(*args, data=alerts(1)) == (0, alerts(1), "")
    assert "1 alert muted by graver ones" in run(*args, data=alerts(2, severity="low"))[2]
    assert Path("log").read_bytes() == alerts(1)


def until(condition, seconds=30):
    """Wait until it holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.02)


def records(process, count):
    """So many lines of a txalert, parsed."""
    return [json.loads(row) for row in read_lines(process, count).splitlines()]


def test_deadman():
    """Silence is an alert, on stdout and at the receiver, while nothing comes; a restart keeps still."""
    args = ("--deadman", "0.3", "--spool", "s")
    with Hook() as hook:
        with start(*args, "--to", hook.url) as process:
            process.stdin.write(line(HEARTBEAT))
            beat, opened = records(process, 2)
            assert beat == HEARTBEAT
            assert (opened["rule"], opened["status"], opened["rev"]) == ("deadman", "open", 0)
            hook.wait(lambda hook: hook.taken == [f"{opened['id']}:0"])
            with Database(Path("s")).reading() as db:  # killed before, it is told again under the same id
                until(lambda: db.execute("SELECT told FROM deadman").fetchall() == [(1,)])
            process.kill()
        with start(*args, "--to", hook.url) as process:
            assert not select.select([process.stdout], [], [], 1.0)[0]
            process.stdin.write(line(HEARTBEAT))
            taken_back, beat = records(process, 2)
            assert (taken_back["id"], taken_back["status"]) == (opened["id"], "retracted")
            assert beat == HEARTBEAT
            process.stdin.close()
            process.wait(30)
        assert set(hook.taken) == {f"{opened['id']}:0", f"{opened['id']}:1"}


def test_deadman_hears_of_trouble():
    """A chain whose heartbeats go on saying blind is an alert, whatever is filtered out."""
    blind = line(HEARTBEAT, status="blind")
    with start("--deadman", "0.5", "-m", "critical", "--format", "csv") as process:
        found = b""
        while b",deadman," not in found:
            process.stdin.write(blind)
            if select.select([process.stdout], [], [], 0.05)[0]:
                found += os.read(process.stdout.fileno(), 1 << 16)
        process.stdin.write(line(HEARTBEAT))
        process.stdin.close()
        found += process.stdout.read()
        said = process.stderr.read()
    assert (process.returncode, said) == (0, b"")
    rows = [row.split(",")[1:8] for row in found.decode().splitlines() if ",deadman," in row]
    assert [row[0] for row in rows] == ["open", "retracted"]
    assert all(row[3:7] == ["high", "100", "deadman", "operations"] for row in rows)


def test_deadman_and_the_end():
    """The end of input, and a file, make no silence."""
    assert run("--deadman", "0.1", data=alerts(1)) == (0, alerts(1), "")
    Path("alerts.ndjson").write_bytes(alerts(1, 2))
    assert run("--deadman", "0.1", "alerts.ndjson")[:2] == (0, alerts(1, 2))
    assert run("--deadman", "0")[0] == 2


def test_memory_has_a_bound():
    """Without a spool a dead receiver costs a bounded memory; what is lost is counted and said."""
    count, size = 300, 1_000_000
    with Path("alerts.ndjson").open("wb") as file:
        file.writelines(alerts(number, title="x" * size) for number in range(count))
    args = ("--to", f"http://127.0.0.1:{closed_port()}/", "--drain", "0", "alerts.ndjson")
    with Path("out").open("wb") as out, Path("err").open("wb") as err:
        command = measured(script("txalert"), *args)
        status = subprocess.run(command, stdout=out, stderr=err, timeout=120, check=False).returncode
    assert status == 1
    assert Path("out").stat().st_size == Path("alerts.ndjson").stat().st_size
    assert int(Path("peak").read_text()) < 200_000
    said = Path("err").read_text()
    kept = int(re.search(r"(\d+) alerts not delivered", said)[1])
    lost = int(re.search(r"(\d+) alerts more than memory is to hold; lost, for there is no --spool", said)[1])
    assert kept + lost == count
    assert 50 <= kept <= 67
