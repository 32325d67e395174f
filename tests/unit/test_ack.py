"""txtail --ack: where to go on by what txdetect has done; nothing is half believed."""

import json

import pytest

from txpipe.chains.ack import AckFault, load
from txpipe.chains.cursor import Saved
from txpipe.chains.follow import Place
from txpipe.detect.state import StateFile

HELD = [[7, "0x7", ["tx 7"]], [9, "0x9", []], [10, "0xa", ["tx 10", "tx 11"]]]
PLACE = {"block": 10, "hash": "0xa", "records": 0, "closed": True, "held": HELD, "txs": []}
RECENT = (Place(9, "0x9", ()), Place(10, "0xa", ("tx 10", "tx 11")))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "copy"


def test_behind_a_closed_block(path):
    """The next block, and those before it as far back as there is no gap."""
    path.write_text(json.dumps({"eip155:1": PLACE}))
    assert load(path) == {"eip155:1": Saved("eip155:1", None, 11, RECENT, ())}


def test_an_open_block_is_taken_back(path):
    """Nobody knows of which block the records were: it comes again, after a reorg."""
    path.write_text(
        json.dumps({"eip155:1": PLACE | {"block": 11, "hash": "", "closed": False, "txs": ["tx 12"]}})
    )
    assert load(path)["eip155:1"] == Saved("eip155:1", None, 11, RECENT, (Place(11, "", ("tx 12",)),))


def test_none_yet(path):
    """No file is no fault."""
    assert load(path) == {}
    assert load(path.with_suffix(".pos")) == {}


def test_the_state_itself_is_read_where_it_is(tmp_path):
    """Of state and position, replaced one after the other, the state is what txdetect goes on from."""
    state, pos = tmp_path / "state", tmp_path / "state.pos"
    header = {"fingerprint": {}, "layout": 1, "position": {"eip155:1": PLACE}}
    StateFile(state).save(header, [("said", ["some", "thing"])])
    pos.write_text(json.dumps({"eip155:1": PLACE | {"block": 9, "held": HELD[:2]}}))
    assert load(pos)["eip155:1"].at == 11
    pos.unlink()
    assert load(pos)["eip155:1"].at == load(state)["eip155:1"].at == 11


def test_a_position_whose_state_is_gone(tmp_path):
    """Deleted to begin anew, the state takes its position with it; a copy elsewhere is believed."""
    pos = tmp_path / "state.pos"
    pos.write_text(json.dumps({"eip155:1": PLACE}))
    with pytest.raises(AckFault, match=r"state, is gone; delete it, too, or copy it"):
        load(pos)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-9],
        lambda text: text.replace('"block": 10', '"block": 9'),
        lambda text: text.replace('"block": 10', '"block": -2'),
        lambda text: text.replace('"block": 10', '"block": "10"'),
        lambda text: text.replace('"held"', '"help"'),
        lambda text: text.replace('[9, "0x9"', '[6, "0x9"'),
        lambda text: text.replace('"0x9"', "9"),
        lambda _: "[]",
        lambda _: "{}x",
        lambda _: '{"eip155:1": 5}',
        lambda _: '{"fingerprint": 5}',
        lambda _: "",
    ],
)
def test_damaged_files_are_refused(path, change):
    """What is no position is not half believed; the message names the file and what to do."""
    good = json.dumps({"eip155:1": PLACE})
    assert change(good) != good
    path.write_text(change(good))
    with pytest.raises(AckFault, match=r"copy: is no position of txdetect, .*; name the FILE"):
        load(path)
    with pytest.raises(AckFault, match="cannot be read"):
        load(path.parent)
