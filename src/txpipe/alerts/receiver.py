"""What a receiver is: it takes alerts and says that it has, or why it has not."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Protocol
from urllib.parse import urlsplit

import msgspec

from txpipe.errors import TxpipeError, UsageFault

SEND_S = 60.0
"""Seconds that a receiver has to take what it is sent."""

AT_ONCE_BYTES = 16 << 20
"""Bytes of alerts after which no further one is read at once: some 15,000 of txdetect's."""

secret_names = {"TXALERT_SECRET", "TXALERT_TO"}
"""Variables of the environment that hold secrets; a route file names more. Commands do not inherit them."""


class ReceiverFault(UsageFault):
    """A receiver that was named in a way nobody can deliver to."""


class NotTaken(TxpipeError):
    """A receiver has not taken what it was sent.

    Attributes:
        wait_s: seconds for which it asked to be left alone; 0 if it did not say.
        only_this: it takes others, but refuses what is in the first that it has not taken.
        taken: so many, the first of those that were sent, it has taken.
    """

    def __init__(self, reason: str, wait_s: float = 0.0, *, only_this: bool = False, taken: int = 0) -> None:
        super().__init__(reason)
        self.wait_s = wait_s
        self.only_this = only_this
        self.taken = taken


class Parcel(msgspec.Struct, frozen=True, gc=False):
    """One alert on its way to one receiver.

    Attributes:
        key: what names this delivery however often it is tried: ``ID:REV`` of the alert.
        line: the alert as it came in, without its newline.
        since: Unix seconds from which on it has waited.
        tries: how often the receiver refused it.
        seq: its place in the spool.
        note: why it comes, for people; "" is because it is new.
        kin: names its group where the receiver's alerts are put together.
        shaped: the alert in the form that the receiver is to get; empty for as it came in.
    """

    key: str
    line: bytes
    since: float = 0.0
    tries: int = 0
    seq: int = 0
    note: str = ""
    kin: str = ""
    shaped: bytes = b""

    @property
    def sent(self) -> bytes:
        """What the receiver gets, without a newline."""
        return self.shaped or self.line


def at_once(parcels: Iterable[Parcel]) -> list[Parcel]:
    """Return the first of some alerts: one, and more while they are not too large together for the memory.

    Args:
        parcels: no more of them are read than are returned.
    """
    found: list[Parcel] = []
    size = 0
    for one in parcels:
        found.append(one)
        size += len(one.line)
        if size >= AT_ONCE_BYTES:
            break
    return found


class Receiver(Protocol):
    """Takes alerts, one call at a time.

    Attributes:
        name: what names it in messages and in the spool; it holds no secret, and stays the same.
        batch: alerts that it takes at once, at most.
        to_people: it makes one message of several alerts if it is sent several.
    """

    name: str
    batch: int
    to_people: bool

    def send(self, parcels: Sequence[Parcel]) -> None:
        """Deliver alerts; once this returns, the receiver has them.

        Raises:
            NotTaken: it has not, or not all of them.
        """

    def close(self) -> None:
        """Break off what is under way; called from another thread, at the end."""


def named(shown: str, url: str) -> str:
    """Return a receiver's name: what may be shown of its URL, and a digest that tells it from its like."""
    return f"{shown}#{hashlib.blake2b(url.encode('utf-8', 'surrogateescape'), digest_size=4).hexdigest()}"


def origin(url: str) -> str:
    """Return scheme, host and port of a URL: users, passwords, paths and queries may be secret.

    Raises:
        ReceiverFault: it has no host, or a port that is none.
    """
    scheme = url.partition(":")[0]
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        _look_up_name(parts.hostname or "")
    except ValueError:
        raise ReceiverFault(f"{scheme}: no URL: its host or port makes no sense") from None
    if not parts.hostname:
        raise ReceiverFault(f"{scheme}: no URL: it has no host; write {scheme}://HOST/PATH")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{port}"


def _look_up_name(host: str) -> bytes:
    """Return a host's name as a look-up writes it.

    Raises:
        ValueError: it is none, as "a..b" and "a b".
    """
    if " " in host or not host.isprintable():
        raise ValueError
    return host.encode("idna")


def shown(url: str) -> str:
    """Return what of a receiver's URL others may see: its scheme, a webhook's host, a file's path."""
    scheme = url.partition(":")[0]
    try:
        if scheme.lower() in {"http", "https"}:
            return origin(url)
    except ReceiverFault:
        pass
    return url if scheme in {"file", "syslog"} else f"{scheme}:"
