"""alerts.routes, routefile, routetest: who gets an alert, why, and what is wrong with a route file."""

import datetime as dt
import random
import tomllib
from zoneinfo import ZoneInfo

import pytest

import readme
from conftest import CHECKOUT
from examples import ALERT, HEARTBEAT, LISTED, TRANSFER, line
from txpipe.alerts.escalation import Level
from txpipe.alerts.grouping import Grouping
from txpipe.alerts.groupkeys import GROUPING_KEYS
from txpipe.alerts.inhibition import Inhibition
from txpipe.alerts.limits import Limit
from txpipe.alerts.ocsf import ocsf
from txpipe.alerts.receiver import Parcel
from txpipe.alerts.receivers import Outfit
from txpipe.alerts.routefile import RouteFault, RouteFile
from txpipe.alerts.routes import Route, Routes, Window
from txpipe.alerts.routetest import checked, explained

NOON = dt.datetime(2026, 11, 28, 12, 0, tzinfo=dt.UTC).timestamp()
"""A Saturday."""
HOUR = 3600.0


def at(routes, alert=ALERT, now=NOON, always=()):
    return Routes(routes, always, lambda: now).receivers(alert)


@pytest.mark.parametrize(
    ("conditions", "changes", "expected"),
    [
        ({}, {}, ""),
        ({"severity": "high"}, {}, ""),
        ({"severity": "high"}, {"severity": "high"}, ""),
        ({"severity": "high"}, {"severity": "medium"}, "severity medium is below high"),
        ({"severity": "info"}, {"severity": "info"}, ""),
        ({"rules": {"listed"}}, {}, ""),
        ({"rules": {"mention"}}, {}, "rule listed is not among its"),
        ({"chains": {"eip155:137"}}, {}, "chain eip155:1 is not among its"),
        ({"subjects": {LISTED}}, {}, ""),
        ({"subjects": {"0xAbC"}}, {"subject": "0xabc"}, ""),
        ({"subjects": {"1AbC"}}, {"subject": "1abc"}, "subject 1abc is not among its"),
        ({"subjects": {"0x"}}, {}, f"subject {LISTED} is not among its"),
        ({"categories": {"sanctions"}}, {}, ""),
        ({"categories": {"scam"}}, {}, "category sanctions is not among its"),
        ({"usd": 3975.0}, {}, ""),
        ({"usd": 3975.5}, {}, "3,975.00 USD is less than 3,975.50 USD"),
        ({"usd": 0.0}, {"record": {**TRANSFER, "usd": None}}, "no worth is known, for 0.00 USD"),
        ({"usd": 0.0}, {"record": {}}, "no worth is known, for 0.00 USD"),
        ({"window": Window(end=60)}, {}, "it is outside its hours"),
        ({"window": Window(begin=720, end=721)}, {}, ""),
        (
            {"rules": {"listed"}, "severity": "critical", "usd": 5000},
            {},
            "3,975.00 USD is less than 5,000.00 USD",
        ),
    ],
)
def test_conditions(conditions, changes, expected):
    """Every condition must be met; the first that is not is named with what it compared."""
    route, one = Route("r", ("a",), **conditions), {**ALERT, **changes}
    assert route.why_not(one, NOON) == expected
    assert route.meets(one, NOON) == (not expected)
    assert route.has_conditions or not expected


@pytest.mark.parametrize(
    ("days", "hours", "after_noon_h", "expected"),
    [
        ({5}, (11, 13), 0, True),
        ({5}, (12, 13), 1, False),
        ({6}, (11, 13), 0, False),
        ({5}, (22, 6), 10, True),
        ({5}, (22, 6), 17, True),
        ({6}, (22, 6), 17, False),
        ({5}, (22, 6), 18, False),
        ({5}, (22, 6), -7, False),
        ({4}, (22, 6), -7, True),
        ({5}, (0, 24), 11.99, True),
        ({5}, (0, 24), 12, False),
    ],
)
def test_windows(days, hours, after_noon_h, expected):
    """A window has a begin and an end; one over midnight belongs to the day on which it begins."""
    window = Window(frozenset(days), hours[0] * 60, hours[1] * 60)
    assert window.holds(NOON + after_noon_h * HOUR) is expected


