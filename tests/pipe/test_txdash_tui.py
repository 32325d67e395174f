"""txdash --tui in a real terminal: data on stdin, keys from the terminal, and a pipe that goes first."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import subprocess
import termios
import time
from pathlib import Path

import pytest

from conftest import script
from dash_kit import numbered, stored_lines
from examples import ALERT, HEARTBEAT, line
from terminal_kit import Terminal

pytest.importorskip("textual", reason="no textual; pip install 'txpipe[tui]'")

SENT = [numbered(number) for number in range(50)]


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def terminal(tmp_path):
    with Terminal(tmp_path) as opened:
        opened.until(r"^\$")
        yield opened


def wait_until(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        select.select([], [], [], 0.02)


def parents():
    """Every process and its parent."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it may end while one looks
            yield int(path.parent.name), int(path.read_text().rpartition(")")[2].split()[1])


def process(words, folder):
    """The one process that runs there and has words on its command line."""
    found = []
    for pid, _ in parents():
        with contextlib.suppress(OSError):
            here = Path(f"/proc/{pid}/cwd").resolve() == Path(folder).resolve()
            if here and words in Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode():
                found.append(pid)
    return found[0] if len(found) == 1 else None


@pytest.mark.tmux
def test_the_usual_case(terminal, tmp_path):
    """It shows what comes on stdin; keys work; q ends with 0 and leaves the terminal as it was."""
    Path("in").write_bytes(b"".join(line(each) for each in [*SENT, HEARTBEAT]))
    before = terminal.settings()
    terminal.run("cat in | txdash --tui --db dash.db")
    terminal.until("lag 3 s")
    terminal.until("^input ended +all alerts: 50")
    terminal.press("Down")
    terminal.until("^Pays wallet number 49")
    terminal.press("a")
    terminal.until("^ack")
    terminal.press("q")
    terminal.until(r"^txdash: 50 alerts, 1 heartbeats stored.*\nended 0 0\.")
    assert "wallet number" not in terminal.screen()
    assert terminal.settings() == before
    terminal.run("txdash --tui --db dash.db")
    terminal.until("^ack .* wallet number 49")
    terminal.press("q")
    terminal.until("ended 0\\.")
    assert len(stored_lines(tmp_path / "dash.db")) == 50


@pytest.mark.tmux
def test_output_goes_on_untouched(terminal):
    """Into a file goes what came in, byte for byte; what is said of bad lines waits for the screen's end."""
    data = b"".join(line(each) for each in SENT) + b"no record\n" + line(ALERT).rstrip()
    Path("in").write_bytes(data)
    terminal.run("txdash --tui --db dash.db in > out")
    terminal.until("input ended +all alerts: 51")
    terminal.until("<stdin>:51: .*")
    terminal.press("q")
    terminal.until(r"^txdash: <stdin>:51: .*\n(.*\n)*ended 1\.")
    assert Path("out").read_bytes() == data


@pytest.mark.tmux
def test_messages_go_where_stderr_goes(terminal):
    """With 2>log the screen is on the terminal all the same, and the log gets what is said."""
    Path("in").write_bytes(b"no record\n" + line(ALERT))
    terminal.run("txdash --tui --no-stats in > out 2> log")
    terminal.until("all alerts: 1$|all alerts: 1 ")
    wait_until(lambda: b"txdash: <stdin>:1: " in Path("log").read_bytes())
    terminal.press("q")
    terminal.until("ended 1\\.")


def fifty_and_more_to_come(terminal):
    """Show fifty alerts of a pipeline that goes on; returns the terminal's settings before it."""
    Path("in").write_bytes(b"".join(line(each) for each in SENT))
    before = terminal.settings()
    terminal.run("(cat in; exec sleep 600) | txdash --tui --db dash.db | cat > out")
    terminal.until("all alerts: 50")
    return before


@pytest.mark.tmux
def test_ctrl_c_ends_the_pipeline(terminal, tmp_path):
    """Ctrl-C ends every command, is 130, stores what passed, and leaves the terminal as it was."""
    before = fifty_and_more_to_come(terminal)
    terminal.press("C-c")
    terminal.until("^txdash: 50 alerts")
    terminal.until(r"^\$\s*\Z")  # the shell ends the line that was interrupted, too
    terminal.type("echo status ${PIPESTATUS[@]}.")
    terminal.press("Enter")
    terminal.until(r"^status 130\.|^status 130 130 130\.")
    assert terminal.settings() == before
    assert len(stored_lines(tmp_path / "dash.db")) == 50
    assert Path("out").read_bytes() == Path("in").read_bytes()


