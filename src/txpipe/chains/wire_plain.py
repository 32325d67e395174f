"""HTTP/1.1 without TLS (RFC 9112), straight over a socket: it is there in a tenth of urllib3's start.

Only what a JSON-RPC client needs: posts, one at a time, over a connection that is kept; bodies with a
length, in chunks, or up to the end of the connection; gzip and deflate. All in time and within a size.
"""

from __future__ import annotations

import re
import select
import socket
import time

from txpipe.chains.endpoint import CONNECT_S, Endpoint, Limits
from txpipe.chains.exact import Text
from txpipe.chains.wire_http import HEADERS, Answer, HttpWire

_CHUNK = 1 << 16
_MOST_HEAD = 1 << 16
_MOST_MEMBERS = 64
"""Parts of a packed body, each packed by itself: what is behind one is copied to look at the next."""

URL = re.compile(
    r"http://(?P<host>[a-z0-9-]+(?:\.[a-z0-9-]+)*)(?P<port>:(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}))?"
    r"(?P<path>(?:/(?!\.)[A-Za-z0-9._~-]*)*)(?:\?(?P<query>[A-Za-z0-9._~=&-]*))?"
)
"""The plain URLs that ``PlainWire`` takes: those that are the same however they are spelled."""

_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: .*)?")
_LENGTH = re.compile(rb"[0-9]{1,12}")
_CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]{1,12})[ \t]*(?:;.*)?")
_Headers = dict[bytes, bytes]


class _Broken(Exception):
    """What comes is no HTTP, or ends too early."""


class PlainWire(HttpWire):
    """An http URL."""

    def __init__(self, parts: re.Match[str], limits: Limits) -> None:
        """Take what ``URL`` found."""
        host, port, path, query = parts.group("host", "port", "path", "query")
        super().__init__(Endpoint(f"http://{host}{port or ''}", path, query), limits)
        self._to = host, int(port[1:]) if port else 80
        target = f"{path or '/'}{'' if query is None else f'?{query}'}"
        named = host if self._to[1] == 80 else f"{host}{port}"
        fields = "".join(f"{key}: {value}\r\n" for key, value in {"host": named, **HEADERS}.items())
        self._head = f"POST {target} HTTP/1.1\r\n{fields}content-length: ".encode()
        self._connection: _Connection | None = None

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _post(self, body: bytes) -> Answer:
        if self._connection is not None and self._connection.is_stale:
            self.close()
        made = self._connection = self._connection or self._opened()
        try:
            made.send(b"%b%d\r\n\r\n%b" % (self._head, len(body), body))
            return self._answer(made)
        except TimeoutError:
            self.close()
            raise self.endpoint.failed("no answer in time") from None
        except (OSError, ValueError, _Broken) as exc:
            self.close()
            raise self.endpoint.failed(f"the connection broke ({type(exc).__name__.strip('_')})") from None
        except BaseException:
            self.close()  # an answer that is left behind would be taken for the next one's
            raise

    def _opened(self) -> _Connection:
        try:
            return _Connection(socket.create_connection(self._to, CONNECT_S), self._limits, self.endpoint)
        except TimeoutError:
            raise self.endpoint.failed(f"no connection within {CONNECT_S:g} s") from None
        except (socket.gaierror, UnicodeError):
            raise self.endpoint.failed("no such host") from None
        except OSError:
            raise self.endpoint.failed("no connection") from None

    def _answer(self, made: _Connection) -> Answer:
        minor, status, headers = made.head()
        while status < 200:
            minor, status, headers = made.head()
        length, coded = headers.get(b"content-length"), headers.get(b"transfer-encoding")
        if status in {204, 304}:
            text: Text = b""
        elif coded is not None:
            if coded.lower() != b"chunked":
                raise _Broken
            text = made.chunks()
        elif length is not None:
            if not _LENGTH.fullmatch(length):
                raise _Broken
            text = made.exactly(int(length))
        else:
            text = made.rest()
        kept = minor == b"1" and b"close" not in headers.get(b"connection", b"").lower()
        if not kept or (coded is None) == (length is None):
            self.close()
        text = self._unpacked(headers.get(b"content-encoding", b"").lower(), text)
        return status, headers.get(b"retry-after", b"").decode("latin-1"), text

    def _unpacked(self, kind: bytes, text: Text) -> Text:
        """Return a body without its content-encoding, as far as it is one that was asked for."""
        if kind not in {b"gzip", b"x-gzip", b"deflate"} or not text:
            return text
        import zlib  # noqa: PLC0415 - few nodes pack

        # Bits of the window: 16 more for gzip; deflate is zlib's format, or, with some servers, none.
        bits = 31 if kind != b"deflate" else 15 if text[0] & 15 == 8 else -15
        unpacked, most, members = b"", self._limits.max_answer, 0
        while text:
            members += 1
            if members > _MOST_MEMBERS:
                raise _Broken
            made = zlib.decompressobj(bits)
            try:
                unpacked += made.decompress(text, most + 1 - len(unpacked))
            except zlib.error as exc:
                raise _Broken from exc
            if len(unpacked) > most:
                raise self.endpoint.overfull(self._limits)
            if not made.eof:
                raise _Broken
            text = made.unused_data
        return unpacked


