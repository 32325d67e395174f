"""JSON-RPC over HTTP, by urllib3 where a URL names a user: answers in order or not, in time or not."""

import gzip
import json
import subprocess
import sys
import threading
import time
from contextlib import nullcontext, suppress

import pytest

from proxy_kit import Server
from txpipe.chains.endpoint import (
    MAX_ANSWER,
    MAX_VALUES,
    Endpoint,
    Limits,
    NodeBusy,
    NodeDenied,
    NodeFailed,
    TooLarge,
)
from txpipe.chains.nodes import Blind, NodeRefused, Nodes
from txpipe.chains.rpc import Node, RpcFault
from txpipe.errors import UsageFault


class Json(Server):
    """Answers with what a function makes of the request's JSON; keeps every body."""

    def __init__(self, answer):
        super().__init__(self.read)
        self.bodies = []
        self.said = answer

    def read(self, body):
        self.bodies.append(json.loads(body))
        return self.said(self.bodies[-1])


@pytest.fixture
def node():
    """Makes nodes, and closes their connections at the end."""
    made = []

    def make(url, **options):
        made.append(Node(url, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def result(call, value):
    return {"jsonrpc": "2.0", "id": call["id"], "result": value}


def test_batch_in_any_order(node):
    """Answers are told apart by id; an error stands for its own request alone."""

    def answer(calls):
        answers = [result(call, call["params"][0]) for call in calls]
        answers[1] = {"jsonrpc": "2.0", "id": calls[1]["id"], "error": {"code": -32601, "message": "no"}}
        return json.dumps(answers[::-1]).encode()

    with Json(answer) as server:
        one, two, three = node(server.url).calls([("m", [1]), ("m", [2]), ("m", [3])])
    assert (one, three) == (1, 3)
    assert isinstance(two, RpcFault)
    assert two.missing


def test_batches_get_smaller(node):
    """A node that refuses a batch is asked for half as many, down to one."""

    def answer(body):
        if isinstance(body, list) and len(body) > 3:
            return 413, {}, b"too much"
        several = body if isinstance(body, list) else [body]
        answers = [result(call, call["params"][0]) for call in several]
        return json.dumps(answers if isinstance(body, list) else answers[0]).encode()

    with Json(answer) as server:
        assert node(server.url).calls([("m", [number]) for number in range(10)]) == list(range(10))
        assert [len(body) for body in server.bodies] == [10, 5, 2, 2, 2, 2, 2]


@pytest.mark.parametrize(
    ("said", "kind", "reason"),
    [
        (b"<html>", NodeFailed, "its answer is no JSON"),
        (b"[]", NodeFailed, "is this the URL of a node"),
        (b'{"a":1}', NodeFailed, "is this the URL of a node"),
        ((500, {}, b"oops"), NodeFailed, "HTTP 500"),
        ((401, {}, b""), NodeDenied, "HTTP 401: it wants another key"),
        ((302, {"location": "http://127.0.0.1:1/elsewhere"}, b""), NodeFailed, "HTTP 302"),
        ((429, {"retry-after": "7"}, b""), NodeBusy, "HTTP 429"),
        (b'{"id":1,"error":{"code":-32005,"message":"limit exceeded"}}', NodeBusy, "limit exceeded"),
        (b'{"id":1,"error":{"code":-32000,"message":"Too Many Requests"}}', NodeBusy, "Too Many"),
        (b'{"id":1,"error":{"code":-8,"message":"out of range"}}', RpcFault, "out of range"),
        (b'{"id":1,"error":"odd"}', RpcFault, "odd"),
        ((500, {}, b'{"id":1,"error":{"code":-8,"message":"as Core says it"}}'), RpcFault, "as Core says it"),
        (
            (200, {}, b'{"id":1,"result":"' + b"x" * 5_000 + b'"}'),
            TooLarge,
            "an answer of over 4,000 bytes",
        ),
        ((200, {"content-encoding": "gzip"}, gzip.compress(b" " * 10**6)), TooLarge, "over 4,000 bytes"),
        ((200, {"content-encoding": "gzip"}, b"no gzip"), NodeFailed, "the connection broke"),
        ((200, {"content-length": "100"}, b"{}"), NodeFailed, "the connection broke"),
    ],
)
@pytest.mark.parametrize("user", ["", "user:word@"])
def test_answers_that_cannot_be_used(node, said, kind, reason, user):
    """Each has its reason, the node's name, and nothing of the URL behind it."""
    with Json(lambda _: said) as server:
        one = node(f"{server.url.replace('//', f'//{user}')}/v3/averysecretkey", max_answer=4_000)
        with pytest.raises(kind, match=reason) as caught:
            one.call("m")
        assert type(caught.value) is kind
        assert str(caught.value).startswith(server.url)
        assert "secret" not in str(caught.value)
        assert caught.value.wait_s == (7 if "429" in reason else 0)


def test_answers_too_large_for_a_batch(node):
    """Fewer are asked for at once where all answers together would be over the limit."""
    with Json(lambda body: json.dumps([result(one, "x" * 900) for one in body]).encode()) as server:
        found = node(server.url, max_answer=4_000).calls([("m", [number]) for number in range(8)])
    assert [len(one) for one in found] == [900] * 8
    assert [len(body) for body in server.bodies] == [8, 4, 4]


def test_small_batches_grow_again(node):
    """A few passing errors do not make it slow for good."""
    fail = [True]

    def answer(body):
        if isinstance(body, list) and fail[0]:
            return b'{"id":null,"error":{"code":-32000,"message":"server error"}}'
        several = body if isinstance(body, list) else [body]
        answers = [result(call, 1) for call in several]
        return json.dumps(answers if isinstance(body, list) else answers[0]).encode()

    with Json(answer) as server:
        one = node(server.url)
        one.calls([("m", [])] * 8)
        fail[0] = False
        for _ in range(32 * 3):
            one.calls([("m", [])] * 8)
        server.bodies.clear()
        one.calls([("m", [])] * 8)
        assert [len(body) for body in server.bodies] == [8]


@pytest.mark.parametrize(
    "said",
    [
        b"5",
        b"1e30",
        b'[{"id":[1],"result":1},{"id":{},"result":1}]',
        b'[{"id":1,"error":{"code":[],"message":{}}},{"id":2,"error":{"code":{}}}]',
        b'[{"id":1,"error":{"message":' + b"[" * 1_010 + b"]" * 1_010 + b"}}]",
        b"[null,null]",
        b"[[],[]]",
    ],
)
def test_odd_batches(node, said):
    """Whatever a node answers to a batch, it is a failure of the node or an error of a request."""
    with Json(lambda body: said if isinstance(body, list) else b'{"id":1,"result":"x"}') as server:
        one = node(server.url)
        try:
            answers = one.calls([("m", []), ("m", [])])
        except NodeFailed:
            return
        assert all(answer == "x" or isinstance(answer, RpcFault) for answer in answers)


@pytest.mark.parametrize("user", ["", "user:word@"])
def test_answer_that_drips(node, user):
    """However steadily it comes, an answer has its time."""

    with Json(lambda _: b"{}") as server:

        def drip(self):
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b" ")
                    time.sleep(0.02)
            except OSError:
                pass

        server.handler.do_POST = drip
        with pytest.raises(NodeFailed, match=r"no whole answer within 0\.3 s"):
            node(server.url.replace("//", f"//{user}"), answer_s=0.3).call("m")


def test_short_secrets_and_odd_users(node):
    """Passwords and keys of a few characters, and the header made of them, are not repeated either."""

    def answer(_body):
        return json.dumps({"id": 1, "error": {"code": -1, "message": said}}).encode()

    said = "Basic Ym9iOmh1bnRlcjI= is bob:hunter2 with key abc1234 of /k/abc1234"
    with Json(answer) as server:
        one = node(server.url.replace("//", "//bob:hunter2@") + "/k/abc1234?key=abc1234")
        with pytest.raises(RpcFault) as caught:
            one.call("m")
        odd = node(server.url.replace("//", "//user:pa%E2%82%ACss@"))
        with pytest.raises(RpcFault):
            odd.call("m")
    assert not any(part in str(caught.value) for part in ("Ym9i", "hunter2", "abc1234"))


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("'s3cretKEYthatIsLong…' is no number", "'……' is no number"),
        ("S3CRETKEYTHATISLONGER and s3cretkey", "… and …"),
        ("\u0130\u0130 s3cretKEYthatIsLonger \u0130", "\u0130\u0130 … \u0130"),
        ("s3cret is none", "s3cret is none"),
    ],
)
def test_secrets_in_capitals_or_cut_short(said, shown):
    """A key is not shown either where a node changes its letters, or where only its beginning is left."""
    assert Endpoint("http://node", "/s3cretKEYthatIsLonger").tamed(said) == shown