@pytest.mark.tmux
def test_ctrl_z_stops_the_pipeline(terminal, tmp_path):
    """Ctrl-Z gives the shell its terminal, fg the screen; also after a stop that came from elsewhere."""
    before = fifty_and_more_to_come(terminal)
    terminal.press("C-z")
    terminal.until(r"Stopped(.*\n)+\$ *$")
    assert "wallet number" not in terminal.screen()
    assert terminal.settings() == before
    for _ in range(2):
        terminal.type("fg")
        terminal.press("Enter")
        wait_until(lambda: "Stopped" not in terminal.screen())
        terminal.until("all alerts: 50")
        terminal.press("Down")
        terminal.until("^from ")
        terminal.press("Escape")
        os.killpg(os.getpgid(process("txpipe.dashboard.serve", tmp_path)), signal.SIGTSTP)
        terminal.until(r"Stopped.*\n\$ ")
    terminal.type("fg")
    terminal.press("Enter")
    wait_until(lambda: "Stopped" not in terminal.screen())
    terminal.press("C-c")
    terminal.until("^txdash: 50 alerts")
    terminal.until(r"^\$\s*\Z")
    assert terminal.settings() == before
    assert Path("out").read_bytes() == Path("in").read_bytes()


@pytest.mark.tmux
def test_store_that_fails_ends_no_pipe(terminal, tmp_path):
    """Where the store is damaged meanwhile that is seen at once, and the pipe goes on."""
    os.mkfifo("in")
    terminal.run("txdash --tui --no-stats --db dash.db in > out")
    with Path("in").open("wb", buffering=0) as feed:
        feed.write(line(SENT[0]))
        terminal.until("all alerts: 1$|all alerts: 1 ")
        Path("other").write_bytes(b"no store" * 1000)
        Path("other").rename("dash.db")
        for each in tmp_path.glob("dash.db-*"):
            each.unlink()
        feed.write(line(SENT[1]))
        terminal.until(r"damaged(.*\n)*txdash: the dashboard ended with status 2; the pipe goes on")
        feed.write(line(SENT[2]))
        wait_until(lambda: Path("out").read_bytes() == b"".join(map(line, SENT[:3])))


@pytest.mark.tmux
def test_q_asks_where_a_reader_waits(terminal):
    """Where the input goes on into a pipe q asks first; then the reader sees the end, and the status is 0."""
    os.mkfifo("in")
    terminal.run("txdash --tui in | cat > out")
    with Path("in").open("wb", buffering=0) as feed:
        feed.write(line(ALERT))
        terminal.until("all alerts: 1$|all alerts: 1 ")
        terminal.press("q")
        terminal.until("who reads it ends with this")
        terminal.press("Escape")
        feed.write(line(numbered(1)))
        terminal.until("all alerts: 2")
        terminal.press("q")
        terminal.until("who reads it ends with this")
        terminal.press("q")
        terminal.until("^ended 0 0\\.")
    assert Path("out").read_bytes() == line(ALERT) + line(numbered(1))


@pytest.mark.tmux
def test_killed_screen_leaves_the_pipe_alone(terminal, tmp_path):
    """kill -9 of the screen's process: the pipe goes on, the screen comes again, nothing is missed."""
    os.mkfifo("in")
    before = terminal.settings()
    terminal.run("txdash --tui --db dash.db in > out")
    with Path("in").open("wb", buffering=0) as feed:
        feed.write(b"".join(line(each) for each in SENT[:20]))
        terminal.until("all alerts: 20")
        victim = process("txpipe.dashboard.serve", tmp_path)
        os.kill(victim, signal.SIGKILL)
        feed.write(b"".join(line(each) for each in SENT[20:]))
        wait_until(lambda: Path("out").read_bytes() == b"".join(line(each) for each in SENT))
        wait_until(lambda: process("txpipe.dashboard.serve", tmp_path) not in (None, victim))
        terminal.until("all alerts: 50")
    terminal.until("input ended")
    terminal.press("q")
    terminal.until("was ended by SIGKILL; the pipe goes on.*\n(.*\n)*ended 0\\.")
    assert terminal.settings() == before
    assert len(stored_lines(tmp_path / "dash.db")) == 50


