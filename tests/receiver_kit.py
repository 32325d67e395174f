"""A web server as receivers of alerts are: it takes, fails, stalls, redirects and lies as it is told."""

import contextlib
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

from examples import ALERT, line
from txpipe.alerts.grouped import GroupedLane
from txpipe.alerts.grouping import Grouping
from txpipe.alerts.lane import Patience, World
from txpipe.alerts.queueing import Taken
from txpipe.alerts.receiver import Parcel

TAKEN = 200


def parcel(number, incident="i", since=0.0, **changes):
    """An alert on its way, known by its number."""
    alert = line(ALERT, id=f"{number:032x}", incident=incident, **changes)[:-1]
    return Parcel(f"{number:032x}:{changes.get('rev', 0)}", alert, since)


class People:
    """A receiver of messages called "a" that notes them, and the clock and chance around it.

    Attributes:
        time: Unix seconds, as the world has it.
        sent: the parcels of each message.
        messages: time, numbers of the alerts and note of each.
        said: what people at the terminal were told.
        fault: raised by every send; None for none.
    """

    name, batch, to_people = "a", 1, True

    def __init__(self):
        self.time = 1_000_000.0
        self.sent, self.messages, self.said = [], [], []
        self.fault = None

    def send(self, parcels):
        if self.fault:
            raise self.fault
        self.sent.append(parcels)
        numbers = [int(one.key[:32], 16) for one in parcels]
        self.messages.append((self.time, numbers, parcels[0].note))

    def close(self):
        pass

    def lane(self, spool, **grouping):
        world = World(self.said.append, lambda: self.time, lambda: 0.0, lambda: self.time)
        return GroupedLane(self, spool, Patience(), world, Grouping(**grouping))

    def take(self, spool, *parcels):
        spool.take([Taken(one.key, one.line, ("a",), one.key[-1] != "0") for one in parcels], self.time)


class Hook:
    """Answers POSTs; use it in a ``with``.

    Attributes:
        url: where it listens.
        got: every request that came whole: method, path, headers (names in lower case), body.
        taken: keys of those that were answered with TAKEN, in order.
        answer: called with each request; returns a status, or (status, headers), or with a body
            behind, or None to break off.
        reply: the body of answers that say none.
    """

    def __init__(self, answer=lambda _: TAKEN):
        self.answer = answer
        self.reply = b""
        self.got = []
        self.taken = []
        self.changed = threading.Condition()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = SimpleNamespace(method=self.command, path=self.path, headers=headers, body=body)
                hook._answered(self, request)

            do_GET = do_POST  # noqa: N815 - its base class finds it by this name
            do_PATCH = do_POST  # noqa: N815

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._server.handle_error = lambda *_: None
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"

    def __enter__(self):
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answered(self, handler, request):
        with self.changed:
            self.got.append(request)
            self.changed.notify_all()
        answer = self.answer(request)
        if answer is None:
            with contextlib.suppress(OSError):
                handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
            return
        status, headers, *body = answer if isinstance(answer, tuple) else (answer, {})
        said = body[0] if body else self.reply
        handler.send_response(status)
        for name, value in {"content-length": str(len(said)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(said)
        handler.wfile.flush()
        if status == TAKEN:
            with self.changed:
                self.taken.append(request.headers.get("idempotency-key"))
                self.changed.notify_all()

    def wait(self, condition, seconds=30):
        """Wait until a condition holds; it is looked at after every request."""
        with self.changed:
            assert self.changed.wait_for(lambda: condition(self), seconds), "it never came to that"


def closed_port():
    """A port of this machine on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(holds, seconds=30):
    """Ask again and again until something holds; return what it gave."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.02)
    return found
