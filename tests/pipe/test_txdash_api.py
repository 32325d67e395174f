"""txdash's HTTP API, as front ends, scripts and attackers see it: a real process, real requests."""

import http.client
import itertools
import os
import re
import select
import signal
import subprocess
import threading
import time
from pathlib import Path

import jsonschema
import orjson
import pytest

from conftest import script
from dash_kit import NODES, Dash, Events, Subscriber, alerts_like, numbered, users
from examples import ALERT, HEARTBEAT, LISTED

ANY = ("--listen", "127.0.0.1:0", "--db", "dash.db")
TOKEN, VIEWER_TOKEN = "an-analyst-token-for-tests", "a-viewer-token-for-the-tests"
BEAT = HEARTBEAT | {"clock": "live", "block_time": HEARTBEAT["time"] - HEARTBEAT["lag_s"]}
"""HEARTBEAT as live readers get it."""
TOKENS = {"TXDASH_TOKEN": TOKEN, "TXDASH_VIEWER_TOKEN": VIEWER_TOKEN}


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    (tmp_path / "list.txt").write_text(f"# date: 2026-11-01\n# category: sanctions\n{LISTED}\n")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def dash():
    with Dash(*ANY, "--list", "list.txt", output=subprocess.DEVNULL) as running:
        yield running


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One for many that only ask."""
    folder = tmp_path_factory.mktemp("shared")
    options = ("--listen", "127.0.0.1:0", "--db", str(folder / "dash.db"))
    with Dash(*options, output=subprocess.DEVNULL) as running:
        filled(running, ALERT)
        yield running


def bearer(token):
    return {"authorization": f"Bearer {token}"}


def filled(dash, *records):
    dash.feed(*records)
    count = sum(record["type"] == "alert" for record in records)
    dash.until("/api/v1/health", lambda found: found["store"]["stored"] >= count)


def test_pages_of_alerts(dash):
    """Following next meets every alert once, newest first, with what the store knows of each."""
    filled(dash, *(numbered(number) for number in range(230)))
    found, cursor = [], ""
    while cursor is not None:
        page = dash.ask(f"/api/v1/alerts?limit=50&cursor={cursor}")
        found += page["alerts"]
        cursor = page["next"]
    assert [each["alert"] for each in found] == [numbered(number) for number in reversed(range(230))]
    assert found[0]["triage"] == {"state": "open", "by": "", "at": None}


def test_filters(dash):
    """Parameters filter; one that is repeated means any of its values."""
    made = list(alerts_like(200))
    filled(dash, *made)

    def ids(query):
        return [each["alert"]["id"] for each in dash.ask(f"/api/v1/alerts?limit=500&{query}")["alerts"]]

    def those(test):
        return [alert["id"] for alert in reversed(made) if test(alert)]

    assert ids("severity=high&severity=low") == those(lambda each: each["severity"] in {"high", "low"})
    assert ids("min_severity=high") == those(lambda each: each["severity"] in {"high", "critical"})
    assert ids("rule=drain&status=retracted") == those(
        lambda each: each["rule"] == "drain" and each["status"] == "retracted"
    )
    assert ids("since=1760000150") == those(lambda each: each["time"] >= 1_760_000_150)
    assert ids(f"tx={made[3]['tx']}") == [made[3]["id"]]
    assert ids("q=wallet+number+77") == [made[77]["id"]]
    assert ids("shadow=true") == those(lambda each: each.get("shadow"))
    assert [each["alert"]["id"] for each in dash.ask(f"/api/v1/incidents/{4:032x}")["alerts"]] == those(
        lambda each: each["incident"] == f"{4:032x}"
    )


def test_a_filter_that_is_none_is_refused(shared):
    """A misspelt filter is named, with those that there are; it does not mean all alerts."""
    said = shared.ask("/api/v1/alerts?min_sev=high&limit=1", expect=422)["error"]
    assert said.startswith("query.min_sev: is no parameter; there are severity, min_severity, ")
    assert said.endswith(", cursor, limit")


def test_one_alert_with_revisions_and_triage(dash):
    """An alert has its revisions and its log; what was said can be undone; both show in filters."""
    filled(dash, ALERT, ALERT | {"rev": 1, "status": "updated"})
    path = f"/api/v1/alerts/{ALERT['id']}"
    said = dash.ask(f"{path}/triage", "POST", {"action": "false_positive", "note": "known"}, expect=201)
    assert (said["who"], said["note"]) == ("local", "known")
    assert len(dash.ask("/api/v1/alerts?triage=false_positive")["alerts"]) == 1
    dash.ask(f"{path}/triage", "POST", {"action": "undo", "undoes": said["entry"]}, expect=201)
    found = dash.ask(path)
    assert [each["alert"]["rev"] for each in found["revisions"]] == [0, 1]
    assert [(each["action"], each["undone"]) for each in found["log"]] == [
        ("false_positive", True),
        ("undo", False),
    ]
    assert found["triage"]["state"] == "open"
    dash.ask(f"{path}/triage", "POST", {"action": "undo", "undoes": said["entry"]}, expect=409)
    dash.ask(f"{path}/triage", "POST", {"action": "explode"}, expect=422)
    dash.ask(f"/api/v1/alerts/{'f' * 32}/triage", "POST", {"action": "resolve"}, expect=404)
    dash.ask(f"/api/v1/alerts/{'f' * 32}", expect=404)


def test_screening_in_the_well_known_shape(dash):
    """A listed address has identifications of four strings; one that is not has none, and a verdict."""
    found = dash.ask(f"/api/v1/address/{LISTED}")
    (one,) = found["identifications"]
    assert set(one) == {"category", "name", "description", "url"}
    assert (one["category"], one["name"], found["verdict"]) == ("sanctions", "list", "listed")
    assert found["lists"][0]["list_date"] == "2026-11-01"
    clean = dash.ask("/api/v1/address/0x" + "9" * 40)
    assert (clean["identifications"], clean["verdict"]) == ([], "not listed")
    unknown = dash.ask("/api/v1/address/TJRyWwFs9wTFGZg3JbrVriFbNfCug5tDeC")
    assert (unknown["identifications"], unknown["verdict"]) == ([], "unchecked")
    assert unknown["reason"] == "no list holds tron addresses"


def test_screening_many(dash):
    """A batch is answered in its order; an empty and a huge one are refused."""
    asked = [LISTED, "0x" + "9" * 40, LISTED.upper().replace("0X", "0x"), "nonsense!"]
    found = dash.ask("/api/v1/address", "POST", {"addresses": asked})["results"]
    assert [each["verdict"] for each in found] == ["listed", "not listed", "listed", "unchecked"]
    for addresses in ([], ["0x" + "9" * 40] * 1001, ["x" * 257], [7]):
        dash.ask("/api/v1/address", "POST", {"addresses": addresses}, expect=422)


def test_health_counts_metrics(dash):
    """Health tells of sources, counts of kinds, metrics in Prometheus' format."""
    filled(dash, ALERT, numbered(1), HEARTBEAT, HEARTBEAT | {"source": "txdetect", "status": "blind"})
    found = dash.until("/api/v1/health", lambda found: len(found["sources"]) == 2)
    assert found["status"] == "degraded"
    assert {each["source"]: each["status"] for each in found["sources"]} == {
        "txtail": "ok",
        "txdetect": "blind",
    }
    counted = dash.until("/api/v1/counts", lambda found: found["severity"].get("critical") == 2)
    assert sum(each["records"] for each in counted["seconds"]) <= 4
    status, headers, body = dash.raw("/api/v1/metrics")
    assert (status, headers["content-type"].split(";")[0]) == (200, "text/plain")
    assert b'txdash_alerts_total{severity="critical"} 2' in body
    assert b'txdash_source_up{chain="eip155:1",source="txdetect"} 0' in body