def test_windows_have_a_zone():
    """Hours are those of the zone, summer time included."""
    window = Window(begin=8 * 60, end=9 * 60, zone=ZoneInfo("Europe/Zurich"))
    summer = dt.datetime(2026, 7, 1, 6, 30, tzinfo=dt.UTC).timestamp()
    winter = dt.datetime(2026, 12, 1, 7, 30, tzinfo=dt.UTC).timestamp()
    assert window.holds(summer)
    assert window.holds(winter)
    assert not window.holds(summer + HOUR)


def test_the_first_route_takes_it():
    """Routes are asked in order; one that goes on lets the next be asked, too; nobody gets it twice."""
    first = Route("one", ("a", "b"), goes_on=True)
    assert at([first, Route("two", ("b", "c")), Route("three", ("d",))]) == ("a", "b", "c")
    assert at([Route("no", ("a",), severity="critical", rules={"x"}), Route("two", ("b",))]) == ("b",)
    assert at([Route("one", ("a",))], always=("z",)) == ("z", "a")


@pytest.mark.parametrize("seed", range(20))
def test_many_alerts_past_many_routes(seed):
    """Who gets an alert is what asking route by route gives, for every one of many, and unmet ones count."""
    chance = random.Random(seed)

    def some(*values):
        return frozenset(value for value in values if chance.random() < 0.3)

    routes = [
        Route(
            str(number),
            tuple(some("a", "b", "c", "d")),
            chance.choice(["", "", "low", "high"]),
            rules=some("listed", "velocity"),
            categories=some("sanctions", "scam"),
            usd=chance.choice([None, None, 100.0]),
            window=chance.choice([None, None, Window(end=60)]),
            goes_on=chance.random() < 0.6,
        )
        for number in range(chance.randrange(6))
    ]
    made, unmet = Routes(routes, ("z",), lambda: NOON), 0
    for _ in range(200):
        record = {**TRANSFER, "usd": chance.choice([50, 100.0, None])}
        one = {**ALERT, "rule": chance.choice(["listed", "velocity", "x"]), "record": record}
        one["severity"], one["rev"] = chance.choice(["info", "low", "critical"]), chance.choice([0, 1])
        met = [route for route, why_not in made.asked(one, NOON) if not why_not]
        assert made.receivers(one) == tuple(
            dict.fromkeys(["z", *(name for route in met for name in route.to)])
        )
        unmet += not met and one["rev"] == 0
    assert made.unmet == unmet


def test_rules_that_nobody_knows_are_remarked_on(tmp_path):
    """A misspelt rule would match nothing, silently; it may also be the user's own."""
    path = tmp_path / "routes.toml"
    path.write_text(ROUTE + 'rules = ["exposre", "held-back"]\n')
    said, sound = checked(path, RouteFile(path, Outfit(None)))
    assert said.startswith(f'{path}: routes: no rule that ships is called "exposre"')
    assert "did you mean exposure?" in said
    assert sound.startswith(f"{path}: sound:")


def test_unmet_alerts_are_counted():
    """An alert that meets no route goes to nobody, and is counted."""
    routes = Routes([Route("one", ("a",), rules={"x"})], (), lambda: NOON)
    assert routes.receivers(ALERT) == ()
    assert routes.unmet == 1


