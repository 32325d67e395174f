"""Where the dashboard listens: an address that was bound before anything is read."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass

from txpipe.errors import UsageFault

BACKLOG = 128
"""Connections that wait to be taken."""


@dataclass(frozen=True, slots=True)
class Listening:
    """A bound socket.

    Attributes:
        socket: bound and listening: connections wait until they are served.
        host: the address that it is bound to.
        port: the port, also where a free one was asked for.
    """

    socket: socket.socket
    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return ipaddress.ip_address(self.host).is_loopback

    @property
    def url(self) -> str:
        """What to open in a browser on this machine."""
        host = self.host
        if ipaddress.ip_address(host).is_unspecified:
            host = "::1" if ":" in host else "127.0.0.1"
        return f"http://[{host}]:{self.port}/" if ":" in host else f"http://{host}:{self.port}/"


USUAL = "127.0.0.1:8377"


def listen_as_usual() -> Listening:
    """Bind the usual place, or a free port where somebody has that already."""
    try:
        return listen(USUAL)
    except UsageFault:
        return listen("127.0.0.1:0")


def listen(where: str) -> Listening:
    """Bind ``ADDRESS:PORT``, ``[ADDRESS]:PORT`` or ``PORT`` (on 127.0.0.1); port 0 is any that is free.

    Raises:
        UsageFault: it does not read, is none of this machine's, or is in use.
    """
    host, _, port = where.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    host = "127.0.0.1" if host == "localhost" else host
    try:
        family = socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET
        number = int(port)
    except ValueError as exc:
        raise UsageFault(f"--listen {where}: write ADDRESS:PORT, as in 127.0.0.1:8377, or off") from exc
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, number))
        bound.listen(BACKLOG)
    except (OSError, OverflowError) as exc:
        bound.close()
        reason = exc.strerror if isinstance(exc, OSError) else "no such port"
        raise UsageFault(f"--listen {where}: {reason}; port 0 takes one that is free") from exc
    return Listening(bound, host, bound.getsockname()[1])