@pytest.mark.tmux
def test_killed_command_leaves_the_terminal_as_it_was(terminal, tmp_path):
    """kill -9 of the command: its screen stores what it got, goes, and the terminal is as it was."""
    Path("in").write_bytes(line(ALERT))
    before = terminal.settings()
    terminal.run("(cat in; exec sleep 600) | txdash --tui --db dash.db")
    terminal.until("all alerts: 1$|all alerts: 1 ")
    command = dict(parents())[process("txpipe.dashboard.serve", tmp_path)]
    os.kill(command, signal.SIGKILL)
    wait_until(lambda: process("txpipe.dashboard.serve", tmp_path) is None)
    terminal.press("C-c")
    terminal.until("^ended 130 137\\.|Killed")
    assert terminal.settings() == before
    assert stored_lines(tmp_path / "dash.db") == [line(ALERT).rstrip()]


@pytest.mark.tmux
def test_reader_that_goes_away(terminal):
    """Where the reader closes the pipe it ends with 141, and the terminal is as it was."""
    os.mkfifo("in")
    before = terminal.settings()
    terminal.run("txdash --tui --no-stats in | head -1 > out")
    with Path("in").open("wb", buffering=0) as feed:
        feed.write(line(ALERT))
        terminal.until("all alerts: 1$|all alerts: 1 ")
        wait_until(lambda: Path("out").read_bytes() == line(ALERT))
        feed.write(line(numbered(1)))
        terminal.until("^ended 141 0\\.")
    assert terminal.settings() == before


@pytest.mark.tmux
def test_hostile_text_in_a_terminal(terminal):
    """Titles with escapes and markup do nothing to a real terminal: the page says them letter by letter."""
    title = "x\x1b]0;owned\x07\x1b[2J\x1b[31m\u202e[red]y[/red]"
    Path("in").write_bytes(line(ALERT | {"title": title}))
    terminal.run("txdash --tui in > out")
    terminal.until(r"x\\x1b\]0;owned\\x07\\x1b")
    terminal.press("Down", "Enter")
    terminal.until(r"^x\\x1b\]0;owned\\x07\\x1b\[2J\\x1b\[31m\\u202e\[red\]y\[/red\]")
    terminal.press("q", "q")
    terminal.until("ended 0\\.")


def test_without_a_terminal():
    """Where no terminal controls the process it ends with 2 and a remedy, and reads nothing."""
    done = subprocess.run(
        [script("txdash"), "--tui"],
        input=line(ALERT),
        capture_output=True,
        start_new_session=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"txdash: --tui: /dev/tty: ")
    assert b"it needs a terminal (ssh -t gives one); without one leave --tui out" in done.stderr


@contextlib.contextmanager
def on_a_pty(*args, **env):
    """A txdash whose terminal is a pty of ours; yields the process and the pty's other end."""
    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen(
            [script("txdash"), "--tui", "--no-stats", *args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            pass_fds=(theirs,),
            preexec_fn=lambda: fcntl.ioctl(theirs, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - one thread here
            env={**os.environ, "TERM": "xterm-256color", **env},
        ) as running:
            os.close(theirs)
            try:
                yield running, ours
            finally:
                if running.poll() is None:
                    running.kill()
    finally:
        os.close(ours)


def test_terminal_that_cannot_draw():
    """A terminal that only types is refused with 2 and a remedy."""
    with on_a_pty(TERM="dumb") as (running, _):
        out, err = running.communicate(timeout=60)
    assert (running.returncode, out) == (2, b"")
    assert b"TERM is unset or dumb" in err


def test_stuck_terminal_does_not_slow_the_pipe(tmp_path):
    """A terminal that takes nothing costs the pipe nothing: 40 MB pass, and all of it is stored."""
    piece = b"".join(line(each) for each in SENT) + b'{"type":"mine"}\n' * 60_000
    with on_a_pty("--db", str(tmp_path / "dash.db")) as (running, _ours):  # which nobody reads
        for _ in range(40):
            view = memoryview(piece)
            while view:
                select.select([], [running.stdin], [])
                view = view[os.write(running.stdin.fileno(), view[: 1 << 16]) :]
                while select.select([running.stdout], [], [], 0)[0]:
                    assert os.read(running.stdout.fileno(), 1 << 20)
        wait_until(lambda: len(stored_lines(tmp_path / "dash.db")) == 50)
        (screen,) = [pid for pid, parent in parents() if parent == running.pid]
    wait_until(lambda: not Path(f"/proc/{screen}").exists())  # nor is it left behind