def test_a_replay_and_stalls_in_health(dash):
    """Simulated blocks are a replay, whose lag is no metric; when a source was not ok stays known."""
    old = HEARTBEAT | {"chain": "eip155:10", "source": "txdetect", "time": 1_790_000_000, "lag_s": 3e7}
    filled(dash, HEARTBEAT | {"status": "blind"}, old)
    dash.until("/api/v1/health", lambda found: len(found["sources"]) == 2)
    dash.feed(HEARTBEAT)
    found = dash.until("/api/v1/health", lambda found: found["status"] == "ok")
    assert {each["source"]: (each["clock"], each["block_time"]) for each in found["sources"]} == {
        "txtail": ("live", HEARTBEAT["time"] - HEARTBEAT["lag_s"]),
        "txdetect": ("replay", 1_760_000_000),
    }
    (stall,) = found["stalls"]
    assert (stall["source"], stall["status"]) == ("txtail", "blind")
    assert stall["since"] <= stall["until"]
    _, _, body = dash.raw("/api/v1/metrics")
    assert b'txdash_source_lag_seconds{chain="eip155:1",source="txtail"}' in body
    assert b'txdash_source_lag_seconds{chain="eip155:10"' not in body


def test_events_resume_without_a_loss(dash):
    """A reader of events that goes away and comes back with its last id has every alert, in order, once."""
    sent = [numbered(number) for number in range(900)]
    found = []

    def read(upto):
        with Events(dash, after=found[-1][0] if found else 0) as events:
            for event in events:
                if "id" in event:
                    found.append((int(event["id"]), orjson.loads(event["data"])["id"]))
                if len(found) >= upto:
                    return

    feeding = threading.Thread(target=lambda: [dash.feed(each) for each in sent])
    feeding.start()
    for upto in (100, 101, 350, 900):
        read(upto)
    feeding.join()
    assert found == [(number + 1, f"{number:032x}") for number in range(900)]


