"""txdash under attack: from who may look and no more, from who may nothing, and from what comes in."""

import contextlib
import os
import re
import select
import socket
import subprocess
import time
from pathlib import Path

import orjson
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

import postgres_kit
from dash_kit import Dash, Events, numbered, stored_lines, users
from examples import ALERT, line

ANY = ("--listen", "127.0.0.1:0", "--db", "dash.db")
TOKEN, VIEWER_TOKEN = "an-analyst-token-for-tests", "a-viewer-token-for-the-tests"
TOKENS = {"TXDASH_TOKEN": TOKEN, "TXDASH_VIEWER_TOKEN": VIEWER_TOKEN}
JSON = {"content-type": "application/json"}


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@contextlib.contextmanager
def socket_io(dash, auth=None):
    """A raw connection by Socket.IO, connected unless auth is False."""
    with connect(
        dash.url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket", proxy=None
    ) as wire:
        wire.recv(10)
        if auth is not False:
            wire.send(f"40{orjson.dumps(auth or {}).decode()}")
            assert wire.recv(10).startswith("40")
        yield wire


def wait_until(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        select.select([], [], [], 0.02)


def logged_in(dash):
    """Log the viewer in; return the header that says so."""
    who = orjson.dumps({"name": "ann", "password": "correct horse"})
    _, headers, _ = dash.raw("/api/v1/login", "POST", who, JSON)
    return {"cookie": headers["set-cookie"].split(";")[0]}


def until_closed(wire):
    """Read a connection to its end; return what came."""
    got = []
    with contextlib.suppress(ConnectionClosed):
        while True:
            got.append(wire.recv(30))
    return "".join(got)


def resident(pid):
    """Bytes of memory that a process has."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def deep(number, levels):
    """An alert whose evidence is nested as deep as orjson reads and deeper than it writes."""
    nested = b'{"a":' * levels + b"1" + b"}" * levels
    return line(numbered(number)).replace(b'"evidence":{', b'"evidence":{"deep":%b,' % nested, 1)


def test_alert_nested_deep_ends_no_feed():
    """An alert that is nested deeper than orjson writes reaches sockets, its page and the API."""
    with Dash(*ANY, output=subprocess.DEVNULL) as dash, socket_io(dash) as wire:
        dash.write(deep(1, 400))
        dash.feed(numbered(2))
        assert [wire.recv(10).endswith(f",{number}]") for number in (1, 2)] == [True, True]
        for path in ("/alerts", "/api/v1/alerts"):
            assert dash.raw(f"{path}/{numbered(1)['id']}")[0] == 200


@pytest.mark.parametrize("path", ["/socket.io/", "/_nicegui_ws/socket.io/"])
def test_attachments_fill_no_memory(path):
    """A client that announces a thousand million attachments does not have them kept."""
    with Dash(*ANY, output=subprocess.DEVNULL) as dash:
        address = f"{dash.url.replace('http', 'ws')}{path}?EIO=4&transport=websocket"
        with connect(address, proxy=None) as wire:
            wire.recv(10)
            wire.send("40")
            wire.recv(10)
            before = resident(dash.child())
            with contextlib.suppress(ConnectionClosed):
                wire.send('45999999999-["x",{"_placeholder":true,"num":0}]')
                for _ in range(150):
                    wire.send(bytes(900_000))
            dash.ask("/api/v1/live")
            assert resident(dash.child()) - before < 60e6


def test_clients_call_nothing_by_an_events_name():
    """An event that is called connect opens no second feed on a connection."""
    who = {"token": VIEWER_TOKEN}
    with Dash(*ANY, env=TOKENS, output=subprocess.DEVNULL) as dash, socket_io(dash, who) as wire:
        for _ in range(3):
            wire.send(f'42["connect",{{"HTTP_HOST":"localhost"}},{orjson.dumps(who).decode()}]')
        dash.feed(numbered(1))
        got = []
        with contextlib.suppress(TimeoutError):
            while True:
                got.append(wire.recv(1))
        assert len(got) <= 1


def test_strangers_take_nobodys_room():
    """Who has not said who they are takes no room from those who have, and is let go after a while."""
    with Dash(*ANY, env=TOKENS, output=subprocess.DEVNULL) as dash, contextlib.ExitStack() as open_:
        wires = [open_.enter_context(socket_io(dash, auth=False)) for _ in range(200)]
        with Events(dash, headers={"authorization": f"Bearer {VIEWER_TOKEN}"}):
            pass
        until_closed(wires[0])
        with socket_io(dash, {"token": VIEWER_TOKEN}) as wire:
            dash.feed(numbered(1))
            assert "alert" in wire.recv(10)


def test_connections_that_poll_are_bounded():
    """Openings by polling, which cost nothing to leave behind, are refused from some hundred on."""
    with Dash(*ANY, env=TOKENS, output=subprocess.DEVNULL) as dash:
        path = "/socket.io/?EIO=4&transport=polling"
        said = {dash.raw(path)[0] for _ in range(450)}
        assert said == {200, 503}


def test_what_is_open_ends_with_the_session(tmp_path):
    """After a log-out neither an event stream nor a socket tells any more of alerts."""
    with Dash(*ANY, "--users", users(tmp_path, "viewer"), output=subprocess.DEVNULL) as dash:
        cookie = logged_in(dash)
        address = f"{dash.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket"
        with (
            Events(dash, headers=cookie) as stream,
            connect(address, additional_headers=cookie, proxy=None) as wire,
        ):
            wire.recv(10)
            wire.send("40")
            assert wire.recv(10).startswith("40")
            dash.feed(numbered(1))
            assert next(iter(stream))["event"] == "alert"
            assert "alert" in wire.recv(10)
            dash.ask("/api/v1/logout", "POST", {}, cookie)
            dash.feed(numbered(2))
            assert next(iter(stream), None) is None
            assert "alert" not in until_closed(wire)


def test_page_that_does_not_leave_is_told_nothing_more(tmp_path):
    """A page whose session has ended gets no alerts, also where it ignores that it is to leave."""
    with Dash(*ANY, "--users", users(tmp_path, "viewer"), output=subprocess.DEVNULL) as dash:
        cookie = logged_in(dash)
        page = dash.raw("/", headers=cookie)[2].decode()
        client = re.search(r"'client_id': '([0-9a-f-]{36})'", page)[1]
        address = f"{dash.url.replace('http', 'ws')}/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
        with connect(address, additional_headers=cookie, proxy=None) as wire:
            wire.recv(10)
            wire.send("40")
            wire.recv(10)
            hello = {"client_id": client, "tab_id": "1", "document_id": "2", "next_message_id": 0}
            wire.send(f'420["handshake",{orjson.dumps(hello).decode()}]')
            dash.feed(numbered(1))
            assert obeyed(wire, client, "number 1", 20)
            dash.ask("/api/v1/logout", "POST", {}, cookie)
            assert not obeyed(wire, client, "number 1", 6)
            dash.feed(numbered(2))
            assert not obeyed(wire, client, "number 2", 6)


def obeyed(wire, client, text, seconds):
    """Answer a page's calls, but for those to leave, until one has a text; return whether one had."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        try:
            said = wire.recv(left)
        except (TimeoutError, ConnectionClosed):
            return False
        if said == "2":
            wire.send("3")
        for asked in re.findall(r'"request_id":"([^"]+)"', said if "txdash.leave" not in said else ""):
            answer = {"request_id": asked, "client_id": client, "result": 1}
            wire.send(f'42["javascript_response",{orjson.dumps(answer).decode()}]')
        if text in said:
            return True
    return False


def test_silent_connections_keep_nobody_out():
    """Six hundred connections that ask for nothing are closed before long; the others are answered."""
    with Dash(*ANY, output=subprocess.DEVNULL) as dash, contextlib.ExitStack() as open_:
        host, port = dash.url.removeprefix("http://").rsplit(":", 1)
        for _ in range(600):
            open_.enter_context(socket.create_connection((host, int(port))))
        deadline = time.monotonic() + 10
        while (status := dash.raw("/api/v1/live")[0]) == 503:
            assert time.monotonic() < deadline
        assert status == 200


def test_request_that_never_ends_is_ended():
    """A head or a body that comes a byte a second is not waited for."""
    with Dash(*ANY, output=subprocess.DEVNULL) as dash:
        host, port = dash.url.removeprefix("http://").rsplit(":", 1)
        body = b"POST /api/v1/address HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        with (
            socket.create_connection((host, int(port)), 60) as head,
            socket.create_connection((host, int(port)), 60) as rest,
        ):
            head.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-")
            rest.sendall(body + b"Content-Length: 9\r\n\r\n{")
            assert (head.recv(1), rest.recv(1)) == (b"", b"")


