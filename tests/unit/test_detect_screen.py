"""The raw-byte path finds what the parsed path finds, on random and on adversarial bytes."""

import os

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from txpipe import stream
from txpipe.address import canonical
from txpipe.detect.engine import Engine
from txpipe.detect.paths import PARSED_FIRST, Reading
from txpipe.detect.rules import RULES
from txpipe.detect.screener import Screener
from txpipe.errors import BadLine
from txpipe.lists.build import build
from txpipe.lists.entry import Entry
from txpipe.lists.index import Index

EVM = ["0x" + f"{n:02x}" * 20 for n in (0x11, 0x5A, 0xAB, 0xFE)] + ["0x" + "0" * 39 + "1"]
OTHERS = [
    "1BoatSLRHtKNngkdXEeobR76b53LETtpyT",
    "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
    "TEAqwfMhXLaa8fFiqrYp7TBLoXdVJBBzNy",
]
CLEAN = ["0x" + "cd" * 20, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "0x" + "11" * 19 + "12"]


@pytest.fixture(scope="module")
def evm_index(tmp_path_factory):
    path = tmp_path_factory.mktemp("index") / "evm.idx"
    build([Entry(address, "demo") for address in EVM], path)
    return Index(path)


@pytest.fixture(scope="module")
def mixed_index(tmp_path_factory):
    path = tmp_path_factory.mktemp("index") / "mixed.idx"
    build([Entry(address, "demo") for address in [*EVM, *OTHERS, CASH]], path)
    return Index(path)


def _read(data, index, screen_with, piece=None):
    """Run one pass over bytes through a pipe, written in pieces of a given size; return (alerts, faults)."""
    out, into = os.pipe()
    piece = piece or max(1, len(data))
    pieces = [data[at : at + piece] for at in range(0, len(data), piece)]
    faults = []
    pending = iter(pieces)

    def feed():
        chunk = next(pending, None)
        if chunk is None:
            if not closed:
                os.close(into)
                closed.append(True)
        else:
            os.write(into, chunk)

    closed = []
    reading = Reading(
        Engine(RULES, Screener(index)), stream.Source(out, "in"), stream.BadLines(faults.append), feed
    )
    return list(reading.alerts(screen_with)), faults, reading.lines


def transfer(**changes):
    record = {
        "type": "transfer",
        "chain": "eip155:1",
        "block": 1,
        "time": 1_760_000_000,
        "tx": "0x" + "ab" * 32,
        "n": 0,
        "from": CLEAN[0],
        "to": CLEAN[2],
        "asset": "eip155:1/slip44:60",
        "value": "1",
    }
    return record | changes


def line(record):
    return orjson.dumps(record) + b"\n"


def checksummed(address):
    """Mix the case as EIP-55 does, though not by its hash."""
    return address[:2] + "".join(c.upper() if i % 3 else c for i, c in enumerate(address[2:]))


CASH = "qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a"
SPELLED = [
    *map(checksummed, EVM),
    OTHERS[1].upper(),
    f"eip155:1:{EVM[1]}",
    f"bip122:000000000019d6689c085ae165831e93:{OTHERS[0]}",
    f"bitcoincash:{CASH}",
    CASH,
]
address = st.sampled_from(EVM + OTHERS + CLEAN + SPELLED)
junk = st.text(alphabet='0x"xX\\{}abn:,1', max_size=60)
record = st.builds(
    lambda kind, sender, to, extra, mentions, inputs, tx, follows: {
        **transfer(type=kind, tx=tx, to=to, **{"from": sender}),
        **({"mentions": mentions} if mentions else {}),
        **({"inputs": inputs} if inputs and kind == "transfer" else {}),
        **({"follows": follows} if follows and kind == "call" else {}),
        **({"scope": "all", "via": "approve"} if kind == "approval" else {}),
        "zz": extra,
    },
    st.sampled_from(["transfer", "call", "approval", "other"]),
    st.none() | address,
    st.none() | address,
    junk | address | st.lists(address | junk, max_size=2),
    st.lists(address, max_size=3),
    st.lists(address, max_size=2),
    st.sampled_from(["0x" + "ab" * 32, "0x" + "cd" * 32]),
    st.integers(0, 2),
)


@st.composite
def spelled(draw):
    """A record as a line, with all that JSON allows in it, or no record at all."""
    text = orjson.dumps(draw(record)).decode()
    how = draw(st.integers(0, 7))
    if how == 1:
        text = text.replace(":", " : ").replace(",", "\t,  ")
    elif how == 2:
        target = draw(st.sampled_from(EVM + OTHERS))
        text = text.replace(target, f"\\u{ord(target[0]):04x}{target[1:]}")
    elif how == 3:
        text = text[:-1] + ',"to":"' + draw(address) + '"}'
    elif how == 4:
        text += "\r"
    elif how == 5:
        text = draw(junk).replace("\n", "")
    elif how == 6:
        text = text[: draw(st.integers(0, len(text)))]
    elif how == 7:
        text = " " + text
    return text.encode()


