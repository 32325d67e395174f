"""The dashboard's store: what goes in comes out, once, in order, and is found."""

import asyncio
import contextlib
import hashlib
import json
import sqlite3
import threading

import orjson
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from dash_kit import Clock, alerts_like, ids, numbered, passes, taken
from examples import ALERT, HEARTBEAT, LISTED, SENDER
from txpipe.dashboard import database, retention, tables
from txpipe.dashboard.query import Filter
from txpipe.dashboard.store import Store
from txpipe.dashboard.triage import TriageFault
from txpipe.dashboard.writer import arrival

DAY = 86_400.0


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(store_url, clock):
    with_clock = Store(store_url, clock)
    yield with_clock
    with_clock.close()


def test_alert_comes_back_byte_for_byte(store):
    """What was stored is what came, to the byte, with spaces and unknown keys."""
    line = b'{"type": "alert",  "mine": [1, 2.50], ' + orjson.dumps(ALERT)[1:].replace(
        b'"type":"alert",', b""
    )
    assert store.add([(line, orjson.loads(line))]) == 1
    assert store.alert(ALERT["id"]).stored.line == line
    assert store.page().alerts[0].line == line


def test_last_revision_wins(store, clock):
    """The last revision counts whatever comes when; all are kept, in the order of rev; the place stays."""
    first, third, second = (
        ALERT | {"rev": rev, "status": status, "severity": severity}
        for rev, status, severity in ((0, "open", "low"), (2, "retracted", "high"), (1, "updated", "medium"))
    )
    store.add(taken(first))
    store.add(taken(numbered(1)))
    clock.now += 5
    assert store.add(taken(third, second)) == 2
    found = store.alert(ALERT["id"])
    assert found.stored.alert == third
    assert [orjson.loads(each.line)["rev"] for each in found.revisions] == [0, 1, 2]
    assert (found.stored.changed - found.stored.received, found.stored.num) == (5, 1)
    assert ids(store.page(Filter(statuses=["retracted"], severities=["high"]))) == [ALERT["id"]]
    assert ids(store.page(Filter(severities=["low", "medium"]))) == []


def test_same_again_changes_nothing(store):
    """A replay is harmless: neither rows nor events nor numbers come of it."""
    batch = taken(*(numbered(number) for number in range(20)), ALERT, ALERT | {"rev": 1, "status": "updated"})
    assert store.add(batch) == 22
    assert store.add(batch) == 0
    assert store.add(batch + taken(numbered(99))) == 1
    assert (store.stored, store.repeated) == (23, 44)
    assert [event.seq for event in store.after(0, 100)] == list(range(1, 24))


def test_restart_shows_history(store_url, clock):
    """A store that is opened again goes on where it was: alerts, triage, health, numbers."""
    store = Store(store_url, clock)
    store.add(taken(*(numbered(number) for number in range(5)), HEARTBEAT))
    store.triage(numbered(3)["id"], "resolve", "ann", "paid back")
    seen = store.page(), store.health(), store.counts(), store.alert(numbered(3)["id"])
    store.close()
    again = Store(store_url, clock)
    assert (again.page(), again.health(), again.counts(), again.alert(numbered(3)["id"])) == seen
    again.add(taken(numbered(7)))
    assert again.page().alerts[0].num == 6
    assert again.live.last == 6
    again.close()


def test_paging_meets_every_alert_once(store):
    """However many come in meanwhile, the pages hold every alert that was there, once, newest first."""
    store.add(taken(*(numbered(number) for number in range(120))))
    found, before = [], None
    for more in range(200, 300):
        page = store.page(before=before, limit=7)
        found += ids(page)
        store.add(taken(numbered(more), numbered(more - 150) | {"rev": 1, "status": "updated"}))
        before = page.next
        if before is None:
            break
    assert found == [numbered(number)["id"] for number in reversed(range(120))]