def test_heads_without_an_end_fill_no_memory():
    """A head of many megabytes, in one header or in millions, is refused before it takes memory."""
    with Dash(*ANY, env=TOKENS, output=subprocess.DEVNULL) as dash:
        host, port = dash.url.removeprefix("http://").rsplit(":", 1)
        dash.raw("/api/v1/live")
        before = resident(dash.child())
        for more in (b"a" * 600_000, b"a: b\r\n" * 100_000):
            with socket.create_connection((host, int(port)), 30) as wire, contextlib.suppress(OSError):
                wire.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
                for _ in range(30):
                    wire.sendall(more)
        assert dash.raw("/api/v1/live")[0] == 200
        assert resident(dash.child()) - before < 20e6


@pytest.mark.parametrize(
    "head",
    [
        b"Host: evil.example\r\nHost: localhost",
        b"Host: localhost\r\nHost: evil.example",
        b"Host: evil.example@localhost",
        b"Host: localhost#evil.example",
        b"Host: localhost/evil.example",
        b"X-Forwarded-Host: localhost",
        b"Host:",
    ],
)
def test_hosts_that_mean_two_things_are_refused(head):
    """What a proxy may read as another name than we do is no name of ours."""
    with Dash(*ANY, output=subprocess.DEVNULL) as dash:
        host, port = dash.url.removeprefix("http://").rsplit(":", 1)
        with socket.create_connection((host, int(port)), 30) as wire:
            wire.sendall(b"GET /api/v1/me HTTP/1.1\r\n%b\r\nConnection: close\r\n\r\n" % head)
            assert wire.recv(12) in {b"HTTP/1.1 400", b"HTTP/1.1 421"}


