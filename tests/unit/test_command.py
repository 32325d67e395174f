"""command: whatever a body does, its process ends with the right status and says so once."""

import os
import select
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
import click
from txpipe import command, stream
from txpipe.errors import InputFailed, UsageFault
from txpipe.sink import stdout

@click.command(name="txmini", cls=command.PipeCommand)
@click.option("--strict", is_flag=True, help="x")
@command.version_option
def main(strict):
    "Read nothing, write what the test wants."
    out = stdout()
{body}

main()
"""


@pytest.fixture(params=["", "1"], ids=["buffered", "unbuffered"])
def _python_buffers(request, monkeypatch):
    """Python's own buffering makes no difference."""
    monkeypatch.setenv("PYTHONUNBUFFERED", request.param)


@pytest.fixture
def script(tmp_path, _python_buffers):
    """Write a command with the given body; returns its command line."""

    def writer(*body):
        text = SCRIPT.replace("{body}", "\n".join(f"    {line}" for line in body))
        (tmp_path / "txmini").write_text(text)
        return [sys.executable, str(tmp_path / "txmini")]

    return writer


@pytest.fixture
def start(script):
    """Start a command with the given body; returns the process."""

    def starter(*body, args=(), **streams):
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen([*script(*body), *args], **{**pipes, **streams})

    return starter


@pytest.fixture
def run(start):
    """Run a command with the given body; returns status, stdout, stderr."""

    def runner(*body, **how):
        with start(*body, **how) as process:
            out, err = process.communicate(timeout=30)
        return process.returncode, out, (err or b"").decode()

    return runner


@pytest.fixture
def run_shell(script):
    """The same with a redirection of bash's."""

    def runner(redirection, *body):
        line = shlex.join(script(*body))
        done = subprocess.run(["bash", "-c", f"exec {line} {redirection}"], capture_output=True, check=False)
        return done.returncode, done.stdout, done.stderr.decode()

    return runner


@pytest.mark.parametrize(("result", "status"), [("None", 0), ("0", 0), ("1", 1), ("3", 3)])
def test_status_is_the_result(run, result, status):
    """A body returns its status; nothing means 0."""
    assert run("out.write(b'x\\n')", f"return {result}") == (status, b"x\n", "")


@pytest.mark.parametrize(("error", "status"), [("InputFailed", 1), ("UsageFault", 2)])
def test_error_is_a_message(run, error, status):
    """An error that a user can mend is one line with the command's name; finished records are out before."""
    body = ["out.write(b'x\\n')", f"raise {error}('FILE: gone')"]
    assert run(*body) == (status, b"x\n", "txmini: FILE: gone\n")


def test_usage(run):
    """A usage error is 2 with the usage line."""
    status, out, err = run("pass", args=["--nope"])
    assert (status, out) == (2, b"")
    assert "Usage: txmini" in err
    assert "--nope" in err


def test_bug_keeps_its_traceback(run):
    """A bug is no message: it keeps its traceback, and what was finished before it is out."""
    status, out, err = run("out.write(b'x\\n')", "raise ZeroDivisionError")
    assert (status, out) == (1, b"x\n")
    assert "Traceback" in err


def test_broken_pipe_of_another_file_is_a_bug(run):
    """Only the EPIPE of stdout means that the reader went away."""
    status, _, err = run("raise BrokenPipeError(32, 'Broken pipe')")
    assert status == 1
    assert "Traceback" in err


@pytest.mark.parametrize("body", ["out.write(b'x\\n')", "click.echo('x')"])
@pytest.mark.parametrize("amount", [1, 200_000])
def test_reader_gone(run, body, amount):
    """A reader that went away ends the command silently with 141, on little output and on much."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        assert run(f"for _ in range({amount}): {body}", stdout=writer) == (141, None, "")
    finally:
        os.close(writer)


@pytest.mark.parametrize("args", [[], ["--help"], ["--version"]])
@pytest.mark.parametrize("amount", [1, 200_000])
def test_full_disk(run, amount, args):
    """A full disk is a message and 1, on little output and on much, for --help too."""
    with Path("/dev/full").open("wb") as full:
        found = run(f"for _ in range({amount}): out.write(b'x\\n')", args=args, stdout=full)
    assert found == (1, None, "txmini: <stdout>: cannot be written: No space left on device\n")


@pytest.mark.parametrize("args", [["--help"], ["--version"]])
def test_help_to_nobody(run, args):
    """--help into a pipe that nobody reads is 141, as for records."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        assert run("pass", args=args, stdout=writer) == (141, None, "")
    finally:
        os.close(writer)