@pytest.mark.parametrize(
    "wanted",
    [
        Filter(severities=["high"]),
        Filter(severities=["high", "critical"], rules=["listed", "velocity", "drain"]),
        Filter(rules=["listed"], statuses=["open", "updated"]),
        Filter(chains=["eip155:137"], categories=["scam", "theft"]),
        Filter(subject="0x" + "0" * 39 + "3"),
        Filter(tx="0x" + f"{5:064x}"),
        Filter(incident=f"{4:032x}"),
        Filter(since=1_760_000_100, until=1_760_000_130),
        Filter(since=1_760_000_150, severities=["low", "critical"]),
        Filter(shadow=True),
        Filter(address="0x" + "0" * 39 + "7", severities=["info", "low", "medium", "high"]),
        Filter(),
    ],
    ids=repr,
)
def test_filters_are_what_they_say(store, wanted):
    """A filter finds what a loop over all alerts would have found, page after page."""
    made = list(alerts_like(200))
    store.add(taken(*made))
    expected = [alert["id"] for alert in reversed(made) if passes(alert, wanted)]
    found, before = [], None
    while True:
        page = store.page(wanted, before, 9)
        found += ids(page)
        before = page.next
        if before is None:
            break
    assert found == expected
    assert expected


@pytest.mark.parametrize(
    ("text", "hit"),
    [
        ("lazarus", True),
        ("LAZ", True),
        ("lazarus sanctions", True),
        ("lazarus phishing", False),
        ("azarus", False),
        (LISTED[:9], True),
        (LISTED.upper().replace("0X", "0x"), True),
        (SENDER[:20], True),
        ("0x", True),
        ("0x9", True),
        ("", True),
        ('" OR 1=1 --', False),
        ("'; DROP TABLE alerts; *", False),
        ("NEAR(lazarus group)", False),
        ("NOT lazarus", False),
        ("лазарь", False),
        ("\x00\ufffe lazarus", True),
        ("group*", True),
    ],
)
def test_search_by_words(store, text, hit):
    """Words are found by their beginnings, all of them, in any case; no text is syntax."""
    store.add(taken(ALERT, numbered(1)))
    assert (ALERT["id"] in ids(store.page(Filter(text=text)))) is hit


def test_search_follows_revisions(store):
    """Words of a former revision find an alert no more, those of the last one do."""
    store.add(taken(ALERT | {"title": "Former words"}))
    store.add(taken(ALERT | {"title": "Latter words", "rev": 1, "status": "updated"}))
    assert ids(store.page(Filter(text="former"))) == []
    assert ids(store.page(Filter(text="latter"))) == [ALERT["id"]]


HOSTILE = {
    "huge numbers": {"time": 2**63 + 5, "block": 2**64 - 1, "rev": 2**63 + 1},
    "negative time": {"time": -(2**63) - 1 + 1},
    "NUL": {"title": "a\x00b", "rule": "\x00", "subject": "\x00" * 9, "incident": "\x00"},
    "long": dict.fromkeys(("title", "rule", "category", "subject", "incident"), "x" * 100000),
    "wide": {"subject": "\U0001f600" * 5000, "title": "\U0001f600 " * 5000},
    "deep": {"evidence": orjson.loads(b'{"a":' * 200 + b"1" + b"}" * 200)},
    "broad": {"evidence": {str(number): str(number) for number in range(20_000)}},
    "markup": {"title": "<script>alert(1)</script>", "subject": "<img src=x onerror=alert(1)>"},
    "directions": {"title": "\u202eevil\u202c \ud7ff\ufffe"},
}


@pytest.mark.parametrize("changes", HOSTILE.values(), ids=HOSTILE)
def test_hostile_alert_is_stored(store, changes):
    """Whatever an alert holds, it is stored as it is, and its neighbours, too."""
    odd = ALERT | changes
    assert store.add(taken(numbered(1), odd, numbered(2))) == 3
    assert store.alert(ALERT["id"]).stored.line == orjson.dumps(odd)
    assert len(ids(store.page())) == 3


def test_ids_of_any_kind_are_asked_for(store):
    """What comes out of a page's address is an id that nothing has, not a fault."""
    for odd in ("\0", "a\0", "'; --", "\U0010ffff" * 1000):
        assert store.alert(odd) is None