@pytest.mark.parametrize("user", ["", "user:word@"])
def test_no_answer_in_time(node, user):
    """A node that takes too long has failed."""
    wait = threading.Event()
    with Json(lambda _: b"{}" if wait.wait(20) else b"") as server:
        with pytest.raises(NodeFailed, match="no answer in time"):
            node(server.url.replace("//", f"//{user}"), timeout_s=0.1).call("m")
        wait.set()


@pytest.mark.parametrize("url", ["", "node", "ftp://x/key", "http://", "http://[::1", "ws://x:y/secret"])
def test_no_url(url):
    """What is no URL of a node is refused without being shown."""
    with pytest.raises(UsageFault, match="--rpc: ") as caught:
        Node(url)
    assert "secret" not in str(caught.value)


class Told:
    """A node whose answers are told beforehand; an exception is raised."""

    opened = 0

    def __init__(self, name, *answers):
        self.name = name
        self.answers = list(answers)

    def answer(self):
        said = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(said, Exception):
            raise said
        return said


def nodes(clock, *told, said=None):
    return Nodes(told, lambda: clock[0], (said if said is not None else []).append, lambda: 1.0)


def test_next_node_when_one_fails():
    """It stays with the one that works, and comes to the other once that fails, too."""
    clock = [0.0]
    one = Told("one", NodeFailed("one: down"), "from one")
    two = Told("two", "from two", "from two", NodeFailed("two: down"))
    both = nodes(clock, one, two)
    assert [both.ask(Told.answer) for _ in range(2)] == ["from two", "from two"]
    clock[0] = 1.0
    assert both.ask(Told.answer) == "from one"