def test_events_resume_over_a_death_of_the_server(dash):
    """The last id is good after the dashboard was killed: what came meanwhile follows."""
    filled(dash, *(numbered(number) for number in range(10)))
    with Events(dash, after=0) as events:
        first = [event["id"] for event in itertools.islice(events, 10)]
    os.kill(dash.child(), signal.SIGKILL)
    dash.feed(*(numbered(number) for number in range(10, 30)))
    dash.heard("started again")
    with Events(dash, after=first[-1]) as events:
        rest = [event["id"] for event in itertools.islice(events, 20)]
    assert [int(each) for each in first + rest] == list(range(1, 31))


def test_retractions_triage_and_health_are_events(dash):
    """The feed tells a retraction from an alert, and of triage and health."""
    filled(dash, ALERT)
    with Events(dash) as events:
        dash.feed(ALERT | {"rev": 1, "status": "retracted"}, HEARTBEAT)
        seen = {}
        for event in events:
            seen[event["event"]] = orjson.loads(event["data"])
            if len(seen) == 2:
                break
        dash.ask(f"/api/v1/alerts/{ALERT['id']}/triage", "POST", {"action": "resolve"}, expect=201)
        said = next(iter(events))
    assert seen["retraction"]["rev"] == 1
    assert seen["health"] == BEAT
    assert (said["event"], orjson.loads(said["data"])["action"]) == ("triage", "resolve")


def test_what_was_forgotten_is_said():
    """A reader who comes back later than --retain-size allows is told so, and gets the rest."""
    with Dash(*ANY, "--retain-size", "2M", output=subprocess.DEVNULL) as dash:
        filled(dash, *(numbered(number) | {"note": "x" * 1000} for number in range(3000)))
    with Dash(*ANY, "--retain-size", "2M", output=subprocess.DEVNULL) as dash:
        dash.feed(numbered(3000))
        dash.until("/api/v1/health", lambda found: found["store"]["alerts"] < 3000)
        with Events(dash, after=5) as events:
            said, first = itertools.islice(events, 2)
    gap = orjson.loads(said["data"])
    assert (said["event"], gap["after"]) == ("gap", 5)
    assert int(first["id"]) == gap["first"] > 6


@pytest.mark.parametrize("space", [b"\r", b" \r\r ", b"\t"])
def test_line_ends_within_json_do_not_end_an_event(dash, space):
    """White space in an alert that would end a field of an event is written otherwise."""
    raw = orjson.dumps(ALERT)
    dash.write(raw.replace(b'","', b'",' + space + b'"', 3) + b"\n")
    with Events(dash, after=0) as events:
        assert orjson.loads(next(iter(events))["data"]) == ALERT


@pytest.mark.socketio
def test_twenty_clients_get_every_alert(dash):
    """Twenty stock Socket.IO clients get a thousand alerts each, all of them, in order."""
    with Subscriber(dash, clients=20, alerts=1000) as clients:
        clients.heard("connected")
        dash.feed(*(numbered(number) for number in range(1000)))
        results = clients.heard("results")["results"]
    assert [(each["ids"], each["events"], each["ordered"]) for each in results] == [(1000, 1000, True)] * 20


