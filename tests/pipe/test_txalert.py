"""txalert as a process: terminals, verdicts, summaries."""

import os
import pty
import signal
import subprocess

import pytest

from conftest import script
from examples import ALERT, line
from txpipe import stream

LINE = line(ALERT)


def run(*args, data=LINE):
    done = subprocess.run(
        [script("txalert"), *args], input=data, capture_output=True, timeout=30, check=False
    )
    return done.returncode, done.stdout, done.stderr.decode()


def on_terminal(*args, **env):
    """Run with stdout at a terminal; returns what the terminal shows."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [script("txalert"), *args],
        stdin=subprocess.PIPE,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TERM": "xterm", **env},
    ) as process:
        process.communicate(line(ALERT), timeout=30)
    os.close(theirs)
    shown = b""
    try:
        while got := os.read(ours, 4096):
            shown += got
    except OSError:  # Linux says so when the other side is closed
        pass
    os.close(ours)
    return shown


def test_terminal():
    """At a terminal alerts are for people, in colour."""
    assert on_terminal().startswith(b"\x1b[1;97;41mCRITICAL 95\x1b[0m  2025-10-09")


@pytest.mark.parametrize(
    ("args", "env"), [([], {"NO_COLOR": "1"}), (["--color", "never"], {}), ([], {"TERM": "dumb"})]
)
def test_terminal_without_colour(args, env):
    """NO_COLOR, a terminal that has none, and --color never are respected."""
    assert on_terminal(*args, **env).startswith(b"CRITICAL 95  2025-10-09")


def test_terminal_as_asked():
    """A format that was asked for holds at a terminal too."""
    assert on_terminal("-f", "ndjson").replace(b"\r\n", b"\n") == line(ALERT)


def test_colour_in_a_pipe():
    """In a pipe there is no colour unless it is asked for."""
    assert b"\x1b" not in run("-f", "human")[1]
    assert b"\x1b" in run("-f", "human", "--color", "always")[1]


@pytest.mark.parametrize(
    ("args", "data", "status"),
    [
        (["--exit-status"], line(ALERT), 3),
        (["--exit-status", "-m", "critical"], line(ALERT, severity="high"), 0),
        (["--exit-status"], b'{"type":"news"}\n', 0),
        (["--exit-status"], line(ALERT) + b"nope\n", 1),
        ([], line(ALERT), 0),
    ],
)
def test_exit_status(args, data, status):
    """--exit-status is 3 when an alert was let through; a failure is never taken for a verdict."""
    assert run(*args, data=data)[0] == status


def test_bytes_stay():
    """An alert that passes is the bytes that came in, spaces, key order and escapes included."""
    odd = (
        b' {"extra" : 1e2,' + line(ALERT, title="\u00fc")[1:-1].replace(b"\xc3\xbc", b"\\u00fc") + b" \t\r\n"
    )
    assert run(data=odd) == (0, odd, "")


def test_summary_after_ctrl_c():
    """Ctrl-C ends with the summary of what was let through so far."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([script("txalert"), "--stats"], bufsize=0, **pipes) as process:
        process.stdin.write(line(ALERT))
        assert process.stdout.readline() == line(ALERT)
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert (process.returncode, said) == (
        130,
        b"txalert: 1 of 1 alert let through: 1 critical; by rule: listed 1\n",
    )


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--chain", "ethereum"], "--chain ethereum: not a CAIP-2 chain; write eip155:1"),
        (["--rule", "listed,,mention"], "--rule has an empty name"),
        (["--min-severity", "severe"], "severe"),
        (["--format", "xml"], "xml"),
    ],
)
def test_usage(args, words):
    """A filter that can never match is a usage error with the remedy, not silence."""
    status, out, err = run(*args)
    assert (status, out) == (2, b"")
    assert words in err


def test_an_alert_around_the_longest_record_passes():
    """txdetect takes records of up to MAX_LINE bytes and writes each into its alert."""
    record = {**ALERT["record"], "note": "x" * stream.MAX_LINE}
    long = line({**ALERT, "record": record})
    assert run("-f", "ndjson", data=long) == (0, long, "")
    record["note"] += "x" * (64 << 10)
    assert run("-f", "ndjson", data=line({**ALERT, "record": record}))[0] == 1
