"""HTTP/1.1 as servers speak it, over a socket: answers whole, in pieces, packed, broken; one connection."""

import gzip
import json
import socket
import threading
import tracemalloc
import zlib
from contextlib import suppress

import pytest

from txpipe.chains.endpoint import NodeBusy, NodeFailed, TooLarge
from txpipe.chains.rpc import Node
from txpipe.chains.wire_plain import URL, PlainWire

TEXT = b'{"id":1,"result":"as it was"}'


class Raw:
    """Answers each request with the next of these, byte for byte, in parts as given; None closes.

    Attributes:
        heads: What came before each body.
        opened: Connections that were made.
    """

    def __init__(self, *answers):
        self.answers = list(answers)
        self.heads = []
        self.opened = 0

    def __enter__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listener.close()

    def _serve(self):
        while True:
            try:
                made, _ = self._listener.accept()
            except OSError:
                return
            self.opened += 1
            with made, suppress(OSError):  # a client that has seen enough goes away
                self._answer(made)

    def _answer(self, made):
        held = b""
        while self.answers:
            while b"\r\n\r\n" not in held:
                part = made.recv(65536)
                if not part:
                    return
                held += part
            head, _, held = held.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            while len(held) < length:
                held += made.recv(65536)
            held = held[length:]
            self.heads.append(head.decode())
            for part in self.answers.pop(0):
                if part is None:
                    return
                made.sendall(part)


def answered(*headers, body=TEXT, status="200 OK", length=True):
    lines = [f"HTTP/1.1 {status}", *headers, *([f"Content-Length: {len(body)}"] if length else [])]
    return "\r\n".join([*lines, "", ""]).encode() + body


def chunked(*parts, end=b"0\r\n\r\n"):
    body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    return answered("Transfer-Encoding: chunked", body=body + end, length=False)


def asked(*answers, times=1, **options):
    """What a node says when it is asked so often, and the server."""
    with Raw(*answers) as server:
        node = Node(f"{server.url}/v3/k?a=b", **options)
        assert isinstance(node._wire, PlainWire)
        try:
            said = []
            for _ in range(times):
                node._last = 0
                said.append(node.call("m"))
        finally:
            node.close()
    return said, server


def deflated(data, bits):
    made = zlib.compressobj(wbits=bits)
    return made.compress(data) + made.flush()


