"""What every command promises as a process, whatever it does with its records."""

import dataclasses
import fcntl
import json
import os
import re
import select
import shlex
import signal
import subprocess
import tomllib
from pathlib import Path

import pytest

from conftest import CHECKOUT, script
from examples import ALERT, LISTED, RECORDS, SENDER, TRANSFER, TX, line
from txpipe import __version__, stream

SCRIPTS = sorted(tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["scripts"])
HEX = "0x" + "b" * 64
HEIGHT = "0x15ef3c1"
BLOCK = {
    "number": HEIGHT,
    "hash": HEX,
    "parentHash": TX,
    "timestamp": "0x68e777cc",
    "transactions": [
        {
            "hash": TX,
            "blockNumber": HEIGHT,
            "blockHash": HEX,
            "transactionIndex": "0x0",
            "from": SENDER,
            "to": LISTED,
            "value": "0x1158e460913d0000",
            "input": "0x",
            "chainId": "0x1",
            "type": "0x2",
        }
    ],
}


@dataclasses.dataclass(frozen=True)
class Reader:
    """A command that reads lines: its arguments and a line that it answers with at least one of its own."""

    name: str
    args: tuple[str, ...]
    line: bytes

    def __str__(self):
        return self.name

    def lines(self, count):
        """Lines that differ by transaction and, in raw blocks, by height and hash."""
        line = self.line.replace(TX.encode(), b"0x%(n)064x").replace(HEX.encode(), b"0x%(n)063xb")
        line = line.replace(HEIGHT.encode(), b"0x%(n)x")
        return b"".join(line % {b"n": number} for number in range(count))


READERS = [
    Reader("txalert", (), line(ALERT)),
    Reader("txdetect", ("--list", "list.txt"), line(TRANSFER)),
    Reader("txnorm", ("--window", "0", "--max-document", str(stream.MAX_LINE)), line(BLOCK)),
]
reads = pytest.mark.parametrize("reader", READERS, ids=str)
PASSES = Reader("txdash", ("--listen", "off", "--db", "dash.db"), line(ALERT))
"""Passes everything on, bad lines included (tests/pipe/test_txdash.py)."""
WRITERS = [*READERS, PASSES, Reader("txsim", ("--records", "20000"), b"")]
writes = pytest.mark.parametrize("writer", WRITERS, ids=str)
AT_END = [Reader("txscore", ("--labels", "labels.ndjson", "--transactions", "9"), line(ALERT))]
"""Commands that answer when their input ends, and with the same amount whatever came."""
takes = pytest.mark.parametrize("reader", [*READERS, *AT_END], ids=str)
ends = pytest.mark.parametrize("writer", [*WRITERS, *AT_END], ids=str)
every = pytest.mark.parametrize("name", SCRIPTS)


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    (tmp_path / "list.txt").write_text(f"# date: 2026-11-01\n# category: scam\n{LISTED}\n")
    (tmp_path / "labels.ndjson").write_bytes(line(RECORDS["label"]))
    monkeypatch.chdir(tmp_path)


def command(reader):
    return [script(reader.name), *reader.args]