def test_explained():
    """Of each alert it is said who gets it and what each route that is asked says."""
    routes = [
        Route("routes[1]", ("a",), rules={"x"}),
        Route("night\x1b", ("b", "c")),
        Route("routes[3]", ("d",)),
    ]
    text = b"".join(explained([(b"", HEARTBEAT), (b"", ALERT)], Routes(routes, (), lambda: NOON), NOON))
    assert text.decode() == (
        "CRITICAL 95 listed: Pays an address on a sanctions list: b, c\n"
        "  routes[1]: no, rule listed is not among its\n"
        "  night\\x1b: yes, b, c\n"
        "  the routes after it are not asked: night\\x1b does not say continue\n"
    )
    nobody = b"".join(explained([(b"", ALERT)], Routes(routes[:1], (), lambda: NOON), NOON))
    assert nobody.startswith(b"CRITICAL 95 listed: Pays an address on a sanctions list: nobody\n")


WHOLE = """
[receivers.soc]
url = "file:soc"
secret_env = "SOC_SECRET"
[receivers.pager]
url_env = "PAGER"
[receivers.log]
url_file = "log.url"
[[routes]]
name = "large, at night"
to = ["pager"]
severity = "high"
rules = ["listed", "exposure"]
chains = ["eip155:1"]
subjects = ["0xabc"]
categories = ["sanctions"]
usd = 10000
hours = "22:00-06:00"
days = ["sat", "sun"]
zone = "Europe/Zurich"
continue = true
[[routes]]
to = ["soc", "log"]
"""


def read(folder, text, outfit=None):
    (folder / "routes.toml").write_text(text)
    return RouteFile(folder / "routes.toml", outfit)


def test_file(tmp_path, monkeypatch):
    """A file says receivers, whose URLs and secrets may stand elsewhere, and routes with their conditions."""
    monkeypatch.setenv("SOC_SECRET", "s")
    monkeypatch.setenv("PAGER", "https://h/hidden")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "log.url").write_text("syslog:/x\n")
    file = read(tmp_path, WHOLE, Outfit())
    assert file.faults == []
    assert [one.name for one in file.opened] == ["soc", "pager", "log"]
    assert file.urls == ["file:soc", "https://h/hidden", "syslog:/x"]
    night, rest = file.routes
    assert (night.name, night.to, night.goes_on, night.usd) == ("large, at night", ("pager",), True, 10_000)
    assert (night.severity, night.rules, night.subjects) == ("high", {"listed", "exposure"}, {"0xabc"})
    assert (night.chains, night.categories) == ({"eip155:1"}, {"sanctions"})
    assert (night.window.days, night.window.begin, night.window.end) == ({5, 6}, 22 * 60, 6 * 60)
    assert str(night.window.zone) == "Europe/Zurich"
    assert (rest.name, rest.to, rest.window, rest.goes_on) == ("routes[2]", ("soc", "log"), None, False)
    assert checked(tmp_path, file) == [f"{tmp_path}: sound: receivers soc, pager, log; 2 routes"]


def test_groups(tmp_path):
    """Receivers of messages to people may have alerts put together, by incident unless it says otherwise."""
    more = 'group = ["rule", "chain"]\nwait = "30s"\ninterval = "5m"\nlimit = "10/2h"\n'
    receivers = '[receivers.a]\nurl = "json://h"\n{}[receivers.b]\nurl = "json://h/b"\nrepeat = "4h"\n'
    file = read(tmp_path, receivers.format(more), Outfit())
    assert file.faults == []
    assert file.groupings == {
        "a": Grouping(("rule", "chain"), 30, 300, 10, 7200),
        "b": Grouping(("incident",), repeat_s=4 * HOUR, reminders=3),
    }


def test_format(tmp_path):
    """A receiver may get another form, and is called as the file says."""
    file = read(tmp_path, f'[receivers.a]\nurl = "file:{tmp_path}/a"\nformat = "ocsf"\n', Outfit())
    (receiver,) = file.opened
    receiver.send([Parcel("k", line(ALERT)[:-1])])
    assert receiver.name == "a"
    assert (tmp_path / "a").read_bytes() == ocsf(line(ALERT)[:-1], ALERT)


