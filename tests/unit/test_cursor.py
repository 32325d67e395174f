"""The cursor of txtail: never ahead of the reader, replaced at once, believed only if it is whole."""

import json
import os

import pytest

from txpipe.chains.cursor import Cursor, CursorFault, load, unread
from txpipe.chains.follow import Place

PLACES = [Place(height, f"0x{height}", (f"tx {height}",)) for height in range(10, 15)]


def cursor(path, taken, *, behind=0, at=10):
    return Cursor(path, "eip155:1", "0xfirst", at, taken, lambda: 0.0, behind)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cursor"


def test_goes_on_where_the_reader_is(path):
    """Blocks that are still in the pipe are behind the cursor, and remembered as given out."""
    taken = 0
    one = cursor(path, lambda: taken)
    for number, place in enumerate(PLACES, 1):
        one.mark(100 * number, place.height + 1)
    one.save(PLACES)
    assert (load(path).at, load(path).recent, load(path).given) == (10, (), tuple(PLACES))
    assert not one.is_current
    taken = 399
    one.save(PLACES)
    assert (load(path).at, load(path).recent) == (13, tuple(PLACES[:3]))
    taken = 500
    one.save(PLACES)
    assert (load(path).at, load(path).given) == (15, ())
    assert one.is_current


def test_stays_behind_but_never_before_its_start(path):
    """--behind holds it back; a run that took nothing leaves it where it was."""
    one = cursor(path, lambda: 10**9, behind=2)
    one.mark(1, 11)
    one.save(PLACES[:1])
    assert load(path).at == 10
    one.mark(2, 15)
    one.save(PLACES)
    assert load(path).at == 13


def test_newest_block_is_where_it_begins(path):
    """Without a height to begin at, the first block given out is."""
    one = cursor(path, lambda: 0, at=None)
    one.save(PLACES)
    assert load(path).at == 10


def test_pipe_tells_what_is_unread(tmp_path):
    """Linux tells the bytes that wait in a pipe; a file has no reader to wait for."""
    reading, writing = os.pipe()
    os.write(writing, b"x" * 5_000)
    assert unread(writing) == 5_000
    os.read(reading, 4_000)
    assert unread(writing) == 1_000
    with (tmp_path / "file").open("wb") as file:
        file.write(b"x")
        assert unread(file.fileno()) == 0
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-20],
        lambda text: text.replace("cursor 1", "cursor 9"),
        lambda text: text.replace('"at":15', '"at":16'),
        lambda text: text.replace('"at":15', '"at":-1'),
        lambda text: text.replace('"at":15', '"at":true'),
        lambda text: text.replace('[11,"0x11"', '[99,"0x11"'),
        lambda text: text.replace('"0x11"', "11"),
        lambda text: text.replace('"eip155:1"', "null"),
        lambda _: "[]",
        lambda _: "",
    ],
)
def test_damaged_files_are_refused(path, change):
    """What is no cursor is not half believed; the message names the file and what to do."""
    one = cursor(path, lambda: 10**9)
    one.mark(1, 15)
    one.save(PLACES)
    damaged = change(path.read_text())
    assert damaged != path.read_text()
    path.write_text(damaged)
    with pytest.raises(CursorFault, match=r"cursor: is no cursor of txtail, .*; delete it"):
        load(path)


def test_none_yet_and_unusable_places(path, tmp_path):
    """No file is no fault; a folder in its place, or a folder that is not there, is."""
    assert load(path) is None
    with pytest.raises(CursorFault, match="cannot be read"):
        load(tmp_path)
    one = cursor(tmp_path / "nowhere" / "cursor", lambda: 0)
    with pytest.raises(CursorFault, match="cannot be written: No such file"):
        one.save(PLACES)


def test_file_is_whole_json(path):
    """One line of JSON that people and jq can read; nothing else is left in the folder."""
    one = cursor(path, lambda: 0)
    one.save(PLACES)
    assert json.loads(path.read_text())["chain"] == "eip155:1"
    assert [one.name for one in path.parent.iterdir()] == ["cursor"]