def run(reader, data, *args, **streams):
    """Run a reader on bytes; returns status, stdout, stderr."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    done = subprocess.run([*command(reader), *args], input=data, timeout=60, check=False, **pipes)
    return done.returncode, done.stdout, (done.stderr or b"").decode()


def shell(text):
    """Run a pipe in bash; returns the status of its first command, stdout, stderr."""
    text = f"set -o pipefail; {text}; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", text], capture_output=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr.decode()


def start(reader, *args):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([*command(reader), *args], bufsize=0, **pipes)


def read_line(file, seconds=20):
    """Read from a pipe until there is a whole line."""
    found = b""
    while not found.endswith(b"\n"):
        assert select.select([file], [], [], seconds)[0], f"nothing came in {seconds} s after {found!r}"
        got = os.read(file.fileno(), 1 << 16)
        assert got, f"ended after {found!r}"
        found += got
    return found


def test_every_command_has_a_spec():
    """A new command gets these checks, too; txlist and txalertctl have subcommands, txtail needs a node."""
    assert {writer.name for writer in [*WRITERS, *AT_END]} | {"txlist", "txalertctl", "txtail"} == set(
        SCRIPTS
    )


@every
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help(name, flag):
    """--help and -h say first what is read and written, then a pipeline."""
    done = subprocess.run([script(name), flag], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: {name} ")
    first = done.stdout.split("\n\n")[1]
    assert re.search(r"read|stdin|from FILE|Work on lists|write", first, re.IGNORECASE)
    assert f"{name} " in done.stdout.split("Options:")[0].split("\n\n", 2)[2]


@every
def test_version(name):
    """--version gives name and version."""
    done = subprocess.run([script(name), "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{name} {__version__}\n", "")


@every
def test_usage_error(name):
    """An unknown option is 2, and stdout stays empty."""
    done = subprocess.run([script(name), "--no-such-option"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--no-such-option" in done.stderr


@takes
def test_line_is_answered(reader):
    """The sample line is answered, silently."""
    status, out, err = run(reader, reader.line)
    assert (status, err) == (0, "")
    assert [json.loads(row)["type"] for row in out.splitlines()]


@reads
def test_empty_input(reader):
    """Nothing in, nothing out, and that is no failure."""
    assert run(reader, b"") == (0, b"", "")


@takes
def test_missing_file(reader):
    """A file that is not there is 1 and named."""
    status, out, err = run(reader, b"", "missing.ndjson")
    assert (status, out) == (1, b"")
    assert err == f"{reader.name}: missing.ndjson: cannot be opened: No such file or directory\n"


@takes
def test_no_final_newline(reader):
    """A last line without its newline counts."""
    assert run(reader, reader.line[:-1]) == run(reader, reader.line)


@takes
def test_byte_order_mark(reader):
    """A byte order mark is dropped."""
    assert run(reader, b"\xef\xbb\xbf" + reader.line) == run(reader, reader.line)


@takes
def test_crlf(reader):
    """CRLF and blank lines are no fault; the answer is the same but for line ends that are passed on."""
    status, out, err = run(reader, b"\r\n" + reader.line[:-1] + b"\r\n\r\n")
    assert (status, out.replace(b"\r\n", b"\n"), err) == run(reader, reader.line)


@takes
def test_stdin_equals_file(reader, tmp_path):
    """FILE, - and stdin are the same."""
    (tmp_path / "in").write_bytes(reader.line)
    expected = run(reader, reader.line)
    assert run(reader, b"", "in") == expected
    assert run(reader, reader.line, "-") == expected


BAD = {
    "no JSON": b"nope",
    "cut off": b'{"type":"transfer","to":"%s"' % LISTED.encode(),
    "NaN": b'{"type":"transfer","usd":NaN,"to":"%s"}' % LISTED.encode(),
    "invalid UTF-8": b'{"type":"transfer","symbol":"\xff","to":"%s"}' % LISTED.encode(),
    "NUL": b'{"type":"transfer","symbol":"\x00","to":"%s"}' % LISTED.encode(),
    "NUL alone": b"\x00" * 100,
    "nesting bomb": b"[" * 100_000,
    "nesting bomb of objects": b'{"a":' * 100_000,
    "number": b"1",
}


@takes
@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_bad_line(reader, bad):
    """A bad line is named with its number and skipped; its neighbours count; the end is 1."""
    status, out, err = run(reader, reader.line + bad + b"\n" + reader.line)
    assert (status, out) == (1, run(reader, reader.line + reader.line)[1])
    said = err.splitlines()
    assert re.match(rf"{reader.name}: <stdin>:2: ", said[0])
    assert len(said) == 1 or reader.name == "txnorm"  # whose documents may go on over several lines


@reads
def test_strict(reader):
    """--strict stops at the first bad line; what was finished before it is out."""
    status, out, err = run(reader, reader.line + b"nope\nnope\n" + reader.line, "--strict")
    assert (status, out) == (1, run(reader, reader.line)[1])
    assert re.fullmatch(rf"{reader.name}: <stdin>:2\b.+\n", err)


@takes
def test_duplicate_keys(reader):
    """Duplicate keys are no fault; the last one counts (tests/unit/test_record.py)."""
    doubled = b'{"note":1,"note":2,' + reader.line[1:]
    assert run(reader, doubled)[0] == 0


@reads
def test_over_long_line_is_refused_without_being_held(reader):
    """300 MB without a newline are refused in bounded memory, and the next line counts."""
    with start(reader) as process:
        part = b"x" * 1_000_000
        _write_all(process.stdin, b'{"note":"')
        for _ in range(300):
            _write_all(process.stdin, part)
        _write_all(process.stdin, b"\n" + reader.line)
        assert read_line(process.stdout) == run(reader, reader.line)[1]
        assert _peak_kib(process.pid) < 150_000
        process.stdin.close()
        assert re.search(rf"{reader.name}: <stdin>:1: .*\b(bytes|limit)\b", process.stderr.read().decode())
    assert process.returncode == 1


def _write_all(file, data):
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def _peak_kib(pid):
    return int(re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[1])


@takes
def test_longest_line_passes(reader):
    """A line of exactly the limit is a line like any other."""
    padded = reader.line[:-2] + b',"note":"' + b"x" * (stream.MAX_LINE - len(reader.line) - 9) + b'"}\n'
    assert len(padded) == stream.MAX_LINE + 1
    assert run(reader, padded)[0] == 0


@reads
def test_answer_comes_while_input_stays_open(reader):
    """One line's answer leaves at once; nothing waits for more input."""
    with start(reader) as process:
        process.stdin.write(reader.line)
        assert read_line(process.stdout)
        process.stdin.close()
    assert process.returncode == 0


