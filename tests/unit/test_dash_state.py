"""What the dashboard keeps of a txdetect state: the taint of accounts, in little room, never in its way."""

import pytest

from dash_kit import HEIST, HONEST, NEXT, PAYER, TAINTED_ONE, tainted_state
from txpipe.dashboard.apart import STATE, Apart, Refused
from txpipe.dashboard.digest import Digest, write
from txpipe.dashboard.lists import Lists
from txpipe.dashboard.states import CLEAR, REPORTED, TAINTED, UNKNOWN, State
from txpipe.detect.standing import standings
from txpipe.detect.state import MAGIC, StateFile


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """A state that a real txdetect wrote: a listed wallet's funds went on to two accounts."""
    return tainted_state(tmp_path_factory.mktemp("state"))


def opened(path, to, **more):
    return Digest(to, write(path, to, **more))


def test_what_a_state_says_of_accounts(state, tmp_path):
    """Numbers, hops, the list entry and the way are those of the payments."""
    digest = opened(state, tmp_path / "digest")
    (found,) = digest.find(NEXT)
    assert found["chain"] == "eip155:1"
    assert (found["tainted_usd"], found["share"], found["hops"]) == (4000.0, 1.0, 2)
    assert found["by_hop_usd"] == [0.0, 4000.0]
    assert found["origin"] == {
        "address": HEIST,
        "category": "theft",
        "list": "my",
        "list_date": "2026-03-04",
        "label": "Heist",
    }
    assert found["path"] == [
        {"address": TAINTED_ONE, "tx": f"0x{100:064x}"},
        {"address": NEXT, "tx": f"0x{101:064x}"},
    ]
    assert digest.find(TAINTED_ONE)[0]["by_hop_usd"] == [4000.0]
    assert digest.find(HONEST) == []
    assert (digest.blocks, digest.accounts) == ({"eip155:1": 102}, 5)


def test_known_and_unknown_are_two_answers(state, tmp_path):
    """An account that txdetect knew and one that it never saw are told apart."""
    digest = opened(state, tmp_path / "digest")
    assert digest.knows(HONEST)
    assert not digest.knows("0x" + "9" * 40)
    assert not digest.knows("\ud800 no address")
    assert list(tmp_path.iterdir()) == []


def test_what_has_no_room_is_not_called_clear(state, tmp_path):
    """Beyond the bound an account that txdetect knew is unknown, not clear; and the reason says so."""
    kept = State(str(state), tmp_path, Apart(), print)
    kept._digest = opened(state, tmp_path / "digest", most=1)
    said = [kept.exposure(each)["verdict"] for each in (TAINTED_ONE, NEXT, HEIST)]
    assert said.count(UNKNOWN) == 2
    assert "no room for" in kept.exposure(HONEST)["reason"]


def test_verdicts(state, tmp_path):
    """Tainted, reported, nothing known, unknown; an address in any spelling."""
    heard = []
    kept = State(str(state), tmp_path, Apart(), heard.append)
    assert kept.exposure(NEXT) == {
        "verdict": UNKNOWN,
        "reason": "the state is not read yet",
        "blocks": {},
        "accounts": [],
    }
    kept._renew()
    assert kept.exposure(f" 0X{NEXT[2:].upper()} ")["verdict"] == TAINTED
    assert kept.exposure(HEIST)["verdict"] == REPORTED  # by the rule listed
    assert kept.exposure(HONEST) == {
        "verdict": CLEAR,
        "reason": None,
        "blocks": {"eip155:1": 102},
        "accounts": [],
    }
    assert kept.exposure("0x" + "9" * 40)["reason"] == "txdetect has not seen it, or has forgotten it"
    assert heard == []


@pytest.mark.parametrize("spoil", ["cut", "flip", "magic", "empty", "text", "class", "layout"])
def test_a_state_that_cannot_be_believed_is_refused(state, tmp_path, spoil):
    """Damaged, foreign, of another version, naming code: said once, and what was read before stays."""
    copy = tmp_path / "S"
    copy.write_bytes(state.read_bytes())
    heard = []
    kept = State(str(copy), tmp_path, Apart(), heard.append)
    kept._renew()
    data = state.read_bytes()
    spoiled = {
        "cut": data[:-40],
        "flip": data[:500] + bytes([data[500] ^ 1]) + data[501:],
        "magic": MAGIC.replace(b"1", b"9") + data[len(MAGIC) :],
        "empty": b"",
        "text": b"hello\n",
    }
    if spoil in spoiled:
        copy.write_bytes(spoiled[spoil])
    elif spoil == "class":
        header = {"position": {}, "fingerprint": {}, "layout": StateFile(state).load()[0]["layout"]}
        StateFile(copy).save(header, [("accounts old eip155:1", [print])])
    else:
        StateFile(copy).save({"position": {}, "fingerprint": {}, "layout": "other"}, [])
    kept._renew()
    kept._renew()
    (said,) = heard
    assert said.startswith(f"--state {copy}: is ")
    assert said.endswith("what was read of it before stays")
    assert kept.exposure(NEXT)["verdict"] == TAINTED


def test_a_reader_does_not_lock_txdetect_out(state):
    """While the state is being read txdetect may lock and replace it, and what is read stays the old one."""
    _, accounts = standings(state)
    first = next(accounts)
    unlock = StateFile(state).lock()
    data = state.read_bytes()
    state.rename(state.with_name("old"))
    state.write_bytes(b"new")
    rest = [first, *accounts]
    unlock()
    state.write_bytes(data)
    assert {each.address for each in rest} == {HEIST, TAINTED_ONE, NEXT, HONEST, PAYER}


def test_what_follows_no_file_ends_like_the_rest(tmp_path):
    """Without lists or a state there is nothing to follow, and that ends, too."""
    for each in (
        Lists(None, tmp_path, Apart(), pytest.fail),
        State("", tmp_path, Apart(), pytest.fail),
    ):
        each.start()
        each.stop()


def test_a_job_that_dies_is_a_refusal(tmp_path):
    """A process that is killed, or runs out of memory, takes nothing along."""
    with pytest.raises(Refused, match="is not there any more"):
        Apart().run({"job": STATE, "path": str(tmp_path / "absent"), "to": str(tmp_path / "to")}, print)
    with pytest.raises(Refused, match="ended with status"):
        Apart().run({"job": "odd"}, print)


def test_the_end_is_no_fault(state, tmp_path):
    """A job that the end of the dashboard stops is not said; what never began to look may end, too."""
    heard = []
    kept = State(str(state), tmp_path, Apart(), heard.append)
    kept.stop()
    kept._renew()
    assert (heard, kept.exposure(NEXT)["verdict"]) == ([], UNKNOWN)
