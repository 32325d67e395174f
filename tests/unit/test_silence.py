"""alerts.silence: what a silence is about, and when it holds."""

import pytest

from examples import ALERT, LISTED
from txpipe.alerts.silence import Conditions, Silence, Silences, muting
from txpipe.alerts.spool import Spool


@pytest.mark.parametrize(
    ("conditions", "changes", "expected"),
    [
        ({"rules": ("listed", "mention")}, {}, True),
        ({"rules": ("mention",)}, {}, False),
        ({"chains": ("eip155:1",)}, {}, True),
        ({"chains": ("eip155:137",)}, {}, False),
        ({"subjects": (LISTED,)}, {}, True),
        ({"subjects": ("0x",)}, {}, False),
        ({"subjects": ("0xAbC",)}, {"subject": "0xabc"}, True),
        ({"subjects": ("1AbC",)}, {"subject": "1abc"}, False),
        ({"categories": ("sanctions",)}, {}, True),
        ({"categories": ("scam",)}, {}, False),
        ({"incidents": ("i1",)}, {"incident": "i1"}, True),
        ({"incidents": ("i1",)}, {}, False),
        ({"rules": ("listed",), "up_to": "high"}, {}, False),
        ({"rules": ("listed",), "up_to": "high"}, {"severity": "high"}, True),
        ({"rules": ("listed",), "chains": ("eip155:137",)}, {}, False),
    ],
)
def test_conditions(conditions, changes, expected):
    """An alert is muted if it meets every kind of condition, whichever of its values."""
    silence = Silence(1, "why", 0, 9, Conditions(**conditions))
    assert (muting([silence], {**ALERT, **changes}) is silence) is expected


def test_retractions_are_not_muted():
    """Whoever was alarmed learns that there was nothing, whatever is silenced."""
    silence = Silence(1, "why", 0, 9, Conditions(rules=("listed",)))
    assert muting([silence], {**ALERT, "status": "retracted"}) is None


def test_times(tmp_path):
    """A silence holds from its begin up to its end, also in the next run; what expires ends at once."""
    with Spool(tmp_path) as spool:
        one = Silences(spool.database).add("why", 10.0, 20.0, Conditions(rules=("listed",), up_to="low"))
    with Spool(tmp_path) as spool:
        silences = Silences(spool.database)
        times = (9.9, 10.0, 19.9, 20.0)
        held = {now: [silence.number for silence in silences.holding(now)] for now in times}
        assert held == {9.9: [], 10.0: [one], 19.9: [one], 20.0: []}
        assert silences.all()[0].conditions == Conditions(rules=("listed",), up_to="low")
        silences.count([one, one])
        assert silences.expire(one, 15.0)
        assert not silences.expire(one, 16.0)
        assert silences.holding(15.0) == []
        assert silences.all()[0].muted == 2
