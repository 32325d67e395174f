"""alerts.inhibition: a grave alert mutes its lesser kin."""

import pytest

from examples import ALERT
from txpipe.alerts.inhibition import Inhibition, Inhibitor
from txpipe.alerts.memory import Memory
from txpipe.alerts.spool import Spool


def alert(number, severity, time=0, incident="i", **changes):
    return {
        **ALERT,
        "id": f"{number:032x}",
        "severity": severity,
        "time": time,
        "incident": incident,
        **changes,
    }


@pytest.fixture
def spool():
    with Memory() as made:
        yield made


GRAVE = alert(1, "critical", 100)


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        (alert(2, "medium", 101), True),
        (alert(2, "info", 3700), True),
        (alert(2, "info", 3701), False),
        (alert(2, "info", 99), False),
        (alert(2, "high", 101), False),
        (alert(2, "critical", 101), False),
        (alert(2, "low", 101, "other"), False),
        (alert(2, "low", 101, status="retracted"), False),
        (alert(2, "low", 101, status="updated", rev=1), True),
        ({key: value for key, value in alert(2, "low", 101).items() if key != "incident"}, False),
    ],
    ids=str,
)
def test_lesser_kin_is_muted(spool, later, expected):
    """What agrees in the keys, is no graver than said and comes within the time of the alerts is muted."""
    inhibitor = Inhibitor(Inhibition(), spool.database)
    assert not inhibitor.mutes(GRAVE)
    assert inhibitor.mutes(later) is expected


def test_a_retracted_one_mutes_no_longer(spool):
    """If the grave alert was wrong, its kin is told again; the retraction of another changes nothing."""
    inhibitor = Inhibitor(Inhibition(), spool.database)
    inhibitor.mutes(GRAVE)
    inhibitor.mutes(alert(9, "critical", 100, status="retracted"))
    assert inhibitor.mutes(alert(2, "low", 101))
    inhibitor.mutes({**GRAVE, "status": "retracted"})
    assert not inhibitor.mutes(alert(3, "low", 101))


def test_one_that_is_no_longer_grave_mutes_no_longer(spool):
    """Its own update is told, and so is its kin from then on."""
    inhibitor = Inhibitor(Inhibition(), spool.database)
    inhibitor.mutes(GRAVE)
    assert not inhibitor.mutes({**GRAVE, "status": "updated", "rev": 1, "severity": "medium"})
    assert not inhibitor.mutes(alert(3, "low", 101))


def test_keys_and_severities_as_asked(spool):
    """Keys, severities and time are as asked."""
    inhibitor = Inhibitor(Inhibition("high", "low", ("subject",), 10), spool.database)
    inhibitor.mutes(alert(1, "high", 100, "a"))
    assert inhibitor.mutes(alert(2, "low", 110, "b"))
    assert not inhibitor.mutes(alert(3, "low", 111, "b"))
    assert not inhibitor.mutes(alert(4, "medium", 101, "b"))


def test_memory_is_bounded(spool):
    """The oldest kin is forgotten, and its alerts are told."""
    inhibitor = Inhibitor(Inhibition(), spool.database, kept=2)
    for name in "abc":
        inhibitor.mutes(alert(1, "critical", 100, name))
    assert [inhibitor.mutes(alert(2, "low", 101, name)) for name in "abc"] == [False, True, True]


def test_over_restarts(tmp_path):
    """What mutes, and what does no longer, is kept in the spool."""
    with Spool(tmp_path) as spool:
        inhibitor = Inhibitor(Inhibition(), spool.database, kept=2)
        for name in "abc":
            inhibitor.mutes(alert(ord(name), "critical", 100, name))
        inhibitor.mutes(alert(ord("b"), "critical", 100, "b", status="retracted"))
        with spool.database.writing() as db:
            inhibitor.save(db)
    with Spool(tmp_path) as spool:
        inhibitor = Inhibitor(Inhibition(), spool.database)
        assert [inhibitor.mutes(alert(2, "low", 101, name)) for name in "abc"] == [False, False, True]
        others = Inhibitor(Inhibition(equal=("subject",)), spool.database)
        assert not others.mutes(alert(2, "low", 101, "c"))
