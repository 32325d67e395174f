"""txdash behind a real nginx, set up as README has it: who logs in, and what is live."""

import contextlib
import http.client
import re
import select
import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path

import orjson
import pytest
from websockets.sync.client import connect

from dash_kit import Dash
from examples import ALERT
from readme import blocks

pytestmark = pytest.mark.nginx
README = (Path(__file__).resolve().parent.parent.parent / "README.md").read_text(encoding="utf-8")
TOKEN = "an-analyst-token-for-tests"  # noqa: S105 - of the tests' own
JSON = {"content-type": "application/json"}
LOGIN = "/api/v1/login"
NAME = "soc.example"
_AROUND = """
pid {here}/pid; daemon off; error_log {here}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {here}/body; proxy_temp_path {here}/proxy; fastcgi_temp_path {here}/fastcgi;
  uwsgi_temp_path {here}/uwsgi; scgi_temp_path {here}/scgi;
{site}
}}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


@pytest.fixture
def dash(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    args = ("--listen", "127.0.0.1:0", "--host", NAME, "--no-stats")
    with Dash(*args, env={"TXDASH_TOKEN": TOKEN}, output=subprocess.DEVNULL) as running:
        yield running


@pytest.fixture
def port(dash, tmp_path):
    """Where README's nginx listens, before the dashboard."""
    request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key -out pem -subj"
    subject = (f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}")
    subprocess.run(["openssl", *request.split(), *subject], capture_output=True, timeout=30, check=True)
    found = free_port()
    (site,) = blocks(README, "nginx")
    site = re.sub(r"listen 443\b", f"listen 127.0.0.1:{found}", site)
    site = re.sub(
        r"(ssl_certificate(_key)?) \S+;",
        lambda match: f"{match[1]} {tmp_path}/{'key' if match[2] else 'pem'};",
        site,
    )
    site = site.replace("http://127.0.0.1:8377", dash.url)
    (tmp_path / "conf").write_text(_AROUND.format(here=tmp_path, site=site))
    command = [shutil.which("nginx"), "-e", tmp_path / "error.log", "-c", tmp_path / "conf"]
    with subprocess.Popen(command) as running:
        try:
            deadline = time.monotonic() + 20
            while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
                assert time.monotonic() < deadline, (tmp_path / "error.log").read_text()
                select.select([], [], [], 0.02)
            yield found
        finally:
            running.terminate()


@contextlib.contextmanager
def answer(port, path, method="GET", body=None, **headers):
    """Ask by name and TLS, as a browser does; yield the answer."""
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=trust())
    with contextlib.closing(connection):
        connection.request(method, path, body, {"host": f"{NAME}:{port}", **headers})
        yield connection.getresponse()


def asked(port, path, method="GET", body=None, **headers):
    """The answer's status, headers and body."""
    with answer(port, path, method, body, **headers) as found:
        return found.status, found.headers, found.read()


def trust():
    """What a client needs to trust the certificate, which is for the name."""
    context = ssl.create_default_context(cafile="pem")
    context.check_hostname = False
    return context


def test_readme_recipe_for_nginx(dash, port):
    """One logs in by a Secure cookie; events come at once; sockets connect; other sites do not."""
    status, headers, _ = asked(port, "/", accept="text/html")
    assert (status, headers["location"]) == (303, "/login")
    own = f"https://{NAME}:{port}"
    said = orjson.dumps({"token": TOKEN})
    assert asked(port, LOGIN, "POST", said, **JSON, origin="https://elsewhere.example")[0] == 403
    status, headers, _ = asked(port, LOGIN, "POST", said, **JSON, origin=own)
    assert status == 200
    assert headers["set-cookie"].endswith("; Secure")
    cookie = headers["set-cookie"].split(";")[0]
    assert b"<title>Alerts" in asked(port, "/", cookie=cookie)[2]
    wire = connect(
        f"wss://{NAME}:{port}/socket.io/?EIO=4&transport=websocket",
        sock=socket.create_connection(("127.0.0.1", port)),
        ssl=trust(),
        origin=own,
        additional_headers={"cookie": cookie},
        proxy=None,
    )
    with answer(port, "/api/v1/events", cookie=cookie) as events, wire:
        assert events.readline() == b"retry: 500\n"
        wire.recv(10)
        wire.send("40")
        assert wire.recv(10).startswith("40")
        dash.feed(ALERT)
        while not (told := events.readline()).startswith(b"data"):
            pass
        assert orjson.loads(told.removeprefix(b"data: ")) == ALERT
        assert wire.recv(10).startswith('42["alert",')


def test_tries_are_counted_by_who_comes_not_by_the_proxy(port):
    """Ten wrong tokens slow the one who tried; what a client says of its own address changes nothing."""
    wrong = orjson.dumps({"token": "guess"})
    told = [{"x-forwarded-for": f"198.51.100.{number}"} for number in range(11)]
    got = [asked(port, LOGIN, "POST", wrong, **JSON, **each)[0] for each in told]
    assert got == [401] * 10 + [429]
