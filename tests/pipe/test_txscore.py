"""txscore as a process: one pipe, pages, terminals, much and hostile input."""

import json
import os
import pty
import re
import signal
import subprocess
from pathlib import Path

import pytest

from conftest import CHECKOUT, script
from examples import ALERT, RECORDS, TX, line
from memory_kit import measured

LABEL = line(RECORDS["label"])
FOUND = line(ALERT)
PATH = f"{Path(script('txscore')).parent}:{os.environ['PATH']}"


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("labels.ndjson").write_bytes(LABEL)


def run(*args, data=FOUND, **more):
    done = subprocess.run(
        [script("txscore"), *args], input=data, capture_output=True, timeout=60, check=False, **more
    )
    return done.returncode, done.stdout, done.stderr.decode()


def rows(out):
    return [json.loads(row) for row in out.splitlines()]


def named(path):
    """(chain, tx) of every record of a file that names a transaction, and the record."""
    return [
        ((record["chain"], record["tx"]), record)
        for record in rows(Path(path).read_bytes())
        if "tx" in record
    ]


def test_words_of_txalert_are_no_findings():
    """A dead man's switch in the pipe changes no number: silence accuses nobody."""
    silence = line(ALERT, id="f" * 32, rule="deadman", tx="silence-1", chain="txpipe:input")
    assert run("--labels", "labels.ndjson", data=FOUND + silence) == run("--labels", "labels.ndjson")