class _Connection:
    """A connection, and what came over it and was not read yet."""

    def __init__(self, made: socket.socket, limits: Limits, endpoint: Endpoint) -> None:
        made.settimeout(limits.timeout_s)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = made
        self._limits = limits
        self._endpoint = endpoint
        self._held = b""
        self._end = 0.0

    @property
    def is_stale(self) -> bool:
        """Whether it was closed, or something came that nobody asked for."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return bool(self._held or poll.poll(0))

    def close(self) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Send a request, from whose end on the time of the answer counts."""
        self._socket.sendall(data)
        self._end = time.monotonic() + self._limits.answer_s

    def head(self) -> tuple[bytes, int, _Headers]:
        """Read a status line and headers; return the minor version, the status, and the headers."""
        while (cut := self._held.find(b"\r\n\r\n")) < 0:
            if len(self._held) > _MOST_HEAD:
                raise _Broken
            self._held += self._part()
        first, *lines = self._held[:cut].split(b"\r\n")
        self._held = self._held[cut + 4 :]
        status = _STATUS.fullmatch(first)
        if status is None:
            raise _Broken
        headers: _Headers = {}
        for line in lines:
            key, _, value = line.partition(b":")
            key, value = key.lower(), value.strip()
            headers[key] = b"%b, %b" % (headers[key], value) if key in headers else value
        return status[1], int(status[2]), headers

    def exactly(self, length: int) -> Text:
        """Read so many bytes."""
        self._within(length)
        data = bytearray(length)
        at = min(length, len(self._held))
        data[:at], self._held = self._held[:at], self._held[at:]
        with memoryview(data) as view:
            while at < length:
                size = self._socket.recv_into(view[at:])
                self._checked(size)
                at += size
        return data

    def chunks(self) -> bytearray:
        """Read a body in chunks, however small they are, and the trailer behind it."""
        body = bytearray()
        while length := self._chunk_size():
            self._within(len(body) + length)
            body += self.exactly(length)
            if self._line():
                raise _Broken
        trailer = 0
        while line := self._line():
            trailer += len(line)
            if trailer > _MOST_HEAD:
                raise _Broken
        return body

    def rest(self) -> bytes:
        """Read up to the end of the connection."""
        parts, size = [self._held], len(self._held)
        self._held = b""
        self._within(size)
        while part := self._socket.recv(_CHUNK):
            size += len(part)
            self._within(size)
            self._checked(size)
            parts.append(part)
        return b"".join(parts)

    def _chunk_size(self) -> int:
        found = _CHUNK_SIZE.fullmatch(self._line())
        if found is None:
            raise _Broken
        return int(found[1], 16)

    def _line(self) -> bytes:
        while (cut := self._held.find(b"\r\n")) < 0:
            if len(self._held) > _MOST_HEAD:
                raise _Broken
            self._held += self._part()
        line, self._held = self._held[:cut], self._held[cut + 2 :]
        return line

    def _part(self) -> bytes:
        part = self._socket.recv(_CHUNK)
        self._checked(len(part))
        return part

    def _within(self, size: int) -> None:
        if size > self._limits.max_answer:
            raise self._endpoint.overfull(self._limits)

    def _checked(self, size: int) -> None:
        """Take note of what came: nothing is the end of the connection, and all of it has a time."""
        if not size:
            raise _Broken
        if time.monotonic() > self._end:
            raise self._endpoint.failed(self._limits.too_slow)
