"""The cursor of txtail: never ahead of the reader, replaced at once, believed only if it is whole."""

import json
import os

import pytest

from txpipe.chains.ack import AckFault
from txpipe.chains.cursor import Behind, Cursor, CursorFault, load, lock, unread
from txpipe.chains.follow import Place
from txpipe.chains.live_run import known

PLACES = [Place(height, f"0x{height}", (f"tx {height}",)) for height in range(10, 15)]


def cursor(path, taken, *, behind=0, at=10):
    return Cursor(path, "eip155:1", "0xfirst", at, taken, lambda: 0.0, Behind(behind))


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


def test_stays_behind_by_time(path):
    """What the reader took less than five seconds ago is held back, and what was dropped kept as long."""
    now = 100.0
    one = Cursor(path, "eip155:1", None, 10, lambda: 10**9, lambda: now, Behind(seconds=5.0))
    one.mark(1, 13)
    one.offer(PLACES)
    one.save(PLACES)
    assert load(path).at == 10
    now = 104.0
    one.mark(2, 15)
    one.save(PLACES)
    assert load(path).at == 10
    now = 106.0
    one.offer(PLACES)
    assert load(path).at == 13
    one.drop((PLACES[4],))
    one.told(3)
    one.mark(4, 15)
    one.save(PLACES)
    now = 110.9
    one.save(PLACES)
    assert (load(path).at, load(path).void) == (13, (PLACES[4],))
    now = 111.0
    one.save(PLACES)
    assert (load(path).at, load(path).void) == (15, ())


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


def test_what_cannot_be_written_leaves_nothing(path):
    """A write that fails, as on a full disk, leaves the old file and no half of a new one."""
    path.mkdir()
    with pytest.raises(CursorFault, match="cannot be written"):
        cursor(path, lambda: 0).save(PLACES)
    assert [one.name for one in path.parent.iterdir()] == ["cursor"]


def test_what_is_no_cursor_has_no_file_beside_it(tmp_path):
    """A file that is something else is refused before it is locked; so is a FIFO, without a wait."""
    other, fifo = tmp_path / "other", tmp_path / "fifo"
    other.write_text("something else\n")
    os.mkfifo(fifo)
    for path in (other, fifo):
        with pytest.raises(CursorFault):
            known(path, None)
    with pytest.raises(AckFault, match="it is no file"):
        known(None, fifo)
    assert {one.name for one in tmp_path.iterdir()} == {"other", "fifo"}


def test_file_is_whole_json(path):
    """One line of JSON that people and jq can read; nothing else is left in the folder."""
    one = cursor(path, lambda: 0)
    one.save(PLACES)
    assert json.loads(path.read_text())["chain"] == "eip155:1"
    assert [one.name for one in path.parent.iterdir()] == ["cursor"]


def test_dropped_blocks_are_remembered_as_far_as_it_stays_back(path):
    """Who may not have done what it took may not have done a reorg either; without --behind it has."""
    for behind, void, at in ((3, PLACES[2:], 12), (0, [], 15)):
        one = cursor(path, lambda: 10**9, behind=behind)
        one.mark(1, 15)
        one.drop(tuple(PLACES[2:]))
        one.told(2)
        one.mark(3, 15)
        one.save(PLACES)
        assert (load(path).at, load(path).void) == (at, tuple(void))
        one.mark(4, 16)
        one.save([*PLACES, Place(15, "b", ())])
        assert (load(path).at, load(path).void) == (16 - behind, ())


def test_what_is_dropped_again_is_named_once(path):
    """A later run drops what an earlier one did, and more: each block is in the file once."""
    one = cursor(path, lambda: 0)
    one.drop(tuple(PLACES[2:]))
    one.drop(tuple(PLACES[1:]))
    one.save(PLACES)
    assert load(path).void == tuple(PLACES[1:])


def test_a_reader_that_is_far_behind(path):
    """Blocks come again that are no more remembered: there is a gap before those that are, and no damage."""
    one = cursor(path, lambda: 0, at=1)
    one.save([Place(1, "0x1", ()), *PLACES])
    assert (load(path).at, load(path).given) == (1, (Place(1, "0x1", ()), *PLACES))


def test_one_at_a_time(path, tmp_path):
    """Who has it keeps others out until it is let go; a folder that is not there is no place for it."""
    let_go = lock(path)
    with pytest.raises(CursorFault, match=r"cursor: another txtail uses it; end that one, or give"):
        lock(path)
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(CursorFault, match="link: another"):
        lock(tmp_path / "link")
    lock(tmp_path / "other")()
    let_go()
    lock(path)()
    with pytest.raises(CursorFault, match="cannot be written"):
        lock(tmp_path / "nowhere" / "cursor")