def test_inhibition(tmp_path):
    """A file may let grave alerts mute their lesser kin."""
    whole = '[inhibit]\nby = "high"\nmutes = "low"\nequal = ["subject", "chain"]\nfor = "10m"\n'
    assert read(tmp_path, whole).inhibition == Inhibition("high", "low", ("subject", "chain"), 600)
    assert read(tmp_path, "[inhibit]\n").inhibition == Inhibition("critical", "medium", ("incident",), 3600)
    assert read(tmp_path, "").inhibition is None


def test_limits(tmp_path):
    """A file may limit alerts by key; conditions are those of routes, and critical alerts are let through."""
    whole = """
[[limits]]
name = "flood"
type = "both"
count = 5
for = "10m"
track = ["subject", "rule"]
up_to = "critical"
to = ["a"]
rules = ["velocity"]
[[limits]]
type = "limit"
count = 1
for = "1h"
"""
    file = read(tmp_path, ROUTE + whole)
    assert file.faults == []
    about = Route("flood", (), rules=frozenset(["velocity"]))
    assert file.limits == [
        Limit(about, "both", 5, 600.0, ("subject", "rule"), "critical", frozenset(["a"])),
        Limit(Route("limits[2]", ()), "limit", 1, HOUR, (), "high", frozenset()),
    ]


def test_escalation(tmp_path):
    """A file may let incidents that grow go to further receivers."""
    whole = """
[[escalate]]
name = "many"
to = ["a"]
by = ["subject", "chain"]
count = 5
usd = 100000
severity = "critical"
[[escalate]]
to = ["a"]
count = 2
"""
    file = read(tmp_path, ROUTE + whole)
    assert file.faults == []
    assert file.levels == [
        Level("many", ("a",), ("subject", "chain"), 5, 100_000.0, "critical"),
        Level("escalate[2]", ("a",), count=2),
    ]


def test_secrets_are_not_needed_to_test(tmp_path):
    """Read without opening receivers, a file needs no environment."""
    file = read(tmp_path, WHOLE)
    assert (file.faults, file.opened, len(file.routes)) == ([], [], 2)


