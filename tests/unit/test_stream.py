"""stream: lines in however they were chunked, lines out without loss."""

import os
import signal
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txpipe import interrupt, stream
from txpipe.errors import BadLine, InputFailed, ReaderGone, SinkFailed
from txpipe.sink import Sink, open_sink

BOM = b"\xef\xbb\xbf"


def lines_of(batches):
    """Single lines out of batches, a TooLong as its size."""
    for batch in batches:
        if isinstance(batch, stream.TooLong):
            yield batch.size
        else:
            assert batch.endswith(b"\n")
            yield from batch[:-1].split(b"\n")


def expected_lines(data, max_line):
    """The same by hand, on the whole input at once."""
    data = data.removeprefix(BOM)
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return [len(line) if len(line) > max_line else line for line in lines]


CHUNKS = st.lists(st.lists(st.sampled_from([b"a", b"\n", b"\r", BOM, BOM[:1], b"bcdefgh"])).map(b"".join))


@given(CHUNKS, st.integers(1, 12))
def test_chunking_changes_nothing(chunks, max_line):
    """The lines depend on the bytes alone, not on where reads happened to end."""
    actual = list(lines_of(stream.cut_lines([chunk for chunk in chunks if chunk], max_line)))
    assert actual == expected_lines(b"".join(chunks), max_line)


@given(st.integers(1, 40), st.integers(1, 64))
def test_limit_at_every_place(size, step):
    """A line of exactly the limit passes, one byte more does not, wherever reads end."""
    data = b"\n".join([b"x", b"y" * size, b"z"])
    chunks = [data[at : at + step] for at in range(0, len(data), step)]
    assert list(lines_of(stream.cut_lines(chunks, 20))) == [b"x", b"y" * size if size <= 20 else size, b"z"]


def test_over_long_line_is_not_held():
    """Bytes of a line over the limit are let go while it goes on, in however small reads it comes."""
    alive = []

    class Chunk(bytes):
        __slots__ = ()

        def __new__(cls, *args):
            alive.append(1)
            return super().__new__(cls, *args)

        def __del__(self):
            alive.pop()

    def endless():
        for _ in range(1000):
            yield Chunk(b"x" * 10)
            assert len(alive) < 15
        yield b"\nlast\n"

    assert list(lines_of(stream.cut_lines(endless(), 100))) == [10_000, b"last"]


def test_line_in_tiny_reads():
    """A line that comes byte by byte costs time in its length, not in its length squared."""
    line = b"x" * 500_000
    assert list(stream.cut_lines(b"x" for _ in line)) == [line + b"\n"]


def source_of(data, tmp_path):
    (tmp_path / "in").write_bytes(data)
    return stream.open_source(str(tmp_path / "in"))


def test_numbers_count_every_line(tmp_path):
    """Blank and refused lines count too, so that a number names the line an editor shows."""
    said = []
    bad = stream.BadLines(said.append)
    data = BOM + b"one\n\n \t\r\n" + b"x" * 50 + b"\nfive\r\nsix"
    found = list(stream.numbered_lines(source_of(data, tmp_path), lambda: None, bad, max_line=20))
    assert found == [(1, b"one"), (5, b"five\r"), (6, b"six")]
    assert said == [f"{tmp_path}/in:4: line of 50 bytes is over the limit of 20; line skipped"]


def test_flush_before_every_read(tmp_path):
    """What is finished leaves before each read: nothing waits while more input is at hand."""
    calls = []
    source = source_of(b"x\n" * stream.CHUNK, tmp_path)
    batches = list(stream.batches(source, lambda: calls.append(1)))
    assert len(calls) == len(batches) + 1 == 3


def test_source_is_closed(tmp_path):
    """A file is closed at its end."""
    source = source_of(b"x\n", tmp_path)
    list(stream.batches(source, lambda: None))
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(source.fd)


def test_bad_lines_are_counted():
    """A flood of bad lines is shown in part and counted in full."""
    said = []
    bad = stream.BadLines(said.append)
    for number in range(1, 1001):
        bad.report("<stdin>", number, "no JSON")
    assert bad.count == 1000
    assert said[0] == "<stdin>:1: no JSON; line skipped"
    assert len(said) == bad.SHOWN + 1
    assert "counted, not shown" in said[-1]


def test_strict_stops():
    """Under strict the first bad line ends the run with its place."""
    with pytest.raises(BadLine, match=r"<stdin>:7: no JSON") as caught:
        stream.BadLines(print, strict=True).report("<stdin>", 7, "no JSON")
    assert (caught.value.place, caught.value.reason) == ("<stdin>:7", "no JSON")


@pytest.mark.parametrize("name", ["missing", "."])
def test_open_source_fails(name, tmp_path):
    """A file that is missing or a directory is an InputFailed that names it."""
    with pytest.raises(InputFailed, match=name):
        stream.open_source(str(tmp_path / name) if name != "." else str(tmp_path / name / ""))


