"""JSON-RPC over WebSocket and IPC: word that comes between answers, and all that a node may do instead."""

import contextlib
import http
import json
import socket
import struct
import threading
import time

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve

from txpipe.chains import wire_push
from txpipe.chains.endpoint import NodeBusy, NodeDenied, NodeFailed
from txpipe.chains.nodes import Nodes
from txpipe.chains.rpc import Node, RpcFault


class WebSocket:
    """A server that answers each message with the texts that a function makes of its JSON; None closes."""

    def __init__(self, answers, greet=None):
        self.answers = answers
        self.connections = 0
        self.server = serve(self._talk, "127.0.0.1", 0, process_request=greet, max_size=None)
        self.url = f"ws://127.0.0.1:{self.server.socket.getsockname()[1]}"

    def _talk(self, connection):
        self.connections += 1
        with contextlib.suppress(ConnectionClosed):
            for text in connection:
                for answer in self.answers(json.loads(text)):
                    if answer is None:
                        return
                    connection.send(answer)

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()


class Ipc:
    """The same over a Unix socket: what the function makes is sent as it is, newlines and all."""

    def __init__(self, answers, path):
        self.answers = answers
        self.connections = 0
        self.url = str(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.bind(self.url)
        self.socket.listen()
        self.talks = []

    def __enter__(self):
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()
        return self

    def _serve(self):
        while True:
            made, _ = self.socket.accept()
            if self.socket.fileno() < 0 or self.is_over:
                made.close()
                return
            self.connections += 1
            self.talks.append(threading.Thread(target=self._talk, args=(made,)))
            self.talks[-1].start()

    is_over = False

    def _talk(self, made):
        with made, made.makefile("rb") as lines, contextlib.suppress(OSError):
            for line in lines:
                for answer in self.answers(json.loads(line)):
                    if answer is None:
                        return
                    made.sendall(answer.encode() + b"\n")

    def __exit__(self, *_):
        self.is_over = True
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as last:
            last.connect(self.url)
        self.thread.join()
        for talk in self.talks:
            talk.join()
        self.socket.close()


@pytest.fixture(params=["ws", "ipc"])
def served(request, tmp_path):
    """Makes a server and a node that leads to it."""
    with contextlib.ExitStack() as stack:

        def make(answers, **limits):
            kind = WebSocket(answers) if request.param == "ws" else Ipc(answers, tmp_path / "ipc")
            server = stack.enter_context(kind)
            node = Node(server.url, **limits)
            stack.callback(node.close)
            return server, node

        yield make


def result(call, value):
    return json.dumps({"jsonrpc": "2.0", "id": call["id"], "result": value})


def push(value, named="0x1"):
    told = {"subscription": named, "result": value}
    return json.dumps({"jsonrpc": "2.0", "method": "eth_subscription", "params": told})


def test_word_between_answers(served):
    """What a subscription sends is kept by kind; what is around it is the answer."""

    def answers(call):
        if call["method"] == "eth_subscribe":
            return [result(call, {"newHeads": "0x1", "other": "0x2"}[call["params"][0]])]
        return [push("a"), push("x", "0x2"), push("nobody's", "0x3"), result(call, 7), push("b")]

    _, node = served(answers)
    node.subscribe("newHeads")
    node.subscribe("other")
    assert node.call("m") == 7
    deadline = time.monotonic() + 10
    heads = []
    while heads != ["a", "b"] and time.monotonic() < deadline:
        heads += node.news("newHeads")
    assert heads == ["a", "b"]
    assert node.news("other") == ["x"]
    assert node.news("newHeads") == node.news("other") == node.news("never heard of") == []


def test_flood(served, monkeypatch):
    """A node that sends more between two looks than anybody would is given up, and so is one without end."""
    monkeypatch.setattr(wire_push, "NEWS_BYTES", 10_000)

    def answers(call):
        return [*([push("a" * 500)] * 40 if call["method"] == "m" else []), result(call, "0x1")]

    _, node = served(answers)
    node.subscribe("newHeads")
    with pytest.raises(NodeFailed, match="it sends more than can be read"):
        node.call("m")
    node.subscribe("newHeads")
    monkeypatch.setattr(wire_push, "DRAIN_S", -1.0)
    monkeypatch.setattr(node._push, "_receive", lambda _seconds: push("b").encode())
    with pytest.raises(NodeFailed, match="it sends more than can be read"):
        node.news("newHeads")


def test_wait_for_word(served):
    """Waiting ends with word; whether it is of the kind asked for is told."""

    def answers(call):
        if call["method"] == "eth_subscribe":
            return [result(call, f"0x{call['params'][0]}")]
        return [result(call, 1), push("x", f"0x{call['method']}")]

    _, node = served(answers)
    node.subscribe("heads")
    node.subscribe("txs")
    node.call("txs")
    assert node.wait(10, "heads") is False
    assert node.news("txs") == ["x"]
    node.call("heads")
    assert node.wait(10, "heads") is True
    assert node.wait(10, "heads") is True
    assert node.news("heads") == ["x"]
    start = time.monotonic()
    assert node.wait(0.05, "heads") is False
    assert time.monotonic() - start >= 0.05


def test_batches(served):
    """A batch is answered by a list, in any order; where a node refuses it, its halves are asked."""
    sizes = []

    def answers(told):
        calls = told if isinstance(told, list) else [told]
        sizes.append(len(calls))
        if len(calls) > 2:
            return [json.dumps({"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "batch"}})]
        found = [{"jsonrpc": "2.0", "id": call["id"], "result": call["params"][0]} for call in calls[::-1]]
        return [push(1), json.dumps(found if isinstance(told, list) else found[0])]

    _, node = served(answers)
    assert node.calls([("m", [number]) for number in range(5)]) == [0, 1, 2, 3, 4]
    assert sizes == [5, 2, 2, 1]


ODD = {
    "no JSON": ("its answer is no JSON", ["{"]),
    "no UTF-8 text": ("its answer is no JSON", ['"\\ud800"']),
    "no JSON-RPC": ("its answer is no JSON-RPC", ["[]"]),
    "closed": ("the connection broke", [None]),
    "nothing": ("no answer in time", []),
    "too large": ("an answer of over 1,000 bytes", ["[" + "1," * 1000 + "1]"]),
    "only word": ("no answer in time", [push(number) for number in range(500)]),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_answers(served, name):
    """Whatever comes instead of an answer is said; what may still come of it meets a closed connection."""
    reason, texts = ODD[name]
    is_odd = True

    def answers(call):
        return texts if is_odd else [result(call, "well")]

    server, node = served(answers, timeout_s=0.3, max_answer=1000)
    with pytest.raises(NodeFailed, match=reason):
        node.call("m")
    is_odd = False
    assert node.call("m") == "well"
    assert server.connections == (1 if name == "no JSON-RPC" else 2)


def test_answers_given_twice(served):
    """An answer that names another request is passed over, in a batch as well."""

    def answers(told):
        if isinstance(told, list):
            said = [{"id": one["id"], "result": one["params"][0]} for one in told]
            return [json.dumps(said), json.dumps(said)]
        said = result(told, told["params"][0])
        return [said, said]

    _, node = served(answers)
    assert [node.call("m", number) for number in range(3)] == [0, 1, 2]
    assert node.calls([("m", [3]), ("m", [4])]) == [3, 4]
    assert node.calls([("m", [5]), ("m", [6])]) == [5, 6]
    assert node.call("m", 7) == 7


def test_late_answers_are_nobody_elses(served):
    """An answer that comes too late is not taken for the next request's."""

    def answers(call):
        if call["params"] == [1]:
            time.sleep(0.4)
        return [result(call, call["params"][0])]

    _, node = served(answers, timeout_s=0.2)
    with pytest.raises(NodeFailed, match="no answer in time"):
        node.call("m", 1)
    assert [node.call("m", number) for number in (2, 3)] == [2, 3]


def test_connection_that_was_closed_while_idle(served):
    """It is opened again without a failure, and the node introduces itself anew."""
    closed = threading.Event()

    def answers(call):
        if call["method"] == "bye":
            closed.set()
            return [result(call, 1), None]
        return [result(call, 2)]

    server, node = served(answers)
    introduced = []
    nodes = Nodes([node], time.monotonic, lambda _: None)
    nodes.introduced = lambda one: introduced.append(one.call("who"))
    assert nodes.ask(lambda one: one.call("bye")) == 1
    assert closed.wait(10)
    deadline = time.monotonic() + 10
    while not node.wait(0.1, "heads"):
        assert time.monotonic() < deadline
    assert nodes.ask(lambda one: one.call("m")) == 2
    assert introduced == [2, 2]
    assert server.connections == 2


def test_subscriptions_that_are_refused(served):
    """A refusal is a fault of the request; an id that is none makes the answer useless."""

    def answers(call):
        if call["params"] == ["odd"]:
            return [result(call, {"x": 1})]
        return [json.dumps({"jsonrpc": "2.0", "id": call["id"], "error": {"code": -32601, "message": "no"}})]

    _, node = served(answers)
    with pytest.raises(RpcFault) as caught:
        node.subscribe("newHeads")
    assert caught.value.missing
    with pytest.raises(NodeFailed, match="it names no subscription to odd"):
        node.subscribe("odd")


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (401, NodeDenied, "HTTP 401: it wants another key"),
        (429, NodeBusy, "HTTP 429"),
        (404, NodeFailed, "HTTP 404$"),
    ],
)
def test_handshakes_that_fail(status, kind, reason, capfd):
    """The node's name is said, and neither key nor user; nothing is written behind the command's back."""

    def greet(connection, _request):
        return connection.respond(http.HTTPStatus(status), "no s3cret")

    with WebSocket(lambda _: [], greet) as server:
        node = Node(server.url.replace("//", "//user:s3cretpass@") + "/v3/s3cretkey")
        with pytest.raises(kind, match=reason) as caught:
            node.call("m")
        assert str(caught.value).startswith(server.url + ": ")
    assert "s3cret" not in str(caught.value)
    assert capfd.readouterr().err == ""


def test_basic_authentication():
    """A user and password in the URL are sent, and the path and query that hold a key."""
    asked = []

    def greet(_connection, request):
        asked.append((request.path, request.headers.get("Authorization")))

    with WebSocket(lambda call: [result(call, 1)], greet) as server:
        node = Node(server.url.replace("//", "//us%40er:pa%3Ass@") + "/v3/key?token=x")
        assert node.call("m") == 1
        node.close()
    assert asked == [("/v3/key?token=x", "Basic dXNAZXI6cGE6c3M=")]


def test_nobody_there(tmp_path):
    """What cannot be reached is said in plain words."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        with pytest.raises(NodeFailed, match="no connection"):
            Node(f"ws://127.0.0.1:{probe.getsockname()[1]}").call("m")
    with pytest.raises(NodeFailed, match="no such socket"):
        Node(str(tmp_path / "nothing")).call("m")
    (tmp_path / "file").write_text("")
    with pytest.raises(NodeFailed, match="no connection"):
        Node(f"ipc:{tmp_path / 'file'}").call("m")
    with pytest.raises(NodeFailed, match="no connection"):
        Node("/" + "x" * 300).call("m")


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 101", b"HTTP/1.1 101 Odd\r\n\r\n", b"\0" * 99])
@pytest.mark.parametrize("is_reset", [True, False])
def test_handshakes_that_break(said, is_reset):
    """A server that goes away during the handshake, at whatever moment, is a node that fails."""
    linger = struct.pack("ii", is_reset, 0)

    def serve_breaks(listening):
        for number in range(40):
            made, _ = listening.accept()
            with made, contextlib.suppress(OSError):
                if number % 2:
                    made.recv(10)
                made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                made.sendall(said)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        node = Node(f"ws://127.0.0.1:{listening.getsockname()[1]}")
        thread = threading.Thread(target=serve_breaks, args=(listening,))
        thread.start()
        for _ in range(40):
            with pytest.raises(NodeFailed, match=r"connection|WebSocket|HTTP"):
                node.call("m")
        thread.join()


def test_ipc_message_in_pieces(tmp_path):
    """A message that comes byte by byte is one message; one that never ends is given up."""
    path = tmp_path / "ipc"
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(str(path))
    listening.listen()
    node = Node(str(path), timeout_s=5, answer_s=0.5)

    def serve_pieces():
        made, _ = listening.accept()
        with made:
            call = json.loads(made.recv(1 << 16))
            for byte in (result(call, 1) + "\n").encode():
                made.sendall(bytes([byte]))
                time.sleep(0.001)
            made.recv(1 << 16)
            with contextlib.suppress(OSError):
                for _ in range(100):
                    made.sendall(b"[1,")
                    time.sleep(0.02)

    thread = threading.Thread(target=serve_pieces)
    thread.start()
    with listening:
        assert node.call("m") == 1
        with pytest.raises(NodeFailed, match=r"no whole answer within 0\.5 s"):
            node.call("m")
        node.close()
    thread.join()


def test_tls_where_there_is_none():
    """It is said in the same words as over HTTPS."""
    with (
        WebSocket(lambda _asked: []) as server,
        contextlib.closing(Node(server.url.replace("ws:", "wss:"))) as node,
        pytest.raises(NodeFailed, match="does not speak TLS"),
    ):
        node.call("m")