@settings(max_examples=600)
@given(
    st.lists(spelled(), max_size=12),
    st.tuples(st.booleans(), st.booleans()),
    st.sampled_from([7, 64, 4096, None]),
)
def test_screening_finds_what_parsing_finds(evm_index, mixed_index, lines, setup, piece):
    """Alerts of both paths are the same bytes, however the input is cut; bad lines that hit are reported."""
    mixed, behind = setup
    index = mixed_index if mixed else evm_index
    data = b"\n".join(lines)
    data = BEHIND_THE_FIRST + data if behind else data
    parsed, faults, count = _read(data, index, None)
    screened, fewer, same_count = _read(data, index, index, piece)
    assert parsed == screened
    assert set(fewer) <= set(faults)
    assert count <= same_count  # a trailing blank line is a line to one of them only


BEHIND_THE_FIRST = line(transfer()) * PARSED_FIRST
"""Lines at the start are parsed whatever they hold; what is to be screened comes behind them."""


@pytest.mark.parametrize("address", EVM + OTHERS + SPELLED)
@pytest.mark.parametrize("place", ["from", "to", "inputs", "mentions"])
def test_every_place_and_spelling_is_screened(mixed_index, address, place):
    value = [address] if place in ("inputs", "mentions") else address
    data = BEHIND_THE_FIRST + line(transfer(**{place: value}))
    alerts, faults, _ = _read(data, mixed_index, mixed_index)
    assert [orjson.loads(alert)["subject"] for alert in alerts] == [canonical(address)]
    assert faults == []


def test_raw_chain_data_is_refused_not_passed_over(evm_index):
    """Input of another kind must not look like records in which nothing is listed."""
    raw = [{"type": "transaction", "hash": "0x1"}, {"jsonrpc": "2.0"}, {"type": "block", "number": 1}]
    alerts, faults, _ = _read(b"".join(map(line, raw)), evm_index, evm_index)
    assert alerts == []
    assert len(faults) == 3
    assert "txnorm" in faults[0]
    assert "txnorm" in faults[1]


def test_hits_across_windows(evm_index):
    """A line that a read cuts in two is screened whole, at every cut."""
    data = line(transfer()) + line(transfer(to=EVM[1]))
    for piece in range(1, len(data), 13):
        assert len(_read(BEHIND_THE_FIRST + data, evm_index, evm_index, piece)[0]) == 1


def test_misframed_lines_are_reported_with_their_number(evm_index):
    data = line(transfer()) + b"junk\n" + line(transfer(to=EVM[0])) + b"[1]\n\n" + b'{"a":1\n'
    alerts, faults, lines = _read(BEHIND_THE_FIRST + data, evm_index, evm_index)
    assert len(alerts) == 1
    assert [int(fault.split(":")[1]) - PARSED_FIRST for fault in faults] == [2, 4, 6]
    assert lines == PARSED_FIRST + 6


def test_a_line_over_the_limit_is_refused_between_good_ones(evm_index):
    good = line(transfer(to=EVM[0]))
    data = good + b'{"x":"' + b"a" * (stream.MAX_LINE + 5) + b'"}\n' + line(transfer(to=EVM[1], tx="0x1"))
    alerts, faults, lines = _read(data, evm_index, evm_index, 1 << 15)
    assert len(alerts) == 2
    assert len(faults) == 1
    assert "over the limit" in faults[0]
    assert faults[0].startswith("in:2:")
    assert lines == 3


@pytest.mark.parametrize("screened", [False, True])
def test_what_waits_is_said_before_a_bad_line_ends_it(evm_index, tmp_path, screened):
    """Under --strict the run ends at a bad line; the finding that waited for more is not lost with it."""
    path = tmp_path / "in.ndjson"
    path.write_bytes(line(transfer(type="call", to=EVM[0], follows=2)) + b"junk\n")
    bad = stream.BadLines(print, strict=True)
    reading = Reading(Engine(RULES, Screener(evm_index)), stream.open_source(str(path)), bad, lambda: None)
    found = []
    with pytest.raises(BadLine, match=r"in\.ndjson:2"):
        found.extend(reading.alerts(evm_index if screened else None))
    assert len(found) == 1


def test_many_bad_lines_are_numbered_in_one_pass(evm_index):
    """Their numbers are right across windows, and counting them does not start over for each."""
    data = BEHIND_THE_FIRST + b"x\n" * 1000
    _, faults, _ = _read(data, evm_index, evm_index, 700)
    numbers = [int(fault.split(":")[1]) for fault in faults[: stream.BadLines.SHOWN]]
    assert numbers == list(range(PARSED_FIRST + 1, PARSED_FIRST + 1 + len(numbers)))