@pytest.mark.parametrize("args", ["", "--help"])
def test_closed_stdout(run_shell, args):
    """A closed stdout is a message and 1."""
    message = "txmini: stdout is closed; redirect it to a file or /dev/null\n"
    assert run_shell(f"{args} >&-", "out.write(b'x\\n')") == (1, b"", message)


@pytest.mark.parametrize("amount", [1, 100_000])
def test_stderr_full(run, amount):
    """Nobody can read stderr: the work goes on, and the status is its own."""
    with Path("/dev/full").open("wb") as full:
        body = [f"for _ in range({amount}): command.say('note')", "out.write(b'x\\n')", "return 3"]
        assert run(*body, stderr=full)[:2] == (3, b"x\n")


def test_stderr_closed(run_shell):
    """The same when stderr is closed."""
    body = ["command.say('note')", "out.write(b'x\\n')", "return command.stats_wanted(None)"]
    assert run_shell("2>&-", *body) == (0, b"x\n", "")


def test_report_comes_last(run):
    """A summary follows the records it sums up, on one terminal as well."""
    body = ["command.at_end(lambda: 'sum')", "out.write(b'x\\n')", "command.say('note')"]
    assert run(*body, stderr=subprocess.STDOUT)[1] == b"txmini: note\nx\ntxmini: sum\n"


def test_report_after_an_error(run):
    """A summary is given after a failure too."""
    body = ["command.at_end(lambda: 'sum')", "raise InputFailed('gone')"]
    assert run(*body) == (1, b"", "txmini: gone\ntxmini: sum\n")


def test_messages_hold_no_escapes(run):
    """A message that quotes data cannot command the terminal."""
    assert run("command.say('label \\x1b[2J\\u202e')")[2] == "txmini: label \\x1b[2J\\u202e\n"


def test_ctrl_c(start):
    """Ctrl-C is 130; finished records are out, the summary follows, and there is no traceback."""
    body = [
        "import signal",
        "command.at_end(lambda: 'sum')",
        "out.write(b'x\\n')",
        "command.say('ready')",
        "signal.pause()",
    ]
    with start(*body) as process:
        assert process.stderr.readline() == b"txmini: ready\n"
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30) == (b"x\n", b"txmini: sum\n")
    assert process.returncode == 130


def test_ctrl_c_with_a_stuck_reader(start):
    """Where the reader has stopped reading, the first Ctrl-C waits for it and the second does not."""
    body = ["command.say('ready')", "while True: out.write(b'x' * 1000 + b'\\n')"]
    with start(*body) as process:
        process.stderr.readline()
        for _ in range(2):
            wait_until_asleep(process.pid)
            process.send_signal(signal.SIGINT)
        assert process.stderr.read() == b""
    assert process.returncode == 130


def test_ctrl_c_while_a_class_is_made(run):
    """What Python makes of a Ctrl-C is one, and nothing else is."""
    wrapped = ["try: raise KeyboardInterrupt", "except KeyboardInterrupt as exc: raise RuntimeError from exc"]
    assert run(*wrapped) == (130, b"", "")
    status, _, err = run("raise RuntimeError")
    assert (status, err.splitlines()[-1]) == (1, "RuntimeError")


IMPORT = """
import os, signal, sys
sys.argv = {argv}
class Sends:
    def find_spec(self, name, *rest):
        if name == "click":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Sends())
from txpipe.commands.txalert import main
"""


def imported(*argv):
    """Return status and stderr of a program that gets a Ctrl-C while it imports a command."""
    code = IMPORT.replace("{argv}", repr(argv))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=30, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize("path", ["/usr/bin/txalert", "txdetect.py", "C/txsim.exe"])
def test_ctrl_c_while_importing(path):
    """Before a command has done anything, Ctrl-C ends it silently with 130, too."""
    assert imported(path) == (130, b"")


def test_others_keep_their_ctrl_c():
    """Who imports a command gets a KeyboardInterrupt as ever."""
    status, err = imported("/usr/bin/pytest")
    assert (status, err.splitlines()[-1]) == (-2, b"KeyboardInterrupt")


def wait_until_asleep(pid):
    """Return when the process has been waiting for something for a while."""
    asleep = 0
    while asleep < 20:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        asleep = asleep + 1 if state == "S" else 0
        select.select([], [], [], 0.005)
