"""What the page is made of, without a browser: filters, the way of the money, links, its policy."""

import asyncio
import re
from types import SimpleNamespace

import orjson
import pytest
from fastapi import Request
from nicegui import Client
from nicegui.page import page

from dash_kit import SEVERITIES, Clock, Dash, alerts_like, numbered
from examples import ALERT, LISTED, MATCH, SENDER, TX, line
from txpipe.dashboard.access import Access
from txpipe.dashboard.board import Board
from txpipe.dashboard.database import StoreFailed
from txpipe.dashboard.page import feed
from txpipe.dashboard.page.alert import Watch
from txpipe.dashboard.page.cells import row
from txpipe.dashboard.page.explorers import address_link, tx_link
from txpipe.dashboard.page.feed import Feed
from txpipe.dashboard.page.frame import FILES
from txpipe.dashboard.page.money import Payment, money
from txpipe.dashboard.page.pulse import Pulse
from txpipe.dashboard.page.reasons import reasons
from txpipe.dashboard.page.verdicts import Verdicts
from txpipe.dashboard.page.wanted import passes, wanted
from txpipe.dashboard.query import Filter
from txpipe.dashboard.store import Event, Store

QUERIES = (
    "",
    "severity=high&severity=critical",
    "rule=drain",
    "chain=eip155:137&severity=low",
    "status=retracted",
    "triage=open",
    "triage=resolved",
    "incident=00000000000000000000000000000003",
    "q=wallet+number+7",
    "q=0x0000000000000000000000000000000000000005",
    "q=pays+eth",
    "q=nothing+like+that",
    "address=0x0000000000000000000000000000000000000005",
    "tx=0x" + f"{9:064x}",
)
A, B, C, D = (f"0x{digit * 40}" for digit in "abcd")


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A store of 200 alerts, and the alerts."""
    made = list(alerts_like(200))
    store = Store(str(tmp_path_factory.mktemp("dash") / "dash.db"))
    store.add([(line(alert).rstrip(), alert) for alert in made])
    yield store, made
    store.close()


@pytest.mark.parametrize("query", QUERIES)
def test_what_comes_in_passes_as_in_the_store(stored, query):
    """An alert that comes in is shown exactly if the store would give it for the same filter."""
    store, made = stored
    asked = wanted(query)
    kept = {each.alert["id"] for each in store.page(asked, None, 500).alerts}
    assert {alert["id"] for alert in made if passes(asked, alert, "open")} == kept


def test_filters_of_no_sense_are_left_out():
    """Whatever stands in the address: what is known counts, the rest does not."""
    assert wanted("?severity=high&severity=odd&triage=&x=1&status=gone") == Filter(severities=("high",))
    assert wanted("&".join(f"rule={number}" for number in range(500))) == Filter()
    assert len(wanted(f"q={'x' * 5000}").text) == 256


def alert_with(evidence, **more):
    return ALERT | {"subject": C, "evidence": evidence} | more


def test_exposure_pays_along_its_path():
    """Of exposure a step has the transaction that paid it; the money begins at the listed wallet."""
    steps = [{"address": B, "tx": "0x1"}, {"address": C, "tx": "0x2"}]
    found = money(alert_with({"origin": MATCH | {"address": A}, "path": steps}))
    assert found.payments == [Payment(A, B, "0x1"), Payment(B, C, "0x2")]
    assert (found.layers, found.listed) == ([[A], [B], [C]], {A})


def test_conduct_pays_along_its_path():
    """Of conduct a step has the transaction by which it paid the next; the last one pays the receiver."""
    steps = [{"address": B, "tx": "0x1", "usd": 90.0}, {"address": C, "tx": "0x2", "usd": 80}]
    found = money(alert_with({"source": A, "first_got_usd": 100.0, "path": steps, "receiver": D}))
    assert found.payments == [
        Payment(A, B, "", 100.0),
        Payment(B, C, "0x1", 90.0),
        Payment(C, D, "0x2", 80.0),
    ]
    assert found.roles[A] == "source"
    assert found.roles[C] == ALERT["role"]


def test_a_cycle_comes_back():
    """The last step of a cycle pays the account that it began with, which stays in front."""
    record = ALERT["record"] | {"from": B, "to": C}
    found = money(alert_with({"left_usd": 9, "path": [{"address": B, "tx": "0x1", "usd": 8}]}, record=record))
    assert found.payments == [Payment(C, B, "", 9.0), Payment(B, C, "0x1", 8.0)]
    assert found.layers == [[C], [B]]


def test_many_between_one_and_one():
    """Scatter and gather: from the source over each payer, whose transaction it is, to the receiver."""
    found = money(alert_with({"source": A, "payers": [B, D], "transactions": ["0x1", "0x2"]}))
    assert found.payments == [Payment(A, B), Payment(B, C, "0x1"), Payment(A, D), Payment(D, C, "0x2")]
    assert found.layers == [[A], [B, D], [C]]


@pytest.mark.parametrize(
    "evidence",
    [
        {},
        {"path": "no"},
        {"path": [1, {"address": 2}]},
        {"payers": {}},
        {"origin": 1},
        {"path": [], "usd": True},
    ],
)
def test_evidence_of_any_shape_leaves_the_record(evidence):
    """Evidence that tells of no way, or is odd, shows the one movement that fired."""
    assert money(alert_with(evidence)).payments == [Payment(SENDER, LISTED, TX, 3975.0)]


def test_explorers_know_their_chains():
    """Links lead to the chain's own explorer, with names quoted; an unknown chain has none."""
    assert tx_link("eip155:1", TX) == f"https://etherscan.io/tx/{TX}"
    assert (
        address_link("bip122:000000000019d6689c085ae165831e93", "bc1q")
        == "https://blockstream.info/address/bc1q"
    )
    assert address_link("eip155:1", '"><a/b') == "https://etherscan.io/address/%22%3E%3Ca%2Fb"
    assert tx_link("eip155:424242", TX) == ""


