"""Windows are the batches of stream.cut_lines, whatever the reads."""

from hypothesis import given
from hypothesis import strategies as st

from txpipe.stream import BOM, MAX_LINE, TooLong, cut_lines
from txpipe.window import PADDING, WINDOW, windows

LIMIT = 20


class Pieces:
    """A source that gives one piece a read."""

    fd = 0
    name = "pieces"

    def __init__(self, pieces):
        self.pieces = iter(pieces)

    def read_into(self, room, before_block):
        before_block()
        piece = next(self.pieces, b"")
        assert len(piece) <= len(room)
        room[: len(piece)] = piece
        return len(piece)


def lines_of(items):
    for item in items:
        if isinstance(item, TooLong):
            yield item.size
        else:
            yield from item.split(b"\n")[:-1]


def windowed(pieces):
    for item in windows(Pieces(pieces), lambda: None, LIMIT):
        if isinstance(item, TooLong):
            yield item
        else:
            buffer, size = item
            assert len(buffer) >= size + PADDING
            assert buffer[size - 1 : size] == b"\n"
            yield bytes(buffer[:size])


@given(
    st.lists(st.binary(max_size=3).map(lambda b: b.replace(b"\x00", b"\n")) | st.just(b"\n") | st.just(BOM)),
    st.lists(st.integers(1, LIMIT), min_size=1, max_size=8),
)
def test_reads_change_no_line(parts, sizes):
    """The same lines, and the same refusals, as from the other reader given the bytes at once."""
    data = b"".join(parts) * 3
    pieces, at = [], 0
    while at < len(data):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(data[at : at + size])
        at += size
    expected = list(lines_of(cut_lines([data] if data else [], LIMIT)))
    assert list(lines_of(windowed(pieces))) == expected


def test_no_read_is_longer_than_a_line_may_be():
    """Else a line that is over the limit could hide in the middle of one."""
    assert WINDOW <= MAX_LINE


def test_a_line_over_many_reads_is_refused_without_being_held():
    pieces = [b"ok\n", *[b"x" * LIMIT] * 50, b"y\nnext\n", b"last"]
    assert list(lines_of(windowed(pieces))) == [b"ok", LIMIT * 50 + 1, b"next", b"last"]