def test_triage(store, clock):
    """Triage is a log: the last word counts until it is undone; who and when are kept."""
    store.add(taken(ALERT))

    def state():
        found = store.alert(ALERT["id"]).stored
        return found.triage, found.triaged_by, found.triaged_at

    assert state() == ("open", "", None)
    store.triage(ALERT["id"], "acknowledge", "ann")
    clock.now += 1
    false = store.triage(ALERT["id"], "false_positive", "bob", " a known payout\x00 ")
    store.triage(ALERT["id"], "note", "ann", "asked the desk")
    assert state() == ("false_positive", "bob", clock.now)
    assert ids(store.page(Filter(triage=["false_positive"]))) == [ALERT["id"]]
    undo = store.triage(ALERT["id"], "undo", "ann", undoes=false.entry)
    assert state() == ("acknowledged", "ann", clock.now - 1)
    log = store.alert(ALERT["id"]).log
    assert [(each.action, each.who, each.undone) for each in log] == [
        ("acknowledge", "ann", False),
        ("false_positive", "bob", True),
        ("note", "ann", False),
        ("undo", "ann", False),
    ]
    assert log[1].note == "a known payout\ufffd"
    for wrong in ({"undoes": false.entry}, {"undoes": undo.entry}, {"undoes": 99}):
        with pytest.raises(TriageFault, match="none that can be undone"):
            store.triage(ALERT["id"], "undo", "ann", **wrong)
    with pytest.raises(TriageFault, match="names in undoes"):
        store.triage(ALERT["id"], "undo", "ann")
    with pytest.raises(TriageFault, match="is none of"):
        store.triage(ALERT["id"], "delete", "ann")
    assert store.triage("f" * 32, "resolve", "ann") is None


def test_triage_outlives_revisions(store):
    """What was said of an alert stays when the next revision comes."""
    store.add(taken(ALERT))
    store.triage(ALERT["id"], "resolve", "ann")
    store.add(taken(ALERT | {"rev": 1, "status": "updated"}))
    assert store.alert(ALERT["id"]).stored.triage == "resolved"


def test_health_is_the_last_heartbeat(store, clock):
    """Of each source the last heartbeat is known, and since when its status is what it is."""
    began = clock.now
    store.add(taken(HEARTBEAT, HEARTBEAT | {"source": "txdetect", "status": "stalled"}))
    clock.now += 10
    store.add(taken(HEARTBEAT | {"block": 7, "lag_s": 1.5}, HEARTBEAT | {"source": "txdetect"}))
    by_source = {each.source: each for each in store.health()}
    assert (by_source["txtail"].block, by_source["txtail"].since) == (7, began)
    assert (by_source["txdetect"].status, by_source["txdetect"].since) == ("ok", clock.now)
    assert by_source["txtail"].seen == clock.now


def test_stalls_are_remembered(store, clock):
    """When a source was not ok is known, from when to when, the last first; also when it was silent."""
    began = clock.now
    store.add(taken(HEARTBEAT))
    clock.now += 10
    store.add(taken(HEARTBEAT | {"status": "stalled"}, HEARTBEAT | {"source": "txdetect"}))
    clock.now += 20
    store.add(taken(HEARTBEAT | {"status": "stalled"}))
    assert [(each.status, each.since, each.until) for each in store.stalls()] == [
        ("stalled", began + 10, None)
    ]
    store.add(taken(HEARTBEAT | {"status": "blind"}))
    clock.now += 5
    store.add(taken(HEARTBEAT))
    clock.now += 100
    store.add(taken(HEARTBEAT, HEARTBEAT | {"chain": "eip155:10"}))
    assert [(each.source, each.status, each.since, each.until) for each in store.stalls()] == [
        ("txtail", "silent", began + 35, began + 135),
        ("txtail", "blind", began + 30, began + 35),
        ("txtail", "stalled", began + 10, began + 30),
    ]


def test_stalls_outlive_a_restart(tmp_path, clock):
    """A stall that lasted over a restart ends when the source is ok again; the pause itself is no silence."""
    path = str(tmp_path / "dash.db")
    store = Store(path, clock)
    store.add(taken(HEARTBEAT | {"status": "stalled"}))
    store.close()
    began, clock.now = clock.now, clock.now + 1000
    store = Store(path, clock)
    store.add(taken(HEARTBEAT))
    (only,) = store.stalls()
    store.close()
    assert (only.status, only.since, only.until) == ("stalled", began, clock.now)