KEYS = "is no array of some of: incident, subject, rule, category, chain, severity, tx"
SPAN = 'is no span of time as in "30s" or "5m"'
ESCALATE = '[receivers.a]\nurl = "file:a"\n[[escalate]]\nto = ["a"]\n'
LIMIT = '[[limits]]\ntype = "limit"\ncount = 1\nfor = "1h"\n'
ROUTE = '[receivers.a]\nurl = "file:a"\n[[routes]]\nto = ["a"]\n'


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[reciever.a]\n", "reciever is unknown; did you mean receivers?"),
        ("receivers = 1\n", "receivers is no table of tables, as in [receivers.NAME]"),
        ("[receivers]\na = 1\n", "receivers is no table of tables, as in [receivers.NAME]"),
        ('[receivers."a b"]\nurl = "file:a"\n', "receivers.a b is no name of letters, digits, - and _"),
        ("[receivers.a]\n", 'receivers.a lacks "url" (or "url_env", or "url_file")'),
        ("[receivers.a]\nurl = 1\n", "receivers.a.url is no text"),
        ('[receivers.a]\nurl = "file:a"\nurls = "x"\n', "receivers.a.urls is unknown; did you mean url?"),
        ('[receivers.a]\nurl = "file:a"\nurl_env = "X"\n', "receivers.a has both url and url_env"),
        (
            '[receivers.a]\nurl_env = "NOT_SET"\n',
            "receivers.a url_env: NOT_SET is not set in the environment",
        ),
        (
            '[receivers.a]\nurl = "https://h/"\nsecret_file = "a\\u0000"\n',
            "receivers.a secret_file: a\0 cannot be read as text",
        ),
        ('[receivers.a]\nurl_file = "/none"\n', "receivers.a url_file: /none cannot be read as text"),
        (
            '[receivers.a]\nurl = "https://"\n',
            "receivers.a https: no URL: it has no host; write https://HOST/PATH",
        ),
        ('[receivers.a]\nurl = "json://h"\ngroup = "rule"\n', f"receivers.a.group {KEYS}"),
        ('[receivers.a]\nurl = "json://h"\ngroup = ["rul"]\n', f"receivers.a.group {KEYS}"),
        ('[receivers.a]\nurl = "json://h"\nwait = 5\n', f"receivers.a.wait {SPAN}"),
        ('[receivers.a]\nurl = "json://h"\ninterval = "5"\n', f"receivers.a.interval {SPAN}"),
        (
            '[receivers.a]\nurl = "json://h"\nlimit = "0/1h"\n',
            'receivers.a.limit is no number of messages in a time as in "10/1h"',
        ),
        (
            '[receivers.a]\nurl = "https://h"\nwait = "5s"\n',
            f"receivers.a {', '.join(GROUPING_KEYS)} are for messages to people, not for https:",
        ),
        ('[receivers.a]\nurl = "json://h"\nrepeat = 4\n', f"receivers.a.repeat {SPAN}"),
        ('[receivers.a]\nurl = "json://h"\nrepeat = "0h"\n', "receivers.a.repeat is no time at all"),
        (
            '[receivers.a]\nurl = "json://h"\nrepeat = "4h"\nreminders = true\n',
            "receivers.a.reminders is no number from 1 to 1,000",
        ),
        (
            '[receivers.a]\nurl = "json://h"\nreminders = 3\n',
            'receivers.a.reminders needs a "repeat" that says how often',
        ),
        ('[receivers.a]\nurl = "file:a"\nformat = "csv"\n', "receivers.a format csv is none of ocsf, ecs"),
        ('[receivers.a]\nurl = "file:a"\nformat = ""\n', "receivers.a format  is none of ocsf, ecs"),
        (
            '[receivers.a]\nurl = "sqlite:///a"\nformat = "ecs"\n',
            "receivers.a ecs is for what begins with https, http, file, exec, syslog",
        ),
        ("inhibit = 1\n", "inhibit is no table"),
        ("[inhibit]\nmute = 1\n", "inhibit.mute is unknown; there are: by, mutes, equal, for"),
        ('[inhibit]\nby = "urgent"\n', "inhibit.by is none of info, low, medium, high, critical"),
        ('[inhibit]\nby = "low"\n', "inhibit.mutes medium is no lesser one than low"),
        ("[inhibit]\nequal = []\n", f"inhibit.equal {KEYS}"),
        ("[inhibit]\nfor = 5\n", f"inhibit.for {SPAN}"),
        ("escalate = 1\n", "escalate is no array of tables, as in [[escalate]]"),
        (ESCALATE, "escalate[1] says no condition: count, usd or severity"),
        ("[[escalate]]\ncount = 5\n", 'escalate[1] lacks "to"'),
        (f"{ESCALATE}count = 1\n", "escalate[1].count is no number from 2 to 1,000,000"),
        (f'{ESCALATE}usd = "1"\n', "escalate[1].usd is no amount (USD)"),
        (f"{ESCALATE}count = 2\nby = []\n", "escalate[1].by is empty"),
        (f"{ESCALATE}count = 2\ncounts = 1\n", "escalate[1].counts is unknown; did you mean count?"),
        ("limits = 1\n", "limits is no array of tables, as in [[limits]]"),
        ('[[limits]]\ncount = 1\nfor = "1h"\n', 'limits[1] lacks "type"'),
        (f"{LIMIT}counts = 1\n", "limits[1].counts is unknown; did you mean count?"),
        (LIMIT.replace('"limit"', '"max"'), "limits[1].type is none of limit, threshold, both"),
        (LIMIT.replace("1\n", "0\n"), "limits[1].count is no number from 1 to 1,000,000"),
        (LIMIT.replace("1h", "0s"), f"limits[1].for {SPAN}"),
        (f'{LIMIT}track = ["sender"]\n', f"limits[1].track {KEYS}"),
        (f'{LIMIT}to = ["b"]\n', "limits[1].to b: no receiver is called so; there are: none"),
        (
            f'{LIMIT}name = "x"\n{LIMIT}name = "y"\n{LIMIT}name = "x"\n',
            [f"limits[{number}].name x: another limit is called so, too" for number in (1, 3)],
        ),
        ("[routes]\nto = 1\n", "routes is no array of tables, as in [[routes]]"),
        ("[[routes]]\n", 'routes[1] lacks "to"'),
        (f'{ROUTE}[[routes]]\nto = ["b"]\n', "routes[2].to b: no receiver is called so; there are: a"),
        ("[[routes]]\nto = []\n", "routes[1].to is empty"),
        (f"{ROUTE}severty = 1\n", "routes[1].severty is unknown; did you mean severity?"),
        (f'{ROUTE}severity = "urgent"\n', "routes[1].severity is none of info, low, medium, high, critical"),
        (f'{ROUTE}severity = ""\n', "routes[1].severity is none of info, low, medium, high, critical"),
        (f'{ROUTE}rules = "listed"\n', 'routes[1].rules is no array of texts, as in ["one", "two"]'),
        (f"{ROUTE}rules = []\n", "routes[1].rules is empty"),
        (f'{ROUTE}chains = ["ethereum"]\n', "routes[1].chains ethereum: is no CAIP-2 chain as in eip155:1"),
        (f"{ROUTE}usd = true\n", "routes[1].usd is no amount (USD)"),
        (f"{ROUTE}usd = nan\n", "routes[1].usd is no amount (USD)"),
        (f"{ROUTE}usd = -1\n", "routes[1].usd is no amount (USD)"),
        (f'{ROUTE}hours = "8-18"\n', 'routes[1].hours is no span of hours as in "08:00-18:30"'),
        (f'{ROUTE}hours = "08:00-24:30"\n', 'routes[1].hours is no span of hours as in "08:00-18:30"'),
        (
            f'{ROUTE}days = ["Sunday"]\n',
            "routes[1].days Sunday: is none of mon, tue, wed, thu, fri, sat, sun",
        ),
        (
            f'{ROUTE}zone = "Mars/Olympus"\n',
            'routes[1].zone Mars/Olympus: is no time zone as in "Europe/Zurich"',
        ),
        (
            f'{ROUTE}zone = "../../etc/passwd"\n',
            'routes[1].zone ../../etc/passwd: is no time zone as in "Europe/Zurich"',
        ),
        (f"{ROUTE}continue = 1\n", "routes[1].continue is neither true nor false"),
    ],
)
def test_faults(tmp_path, text, fault):
    """Every mistake is named by file and key, and keeps the file from being used."""
    file = read(tmp_path, text, Outfit())
    faults = [fault] if isinstance(fault, str) else fault
    assert file.faults == [f"{tmp_path}/routes.toml: {one}" for one in faults]
    with pytest.raises(RouteFault) as caught:
        file.must_be_sound()
    assert caught.value.status == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"x = [", "no TOML"), (b"\xff", "no TOML"), (b"#" * (1 << 20) + b"#", "is larger than")],
)
def test_no_file(tmp_path, content, words):
    """What is no TOML, too large or not there is refused."""
    path = tmp_path / "routes.toml"
    path.write_bytes(content)
    with pytest.raises(RouteFault, match=words):
        RouteFile(path, None)
    with pytest.raises(RouteFault, match="cannot be read: No such file"):
        RouteFile(tmp_path / "none", None)


def test_readme_shows_a_sound_file(tmp_path):
    """README's route file is one."""
    (text,) = [
        block
        for block in readme.blocks((CHECKOUT / "README.md").read_text(), "toml")
        if "[[routes]]" in block
    ]
    file = read(tmp_path, text)
    assert file.faults == []
    assert len(file.routes) == len(tomllib.loads(text)["routes"]) > 1
