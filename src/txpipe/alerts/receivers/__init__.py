"""Where alerts go, one module a kind of receiver; ``opened`` finds the one that a URL names."""

from __future__ import annotations

import time
from collections.abc import Callable

from txpipe.alerts.receiver import Receiver, ReceiverFault
from txpipe.alerts.receivers.file import FileReceiver
from txpipe.alerts.receivers.webhook import Webhook


def opened(url: str, secret: bytes | None, now: Callable[[], float] = time.time) -> Receiver:
    """Return the receiver that a URL names; nothing is sent yet.

    Args:
        url: ``http:``, ``https:`` or ``file:``.
        secret: signs what webhooks are sent; None is unsigned.
        now: wall time, Unix seconds.

    Raises:
        ReceiverFault: no receiver is called so.
    """
    scheme, colon, rest = url.partition(":")
    kind = scheme.lower()
    if colon and kind in {"http", "https"}:
        return Webhook(url, secret, now)
    if colon and kind == "file":
        return FileReceiver(rest)
    raise ReceiverFault("a receiver is https://HOST/PATH, http://HOST/PATH or file:PATH")