def test_stalls_are_bounded(store, clock):
    """Of a source that comes and goes the last twenty stalls are kept."""
    for number in range(70):
        clock.now += 1
        store.add(taken(HEARTBEAT | {"status": ("ok", "stalled")[number % 2]}))
    assert [each.since for each in store.stalls()] == [clock.now - 2 * number for number in range(20)]


def test_a_stall_that_could_not_be_stored_is_not_known(store, clock, monkeypatch):
    """Where a transaction fails, what was to be in it is taken back, and comes again."""
    store.add(taken(HEARTBEAT))
    clock.now += 10
    monkeypatch.setattr("txpipe.dashboard.beats.MOST_STALLS", "x")
    with pytest.raises((database.StoreFailed, TypeError, ValueError)):
        store.add(taken(HEARTBEAT | {"status": "blind"}))
    monkeypatch.undo()
    store.add(taken(HEARTBEAT | {"status": "blind"}))
    assert [each.since for each in store.stalls()] == [clock.now]


OLD_S = 30_000_000


@pytest.mark.parametrize(
    ("beats", "clocks"),
    [
        ([{"source": "txdetect", "lag_s": 3}], {"txdetect": "live"}),
        ([{"source": "txdetect", "lag_s": OLD_S}], {"txdetect": "replay"}),
        ([{"source": "txtail", "lag_s": OLD_S}], {"txtail": "live"}),
        ([{"source": "txdetect", "lag_s": OLD_S}, {"lag_s": OLD_S}], {"txdetect": "live", "txtail": "live"}),
        ([{"source": "txdetect", "lag_s": 3}, {"source": "txdetect", "lag_s": 9000}], {"txdetect": "live"}),
        ([{"source": "txdetect", "block": None, "lag_s": 0}], {"txdetect": "live"}),
        (
            [{"source": "txdetect", "block": None, "lag_s": 0}, {"source": "txdetect", "lag_s": OLD_S}],
            {"txdetect": "replay"},
        ),
    ],
)
def test_whose_clock_a_source_has(store, beats, clocks):
    """A chain that txtail follows, or that once was close to now, is live; other old blocks are a replay."""
    for beat in beats:
        store.add(taken(HEARTBEAT | beat))
    assert {each.source: each.clock for each in store.health()} == clocks


def test_block_times_that_no_calendar_has(store):
    """Lags beyond all bounds are answered, not an error."""
    store.add(taken(HEARTBEAT | {"lag_s": 1e300}))
    assert store.health()[0].block_time is None


def test_sources_are_bounded(store):
    """A flood of invented sources does not fill the store."""
    store.add(taken(*(HEARTBEAT | {"source": f"s{number}"} for number in range(3000))))
    assert len(store.health()) == 1000


def test_retention_by_age(store, clock):
    """What came longer ago than the limit goes, with its revisions and triage; the newest stays always."""
    store.add(taken(*(numbered(number) for number in range(3000))))
    store.triage(numbered(5)["id"], "resolve", "ann")
    clock.now += 10 * DAY
    store.add(taken(*(numbered(number) for number in range(3000, 3010))))
    limits = retention.Limits(age_s=5 * DAY)
    assert [store.prune(limits) for _ in range(3)] == [2000, 1000, 0]
    assert len(store.page(limit=500).alerts) == 10
    assert store.page(Filter(text="wallet")).next is None
    clock.now += 10 * DAY
    assert (store.prune(limits), store.prune(limits)) == (9, 0)
    assert ids(store.page()) == [numbered(3009)["id"]]
    with store.database.reading() as connection:
        left = [
            connection.execute(sa.select(sa.func.count()).select_from(table)).scalar()
            for table in (tables.revisions, tables.triage)
        ]
    assert left == [1, 0]
    store.add(taken(numbered(5)))
    assert (store.page().alerts[0].num, store.live.last) == (3011, 3011)