@pytest.mark.socketio
@pytest.mark.parametrize("transports", [["polling"], ["websocket"]])
def test_client_comes_back_without_a_loss(dash, transports):
    """A client that leaves and comes back with its last number misses nothing, by either transport."""
    with Subscriber(dash, clients=3, alerts=600, drop=200, transports=transports) as clients:
        clients.heard("connected")
        dash.feed(*(numbered(number) for number in range(300)))
        dash.feed(*(numbered(number) | {"status": "retracted"} for number in range(300, 600)))
        results = clients.heard("results")["results"]
    assert [(each["ids"], each["events"], each["ordered"]) for each in results] == [(600, 600, True)] * 3
    assert results[0]["kinds"] == {"alert": 300, "retraction": 300}


@pytest.mark.socketio
@pytest.mark.parametrize("batch", [False, True])
def test_socketio_in_batches(dash, batch):
    """A client that asks for batches hears of the same alerts, several at once; others hear one by one."""
    wanted = orjson.dumps({"url": dash.url, "batch": batch, "alerts": 900}).decode()
    with subprocess.Popen(
        ["node", "follow.mjs", wanted], cwd=NODES, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as client:
        assert client.stderr.readline() == b"connected\n"
        dash.feed(*(numbered(number) for number in range(900)))
        found = orjson.loads(client.communicate(timeout=60)[0])
    assert found["count"] == 900
    assert found["heard"][-1][1] == 900


@pytest.mark.socketio
def test_sockets_ask_for_a_token():
    """Where tokens are asked for, a client without one is refused, and one with it is served."""
    with Dash(*ANY, env=TOKENS, output=subprocess.DEVNULL) as dash:
        with Subscriber(dash, once=True) as client:
            assert "who are you?" in client.heard("refused")["refused"]
        with Subscriber(dash, once=True, token="wrong") as client:  # noqa: S106
            assert "who are you?" in client.heard("refused")["refused"]
        with Subscriber(dash, token=VIEWER_TOKEN, alerts=1) as client:
            client.heard("connected")
            dash.feed(HEARTBEAT, ALERT)
            assert client.heard("health")["health"] == BEAT
            assert client.heard("results")["results"][0]["ids"] == 1


@pytest.mark.socketio
@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_sockets_refuse_foreign_pages(shared, transport):
    """A page of another site gets no socket, by either transport."""
    with Subscriber(shared, origin="http://evil.example", transports=[transport]) as client:
        client.heard("refused")


FOREIGN = ("http://evil.example", "null", "https://127.0.0.1.evil.example", "file://", "http://127.0.0.1:1")


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/alerts"),
        ("GET", "/api/v1/events"),
        ("POST", f"/api/v1/alerts/{ALERT['id']}/triage"),
        ("GET", "/socket.io/?EIO=4&transport=polling"),
        ("OPTIONS", "/api/v1/alerts"),
        ("GET", "/"),
    ],
)
def test_foreign_origin_is_refused(shared, origin, method, path):
    """Pages of other sites get nothing, whatever they ask for."""
    body = orjson.dumps({"action": "resolve"}) if method == "POST" else None
    status, headers, _ = shared.raw(
        path, method, body, {"origin": origin, "content-type": "application/json"}
    )
    assert status == 403
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "localhost.evil.example:80", "a b"]
)
def test_unknown_host_is_refused(shared, host):
    """A name that somebody made point here (DNS rebinding) is refused."""
    assert shared.raw("/api/v1/alerts", headers={"host": host})[0] in {400, 421}


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1234", "127.0.0.1", "[::1]:80", "192.168.0.9:8377"])
def test_known_host_is_served(shared, host):
    """localhost and addresses are known."""
    assert shared.raw("/api/v1/alerts", headers={"host": host})[0] == 200