@pytest.mark.parametrize("kind", ["iframe", "embed", "object", "frame"])
def test_other_sites_frame_nothing(kind):
    """A page of another site opens none of ours in frames of its own, as many as it likes."""
    site = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    with Dash(*ANY, output=subprocess.DEVNULL) as dash:
        assert dash.raw("/", headers=site | {"sec-fetch-dest": "document"})[0] == 200
        assert dash.raw("/", headers=site | {"sec-fetch-dest": kind})[0] == 403
        dash.feed(ALERT)


def test_types_with_long_names_stop_nothing():
    """Types of a megabyte each, unknown ones as all are passed on, do not stand in the way of alerts."""
    with Dash(*ANY, output=subprocess.DEVNULL) as dash:
        for number in range(40):
            dash.write(b'{"type":"%d%b"}\n' % (number, b"x" * 1_000_000))
        dash.feed(numbered(1))
        dash.until("/api/v1/health", lambda found: found["store"]["stored"] == 1, 20)
        assert dash.end()[0] == 0


@pytest.mark.parametrize("by", ["removed", "replaced"])
def test_store_that_is_taken_away_is_opened_again(tmp_path, by):
    """What comes after somebody took the file away is stored in one of its name, and that is said."""
    with Dash("--listen", "off", "--db", "dash.db", output=subprocess.DEVNULL) as dash:
        dash.feed(numbered(1))
        wait_until(lambda: len(stored_lines("dash.db")) == 1)
        if by == "removed":
            for each in tmp_path.glob("dash.db*"):
                each.unlink()
        else:
            (tmp_path / "empty").touch()
            (tmp_path / "empty").rename("dash.db")
            for each in tmp_path.glob("dash.db-*"):
                each.unlink()
        dash.feed(numbered(2))
        dash.heard("was removed or replaced")
        status, _ = dash.end()
    assert status == 0
    assert stored_lines("dash.db") == [line(numbered(2)).rstrip(b"\n")]


def test_store_has_one_lock_by_whatever_name(tmp_path):
    """A second txdash that comes to a store by a link is refused as one that comes by its name."""
    (tmp_path / "link.db").symlink_to("dash.db")
    with Dash("--listen", "off", "--db", "dash.db", output=subprocess.DEVNULL) as dash:
        dash.feed(numbered(1))
        wait_until(lambda: len(stored_lines("dash.db")) == 1)
        with Dash("--listen", "off", "--db", "link.db", output=subprocess.DEVNULL) as other:
            status, said = other.end()
        assert (status, "is used by another txdash" in said) == (2, True)


@pytest.mark.skipif(postgres_kit.BIN is None, reason="needs PostgreSQL (apt-get install postgresql)")
def test_pages_say_that_the_store_is_away():
    """While the database's server is away pages say so, without a traceback, and come again."""
    with postgres_kit.Running() as server:
        env = {"TXDASH_DB": server.database()}
        with Dash("--listen", "127.0.0.1:0", env=env, output=subprocess.DEVNULL) as dash:
            dash.feed(numbered(1))
            dash.until("/api/v1/health", lambda found: found["store"]["stored"] == 1)
            server.stop()
            for path in ("/", f"/alerts/{numbered(1)['id']}"):
                status, headers, body = dash.raw(path)
                assert (status, headers["refresh"], b"connection failed" in body) == (503, "5", True)
            server.start()
            assert dash.raw("/")[0] == 200
            assert "Traceback" not in dash.end()[1]
