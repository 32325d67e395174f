"""alerts.receivers: webhooks that fail, stall, redirect and lie; files that rotate."""

import base64
import contextlib
import hashlib
import hmac
import json
import os
import resource
import signal
import socket
import ssl
import threading
from types import SimpleNamespace

import pytest

from examples import ALERT, line
from receiver_kit import Hook, closed_port
from txpipe.alerts.receiver import NotTaken, Parcel, ReceiverFault
from txpipe.alerts.receivers import Outfit, exchange, opened
from txpipe.alerts.receivers.webhook import Webhook, secret_of, signature

NOW = 1_760_000_000.0
PARCEL = Parcel(f"{ALERT['id']}:0", line(ALERT)[:-1])


MADE = []


def made(url, secret=None, **limits):
    MADE.append(Webhook(url, secret, lambda: NOW, **limits))
    return MADE[-1]


@pytest.fixture(autouse=True)
def _nothing_stays_open():
    yield
    while MADE:
        MADE.pop()._poster.drop()


def test_posts_the_alert_as_it_is():
    """The body is the alert's bytes; the headers name the delivery and the form."""
    with Hook() as hook:
        made(f"{hook.url}/a?b=c").send([PARCEL])
    (got,) = hook.got
    assert (got.path, got.body) == ("/hook/a?b=c", PARCEL.line)
    assert got.headers["idempotency-key"] == got.headers["webhook-id"] == PARCEL.key
    assert got.headers["content-type"] == "application/json"
    assert "webhook-signature" not in got.headers


def test_signature():
    """Key, timestamp and body are signed with HMAC-SHA256, as Standard Webhooks has it."""
    with Hook() as hook:
        made(hook.url, b"secret").send([PARCEL])
    (got,) = hook.got
    content = f"{PARCEL.key}.{int(NOW)}.".encode() + got.body
    digest = hmac.new(b"secret", content, hashlib.sha256).digest()
    assert got.headers["webhook-timestamp"] == str(int(NOW))
    assert got.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()


def test_signature_of_the_specification():
    """The example of the Standard Webhooks specification comes out."""
    secret = secret_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    found = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body)
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    ("text", "words"), [(" \n", "is empty"), ("whsec_", "is empty"), ("whsec_%", "no base64")]
)
def test_no_secret(text, words):
    """A secret that is none is refused: it would sign with something that anybody knows."""
    with pytest.raises(ReceiverFault, match=words):
        secret_of(text)


def test_user_and_password():
    """A user and password in the URL are sent as basic authentication, and not shown."""
    with Hook() as hook:
        receiver = made(hook.url.replace("http://", "http://me:s%20cret@"))
        receiver.send([PARCEL])
    assert hook.got[0].headers["authorization"] == "Basic " + base64.b64encode(b"me:s cret").decode()
    assert "cret" not in receiver.name


@pytest.mark.parametrize("status", [201, 202, 204])
def test_taken(status):
    """Every status of 200 to 299 says that it was taken."""
    with Hook(lambda _: status) as hook:
        receiver = made(hook.url)
        receiver.send([PARCEL])
        receiver.send([PARCEL])
    assert len(hook.got) == 2


@pytest.mark.parametrize(
    ("answer", "reason", "wait_s", "only_this"),
    [
        (500, "HTTP 500", 0, False),
        (401, "HTTP 401", 0, False),
        (404, "HTTP 404", 0, False),
        ((429, {"retry-after": "17"}), "HTTP 429", 17, False),
        ((503, {"retry-after": "Thu, 09 Oct 2025 08:53:30 GMT"}), "HTTP 503", 10, False),
        ((503, {"retry-after": "whenever"}), "HTTP 503", 0, False),
        (400, "HTTP 400", 0, True),
        (422, "HTTP 422", 0, True),
        (None, "the connection broke", 0, False),
    ],
)
def test_not_taken(answer, reason, wait_s, only_this):
    """Any other answer is a failure; only one that finds fault with the alert is of that alert alone."""
    with Hook(lambda _: answer) as hook, pytest.raises(NotTaken, match=reason) as caught:
        made(hook.url).send([PARCEL])
    assert (caught.value.wait_s, caught.value.only_this) == (wait_s, only_this)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(status):
    """A redirect is a failure: followed, it would be a GET without the alert that looks like a success."""
    with Hook() as hook:
        hook.answer = lambda request: 200 if request.path == "/ok" else (status, {"location": "/ok"})
        with pytest.raises(NotTaken, match=f"HTTP {status}: it redirects"):
            made(hook.url).send([PARCEL])
    assert len(hook.got) == 1