IN_CHUNKS = chunked(TEXT[:5], TEXT[5:])
FORMS = {
    "length": [answered()],
    "byte by byte": [answered()[at : at + 1] for at in range(len(answered()))],
    "chunks": [IN_CHUNKS],
    "chunks, byte by byte": [
        chunked(TEXT[:5], TEXT[5:])[at : at + 1] for at in range(len(chunked(TEXT[:5], TEXT[5:])))
    ],
    "chunk extension and trailer": [
        answered(
            "transfer-encoding: Chunked", body=b"1D;a=b \r\n" + TEXT + b"\r\n0\r\nX: y\r\n\r\n", length=False
        )
    ],
    "up to the end": [answered(length=False), None],
    "100 first": [b"HTTP/1.1 100 Continue\r\n\r\n", answered()],
    "HTTP/1.0": [answered().replace(b"HTTP/1.1", b"HTTP/1.0"), None],
    "no reason": [answered(status="200")],
    "gzip": [answered("Content-Encoding: gzip", body=gzip.compress(TEXT))],
    "gzip of two members": [
        answered("Content-Encoding: gzip", body=gzip.compress(TEXT[:9]) + gzip.compress(TEXT[9:]))
    ],
    "deflate": [answered("content-encoding: deflate", body=deflated(TEXT, 15))],
    "deflate without a header": [answered("content-encoding: deflate", body=deflated(TEXT, -15))],
    "gzip in chunks": [chunked(gzip.compress(TEXT)).replace(b"\r\n", b"\r\nContent-Encoding: gzip\r\n", 1)],
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_an_answer(form):
    """However an answer is sent, it is the same, and the next one, too."""
    said, server = asked(FORMS[form], FORMS[form], times=2)
    assert said == ["as it was", "as it was"]
    assert server.opened == (2 if None in FORMS[form] else 1)


def test_what_is_sent():
    """The request names its host, its length and nothing that was not asked for."""
    _, server = asked([answered()])
    first, *headers = server.heads[0].split("\r\n")
    assert first == "POST /v3/k?a=b HTTP/1.1"
    assert {line.partition(":")[0] for line in headers} == {
        "host",
        "accept-encoding",
        "user-agent",
        "content-type",
        "content-length",
    }
    assert f"host: 127.0.0.1:{server.port}" in headers


def test_closed_meanwhile():
    """A connection that the node closed after an answer, said or unsaid, is opened again."""
    with Raw([answered("Connection: close"), None], [answered(), None], [answered()]) as server:
        node = Node(server.url)
        for _ in range(3):
            made = node._wire._connection
            while made is not None and not made.is_stale:
                threading.Event().wait(0.005)
            node._last = 0
            assert node.call("m") == "as it was"
        node.close()
    assert server.opened == 3


@pytest.mark.parametrize(
    "sent",
    [
        [b"HTTP/1.1 200 OK\r\n", None],
        [None],
        [b"no HTTP at all\r\n\r\n"],
        [b"HTTP/2.0 200 OK\r\n\r\n"],
        [b"X: " + b"y" * (1 << 17)],
        [answered()[:-1], None],
        [answered("Content-Length: 5")],
        [answered("Transfer-Encoding: gzip, chunked")],
        [chunked(TEXT, end=b"zz\r\n")],
        [chunked(TEXT, end=b""), None],
        [answered("Content-Encoding: gzip", body=gzip.compress(TEXT)[:-9])],
        [answered("Content-Encoding: deflate", body=b"\xff\xff")],
        [answered("Content-Encoding: gzip", body=gzip.compress(b"") * 200_000 + gzip.compress(TEXT))],
    ],
)
def test_broken_answers(sent):
    """They are the node's failure, and say so; the next question is asked over a new connection."""
    with Raw(sent, [answered()]) as server:
        node = Node(server.url)
        with pytest.raises(NodeFailed, match=r"127\.0\.0\.1:[0-9]+: the connection broke"):
            node.call("m")
        node._last = 0
        assert node.call("m") == "as it was"
        node.close()
    assert server.opened == 2


@pytest.mark.parametrize(
    "sent",
    [
        [answered(body=b" " * 4_001)],
        [chunked(*[b" " * 100] * 41)],
        [answered(body=b" " * 4_001, length=False), None],
        [answered("Content-Encoding: gzip", body=gzip.compress(b" " * 10**6))],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n"],
    ],
)
def test_answers_over_the_size(sent):
    """They are not taken, whatever they are packed in, nor is memory taken for what they promise."""
    with pytest.raises(TooLarge, match="over 4,000 bytes"):
        asked(sent, max_answer=4_000)


def test_memory_of_small_chunks():
    """A body in chunks of a byte takes the memory of a body."""
    body = b"1\r\n \r\n" * 100_000
    with Raw([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", body, None]) as server:
        node = Node(server.url)
        tracemalloc.start()
        try:
            with pytest.raises(NodeFailed):
                node.call("m")
            assert tracemalloc.get_traced_memory()[1] < 3_000_000
        finally:
            tracemalloc.stop()


def test_statuses():
    """A redirect is not followed; a busy node says when to come again."""
    with pytest.raises(NodeFailed, match="HTTP 302"):
        asked([answered("location: http://127.0.0.1:1/", status="302 Found", body=b"")])
    with pytest.raises(NodeFailed, match="HTTP 204"):
        asked([answered(status="204 No Content", length=False, body=b"")])
    with pytest.raises(NodeBusy) as caught:
        asked([answered("Retry-After: 7", status="429 Too Many Requests")])
    assert caught.value.wait_s == 7


def late():
    yield b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
    threading.Event().wait(0.3)


def drip():
    yield b"HTTP/1.1 200 OK\r\n"
    while True:
        threading.Event().wait(0.02)
        yield b"x: y\r\n"


def test_time_of_an_answer():
    """One that does not begin is too late, and so is one that drips, be it the headers."""
    with pytest.raises(NodeFailed, match="no answer in time"):
        asked(late(), timeout_s=0.1)
    with pytest.raises(NodeFailed, match=r"no whole answer within 0\.2 s"):
        asked(drip(), answer_s=0.2)


@pytest.mark.parametrize(
    "url",
    [
        "http://user:word@host/",
        "http://HOST/",
        "http://host:65536/",
        "http://host:0/",
        "http://[::1]:8545/",
        "http://host/../x",
        "http://host/%41",
        "http://host#x",
        "https://host/",
        "ws://host/",
        "http://",
    ],
)
def test_other_urls(url):
    """What is no plain URL is left to urllib3."""
    assert URL.fullmatch(url) is None


def test_no_connection():
    """Where nobody listens, and where there is no such host, that is said."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(NodeFailed, match=rf"^http://127\.0\.0\.1:{port}: no connection$"):
        Node(f"http://127.0.0.1:{port}").call("m")
    with pytest.raises(NodeFailed, match=r"^http://host\.invalid: no such host$"):
        Node("http://host.invalid").call("m")
    with pytest.raises(NodeFailed, match=r": no such host$"):
        Node(f"http://{'x' * 70}/").call("m")


def test_large_answer():
    """Megabytes come whole."""
    text = json.dumps({"id": 1, "result": "x" * (5 << 20)}).encode()
    said, _ = asked([answered(body=text)])
    assert said == ["x" * (5 << 20)]


def test_no_such_host_by_tls():
    """It is said in the same words."""
    node = Node("https://host.invalid/k3y")
    with pytest.raises(NodeFailed, match=r"^https://host\.invalid: no such host$"):
        node.call("m")
