"""alerts.escalation: an incident that grows goes to further receivers, once a level."""

import random

import pytest

from examples import ALERT, TRANSFER, line
from txpipe.alerts.addressing import Addressing, Restraint
from txpipe.alerts.escalation import Escalation, Level
from txpipe.alerts.inhibition import Inhibition, Inhibitor
from txpipe.alerts.silence import Conditions, Silences
from txpipe.alerts.spool import Spool

WALL = 1_000_000.0
DAY = 86_400.0
FIVE = Level("five", ("duty",), count=5)
LARGE = Level("large", ("chief",), usd=100_000.0)
GRAVER = Level("graver", ("duty",), severity="critical")


def alert(number, incident="i", usd=None, **changes):
    record = {**TRANSFER, "usd": usd}
    own = {"id": f"{number:032x}", "incident": incident, "tx": f"0x{number:064x}", "record": record}
    return {**ALERT, "severity": "high", **own, **changes}


def retracted(number, **changes):
    return alert(number, status="retracted", rev=1, **changes)


class Stage:
    """Addressing of a spool in which ``all`` gets everything, and what others get."""

    def __init__(self, spool, *levels, inhibitor=None, kept=100_000):
        escalation = Escalation(levels, kept)
        self.spool = spool
        self.addressing = Addressing(spool, lambda _: ("all",), Restraint(inhibitor, None, escalation))

    def take(self, *alerts, now=WALL):
        self.addressing.take([(line(one)[:-1], one) for one in alerts], now)

    def got(self, receiver):
        return [(int(one.key[:32], 16), one.note) for one in self.spool.due(receiver, 1e12, 100)]


@pytest.fixture
def spool(tmp_path):
    with Spool(tmp_path) as made:
        yield made


def test_count(spool):
    """The alert that makes it five goes to the further receiver, with the reason; those after it do not."""
    stage = Stage(spool, FIVE)
    stage.take(*(alert(n) for n in range(4)), alert(10, "other"))
    assert stage.got("duty") == []
    stage.take(alert(4), alert(5), alert(6))
    assert stage.got("duty") == [(4, "Escalated (five): 5 alerts")]
    assert [number for number, note in stage.got("all") if not note] == [0, 1, 2, 3, 10, 4, 5, 6]


def test_what_counts(spool):
    """An alert counts once, whatever its revisions, and no longer when retracted; without incident, alone."""
    stage = Stage(spool, Level("two", ("duty",), count=2))
    stage.take(alert(1), alert(1), alert(1, status="updated", rev=1))
    stage.take(alert(1))
    stage.take(retracted(1, incident="i") | {"rev": 2}, alert(2))
    stage.take(*({key: value for key, value in alert(n).items() if key != "incident"} for n in (3, 4)))
    assert stage.got("duty") == []
    stage.take(alert(5))
    assert stage.got("duty") == [(5, "Escalated (two): 2 alerts")]


def test_usd(spool):
    """The worth of transactions adds up, each once, however many alerts are about it."""
    stage = Stage(spool, LARGE)
    stage.take(alert(1, usd=60_000.0), alert(2, usd=60_000.0, tx=alert(1)["tx"]), alert(3, usd=None))
    stage.take(alert(4, usd=39_999.0), retracted(4), alert(5, usd=39_999.0), alert(6, usd=True))
    stage.take(alert(8, usd=10**400), alert(9, usd=1e308), alert(10, usd=float("inf")), alert(11, usd=-1e9))
    assert stage.got("chief") == []
    stage.take(alert(7, usd=1.0))
    assert stage.got("chief") == [(7, "Escalated (large): 100,000 USD in all")]


def test_severity(spool):
    """An incident that becomes graver escalates; one that was as grave from its first alert on does not."""
    stage = Stage(spool, GRAVER)
    stage.take(alert(1, "a", severity="critical"), alert(2, "a", severity="critical"))
    assert stage.got("duty") == []
    stage.take(alert(3, "b"), alert(3, "b", severity="critical", status="updated", rev=1))
    assert stage.got("duty") == [(3, "Escalated (graver): from high to critical")]


def test_levels(spool):
    """Each level goes to its own receivers, once; an alert that reaches two comes once to each receiver."""
    both = Level("both", ("duty", "chief"), count=6, usd=1.0)
    stage = Stage(spool, FIVE, both, Level("rule", ("all",), by=("rule",), count=3))
    stage.take(*(alert(n) for n in range(5)), alert(5, usd=2.0))
    assert stage.got("duty") == [
        (4, "Escalated (five): 5 alerts"),
        (5, "Escalated (both): 6 alerts, 2 USD in all"),
    ]
    assert stage.got("chief") == [(5, "Escalated (both): 6 alerts, 2 USD in all")]
    assert [one for one in stage.got("all") if one[1]] == [(2, "Escalated (rule): 3 alerts")]