def test_one_pipe():
    """Labels and records of the same pipe are read when they are complete; plain sets count the same."""
    text = (
        "txsim --seed 7 --records 20000 --fraud-rate 0.05 --labels made.ndjson | tee records.ndjson"
        f" | txdetect --list {CHECKOUT}/blocklists/demo.csv | tee alerts.ndjson"
        " | txscore --labels made.ndjson --records records.ndjson --min-severity info"
    )
    env = {**os.environ, "PATH": PATH}
    done = subprocess.run(["bash", "-c", text], capture_output=True, env=env, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    fraud = {key for key, label in named("made.ndjson") if label["fraud"]}
    labelled = {key for key, _ in named("made.ndjson")}
    every = {key for key, _ in named("records.ndjson")}
    hit = {key for key, _ in named("alerts.ndjson")}
    summary, recall, *others = rows(done.stdout)
    worth = next(row for row in others if row["part"] == "precision")
    assert (summary["transactions"], summary["benign_transactions"]) == (len(every), len(every - labelled))
    assert (recall["transactions"]["hits"], recall["transactions"]["of"]) == (len(fraud & hit), len(fraud))
    assert worth["transactions"]["precision"]["of"] == len(hit)
    assert worth["transactions"]["twin"] == len(hit & labelled - fraud)
    assert worth["transactions"]["false"] == len(hit - labelled)


def test_terminal():
    """At a terminal the scorecard is for people."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [script("txscore"), "-l", "labels.ndjson"],
        stdin=subprocess.PIPE,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
    ) as process:
        process.communicate(line(ALERT), timeout=30)
    os.close(theirs)
    assert os.read(ours, 9).startswith(b"Scorecard")
    os.close(ours)


def test_notice_of_an_unknown_rate():
    """Nobody said how many transactions there were: null and one notice, and that is no failure."""
    status, out, err = run("-l", "labels.ndjson")
    assert status == 0
    assert err == (
        "txscore: false alerts in 10,000 benign transactions: "
        "unknown without --records FILE or --transactions N\n"
    )
    assert all(row["alerts"]["false_per_10k"] is None for row in rows(out) if row["part"] == "precision")


def test_page():
    """--html writes a page beside the scorecard; the same input gives the same bytes."""
    args = ("-l", "labels.ndjson", "--transactions", "1000", "--html")
    assert run(*args, "one.html", "--format", "human") == (0, run(*args, "two.html", "-f", "human")[1], "")
    page = Path("one.html").read_bytes()
    assert page == Path("two.html").read_bytes()
    assert page.startswith(b"<!DOCTYPE html>")
    assert page.count(b"data:image/svg+xml;base64,") == 4


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("-", 2, "Error: --html wants a FILE; stdout has the scorecard itself"),
        ("no/such/folder", 1, "txscore: no/such/folder: cannot be created: No such file or directory"),
        ("/dev/full", 1, "txscore: /dev/full: cannot be written: No space left on device"),
    ],
)
def test_page_that_cannot_be_written(path, status, message):
    """It is said, and is a failure."""
    found, _, err = run("-l", "labels.ndjson", "--transactions", "9", "--html", path)
    assert (found, err.splitlines()[-1]) == (status, message)


def test_without_matplotlib():
    """Without the extra the rest works, and --html says what to install before it reads anything."""
    Path("matplotlib.py").write_text("raise ImportError\n")
    env = {**os.environ, "PYTHONPATH": "."}
    assert run("-l", "labels.ndjson", "--transactions", "9", env=env)[0] == 0
    assert run("-l", "missing", "--html", "page.html", env=env) == (
        2,
        b"",
        "txscore: --html draws with matplotlib: pip install 'txpipe[plots]'\n",
    )


def test_page_says_nothing_on_stderr(tmp_path):
    """Not even where fonts are looked for the first time, or where no folder can be written."""
    env = {"PATH": PATH, "HOME": "/nonexistent", "TMPDIR": str(tmp_path)}
    Path("labels.ndjson").write_bytes(line(RECORDS["label"], scenario="\u7f8a\U0001f411 $x^{$ <b>&"))
    assert run("-l", "labels.ndjson", "--transactions", "9", "--html", "page.html", env=env)[::2] == (0, "")


@pytest.mark.parametrize("form", ["ndjson", "human", "markdown"])
def test_full_disk(form):
    """A full disk is 1 and one message."""
    args = [script("txscore"), "-l", "labels.ndjson", "--transactions", "9", "-f", form]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(args, input=FOUND, stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr == b"txscore: <stdout>: cannot be written: No space left on device\n"


def test_missing_labels():
    """Labels that are not there are named, after the alerts have been read."""
    assert run("-l", "missing") == (
        1,
        b"",
        "txscore: missing: cannot be opened: No such file or directory\n",
    )


def test_labels_are_required():
    """Without --labels there is nothing to hold alerts against."""
    status, out, err = run()
    assert (status, out) == (2, b"")
    assert "--labels" in err


def test_labels_from_stdin():
    """- is stdin for labels, too."""
    Path("alerts.ndjson").write_bytes(line(ALERT))
    expected = run("-l", "labels.ndjson", "--transactions", "9")
    assert run("-l", "-", "--transactions", "9", "alerts.ndjson", data=LABEL) == expected


def test_over_long_line():
    """A line over the limit is refused without being held, and the others count."""
    long = b'{"note":"' + b"x" * 4_000_000 + b'"}\n'
    status, out, err = run("-l", "labels.ndjson", "--transactions", "9", data=long + line(ALERT))
    assert (status, out) == (1, run("-l", "labels.ndjson", "--transactions", "9")[1])
    assert re.fullmatch(r"txscore: <stdin>:1: line of [\d,]+ bytes is over the limit of [\d,]+; .*\n", err)


def test_ctrl_c():
    """Ctrl-C before the end of input is 130, silent, and no scorecard of a part is written."""
    process = subprocess.Popen(
        [script("txscore"), "-l", "labels.ndjson", "--html", "page.html"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    )
    with process:
        for _ in range(40):  # more than a pipe holds: all but the last of it has been read
            process.stdin.write(line(ALERT) * 100)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, b"", b"")
    assert not Path("page.html").exists()


def peak_kib(*args):
    """Run on stdin without a line; returns the scorecard's first row and the most memory that was held."""
    command = measured(script("txscore"), *args)
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
    return json.loads(done.stdout.splitlines()[0]), done.stderr.decode(), int(Path("peak").read_text())


def test_memory_of_many_records():
    """Records are counted, not kept: 200,000 transactions hold no more memory than one."""
    call = line(RECORDS["call"], pending=..., mentions=...).replace(TX.encode(), b"0x%064x")
    Path("one").write_bytes(call % 0)
    with Path("many").open("wb") as file:
        file.writelines(call % number for number in range(200_000))
    *_, least_kib = peak_kib("-l", "labels.ndjson", "--records", "one")
    first, said, most_kib = peak_kib("-l", "labels.ndjson", "--records", "many")
    assert (first["transactions"], first["benign_transactions"]) == (200_000, 200_000)
    assert said == (
        "txscore: 1 of 1 labelled transactions are not in the records; are both of the same run?\n"
    )
    assert most_kib < least_kib + 8_000


def test_help_is_light():
    """--help loads neither matplotlib nor numpy."""
    code = "import sys; from txpipe.commands import txscore; print([*sys.modules])"
    done = subprocess.run(
        [Path(script("python")), "-c", code], capture_output=True, text=True, timeout=30, check=True
    )
    assert not {"'matplotlib'", "'numpy'", "'txpipe.score.card'"} & set(done.stdout.strip("[]\n").split(", "))