def test_retention_by_size(store):
    """A store over its size loses its oldest alerts until it fits."""
    store.add(taken(*(numbered(number) | {"note": "x" * 2000} for number in range(8000))))
    limits = retention.Limits(size=store.size() // 2)
    gone = 0
    while found := store.prune(limits):
        gone += found
    assert 2000 <= gone < 8000
    if store.database.is_sqlite:  # PostgreSQL gives room back when it vacuums
        assert store.size() <= limits.size
    assert ids(store.page(limit=1)) == [numbered(7999)["id"]]


def test_retention_by_size_keeps_what_fits(store):
    """Of a store somewhat over its size as much goes as is too much, and a little more; not all of it."""
    store.add(taken(*(numbered(number) | {"note": "x" * 2000} for number in range(1000))))
    limits = retention.Limits(size=store.size() - 1)
    gone = 0
    while found := store.prune(limits):
        gone += found
    assert gone <= 60
    limits = retention.Limits(size=limits.size // 2)
    while found := store.prune(limits):
        gone += found
    assert 200 <= gone <= 600


def test_live_feed_misses_nothing_beside_a_signal(store, monkeypatch):
    """An alert that comes just when a reader gets a heartbeat comes to it, too."""
    store.add(taken(numbered(0)))
    listening = store.live._listening

    @contextlib.contextmanager
    def then_an_alert():
        with listening() as news:
            yield news
        if store.live.last == 1:
            store.add(taken(numbered(1)))

    async def read():
        feed = store.live.batches(1, heard=0)
        monkeypatch.setattr(store.live, "_listening", then_an_alert)
        store.add(taken(HEARTBEAT))
        return [[event.seq for event in await anext(feed)] for _ in range(2)]

    assert asyncio.run(asyncio.wait_for(read(), 5)) == [[0], [2]]


def test_live_feed_has_everything_in_order(store):
    """Readers at any place get what follows, in order, once, whether memory or the store has it."""
    store.add(taken(*(numbered(number) for number in range(50))))

    async def read():
        feed = store.live.batches(20, limit=7)
        late = store.live.batches()
        waiting = asyncio.ensure_future(anext(late))
        await asyncio.sleep(0)
        adding = threading.Thread(target=store.add, args=(taken(*(numbered(n) for n in range(50, 80))),))
        adding.start()
        found = []
        while len(found) < 60:
            found += [event.seq for event in await asyncio.wait_for(anext(feed), 20)]
        first = await asyncio.wait_for(waiting, 20)
        adding.join()
        return found, first[0].seq

    assert asyncio.run(read()) == (list(range(21, 81)), 51)


def test_live_feed_tells_of_triage_and_health(store):
    """What has no number reaches the readers that are there."""
    store.add(taken(ALERT))

    async def read():
        feed = store.live.batches()
        waiting = asyncio.ensure_future(anext(feed))
        await asyncio.sleep(0)
        await asyncio.to_thread(store.triage, ALERT["id"], "resolve", "ann")
        await asyncio.to_thread(store.add, taken(HEARTBEAT))
        found = await asyncio.wait_for(waiting, 20)
        while len(found) < 2:
            found += await asyncio.wait_for(anext(feed), 20)
        return found

    found = asyncio.run(read())
    assert [event.kind for event in found] == ["triage", "health"]
    assert orjson.loads(found[0].line)["id"] == ALERT["id"]
    clock = {"clock": "live", "block_time": HEARTBEAT["time"] - HEARTBEAT["lag_s"]}
    assert orjson.loads(found[1].line) == HEARTBEAT | clock


@pytest.mark.parametrize(
    "said", [{}, {"clock": "mine", "block_time": "late"}, {"lag_s": 1e300}, {"block": None}]
)
def test_live_feed_tells_whose_clock_it_is(store, said):
    """A heartbeat in the feed has the clock that ``health`` has, whatever it says itself."""
    beat = HEARTBEAT | {"source": "txdetect", "lag_s": OLD_S, "odd": 2**70} | said
    store.add([(b"%b \r" % json.dumps(beat).encode(), beat)])
    _, (event,) = store.live.signals_after(0)
    (source,) = store.health()
    told = json.loads(event.line)
    assert told == beat | {"clock": source.clock, "block_time": source.block_time}


def test_memory_of_the_feed_is_bounded(store):
    """The feed keeps so many events; what it let go comes from the store."""
    for at in range(0, 25_000, 5000):
        store.add(taken(*(numbered(number) for number in range(at, at + 5000))))
    assert len(store.live._events) == 20_000
    assert [event.seq for event in store.live.after(0, 3)] == [1, 2, 3]
    assert [event.seq for event in store.live.after(24_999, 3)] == [25_000]
    assert [event.seq for event in store.live.after(5_000, 2)] == [5001, 5002]
    assert store.live.after(25_000, 3) == []


def test_rates(store, clock):
    """Counts fall into their seconds; seconds of nothing are there, too."""
    store.rates.add(["high", "high", "retracted"], 5)
    clock.now += 2
    store.rates.add([], 3)
    clock.now += 1
    seconds = store.rates.seconds(4)
    assert [(each.records, each.alerts["high"]) for each in seconds] == [(0, 0), (5, 2), (0, 0), (3, 0)]
    assert store.rates.records == 8


def test_migrations_make_the_tables(store):
    """The steps lead to the tables as the code knows them, and the last step is the one it expects."""
    own = {
        "alerts_words",
        "alerts_words_config",
        "alerts_words_data",
        "alerts_words_docsize",
        "alerts_words_idx",
    }

    if store.database.is_sqlite:
        own |= {"alerts_subject", "alerts_incident"}  # PostgreSQL's; SQLite finds them by their words

    def ours(_thing, name, kind, _reflected, _compared):
        return name not in own and not (kind == "column" and name == "words")

    with store.database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": ours, "compare_type": True})
        assert compare_metadata(context, tables.metadata) == []
        assert context.get_current_revision() == tables.HEAD


def test_store_is_had_by_one(store_url, clock):
    """A second txdash on the same store is refused, until the first has gone."""
    first = Store(store_url, clock)
    with pytest.raises(database.StoreFault, match="is used by another txdash"):
        Store(store_url, clock)
    first.close()
    Store(store_url, clock).close()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.write_bytes(b"no database at all" * 100), "is damaged or no store"),
        (
            lambda path: sqlite3.connect(path).executescript("CREATE TABLE mine (a); "),
            "is no store of txdash",
        ),
        (lambda path: path.write_bytes(b"x"), "is damaged or no store"),
        (lambda path: path.mkdir(), "is a directory"),
        (lambda path: path.symlink_to(path.name), "lead nowhere"),
    ],
)
def test_other_files_are_refused(tmp_path, make, said):
    """A file that is no store is refused and left as it is."""
    path = tmp_path / "other.db"
    make(path)
    before = hashlib.sha256(path.read_bytes()).digest() if path.is_file() else None
    with pytest.raises(database.StoreFault, match=said):
        Store(str(path))
    assert before is None or hashlib.sha256(path.read_bytes()).digest() == before


