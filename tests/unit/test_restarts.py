"""Whatever is killed at whatever moment of a chain that is reorganised: the alerts are those of its end."""

import os

import pytest

from restarts_kit import Game


@pytest.fixture
def quick(monkeypatch):
    """Kills are exceptions here: the disk need not be waited for."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("way", ["ack", "cursor"])
@pytest.mark.parametrize("seed", range(5))
def test_restarts(tmp_path, way, seed):
    """None is lost, none stays that should not; the numbers of revisions never hide one from a reader."""
    game = Game(tmp_path, seed, way)
    game.play(40)
    assert game.open() == game.expected()
    assert way == "cursor" or not game.undone_in_part
