"""An outage of receivers as a whole: nothing is lost, and who comes back is not run down."""

import pytest

import outage_kit

pytest.importorskip("apprise", reason="no apprise; pip install 'txpipe[deliver]'")


def test_an_outage(tmp_path):
    """What came meanwhile drains as fast as the service allows; people get what the limit allows."""
    found = outage_kit.play(tmp_path, alerts=600, incidents=60, most_a_second=300)
    assert (found.status, found.lost, found.repeated) == (0, 0, 0)
    assert found.peak <= 300 + found.refused
    assert found.refused <= 1 + found.drain_s  # one a second at most: its Retry-After is heeded
    assert found.down <= 20
    assert found.messages == outage_kit.MOST_MESSAGES
    assert found.last.split(",")[0].endswith("alerts")
    assert found.told == 600