def test_blind_says_why_and_how_long():
    """All failed: their reasons, and the seconds until one is asked again; longer each time."""
    clock = [0.0]
    both = nodes(clock, Told("one", NodeFailed("one: down")), Told("two", NodeBusy("two: limit", 40.0)))
    with pytest.raises(Blind, match="one: down; two: limit") as caught:
        both.ask(Told.answer)
    assert caught.value.wait_s == 0.5
    waits = []
    for _ in range(8):
        clock[0] += 100
        with pytest.raises(Blind) as caught:
            both.ask(Told.answer)
        waits.append(caught.value.wait_s)
    assert waits == [1, 2, 4, 8, 16, 30, 30, 30]


def test_long_rests_are_not_believed():
    """A node that asks for a day is asked again after a minute; one that makes no sense rests, too."""
    clock = [0.0]
    one = nodes(clock, Told("one", NodeBusy("one: limit", 86_400.0)))
    with pytest.raises(Blind) as caught:
        one.ask(Told.answer)
    assert caught.value.wait_s == 60
    two = nodes(clock, Told("two", KeyError("number"), "sense"), Told("three", "from three"))
    assert two.ask(Told.answer) == "from three"
    with pytest.raises(Blind, match="four: its answer makes no sense"):
        nodes(clock, Told("four", TypeError())).ask(Told.answer)


