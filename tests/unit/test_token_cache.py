"""The file that keeps what tokens were told to be called: first answers, several writers, damage, bounds."""

import fcntl
import json
import os

import pytest

from txpipe.chains import token_cache
from txpipe.chains.token_cache import TokenCache, said
from txpipe.errors import UsageFault

CHAIN, GENESIS = "eip155:1", "0x" + "01" * 32
A, B, C = ("0x" + digit * 40 for digit in "abc")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / "tokens"


def opened(path, told=None, **other):
    of = {"chain": CHAIN, "genesis": GENESIS} | other
    return TokenCache(path, of["chain"], of["genesis"], pytest.fail if told is None else told.append)


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_first_answer_stays(path):
    """What is settled is there after a restart, the other things said later are not."""
    opened(path).settle({A: said(b"ONE", 6), B: None})
    again = opened(path)
    again.settle({A: said(b"TWO", 18), B: said(b"B", 1), C: said(b"C", 0)})
    assert again.known == opened(path).known == {A: said(b"ONE", 6), B: None, C: said(b"C", 0)}
    assert len(lines(path)) == 4


def test_two_writers(path):
    """Of two, who comes second takes what the first was told."""
    one, two = opened(path), opened(path)
    one.settle({A: said(b"ONE", 6)})
    two.settle({A: said(b"TWO", 6), B: said(b"B", 2)})
    one.settle({B: said(b"OTHER", 3), C: None})
    two.settle({})
    assert one.known == two.known == {A: said(b"ONE", 6), B: said(b"B", 2), C: None}


def test_torn_line(path):
    """A line that was cut off by a crash is dropped without a word."""
    opened(path).settle({A: said(b"ONE", 6), B: None})
    with path.open("rb+") as file:
        file.truncate(path.stat().st_size - 5)
    again = opened(path)
    assert set(again.known) == {A}
    again.settle({B: None})
    assert lines(path)[2] == {"address": B}


@pytest.mark.parametrize(
    "bad",
    [
        "junk",
        "[]",
        "5",
        "",
        "\0" * 50,
        '{"address":"0x12","decimals":6,"symbol":"X"}',
        f'{{"address":"{B}","decimals":78,"symbol":"X"}}',
        f'{{"address":"{B}","decimals":-1,"symbol":"X"}}',
        f'{{"address":"{B}","decimals":1}}',
    ],
)
def test_damaged_lines(path, bad):
    """They are said and left out; the file is begun anew with the others."""
    opened(path).settle({A: said(b"ONE", 6)})
    with path.open("a") as file:
        file.write(bad + "\n" + json.dumps({"address": C, "symbol": "C\x1b", "decimals": 2}) + "\n")
    told = []
    again = opened(path, told)
    assert again.known == {A: said(b"ONE", 6), C: said(b"C\x1b", 2)}
    assert len(told) == 1
    assert "1 lines do not read" in told[0]
    assert opened(path).known == again.known


FOREIGN = [b"root:x:0:0\n", b"\0" * 100, b'{"format":"txtail cursor 1"}\n', b"\n", b"x", b"[1]\n{}\n"]


@pytest.mark.parametrize("body", FOREIGN)
def test_foreign_file(path, body):
    """A file of another kind is moved aside, whole, and said."""
    path.parent.mkdir()
    path.write_bytes(body)
    told = []
    cache = opened(path, told)
    cache.settle({A: None})
    assert path.with_name("tokens.damaged").read_bytes() == body
    assert "begun anew" in told[0]
    assert opened(path).known == {A: None}


def test_other_chain(path):
    """A file of another chain, or of one with another first block, is refused and stays."""
    opened(path).settle({A: None})
    for other in ({"chain": "eip155:10"}, {"genesis": "0x" + "02" * 32}):
        with pytest.raises(UsageFault, match="another chain"):
            opened(path, **other)
    assert opened(path).known == opened(path, genesis=None).known == {A: None}


def test_a_lock_that_is_held(path):
    """It is waited for a few seconds, once; names serve this run meanwhile, and are kept once it is gone."""
    waits, told = [], []
    opened(path).settle({A: None})
    with path.open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        late = TokenCache(path, CHAIN, GENESIS, told.append, waits.append)
        assert sum(waits) == pytest.approx(5.0, abs=0.03)
        assert told == [f"{path}: it is locked by another process; token names are kept there once it is not"]
        with pytest.raises(BlockingIOError, match="it is locked by another process"):
            late.settle({B: None})
        assert (late.known, sum(waits)) == ({B: None}, pytest.approx(5.0, abs=0.03))
    late.settle({C: None})
    assert set(opened(path).known) == set(late.known) == {A, B, C}


def test_nothing_to_keep(path):
    """As long as no token is seen there is no file."""
    opened(path)
    assert not path.exists()


def test_bounded(path, monkeypatch):
    """Beyond so many the older half goes, of the file, too; another process notices."""
    monkeypatch.setattr(token_cache, "MOST", 10)
    one, two = opened(path), opened(path)
    names = [f"0x{number:040x}" for number in range(1, 12)]
    for name in names:
        one.settle({name: said(name.encode(), 1)})
    assert list(one.known) == names[-5:]
    assert len(lines(path)) == 6
    two.settle({A: None})
    assert list(opened(path).known) == [*names[-5:], A]


def test_not_writable(path):
    """A place where nothing can be kept is said at the start; later, what was found still counts."""
    with pytest.raises(UsageFault, match="cannot be kept"):
        opened(path.parent.parent / "x" / ("y" * 300))
    with pytest.raises(UsageFault, match="no regular file"):
        opened(path.parent.parent)
    cache = opened(path)
    path.parent.rmdir()
    with pytest.raises(OSError, match="No such file"):
        cache.settle({A: None})
    assert cache.known == {A: None}


def test_new_file_at_the_same_place(path):
    """A file that was replaced meanwhile is read from its start, and added to."""
    cache = opened(path)
    cache.settle({A: None})
    beside = path.with_name("beside")
    opened(beside).settle({B: said(b"B", 1)})
    os.replace(beside, path)  # noqa: PTH105 - what another process does
    cache.settle({C: None})
    assert opened(path).known == {B: said(b"B", 1), C: None}