def test_other_sites_may_be_let_in():
    """--allow-origin lets pages of one site ask, and no other; --host adds a name."""
    options = ("--allow-origin", "https://soc.example", "--host", "dash.example")
    with Dash(*ANY, *options, output=subprocess.DEVNULL) as dash:
        status, headers, _ = dash.raw("/api/v1/alerts", headers={"origin": "https://soc.example"})
        assert (status, headers["access-control-allow-origin"]) == (200, "https://soc.example")
        asked = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}
        status, headers, _ = dash.raw(
            "/api/v1/address", "OPTIONS", None, {"origin": "https://soc.example", **asked}
        )
        assert (status, headers["access-control-allow-origin"]) == (200, "https://soc.example")
        assert dash.raw("/api/v1/alerts", headers={"origin": "https://soc.example.evil"})[0] == 403
        assert dash.raw("/api/v1/alerts", headers={"host": "dash.example"})[0] == 200
        assert (
            dash.raw("/api/v1/alerts", headers={"host": "dash.example", "origin": "https://dash.example"})[0]
            == 200
        )


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None]
)
def test_forms_cannot_write(shared, kind):
    """What a form of another site can send is refused, whatever its body says."""
    headers = {"content-type": kind} if kind else {}
    body = orjson.dumps({"action": "resolve"})
    status, _, said = shared.raw(f"/api/v1/alerts/{ALERT['id']}/triage", "POST", body, headers)
    assert (status, b"Content-Type: application/json" in said) == (415, True)


def test_bodies_are_bounded(shared):
    """A body over the limit is refused before it is read; so is one that does not say how long it is."""
    assert (
        shared.raw("/api/v1/address", "POST", b"x" * 2_000_000, {"content-type": "application/json"})[0]
        == 413
    )
    chunked = {"content-type": "application/json", "transfer-encoding": "chunked"}
    host, port = shared.url.removeprefix("http://").rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    connection.request("POST", "/api/v1/address", iter([b"{}"]), chunked, encode_chunked=True)
    assert connection.getresponse().status == 411
    connection.close()


def test_roles():
    """Without a token nothing is told; a viewer looks; an analyst judges, under that name."""
    with Dash(*ANY, env=TOKENS, output=subprocess.DEVNULL) as dash:
        for path in ("/api/v1/alerts", "/api/v1/events", "/api/v1/metrics", "/api/v1/openapi.json", "/"):
            assert dash.raw(path)[0] == 401
        assert dash.raw("/api/v1/alerts", headers=bearer("wrong"))[0] == 401
        assert dash.raw(f"/api/v1/alerts?token={TOKEN}")[0] == 401
        assert dash.raw("/api/v1/live")[0] == 200
        dash.feed(ALERT)
        while not dash.ask("/api/v1/alerts", headers=bearer(VIEWER_TOKEN))["alerts"]:
            pass
        triage = f"/api/v1/alerts/{ALERT['id']}/triage"
        dash.ask(triage, "POST", {"action": "resolve"}, bearer(VIEWER_TOKEN), expect=403)
        assert dash.ask(triage, "POST", {"action": "resolve"}, bearer(TOKEN), expect=201)["who"] == "analyst"


def test_read_only():
    """--read-only refuses triage by anybody."""
    with Dash(*ANY, "--read-only", output=subprocess.DEVNULL) as dash:
        filled(dash, ALERT)
        dash.ask(f"/api/v1/alerts/{ALERT['id']}/triage", "POST", {"action": "resolve"}, expect=403)


def test_users_log_in(tmp_path):
    """A user of --users logs in for a cookie that scripts cannot read; guesses are slowed."""
    with Dash(*ANY, "--users", users(tmp_path, "analyst"), output=subprocess.DEVNULL) as dash:
        assert dash.raw("/api/v1/me")[0] == 401
        good = {"name": "ann", "password": "correct horse"}
        status, headers, _ = dash.raw(
            "/api/v1/login", "POST", orjson.dumps(good), {"content-type": "application/json"}
        )
        assert status == 200
        for flag in ("HttpOnly", "SameSite=Strict", "Path=/"):
            assert flag in headers["set-cookie"]
        cookie = {"cookie": headers["set-cookie"].split(";")[0]}
        assert dash.ask("/api/v1/me", headers=cookie) == {"name": "ann", "role": "analyst"}
        dash.ask("/api/v1/logout", "POST", {}, cookie)
        assert dash.raw("/api/v1/me", headers=cookie)[0] == 401
        for name in ("ann", "nobody"):
            dash.ask("/api/v1/login", "POST", {"name": name, "password": "guess"}, expect=401)
        tries = [
            dash.raw(
                "/api/v1/login",
                "POST",
                orjson.dumps({"name": "ann", "password": f"guess {number}"}),
                {"content-type": "application/json"},
            )[0]
            for number in range(12)
        ]
        assert set(tries) == {401, 429}
        assert tries[-1] == 429
        dash.ask("/api/v1/login", "POST", good, expect=429)


