"""What waits to be stored: the same bytes in the same order, in little memory."""

import os
import random
import tracemalloc

import pytest

from txpipe.dashboard.buffer import Buffer


@pytest.mark.parametrize("seed", range(20))
def test_bytes_come_back_as_they_went_in(seed):
    """However puts, reads, stores and new readers follow each other; what is lost is said in its place."""
    rng = random.Random(seed)
    buffer = Buffer(disk=rng.choice([0, 3_000, 50_000]), memory=rng.choice([0, 2_000]))
    whole = bytearray()
    at = lost = 0
    for _ in range(3_000):
        step = rng.random()
        if step < 0.5:
            data = rng.randbytes(rng.choice([1, 50, 700]))
            whole += data
            buffer.put(data)
        elif step < 0.9 and (found := buffer.next(at, 0)) is not None:
            end, data = found
            if data is None:
                lost += end - at
            else:
                assert data == whole[at:end]
            at = end
        elif step < 0.98:
            buffer.store(rng.randint(buffer.stored, at))
        else:
            at = buffer.stored
    assert buffer.taken == len(whole)
    assert (lost > 0) <= (buffer.lost > 0)
    buffer.close()


def test_many_small_pieces_take_no_memory():
    """Lines that come one by one and wait on disk are not kept apart."""
    buffer = Buffer(disk=1 << 26, memory=0)
    data = bytes(300)
    tracemalloc.start()
    for _ in range(20_000):
        buffer.put(data)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used < 100_000
    assert buffer.unstored() == 20_000 * 300
    buffer.close()


def test_disk_that_gives_nothing_back():
    """What cannot be read from the file any more is lost and said, not passed over; what follows goes on."""
    buffer = Buffer(disk=1 << 20, memory=1_000)
    pieces = [bytes([65 + at]) * 700 for at in range(2)]
    for each in pieces:
        buffer.put(each)
    os.ftruncate(buffer._file, 300)
    assert buffer.next(0, 0) == (700, pieces[0])
    assert buffer.next(700, 0) == (1_400, None)
    assert (buffer.lost, buffer.unread, buffer.unstored()) == (700, 700, 700)
    buffer.store(700)
    buffer.put(pieces[0])
    assert buffer.next(1_400, 0) == (2_100, pieces[0])
    buffer.store(2_100)
    assert (buffer.lost, buffer.unstored()) == (700, 0)
    buffer.close()