def test_over_restarts(tmp_path):
    """Counts and levels that were reached outlast a restart, and a replay counts nothing again."""
    alerts = [alert(n) for n in range(8)]
    for end in range(2, 9, 2):
        with Spool(tmp_path) as spool:
            stage = Stage(spool, FIVE)
            stage.take(*alerts[:end])
            assert len(stage.got("duty")) == (end > 4)


def test_what_others_keep_back(spool):
    """What a graver one mutes counts and escalates; what a silence mutes does neither."""
    inhibitor = Inhibitor(Inhibition(by="high"), spool.database)
    stage = Stage(spool, Level("three", ("duty",), count=3), inhibitor=inhibitor)
    Silences(spool.database).add("known", WALL, WALL + 60, Conditions(rules=("velocity",)))
    stage.take(alert(1), alert(2, severity="low"), alert(3, rule="velocity"), alert(4, severity="low"))
    assert stage.got("all") == [(1, "")]
    assert stage.got("duty") == [(4, "Escalated (three): 3 alerts")]


def test_retraction_of_what_was_escalated(spool):
    """Who got an alert by escalation gets its retraction."""
    stage = Stage(spool, Level("two", ("duty",), count=2))
    stage.take(alert(1), alert(2), retracted(2))
    assert [one.key[-2:] for one in spool.due("duty", 1e12, 9)] == [":0", ":1"]


@pytest.mark.parametrize("seed", range(3))
def test_as_counted_anew(spool, seed):
    """However alerts come, grow and go, the spool's counts are those of the alerts that stand."""
    chance = random.Random(seed)
    stage = Stage(spool, LARGE)
    standing, revs = {}, {}
    for _ in range(300):
        number = chance.randrange(20)
        rev = revs[number] = revs.get(number, -1) + 1
        usd, tx = chance.choice([None, 5.0, 7.5, 100.0]), f"0x{chance.randrange(6):064x}"
        if chance.random() < 0.3:
            stage.take(alert(number, status="retracted", rev=rev))
            standing.pop(number, None)
        else:
            stage.take(alert(number, usd=usd, tx=tx, status="updated" if rev else "open", rev=rev))
            standing[number] = (tx, usd or 0.0)
    worth = {}
    for tx, usd in standing.values():
        worth[tx] = max(usd, worth.get(tx, 0.0))
    with spool.database.reading() as db:
        count, usd = db.execute("SELECT count, usd FROM growth").fetchone()
    assert count == len(standing)
    assert usd == pytest.approx(sum(worth.values()))


def test_memory_is_bounded(spool):
    """Incidents that have been quiet for a week, or the longest where there are too many, are forgotten."""
    stage = Stage(spool, FIVE, kept=100)
    stage.take(*(alert(n, f"old{n}") for n in range(5000)))
    stage.take(alert(6000, "new"), now=WALL + 1)
    with spool.database.reading() as db:
        assert db.execute("SELECT count(*) FROM growth").fetchone() == (100,)
        assert db.execute("SELECT count(*) FROM members").fetchone() == (100,)
        assert db.execute("SELECT count(*) FROM growth WHERE kin LIKE '%new'").fetchone() == (1,)
    stage.take(*(alert(n, f"last{n}") for n in range(6001, 11_001)), now=WALL + 8 * DAY)
    with spool.database.reading() as db:
        assert db.execute("SELECT count(*) FROM growth WHERE at < ?", (WALL + DAY,)).fetchone() == (0,)


def test_many_alerts_on_one_movement(spool):
    """Their greatest worth is looked up, not looked for: the next alert costs what the first one did."""
    stage = Stage(spool, FIVE)
    stage.take(*(alert(number, usd=float(number)) for number in range(3)))
    with spool.database.reading() as db:
        plan = db.execute("EXPLAIN QUERY PLAN SELECT max(usd) FROM members WHERE kin = 1 AND place = 2")
        assert "members_worth" in plan.fetchone()[3]


def test_alerts_that_come_after_their_retraction(spool):
    """They do not count, and do not make an incident graver; what is open again does."""
    stage = Stage(spool, FIVE, GRAVER)
    stage.take(alert(9, severity="low"))
    for number in range(5):
        stage.take(retracted(number), alert(number, severity="critical"))
    stage.take(retracted(0))
    assert stage.got("duty") == []
    stage.take(*(alert(number, rev=2) for number in range(4)))
    assert stage.got("duty") == [(3, "Escalated (five): 5 alerts")]