def test_answers_say_how_to_treat_them(dash):
    """Answers are no markup, are not framed, not cached, and tell nothing of the server."""
    evil = ALERT | {"title": "<script>alert(1)</script>"}
    filled(dash, evil)
    _, headers, body = dash.raw("/api/v1/alerts")
    assert headers["content-type"] == "application/json"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers
    assert orjson.loads(body)["alerts"][0]["alert"]["title"] == evil["title"]


def test_connections_that_stay_are_bounded(shared):
    """Two hundred event streams are open at most; the rest of the API answers on."""
    streams = []
    try:
        for _ in range(200):
            stream = Events(shared)
            stream.__enter__()
            streams.append(stream)
        assert shared.raw("/api/v1/events")[0] == 503
        assert shared.raw("/api/v1/alerts")[0] == 200
    finally:
        for stream in streams:
            stream.__exit__()


def test_openapi_describes_the_answers(dash):
    """Answers are as the OpenAPI description has them."""
    filled(dash, ALERT, HEARTBEAT)
    dash.ask(f"/api/v1/alerts/{ALERT['id']}/triage", "POST", {"action": "note", "note": "hm"}, expect=201)
    spec = dash.ask("/api/v1/openapi.json")
    assert spec["openapi"].startswith("3.")
    assert "``clock``" in spec["paths"]["/api/v1/events"]["get"]["description"]
    for path, where in {
        "/api/v1/alerts": "/api/v1/alerts",
        f"/api/v1/alerts/{ALERT['id']}": "/api/v1/alerts/{alert_id}",
        f"/api/v1/incidents/{'0' * 32}": "/api/v1/incidents/{incident}",
        f"/api/v1/address/{LISTED}": "/api/v1/address/{address}",
        "/api/v1/health": "/api/v1/health",
        "/api/v1/counts": "/api/v1/counts",
        "/api/v1/me": "/api/v1/me",
    }.items():
        said = spec["paths"][where]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        jsonschema.validate(dash.ask(path), {**said, "components": spec["components"]})


def test_generated_requests_meet_no_server_error(dash, tmp_path):
    """Schemathesis makes requests out of the description: no server error, answers as described."""
    filled(dash, *(numbered(number) for number in range(50)), HEARTBEAT)
    checks = ("not_a_server_error", "response_schema_conformance", "content_type_conformance")
    command = [
        *(script("schemathesis"), "run", f"{dash.url}/api/v1/openapi.json", "--seed", "7", "--no-color"),
        *("--checks", ",".join((*checks, "status_code_conformance")), "--exclude-path", "/api/v1/events"),
        *("--phases", "coverage,fuzzing", "--max-examples", "25", "--request-timeout", "30"),
    ]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert re.search(r"[1-9]\d\d generated, [1-9]\d\d passed", done.stdout)
    assert not re.search("Traceback", "".join(dash.said))


README = (Path(__file__).resolve().parent.parent.parent / "README.md").read_text()


@pytest.mark.socketio
def test_readme_lines_for_front_ends(dash, tmp_path):
    """README's lines of JavaScript, run as they stand, say what comes."""
    (code,) = re.findall(r"^```js\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    (tmp_path / "front.mjs").write_text(code.replace("http://127.0.0.1:8377", dash.url))
    (tmp_path / "node_modules").symlink_to(NODES / "node_modules")
    found = set()
    with subprocess.Popen(["node", "front.mjs"], cwd=tmp_path, stdout=subprocess.PIPE, bufsize=0) as front:
        deadline = time.monotonic() + 30
        for number in itertools.count():
            assert time.monotonic() < deadline, found
            gone = numbered(number + 1000) | {"status": "retracted"}
            dash.feed(HEARTBEAT, numbered(number), gone)
            if select.select([front.stdout], [], [], 0.2)[0]:
                found |= {said.split()[0] for said in os.read(front.stdout.fileno(), 1 << 16).splitlines()}
            if found >= {b"txtail", b"critical", b"taken"}:
                break
        front.kill()
