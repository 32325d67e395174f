"""Odd places for --spool: refused before anything is read, with what to do; a full disk loses nothing."""

import errno
import os
import subprocess
from pathlib import Path

import pytest

from conftest import script
from examples import ALERT, line
from receiver_kit import Hook, closed_port
from txpipe.alerts import spoolfolder


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def alerts(count):
    return b"".join(line(ALERT, id=f"{number:032x}") for number in range(count))


def run(*args, data=b"", name="txalert"):
    done = subprocess.run([script(name), *args], input=data, capture_output=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr.decode()


@pytest.fixture
def small(tmp_path):
    """A file system of 2 MB of its own."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, timeout=30, check=False)
    except FileNotFoundError:
        pytest.skip("no mount")
    if done.returncode:
        pytest.skip("mounting a file system needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], timeout=30, check=True)


NO_FOLDER = "is no folder; name one, or one that does not exist yet"
ABSENT = "it, or a file in it, cannot be made; make the folder above it (mkdir -p), or name another"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("fifo", NO_FOLDER),
        ("file", NO_FOLDER),
        ("loop", NO_FOLDER),
        ("/dev/null", NO_FOLDER),
        ("no/such", ABSENT),
        ("/proc", ABSENT),
        ("file/x", "a part of the path is no folder; name another"),
        ("x" * 300, "is too long a name"),
    ],
    ids=lambda text: text[:9],
)
def test_what_is_no_folder(path, words):
    """A pipe, a file, a device, a loop or a name without a place is refused; nothing hangs."""
    os.mkfifo("fifo")
    Path("file").touch()
    Path("loop").symlink_to("loop")
    assert run("--spool", path, data=alerts(1)) == (2, b"", f"txalert: {path}: {words}\n")


def test_an_empty_name():
    """A name that is empty, as a variable that is not set, is not the folder at hand."""
    status, out, said = run("--spool", "", data=alerts(1))
    assert (status, out) == (2, b"")
    assert "is empty; name a folder, or leave the option out" in said
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("name", ["lock", "spool.db", "spool.db-wal", "dead.ndjson"])
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: Path(path).symlink_to("/dev/full")])
def test_what_is_no_file(name, make):
    """A pipe, a folder or a device where a spool keeps a file is refused, by both commands; nothing hangs."""
    Path("s").mkdir()
    make(f"s/{name}")
    said = f"s: {name} in it is no regular file; move it away, or name another folder\n"
    assert run("--spool", "s", data=alerts(1)) == (2, b"", f"txalert: {said}")
    if name == "spool.db":
        assert run("resend", "--spool", "s", name="txalertctl") == (2, b"", f"txalertctl: {said}")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.ENOLCK, errno.ELOOP, errno.EIO])
def test_every_refusal_says_what_to_do(number):
    """What the system says of a folder comes with a remedy; at least with its own words."""
    said = spoolfolder.remedy(OSError(number, os.strerror(number)))
    assert "another folder" in said or "elsewhere" in said or said == "cannot be opened: Input/output error"


def test_a_read_only_file_system(small):
    """A spool on a file system that was made read-only is refused, a new one and an old one."""
    run("--spool", "small/old", "--to", f"http://127.0.0.1:{closed_port()}/", "--drain", "0", data=alerts(1))
    subprocess.run(["mount", "-o", "remount,ro", str(small)], timeout=30, check=True)
    for path in ("small/new", "small/old"):
        said = f"txalert: {path}: is on a file system that is read-only; name a folder elsewhere\n"
        assert run("--spool", path, data=alerts(1)) == (2, b"", said)


def test_a_disk_that_is_full(small):
    """A spool that cannot even be made says that the disk is full, and how to go on."""
    with pytest.raises(OSError, match="No space left"):
        (small / "fill").write_bytes(bytes(4 << 20))
    status, out, said = run("--spool", "small/s", data=alerts(1))
    assert (status, out) == (1, b"")
    assert "the disk is full; " in said
    assert "free some space and go on" in said
    assert "Traceback" not in said
    (small / "fill").unlink()
    assert run("--spool", "small/s", data=alerts(1)) == (0, alerts(1), "")


def test_a_disk_that_fills_up(small):
    """What stdout had before the disk was full is delivered once there is room; nothing else had left."""
    Path("alerts.ndjson").write_bytes(alerts(5000))
    dead = f"http://127.0.0.1:{closed_port()}/"
    status, out, said = run("--spool", "small/s", "--to", dead, "--drain", "0", "alerts.ndjson")
    assert status == 1
    assert "the disk is full" in said
    assert "Traceback" not in said
    assert alerts(5000).startswith(out)
    count = out.count(b"\n")
    assert 0 < count < 5000
    subprocess.run(["mount", "-o", "remount,size=64m", str(small)], timeout=30, check=True)
    assert f"{count:,} alerts not delivered" in run("--spool", "small/s")[2]
    with Hook() as hook:
        routes = f'[receivers.soc]\nurl = "{hook.url}"\n[[routes]]\nto = ["soc"]\n'
        Path("routes.toml").write_text(routes)
        args = ("--spool", "small/s", "--routes", "routes.toml", "--drain", "60")
        assert run(*args, "alerts.ndjson")[:2] == (1, alerts(5000))  # the dead one still waits for its own
    assert len(set(hook.taken)) == 5000 - count


def test_nobody_else_reads_it():
    """In a folder that others may read, too, what the spool keeps is its owner's alone."""
    Path("open").mkdir(mode=0o755)
    args = [script("txalert"), "--spool", "open", "--to", f"http://127.0.0.1:{closed_port()}/"]
    with subprocess.Popen(
        args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdin.write(alerts(1))
        process.stdin.flush()
        process.stdout.readline()
        modes = {path.name: path.stat().st_mode & 0o077 for path in Path("open").iterdir()}
        process.kill()
    assert set(modes) >= {"spool.db", "spool.db-wal", "lock"}
    assert set(modes.values()) == {0}