def test_nobody_listens():
    """No connection is a failure in a few words, without the URL."""
    with pytest.raises(NotTaken, match=r"^no connection$"):
        made(f"http://127.0.0.1:{closed_port()}/secret").send([PARCEL])


def test_stalls():
    """A server that says nothing is not waited for."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        receiver = made(f"http://127.0.0.1:{server.getsockname()[1]}/", quiet_s=0.1)
        with pytest.raises(NotTaken, match="no answer in time"):
            receiver.send([PARCEL])


@pytest.mark.parametrize(
    ("endless", "outcome"),
    [
        (b"HTTP/1.1 200 OK\r\nx: ", pytest.raises(NotTaken, match="no answer in time")),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n", contextlib.nullcontext()),
        (b"HTTP/1.1 500 no\r\ncontent-length: 99999\r\n\r\n", pytest.raises(NotTaken, match="HTTP 500")),
    ],
)
def test_drips(endless, outcome):
    """An answer that drips on and on is broken off; the status counts once it is there."""
    ends = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip():
            peer, _ = server.accept()
            with peer:
                peer.sendall(endless)
                while not ends.wait(0.02):
                    try:
                        peer.sendall(b"x")
                    except OSError:
                        break

        thread = threading.Thread(target=drip)
        thread.start()
        receiver = made(f"http://127.0.0.1:{server.getsockname()[1]}/", quiet_s=5, send_s=0.3)
        try:
            with outcome:
                receiver.send([PARCEL])
        finally:
            ends.set()
            thread.join()


@pytest.mark.parametrize(
    "answer",
    [b"", b"garbage\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"SSH-2.0-x\r\n"],
)
def test_lies(answer):
    """What has no status is no receipt."""
    with lying(answer) as url, pytest.raises(NotTaken):
        made(url).send([PARCEL])


@pytest.mark.parametrize(
    "body",
    [
        b"content-length: 100\r\n\r\nabc",
        b"transfer-encoding: chunked\r\n\r\nzz\r\n",
        b"transfer-encoding: chunked\r\n\r\n5\r\nab",
        b"content-length: -7\r\n\r\n\xff\0",
    ],
)
def test_broken_bodies(body):
    """Who says 200 has the alert, whatever the body is: sent again, it would come twice. A 429 is heeded."""
    with lying(b"HTTP/1.1 200 OK\r\n" + body) as url:
        made(url).send([PARCEL])
    with lying(b"HTTP/1.1 429 no\r\nretry-after: 7\r\n" + body) as url, pytest.raises(NotTaken) as caught:
        made(url).send([PARCEL])
    assert (str(caught.value), caught.value.wait_s) == ("HTTP 429", 7)


@contextlib.contextmanager
def lying(answer):
    """Answer one request with some bytes, whole or not, then say no more."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def lie():
            peer, _ = server.accept()
            with peer:
                peer.recv(1 << 16)
                peer.sendall(answer)
                peer.shutdown(socket.SHUT_WR)
                while peer.recv(1 << 16):
                    pass

        thread = threading.Thread(target=lie, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        while MADE:
            MADE.pop()._poster.drop()
        thread.join(10)


@pytest.mark.parametrize("status", [100, 102, 103, 199])
def test_what_is_said_before_the_answer(status):
    """Early hints and the like are no answer: the one behind them counts, and the connection is kept."""
    hint = f"HTTP/1.1 {status} Hint\r\nlink: </a>\r\n\r\n".encode()
    for answer, fault in ((b"200 OK", None), (b"503 No", "HTTP 503")):
        with lying(hint * 3 + b"HTTP/1.1 " + answer + b"\r\ncontent-length: 2\r\n\r\nok") as url:
            receiver = made(url)
            if fault is None:
                receiver.send([PARCEL])
                assert receiver._poster._connection is not None
            else:
                with pytest.raises(NotTaken, match=fault):
                    receiver.send([PARCEL])


def test_idle_connections_are_opened_again():
    """A connection that the server closed while it was idle is no failure."""
    with Hook() as hook:
        receiver = made(hook.url)
        receiver.send([PARCEL])
        receiver._poster._socket.shutdown(socket.SHUT_RDWR)
        receiver.send([PARCEL])
        hook.wait(lambda hook: len(hook.taken) == 2)


def test_certificates_are_verified(monkeypatch):
    """A certificate that nobody vouches for is refused, and so is a server without TLS."""
    with Hook() as hook, pytest.raises(NotTaken, match="it does not speak TLS"):
        made(hook.url.replace("http:", "https:")).send([PARCEL])
    monkeypatch.setattr(exchange.http.client, "HTTPSConnection", lambda *_, **said: SimpleNamespace(**said))
    seen = made("https://localhost/")._poster._opened().context
    assert seen.verify_mode == ssl.CERT_REQUIRED
    assert seen.check_hostname


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https:///x", "it has no host"),
        ("http://h:99999/x", "makes no sense"),
        ("https://[::1/x", "makes no sense"),
        ("https://a..b/x", "makes no sense"),
        ("https://a b/x", "makes no sense"),
        ("syslog:udp://a..b", "makes no sense"),
        ("file:a\0b", "no UTF-8, or U"),
        ("file:a\udcff", "no UTF-8, or U"),
        ("https://h/a b", "as %XX"),
        ("https://h/\u00e9", "as %XX"),
        ("nothing", "a receiver is https://HOST/PATH"),
        ("file:", "write file:PATH"),
        ("file:a?rotate=5", "write file:PATH"),
    ],
)
def test_no_receiver(url, words):
    """What is no receiver is refused with what one looks like; none of its secrets is repeated."""
    with pytest.raises(ReceiverFault, match=words):
        opened(url, Outfit())


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("http://[::1]/x", ("::1", 80)),
        ("https://[::1]/x", ("::1", 443)),
        ("https://[2001:db8::7]:8443/x", ("2001:db8::7", 8443)),
    ],
)
def test_addresses_of_ipv6(url, where):
    """An IPv6 address is one with a port and without."""
    opened = made(url)._poster._opened()
    assert (opened.host, opened.port) == where


