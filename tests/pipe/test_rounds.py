"""Whatever is killed, cut off or reorganised: in the end the alerts are those of the final chain."""

import pytest

import rounds_kit

pytestmark = pytest.mark.anvil

ROUNDS = 12


@pytest.mark.parametrize("way", rounds_kit.WAYS)
def test_rounds(tmp_path, way):
    """None is lost, what was dropped is taken back, once; ``make bench BENCH=rounds`` plays more."""
    result = rounds_kit.play(tmp_path, ROUNDS, 7, rounds_kit.WAYS[way])
    assert result.is_clean, result
    assert result.expected
    assert sum(result.kinds.values()) == ROUNDS