def test_newer_store_is_refused(tmp_path):
    """A store of a newer version is refused with a remedy."""
    path = tmp_path / "newer.db"
    Store(str(path)).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(database.StoreFault, match="written by a newer txpipe"):
        Store(str(path))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://root:secret@host/db", "is no store"),
        ("postgresql://u:secret@127.0.0.1:1/db?connect_timeout=2", "127.0.0.1:1/db: "),
        ("postgresql://u:secret@host:port/db", "does not read"),
    ],
)
def test_url_that_leads_nowhere(url, said):
    """A wrong URL is said with a remedy and without its password."""
    with pytest.raises(database.StoreFault, match=said) as caught:
        Store(url)
    assert "secret" not in str(caught.value)


def test_numbers_go_on(store_url, clock):
    """A store that was pruned while it was empty gives each number once, over restarts."""
    for _ in range(2):
        empty = Store(store_url, clock)
        empty.prune(retention.Limits(age_s=10))
        empty.prune(retention.Limits(age_s=10))
        empty.close()
    for number in range(3):
        opened = Store(store_url, clock)
        assert opened.add(taken(numbered(number))) == 1
        assert [event.seq for event in opened.after(0, 9)] == list(range(1, number + 2))
        opened.close()


def test_lost_numbers_are_found(store_url, clock):
    """A store without its numbers, as an earlier version left them in PostgreSQL, takes alerts again."""
    opened = Store(store_url, clock)
    opened.add(taken(*(numbered(number) for number in range(3)), numbered(1) | {"rev": 1}))
    with opened.database.writing() as connection:
        connection.execute(sa.delete(tables.meta))
    opened.close()
    opened = Store(store_url, clock)
    opened.add(taken(numbered(7)))
    assert [event.seq for event in opened.after(0, 9)] == [1, 2, 3, 4, 5]
    assert ids(opened.page()) == [numbered(number)["id"] for number in (7, 2, 1, 0)]
    opened.close()