def test_file(tmp_path):
    """Alerts are appended, a line each; a line that a killed run left without an end is ended first."""
    path = tmp_path / "out.ndjson"
    path.write_bytes(b'{"type":"al')
    receiver = opened(f"file:{path}", Outfit())
    receiver.send([PARCEL, PARCEL])
    receiver.send([PARCEL])
    assert path.read_bytes() == b'{"type":"al\n' + line(ALERT) * 3
    assert receiver.name == f"file:{path}"


def test_file_rotates(tmp_path):
    """A file that would grow over its size is moved to .1, that to .2; the oldest goes; no line is cut."""
    path = tmp_path / "out.ndjson"
    receiver = opened(f"file:{path}?rotate=1k&keep=2", Outfit())
    for number in range(9):
        receiver.send([Parcel("k", json.dumps({"n": number, "pad": "x" * 400}).encode())])
    files = [tmp_path / name for name in ("out.ndjson.2", "out.ndjson.1", "out.ndjson")]
    kept = [json.loads(row)["n"] for file in files for row in file.read_text().splitlines()]
    assert kept == [4, 5, 6, 7, 8]
    assert not (tmp_path / "out.ndjson.3").exists()


def test_file_that_is_none(tmp_path):
    """A device or a named pipe takes alerts, too."""
    opened("file:/dev/null", Outfit()).send([PARCEL])
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    opened(f"file:{tmp_path}/pipe", Outfit()).send([PARCEL])
    assert os.read(reader, 1 << 16) == line(ALERT)
    os.close(reader)


def test_pipe_that_nobody_reads(tmp_path):
    """What a named pipe is given while nobody reads it would be lost: it waits."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotTaken, match="nobody reads this pipe"):
        opened(f"file:{tmp_path}/pipe", Outfit()).send([PARCEL])


def test_file_on_a_disk_that_fills_up(tmp_path):
    """What was written of a batch before the disk was full is taken back: no half line stays."""
    path = tmp_path / "out.ndjson"
    receiver = opened(f"file:{path}", Outfit())
    receiver.send([PARCEL])
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 100, before[1]))
    try:
        with pytest.raises(NotTaken, match="File too large"):
            receiver.send([PARCEL])
        assert path.read_bytes() == line(ALERT)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    receiver.send([PARCEL])
    assert path.read_bytes() == line(ALERT) * 2


@pytest.mark.parametrize(("path", "words"), [("/dev/full", "No space left"), ("/nowhere/x", "No such file")])
def test_file_that_cannot_be_written(path, words):
    """A full disk or a missing folder is a failure like any other: what is for it waits."""
    with pytest.raises(NotTaken, match=words):
        opened(f"file:{path}", Outfit()).send([PARCEL])
