"""txdetect --heartbeat: signs of life on a silent input, and what is passed on, whatever path lines take."""

import itertools
import json
import os
import signal
import subprocess
import time

import pytest

from conftest import script
from examples import HEARTBEAT, line
from node_kit import Anvil

LISTS = ("--list", "blocklists/demo.csv", "--no-stats")
FAR = ("--heartbeat", "1000")
ODD_BEAT = b'{ "time":1, "source":"x y",\t"bad":0,"records":1,"lag_s":1.50,"block":null, "chain":"eip155:9",'


def beats_and_reorgs(number, record):
    """Return lines that pass, now and then: byte for byte, spaces and all."""
    if number % 1501 == 1500:
        reorg = {"type": "reorg", "chain": "eip155:1", "time": record["time"], "dropped": ["0x…"]}
        return [json.dumps(reorg | {"block": record["block"] - 40, "depth": 41}, ensure_ascii=False).encode()]
    if number % 997 == 500:
        return [ODD_BEAT + b'"status":"ok","type":"heartbeat"}\r', line(HEARTBEAT, status="blind")[:-1]]
    if number % 1999 == 3:
        return [ODD_BEAT + rb'"status":"ok","type":"he\u0061rtbeat"}']
    return []


@pytest.fixture(scope="module")
def lines():
    """Return a stream with alerts, reorgs that take some of them back, and heartbeats; and what must pass."""
    made = subprocess.run(
        [script("txsim"), "--seed", "12", "-n", "12000", "--fraud-rate", "0.2", "--tps", "0.3", "--no-stats"],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    lines, passing = [], []
    for number, one in enumerate(made.stdout.splitlines()):
        more = beats_and_reorgs(number, json.loads(one))
        passing += more
        lines += [one, *more]
    return b"\n".join(lines) + b"\n", passing


def detect(data, *options, status=0):
    done = subprocess.run(
        [script("txdetect"), *LISTS, *map(str, options)],
        input=data, capture_output=True, timeout=100, check=False,
    )  # fmt: skip
    assert (done.returncode, b"Traceback" in done.stderr) == (status, False), done.stderr[-2000:]
    return done.stdout


def is_alert(text):
    return text.startswith(b'{"type":"alert"')


@pytest.mark.parametrize("only", [[], ["--only", "listed,mention"], ["--only", "listed", "--strict"]])
def test_what_passes(lines, only):
    """Alerts are those of a run without the option; reorgs and heartbeats pass byte for byte, in order."""
    plain = detect(lines[0], *only).splitlines()
    assert all(map(is_alert, plain))
    said = detect(lines[0], *only, *FAR).split(b"\n")[:-1]
    assert [one for one in said if is_alert(one)] == plain
    assert [one for one in said if not is_alert(one)] == lines[1]


def test_a_reorg_comes_before_what_it_takes_back(lines):
    """Its retractions stand right behind it; what was said of blocks before it stands before."""
    said = detect(lines[0], *FAR).splitlines()
    retracted = 0
    for before, one in itertools.pairwise(said):
        if is_alert(one) and json.loads(one)["status"] == "retracted":
            retracted += 1
            assert b'"reorg"' in before or json.loads(before)["status"] == "retracted"
    assert retracted > 5


@pytest.mark.parametrize("option", ["jobs", "state", "shadow"])
def test_every_path_says_the_same(lines, tmp_path, option):
    """Several processes, a state file, a trial of the same rules: the same bytes in the same order."""
    (tmp_path / "rules.toml").touch()
    more = {
        "jobs": ("--jobs", 2), "state": ("--state", tmp_path / "state"),
        "shadow": ("--shadow", tmp_path / "rules.toml"),
    }  # fmt: skip
    assert detect(lines[0], *FAR, *more[option]) == detect(lines[0], *FAR)


def test_a_second_run_with_state(lines, tmp_path):
    """Run again on the same input: heartbeats come twice, the same; alerts and reorgs do not."""
    whole = detect(lines[0], *FAR).splitlines()
    half = b"\n".join(lines[0].split(b"\n")[:7_001]) + b"\n"
    state = ("--state", tmp_path / "state")
    first, second = (detect(data, *FAR, *state).splitlines() for data in (half, lines[0]))
    beats = [one for one in whole if b'"lag_s"' in one and not is_alert(one)]
    assert [one for one in first + second if one not in beats] == [one for one in whole if one not in beats]
    assert [one for one in second if one in beats] == beats


class Running:
    """A txdetect whose input stays open."""

    def __init__(self, *options):
        self.process = subprocess.Popen(
            [script("txdetect"), *LISTS, *map(str, options)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def write(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def beat(self):
        return json.loads(self.process.stdout.readline())


@pytest.mark.parametrize("more", [[], ["--jobs", "2"], ["--only", "listed"]])
def test_a_silent_input(lines, more):
    """With nothing to read, a heartbeat comes at its pace; the lag grows and the chain is called stalled."""
    data = b"".join(lines[0].splitlines(keepends=True)[:990])
    last = json.loads(data.splitlines()[-1])
    with Running("--heartbeat", "0.5", "--stall", "1.2", *more) as running:
        running.write(b"{junk\n" + data)
        while (first := running.beat())["type"] != "heartbeat" or first["source"] != "txdetect":
            continue
        assert (first["chain"], first["block"]) == ("eip155:1", last["block"])
        assert (first["records"], first["bad"], first["status"]) == (990 - data.count(b"lag_s"), 1, "ok")
        deadline = time.monotonic() + 20
        beats = [first]
        while beats[-1]["status"] != "stalled":
            assert time.monotonic() < deadline
            beats.append(running.beat())
        assert len(beats) >= 3  # 1.2 seconds, one every half
        assert beats[-1]["lag_s"] == beats[-1]["time"] - last["time"] >= first["lag_s"] + 1
        running.write(lines[0].splitlines(keepends=True)[990])
        deadline = time.monotonic() + 20
        while running.beat()["status"] != "ok":
            assert time.monotonic() < deadline


def test_ctrl_c_and_a_closed_reader():
    """While it waits, Ctrl-C ends it with 130; a reader that goes away is noticed by the next heartbeat."""
    with Running("--heartbeat", "0.2") as running:
        running.write(line(HEARTBEAT))
        running.beat()
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(20) == 130
    with Running("--heartbeat", "0.2") as running:
        running.write(line(HEARTBEAT))
        running.beat()
        running.process.stdout.close()
        assert running.process.wait(20) == 141
        running.process.stdout = None


class Pipeline:
    """txtail | txdetect --heartbeat | txalert on a node; ``with`` ends it."""

    def __init__(self, node, out, form):
        self.out = out
        command = (
            f"{script('txtail')} --rpc {node.url} --from 0 --poll 0.05 --stall 1 | {script('txdetect')} "
            f"--no-stats --only listed --heartbeat 0.5 | {script('txalert')} --format {form} > {out}"
        )
        self.process = subprocess.Popen(["bash", "-c", command], start_new_session=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(20)

    def shows(self, wanted):
        """Wait until a line is shown for which ``wanted`` holds, after those that were seen before."""
        deadline = time.monotonic() + 30
        while not any(
            wanted(one)
            for one in (self.out.read_text(errors="replace") if self.out.exists() else "").splitlines()
        ):
            assert time.monotonic() < deadline, self.out.read_text()
            time.sleep(0.02)


@pytest.mark.anvil
def test_a_stall_is_loud(anvil, tmp_path):
    """A chain without new blocks is shown to people, by txtail and, again and again, by txdetect."""
    anvil.mine(3)
    with Pipeline(anvil, tmp_path / "out", "human") as pipe:
        pipe.shows(lambda one: one.startswith("STALLED") and "last block 3" in one and "says txtail" in one)
        pipe.shows(lambda one: one.startswith("STALLED") and "last block 3" in one and "says txdetect" in one)


@pytest.mark.anvil
def test_a_lost_node_is_loud(tmp_path):
    """Killed, the node makes both say blind; back again, ok."""
    with Anvil(state=tmp_path / "state.json", save_s=3600) as node:
        node.mine(3)
        node.stop()
        node.start()
        out = tmp_path / "out"
        with Pipeline(node, out, "ndjson") as pipe:
            say = lambda who, what, at: pipe.shows(  # noqa: E731
                lambda one: (
                    (found := json.loads(one))["source"] == who
                    and found["status"] == what
                    and found["block"] in at
                )
            )
            say("txdetect", "ok", {3})
            node.kill()
            say("txtail", "blind", {3})
            say("txdetect", "blind", {3})
            node.start()
            node.mine()
            say("txtail", "ok", {3, 4})
            say("txdetect", "ok", {4})
        jq = ["jq", "-r", 'select(.type == "heartbeat" and .status != "ok") | .source', str(out)]
        shown = subprocess.run(jq, capture_output=True, check=True).stdout.split()
        assert {b"txtail", b"txdetect"} == set(shown)