@pytest.mark.postgresql
def test_another_txdash_meanwhile(postgres, clock):
    """Where the server broke off and another txdash came and went, the numbers go on behind that one's."""
    url = postgres.database()
    first = Store(url, clock)
    first.add(taken(numbered(1)))
    postgres.rows(
        url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    other = Store(url, clock)
    other.add(taken(numbered(2), HEARTBEAT | {"status": "stalled"}))
    other.close()
    with pytest.raises(database.StoreFailed):
        first.add(taken(numbered(3), HEARTBEAT))
    assert first.add(taken(numbered(3), HEARTBEAT)) == 1
    assert [(event.seq, orjson.loads(event.line)["id"]) for event in first.after(0, 9)] == [
        (number, numbered(number)["id"]) for number in (1, 2, 3)
    ]
    assert [event.seq for event in first.live.after(1, 9)] == [2, 3]
    assert [stall.until for stall in first.stalls()] == [clock()]
    first.close()


def test_live_goes_on_behind_what_did_not_come_by(store):
    """What the store took unheard of, as where a connection broke at its commit, is read there."""
    store.add(taken(numbered(1)))
    store._writer.store([arrival(*each) for each in taken(numbered(2))])
    assert store.add(taken(numbered(2))) == 0
    assert [event.seq for event in store.live.after(1, 9)] == [2]
    store.add(taken(numbered(3)))
    assert [event.seq for event in store.live.after(1, 9)] == [2, 3]


def test_what_is_read_is_of_one_moment(store):
    """Between two questions of one reading nothing changes, though alerts come in."""
    store.add(taken(numbered(1)))
    count = sa.select(sa.func.count()).select_from(tables.alerts)
    with store.database.reading() as connection:
        before = connection.execute(count).scalar()
        store.add(taken(numbered(2)))
        assert connection.execute(count).scalar() == before == 1
    with store.database.reading() as connection:
        assert connection.execute(count).scalar() == 2


@pytest.mark.postgresql
@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_database_without_room_for_all_characters(postgres, encoding):
    """It is refused at once: the first alert that it cannot take would hold up all that follow."""
    with pytest.raises(database.StoreFault, match=f"its encoding is {encoding}; CREATE DATABASE"):
        Store(postgres.database(encoding))


@pytest.mark.postgresql
def test_encoding_of_the_environment_is_not_the_stores(postgres, monkeypatch):
    """Whatever PGCLIENTENCODING says, every character is stored."""
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    opened = Store(postgres.database())
    opened.add(taken(ALERT | {"title": "Zahlt 💰"}))
    assert opened.page(Filter(text="zahlt")).alerts[0].alert["title"] == "Zahlt 💰"
    opened.close()


def test_full_disk_is_said_and_nothing_half_stored(tmp_path):
    """Where the disk is full nothing of the batch is stored; once there is room the same batch is."""
    store = Store(str(tmp_path / "small.db"))
    store.add(taken(numbered(0)))
    with store.database.reading() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    batch = taken(*(numbered(number) | {"note": "x" * 5000} for number in range(1, 400)))
    writer = store.database._writer
    writer.exec_driver_sql(f"PRAGMA max_page_count = {pages + 10}")
    writer.commit()
    with pytest.raises(database.StoreFailed, match="disk is full"):
        store.add(batch)
    assert len(store.page().alerts) == 1
    writer.exec_driver_sql("PRAGMA max_page_count = 1000000")
    writer.commit()
    assert store.add(batch) == 399
    assert [event.seq for event in store.after(0, 500)] == list(range(1, 401))
    store.close()