def test_open_sink_fails(tmp_path):
    """A file that cannot be created is a SinkFailed that names it."""
    with pytest.raises(SinkFailed, match="cannot be created"):
        open_sink(str(tmp_path / "missing" / "file"))


def test_sink_writes_all(tmp_path):
    """Everything written is in the file after close, in order."""
    sink = open_sink(str(tmp_path / "out"))
    rows = [b"%d\n" % number for number in range(100_000)]
    for row in rows:
        sink.write(row)
    sink.close()
    assert (tmp_path / "out").read_bytes() == b"".join(rows)


def test_full_disk():
    """A full disk is a SinkFailed; what could not be written is not tried again."""
    sink = Sink(os.open("/dev/full", os.O_WRONLY), "file")
    sink.write(b"x\n")
    with pytest.raises(SinkFailed, match="file: cannot be written: No space left"):
        sink.flush()
    sink.close()


def test_closed_pipe_that_is_not_stdout():
    """Only the reader of stdout may end a command silently; any other closed pipe is a failure."""
    reader, writer = os.pipe()
    os.close(reader)
    sink = Sink(writer, "receiver")
    sink.write(b"x\n")
    with pytest.raises(SinkFailed, match="Broken pipe"):
        sink.flush()
    sink.close()


def test_closed_stdout(monkeypatch):
    """The reader of stdout that went away is a ReaderGone."""
    monkeypatch.setattr(os, "write", _broken)
    sink = Sink(1, "<stdout>")
    sink.write(b"x\n")
    with pytest.raises(ReaderGone):
        sink.flush()


def _broken(*_):
    raise BrokenPipeError(32, "Broken pipe")


def test_non_blocking_pipes():
    """Pipes that somebody made non-blocking are waited for, on both ends."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    data = b"x" * 99 + b"\n"
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        sink = Sink(writer, "pipe")
        for _ in range(50_000):
            sink.write(data)
        sink.flush()
        os._exit(0)
    os.close(writer)
    batches = stream.batches(stream.Source(reader, "pipe"), lambda: None)
    assert sum(map(len, batches)) == 50_000 * len(data)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@pytest.fixture
def ctrl_c(monkeypatch):
    """Ctrl-C as commands have it."""
    monkeypatch.setattr(interrupt, "held", interrupt.Held())
    previous = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    interrupt.install()
    yield lambda: os.kill(os.getpid(), signal.SIGINT)
    signal.signal(signal.SIGINT, previous)


def test_ctrl_c_waits_for_the_write(tmp_path, monkeypatch, ctrl_c):
    """Ctrl-C during a write comes after it: nothing is lost, doubled or cut in two."""
    write = os.write

    def partial(fd, data):
        ctrl_c()
        return write(fd, data[:3])

    sink = open_sink(str(tmp_path / "out"))
    sink.write(b"one\ntwo\n")
    monkeypatch.setattr(os, "write", _once(partial, write))
    with pytest.raises(KeyboardInterrupt):
        sink.flush()
    sink.write(b"three\n")
    sink.close()
    assert (tmp_path / "out").read_bytes() == b"one\ntwo\nthree\n"


def _once(first, then):
    calls = iter([first])

    def call(*args):
        return next(calls, then)(*args)

    return call


def test_second_ctrl_c_ends_at_once(monkeypatch, ctrl_c):
    """A second Ctrl-C does not wait for a reader that is stuck."""

    def stuck(_fd, _data):
        ctrl_c()
        ctrl_c()
        pytest.fail("went on")

    sink = Sink(os.open(os.devnull, os.O_WRONLY), "stuck")
    sink.write(b"x\n")
    monkeypatch.setattr(os, "write", stuck)
    with pytest.raises(KeyboardInterrupt):
        sink.flush()


def test_ctrl_c_ignored_stays_ignored():
    """A command started with SIGINT ignored (nohup, a shell's background job) goes on ignoring it."""
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        interrupt.install()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, previous)


def test_waiting_for_input_hears_signals():
    """One that raises nothing is waited past, without spinning; one that ends the command does so there."""
    code = """
import os, signal, threading, time
from txpipe import interrupt
interrupt.install()
signal.signal(signal.SIGUSR1, lambda *_: None)
source, other = os.pipe()
os.kill(os.getpid(), signal.SIGUSR1)
threading.Timer(0.5, os.write, (other, b"x")).start()
interrupt.wait(source)
print(os.read(source, 1), time.process_time() < 0.4)
threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
try:
    interrupt.wait(source)
except interrupt.Ended as came:
    print(came.status)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=True)
    assert found.stdout.split() == [b"b'x'", b"True", b"143"]