def test_reasons_are_those_of_explain():
    """The sections of txdetect --explain, each with its text; none of what is no valid alert."""
    found = dict(reasons(ALERT))
    heads = list(found)
    assert "\n" not in found["Honest conduct that looks like it"]  # a browser breaks lines itself
    bullets = found["It would have stayed silent with any of these"].splitlines()
    assert all(each.startswith("- ") for each in bullets)
    assert heads[:2] == ["What it looks for", "What it saw"]
    assert reasons({"type": "alert"}) == []


@pytest.mark.parametrize("severity", SEVERITIES)
def test_a_row_shows_what_nobody_can_see(severity):
    """A row holds texts only; marks that turn or hide letters are written out."""
    made = row(ALERT | {"title": "a\u202eb\x1b[31m", "severity": severity}, 5.0, "open")
    assert made["title"] == "a\\u202eb\\x1b[31m"
    assert (made["sev"], made["triage"], made["at"]) == (severity, "open", 5)
    assert orjson.loads(orjson.dumps(made)) == made


def test_a_store_that_is_away_is_not_an_empty_one(tmp_path):
    """What is not known is not told: the page keeps what it shows, and says that it may be old."""
    path, clock = tmp_path / "dash.db", Clock()
    store = Store(str(path), clock)
    board = Board(store, None, None, None, None, False, frozenset(), frozenset(), clock, 0.0)
    assert asyncio.run(Pulse(board).now())["total"] == 0
    store.close()  # what it asks from now on it asks of another file
    path.write_bytes(b"no store" * 1000)
    clock.now += 10
    told = asyncio.run(Pulse(board).now())
    assert told["trouble"].endswith("; what is shown may be old")
    assert set(told) == {"traffic", "alerts", "trouble"}


@pytest.mark.parametrize("kind", ["feed", "watch"])
@pytest.mark.parametrize("news", ["revision", "triage"])
def test_news_that_failed_comes_again(tmp_path, monkeypatch, kind, news):
    """What came since the page was made is told, again where it failed, and never in place of the table."""
    monkeypatch.setattr(feed, "_AGAIN_S", 0.0)
    store = Store(str(tmp_path / "dash.db"))
    store.add([(line(ALERT).rstrip(), ALERT)])
    board = Board(store, None, None, None, None, False, frozenset(), frozenset(), lambda: 5.0, 0.0)
    told, again = [], asyncio.Event()

    async def tell(said="", **_):
        told.append(said)
        if len(told) == 1:
            raise TimeoutError if kind == "feed" else StoreFailed("away")
        again.set()

    async def look():
        client = SimpleNamespace(is_deleted=False, run_javascript=tell)
        task = Feed(client, board, Filter()) if kind == "feed" else Watch(client, store, ALERT["id"], tell)
        if news == "triage":
            store.triage(ALERT["id"], "resolve", "ann")
        else:
            grown = ALERT | {"rev": 1, "status": "updated"}
            store.add([(line(grown).rstrip(), grown)])
        running = asyncio.create_task(feed._guarded(task))
        await asyncio.wait_for(again.wait(), 20)
        running.cancel()

    asyncio.run(look())
    store.close()
    assert told[0] == told[1]
    assert kind == "watch" or (told[1].startswith("txdash.feed(") and ALERT["id"] in told[1])


