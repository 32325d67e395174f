"""Syslog (RFC 5424): the alert's JSON as the message, to a local socket, UDP (RFC 5426) or TCP (RFC 6587)."""

from __future__ import annotations

import errno
import os
import re
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

from txpipe.alerts.facts import utc
from txpipe.alerts.intake import reread
from txpipe.alerts.receiver import NotTaken, Parcel, ReceiverFault, origin

LOCAL = "/dev/log"
_FACILITY = 16
"""local0 (RFC 5424, 6.2.1)."""

_LEVELS = {"critical": 2, "high": 3, "medium": 4, "low": 5, "info": 6}
_QUIET_S = 15.0
_PORTS = {"udp": 514, "tcp": 601}


class Syslog:
    """Sends one message an alert. Syslog acknowledges nothing: what the system has taken counts as taken.

    Attributes:
        name: ``syslog:`` and the address.
        batch: alerts that are noted as sent together.
        to_people: no.
    """

    batch = 100
    to_people = False

    def __init__(self, text: str) -> None:
        """Take an address, of what stands behind ``syslog:``: nothing, ``/PATH``, ``udp://…`` or ``tcp://…``.

        Raises:
            ReceiverFault: it says something else.
        """
        self._address: str | tuple[str, int]
        self._kind, _, rest = text.partition("://")
        if rest and self._kind in _PORTS:
            self.name = f"syslog:{origin(text)}"
            parts = urlsplit(text)
            self._address = (parts.hostname or "", parts.port or _PORTS[self._kind])
        elif not text or (text.startswith("/") and not text.startswith("//")):
            self._kind, self._address = "unix", text or LOCAL
            self.name = f"syslog:{self._address}"
        else:
            raise ReceiverFault(
                "syslog: write syslog:, syslog:/PATH, syslog:udp://HOST:514 or syslog:tcp://HOST:601"
            )
        self._socket: socket.socket | None = None

    def send(self, parcels: Sequence[Parcel]) -> None:
        """Send alerts, one message each.

        Raises:
            NotTaken: there is no connection, or a message is too large.
        """
        taken = 0
        try:
            opened = self._socket = self._checked() or self._opened()
            for parcel in parcels:
                data = message(parcel.line, parcel.sent)
                opened.sendall(b"%d %b" % (len(data), data) if self._kind == "tcp" else data)
                taken += 1
        except OSError as exc:
            self.close()
            if exc.errno == errno.EMSGSIZE:
                raise NotTaken("too large for a message", only_this=True, taken=taken) from exc
            raise NotTaken(_told(exc), taken=taken) from exc

    def close(self) -> None:
        """Close the socket."""
        opened, self._socket = self._socket, None
        if opened is not None:
            opened.close()

    def _checked(self) -> socket.socket | None:
        """Return the open connection, unless the other side has closed it."""
        if self._socket is not None and self._kind == "tcp" and _is_closed(self._socket):
            self.close()
        return self._socket

    def _opened(self) -> socket.socket:
        if isinstance(self._address, tuple):
            if self._kind == "tcp":
                return socket.create_connection(self._address, _QUIET_S)
            family, *_, address = socket.getaddrinfo(*self._address, type=socket.SOCK_DGRAM)[0]
            made = socket.socket(family, socket.SOCK_DGRAM)
        else:
            address = self._address  # type: ignore[assignment]
            made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            made.settimeout(_QUIET_S)
            made.connect(address)
        except BaseException:
            made.close()
            raise
        return made


def _is_closed(opened: socket.socket) -> bool:
    """Say whether the other side has closed a connection."""
    opened.settimeout(0)  # with any other, Python waits for something to read, MSG_DONTWAIT or not
    try:
        return not opened.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:  # reset
        return True
    finally:
        opened.settimeout(_QUIET_S)


def message(line: bytes, sent: bytes) -> bytes:
    """Return an alert as a message of RFC 5424: its own time, its rule as MSGID, JSON as MSG.

    Args:
        line: the alert.
        sent: the JSON: the same, or another form of it.
    """
    alert = reread(line)
    time = utc(alert["time"])
    stamp = f"{time.replace(' ', 'T')}Z" if time else "-"
    host = _printable(socket.gethostname(), 255)
    head = f"<{_FACILITY * 8 + _LEVELS[alert['severity']]}>1 {stamp} {host} txalert {os.getpid()}"
    return f"{head} {_printable(alert['rule'], 32)} - \ufeff".encode() + sent


def _printable(text: str, most: int) -> str:
    """Return a header field: printable ASCII without spaces, ``-`` for nothing."""
    return re.sub(r"[^!-~]", "_", text)[:most] or "-"


def _told(exc: OSError) -> str:
    if isinstance(exc, TimeoutError):
        return "no connection in time"
    if isinstance(exc, socket.gaierror):
        return "no such host"
    return f"cannot be sent: {exc.strerror or type(exc).__name__}"