signals = pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])


@reads
@signals
def test_ended_by_a_signal(reader, sent):
    """Ctrl-C is 130, SIGTERM 143, SIGHUP 129, silently, and what was finished is out."""
    with start(reader) as process:
        process.stdin.write(reader.line)
        read_line(process.stdout)
        process.send_signal(sent)
        assert process.stderr.read() == b""
    assert process.returncode == 128 + sent


@signals
def test_source_ended_by_a_signal(sent):
    """The same for a command that reads nothing; its output ends with a whole line."""
    with start(Reader("txsim", (), b"")) as process:
        found = read_line(process.stdout)
        process.send_signal(sent)
        rest, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (128 + sent, b"")
    assert all(json.loads(row) for row in (found + rest).splitlines())


@reads
@signals
def test_ended_while_the_reader_is_slow(reader, sent):
    """A signal in the middle of a write to a full pipe cuts no line in two."""
    Path("in").write_bytes(reader.lines(20_000))
    with start(reader, "in") as process:
        _wait_until_asleep(process.pid)
        process.send_signal(sent)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (128 + sent, b"")
    assert out.endswith(b"\n")
    assert all(json.loads(row) for row in out.splitlines())


def _wait_until_asleep(pid):
    asleep = 0
    while asleep < 20:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        assert state != "Z", "ended before it had to wait"
        asleep = asleep + 1 if state == "S" else 0
        select.select([], [], [], 0.01)


@writes
def test_head(writer):
    """| head -1 ends a command silently with 141, and pipefail sees it."""
    Path("in").write_bytes(writer.lines(20_000))
    status, out, err = shell(f"{shlex.join(command(writer))} < in | head -1")
    assert (status, err) == (141, "")
    assert out.count(b"\n") == 1


@ends
def test_reader_gone_before_the_first_line(writer):
    """The same on an output so small that only the last flush meets the closed pipe."""
    small = dataclasses.replace(writer, args=("--records", "1")) if writer.name == "txsim" else writer
    reader, closed = os.pipe()
    os.close(reader)
    try:
        assert run(small, writer.line, stdout=closed) == (141, None, "")
    finally:
        os.close(closed)


@writes
@pytest.mark.parametrize("amount", [1, 20_000])
def test_full_disk(writer, amount):
    """A full disk is 1 and one message, never a traceback, never 120."""
    with Path("/dev/full").open("wb") as full:
        status, _, err = run(writer, writer.lines(amount), stdout=full)
    assert (status, err) == (1, f"{writer.name}: <stdout>: cannot be written: No space left on device\n")


@ends
def test_closed_stdout(writer):
    """A closed stdout is 1 and one message."""
    Path("in").write_bytes(writer.line)
    status, _, err = shell(f"{shlex.join(command(writer))} < in >&-")
    assert (status, err) == (1, f"{writer.name}: stdout is closed; redirect it to a file or /dev/null\n")


@takes
def test_closed_stdin(reader):
    """A closed stdin is 1 and one message."""
    status, out, err = shell(f"{shlex.join(command(reader))} <&-")
    assert (status, out) == (1, b"")
    assert err == f"{reader.name}: stdin is closed; name a FILE or redirect one\n"


@takes
@pytest.mark.parametrize("where", ["/dev/full", "&-"])
def test_nobody_reads_stderr(reader, where):
    """With stderr full or closed the work and the status are the same."""
    Path("in").write_bytes(reader.line + b"nope\n" + reader.line)
    status, out, _ = shell(f"{shlex.join(command(reader))} < in 2>{where}")
    assert (status, out) == (1, run(reader, reader.line + reader.line)[1])


@takes
def test_chunking_changes_nothing(reader):
    """However the input is cut into writes, the output is the same bytes."""
    data = reader.line * 3
    with start(reader) as process:
        fcntl.fcntl(process.stdin, fcntl.F_SETPIPE_SZ, 4096)
        for at in range(0, len(data), 97):
            process.stdin.write(data[at : at + 97])
        process.stdin.close()
        assert process.stdout.read() == run(reader, data)[1]
