"""HTTP servers for tests, and a proxy that changes a real node's answers: the nodes that users have."""

import json
import sys
import threading
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Say nothing of clients that were killed."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(*_)


class Server:
    """Answers every POST; ``with`` starts it and takes it down.

    Args:
        answer: Takes the body as bytes; returns bytes, or (status, headers, bytes).

    Attributes:
        asked_for: Path and authorization of every request.
    """

    def __init__(self, answer):
        self.answer = answer
        self.asked_for = []

    def __enter__(self):
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                server.asked_for.append((self.path, self.headers.get("authorization")))
                said = server.answer(self.rfile.read(int(self.headers["content-length"])))
                status, headers, text = said if isinstance(said, tuple) else (200, {}, said)
                self.send_response(status)
                for key, value in {"content-length": str(len(text)), **headers}.items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(text)
                self.close_connection |= int(headers.get("content-length", 0)) > len(text)

            def log_message(self, *_):
                pass

        self.handler = Handler
        self._server = _Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


class Proxy(Server):
    """Passes JSON-RPC on to a node.

    Args:
        port: Of the node.
        change: Takes a method, its parameters and the node's answer (a dict with result or error), and
            returns the answer to give; or a Refusal.

    Attributes:
        asked: Every method asked for, in order.
    """

    def __init__(self, port, change=lambda _method, _params, answer: answer):
        super().__init__(self.passed_on)
        self.port = port
        self.change = change
        self.asked = []

    def passed_on(self, body):
        """The node's answer to a body, changed."""
        calls = json.loads(body)
        several = isinstance(calls, list)
        try:
            answers = json.loads(self.node_says(body))
        except (OSError, HTTPException):  # it is down
            return 502, {}, b"no node behind"
        changed = []
        for call, answer in zip(*((calls, answers) if several else ([calls], [answers])), strict=True):
            self.asked.append(call["method"])
            said = self.change(call["method"], call["params"], answer)
            if isinstance(said, Refusal):
                return said.status, said.headers, said.body
            changed.append({"jsonrpc": "2.0", "id": call["id"], **said})
        return json.dumps(changed if several else changed[0]).encode()

    def node_says(self, body):
        """The node's own answer to a body."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("POST", "/", body, {"content-type": "application/json"})
            return connection.getresponse().read()
        finally:
            connection.close()


class Refusal:
    """An answer that is no JSON-RPC."""

    def __init__(self, status, body=b"", **headers):
        self.status = status
        self.body = body
        self.headers = {key.replace("_", "-"): value for key, value in headers.items()}


MISSING = {"error": {"code": -32601, "message": "the method does not exist/is not available"}}
"""What a node answers to a method that it does not know."""