def test_a_key_that_is_refused():
    """Three times in a row: not asked any more, which is said; where no other is left, that is the end."""
    said, clock = [], [0.0]
    denied = NodeDenied("one: HTTP 401")
    both = nodes(clock, Told("one", denied), Told("two", NodeFailed("two: down"), "from two"), said=said)
    for _ in range(4):
        with suppress(Blind):
            both.ask(Told.answer)
        both.prefer(0)
        clock[0] += 100
    assert said == ["one: HTTP 401 (3 times in a row): not asked any more"]
    assert both.ask(Told.answer) == "from two"
    alone = nodes(clock, Told("one", denied, denied, "once more", denied))
    for expected in (Blind, Blind, None, Blind, Blind, NodeRefused):
        with pytest.raises(expected) if expected else nullcontext():
            alone.ask(Told.answer)
        clock[0] += 100


def test_node_of_another_chain_is_never_asked_again():
    """It is named once; where no other is left, that is the end."""
    said = []
    both = nodes([0.0], Told("one", "never"), Told("two", "from two"), said=said)

    def introduced(node):
        if node.name == "one":
            raise NodeRefused("one is of eip155:5")

    both.introduced = introduced
    assert both.ask(Told.answer) == "from two"
    assert said == ["one is of eip155:5: not asked any more"]
    assert len(both) == 1
    alone = nodes([0.0], Told("one", "never"))
    alone.introduced = introduced
    with pytest.raises(NodeRefused):
        alone.ask(Told.answer)


def test_each_and_prefer():
    """Every node that answers is heard; the preferred one is asked from then on."""
    both = nodes([0.0], Told("one", 5), Told("two", NodeFailed("two: down")), Told("three", 9))
    assert both.each(Told.answer) == [(0, 5), (2, 9)]
    both.prefer(2)
    assert both.ask(Told.answer) == 9


def test_each_leaves_a_node_alone_that_kept_the_others_waiting():
    """One that never answers takes a small part of the time, though it is asked for itself all the same."""
    clock = [0.0]

    def answer(node):
        if node.name == "two":
            clock[0] += 30
            waits.append(clock[0])
        return node.answer()

    waits = []
    both = nodes(clock, Told("one", 5), Told("two", NodeFailed("two: no answer in time")))
    while clock[0] < 2_000:
        assert both.each(answer) == [(0, 5)]
        clock[0] += 1
    assert len(waits) <= 4
    both.prefer(1)
    assert both.ask(answer) == 5
    assert waits[-1] > 2_000


MOST_MB = 600

CHILD = """
import pathlib, re, sys
from txpipe.chains.endpoint import Endpoint, Limits, TooLarge
unit, count = sys.argv[1].encode(), int(sys.argv[2])
try:
    kept = Endpoint("node").parsed(b"[" + unit * count + b"0]", Limits())
except TooLarge:
    print("refused")
# Not getrusage: of a new process that begins with what its parent had when it was made.
print(int(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]) // 1024)
"""


@pytest.mark.parametrize("unit", ["[],", "[[]],", '{"":{}},', '"ab",', "1.5,"])
def test_memory_of_an_answer_is_bounded(unit):
    """Small values by the million: what would take gigabytes is refused, what is not takes little enough."""
    a_unit = sum(map(unit.count, ",[{"))
    for size, refused in ((MAX_VALUES // a_unit - 2, []), (MAX_ANSWER // len(unit) - 2, ["refused"])):
        done = subprocess.run(
            [sys.executable, "-c", CHILD, unit, str(size)], capture_output=True, check=True, timeout=60
        )
        *said, peak_mb = done.stdout.decode().split()
        assert said == refused
        assert int(peak_mb) < MOST_MB


def test_values_of_an_answer_are_counted():
    """Beside the bytes; it is said as an answer that is too large, so that fewer are asked for at once."""
    text = b"[" + b"0," * 50 + b"0]"
    limits = Limits(max_values=50)
    with pytest.raises(TooLarge, match="node: an answer of over 50 values"):
        Endpoint("node").parsed(text, limits)
    assert Endpoint("node").parsed(text, Limits(max_values=52)) == [0] * 51