@pytest.mark.parametrize("kind", ["alerts", "signals", "no answer"])
def test_who_is_far_behind_is_given_the_newest(tmp_path, monkeypatch, kind):
    """Of more than memory holds, or a browser draws, or than it answers to, it gets the newest anew."""
    monkeypatch.setattr(feed, "_FAR_BEHIND", 5)
    monkeypatch.setattr(feed, "_AGAIN_S", 0.0)
    store = Store(str(tmp_path / "dash.db"))
    board = Board(store, None, None, None, None, False, frozenset(), frozenset(), lambda: 5.0, 0.0)
    told = []

    async def look():
        async def tell(said, **_):
            told.append(said.split("(")[0])
            if told[-1] == "txdash.feed":
                raise TimeoutError
            running.cancel()

        task = Feed(SimpleNamespace(is_deleted=False, run_javascript=tell), board, Filter())
        if kind != "signals":
            sent = alerts_like(10 if kind == "alerts" else 1)
            store.add([(line(each).rstrip(), each) for each in sent])
        else:
            store.live.publish([Event(0, "triage", line({"id": ALERT["id"]}))] * 2000)
        running = asyncio.create_task(feed._guarded(task))
        await asyncio.wait([running], timeout=20)

    asyncio.run(look())
    store.close()
    assert told == ["txdash.feed"] * 2 * (kind == "no answer") + ["txdash.renew"]


@pytest.mark.parametrize("fails", ["store", "redraw"])
def test_a_store_that_fails_is_said_beside_the_alert(tmp_path, fails):
    """What could not be stored, or shown, is said in the box; there is always a place for a note."""
    path = tmp_path / "dash.db"
    store = Store(str(path))
    store.add([(line(ALERT).rstrip(), ALERT)])
    access = Access({}, {}, lambda: 5.0)
    board = Board(store, None, None, None, access, False, frozenset(), frozenset(), lambda: 5.0, 0.0)

    async def redraw():
        raise StoreFailed("away")

    async def judge():
        with Client(page("/")) as client:
            box = Verdicts(board, Request({"type": "http", "headers": []}), ALERT["id"], redraw)
            box.build()
            box.draw(store.alert(ALERT["id"]))
        note = places(client, "textarea")
        if fails == "store":
            store.close()  # what it asks from now on it asks of another file
            path.write_bytes(b"no store" * 1000)
        await box._say("resolve", "our own", None)
        (said,) = (each.text for each in client.elements.values() if each.props.get("role") == "alert")
        return said, len(places(client, "textarea")), places(client, "textarea") == note

    def places(client, tag):
        return [each.id for each in client.elements.values() if each.tag == tag]

    said, notes, kept = asyncio.run(judge())
    if fails == "store":
        assert said.startswith(str(path))
    else:
        assert said == "away; what is shown may be old"
        assert store.alert(ALERT["id"]).stored.triage == "resolved"
        store.close()
    assert (notes, kept) == (1, fails == "store")


def test_the_page_stands_behind_the_guard(tmp_path):
    """Page, files and sockets refuse foreign names and pages; the policy lets scripts of ours only."""
    with Dash("--listen", "127.0.0.1:0", "--db", str(tmp_path / "dash.db")) as dash:
        dash.feed(numbered(1))
        status, headers, body = dash.raw("/")
        policy = headers["content-security-policy"]
        nonce = re.search("'nonce-([^']+)'", policy)[1]
        assert (status, headers["x-frame-options"]) == (200, "DENY")
        assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
        assert body.count(b"<script") == body.count(f'<script nonce="{nonce}"'.encode())
        socket = "/_nicegui_ws/socket.io/?EIO=4&transport=polling"
        for path in ("/", socket, f"{FILES}/page.js"):
            assert dash.raw(path, headers={"host": "evil.example"})[0] == 421
            assert dash.raw(path, headers={"origin": "https://evil.example"})[0] == 403
        assert dash.raw("/api/v1/nothing")[0] == 404
        assert dash.raw("/nothing")[0] == 404
        assert dash.raw(f"/alerts/{'0' * 32}")[0] == 404
        assert not list(tmp_path.glob(".nicegui*"))


def test_sockets_ask_who_comes(tmp_path):
    """Where there are users, nobody else gets the page, its files or its sockets; the way in is shown."""
    env = {"TXDASH_TOKEN": "0123456789abcdef"}
    with Dash("--listen", "127.0.0.1:0", "--db", str(tmp_path / "dash.db"), env=env) as dash:
        socket = "/_nicegui_ws/socket.io/?EIO=4&transport=polling"
        assert dash.raw("/", headers={"accept": "text/html"})[1]["location"] == "/login"
        for path in ("/", socket, f"{FILES}/page.js"):
            assert dash.raw(path)[0] == 401
            assert dash.raw(path, headers={"authorization": "Bearer 0123456789abcdef"})[0] == 200
        assert b"TXDASH_TOKEN" in dash.raw("/login")[2]
